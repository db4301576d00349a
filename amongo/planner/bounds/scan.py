"""The scan of an index: the entries within bounds, in the order of the index, forward or backward.

One range costs nothing but the look into the index. Several are gone through one after the other, as long as they are
few or the index is large beside them; otherwise the scan looks at entries and goes over the gaps, as the server does.
It does that as well wherever it is counted, so that explain shows the keys and seeks of a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, starmap
from operator import ge, lt
from typing import Final, Protocol

from amongo.planner.bounds.route import BEHIND_ALL, DONE, Route
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import CHECK_DOCUMENTS

_FEW_RANGES: Final = 64
_ENTRIES_PER_RANGE: Final = 4  # in an index of so many for each range, most ranges have some
_STEPS: Final = 4  # entries that are gone over before it pays to look for a place
_PROBES: Final = 32  # ranges whose entries an estimate counts


class Entries(Protocol):
    """The entries of an index at one moment; see `engine.indexes.EntriesView`."""

    def __len__(self) -> int: ...

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        ...

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        ...

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many entries have low <= entry < high, about."""
        ...


class ScanCounts(Protocol):
    """What a scan counts.

    keys    entries that it looked at
    seeks   times that it went to another place
    """

    keys: int
    seeks: int


def scan(
    view: Entries,
    route: Route,
    *,
    is_backward: bool = False,
    counts: ScanCounts | None = None,
    interrupt: Interrupt = NEVER,
) -> Iterator[bytes]:
    """The entries that are in the bounds, in the order of the index.

    is_backward   from the last to the first
    counts        takes what is looked at
    interrupt     ends a scan that finds nothing for long
    """
    if route.is_empty:
        return iter(())
    between = view.between_backward if is_backward else view.between
    count = route.count
    if count == 1 and route.single is not None:
        found = between(*route.single)
        return found if counts is None else _counted(found, counts)
    if counts is not None:
        steps = 0
    elif count is not None and (count <= _FEW_RANGES or _ENTRIES_PER_RANGE * count <= len(view)):
        return chain.from_iterable(starmap(between, interrupt.watch(route.ranges(is_backward=is_backward))))
    else:
        steps = _STEPS
    return _walk(view, route, steps, counts, interrupt, is_backward=is_backward)


def estimate(view: Entries, route: Route) -> int:
    """About how many entries are in the ranges that the first fields of the bounds make."""
    if route.is_empty:
        return 0
    if route.single is not None:
        return view.count_between(*route.single)
    if route.leading > _PROBES:
        ranges = islice(route.ranges(), 0, None, -(-route.leading // _PROBES))
        counts = [view.count_between(low, high) for low, high in ranges]
        return min(-(-sum(counts) * route.leading // len(counts)), len(view))
    return sum(starmap(view.count_between, route.ranges()))


def _counted(entries: Iterator[bytes], counts: ScanCounts) -> Iterator[bytes]:
    counts.seeks += 1
    for entry in entries:
        counts.keys += 1
        yield entry


def _walk(
    view: Entries, route: Route, steps: int, counts: ScanCounts | None, interrupt: Interrupt, *, is_backward: bool
) -> Iterator[bytes]:
    """Look at entries, in their order or backward, and go over those that are not in the bounds.

    steps   how many of these are looked at before the place is looked for behind which there are others
    """
    if is_backward:
        place, end, next_place, is_passed = route.high, route.low, route.previous_place, ge
    else:
        place, end, next_place, is_passed = route.low, route.high, route.next_place, lt
    if counts is not None:  # a server sees the first entry behind the bounds
        end = b"" if is_backward else BEHIND_ALL
    looks = 0
    while place != DONE:
        entries = view.between_backward(end, place) if is_backward else view.between(place, end)
        place, left = DONE, 0
        if counts is not None:
            counts.seeks += 1
        for entry in entries:
            looks += 1
            if not looks % CHECK_DOCUMENTS:
                interrupt.check()
            if left and is_passed(entry, place):
                left -= 1
                if not left:
                    break
                continue
            if counts is not None:
                counts.keys += 1
            found = next_place(entry)
            if found is None:
                left = 0
                yield entry
                continue
            place, left = found, steps
            if place == DONE or not left:
                break
        else:
            return
