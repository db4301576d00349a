"""The event loop underneath: which one runs here, how its tasks are suspended, how they are woken.

amongo runs on asyncio (with any loop that has its interface, as uvloop) and on trio. What is needed thousands of times
a second is asked of them directly: a task joins a `Line` and suspends itself; whoever has the line releases it. All
else goes through anyio.
"""

from __future__ import annotations

import sys
import threading
from asyncio import _get_running_loop as running_asyncio_loop
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

_PRUNED_LENGTH = 64


class Line(Protocol):
    """Suspended tasks of one event loop, in the order in which they came. Used on the loop's own thread only."""

    def join(self) -> Awaitable[None]:
        """Take a place; the calling task must await it at once, and is suspended until it is released.

        A cancelled task goes on at once, and its place is given to nobody.
        """
        ...

    def release(self, count: int = sys.maxsize) -> None:
        """Let the `count` tasks go on that have waited longest, or all."""
        ...

    def __len__(self) -> int:
        """How many places are taken, those of cancelled tasks perhaps included."""
        ...


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
    """One future for each task: one for all would be cancelled for all with the first of them."""

    __slots__ = ("_create_future", "_futures", "_pruned_length")

    def __init__(self, native: Any) -> None:
        self._create_future = native.create_future
        self._futures: deque[Any] = deque()
        self._pruned_length = _PRUNED_LENGTH

    def __len__(self) -> int:
        return len(self._futures)

    def join(self) -> Awaitable[None]:
        future: Awaitable[None] = self._create_future()
        self._futures.append(future)
        if len(self._futures) > self._pruned_length:
            self._futures = deque(future for future in self._futures if not future.done())
            self._pruned_length = max(_PRUNED_LENGTH, 2 * len(self._futures))
        return future

    def release(self, count: int = sys.maxsize) -> None:
        futures = self._futures
        while futures and count > 0:
            future = futures.popleft()
            if not future.done():  # otherwise it was cancelled
                future.set_result(None)
                count -= 1


class _TrioLine:
    """The tasks themselves."""

    __slots__ = ("_places", "_pruned_length")

    def __init__(self, native: Any) -> None:
        self._places: deque[_TrioPlace] = deque()
        self._pruned_length = _PRUNED_LENGTH

    def __len__(self) -> int:
        return len(self._places)

    def join(self) -> Awaitable[None]:
        place = _TrioPlace()
        self._places.append(place)
        if len(self._places) > self._pruned_length:
            self._places = deque(place for place in self._places if place.task is not None)
            self._pruned_length = max(_PRUNED_LENGTH, 2 * len(self._places))
        return place

    def release(self, count: int = sys.maxsize) -> None:
        from trio.lowlevel import reschedule

        places = self._places
        while places and count > 0:
            task = places.popleft().task
            if task is not None:  # otherwise it was cancelled
                reschedule(task)
                count -= 1


class _TrioPlace:
    """A task that is suspended when it awaits this; None once it was cancelled."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        from trio.lowlevel import current_task

        self.task: Any = current_task()

    def __await__(self) -> Generator[Any, None, None]:
        from trio.lowlevel import wait_task_rescheduled

        yield from wait_task_rescheduled(self._leave).__await__()  # noqa: ASYNC105 - it is awaited, this is how

    def _leave(self, _: object) -> Any:
        from trio.lowlevel import Abort

        self.task = None
        return Abort.SUCCEEDED
