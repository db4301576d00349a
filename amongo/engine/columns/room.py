"""The room that the columns of one store have in memory.

All that is kept of all collections is counted together. Where it becomes too much, the paths go that no query has asked
for the longest; those that a query is just bringing up to date stay. A query that wants more than there is room for
gets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from amongo.runtime.workers import Condition, Lock

if TYPE_CHECKING:
    from amongo.engine.columns.column import Path
    from amongo.engine.columns.kept import Kept

SEGMENT_BITS: Final = 17


class ColumnRoom:
    """What the columns of a store may take.

    limit_bytes    of all columns together
    segment_bits   record ids of one segment agree in all but so many bits
    changed        held while what is kept is looked at or changed, never for long; it tells of paths that are free
    """

    def __init__(self, limit_bytes: int, segment_bits: int = SEGMENT_BITS) -> None:
        self.limit_bytes = limit_bytes
        self.segment_bits = segment_bits
        self.changed = Condition(Lock())
        self._kept: WeakSet[Kept] = WeakSet()
        self._uses = count(1)

    def enter(self, kept: Kept) -> None:
        """Count the columns of a collection, as long as it is there."""
        with self.changed:
            self._kept.add(kept)

    def next_use(self) -> int:
        """A number greater than those before: later uses have greater ones."""
        return next(self._uses)

    @property
    def used_bytes(self) -> int:
        """Bytes of all columns that are kept."""
        with self.changed:
            return sum(kept.nbytes for kept in self._kept)

    def shrink(self, wanted: Kept, paths: Iterable[Path]) -> None:
        """Let paths go until the rest fits, but not these of `wanted`. Under `changed`."""
        excess = sum(kept.nbytes for kept in self._kept) - self.limit_bytes
        if excess <= 0:
            return
        spared = set(paths)
        idle = [
            (kept.last_use(path), kept, path)
            for kept in self._kept
            for path in kept.idle_paths()
            if kept is not wanted or path not in spared
        ]
        for _, kept, path in sorted(idle, key=lambda each: each[0]):
            excess -= kept.let_go(path)
            if excess <= 0:
                return
