"""Writing an index run: the entries that are added, and those that are marked as removed, each ascending."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING

import pyarrow as pa

from amongo.engine.indexes.entry import key_of
from amongo.engine.snapshots.arrow_file import BINARY, ArrowFile, Place, binary_array, sizes_of
from amongo.engine.snapshots.checked import CheckedFile
from amongo.engine.snapshots.contents import RunFile
from amongo.engine.snapshots.format import ENTRY_COLUMN, HASH_ENDING, RUN
from amongo.engine.snapshots.key_hash_writer import KeyHashWriter
from amongo.engine.snapshots.sidecar import BatchPlace, Facts, pack_sidecar, write_sidecar
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import SNAPSHOT_BATCH_BYTES, SNAPSHOT_BATCH_COUNT

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files

SCHEMA = pa.schema([pa.field(ENTRY_COLUMN, BINARY, nullable=False)])
_HASHED_COUNT = 1024  # keys that are hashed before other threads have their turn
_PLAIN_TAIL = 8  # what stands behind the key in most entries


class _Part:
    """The added or the removed entries: those of the batch to come, and what is known of the batches before.

    batches   for each its number in the file, and how many entries it has
    fences    where each begins
    """

    def __init__(self) -> None:
        self.pending: list[bytes] = []
        self.pending_bytes = 0
        self.last = b""
        self.count = 0
        self.size = 0
        self.batches: list[tuple[int, int]] = []
        self.fences: list[bytes] = []


class RunWriter:
    """An index run being written."""

    def __init__(self, files: Files, path: str, has_hash: bool, interrupt: Interrupt = NEVER) -> None:
        """path: its name is `format.run_name` of a new number.

        has_hash    whether the added entries are to be found by their keys: for the indexes on `_id` and unique ones
        interrupt   lets other threads have their turn
        errors      OSError
        """
        self._files = files
        self._interrupt = interrupt
        self._file = ArrowFile(files, path, SCHEMA, interrupt)
        self._batch_count = 0
        self._added = _Part()
        self._removed = _Part()
        self._hashes = KeyHashWriter() if has_hash else None

    def add(self, entries: Sequence[bytes]) -> None:
        """Add entries, ascending, each greater than those added before. errors: OSError."""
        self._take(self._added, entries)

    def remove(self, entries: Sequence[bytes]) -> None:
        """Mark entries of older files as removed, ascending, each greater than those marked before. errors: OSError."""
        self._take(self._removed, entries)

    def _take(self, part: _Part, entries: Sequence[bytes]) -> None:
        start = 0
        while start < len(entries):
            stop = min(len(entries), start + SNAPSHOT_BATCH_COUNT - len(part.pending))
            chosen = entries[start:stop]
            size = sum(map(len, chosen))
            if part.pending_bytes + size > SNAPSHOT_BATCH_BYTES:
                stop, size = _fitting(entries, start, stop, SNAPSHOT_BATCH_BYTES - part.pending_bytes)
                if start == stop and not part.pending:
                    stop, size = start + 1, len(entries[start])
                chosen = entries[start:stop]
            part.pending += chosen
            part.pending_bytes += size
            is_full = len(part.pending) == SNAPSHOT_BATCH_COUNT or part.pending_bytes >= SNAPSHOT_BATCH_BYTES
            if part.pending and (is_full or stop < len(entries)):
                self._flush(part)
            start = stop

    def _flush(self, part: _Part) -> None:
        entries = part.pending
        if (part.count and entries[0] <= part.last) or not all(map(lt, entries, islice(entries, 1, None))):
            raise ValueError(f"an entry behind {part.last!r} does not come after the one before it")
        if part is self._added and self._hashes is not None:
            for start in range(0, len(entries), _HASHED_COUNT):
                some = entries[start : start + _HASHED_COUNT]
                self._hashes.add([entry[:-_PLAIN_TAIL] if not entry[-1] else key_of(entry) for entry in some])
                self._interrupt.breathe()
        self._interrupt.breathe()
        self._file.write(pa.RecordBatch.from_arrays([binary_array(entries, sizes_of(entries))], schema=SCHEMA))
        part.fences.append(_fence(part.last, entries[0]) if part.count else entries[0])
        part.batches.append((self._batch_count, len(entries)))
        self._batch_count += 1
        part.count += len(entries)
        part.size += part.pending_bytes
        part.last = entries[-1]
        part.pending, part.pending_bytes = [], 0

    @property
    def count(self) -> int:
        """How many entries and marks it has taken."""
        return sum(part.count + len(part.pending) for part in (self._added, self._removed))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def finish(self) -> RunFile:
        """Make the files durable, but not their names: `sync_directory` does. errors: OSError."""
        for part in (self._added, self._removed):
            if part.pending:
                self._flush(part)
        hash_file = self._write_hash()
        places = self._file.finish()
        batches = [*_batch_places(places, self._added, False), *_batch_places(places, self._removed, True)]
        hashes = self._hashes if hash_file is not None else None
        facts = Facts(
            kind=RUN,
            file_bytes=self._file.size,
            hash_bytes=hash_file.size if hash_file is not None else 0,
            first_id=0,
            last_id=0,
            documents=self._added.count,
            marks=self._removed.count,
            contents_bytes=self._added.size,
            batches=len(batches),
            mark_batches=len(self._removed.batches),
            longest=max((each.length for each in batches), default=0),
            buckets=hashes.buckets if hashes is not None else 0,
            number_bits=hashes.number_bits if hashes is not None else 0,
        )
        fences = [self._added.last, *self._added.fences, *self._removed.fences]
        sidecar = pack_sidecar(facts, self._file.sums, hash_file.sums if hash_file is not None else (), batches, fences)
        checksum = write_sidecar(self._files, self._file.path, sidecar)
        return RunFile(
            name=self._file.name,
            size=self._file.size,
            disk_bytes=self._file.size + len(sidecar) + facts.hash_bytes,
            sidecar_xxh3=checksum,
            has_hash=hash_file is not None,
            added=self._added.count,
            removed=self._removed.count,
            entry_bytes=self._added.size,
        )

    def _write_hash(self) -> CheckedFile | None:
        if self._hashes is None:
            return None
        file = CheckedFile(self._files.open_append(self._file.path + HASH_ENDING, create=True))
        try:
            self._hashes.write(file, self._interrupt)
            file.finish()
        except BaseException:
            file.abandon()
            raise
        return file

    def abort(self) -> None:
        """Give up: nothing of the files stays."""
        self._file.abort()


def _fitting(entries: Sequence[bytes], start: int, stop: int, room: int) -> tuple[int, int]:
    """How far one gets from `start` with so many bytes: (stop, bytes)."""
    size = 0
    for position in range(start, stop):
        length = len(entries[position])
        if size + length > room:
            return position, size
        size += length
    return stop, size


def _fence(before: bytes, first: bytes) -> bytes:
    """The shortest beginning of `first` that is greater than `before`, which is less than `first`."""
    low, high = 0, min(len(before), len(first))
    while low < high:
        middle = (low + high + 1) >> 1
        if before[:middle] == first[:middle]:
            low = middle
        else:
            high = middle - 1
    return first[: low + 1]


def _batch_places(places: Sequence[Place], part: _Part, are_marks: bool) -> list[BatchPlace]:
    found, number = [], 0
    for index, count in part.batches:
        place = places[index]
        ((validity, offsets, values),) = place.buffers
        marks = count if are_marks else 0
        last = number + count - 1
        found.append(BatchPlace(place.at, number, last, place.length, count, marks, 0, validity, offsets, values))
        number += count
    return found
