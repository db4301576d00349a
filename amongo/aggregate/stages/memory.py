"""How much a blocking stage holds: sizes are sampled, and past the bound the stage fails as the server does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from amongo.errors import Condition
from amongo.errors import pipeline as errors
from amongo.mql.metadata import without_metadata
from amongo.values.codec import encode
from amongo.values.missing import MISSING

T = TypeVar("T")

_MEASURED_FIRST: Final = 32  # every one of the first values is measured,
_MEASURED_EVERY: Final = 16  # then one in so many stands for the rest
_PER_VALUE_BYTES: Final = 64  # what a value costs besides its own bytes


class MemoryGauge:
    """Adds up the (sampled) encoded sizes of what a stage keeps.

    limit_bytes   past this it is full
    """

    __slots__ = ("_count", "_held_bytes", "_limit_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._count = 0

    def is_full_with(self, value: Any) -> bool:
        """Account for one more value, or for bytes; whether that is more than may be held."""
        if type(value) is bytes:
            self._held_bytes += len(value) + _PER_VALUE_BYTES
            return self._held_bytes > self._limit_bytes
        self._count += 1
        if self._count > _MEASURED_FIRST and self._count % _MEASURED_EVERY:
            return False
        weight = 1 if self._count <= _MEASURED_FIRST else _MEASURED_EVERY
        size = len(encode({"": without_metadata(value)})) if value is not MISSING else 0
        self._held_bytes += weight * (size + _PER_VALUE_BYTES)
        return self._held_bytes > self._limit_bytes


class MemoryBound(MemoryGauge):
    """A gauge of a stage that fails past its limit.

    name          the stage, for the message
    limit_bytes   the bound
    failure       the error past it, where the stage has one of its own
    """

    __slots__ = ("_failure", "_name")

    def __init__(self, name: str, limit_bytes: int, failure: Condition = errors.MEMORY_EXCEEDED) -> None:
        super().__init__(limit_bytes)
        self._failure = failure
        self._name = name

    def watch(self, values: Iterable[T]) -> Iterator[T]:
        """The values, each accounted for before it goes on.

        errors   MEMORY_EXCEEDED past the bound
        """
        for value in values:
            self.add(value)
            yield value

    def add(self, value: Any) -> None:
        """Account for one more value.

        errors   MEMORY_EXCEEDED past the bound
        """
        if self.is_full_with(value):
            raise self._failure(name=self._name)
