"""Intervals as sets of values; and where the keys of single values end."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from amongo.planner.bounds.components import component_end
from amongo.planner.bounds.intervals import (
    EVERYTHING,
    NOTHING,
    Interval,
    OrderedIntervals,
    high_edge,
    low_edge,
    ordered,
    point,
)
from amongo.planner.bounds.prefixes import prefix_interval, regex_prefix
from amongo.values.deprecated import UNDEFINED, DBPointer
from amongo.values.key_bytes import descending, key_bytes

NUMBERS = range(8)
KEYS = {number: key_bytes(number) for number in NUMBERS}

INTERVALS = st.builds(
    lambda edges, has_low, has_high: Interval(
        low_edge(min(edges), is_inclusive=has_low), high_edge(max(edges), is_inclusive=has_high)
    ),
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
    st.booleans(),
    st.booleans(),
)
SETS = st.lists(INTERVALS, max_size=4).map(ordered)


def numbers_in(intervals: OrderedIntervals) -> set[float]:
    """The whole numbers and the halves between them."""
    halves = [number / 2 for number in range(-1, 2 * len(NUMBERS))]
    return {half for half in halves if intervals.holds(key_bytes(half))}


EVERY = numbers_in(EVERYTHING)


@given(SETS, SETS)
def test_operations_are_those_of_sets(one: OrderedIntervals, other: OrderedIntervals) -> None:
    assert numbers_in(one.union(other)) == numbers_in(one) | numbers_in(other)
    assert numbers_in(one.intersection(other)) == numbers_in(one) & numbers_in(other)
    assert numbers_in(one.complement()) == EVERY - numbers_in(one)
    assert one.complement().complement() == one
    for found in (one, one.union(other), one.intersection(other), one.complement()):
        places = [place for each in found.intervals for place in (each.low.at, each.high.at)]
        assert places == sorted(set(places))


@given(SETS)
def test_a_descending_field_holds_the_same(intervals: OrderedIntervals) -> None:
    ranges = intervals.ranges(-1)
    assert list(ranges) == sorted(ranges)
    for half in EVERY:
        key = descending(key_bytes(half))
        assert any(start <= key < stop for start, stop, _ in ranges) == intervals.holds(key_bytes(half))
        followed = key + b"\xfe"
        assert any(start <= followed < stop for start, stop, _ in ranges) == intervals.holds(key_bytes(half))


def test_intervals_that_touch_are_one() -> None:
    first = Interval(low_edge(1), high_edge(2, is_inclusive=False))
    assert ordered([first, point(2)]).texts() == ["[1, 2]"]
    assert ordered([first, Interval(low_edge(2, is_inclusive=False), high_edge(3))]).texts() == ["[1, 2)", "(2, 3]"]
    assert ordered([Interval(low_edge(1, is_inclusive=False), high_edge(1, is_inclusive=False))]) == NOTHING
    assert NOTHING.complement() == EVERYTHING and EVERYTHING.complement() == NOTHING


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "is_exact"),
    [
        ("^abc", "", "abc", True),
        ("^abc.*", "", "abc", True),
        ("^abc.*$", "", "abc", False),
        ("^abc.*$", "s", "abc", True),
        ("^abc$", "", "abc", False),
        ("^a\\-b", "", "a-b", True),
        ("^a\\d", "", "a", False),
        ("^ab?c", "", "a", False),
        ("^ab{2}", "", "a", False),
        ("^ab+c", "", "ab", False),
        ("^é", "", "é", True),
        ("\\Aab", "m", "ab", True),
    ],
)
def test_prefixes_of_regular_expressions(pattern: str, flags: str, text: str, is_exact: bool) -> None:
    assert regex_prefix(Regex(pattern, flags)) == (text, is_exact)


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [("abc", ""), ("^abc", "i"), ("^abc", "m"), ("^a b", "x"), ("^a|b", ""), ("^", ""), ("^*a", "")],
)
def test_no_prefix(pattern: str, flags: str) -> None:
    assert regex_prefix(Regex(pattern, flags)) is None


STRINGS = ["", "a", "ab", "ab\0", "ab\0c", "abz", "ab\U0010ffff", "ac", "b", "\U0010ffff", "\ud7ff", "\ue000"]


@pytest.mark.parametrize("prefix", ["a", "ab", "ab\0", "\U0010ffff", "\ud7ff"])
def test_an_interval_of_a_prefix_holds_what_begins_with_it(prefix: str) -> None:
    (ascending,), (backward,) = (ordered([prefix_interval(prefix)]).ranges(direction) for direction in (1, -1))
    for text in STRINGS:
        key = key_bytes(text)
        assert (ascending.start <= key < ascending.stop) == text.startswith(prefix)
        assert (backward.start <= descending(key) < backward.stop) == text.startswith(prefix)


VALUES: list[Any] = [
    MinKey(), UNDEFINED, None, float("nan"), 0, 1, -1, 1.5, -1.5, float("inf"), Int64(2**62 + 1), Int64(-(2**62) - 1),
    Decimal128("0.1"), Decimal128("-0.1"), Decimal128("1E-6000"), Decimal128("-1E+6000"), "", "a", "a\0", "\0\0b",
    {}, {"a": 1}, {"a\x01": [None, {"b": "\0"}]}, {"": -0.1}, [], [[]], [1, "a", [2]], [Decimal128("0.1")],
    b"", b"\0\xff", Binary(b"abc", 2), Binary(b"\0" * 16, 4), ObjectId("f" * 24), True, False,
    DatetimeMS(-1), DatetimeMS(0), Timestamp(0, 0), Timestamp(2**32 - 1, 1), Regex("a\\b", "im"), Regex(""),
    DBPointer("a.b", ObjectId("0" * 24)), Code("x"), Code(""), Code("x", {"y": 1}), Code("", {}), MaxKey(),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_component_ends_where_its_key_does(value: Any) -> None:
    key = key_bytes(value)
    for following in (b"", b"\0", b"\xff", b"\x16\0\0"):
        assert component_end(b"..%b%b" % (key, following), 2) == 2 + len(key)
        assert component_end(b"..%b%b" % (descending(key), following), 2, is_inverted=True) == 2 + len(key)


def test_what_begins_no_key() -> None:
    with pytest.raises(ValueError, match="no key"):
        component_end(b"\x02", 0)
