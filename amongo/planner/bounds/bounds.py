"""The bounds of an index: intervals for each of its fields; what explain shows of them, and the scan of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

from amongo.planner.bounds.intervals import OrderedIntervals, Range
from amongo.planner.bounds.route import Route
from amongo.planner.bounds.scan import Entries, ScanCounts, estimate, scan
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.order import Collator


class FieldBounds(NamedTuple):
    """The intervals of one field of an index.

    name         as explain shows it: the path; of a wildcard `$_path` and the path
    intervals    of the values, ascending
    ranges       the ranges of bytes, in the order of the index
    direction    1 or -1
    collator     how its strings compare
    is_multikey  a document can have several keys by this field
    """

    name: str
    intervals: OrderedIntervals
    ranges: tuple[Range, ...]
    direction: int = 1
    collator: Collator | None = None
    is_multikey: bool = False

    def texts(self) -> list[str]:
        """The intervals as explain shows them."""
        return self.intervals.texts(self.collator, self.direction)


@dataclass(frozen=True)
class Bounds:
    """Which keys of an index a scan goes through: those whose values lie in the intervals of every field.

    fields       of the key, in order
    is_multikey  a document can have several keys in the index
    """

    fields: tuple[FieldBounds, ...]
    is_multikey: bool

    @property
    def route(self) -> Route:
        """The way of a scan through them."""
        known: Route | None = self.__dict__.get("_route")  # a `cached_property` takes a lock until Python 3.12
        if known is None:
            known = Route([field.ranges for field in self.fields], [field.direction for field in self.fields])
            self.__dict__["_route"] = known
        return known

    @cached_property
    def prefix(self) -> bytes:
        """What all keys in them begin with: the values of the first fields, as far as each is one value alone."""
        return b"".join(field.ranges[0].start for field in takewhile(lambda each: each.intervals.is_point, self.fields))

    def scan(
        self,
        view: Entries,
        *,
        is_backward: bool = False,
        counts: ScanCounts | None = None,
        interrupt: Interrupt = NEVER,
    ) -> Iterator[bytes]:
        """The entries in them, in the order of the index; a multikey index may have several of one record.

        view         of the index
        is_backward  from the last to the first
        counts       takes the keys that are looked at and the seeks
        """
        return scan(view, self.route, is_backward=is_backward, counts=counts, interrupt=interrupt)

    def ranges(self, *, is_backward: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """(low, high) of the ranges that the first fields make, in order: low <= entry < high. Of an index of one field
        these are all."""
        return self.route.ranges(is_backward=is_backward)

    def estimate(self, view: Entries) -> int:
        """About how many entries a scan looks at: no fewer than are in them, but where there are many ranges."""
        return estimate(view, self.route)

    @property
    def is_empty(self) -> bool:
        """Whether no key lies in them."""
        return any(not field.ranges for field in self.fields)

    @property
    def is_everything(self) -> bool:
        """Whether every key lies in them."""
        return all(field.intervals.is_everything for field in self.fields)

    def texts(self) -> dict[str, list[str]]:
        """The intervals of each field as explain shows them. Source: manual, Explain Results, "indexBounds"."""
        return {field.name: field.texts() for field in self.fields}
