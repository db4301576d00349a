"""Which of the plans that can serve a query is run: the one that has the least to look at.

What a plan looks at is counted in the indexes as they are now, so the choice depends on what there is and on the query,
and on nothing that happened before. As on the server, a collection is scanned only where no index serves, and of equal
plans the one of the older index is taken. Source: manual, Query Plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from amongo.engine.indexes import EntriesView
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.mql.sort_keys import SortPattern
from amongo.planner.access import IndexedAccess
from amongo.planner.bounds import conditions
from amongo.planner.candidates import Question, candidates, hinted, whole_scans
from amongo.planner.covered import covered_fields
from amongo.planner.equalities import PointBounds, equality_accesses
from amongo.planner.id_index import IdIndex
from amongo.planner.index_facts import IndexFacts, Planning
from amongo.planner.plan_cache import CachedShape, ShapeKey, shape_key
from amongo.planner.query import CanonicalQuery
from amongo.planner.stages import IndexScanStage, Intersection, ScannedBounds, Union

# What things cost, in the time that it takes to look at one entry of an index.
_FETCH: Final = 2.0
_MATCH: Final = 12.0  # to decode a document and ask the filter
_SORT: Final = 16.0  # to decode a document and put it in its place
_DISTINCT: Final = 0.5
_INTERSECTED_LEAST: Final = 256  # entries: of fewer the documents are soon looked at
COST_OF_MATCH: Final = 1 + _FETCH + _MATCH
"""What it costs to find one document by an index and to ask the filter."""


UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Weighed:
    """A plan with what it costs.

    keys, documents   it looks at, about; UNKNOWN where it was the only one, so that nothing was counted
    cost              in the time that one entry of an index takes
    """

    access: IndexedAccess
    keys: int
    documents: int
    cost: float


class Census:
    """Counts entries of the indexes of a collection, as they are now."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._views: dict[str, EntriesView] = {}

    def estimate(self, facts: IndexFacts, bounds: ScannedBounds) -> int:
        """How many entries an index has within bounds, about."""
        view = self._views.get(facts.name)
        if view is None:
            with self._store.lock:
                if isinstance(facts.index, IdIndex):
                    return bounds.estimate(facts.index.view(in_order=False))
                view = self._views[facts.name] = facts.index.view()
        return bounds.estimate(view)

    def of(self, access: IndexedAccess) -> int:
        """How many entries an access looks at, about."""
        return sum(self.estimate(scan.facts, scan.bounds) for scan in access.stage.scans)


def choose(
    query: CanonicalQuery,
    sort: SortPattern | None,
    collection: Collection,
    store: Store,
    planning: Planning,
    indexes: Sequence[IndexFacts],
    *,
    weighs_all: bool = False,
) -> list[Weighed]:
    """The plans by indexes that can serve a query, the best first; none where no index serves it.

    sort         the order that is asked for
    planning     what is known of the indexes of the collection
    indexes      those that may be used
    weighs_all   for explain: nothing is taken without being weighed against the others, and nothing is kept
    """
    census = Census(store)
    expression = query.expression
    may_keep = expression is not None and indexes is planning.indexes and not weighs_all
    key: ShapeKey | None = None
    if may_keep and expression is not None:
        quick = equality_accesses(expression, planning) if sort is None else None
        if quick is not None:
            best = None if query.projection_spec else next((each for each in quick if _is_perfect(each, sort)), None)
            if best is not None:
                return [Weighed(best, UNKNOWN, UNKNOWN, 0.0)]
            return _weighed(quick, query, sort, collection, census)
        key = shape_key(expression, sort, query.collator)
        known = planning.cache.find(key)
        if known is not None and known.best is not None and not query.projection_spec:
            question = _question(query, sort, (known.best,), census)
            best = next((each for each in candidates(question) if _is_perfect(each, sort)), None)
            if best is not None:
                return [Weighed(best, UNKNOWN, UNKNOWN, 0.0)]
    by_id = planning.by_id if indexes is planning.indexes else None
    question = _question(query, sort, indexes, census, by_id)
    found = list(candidates(question))
    if sort is not None and not any(each.gives_sort for each in found):
        found += whole_scans(question)
    weighed = _weighed(found, query, sort, collection, census)
    if key is not None and len(weighed) > 1:
        _keep(key, weighed[0], query, sort, planning)
    return weighed


def _question(
    query: CanonicalQuery,
    sort: SortPattern | None,
    indexes: Sequence[IndexFacts],
    census: Census,
    by_id: IndexFacts | None = None,
) -> Question:
    roots = conditions(query.expression)
    return Question(query.expression, roots, sort, query.collator, indexes, census.estimate, by_id)


def _is_perfect(access: IndexedAccess, sort: SortPattern | None) -> bool:
    """Whether nothing can be better: the entries that it looks at are the result, side by side and in order."""
    scan = access.single
    if scan is None or access.residual or scan.facts.is_multikey:
        return False
    return (sort is None or access.gives_sort) and (type(scan.bounds) is PointBounds or scan.bounds.route.count == 1)


def _keep(key: ShapeKey, best: Weighed, query: CanonicalQuery, sort: SortPattern | None, planning: Planning) -> None:
    """Remember what a shape was served by; where that is perfect, other queries of the shape need not look further."""
    if planning.cache.find(key) is not None:
        return
    facts = best.access.single.facts if best.access.single is not None and _is_perfect(best.access, sort) else None
    shape = CachedShape(
        facts, query.filter or {}, query.sort_spec, query.projection_spec, query.collator, best.keys + best.documents
    )
    planning.cache.keep(key, shape)


def choose_hinted(
    query: CanonicalQuery, sort: SortPattern | None, collection: Collection, store: Store, facts: IndexFacts
) -> list[Weighed]:
    """The plans by the index that a hint names, the best first; parameters as for `choose`.

    errors   NO_QUERY_SOLUTIONS
    """
    census = Census(store)
    question = _question(query, sort, (facts,), census)
    return _weighed(hinted(question, facts, collection.namespace), query, sort, collection, census)


def _weighed(
    found: list[IndexedAccess], query: CanonicalQuery, sort: SortPattern | None, collection: Collection, census: Census
) -> list[Weighed]:
    """The plans with what they cost, the best first."""
    if not found:
        return []
    if len(found) == 1 and query.id_keys is None and query.id_bounds is None and not query.id_direction:
        return [Weighed(found[0], UNKNOWN, UNKNOWN, 0.0)]
    both = None if sort is not None else _intersection(found, census, collection.count)
    counted = [census.of(each) for each in found]
    result = max(min(counted), 1)
    if both is not None:
        found, counted = [*found, both], [*counted, census.of(both)]
    weighed = [_weigh(each, count, result, query, sort, collection) for each, count in zip(found, counted, strict=True)]
    return sorted(weighed, key=lambda each: (each.cost, not _is_perfect(each.access, sort)))


def _weigh(
    access: IndexedAccess,
    keys: int,
    result: int,
    query: CanonicalQuery,
    sort: SortPattern | None,
    collection: Collection,
) -> Weighed:
    """What a plan costs.

    keys     entries in its bounds
    result   documents that the filter finds, at most
    """
    is_blocking = sort is not None and not access.gives_sort
    documents = min(keys, collection.count)
    if isinstance(access.stage, Intersection):
        documents = result * max(keys - result, 0) // max(collection.count, 1)
    if query.limit and not is_blocking:
        # The matches lie anywhere among what is looked at.
        share = min((query.skip + query.limit) / result, 1.0)
        keys, documents = _part(keys, share), _part(documents, share)
    if query.projection_spec and covered_fields(with_order(query, sort, access), access) is not None:
        documents = 0
    cost = keys + documents * (_MATCH + _FETCH if access.residual else _FETCH)
    if isinstance(access.stage, Union):
        cost += keys * _DISTINCT
    if is_blocking:
        cost += min(result, documents) * _SORT
    return Weighed(access, keys, documents, cost)


def _part(count: int, share: float) -> int:
    return min(int(count * share) + 1, count)


def _intersection(found: list[IndexedAccess], census: Census, count: int) -> IndexedAccess | None:
    """The records that two indexes both find by one key each; None where it does not pay.

    Where both find many, to read their entries costs less than to fetch and match the documents of one.

    count   of the documents of the collection
    """
    by_index: dict[str, tuple[int, IndexScanStage, IndexedAccess]] = {}
    for each in found:
        scan = each.single
        if scan is not None and each.residual and all(field.intervals.is_point for field in scan.bounds.fields):
            by_index.setdefault(scan.facts.name, (census.of(each), scan, each))
    if len(by_index) < 2:
        return None
    (fewer, first, one), (more, second, other) = sorted(by_index.values(), key=itemgetter(0))[:2]
    both = fewer * more // max(count, 1)
    if fewer < _INTERSECTED_LEAST or fewer * (_FETCH + _MATCH) <= 2 * (fewer + more + both * (_FETCH + _MATCH)):
        return None
    residual = tuple(each for each in one.residual if any(each is left for left in other.residual))
    return IndexedAccess(Intersection((first, second)), residual)


def with_order(query: CanonicalQuery, sort: SortPattern | None, chosen: IndexedAccess) -> CanonicalQuery:
    """The query with the sort that is left to do."""
    left = None if chosen.gives_sort else sort
    if left is query.sort and not query.id_direction:
        return query
    return replace(query, sort=left, id_direction=0)
