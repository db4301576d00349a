"""The event loop underneath: which one runs here, how its tasks are suspended, how they are woken.

amongo runs on asyncio (with any loop that has its interface, as uvloop) and on trio. What is needed thousands of times
a second is asked of them directly: a task awaits a `Place` and is suspended until somebody gives it a result. All else
goes through anyio.
"""

from __future__ import annotations

import sys
import threading
from asyncio import _get_running_loop as running_asyncio_loop
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

_PRUNED_LENGTH = 64


class Place(Awaitable[Any], Protocol):
    """Where one task is suspended: it must await it at once. Used on the loop's own thread only.

    A task that is cancelled goes on at once, and its place is done. The names are those of asyncio's futures, which
    are asyncio's places: one for each task, for one for all would be cancelled for all with the first of them.
    """

    def done(self) -> bool:
        """Whether the task has been cancelled, or let go on."""
        ...

    def set_result(self, result: Any, /) -> None:
        """Let the task go on with `result`. Only while it is not done."""
        ...

    def set_exception(self, exception: BaseException, /) -> None:
        """Let the task go on by raising `exception`. Only while it is not done."""
        ...


class Loop:
    """A running event loop.

    native      asyncio's event loop, or trio's token
    soon        has the loop make a call when the tasks that are ready now have run; on the loop's own thread
    new_place   makes a place for the calling task
    """

    __slots__ = ("__weakref__", "_post", "native", "new_place", "soon")

    def __init__(
        self, native: Any, soon: Callable[..., object], post: Callable[..., object], new_place: Callable[[], Place]
    ) -> None:
        self.native = native
        self.soon = soon
        self._post = post
        self.new_place = new_place

    def post(self, call: Callable[[], object]) -> None:
        """Have the loop make a call, from any thread; nothing happens if the loop has ended meanwhile."""
        if running_asyncio_loop() is self.native:  # it need not be woken
            self.soon(call)
            return
        try:
            self._post(call)
        except RuntimeError:
            pass  # the loop is gone, and its tasks with it


class Line:
    """Suspended tasks of one event loop, in the order in which they came. Used on the loop's own thread only."""

    __slots__ = ("_new_place", "_places", "_pruned_length")

    def __init__(self, loop: Loop) -> None:
        self._new_place = loop.new_place
        self._places: deque[Place] = deque()
        self._pruned_length = _PRUNED_LENGTH

    def __len__(self) -> int:
        """How many places there are, perhaps with some of cancelled tasks."""
        return len(self._places)

    def join(self) -> Place:
        """A place at the end, for the calling task."""
        place = self._new_place()
        self._places.append(place)
        if len(self._places) > self._pruned_length:
            self._places = deque(place for place in self._places if not place.done())
            self._pruned_length = max(_PRUNED_LENGTH, 2 * len(self._places))
        return place

    def has_waiting(self) -> bool:
        """Whether anybody stands in it."""
        return any(not place.done() for place in self._places)

    def take(self, other: Line) -> None:
        """Put those who stand in another line behind the last of this one."""
        self._places += other._places
        other._places = deque()

    def release(self, count: int = sys.maxsize) -> None:
        """Let the `count` tasks go on that have waited longest, or all."""
        places = self._places
        while places and count > 0:
            place = places.popleft()
            if not place.done():
                place.set_result(None)
                count -= 1


class _Here(threading.local):
    """The event loops that this thread has seen last: a trio that is asyncio's guest shares the thread with it."""

    asyncio: Loop | None = None
    trio: Loop | None = None


_here = _Here()


def current_loop() -> Loop:
    """The event loop that runs the calling task.

    errors   RuntimeError outside of asyncio and trio
    """
    if "trio" in sys.modules and _is_trio_task():
        return _current_trio()
    native = running_asyncio_loop()
    if native is None:
        raise RuntimeError("amongo's async client needs asyncio or trio, and neither runs here")
    loop = _here.asyncio
    if loop is None or loop.native is not native:
        loop = _here.asyncio = Loop(native, native.call_soon, native.call_soon_threadsafe, native.create_future)
    return loop


def _is_trio_task() -> bool:
    in_trio_task = getattr(sys.modules.get("trio.lowlevel"), "in_trio_task", None)  # None while it is being imported
    return in_trio_task is not None and in_trio_task()


def _current_trio() -> Loop:
    from trio.lowlevel import current_trio_token

    token = current_trio_token()
    loop = _here.trio
    if loop is None or loop.native is not token:
        loop = _here.trio = Loop(token, token.run_sync_soon, token.run_sync_soon, _TrioPlace)
    return loop


class _TrioPlace:
    """A place of a trio task, which stands here until it goes on."""

    __slots__ = ("_task",)

    def __init__(self) -> None:
        from trio.lowlevel import current_task

        self._task: Any = current_task()

    def __await__(self) -> Generator[Any, None, Any]:
        from trio.lowlevel import wait_task_rescheduled

        return (yield from wait_task_rescheduled(self._leave).__await__())  # noqa: ASYNC105 - awaited, this is how

    def _leave(self, _: object) -> Any:
        from trio.lowlevel import Abort

        self._task = None
        return Abort.SUCCEEDED

    def done(self) -> bool:
        return self._task is None

    def set_result(self, result: Any, /) -> None:
        from outcome import Value  # trio's own

        self._go_on(Value(result))

    def set_exception(self, exception: BaseException, /) -> None:
        from outcome import Error

        self._go_on(Error(exception))

    def _go_on(self, result: Any) -> None:
        from trio.lowlevel import reschedule

        task, self._task = self._task, None
        reschedule(task, result)
