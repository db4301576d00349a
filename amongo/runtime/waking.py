"""Waking many tasks by turns, and those alone whom it concerns.

What a thousand tasks wait for happens once, and each of them has something to do then. So those of one event loop queue
for their turns when it has happened (see `amongo.runtime.turns`): the loop is never held for all of them, and they let
go first whoever has made it happen. Where many wait, each for something of its own, somebody says what it was (`News`),
and the others sleep on. A wait has a time limit, and others can end it; it holds no thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import anyio

from amongo.runtime.blocking import is_blocking
from amongo.runtime.loops import Line, Place
from amongo.runtime.turns import Queue, current_queue
from amongo.runtime.workers import Completion

_FEW: Final = 16  # so many are woken whatever has happened


class Expected(Protocol):
    """What happens again and again."""

    def expect(self) -> Completion:
        """The next time."""
        ...


class News(Protocol):
    """Says what has happened."""

    def happened(self) -> Collection[Hashable] | None:
        """The topics of what has happened since the last call, or the beginning; None if it may concern anybody."""
        ...

    def close(self) -> None:
        """Nobody asks any more."""
        ...


class Sleeper:
    """One who waits for what is to happen: a task, or a thread under the blocking client.

    arrivals   what happens; None where the next time is all that is known
    topic      wake it for this alone; None for anything
    open_news  gives what says what has happened; None if nobody can say
    """

    __slots__ = ("_wake", "arrivals", "open_news", "topic")

    def __init__(
        self, arrivals: Expected | None = None, topic: Hashable = None, open_news: Callable[[], News] | None = None
    ) -> None:
        self.arrivals = arrivals
        self.topic = topic
        self.open_news = open_news
        self._wake: Callable[[], object] | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether it waits."""
        return self._wake is not None

    def wake(self) -> None:
        """Let it go on, from any thread; nothing happens if it does not wait."""
        if (wake := self._wake) is not None:
            wake()

    async def sleep(self, arrival: Completion, timeout_s: float | None, is_over: Callable[[], bool]) -> bool:
        """Wait until there is news, `timeout_s` seconds have passed, or somebody calls `wake`.

        arrival   the next of the arrivals, expected before the caller has looked for himself
        timeout_s None for no limit
        is_over   whether there is nothing to wait for: asked when `wake` is heard, so that no wake comes too early
        result    whether it has had its turn on the loop: it was let go with others
        """
        if arrival.is_done:
            return False
        if is_blocking():
            self._block(arrival, timeout_s, is_over)
            return True
        crowd = _crowd(current_queue(), self.arrivals or _Once(arrival), self.open_news)
        loop = crowd.queue.loop
        place = crowd.join(self.topic, arrival)
        try:
            self._wake = partial(loop.post, partial(_release, place))
            if is_over():
                loop.soon(_release, place)
            return await _limited(loop.native, place, timeout_s)
        finally:
            self._wake = None
            crowd.leave()

    def _block(self, arrival: Completion, timeout_s: float | None, is_over: Callable[[], bool]) -> None:
        event = threading.Event()
        self._wake = event.set
        try:
            if arrival.call(event.set) and not is_over():
                event.wait(timeout_s)
        finally:
            arrival.forget(event.set)
            self._wake = None


class _Crowd:
    """The tasks of one event loop that wait for the same arrivals.

    Whatever arrives after a task has looked ends its wait: the completion that it has asked for before is done, or the
    crowd hears of it, which asks for the next one before it asks for the news.
    """

    __slots__ = ("_count", "_is_expecting", "_lines", "_news", "_pruned_length", "arrivals", "open_news", "queue")

    def __init__(self, queue: Queue, arrivals: Expected) -> None:
        self.queue = queue
        self.arrivals = arrivals
        self.open_news: Callable[[], News] | None = None  # of the first sleeper that has any
        self._news: News | None = None
        self._lines: dict[Hashable, Line] = {}  # by topic
        self._pruned_length = _FEW
        self._count = 0
        self._is_expecting = False

    def join(self, topic: Hashable, arrival: Completion) -> Place:
        """A place for the calling task, to be awaited at once."""
        line = self._lines.get(topic)
        if line is None:
            if len(self._lines) > self._pruned_length:
                self._lines = {each: line for each, line in self._lines.items() if line.has_waiting()}
                self._pruned_length = max(_FEW, 2 * len(self._lines))
            line = self._lines[topic] = Line(self.queue.loop)
        self._count += 1
        self._expect(arrival)
        return line.join()

    def leave(self) -> None:
        """A task waits no more."""
        self._count -= 1
        if not self._count:
            self.queue.batches.pop(self.arrivals, None)
            self._close_news()

    def _expect(self, arrival: Completion) -> None:
        if not self._is_expecting:
            self._is_expecting = True
            arrival.call_on_loop(self.queue.loop, self._arrived)

    def _arrived(self) -> None:
        """Something has: let those go on whom it concerns, in their turn."""
        self._is_expecting = False
        if not self._count:
            return
        arrival = self.arrivals.expect()
        happened = None if self._news is None else self._news.happened()
        if self._news is None and self.open_news is not None and self._count > _FEW:
            self._news = self.open_news()  # from now on, for all have been woken
        for topic in list(self._lines) if happened is None else (None, *happened):
            line = self._lines.pop(topic, None)
            if line is not None:
                self.queue.patient.take(line)
        self.queue.move_now()
        if self._lines:
            self._expect(arrival)

    def _close_news(self) -> None:
        if self._news is not None:
            self._news.close()
            self._news = None


@dataclass(frozen=True, slots=True)
class _Once:
    """What is known of by its next time alone."""

    arrival: Completion

    def expect(self) -> Completion:
        """This time."""
        return self.arrival


def _crowd(queue: Queue, arrivals: Expected, open_news: Callable[[], News] | None) -> _Crowd:
    """Those that wait for the same on this loop."""
    crowd: _Crowd | None = queue.batches.get(arrivals)
    if crowd is None:
        crowd = queue.batches[arrivals] = _Crowd(queue, arrivals)
    crowd.open_news = crowd.open_news or open_news
    return crowd


async def _limited(native: Any, place: Place, timeout_s: float | None) -> bool:
    """Wait at a place for so long; whether it was let go with others."""
    if timeout_s is None:
        return await place is None
    call_later = getattr(native, "call_later", None)
    if call_later is None:  # trio
        result: object = False
        with anyio.move_on_after(timeout_s):
            result = await place
        return result is None
    timer = call_later(timeout_s, _release, place)
    try:
        return await place is None
    finally:
        timer.cancel()


def _release(place: Place) -> None:
    """Let the task go on that stands there, if it does."""
    if not place.done():
        place.set_result(False)
