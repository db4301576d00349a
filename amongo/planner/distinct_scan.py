"""DISTINCT_SCAN: the different values of a field, one look into an index for each.

An index that begins with the field has its values side by side; from one value the scan goes on behind it. The filter
may say nothing beyond what bounds on that field prove. A missing field stands as null in an index, and an empty array
as undefined: of these two the documents are asked. Source: manual, distinct, "Index Use".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from amongo.engine.indexes import record_id_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.planner.bounds import Bounds, IndexShape, conditions, index_bounds, placed_predicates, whole_bounds
from amongo.planner.bounds.components import component_end
from amongo.planner.bounds.shape import has_places
from amongo.planner.implication import implies
from amongo.planner.index_facts import IndexFacts, planning_of
from amongo.planner.probe import Counts
from amongo.planner.query import CanonicalQuery
from amongo.planner.stages import IndexScanStage, Moment, moment_of
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, expand

Document = dict[str, Any]

_BEHIND = b"\xff"


class ValuesNotKept(Exception):
    """An entry does not say which value it stands for; the documents have to be read."""


@dataclass(frozen=True, slots=True, eq=False)
class DistinctScan:
    """A scan for the different values of a field.

    path    the field
    stage   the index, and the bounds on its first field
    """

    path: FieldPath
    stage: IndexScanStage

    def moment(self, store: Store, collection: Collection) -> Moment | None:
        """What it reads; None where the index is another one by now."""
        return moment_of(self.stage, store, collection)

    def values(self, moment: Moment, interrupt: Interrupt, counts: Counts | None = None) -> Iterator[Any]:
        """The values, each once, in the order of the index.

        errors   ValuesNotKept
        """
        facts = self.stage.facts
        entries, index = moment.entries[facts.name], facts.index
        is_inverted = facts.maker.directions[0] < 0
        for low, high in self.stage.bounds.route.ranges():
            place = low
            while (entry := entries.at_or_after(place)) is not None and entry < high:
                interrupt.check()
                if counts is not None:
                    counts.keys += 1
                end = component_end(entry, 0, is_inverted=is_inverted)
                place = entry[:end] + _BEHIND
                values = index.values_of(entry)
                if values is None:
                    raise ValuesNotKept
                if values[0] is None or type(values[0]) is Undefined:
                    yield from self._stored(entry[:end], values[0], moment, interrupt)
                else:
                    yield values[0]

    def _stored(self, key: bytes, value: Any, moment: Moment, interrupt: Interrupt) -> Iterator[Any]:
        """Null or undefined, if a document really has it."""
        wanted = key_bytes(value)
        entries = moment.entries[self.stage.facts.name]
        for entry in interrupt.watch(entries.between(key, key + _BEHIND)):
            raw = moment.view.record(record_id_of(entry))
            for found in () if raw is None else values_at(decode(raw), self.path):
                if key_bytes(found) == wanted:
                    yield found
                    return


def distinct_scan(
    query: CanonicalQuery, path: FieldPath, collection: Collection, allowed: Sequence[Any] | None
) -> DistinctScan | None:
    """The scan that finds the different values of a field among the documents of a query; None where no index does.

    allowed   the indexes that may be used, by name or key pattern; None for any
    """
    planning = planning_of(collection)
    is_special = query.near is not None or query.search is not None or query.is_natural or bool(query.hint)
    if planning is None or is_special or query.collator is not None or has_places(path.text):
        return None
    for facts in planning.usable(allowed):
        if facts.fields[0] == path.text and facts.is_ordered and facts.collator is None:
            shape = facts.shape
            bounds = _bounds(facts, shape, query)
            if bounds is not None:
                return DistinctScan(path, IndexScanStage(facts, bounds, False, shape))
    return None


def _bounds(facts: IndexFacts, shape: IndexShape, query: CanonicalQuery) -> Bounds | None:
    """The bounds on the first field that prove the whole filter; None where there are none."""
    if query.expression is None:
        return whole_bounds(shape) if facts.partial is None else None
    if facts.is_multikey or (facts.partial is not None and not implies(query.expression, facts.partial)):
        return None
    roots = conditions(query.expression)
    for found in index_bounds(shape, placed_predicates(query.expression, query.collator)):
        is_proved = all(any(root is each for each in found.proved) for root in roots)
        if found.is_complete and is_proved and all(field.intervals.is_everything for field in found.bounds.fields[1:]):
            return found.bounds
    return None


def values_at(document: Document, path: FieldPath) -> Iterator[Any]:
    """The values of one document; an array at the path stands for its elements, but not for theirs."""
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            yield from value
        elif value is not MISSING:
            yield value
