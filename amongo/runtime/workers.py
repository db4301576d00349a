"""The one door to threads.

`run` moves one synchronous call to a worker thread; `start_service` starts a thread that lives as long as a store;
`Completion` is how such a thread tells tasks and threads that something has happened. Nothing else in amongo starts a
thread or hops to one.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import anyio._backends._asyncio  # now, and not with the first call on a running loop, which would stand still for 20 ms
import anyio.lowlevel

from amongo.runtime.blocking import READY, is_blocking
from amongo.runtime.interrupts import Interrupt, run_under
from amongo.runtime.loops import Line, Loop, current_loop
from amongo.runtime.pool import POOL, Job
from amongo.runtime.turns import at_end_of_turn

T = TypeVar("T")

Lock = threading.Lock
RLock = threading.RLock
Condition = threading.Condition


async def run(
    call: Callable[..., T],
    *arguments: Any,
    interrupt: Interrupt | None = None,
    discard: Callable[[T], object] | None = None,
) -> T:
    """Run `call(*arguments)` on a worker thread; at once on this thread under the blocking client.

    A cancelled caller stops `interrupt` and waits for the call's end, so that nothing goes on behind its back; a call
    that has not begun by then is never made. What the call has given, and nobody takes any more, goes to `discard`.
    """
    if is_blocking():
        return call(*arguments) if interrupt is None else run_under(interrupt, call, *arguments)
    await anyio.lowlevel.checkpoint_if_cancelled()
    loop = current_loop()
    line = Line(loop)
    if interrupt is None:
        job = Job(call, arguments, lambda: loop.post(line.release))
    else:
        job = Job(run_under, (interrupt, call, *arguments), lambda: loop.post(line.release))
    POOL.submit(job)
    try:
        await line.join()
    except GeneratorExit:  # the event loop is being destroyed: nothing can be awaited any more
        _stop(interrupt)
        raise
    except BaseException:
        if not job.withdraw():
            _stop(interrupt)
            await _end_of(job, line)
            if discard is not None and job.error is None:
                discard(job.result)
        raise
    if job.error is None:
        result: T = job.result
        return result
    try:
        raise job.error
    finally:
        job.error = None  # its traceback holds this frame


async def run_surely(call: Callable[..., object], *arguments: Any) -> None:
    """Run `call(*arguments)` on a worker thread, once, however often the caller is cancelled: what has to be let go.

    A cancelled caller hears of it when the call has ended.
    """
    begun: list[bool] = []

    def once() -> None:
        begun.append(True)
        call(*arguments)

    if is_blocking():
        return once()
    cancellation: BaseException | None = None
    with anyio.CancelScope(shield=True):
        while not begun:
            try:
                await run(once)
            except anyio.get_cancelled_exc_class() as error:  # asyncio's own `Task.cancel` passes through shields
                cancellation = error
    if cancellation is not None:
        raise cancellation
    return None


def _stop(interrupt: Interrupt | None) -> None:
    if interrupt is not None:
        interrupt.stop("operation was interrupted because its task was cancelled")


async def _end_of(job: Job, line: Line) -> None:
    """Wait for the end of a call, however often the waiting task is cancelled."""
    with anyio.CancelScope(shield=True):
        while not job.is_done:
            try:
                await line.join()
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
        if not self._is_done and not self._block(timeout_s):
            return False
        self.check()
        return True

    async def wait_for(self, timeout_s: float) -> bool:
        """Wait until it happens; False if `timeout_s` seconds passed first."""
        if is_blocking():
            return self.wait_blocking(timeout_s)
        with anyio.move_on_after(timeout_s):
            await self.wait()
        return self._is_done

    def _block(self, timeout_s: float | None) -> bool:
        event = threading.Event()
        wake = event.set
        with self._lock:
            if self._is_done:
                return True
            self._callbacks.append(wake)
        if self._ask is not None:
            self._ask()
        if event.wait(timeout_s):
            return True
        with self._lock:
            if not self._is_done:
                self._callbacks.remove(wake)
            return self._is_done

    async def wait(self) -> None:
        """Wait until it happens; blocks the thread under the blocking client."""
        await self.happening()
        self.check()

    def happening(self) -> Awaitable[None]:
        """`wait` in two parts, for those who do it often: await this at once, then `check`."""
        if self._is_done:
            return READY
        if is_blocking():
            self._block(None)
            return READY
        loop = current_loop()
        # Without the lock: a line that is found here is released later, for that takes a turn of this very loop.
        line = self._lines.get(loop)
        if line is None:
            line = self._new_line(loop)
        return READY if line is None else line.join()

    def check(self) -> None:
        """Raise what it has failed with."""
        if self._error is not None:
            raise self._error.with_traceback(None)  # many raise the same error: each with its own traceback

    def call(self, callback: Callable[[], object]) -> bool:
        """Have a call made when it happens, by the thread that makes it happen; False if it has happened already."""
        with self._lock:
            if not self._is_done:
                self._callbacks.append(callback)
            return not self._is_done

    def forget(self, callback: Callable[[], object]) -> None:
        """Have a call not made that `call` was given."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def call_on_loop(self, loop: Loop, call: Callable[[], object]) -> None:
        """Have `loop`, which is the running one, make a call when it happens."""
        with self._lock:
            is_done = self._is_done
            if not is_done:
                self._callbacks.append(lambda: loop.post(call))
        if is_done:
            loop.soon(call)
        elif self._ask is not None:
            at_end_of_turn(self._ask)

    def _new_line(self, loop: Loop) -> Line | None:
        """The line of this loop's tasks; None if it has happened meanwhile."""
        with self._lock:
            if self._is_done:
                return None
            line = self._lines[loop] = Line(loop)
        if self._ask is not None:
            at_end_of_turn(self._ask)
        return line


async def sleep(duration_s: float) -> None:
    """Wait `duration_s` seconds; blocks the thread under the blocking client."""
    if is_blocking():
        threading.Event().wait(duration_s)
    else:
        await anyio.sleep(duration_s)
