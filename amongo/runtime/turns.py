"""Taking turns on the event loop.

Small operations run on the loop without ever suspending, so many tasks, or one in a tight loop, could keep it for
themselves. Therefore an operation begins with `if time.monotonic() >= turn.ends: await take_turn()`. A slice of the
loop's time is handed out; when it is used up, operations queue, first come first served, and each turn of the loop
lets a few of them go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable

from amongo.runtime.blocking import READY, is_blocking
from amongo.runtime.limits import LOOP_HOLD_S, LOOP_SLICE_S, LOOP_TURN_OPERATIONS
from amongo.runtime.loops import Loop, current_loop


class _Turn(threading.local):
    """The state of this thread.

    ends    when the present slice is used up, on the monotonic clock; 0 while operations queue
    queue   that of the event loop which was the last to queue operations on this thread
    """

    ends: float = 0.0
    queue: _Queue | None = None


turn = _Turn()


def take_turn() -> Awaitable[None]:
    """Wait for this operation's turn, to be awaited at once; gives other tasks of the loop theirs."""
    if is_blocking():
        return READY
    queue = _queue_here()
    if not queue.is_moving:
        queue.is_moving = True
        turn.ends = 0.0
        queue.loop.soon(queue.move)
    return queue.line.join()


def at_end_of_turn(call: Callable[[], object]) -> None:
    """Have `call` made once the operations that are ready, and those that queue, have had their turn.

    It is made `LOOP_HOLD_S` later at the latest, however many queue.
    """
    queue = _queue_here()
    queue.calls.append(call)
    if len(queue.calls) == 1:
        queue.calls_due = time.monotonic() + LOOP_HOLD_S
        queue.loop.soon(queue.make_calls)


class _Queue:
    """The operations of one event loop that wait for their turn, and the calls that wait for them."""

    __slots__ = ("calls", "calls_due", "is_moving", "line", "loop")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.line = loop.new_line()
        self.is_moving = False  # whether `move` is scheduled
        self.calls: list[Callable[[], object]] = []
        self.calls_due = 0.0

    def move(self) -> None:
        """Let the operations that have waited longest go on, and begin a new slice if none are left."""
        self.line.release(LOOP_TURN_OPERATIONS)
        if self.line:
            self.loop.soon(self.move)
        else:
            self.is_moving = False
            turn.ends = time.monotonic() + LOOP_SLICE_S

    def make_calls(self) -> None:
        """Make the calls, unless operations queue and there is time to wait for them."""
        if self.line and time.monotonic() < self.calls_due:
            self.loop.soon(self.make_calls)
            return
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def _queue_here() -> _Queue:
    loop = current_loop()
    queue = turn.queue
    if queue is None or queue.loop is not loop:
        queue = turn.queue = _Queue(loop)
    return queue
