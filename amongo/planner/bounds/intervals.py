"""Intervals of values, as an index has them: sorted, disjoint, and known both by their bytes and by their values.

An edge of an interval lies at a place among key bytes (`values.key_bytes`), so that an interval is a half-open range of
bytes and all operations on intervals are comparisons of bytes. No key is the beginning of another, and nothing that
follows a key in an entry begins with FF: the place directly before a key is the key itself, the place directly behind
it the key and FF. The values stand beside the places for explain to show. Source: manual, Multikey Index Bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

from bson import MaxKey, MinKey

from amongo.values.collation import hidden
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.order import Collator
from amongo.values.wording import shown

BEHIND: Final = b"\xff"
"""Comes behind whatever follows a key in an entry."""


class Edge(NamedTuple):
    """Where an interval begins or ends.

    at            the place among key bytes
    value         the value there
    is_inclusive  whether the value is in the interval
    """

    at: bytes
    value: Any
    is_inclusive: bool

    def turned(self) -> Edge:
        """The edge of the interval on the other side of this place."""
        return Edge(self.at, self.value, not self.is_inclusive)


class Interval(NamedTuple):
    """The values from one edge to another; their keys are low.at <= key < high.at."""

    low: Edge
    high: Edge

    @property
    def is_point(self) -> bool:
        """Whether it is one value alone."""
        return self.low.is_inclusive and self.high.is_inclusive and self.high.at == self.low.at + BEHIND

    def text(self, collator: Collator | None = None, *, is_backward: bool = False) -> str:
        """The interval as explain shows it.

        collator     of the index, whose strings show as their sort keys
        is_backward  it is of a descending field: from its high edge to its low one
        """
        first, last = (self.high, self.low) if is_backward else (self.low, self.high)
        opening, closing = "[" if first.is_inclusive else "(", "]" if last.is_inclusive else ")"
        return f"{opening}{_shown(first.value, collator)}, {_shown(last.value, collator)}{closing}"


def _shown(value: Any, collator: Collator | None) -> str:
    if type(value) is str and collator is not None:
        return f"CollationKey({hidden(value, collator)})"
    return shown(value)


def low_edge(value: Any, collator: Collator | None = None, *, is_inclusive: bool = True) -> Edge:
    """The edge of an interval that begins with, or behind, a value."""
    key = key_bytes(value, collator)
    return Edge(key if is_inclusive else key + BEHIND, value, is_inclusive)


def high_edge(value: Any, collator: Collator | None = None, *, is_inclusive: bool = True) -> Edge:
    """The edge of an interval that ends with, or before, a value."""
    key = key_bytes(value, collator)
    return Edge(key + BEHIND if is_inclusive else key, value, is_inclusive)


def point(value: Any, collator: Collator | None = None) -> Interval:
    """The interval of one value."""
    key = key_bytes(value, collator)
    return Interval(Edge(key, value, True), Edge(key + BEHIND, value, True))


LEAST: Final = low_edge(MinKey())
GREATEST: Final = high_edge(MaxKey())
ALL: Final = Interval(LEAST, GREATEST)


@dataclass(frozen=True, slots=True)
class OrderedIntervals:
    """Some intervals of one field: ascending, disjoint, none empty, no two that touch."""

    intervals: tuple[Interval, ...]

    @property
    def is_everything(self) -> bool:
        """Whether every value is in them."""
        intervals = self.intervals
        return intervals is EVERYTHING.intervals or (len(intervals) == 1 and _is_all(intervals[0]))

    @property
    def is_points(self) -> bool:
        """Whether each is one value alone; true of none at all."""
        return all(each.is_point for each in self.intervals)

    @property
    def is_point(self) -> bool:
        """Whether they are one value alone."""
        return len(self.intervals) == 1 and self.intervals[0].is_point

    def holds(self, key: bytes) -> bool:
        """Whether a value, by its key, is in them."""
        return any(each.low.at <= key < each.high.at for each in self.intervals)

    def union(self, other: OrderedIntervals) -> OrderedIntervals:
        """The values that are in one or the other."""
        return ordered((*self.intervals, *other.intervals))

    def intersection(self, other: OrderedIntervals) -> OrderedIntervals:
        """The values that are in both."""
        if self.is_everything:
            return other
        if other.is_everything:
            return self
        found = []
        ours, theirs = iter(self.intervals), iter(other.intervals)
        our, their = next(ours, None), next(theirs, None)
        while our is not None and their is not None:
            low = our.low if our.low.at >= their.low.at else their.low
            high = our.high if our.high.at <= their.high.at else their.high
            if low.at < high.at:
                found.append(Interval(low, high))
            if our.high.at <= their.high.at:
                our = next(ours, None)
            else:
                their = next(theirs, None)
        return OrderedIntervals(tuple(found))

    def complement(self) -> OrderedIntervals:
        """The values that are not in them."""
        found = []
        low = LEAST
        for each in self.intervals:
            if low.at < each.low.at:
                found.append(Interval(low, each.low.turned()))
            low = each.high.turned()
        if low.at < GREATEST.at:
            found.append(Interval(low, GREATEST))
        return OrderedIntervals(tuple(found))

    def ranges(self, direction: int) -> tuple[Range, ...]:
        """The ranges of bytes, in the order of a field of an index.

        direction   1 where the field ascends, -1 where it descends: its keys are inverted bytes
        """
        if self.is_everything:
            return WHOLE_RANGES[direction > 0]
        if direction > 0:
            return tuple([Range(low.at, high.at, high.is_inclusive) for low, high in self.intervals])
        return tuple([_inverted(each) for each in reversed(self.intervals)])

    def texts(self, collator: Collator | None = None, direction: int = 1) -> list[str]:
        """The intervals as explain shows them, in the order of a field of an index; parameters as for `ranges`."""
        if direction > 0:
            return [each.text(collator) for each in self.intervals]
        return [each.text(collator, is_backward=True) for each in reversed(self.intervals)]


class Range(NamedTuple):
    """Bytes: start <= key < stop.

    is_closed   the stop is directly behind a key, the last one of the range
    """

    start: bytes
    stop: bytes
    is_closed: bool


def ordered(intervals: Iterable[Interval]) -> OrderedIntervals:
    """Intervals in any order, those that overlap or touch made one."""
    found: list[Interval] = []
    for each in sorted(intervals, key=attrgetter("low.at")):
        if found and each.low.at <= found[-1].high.at:
            if each.high.at > found[-1].high.at:
                found[-1] = Interval(found[-1].low, each.high)
        elif each.low.at < each.high.at:
            found.append(each)
    return OrderedIntervals(tuple(found))


def points_of(values: Mapping[bytes, Any]) -> OrderedIntervals:
    """The intervals of single values.

    values   by their keys
    """
    return OrderedIntervals(
        tuple([Interval(Edge(key, values[key], True), Edge(key + BEHIND, values[key], True)) for key in sorted(values)])
    )


def only(interval: Interval) -> OrderedIntervals:
    """One interval; none if it is empty."""
    return OrderedIntervals((interval,)) if interval.low.at < interval.high.at else NOTHING


def _is_all(interval: Interval) -> bool:
    return interval.low.at <= LEAST.at and interval.high.at >= GREATEST.at


def _inverted(interval: Interval) -> Range:
    low, high = interval
    start = descending(high.at[:-1]) if high.is_inclusive else descending(high.at) + BEHIND
    stop = descending(low.at) + BEHIND if low.is_inclusive else descending(low.at[:-1])
    return Range(start, stop, low.is_inclusive)


EVERYTHING: Final = OrderedIntervals((ALL,))
NOTHING: Final = OrderedIntervals(())

WHOLE_RANGES: Final = ((_inverted(ALL),), (Range(LEAST.at, GREATEST.at, True),))
"""The ranges of a field of which every value is in the bounds: descending, and ascending."""
