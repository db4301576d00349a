"""The indexes that can serve a query, each with what it has to look at: what the planner weighs.

A candidate is one index with its bounds; or several, where the branches of a `$or` are served each by its own. An index
that is partial serves what lies within its filter, a sparse one what is not missing. Source: manual, Query Plans, $or,
"$or Clauses and Indexes"; Partial Indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from amongo.errors import query as errors
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.joins import conjunction
from amongo.mql.sort_keys import SortPattern
from amongo.planner.access import IndexedAccess
from amongo.planner.bounds import (
    Bounds,
    IndexBounds,
    IndexShape,
    conditions,
    index_bounds,
    placed_predicates,
    whole_bounds,
)
from amongo.planner.implication import implies
from amongo.planner.index_facts import IndexFacts
from amongo.planner.orders import gives_order, single_prefixes
from amongo.planner.stages import Branch, BranchFetch, IndexScanStage, Merge, Union
from amongo.runtime.limits import EXPLODED_SCANS
from amongo.values.order import Collator


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the indexes of a collection.

    expression   the filter's tree; None for no filter
    roots        its conditions, all of which must hold
    sort         the order that is asked for; None for none
    collator     of the query
    indexes      those that may be used
    estimate     how many entries an index has within bounds, about
    by_id        the index on `_id`, which serves branches of a `$or`; None where there is none
    """

    expression: MatchExpression | None
    roots: tuple[MatchExpression, ...]
    sort: SortPattern | None
    collator: Collator | None
    indexes: Sequence[IndexFacts]
    estimate: Callable[[IndexFacts, Bounds], int]
    by_id: IndexFacts | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """One index with bounds that find all that a filter finds.

    shape   of the index, for which the bounds are
    found   the bounds, and what they prove
    """

    facts: IndexFacts
    shape: IndexShape
    found: IndexBounds


def candidates(question: Question) -> Iterator[IndexedAccess]:
    """The ways to serve a question by its filter, in the order of the indexes; then those of its `$or`s."""
    for served in served_by(question.expression, question):
        yield from _ordered(served, question)
    for root in question.roots:
        if root.operator == "$or" and len(root.children) > 1:
            yield from _unions(root, question)


def served_by(
    expression: MatchExpression | None, question: Question, more: Sequence[IndexFacts] = ()
) -> Iterator[Served]:
    """The indexes that can serve a filter, with each way to bound them.

    more   indexes beside those of the question
    """
    if expression is None:
        return
    placed = placed_predicates(expression, question.collator)
    paths = {each.path for each in placed}
    for facts in (*question.indexes, *more):
        first = facts.fields[0]
        if first not in paths and not first.endswith("$**"):
            continue
        if facts.partial is not None and not implies(expression, facts.partial):
            continue
        shape = facts.shape
        for found in index_bounds(shape, placed):
            if found.bounds_first and found.is_complete:
                yield Served(facts, shape, found)


def hinted(question: Question, facts: IndexFacts, namespace: str) -> list[IndexedAccess]:
    """The ways to answer by the index that a hint names: between bounds where the filter gives some, else as a whole.

    What the index leaves out, being sparse or partial, is not found.

    errors   NO_QUERY_SOLUTIONS for a wildcard index that does not serve the filter
    """
    shape = facts.shape
    found: list[IndexedAccess] = []
    if question.expression is not None:
        for each in index_bounds(shape, placed_predicates(question.expression, question.collator)):
            if each.bounds_first and (each.is_complete or not facts.is_sparse):
                found.extend(_ordered(Served(facts, shape, each), question))
    if found:
        return found
    if shape.wildcard == 0:
        raise errors.NO_QUERY_SOLUTIONS(namespace=namespace)
    bounds = whole_bounds(shape)
    direction = 0 if question.sort is None else gives_order(shape, bounds, question.sort, question.collator)
    scan = IndexScanStage(facts, bounds, direction < 0, shape)
    return [IndexedAccess(scan, question.roots, gives_sort=bool(direction))]


def whole_scans(question: Question) -> Iterator[IndexedAccess]:
    """The scans of whole indexes that give the order that is asked for."""
    assert question.sort is not None
    for facts in question.indexes:
        if not facts.is_ordered or facts.is_sparse:
            continue
        if facts.partial is not None and (
            question.expression is None or not implies(question.expression, facts.partial)
        ):
            continue
        shape = facts.shape
        bounds = whole_bounds(shape)
        direction = gives_order(shape, bounds, question.sort, question.collator)
        if direction:
            scan = IndexScanStage(facts, bounds, direction < 0, shape)
            yield IndexedAccess(scan, question.roots, gives_sort=True)


def _ordered(served: Served, question: Question) -> Iterator[IndexedAccess]:
    """One index: forwards or backwards, as the sort pattern asks; or its prefixes merged into that order."""
    facts, found = served.facts, served.found
    residual = tuple(root for root in question.roots if not _is_among(root, found.proved))
    scan = IndexScanStage(facts, found.bounds, shape=served.shape)
    if question.sort is None:
        yield IndexedAccess(scan, residual)
        return
    direction = gives_order(served.shape, found.bounds, question.sort, question.collator)
    if direction:
        yield IndexedAccess(scan if direction > 0 else scan.backward(), residual, gives_sort=True)
        return
    merge = _merged(served, question.sort, question.collator)
    if merge is not None:
        yield IndexedAccess(merge, residual, gives_sort=True)
    yield IndexedAccess(scan, residual)


def _merged(served: Served, sort: SortPattern, collator: Collator | None) -> Merge | None:
    """The scans of the single values that stand before the sorted fields of an index; None where this gives no order.

    Source: manual, Sort and Index Use, "Sort and Non-prefix Subset of an Index".
    """
    parts = single_prefixes(served.found.bounds, sort, EXPLODED_SCANS)
    if len(parts) < 2:
        return None
    direction = gives_order(served.shape, parts[0], sort, collator)
    if not direction:
        return None
    return Merge(tuple(IndexScanStage(served.facts, part, direction < 0, served.shape) for part in parts))


def _unions(root: MatchExpression, question: Question) -> Iterator[IndexedAccess]:
    """A `$or` each of whose branches an index serves; the conditions beside it bound the branches as well."""
    others = tuple(each for each in question.roots if each is not root)
    branches: list[Branch] = []
    for child in root.children:
        branch = _branch(child, others, question)
        if branch is None:
            return
        branches.append(branch)
    residual = others
    scans = [branch for branch in branches if isinstance(branch, IndexScanStage)]
    sort = question.sort
    if sort is not None and len(scans) == len(branches):
        directions = {gives_order(scan.facts.shape, scan.bounds, sort, question.collator) for scan in scans}
        if directions == {1} or directions == {-1}:
            ordered = scans if directions == {1} else [scan.backward() for scan in scans]
            if _have_one_rest(ordered, sort):
                yield IndexedAccess(Merge(tuple(ordered)), residual, gives_sort=True)
                return
    yield IndexedAccess(Union(tuple(branches), root), residual)


def _branch(child: MatchExpression, others: tuple[MatchExpression, ...], question: Question) -> Branch | None:
    """The scan of one branch, of several the one that looks at the fewest entries; None where no index serves it."""
    own = conditions(child)
    best: tuple[int, Served] | None = None
    more = () if question.by_id is None else (question.by_id,)
    for served in served_by(conjunction((child, *others)), question, more):
        if not any(_is_among(each.root, own) for of_field in served.found.bounded for each, _ in of_field):
            continue
        keys = question.estimate(served.facts, served.found.bounds)
        if best is None or keys < best[0]:
            best = (keys, served)
    if best is None:
        return None
    served = best[1]
    scan = IndexScanStage(served.facts, served.found.bounds, shape=served.shape)
    residual = tuple(each for each in own if not _is_among(each, served.found.proved))
    return BranchFetch(scan, residual, conjunction(residual).bind()) if residual else scan


def _have_one_rest(scans: Sequence[IndexScanStage], sort: SortPattern) -> bool:
    """Whether the entries of several scans, without what each has in front, compare by the sort pattern's values."""
    wanted = [".".join(path) for path in sort.paths]
    directions = set()
    for scan in scans:
        rest = list(dropwhile(lambda field: field.intervals.is_point, scan.bounds.fields))[: len(wanted)]
        if [field.name for field in rest] != wanted:
            return False
        directions.add(tuple(field.direction for field in rest))
    return len(directions) == 1


def _is_among(node: MatchExpression, nodes: Sequence[MatchExpression]) -> bool:
    return any(each is node for each in nodes)
