"""Waiting for what is inserted into a collection.

Whoever waits asks for the next arrival first and looks at the collection then: what comes after the look completes it.
"""

from __future__ import annotations

from amongo.runtime.workers import Completion, Lock


class Arrivals:
    """The next arrival in one collection. Arrivals are announced too when the collection is dropped or renamed, or a
    cursor on it killed: who waits has to look again."""

    __slots__ = ("_lock", "_next")

    def __init__(self) -> None:
        self._lock = Lock()
        self._next: Completion | None = None

    def expect(self) -> Completion:
        """What happens with the next arrival; the same for all who wait."""
        with self._lock:
            if self._next is None:
                self._next = Completion()
            return self._next

    def announce(self) -> None:
        """Something has come: wake those who wait, if any."""
        if self._next is None:  # who asks from now on sees it
            return
        with self._lock:
            arrival, self._next = self._next, None
        if arrival is not None:
            arrival.set_result()
