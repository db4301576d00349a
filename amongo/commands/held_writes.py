"""Writes that are held up: between fsync with `lock` and fsyncUnlock nothing is written, and the files may be copied.

Whoever wants to write waits, without holding a thread; reads go on. The locks are counted: writes go on when each has
been given back. Source: manual, fsync, fsyncUnlock.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from amongo.commands.attention import HELD_WRITES, Attention
from amongo.commands.writing_commands import writes
from amongo.errors import administration as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.workers import Completion, Lock

if TYPE_CHECKING:
    from amongo.commands.operations import Operations

_PATIENCE_S: Final = 0.01  # between two looks whether the writes have ended that were running


class HeldWrites:
    """Whether writes are held up.

    count   locks that have not been given back
    """

    def __init__(self, attention: Attention) -> None:
        self.count = 0
        self._attention = attention
        self._lock = Lock()
        self._released = Completion()

    @property
    def is_held(self) -> bool:
        """Whether nothing may be written now."""
        return self.count > 0

    @property
    def released(self) -> Completion:
        """Done when writes go on."""
        return self._released

    def take(self) -> int:
        """Hold up writes from now on; how many locks there are then. Those that run come to their end."""
        with self._lock:
            if not self.count:
                self._released = Completion()
            self.count += 1
            self._attention.call(HELD_WRITES, is_on=True)
            return self.count

    def give_back(self) -> int:
        """Give one lock back; how many are left.

        errors   NOT_LOCKED
        """
        with self._lock:
            if not self.count:
                raise errors.NOT_LOCKED()
            self.count -= 1
            if not self.count:
                self._attention.call(HELD_WRITES, is_on=False)
                self._released.set_result()
            return self.count

    def wait_for_running(self, operations: Operations, limit_s: float, interrupt: Interrupt) -> None:
        """Wait until no write runs any more that had begun before; by a worker.

        limit_s   seconds
        errors    FSYNC_LOCK_TIMED_OUT, those of `interrupt`
        """
        time.sleep(_PATIENCE_S)  # an event loop does in less what it does without being listed
        until_s = time.monotonic() + limit_s
        while any(writes(each.name, each.command) for each in operations.all()):
            interrupt.check()
            if time.monotonic() >= until_s:
                raise errors.FSYNC_LOCK_TIMED_OUT()
            time.sleep(_PATIENCE_S)
