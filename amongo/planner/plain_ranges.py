"""The plan of a find whose conditions an index has side by side, found from the filter as it was written.

`{a: 5}`, `{m: {$gte: 10, $lt: 30}}`, `{a: 5, b: {$gt: "x"}}`: plain values, and one range of entries that has the
documents and no others. Nothing is parsed, weighed or proved for these; what the general way would choose is chosen
here too, and whatever is out of the ordinary goes the general way. Source: manual, Query Plans; Multikey Index Bounds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.engine.indexes import record_ids_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.planner.bounds import IndexShape, Interval, OrderedIntervals
from amongo.planner.bounds.extents import EXTENTS
from amongo.planner.bounds.intervals import BEHIND, Edge, high_edge, low_edge
from amongo.planner.id_index import IdIndex
from amongo.planner.index_facts import IndexFacts, Planning, planning_of
from amongo.planner.stages import once
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.order import canonical_class

Tests = tuple[tuple[str, Any], ...]
"""(operator, value) of what is asked of one field."""

_PLAIN: Final = frozenset({int, str, float, ObjectId, bool, Int64, DatetimeMS})
_OPERATORS: Final = frozenset({"$eq", "$gt", "$gte", "$lt", "$lte"})


class PlainRange:
    """The entries of one index from a place to another: the result of a filter, whole and in the order of the index.

    facts       the index
    shape       that of the index for which the range was found
    low, high   low <= entry < high
    """

    __slots__ = ("collection", "facts", "high", "low", "shape")

    def __init__(self, collection: Collection, facts: IndexFacts, shape: IndexShape, low: bytes, high: bytes) -> None:
        self.collection = collection
        self.facts = facts
        self.shape = shape
        self.low = low
        self.high = high

    def documents(self, store: Store, skip: int = 0, limit: int = 0) -> Iterator[bytes] | None:
        """The documents' bytes, as they are now; None where the index has become multikey since, or is gone.

        limit   documents at most; 0 for all
        """
        collection, facts = self.collection, self.facts
        with store.lock:
            planning, index = planning_of(collection), facts.index
            if planning is None or facts not in planning.indexes or facts.shape is not self.shape:
                return None
            assert not isinstance(index, IdIndex)
            entries, view = index.view(), collection.view()
            if (definition := collection.indexes.get(facts.name)) is not None:
                collection.uses.count_index(definition)
        record_ids = record_ids_of(entries.between(self.low, self.high))
        found = view.documents_of(once(record_ids, None) if facts.is_multikey else record_ids, limit and skip + limit)
        if skip or limit:
            stop = min(skip + limit, sys.maxsize) if limit else None
            return islice(found, min(skip, sys.maxsize), stop)
        return found


def plain_range(filter: Mapping[str, Any], collection: Collection) -> PlainRange | None:
    """The range of entries that a find by this filter, and by nothing else, looks at; None for another filter, or
    where the general way has more to say."""
    planning = planning_of(collection)
    if planning is None or planning.has_special or collection.collator is not None:
        return None
    asked = _asked(filter)
    if asked is None:
        return None
    found = _index(asked, planning)
    if found is None:
        return None
    shape = found.shape
    if shape.is_multikey and (len(asked) > 1 or not _is_point(next(iter(asked.values())))):
        return None  # elements that have to be told from each other
    place = entries_of(found, asked)
    return None if place is None else PlainRange(collection, found, shape, *place)


def _asked(filter: Mapping[str, Any]) -> dict[str, Tests] | None:
    """What a filter asks of each field; None where it asks more than comparisons with plain values, or of `_id`."""
    found: dict[str, Tests] = {}
    for name, operand in filter.items():
        if name == "_id" or name.startswith("$"):
            return None
        if type(operand) in _PLAIN:
            tests: Tests = (("$eq", operand),)
        elif type(operand) is dict and operand:
            tests = tuple(operand.items())
        else:
            return None
        for operator, value in tests:
            if operator not in _OPERATORS or type(value) not in _PLAIN or value != value:
                return None
        found[name] = tests
    return found or None


def _index(asked: Mapping[str, Tests], planning: Planning) -> IndexFacts | None:
    """The index that serves the filter so that nothing can be better; None where that has to be weighed."""
    by_first = planning.by_first
    if len(asked) == 1:
        (path,) = asked
        candidates = by_first.get(path, ())
    else:
        candidates = [each for path in asked for each in by_first.get(path, ())]
    for each in candidates:
        if each.partial is not None or not each.is_ordered or each.collator is not None:
            return None
    if len(candidates) == 1:
        return candidates[0]
    if not all(map(_is_point, asked.values())):
        return None
    best: IndexFacts | None = None
    for each in candidates:
        bounded = sum(field in asked for field in each.fields)
        if each.is_multikey or not all(field in asked for field in each.fields[:bounded]):
            return None
        if bounded == len(asked) and (best is None or each.number < best.number):
            best = each
    return best


def entries_of(facts: IndexFacts, asked: Mapping[str, Tests]) -> tuple[bytes, bytes] | None:
    """(low, high) of the entries of an index that have what is asked; None where these are not one range, or are none,
    or where there is more to ask."""
    fields, directions, last = facts.fields, facts.maker.directions, len(asked) - 1
    if last >= len(fields):
        return None
    prefix = b""
    for number in range(last):
        tests = asked.get(fields[number])
        if tests is None or not _is_point(tests):
            return None
        key = key_bytes(tests[0][1])
        prefix += key if directions[number] > 0 else descending(key)
    tests = asked.get(fields[last])
    if tests is None:
        return None
    if _is_point(tests):
        key = key_bytes(tests[0][1])
        prefix += key if directions[last] > 0 else descending(key)
        return prefix, prefix + BEHIND
    interval = _interval(tests)
    if interval is None:
        return None
    if directions[last] > 0:
        return prefix + interval.low.at, prefix + interval.high.at
    ((start, stop, _),) = OrderedIntervals((interval,)).ranges(directions[last])
    return prefix + start, prefix + stop


def _is_point(tests: Tests) -> bool:
    return len(tests) == 1 and tests[0][0] == "$eq"


def _interval(tests: Tests) -> Interval | None:
    """The values that pass inequalities within one bracket of types; None where there are none."""
    bracket = canonical_class(tests[0][1])
    low, high = EXTENTS[bracket]
    for operator, value in tests:
        if canonical_class(value) != bracket:
            return None
        edge: Edge
        if operator in ("$gte", "$gt"):
            edge = low_edge(value, is_inclusive=operator == "$gte")
            low = edge if edge.at >= low.at else low
        elif operator in ("$lte", "$lt"):
            edge = high_edge(value, is_inclusive=operator == "$lte")
            high = edge if edge.at <= high.at else high
        else:
            return None
    return Interval(low, high) if low.at < high.at else None
