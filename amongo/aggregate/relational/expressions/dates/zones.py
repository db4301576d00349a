"""Offsets of a time zone as step functions: of moments, and of its wall clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from amongo.aggregate.relational.values import NotLowered
from amongo.mql.expressions.calendar import MILLIS_PER_DAY
from amongo.mql.expressions.date.zones import Zone, zone_named

_SPAN_MS: Final = 400 * MILLIS_PER_DAY
_MOST_SPANS: Final = 250


@dataclass(frozen=True, slots=True)
class Steps:
    """A step function of milliseconds.

    starts   ascending: where each step begins; the first one also counts for what is before
    values   the milliseconds of each step
    """

    starts: tuple[int, ...]
    values: tuple[int, ...]

    @property
    def least(self) -> int:
        """The lowest value."""
        return min(self.values)

    @property
    def most(self) -> int:
        """The highest value."""
        return max(self.values)


def offsets(zone: Zone, first: int, last: int) -> Steps:
    """Milliseconds that local time is ahead of UTC at the moments from `first` to `last`.

    errors   NotLowered for moments too far apart
    """
    return _steps(zone, first, last, is_wall=False)


def wall_offsets(zone: Zone, first: int, last: int) -> Steps:
    """The same for times on the wall clock: what has to be taken away to get the moment.

    errors   NotLowered for times too far apart
    """
    return _steps(zone, first, last, is_wall=True)


def _steps(zone: Zone, first: int, last: int, *, is_wall: bool) -> Steps:
    if zone.rules is None:
        return Steps((first,), (zone.offset_ms,))
    spans = range(first // _SPAN_MS, last // _SPAN_MS + 1)
    if len(spans) > _MOST_SPANS:
        raise NotLowered("dates in a time zone that are centuries apart")
    starts: list[int] = []
    values: list[int] = []
    for span in spans:
        for start, value in _span(zone.name, span, is_wall):
            if not values or values[-1] != value:
                starts.append(start)
                values.append(value)
    begin = max(bisect_right(starts, first) - 1, 0)
    end = bisect_right(starts, last)
    return Steps(tuple(starts[begin:end]), tuple(values[begin:end]))


@lru_cache(maxsize=2000)
def _span(name: str, span: int, is_wall: bool) -> tuple[tuple[int, int], ...]:
    """(start, value) of the steps in 400 days; no offset changes twice in a day."""
    zone = zone_named(name)
    offset: Callable[[int], int] = (lambda wall: wall - zone.from_local(wall)) if is_wall else zone.offset_at
    at = span * _SPAN_MS
    steps = [(at, offset(at))]
    for day in range(at + MILLIS_PER_DAY, at + _SPAN_MS + MILLIS_PER_DAY, MILLIS_PER_DAY):
        day = min(day, at + _SPAN_MS - 1)
        value = offset(day)
        if value != steps[-1][1]:
            low, high = max(day - MILLIS_PER_DAY, at), day
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if offset(middle) == value else (middle, high)
            steps.append((high, value))
    return tuple(steps)
