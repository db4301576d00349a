"""The way of a scan through bounds: ranges of entries where few will do, and otherwise where to look next.

Where the first fields are bounded to single values, the next one by intervals and no other at all, the entries in the
bounds are some ranges, one after the other. Any other bounds have entries between that are not in them: each entry is
looked at value by value, and from one that is not in them the scan goes on at the next place that may be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import product
from operator import attrgetter
from typing import Final

from amongo.planner.bounds.components import component_end
from amongo.planner.bounds.intervals import BEHIND, WHOLE_RANGES, Range

_start_of = attrgetter("start")

Ranges = tuple[Range, ...]

DONE: Final = b""
"""There is no further place that may be in the bounds."""

_BEFORE_ALL: Final = b""
BEHIND_ALL: Final = b"\xff"


class _Field:
    """One field of the bounds.

    ranges       in the order of the index
    starts       of the ranges
    is_whole     every value is in them
    is_inverted  the field descends
    """

    __slots__ = ("is_inverted", "is_whole", "ranges", "starts")

    def __init__(self, ranges: Ranges, direction: int) -> None:
        self.ranges = ranges
        self.starts = [each.start for each in ranges]
        self.is_whole = ranges in WHOLE_RANGES
        self.is_inverted = direction < 0


class Route:
    """The way through the bounds of one index.

    count      how many ranges the entries of the bounds are in; None if these are not ranges alone
    leading    how many ranges the first fields make: entries that are in none of them are not in the bounds
    single     (low, high) of the range that they make, if that is one; None if they make several, or none
    is_empty   nothing is in the bounds
    """

    __slots__ = (
        "_bounded",
        "_directions",
        "_known",
        "_points",
        "count",
        "is_empty",
        "leading",
        "single",
    )

    def __init__(self, ranges: Sequence[Ranges], directions: Sequence[int]) -> None:
        bounded = len(ranges)
        while bounded and ranges[bounded - 1] in WHOLE_RANGES:
            bounded -= 1
        points, leading = 0, 1
        while points < bounded - 1 and _are_points(ranges[points]):
            leading *= len(ranges[points])
            points += 1
        self._bounded = ranges[:bounded]
        self._directions = directions
        self._points = points
        self._known: tuple[list[_Field], list[bytes]] | None = None
        self.is_empty = () in ranges
        self.leading = leading * len(ranges[points]) if bounded else 1
        self.count = self.leading if points >= bounded - 1 else None
        self.single: tuple[bytes, bytes] | None = None
        if self.leading == 1:
            prefix = b"".join([each[0].start for each in ranges[:points]])
            start, stop, _ = ranges[points][0] if bounded else (_BEFORE_ALL, BEHIND_ALL, True)
            self.single = prefix + start, prefix + stop

    def ranges(self, *, is_backward: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """(low, high) of the ranges that the first fields make, in order: low <= entry < high."""
        if self.is_empty:
            return
        if self.single is not None:
            yield self.single
            return
        *points, last = self._bounded[: self._points + 1]
        if is_backward:
            points, last = [each[::-1] for each in points], last[::-1]
        if not points:
            for start, stop, _ in last:
                yield start, stop
            return
        for prefix in map(b"".join, product(*(list(map(_start_of, each)) for each in points))):
            for start, stop, _ in last:
                yield prefix + start, prefix + stop

    @property
    def _looked_at(self) -> tuple[list[_Field], list[bytes]]:
        """The bounded fields; and where the bounds of the fields from each one on begin. A few ranges do without."""
        if self._known is None:
            fields = [_Field(each, order) for each, order in zip(self._bounded, self._directions, strict=False)]
            starts = [b""]
            for field in reversed(fields):
                starts.append((field.starts[0] if field.starts else b"") + starts[-1])
            self._known = fields, starts[::-1]
        return self._known

    @property
    def low(self) -> bytes:
        """Where the bounds begin."""
        return self._looked_at[1][0]

    @property
    def high(self) -> bytes:
        """Where they end."""
        return self._last_stop(0)

    def next_place(self, entry: bytes) -> bytes | None:
        """None for an entry in the bounds; otherwise where to go on, not before which there is another, or DONE."""
        fields, first_starts = self._looked_at
        place = 0
        passed: list[tuple[int, int, int]] = []  # for each field, where its value begins and ends, and its range
        for number, field in enumerate(fields):
            end = component_end(entry, place, is_inverted=field.is_inverted)
            value = entry[place:end]
            index = 0 if field.is_whole else bisect_right(field.starts, value) - 1
            if index < 0 or value >= field.ranges[index].stop:
                if index + 1 < len(field.starts):
                    return entry[:place] + field.starts[index + 1] + first_starts[number + 1]
                return self._next_above(entry, passed)
            passed.append((place, end, index))
            place = end
        return None

    def holds(self, key: bytes) -> bool:
        """Whether a key is in the bounds."""
        return not self.is_empty and self.next_place(key) is None

    def _next_above(self, entry: bytes, passed: list[tuple[int, int, int]]) -> bytes:
        """The next place behind all entries that have the same values in the fields that were passed."""
        fields, first_starts = self._looked_at
        for number in range(len(passed) - 1, -1, -1):
            place, end, index = passed[number]
            field = fields[number]
            if entry[place:end] + BEHIND < field.ranges[index].stop:
                return entry[:end] + BEHIND
            if index + 1 < len(field.starts):
                return entry[:place] + field.starts[index + 1] + first_starts[number + 1]
        return DONE

    def previous_place(self, entry: bytes) -> bytes | None:
        """None for an entry in the bounds; otherwise a place before which the next one is, or DONE."""
        fields, _ = self._looked_at
        place = 0
        passed: list[tuple[int, int, int]] = []
        for number, field in enumerate(fields):
            end = component_end(entry, place, is_inverted=field.is_inverted)
            value = entry[place:end]
            index = 0 if field.is_whole else bisect_right(field.starts, value) - 1
            if index < 0:
                return self._next_below(entry, passed)
            if value >= field.ranges[index].stop:
                return entry[:place] + self._end_of(number, field.ranges[index])
            passed.append((place, end, index))
            place = end
        return None

    def _next_below(self, entry: bytes, passed: list[tuple[int, int, int]]) -> bytes:
        for number in range(len(passed) - 1, -1, -1):
            place, end, index = passed[number]
            field = self._looked_at[0][number]
            if field.starts[index] < entry[place:end]:
                return entry[:end]
            if index:
                return entry[:place] + self._end_of(number, field.ranges[index - 1])
        return DONE

    def _last_stop(self, number: int) -> bytes:
        """Where the bounds of the fields from this one on end."""
        if number == len(self._bounded):
            return BEHIND
        return self._end_of(number, self._bounded[number][-1])

    def _end_of(self, number: int, range_of_field: Range) -> bytes:
        """Where the entries end whose value lies in a range of a field, and those behind it in their bounds."""
        if not range_of_field.is_closed:
            return range_of_field.stop
        return range_of_field.stop[:-1] + self._last_stop(number + 1)


def _are_points(ranges: Ranges) -> bool:
    return all(each.is_closed and each.stop == each.start + BEHIND for each in ranges)
