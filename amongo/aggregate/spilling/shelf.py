"""A shelf: things put aside on disk that are taken up by their place, in any order, as often as they are wanted."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import BinaryIO, Generic, TypeVar

from amongo.aggregate.environment import Environment
from amongo.aggregate.spilling.documents import Form
from amongo.aggregate.spilling.runs import Spill

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things one after the other in a temporary file; in memory is where each begins, eight bytes a thing."""

    __slots__ = ("_ends", "_file", "_form", "_is_at_end", "_spill")

    def __init__(self, spill: Spill, form: Form[T]) -> None:
        self._spill = spill
        self._file: BinaryIO = spill.file()
        self._form = form
        self._ends = array("q", (0,))
        self._is_at_end = True  # to seek makes the file write out what it holds back

    @classmethod
    def of(cls, environment: Environment, stage: str, form: Form[T]) -> Shelf[T]:
        """A shelf of its own for a stage that has more than it may hold.

        errors   MEMORY_EXCEEDED where `allowDiskUse` is false, SPILL_DISK_FULL, OSError
        """
        return cls(Spill.of(environment, stage), form)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, thing: T) -> None:
        """Put a thing in the next place. errors: SPILL_TOO_LARGE, OSError."""
        packed = self._form.pack(thing)
        self._spill.written(len(packed))
        end = self._ends[-1]
        if not self._is_at_end:
            self._file.seek(end)
            self._is_at_end = True
        self._file.write(packed)
        self._ends.append(end + len(packed))

    def get(self, place: int) -> T:
        """The thing in a place, made anew each time."""
        begin = self._ends[place]
        self._file.seek(begin)
        self._is_at_end = False
        return self._form.unpack(self._file.read(self._ends[place + 1] - begin))

    def __iter__(self) -> Iterator[T]:
        """All things in their order; several may be under way at once."""
        for place in self._spill.interrupt.watch(range(len(self))):
            yield self.get(place)

    def close(self) -> None:
        """Give back the file. A second call does nothing."""
        self._spill.close()
