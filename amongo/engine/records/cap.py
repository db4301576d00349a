"""The limits of a capped collection. Source: manual, Capped Collections.

A capped collection keeps its documents in the order of their insertion. An insert after which it would be over one of
its limits removes the oldest documents in the same commit, until it is within both; the new document itself stays,
whatever its size. Updates may make it larger, and new limits may be below what it holds: the next insert sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cap:
    """How much a capped collection holds.

    size_bytes   BSON size of all documents
    count        documents; 0 for any number
    """

    size_bytes: int
    count: int

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Cap | None:
        """The limits that a collection's options state; None if it is not capped."""
        return cls(int(options["size"]), int(options.get("max", 0))) if options.get("capped") else None

    def is_over(self, size_bytes: int, count: int) -> bool:
        """Whether so many documents of this size are too much."""
        return size_bytes > self.size_bytes or 0 < self.count < count

    def kept(self, sizes: Iterable[int]) -> int:
        """How many of the newest documents fit; one at least.

        sizes   of the documents in bytes, the newest first
        """
        size_bytes = count = 0
        for size in sizes:
            size_bytes += size
            if count and self.is_over(size_bytes, count + 1):
                break
            count += 1
        return count
