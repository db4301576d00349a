"""Taking turns on the event loop.

Small operations run on the loop without ever suspending, so many tasks, or one in a tight loop, could keep it for
themselves. Therefore an operation begins with `if time.monotonic() >= turn.ends: await take_turn()`. A slice of the
loop's time is handed out; when it is used up, operations queue, first come first served, and each turn of the loop
lets a few of them go on: fewer while the turns take long, because what follows an operation does.

A loop that is never idle hardly lets go of the interpreter's lock: while it asks for events more often than threads ask
for the lock (every 5 ms), they may starve. So between two slices it stands aside for those that work for it.

What can be done for many at once does not queue one by one: see `amongo.runtime.batches`, whose batches are errands
here, one a turn.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from amongo.runtime.blocking import READY, is_blocking
from amongo.runtime.limits import (
    LOOP_HOLD_S,
    LOOP_PATIENCE_S,
    LOOP_ROOM_S,
    LOOP_SLICE_S,
    LOOP_TURN_OPERATIONS,
    LOOP_TURN_S,
)
from amongo.runtime.loops import Line, Loop, current_loop
from amongo.runtime.pool import POOL


class _Turn(threading.local):
    """The state of this thread.

    ends    when the present slice is used up, on the monotonic clock; 0 while operations queue
    queue   that of the event loop which was the last to queue operations on this thread
    """

    ends: float = 0.0
    queue: Queue | None = None


turn = _Turn()


def something_came() -> None:
    """Something has come over a socket: the loop has gone round since the slice began, so a new one does, unless
    operations queue, or workers work, which need room. All that comes in one turn of the loop comes before what it
    wakes, so one slice is for all.
    """
    if turn.ends and not POOL.jobs:
        turn.ends = time.monotonic() + LOOP_SLICE_S


def take_turn(*, is_patient: bool = False) -> Awaitable[None]:
    """Wait for this operation's turn, to be awaited at once; gives other tasks of the loop theirs.

    is_patient   let operations go first that are not: for as long as the last patient turn took, and `LOOP_PATIENCE_S`
                 at most
    """
    if is_blocking():
        return READY
    queue = current_queue()
    queue.keep_moving()
    return queue.patient.join() if is_patient else queue.line.join()


def at_end_of_turn(call: Callable[[], object]) -> None:
    """Have `call` made once the operations that are ready, and those that queue, have had their turn.

    It is made `LOOP_HOLD_S` later at the latest, however many queue.
    """
    queue = current_queue()
    queue.calls.append(call)
    if len(queue.calls) == 1:
        queue.calls_due = time.monotonic() + LOOP_HOLD_S
        queue.loop.soon(queue.make_calls)


class Queue:
    """What waits for its turn on one event loop. Used on the loop's own thread only.

    line      operations that wait for their turn
    patient   operations that let those go first
    errands   calls that wait for theirs, each of a fraction of a millisecond
    batches   those that operations may still join; see `amongo.runtime.batches`
    calls     calls that wait until nothing else does
    width     how many operations a turn lets go on
    """

    __slots__ = (
        "_has_patient",
        "_is_moving",
        "_moved_s",
        "_patient_due_s",
        "_was_empty",
        "batches",
        "calls",
        "calls_due",
        "errands",
        "line",
        "loop",
        "patient",
        "width",
    )

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.line = Line(loop)
        self.patient = Line(loop)
        self.errands: deque[Callable[[], object]] = deque()
        self.batches: dict[Any, Any] = {}
        self.calls: list[Callable[[], object]] = []
        self.calls_due = 0.0
        self._is_moving = False  # whether `_move` is scheduled
        self._was_empty = True  # at the last attempt to make the calls
        self._moved_s = 0.0  # when the last turn began
        self.width = LOOP_TURN_OPERATIONS
        self._has_patient = False  # whether patient operations have gone on with the last turn
        self._patient_due_s = 0.0  # when one goes on though others queue: half of the time is theirs, or more

    def add_errand(self, call: Callable[[], object]) -> None:
        """Have `call` made in its turn."""
        self.errands.append(call)
        self.keep_moving()

    def keep_moving(self) -> None:
        """Have the queue move on with every turn of the loop, until it is empty."""
        if not self._is_moving:
            self._is_moving = True
            self._moved_s = time.monotonic()
            turn.ends = 0.0
            self.loop.soon(self._move)

    def move_now(self) -> None:
        """Move on at once, if nothing has been waiting; otherwise it moves on anyway. Called by the loop itself."""
        if not self._is_moving:
            self._is_moving = True
            self._moved_s = time.monotonic()
            turn.ends = 0.0
            self._move()

    def _move(self) -> None:
        """Let the operations that have waited longest go on, and begin a new slice if none are left."""
        now_s = time.monotonic()
        took_s, self._moved_s = now_s - self._moved_s, now_s
        if POOL.jobs:
            time.sleep(LOOP_ROOM_S)
        if took_s > LOOP_TURN_S:
            self.width = self.width // 2 or 1
        elif self.width < LOOP_TURN_OPERATIONS:
            self.width += 1
        if self._has_patient:
            self._patient_due_s = now_s + min(took_s, LOOP_PATIENCE_S)
            self._has_patient = False
        try:
            if self.errands:
                self.errands.popleft()()
        finally:
            if self.patient and (not self.line or now_s >= self._patient_due_s):
                self._has_patient = True
                self.patient.release(1 if self.line else self.width)
            self.line.release(self.width)
            if self.is_empty and not self.patient:
                self._is_moving = False
                turn.ends = time.monotonic() + LOOP_SLICE_S
            else:
                self.loop.soon(self._move)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for its turn, but what is patient."""
        return not self.line and not self.errands

    def make_calls(self) -> None:
        """Make the calls, unless operations queue and there is time to wait for them."""
        is_empty = self.is_empty
        if not (is_empty and self._was_empty) and time.monotonic() < self.calls_due:
            self._was_empty = is_empty  # those that have just left the queue go on in this turn
            self.loop.soon(self.make_calls)
            return
        self._was_empty = True
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def current_queue() -> Queue:
    """The queue of the event loop that runs the calling task."""
    loop = current_loop()
    queue = turn.queue
    if queue is None or queue.loop is not loop:
        queue = turn.queue = Queue(loop)
    return queue
