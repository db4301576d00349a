"""Waiting for what is inserted into a collection, or committed to a store.

Whoever waits asks for the next arrival first and looks at the collection then: what comes after the look completes it.
"""

from __future__ import annotations

from amongo.runtime.workers import Completion, Lock


class Arrivals:
    """The next arrival. In a collection, arrivals are announced too when it is dropped or renamed, or a cursor on it
    killed: who waits has to look again."""

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
        arrival = self._next
        if arrival is None:  # who asks from now on sees it
            return
        arrival.set_result()  # first, so that nobody is forgotten where an exception comes in between
        with self._lock:
            if self._next is arrival:
                self._next = None
