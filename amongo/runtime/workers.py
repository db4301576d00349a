"""The one door to threads.

`run` moves one synchronous call to a worker thread; `start_service` starts a thread that lives as long as a store;
`Completion` is how such a thread tells tasks and threads that something has happened. Nothing else in amongo starts a
thread or hops to one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from amongo.runtime.blocking import is_blocking
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.loops import Line, Loop, current_loop
from amongo.runtime.pool import POOL, Job
from amongo.runtime.turns import at_end_of_turn

T = TypeVar("T")

Lock = threading.Lock
RLock = threading.RLock
Condition = threading.Condition


async def run(call: Callable[..., T], *arguments: Any, interrupt: Interrupt | None = None) -> T:
    """Run `call(*arguments)` on a worker thread; at once on this thread under the blocking client.

    A cancelled caller stops `interrupt` and waits for the call's end, so that nothing goes on behind its back; a call
    that has not begun by then is never made.
    """
    if is_blocking():
        return call(*arguments)
    await anyio.lowlevel.checkpoint_if_cancelled()
    loop = current_loop()
    line = loop.new_line()
    job = Job(call, arguments, lambda: loop.post(line.release))
    POOL.submit(job)
    try:
        await line.wait()
    except GeneratorExit:  # the event loop is being destroyed: nothing can be awaited any more
        _stop(interrupt)
        raise
    except BaseException:
        if not job.withdraw():
            _stop(interrupt)
            await _end_of(job, line)
        raise
    if job.error is None:
        result: T = job.result
        return result
    try:
        raise job.error
    finally:
        job.error = None  # its traceback holds this frame


def _stop(interrupt: Interrupt | None) -> None:
    if interrupt is not None:
        interrupt.stop("operation was interrupted because its task was cancelled")


async def _end_of(job: Job, line: Line) -> None:
    """Wait for the end of a call, however often the waiting task is cancelled."""
    with anyio.CancelScope(shield=True):
        while not job.is_done:
            try:
                await line.wait()
            except anyio.get_cancelled_exc_class():  # asyncio's own `Task.cancel` passes through shields
                continue


def start_service(name: str, target: Callable[[], None]) -> threading.Thread:
    """Start a daemon thread that serves a store until `target` returns; join it when the store closes."""
    thread = threading.Thread(target=target, name=f"amongo-{name}", daemon=True)
    thread.start()
    return thread


class Completion:
    """Something that happens once; tasks and threads wait for it.

    The first `set_result` or `set_exception` counts; both may be called from any thread. Any number of tasks, of any
    event loops, and of threads may wait, before or after; all tasks of one loop are woken by one call to it.

    ask   called when somebody begins to wait, from any thread and perhaps several times: what is to happen is wanted
          now. Tasks ask once all that are ready on their loop have gone on, so that they ask for all of them.
    """

    __slots__ = ("_ask", "_callbacks", "_error", "_is_done", "_lines", "_lock")

    def __init__(self, ask: Callable[[], object] | None = None) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._is_done = False
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._lines: dict[Loop, Line] = {}

    @property
    def is_done(self) -> bool:
        """Whether it has happened."""
        return self._is_done

    def set_result(self) -> None:
        """It has happened."""
        self._settle(None)

    def set_exception(self, error: BaseException) -> None:
        """It has failed: every waiter gets `error`."""
        self._settle(error)

    def _settle(self, error: BaseException | None) -> None:
        with self._lock:
            if self._is_done:
                return
            self._error = error
            self._is_done = True
            callbacks, self._callbacks = self._callbacks, []
            lines, self._lines = self._lines, {}
        for loop, line in lines.items():
            loop.post(line.release)
        for callback in callbacks:
            callback()

    def wait_blocking(self, timeout_s: float | None = None) -> bool:
        """Block this thread until it happens; False if `timeout_s` seconds passed first."""
        event = threading.Event()
        with self._lock:
            if not self._is_done:
                self._callbacks.append(event.set)
        if not self._is_done:
            if self._ask is not None:
                self._ask()
            if not event.wait(timeout_s):
                return False
        self._raise()
        return True

    async def wait(self) -> None:
        """Wait until it happens; blocks the thread under the blocking client."""
        if not self._is_done:
            if is_blocking():
                self.wait_blocking()
                return
            loop = current_loop()
            # Without the lock: a line that is found here is released later, for that takes a turn of this very loop.
            line = self._lines.get(loop)
            if line is None:
                line = self._new_line(loop)
            if line is not None:
                await line.wait()
        self._raise()

    def _new_line(self, loop: Loop) -> Line | None:
        """The line of this loop's tasks; None if it has happened meanwhile."""
        with self._lock:
            if self._is_done:
                return None
            line = self._lines[loop] = loop.new_line()
        if self._ask is not None:
            at_end_of_turn(self._ask)
        return line

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error.with_traceback(None)  # many raise the same error: each with its own traceback


async def sleep(duration_s: float) -> None:
    """Wait `duration_s` seconds; blocks the thread under the blocking client."""
    if is_blocking():
        threading.Event().wait(duration_s)
    else:
        await anyio.sleep(duration_s)
