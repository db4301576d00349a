"""Counters along the stages of one execution, for explain: how many went through, and whether that was all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


class Probe:
    """What one execution has counted.

    counts   by place: "examined" what the access to the collection gave, "found" what the filter let through
    ended    the places that came to their end; a limit stops the others before
    """

    __slots__ = ("counts", "ended")

    def __init__(self) -> None:
        self.counts = {"examined": 0, "found": 0}
        self.ended: set[str] = set()

    def watch(self, place: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items, counted as they go by."""
        counts = self.counts
        counts.setdefault(place, 0)
        for item in items:
            counts[place] += 1
            yield item
        self.ended.add(place)
