"""The scan of bounds: what it looks at, and what an estimate says of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.indexes import entry_of, key_of, record_id_of
from amongo.mql.index_keys import key_maker
from amongo.mql.matcher import parse_filter
from amongo.planner.bounds import Bounds, index_bounds, index_shape, placed_predicates
from amongo.runtime.interrupts import Interrupt, OperationInterrupted

Document = dict[str, Any]


class View:
    """Entries in a list; it counts how often it is asked."""

    def __init__(self, entries: list[bytes]) -> None:
        self._entries = sorted(entries)
        self.asked = 0

    def __len__(self) -> int:
        return len(self._entries)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        self.asked += 1
        return iter(self._entries[bisect_left(self._entries, low) : bisect_left(self._entries, high)])

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        return iter(list(self.between(low, high))[::-1])

    def count_between(self, low: bytes, high: bytes) -> int:
        self.asked += 1
        return bisect_left(self._entries, high) - bisect_left(self._entries, low)


class Counts:
    def __init__(self) -> None:
        self.keys = self.seeks = 0


def built(key: Document, values: list[tuple[Any, ...]], filter: Document) -> tuple[View, Bounds]:
    """A view of the keys of these values, whose record ids are their places; and the bounds of a filter."""
    definition = {"v": 2, "name": "x", "key": key}
    maker = key_maker(definition)
    shape = index_shape(definition, maker.directions, maker.collators, is_multikey=False)
    (way,) = index_bounds(shape, placed_predicates(parse_filter(filter)))
    return View([entry_of(maker.key(each), place) for place, each in enumerate(values)]), way.bounds


NUMBERS = [(number,) for number in range(10)]
PAIRS = [(first, second) for first in range(5) for second in range(5)]

# (case, key pattern, values, filter, what is found, keys looked at, seeks)
COUNTED: list[tuple[str, Document, list[tuple[int, ...]], Document, int, int, int]] = [
    ("one range", {"a": 1}, NUMBERS, {"a": {"$gte": 2, "$lt": 5}}, 3, 3, 1),
    ("one key", {"a": 1}, NUMBERS, {"a": 7}, 1, 1, 1),
    ("no key", {"a": 1}, NUMBERS, {"a": 77}, 0, 0, 1),
    ("nothing", {"a": 1}, NUMBERS, {"a": {"$in": []}}, 0, 0, 0),
    ("several keys", {"a": 1}, NUMBERS, {"a": {"$in": [1, 5]}}, 2, 4, 2),
    ("neighbours", {"a": 1}, NUMBERS, {"a": {"$in": [1, 2]}}, 2, 3, 1),
    ("the last key", {"a": 1}, NUMBERS, {"a": {"$in": [1, 9]}}, 2, 3, 2),
    ("two ranges", {"a": 1}, NUMBERS, {"a": {"$ne": 5}}, 9, 10, 2),
    ("a range in a field", {"a": 1, "b": 1}, PAIRS, {"a": 2, "b": {"$gte": 3}}, 2, 2, 1),
    ("the second field", {"a": 1, "b": 1}, PAIRS, {"a": {"$gte": 3}, "b": 2}, 2, 5, 4),
    ("the second field alone", {"a": 1, "b": 1}, PAIRS, {"b": 0}, 5, 10, 6),
]


@pytest.mark.parametrize(
    ("key", "values", "filter", "found", "keys", "seeks"), [case[1:] for case in COUNTED], ids=[c[0] for c in COUNTED]
)
def test_counts_are_those_of_a_server(
    key: Document, values: list[tuple[int, ...]], filter: Document, found: int, keys: int, seeks: int
) -> None:
    view, bounds = built(key, values, filter)
    counts = Counts()
    assert len(list(bounds.scan(view, counts=counts))) == found
    assert (counts.keys, counts.seeks) == (keys, seeks)
    backward = Counts()
    assert len(list(bounds.scan(view, is_backward=True, counts=backward))) == found
    assert abs(backward.keys - keys) <= 1  # at the end the index ends, where a key stood behind the bounds


def test_one_range_is_one_look() -> None:
    view, bounds = built({"a": 1, "b": -1}, PAIRS, {"a": 2, "b": {"$gt": 1}})
    assert [record_id_of(entry) for entry in bounds.scan(view)] == [14, 13, 12]
    assert view.asked == 1


def test_a_long_list_in_a_small_index_goes_by_the_entries() -> None:
    view, bounds = built({"a": 1}, NUMBERS, {"a": {"$in": list(range(0, 10_000, 2))}})
    assert [record_id_of(entry) for entry in bounds.scan(view)] == [0, 2, 4, 6, 8]
    assert view.asked < 10


def test_a_scan_that_finds_nothing_can_be_ended() -> None:
    pairs = [(number, 0) for number in range(200)]
    view, bounds = built({"a": 1, "b": 1}, pairs, {"a": {"$gte": 0}, "b": 1})
    interrupt = Interrupt()
    interrupt.stop()
    with pytest.raises(OperationInterrupted):
        list(bounds.scan(view, interrupt=interrupt))


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ({"a": 3}, 5),
        ({"a": {"$gte": 3}}, 10),
        ({"a": {"$in": [0, 4]}}, 10),
        ({"a": 1, "b": {"$in": [0, 1]}}, 2),
        ({"b": 1}, 25),
        ({"a": {"$in": []}}, 0),
        ({"a": {"$ne": 0}}, 20),
    ],
)
def test_an_estimate_counts_the_ranges(filter: Document, count: int) -> None:
    view, bounds = built({"a": 1, "b": 1}, PAIRS, filter)
    assert bounds.estimate(view) == count


def test_an_estimate_of_many_ranges_looks_at_some() -> None:
    view, bounds = built({"a": 1}, [(number,) for number in range(1000)], {"a": {"$in": list(range(0, 1000, 2))}})
    assert 400 <= bounds.estimate(view) <= 600
    assert view.asked <= 32


FIELDS = st.lists(st.integers(0, 3), min_size=3, max_size=3).map(tuple)
CONDITIONS = (
    st.integers(0, 3)
    | st.lists(st.integers(0, 3), max_size=3).map(lambda values: {"$in": values})
    | st.integers(0, 3).map(lambda value: {"$gt": value})
    | st.integers(0, 3).map(lambda value: {"$ne": value})
)


@given(
    st.lists(FIELDS, max_size=40),
    st.dictionaries(st.sampled_from("abc"), CONDITIONS, min_size=1),
    st.tuples(*[st.sampled_from([1, -1])] * 3),
)
def test_every_way_through_finds_the_same(values: list[Any], filter: Document, directions: tuple[int, ...]) -> None:
    view, bounds = built(dict(zip("abc", directions, strict=True)), values, filter)
    matches = parse_filter(filter).bind()
    expected = {place for place, each in enumerate(values) if matches(dict(zip("abc", each, strict=True)))}
    entries = list(bounds.scan(view))
    assert entries == sorted(entries) and set(map(record_id_of, entries)) == expected
    assert list(bounds.scan(view, counts=Counts())) == entries
    assert list(bounds.scan(view, is_backward=True)) == entries[::-1]
    assert list(bounds.scan(view, is_backward=True, counts=Counts())) == entries[::-1]
    assert bounds.estimate(view) >= len(entries)
    assert [entry for entry in view.between(b"", b"\xff") if bounds.route.holds(key_of(entry))] == entries
