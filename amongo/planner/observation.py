"""What an operation looks at on its way, for those who keep an eye on it: the profiler.

While something is observed at all (`SWITCH`), plans count what goes by, for the operation that runs on this thread at
that moment: a cursor's later batches count for the getMores that ask for them. Otherwise nothing is counted, and it
costs the look at one attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final, TypeVar

from amongo.planner.probe import Counts, Probe
from amongo.runtime.workers import Lock

_Item = TypeVar("_Item")


class Observation:
    """What one operation has looked at.

    keys      index entries
    docs      documents
    summary   of its first plan; "" for none
    operation   that does; whoever observes knows what it is
    """

    __slots__ = ("docs", "keys", "operation", "summary")

    def __init__(self, operation: object = None) -> None:
        self.keys = self.docs = 0
        self.summary = ""
        self.operation = operation

    def look_by(self, summary: str) -> None:
        """Note by which plan it looks; the first one counts."""
        self.summary = self.summary or summary


class Switch:
    """Whether anything is observed.

    is_on   for some instance of this process
    """

    __slots__ = ("_lock", "_observers", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._lock = Lock()
        self._observers: set[int] = set()

    def call(self, observer: object, *, is_on: bool) -> None:
        """Say whether one of those that may observe does."""
        with self._lock:
            if is_on:
                self._observers.add(id(observer))
            else:
                self._observers.discard(id(observer))
            self.is_on = bool(self._observers)


SWITCH: Final = Switch()
OBSERVED: Final[ContextVar[Observation | None]] = ContextVar("amongo_observed", default=None)
"""The operation that runs on this thread; None for one that nobody observes."""

_NOBODY: Final = Observation()  # counts for operations that nobody observes


def observed() -> Observation:
    """Where the operation of this moment counts."""
    return OBSERVED.get() or _NOBODY


class _Forwarded(Counts):
    """Counts of a stage that go on to the operation of the moment."""

    __slots__ = ()

    @property
    def keys(self) -> int:
        """Index entries."""
        return observed().keys

    @keys.setter
    def keys(self, value: int) -> None:
        observed().keys = value

    @property
    def docs(self) -> int:
        """Documents that a stage below the FETCH has looked at."""
        return observed().docs

    @docs.setter
    def docs(self, value: int) -> None:
        observed().docs = value


class ObservingProbe(Probe):
    """A probe whose counts are those of the operation of the moment."""

    __slots__ = ()

    def of(self, stage: object) -> Counts:
        """The counters of one stage."""
        return _Forwarded()


def examined(documents: Iterator[_Item], *, keys: bool = False) -> Iterator[_Item]:
    """The documents, each counted as one that was looked at.

    keys   and as an index entry too
    """
    for document in documents:
        current = observed()
        current.docs += 1
        current.keys += keys
        yield document
