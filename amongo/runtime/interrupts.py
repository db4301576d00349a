"""Stopping an operation: a time limit, a cancelled task, a killed cursor.

Every loop over documents calls `Interrupt.check`; that one call ends an operation whose time is over or that nobody
waits for any more, and lets other threads run now and then, so that a long operation on a worker never starves the
event loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from amongo.runtime.limits import BREATH_INTERVAL_S, BREATH_S, CHECK_DOCUMENTS, CHECK_ITEMS

T = TypeVar("T")


class TimeLimitExpired(Exception):
    """The operation's `maxTimeMS` is over."""


class OperationInterrupted(Exception):
    """The operation was asked to stop: its task was cancelled, its cursor killed, its client closed."""


class Interrupt:
    """The stop signal of one operation.

    time_limit_ms   `maxTimeMS` of the command; None for no limit
    """

    __slots__ = ("_breath_due", "_call", "_deadline", "_follower", "_left_s", "_loop_thread", "_reason")

    def __init__(self, time_limit_ms: int | None = None) -> None:
        now = time.monotonic()
        self._deadline = now + time_limit_ms / 1000 if time_limit_ms else None
        self._left_s: float | None = None  # of the time limit, while the operation pauses
        self._reason: str | None = None
        self._breath_due = now + BREATH_INTERVAL_S
        self._loop_thread: int | None = None
        self._follower: Interrupt | None = None
        self._call: Callable[[], object] | None = None

    def stop(self, reason: str = "operation was interrupted") -> None:
        """Ask the operation to end; thread-safe, and harmless after its end."""
        self._reason = reason
        if (call := self._call) is not None:
            call()
        if self._follower is not None:
            self._follower.stop(reason)

    def also_stop(self, follower: Interrupt) -> None:
        """Whatever stops this operation stops another as well: a getMore goes on with what a find has begun."""
        self._follower = follower
        if self._reason is not None:
            follower.stop(self._reason)

    def limit(self, time_limit_ms: int) -> None:
        """End the operation in `time_limit_ms` milliseconds from now."""
        self._deadline = time.monotonic() + time_limit_ms / 1000

    @property
    def is_limited(self) -> bool:
        """Whether the operation has a time limit, however much of it is left."""
        return self._deadline is not None or self._left_s is not None

    def pause(self) -> None:
        """Stop the clock: the operation waits for its client, which does not count. Source: manual, maxTimeMS."""
        if self._deadline is not None:
            self._left_s = self._deadline - time.monotonic()
            self._deadline = None

    def resume(self) -> None:
        """Let the clock go on after `pause`."""
        if self._left_s is not None:
            self._deadline = time.monotonic() + self._left_s
            self._left_s = None

    def stay_on_loop(self) -> None:
        """Say that the calling thread runs an event loop: there `check` never sleeps."""
        self._loop_thread = threading.get_ident()

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """While the block runs, which does not come back to `check`: have `call` end it when the operation has to end.

        call   from another thread; harmless when the block has ended already
        errors   those of `check`
        """
        self._call = call
        timer = None
        try:
            self.check()
            if self._deadline is not None:
                timer = threading.Timer(max(self._deadline - time.monotonic(), 0), call)
                timer.daemon = True
                timer.start()
            yield
        finally:
            self._call = None
            if timer is not None:
                timer.cancel()

    def check(self) -> None:
        """End the operation if it has to end; otherwise let other threads run when it is time.

        errors   TimeLimitExpired past the time limit, OperationInterrupted after `stop`; the waist turns them into 50
        and 11601
        """
        if self._reason is not None:
            raise OperationInterrupted(self._reason)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise TimeLimitExpired
        self.breathe()

    def breathe(self) -> None:
        """Let other threads run when it is time: `check` for work that has to be done to its end."""
        if time.monotonic() >= self._breath_due:
            if self._loop_thread != threading.get_ident():
                time.sleep(BREATH_S)
            self._breath_due = time.monotonic() + BREATH_INTERVAL_S

    def watch(self, documents: Iterable[Any]) -> Iterator[Any]:
        """The documents, one by one, with a check before every 64th."""
        countdown = 1
        for document in documents:
            countdown -= 1
            if not countdown:
                self.check()
                countdown = CHECK_DOCUMENTS
            yield document


class _Never(Interrupt):
    """An interrupt that never fires: for short work and for tests."""

    __slots__ = ()

    def stop(self, reason: str = "") -> None:
        """Do nothing: this interrupt is shared."""

    def also_stop(self, follower: Interrupt) -> None:
        """Do nothing: this interrupt is shared."""

    def limit(self, time_limit_ms: int) -> None:
        """Do nothing: this interrupt is shared."""

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Do nothing: nothing ends it."""
        yield

    def check(self) -> None:
        """Do nothing."""

    def breathe(self) -> None:
        """Do nothing."""


NEVER: Interrupt = _Never()


class _Present(threading.local):
    """What each thread runs just now, and how many items its loops may still take before they look at it."""

    interrupt: Interrupt = NEVER
    countdown = 0


_present = _Present()


def run_under(interrupt: Interrupt, call: Callable[..., T], *arguments: Any) -> T:
    """Run `call(*arguments)`, whose loops find the interrupt by `watch_present` though nobody hands it to them."""
    before, _present.interrupt = _present.interrupt, interrupt
    try:
        return call(*arguments)
    finally:
        _present.interrupt = before


def watch_present(items: Sequence[T]) -> Iterable[T]:
    """The items, watched by the interrupt of what this thread runs; as they are where it has none, or has just looked.

    For loops within the work on one document, which may take as long as those over documents.
    """
    interrupt = _present.interrupt
    if interrupt is NEVER:
        return items
    left = _present.countdown - len(items) - 1
    if left > 0:
        _present.countdown = left
        return items
    _present.countdown = CHECK_ITEMS
    return interrupt.watch(items)
