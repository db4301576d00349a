"""Taking turns on the event loop.

Small operations run on the loop without ever suspending, so many tasks, or one in a tight loop, could keep it for
themselves. Therefore an operation begins with `if time.monotonic() >= turn.ends: await take_turn()`. A slice of the
loop's time is handed out; when it is used up, operations queue, first come first served, and each turn of the loop
lets a few of them go on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel

from amongo.runtime.blocking import is_blocking
from amongo.runtime.limits import LOOP_SLICE_S, LOOP_TURN_OPERATIONS


class _Turn(threading.local):
    """The state of this thread's event loop.

    ends       when the present slice is used up, on the monotonic clock; 0 while operations queue
    loop       the native event loop that the state belongs to
    """

    ends: float = 0.0
    loop: Any = None
    schedule: Callable[[Callable[[], object]], object] | None = None
    waiting: deque[anyio.Event]


turn = _Turn()


async def take_turn() -> None:
    """Wait for this operation's turn; gives other tasks of the loop theirs."""
    if is_blocking():
        return
    native: Any = anyio.lowlevel.current_token().native_token
    if turn.loop is not native:
        turn.loop = native
        turn.schedule = getattr(native, "call_soon", None) or native.run_sync_soon
        turn.waiting = deque()
    event = anyio.Event()
    turn.waiting.append(event)
    if len(turn.waiting) == 1:
        turn.ends = 0.0
        assert turn.schedule is not None
        turn.schedule(_next_turn)
    await event.wait()


def _next_turn() -> None:
    """Let the operations that have waited longest go on, and begin a new slice if none are left."""
    waiting = turn.waiting
    for _ in range(min(LOOP_TURN_OPERATIONS, len(waiting))):
        waiting.popleft().set()
    if waiting:
        assert turn.schedule is not None
        turn.schedule(_next_turn)
    else:
        turn.ends = time.monotonic() + LOOP_SLICE_S
