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
import anyio.to_thread

from amongo.runtime.blocking import is_blocking
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BREATH_INTERVAL_S, WORKER_THREADS

T = TypeVar("T")

Lock = threading.Lock
RLock = threading.RLock
Condition = threading.Condition

_limiters: anyio.lowlevel.RunVar[anyio.CapacityLimiter] = anyio.lowlevel.RunVar("amongo_workers")


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _limiters.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(WORKER_THREADS)
        _limiters.set(limiter)
        return limiter


async def run(
    call: Callable[..., T],
    *arguments: Any,
    interrupt: Interrupt | None = None,
    discard: Callable[[T], object] | None = None,
) -> T:
    """Run `call(*arguments)` on a worker thread; at once on this thread under the blocking client.

    A cancelled caller stops `interrupt` and waits for the call's end, so that nothing goes on behind its back; a call
    that still waits for a thread is not begun. What a call has given that nobody takes any more goes to `discard`.
    """
    if is_blocking():
        return call(*arguments)
    job = _Job(call, arguments)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(job.hop)
            try:
                await job.done.wait()
            except BaseException:
                if job.claim():
                    job.scope.cancel()
                elif interrupt is not None:
                    interrupt.stop("operation was interrupted because its task was cancelled")
                raise
    except BaseException:
        if job.results and discard is not None:
            discard(job.results[0])
        raise
    if job.failures:
        raise job.failures[0]
    result: T = job.results[0]
    return result


class _Job:
    """One call on its way through a worker thread."""

    __slots__ = ("_arguments", "_call", "_claimed", "_is_over", "done", "failures", "results", "scope")

    def __init__(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._call = call
        self._arguments = arguments
        self._claimed = threading.Lock()
        self._is_over = False
        self.done = anyio.Event()
        self.failures: list[BaseException] = []
        self.results: list[Any] = []
        self.scope = anyio.CancelScope(shield=True)

    def claim(self) -> bool:
        """Decide whether the call begins: True for the first to ask, its thread or whoever wants it not to begin."""
        return self._claimed.acquire(blocking=False)

    async def hop(self) -> None:
        """The task that waits for the thread."""
        try:
            with self.scope:
                await anyio.to_thread.run_sync(self._work, limiter=_limiter())
        except BaseException as error:  # an event loop that ends cancels even what is shielded
            if self.claim():
                self.failures.append(error)
            while not self._is_over and not self.failures:
                await _outlast()
        finally:
            self.done.set()

    def _work(self) -> None:
        if not self.claim():
            return
        try:
            self.results.append(self._call(*self._arguments))
        except BaseException as error:
            self.failures.append(error)
        finally:
            self._is_over = True


async def _outlast() -> None:
    """Wait a moment, whoever wants this task to end."""
    try:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(BREATH_INTERVAL_S)
    except BaseException:
        pass


def scheduler() -> Callable[[Callable[[], object]], object]:
    """A thread-safe function that has the running event loop make a call in its next turn."""
    native: Any = anyio.lowlevel.current_token().native_token
    schedule: Callable[[Callable[[], object]], object]
    schedule = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
    return schedule


def start_service(name: str, target: Callable[[], None]) -> threading.Thread:
    """Start a daemon thread that serves a store until `target` returns; join it when the store closes."""
    thread = threading.Thread(target=target, name=f"amongo-{name}", daemon=True)
    thread.start()
    return thread


class Completion:
    """Something that happens once; tasks and threads wait for it.

    The first `set_result` or `set_exception` counts; both may be called from any thread. Any number of tasks, of any
    event loops, and of threads may wait, before or after.
    """

    __slots__ = ("_callbacks", "_error", "_is_done", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_done = False
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

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
        for callback in callbacks:
            callback()

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call `callback` when it happens, on the thread that settles; at once if it has happened."""
        with self._lock:
            if not self._is_done:
                self._callbacks.append(callback)
                return
        callback()

    def wait_blocking(self, timeout_s: float | None = None) -> bool:
        """Block this thread until it happens; False if `timeout_s` seconds passed first."""
        event = threading.Event()
        self.add_callback(event.set)
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
            await self._suspend()
        self._raise()

    async def _suspend(self) -> None:
        event = anyio.Event()
        schedule = scheduler()

        def wake() -> None:
            try:
                schedule(event.set)
            except RuntimeError:  # the waiter's event loop is gone, and the waiter with it
                pass

        self.add_callback(wake)
        await event.wait()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


async def sleep(duration_s: float) -> None:
    """Wait `duration_s` seconds; blocks the thread under the blocking client."""
    if is_blocking():
        threading.Event().wait(duration_s)
    else:
        await anyio.sleep(duration_s)
