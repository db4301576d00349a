"""Runs: sequences of (key, thing) pairs in temporary files, and the account of what one stage has put aside.

A pair is the length of its key and of the thing's bytes (two little-endian uint32), then both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import BinaryIO, Final, Generic, TypeVar

from amongo.aggregate.environment import Environment
from amongo.aggregate.spilling.documents import Form
from amongo.engine.files import TemporaryFiles
from amongo.errors import pipeline as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import SPILL_BYTES

T = TypeVar("T")

_LENGTHS: Final = Struct("<II")


class Spill:
    """What one run of one stage puts aside.

    files       where temporary files come from
    interrupt   ends writing and reading
    """

    def __init__(self, files: TemporaryFiles, interrupt: Interrupt) -> None:
        self.interrupt = interrupt
        self._files = files
        self._open: list[BinaryIO] = []
        self._left_bytes = SPILL_BYTES

    @classmethod
    def of(cls, environment: Environment, stage: str) -> Spill:
        """The spill of a stage that has more than it may hold.

        errors   MEMORY_EXCEEDED where `allowDiskUse` is false
        """
        if environment.temporary is None:
            raise errors.MEMORY_EXCEEDED(name=stage)
        return cls(environment.temporary, environment.interrupt)

    def file(self) -> BinaryIO:
        """A new, empty file, which `close` gives back."""
        file = self._files.open()
        self._open.append(file)
        return file

    def run(self, form: Form[T]) -> Run[T]:
        """A new, empty run."""
        return Run(self, self.file(), form)

    def written(self, size: int) -> None:
        """Account for bytes. errors: SPILL_TOO_LARGE past `SPILL_BYTES`."""
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise errors.SPILL_TOO_LARGE(limit=SPILL_BYTES)

    def close(self) -> None:
        """Give back all files. A second call does nothing."""
        while self._open:
            self._open.pop().close()


class Run(Generic[T]):
    """Pairs that are written one after the other, and then read once in the same order."""

    __slots__ = ("_file", "_form", "_spill", "count")

    def __init__(self, spill: Spill, file: BinaryIO, form: Form[T]) -> None:
        self._spill = spill
        self._file = file
        self._form = form
        self.count = 0

    def add(self, key: bytes, thing: T) -> None:
        """Write a pair. errors: SPILL_TOO_LARGE, OSError."""
        packed = self._form.pack(thing)
        self._spill.written(_LENGTHS.size + len(key) + len(packed))
        self._file.write(b"%b%b%b" % (_LENGTHS.pack(len(key), len(packed)), key, packed))
        self.count += 1

    def add_all(self, pairs: Iterable[tuple[bytes, T]]) -> None:
        """Write pairs."""
        for key, thing in self._spill.interrupt.watch(pairs):
            self.add(key, thing)

    def pairs(self) -> Iterator[tuple[bytes, T]]:
        """Read all pairs, and give back the file behind the last."""
        file, unpack = self._file, self._form.unpack
        file.seek(0)
        for _ in self._spill.interrupt.watch(range(self.count)):
            key_length, length = _LENGTHS.unpack(file.read(_LENGTHS.size))
            key = file.read(key_length)
            yield key, unpack(file.read(length))
        file.close()
