"""The event loop underneath: which one runs here, how its tasks are suspended, how they are woken.

amongo runs on asyncio (with any loop that has its interface, as uvloop) and on trio. What is needed thousands of times
a second is asked of them directly: a task suspends itself on a `Line`, and whoever has the line releases it. All else
goes through anyio.
"""

from __future__ import annotations

import sys
import threading
from asyncio import _get_running_loop as running_asyncio_loop
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol


class Line(Protocol):
    """Suspended tasks of one event loop, in the order in which they came. Used on the loop's own thread only."""

    async def wait(self) -> None:
        """Suspend the calling task until it is released. A cancelled task leaves the line at once."""
        ...

    def release(self, count: int = sys.maxsize) -> None:
        """Let the `count` tasks go on that have waited longest, or all."""
        ...

    def __len__(self) -> int: ...


class Loop:
    """A running event loop.

    native      asyncio's event loop, or trio's token
    soon        has the loop make a call when the tasks that are ready now have run; on the loop's own thread
    new_line    makes an empty line of the loop's tasks
    """

    __slots__ = ("__weakref__", "_post", "native", "new_line", "soon")

    def __init__(self, native: Any, soon: Callable[..., object], post: Callable[..., object], line: type[Line]) -> None:
        self.native = native
        self.soon = soon
        self._post = post
        self.new_line: Callable[[], Line] = lambda: line(native)  # type: ignore[call-arg]

    def post(self, call: Callable[[], object]) -> None:
        """Have the loop make a call, from any thread; nothing happens if the loop has ended meanwhile."""
        try:
            self._post(call)
        except RuntimeError:
            pass  # the loop is gone, and its tasks with it


class _Here(threading.local):
    """The event loops that this thread has seen last: a trio that is asyncio's guest shares the thread with it."""

    asyncio: Loop | None = None
    trio: Loop | None = None


_here = _Here()


def current_loop() -> Loop:
    """The event loop that runs the calling task.

    errors   RuntimeError outside of asyncio and trio
    """
    in_trio_task = getattr(sys.modules.get("trio.lowlevel"), "in_trio_task", None)
    if in_trio_task is not None and in_trio_task():
        return _current_trio()
    native = running_asyncio_loop()
    if native is None:
        raise RuntimeError("amongo's async client needs asyncio or trio, and neither runs here")
    loop = _here.asyncio
    if loop is None or loop.native is not native:
        loop = _here.asyncio = Loop(native, native.call_soon, native.call_soon_threadsafe, _AsyncioLine)
    return loop


def _current_trio() -> Loop:
    from trio.lowlevel import current_trio_token

    token = current_trio_token()
    loop = _here.trio
    if loop is None or loop.native is not token:
        loop = _here.trio = Loop(token, token.run_sync_soon, token.run_sync_soon, _TrioLine)
    return loop


class _AsyncioLine:
    """One future for each task. One for all would be cancelled for all with the first of them."""

    __slots__ = ("_create_future", "_futures")

    def __init__(self, native: Any) -> None:
        self._create_future = native.create_future
        self._futures: OrderedDict[Any, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._futures)

    async def wait(self) -> None:
        future = self._create_future()
        self._futures[future] = None
        try:
            await future
        except BaseException:
            self._futures.pop(future, None)
            raise

    def release(self, count: int = sys.maxsize) -> None:
        futures = self._futures
        while futures and count > 0:
            future, _ = futures.popitem(last=False)
            if not future.done():  # cancelled, and its task has not heard of it yet
                future.set_result(None)
                count -= 1


class _TrioLine:
    """The tasks themselves."""

    __slots__ = ("_tasks",)

    def __init__(self, native: Any) -> None:
        self._tasks: OrderedDict[Any, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tasks)

    async def wait(self) -> None:
        from trio.lowlevel import Abort, current_task, wait_task_rescheduled

        task = current_task()
        self._tasks[task] = None

        def leave(_: object) -> Abort:
            del self._tasks[task]
            return Abort.SUCCEEDED

        await wait_task_rescheduled(leave)

    def release(self, count: int = sys.maxsize) -> None:
        from trio.lowlevel import reschedule

        tasks = self._tasks
        while tasks and count > 0:
            task, _ = tasks.popitem(last=False)
            reschedule(task)
            count -= 1
