"""The search for what is near: a query with `$near` or `$nearSphere` has its documents by their distance.

Such a query needs a geospatial index and may stand in a filter once, at its top. The index gives what lies in a circle
round the point, and in larger and larger ones; what is measured to be within the circle is found, in its order, for
nothing nearer can come any more. Source: manual, $near, $nearSphere.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.errors import geo as errors
from amongo.mql.geo.near import Measured, NearQuery
from amongo.mql.geo.near_index import SPHERE, near_index
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.matcher.geospatial import Near, near_nodes
from amongo.mql.matcher.joins import And, conjunction
from amongo.planner.index_facts import IndexFacts, planning_of
from amongo.planner.index_scan import find_hinted
from amongo.planner.near_rings import Rings
from amongo.planner.probe import Probe
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode

Document = dict[str, Any]


def check_near(expression: MatchExpression, *, is_natural_sort: bool, is_natural_hint: bool) -> Near | None:
    """The one `$near` of a filter; None without one.

    errors   NEAR_TWICE, NEAR_WITH_TEXT, NEAR_NESTED, NEAR_NATURAL_SORT, NEAR_NATURAL_HINT
    """
    found = near_nodes(expression)
    if not found:
        return None
    if len(found) > 1:
        raise errors.NEAR_TWICE()
    if is_natural_sort:
        raise errors.NEAR_NATURAL_SORT()
    if is_natural_hint:
        raise errors.NEAR_NATURAL_HINT()
    if any(part.operator == "$text" for part in _everywhere(expression)):
        raise errors.NEAR_WITH_TEXT()
    if not any(part is found[0] for part in _conjuncts(expression)):
        raise errors.NEAR_NESTED()
    return found[0]


def _conjuncts(expression: MatchExpression) -> tuple[MatchExpression, ...]:
    """The conditions that a filter joins at its top."""
    if type(expression) is And:
        return tuple(part for child in expression.operand for part in _conjuncts(child))
    if expression.operator == "$or" and len(expression.children) == 1:
        return _conjuncts(expression.children[0])
    return (expression,)


def _everywhere(expression: MatchExpression) -> Iterator[MatchExpression]:
    yield expression
    for child in expression.children:
        yield from _everywhere(child)


@dataclass(frozen=True, slots=True)
class NearScan:
    """A search for what is near.

    stage     "GEO_NEAR_2DSPHERE" or "GEO_NEAR_2D"
    near      the question
    facts     the index that serves it
    rest      of the filter; None for nothing
    matches   the same, bound
    """

    stage: str
    near: NearQuery
    facts: IndexFacts
    rest: MatchExpression | None
    matches: Callable[[Document], bool] | None

    def records(
        self, store: Store, collection: Collection, interrupt: Interrupt, probe: Probe | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of what is found, the nearest first; of two as near, the earlier record."""
        counts = None if probe is None else probe.of(self)
        rings = Rings(self.facts, self.near, self.rest, store, collection, counts)
        seen: set[int] = set()
        waiting: list[tuple[float, tuple[int, bytes]]] = []
        for reach, records in rings.all(interrupt):
            for record in interrupt.watch(records):
                if record[0] not in seen:
                    seen.add(record[0])
                    if counts is not None:
                        counts.docs += 1
                    meters = self._distance(record[1])
                    if meters is not None:
                        heapq.heappush(waiting, (meters, record))
            while waiting and waiting[0][0] <= reach:
                yield heapq.heappop(waiting)[1]

    def _distance(self, raw: bytes) -> float | None:
        """How far a document is; None for one that is not wanted."""
        document = decode(raw)
        if self.matches is not None and not self.matches(document):
            return None
        measured = self.near.measure(document)
        return None if measured is None else measured.meters

    def measure(self, document: Document) -> Measured | None:
        """How far the place of a document is that is nearest."""
        return self.near.measure(document)


def near_scan(near: Near, expression: MatchExpression, collection: Collection, hint: Any) -> NearScan:
    """The search that a filter with a `$near` asks for.

    errors   NEAR_WITHOUT_INDEX, NEAR_OUTSIDE_INDEX
    """
    rest = [part for part in _conjuncts(expression) if part is not near]
    indexes: Mapping[str, Mapping[str, Any]] = collection.indexes
    if hint:
        hinted = find_hinted(indexes, hint)
        indexes = {} if hinted is None else {hinted["name"]: hinted}
    others = conjunction(rest) if rest else None
    matches = None if others is None else others.bind()
    while True:
        name = serving_index(collection.namespace, indexes, near.operand, rest)["name"]
        found = search(collection, near.operand, name, others, matches)
        if found is not None:
            return found
        indexes = {each: definition for each, definition in indexes.items() if each != name}  # it was dropped just now


def search(
    collection: Collection,
    near: NearQuery,
    index_name: str,
    rest: MatchExpression | None,
    matches: Callable[[Document], bool] | None,
) -> NearScan | None:
    """The search by the index of this name; None if there is no such index by now.

    rest      what narrows the search beside the distance; None for nothing
    matches   what a document has to pass
    """
    planning = planning_of(collection)
    for facts in () if planning is None else planning.indexes:
        if facts.name == index_name:
            kind = "2DSPHERE" if facts.definition["key"][near.path.text] == SPHERE else "2D"
            return NearScan(f"GEO_NEAR_{kind}", near, facts, rest, matches)
    return None


def serving_index(
    namespace: str, indexes: Mapping[str, Mapping[str, Any]], near: NearQuery, rest: list[MatchExpression]
) -> Mapping[str, Any]:
    """The index that serves a question, beside the conditions of the rest of a filter.

    errors   NEAR_WITHOUT_INDEX, NEAR_OUTSIDE_INDEX
    """
    conditions = [part for each in rest for part in _conjuncts(each)]
    implied = [name for name, definition in indexes.items() if _implies(conditions, definition)]
    paths = {part.path for part in conditions if part.path is not None}
    return near_index(namespace, indexes, near, paths, implied)


def _implies(rest: list[MatchExpression], definition: Any) -> bool:
    """Whether a filter lets through nothing but what a partial index has: it says all that the index says."""
    partial = definition.get("partialFilterExpression")
    return partial is not None and all(part in rest for part in _conjuncts(parse_filter(partial)))
