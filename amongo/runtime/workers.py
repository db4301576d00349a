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
from amongo.runtime.limits import WORKER_THREADS

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


async def run(call: Callable[..., T], *arguments: Any, interrupt: Interrupt | None = None) -> T:
    """Run `call(*arguments)` on a worker thread; at once on this thread under the blocking client.

    A cancelled caller stops `interrupt` and waits for the call's end, so that nothing goes on behind its back.
    """
    if is_blocking():
        return call(*arguments)
    results: list[T] = []
    failures: list[BaseException] = []
    done = anyio.Event()

    async def hop() -> None:
        try:
            with anyio.CancelScope(shield=True):
                results.append(await anyio.to_thread.run_sync(call, *arguments, limiter=_limiter()))
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(hop)
        try:
            await done.wait()
        except BaseException:
            if interrupt is not None:
                interrupt.stop("operation was interrupted because its task was cancelled")
            raise
    if failures:
        raise failures[0]
    return results[0]


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
