"""Whether operations have to be looked at before they run, or after.

The quick ways of single reads and writes on the event loop ask this one flag, and go the long way if it is on: a
profiler takes notes, every operation is logged, writes are held up, user writes are refused. An instance and the copies
of it that run transactions share one.
"""

from __future__ import annotations

from typing import Final

from amongo.runtime.workers import Lock

PROFILER: Final = "profiler"
HELD_WRITES: Final = "held writes"
BLOCKED_WRITES: Final = "blocked writes"
VERBOSE_LOG: Final = "verbose log"


class Attention:
    """The flag.

    is_on   for at least one reason
    """

    __slots__ = ("_lock", "_reasons", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._lock = Lock()
        self._reasons: set[str] = set()

    def call(self, reason: str, *, is_on: bool) -> None:
        """Say whether a reason holds."""
        with self._lock:
            if is_on:
                self._reasons.add(reason)
            else:
                self._reasons.discard(reason)
            self.is_on = bool(self._reasons)
