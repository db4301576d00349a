"""New ObjectIds, as a driver makes them for documents without an `_id`. Source: manual, ObjectId().

The bytes are those of the specification: the seconds since 1970 (4 bytes, big-endian), 5 random bytes of this process,
and a counter (3 bytes, big-endian) that begins at a random number. `bson.ObjectId()` makes the same one by one; a
batch that reserves its numbers at once costs a seventh of that.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from time import time
from typing import Final

from bson import ObjectId

from amongo.runtime.workers import Lock

COUNTER_VALUES: Final = 1 << 24
# Ids that share one reading of the clock. The counter cannot come round within a second: that many ids take longer.
_RUN_COUNT: Final = 1 << 16
_READY_COUNT: Final = 64
_new = object.__new__
_LOW_BYTES: Final = tuple(bytes((low,)) for low in range(256))


class Identities:
    """A source of ObjectIds: no two are equal. Thread-safe.

    random    5 bytes that tell this process from others
    counter   the number of the next id; it wraps at `COUNTER_VALUES`
    now       seconds since 1970
    """

    __slots__ = ("_counter", "_lock", "_next_second", "_now", "_random", "_ready", "_second")

    def __init__(self, random: bytes, counter: int, now: Callable[[], float] = time) -> None:
        self._lock = Lock()
        self._random = random
        self._counter = counter
        self._now = now
        self._second, self._next_second = 0, 0  # that of the ready ids
        self._ready: list[ObjectId] = []  # the next one last

    def one(self) -> ObjectId:
        """A new id: one of a few that were made together, unless their second is over."""
        now = self._now
        moment = now()
        if self._second <= moment < self._next_second:
            try:
                return self._ready.pop()
            except IndexError:
                pass
        second = int(moment)
        ready = self._run(_READY_COUNT, second)
        ready.reverse()
        identity = ready.pop()
        self._ready, self._second, self._next_second = ready, second, second + 1
        return identity

    def several(self, count: int) -> list[ObjectId]:
        """`count` new ids, in the order of their counter."""
        identities: list[ObjectId] = []
        while len(identities) < count:
            identities += self._run(min(count - len(identities), _RUN_COUNT), int(self._now()))
        return identities

    def _run(self, count: int, second: int) -> list[ObjectId]:
        """New ids of one second."""
        with self._lock:
            number = self._counter
            self._counter = end = number + count
        beginning = second.to_bytes(4, "big") + self._random
        raws: list[bytes] = []
        while number < end:  # up to 256 neighbours differ in their last byte only
            low = number & 0xFF
            size = min(256 - low, end - number)
            first_bytes = beginning + (number % COUNTER_VALUES >> 8).to_bytes(2, "big")
            raws += map(first_bytes.__add__, _LOW_BYTES[low : low + size])
            number += size
        identities: list[ObjectId] = []
        add = identities.append
        for raw in raws:  # `ObjectId(raw)` makes two calls in Python
            identity = _new(ObjectId)
            identity._ObjectId__id = raw  # type: ignore[attr-defined]
            add(identity)
        return identities


def _fresh() -> Identities:
    return Identities(secrets.token_bytes(5), secrets.randbelow(COUNTER_VALUES))


_source = _fresh()


def _renew() -> None:
    global _source
    _source = _fresh()


if hasattr(os, "register_at_fork"):  # the child is another process, and its copy of the lock may be taken for ever
    os.register_at_fork(after_in_child=_renew)


def new_object_id() -> ObjectId:
    """A new ObjectId."""
    return _source.one()


def new_object_ids(count: int) -> list[ObjectId]:
    """`count` new ObjectIds, ascending unless clock or counter come round meanwhile."""
    return _source.several(count)
