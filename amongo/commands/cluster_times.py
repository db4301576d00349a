"""Cluster times: what an instance gives as `operationTime` and `$clusterTime`, and what it believes of others'.

A commit's sequence is its cluster time. There is one node: whatever was committed at a time is there to be read, and
nobody has to wait for it. Source: manual, Read Concern, "Causal Consistency"; hello, operationTime and $clusterTime.
"""

from __future__ import annotations

from typing import Any

from bson import Timestamp

from amongo.engine.store import Store
from amongo.errors import sessions as errors
from amongo.runtime.clock import Clock
from amongo.runtime.limits import CLUSTER_TIME_DRIFT_S


class ClusterTimes:
    """The cluster times of an instance."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._now_ns = clock.now_ns
        self._started = clock.now_ms() // 1000 << 32
        self._known = 0  # the greatest that a client has told of
        self._given = 0  # the last that `next` gave

    @property
    def last(self) -> int:
        """That of the last commit, as a sequence. Before the first one of a new store, just before any that it may
        have."""
        return self._store.last_sequence or self._started

    def operation(self) -> Timestamp:
        """That of the last commit: an operation time."""
        return timestamp(self.last)

    def cluster(self) -> Timestamp:
        """The greatest that is known."""
        return timestamp(self.numbers()[0])

    def numbers(self) -> tuple[int, int]:
        """(the greatest that is known, that of the last commit), as sequences."""
        last = self._store.last_sequence
        return max(last, self._known, self._given, self._now()), last or self._started

    def next(self) -> Timestamp:
        """One for a field that asks for the present one: after the last commit, never the same twice."""
        self._given = given = max(self._now(), self._given + 1, self._store.last_sequence + 1)
        return timestamp(given)

    def check(self, name: str, time: Timestamp) -> None:
        """Refuse a read concern with a time that nobody has told of yet.

        name     of the field
        errors   CLUSTER_TIME_AHEAD
        """
        current = self.cluster()
        if time > current:
            raise errors.CLUSTER_TIME_AHEAD(name=name, requested=time, current=current)

    def note(self, told: Any) -> None:
        """Take note of a client's `$clusterTime`, {clusterTime, signature}; of anything else none is taken.

        errors   CLUSTER_TIME_FAR_AHEAD
        """
        time = told.get("clusterTime") if type(told) is dict else None
        if type(time) is not Timestamp or sequence(time) <= self._known:
            return
        now_s = self._clock.now_ms() // 1000
        if time.time - now_s > CLUSTER_TIME_DRIFT_S:
            raise errors.CLUSTER_TIME_FAR_AHEAD(requested=time, current_s=now_s)
        self._known = sequence(time)

    def _now(self) -> int:
        return self._now_ns() // 1_000_000_000 << 32 | 1


def timestamp(number: int) -> Timestamp:
    """A sequence as a cluster time."""
    return Timestamp(number >> 32, number & 0xFFFFFFFF)


def sequence(time: Timestamp) -> int:
    """A cluster time as a sequence."""
    return time.time << 32 | time.inc
