"""Counters along the stages of one execution, for explain: how many went through, and whether that was all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


class Counts:
    """What one stage below the FETCH has counted.

    keys      index entries that it looked at
    seeks     times that it went to another place of the index
    docs      documents that it fetched
    tested    records of which it asked whether they had come already
    dropped   those that had
    given     records that went on
    is_ended  it has no more to give
    """

    __slots__ = ("docs", "dropped", "given", "is_ended", "keys", "seeks", "tested")

    def __init__(self) -> None:
        self.keys = self.seeks = self.docs = self.tested = self.dropped = self.given = 0
        self.is_ended = False


class Probe:
    """What one execution has counted.

    counts   by place: "examined" what the access to the collection gave, "found" what the filter let through
    ended    the places that came to their end; a limit stops the others before
    """

    __slots__ = ("_by_stage", "counts", "ended")

    def __init__(self) -> None:
        self.counts = {"examined": 0, "found": 0}
        self.ended: set[str] = set()
        self._by_stage: dict[int, Counts] = {}

    def watch(self, place: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items, counted as they go by."""
        counts = self.counts
        counts.setdefault(place, 0)
        for item in items:
            counts[place] += 1
            yield item
        self.ended.add(place)

    def of(self, stage: object) -> Counts:
        """The counters of one stage; the plan keeps the stage alive."""
        return self._by_stage.setdefault(id(stage), Counts())
