"""Writing a rows file: documents by record id, in record batches that stay inside one block of record ids.

A block is 4096 consecutive record ids, as in memory. Every call does a limited amount of work and hands bytes to the
operating system, without the interpreter's lock, after two megabytes at the most.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from amongo.engine.snapshots.arrow_file import BINARY, ArrowFile, Place, binary_array, sizes_of
from amongo.engine.snapshots.contents import RowsFile
from amongo.engine.snapshots.format import (
    BLOCK_BITS,
    BLOCK_COUNT,
    DOCUMENT_COLUMN,
    RECORD_ID_COLUMN,
    ROWS,
)
from amongo.engine.snapshots.origin import Origin, pack_origin, sealed
from amongo.engine.snapshots.sidecar import BatchPlace, Facts, pack_sidecar, write_sidecar
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import SNAPSHOT_BATCH_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    from amongo.engine.files.interface import Files

RECORD_IDS = pa.int64()
SCHEMA = pa.schema(
    [pa.field(RECORD_ID_COLUMN, RECORD_IDS, nullable=False), pa.field(DOCUMENT_COLUMN, BINARY, nullable=True)]
)


class RowsWriter:
    """A rows file being written."""

    def __init__(self, files: Files, path: str, interrupt: Interrupt = NEVER, origin: Origin | None = None) -> None:
        """path: its name is `format.rows_name` of a new number; interrupt: lets other threads have their turn.

        origin   what the file is to say of itself
        errors   OSError
        """
        self._files = files
        self._origin = origin
        self._file = ArrowFile(files, path, SCHEMA, interrupt)
        self._ids: list[npt.NDArray[np.int64]] = []  # of the batch to come, all in one block
        self._documents: list[pa.Array] = []
        self._count = 0
        self._bytes = 0
        self._last = -1
        self._batches: list[tuple[int, int, int, int]] = []  # first, last, count, marks
        self._document_count = 0
        self._mark_count = 0
        self._data_bytes = 0

    def add(self, record_ids: Sequence[int], documents: Sequence[bytes | None]) -> None:
        """Add documents, or None for a record id that is deleted.

        record_ids   ascending, greater than those added before
        errors       OSError
        """
        ids = _numbers(record_ids)
        for start in range(0, len(ids), BLOCK_COUNT):
            part = documents[start : start + BLOCK_COUNT]
            part_ids = ids[start : start + BLOCK_COUNT]
            sizes = sizes_of(part)
            for low, high in _parts(part_ids, sizes):
                self._append(
                    part_ids[low:high], binary_array(part[low:high], sizes[low:high]), int(sizes[low:high].sum())
                )

    def add_arrays(self, ids: npt.NDArray[np.int64], documents: pa.Array) -> None:
        """`add` for a part of another rows file: at most one record batch of it."""
        sizes = np.diff(offsets_of(documents))
        for low, high in _parts(ids, sizes):
            self._append(ids[low:high], documents.slice(low, high - low), int(sizes[low:high].sum()))

    def _append(self, ids: npt.NDArray[np.int64], documents: pa.Array, size: int) -> None:
        """Add to the batch to come what fits in one batch and lies in one block."""
        first = int(ids[0])
        if first <= self._last:
            raise ValueError(f"record id {first} does not come after {self._last}")
        if self._count and (
            first >> BLOCK_BITS != self._last >> BLOCK_BITS or self._bytes + size > SNAPSHOT_BATCH_BYTES
        ):
            self._flush()
        self._ids.append(ids)
        self._documents.append(documents)
        self._count += len(ids)
        self._bytes += size
        self._last = int(ids[-1])

    def _flush(self) -> None:
        ids = self._ids[0] if len(self._ids) == 1 else np.concatenate(self._ids)
        documents = self._documents[0] if len(self._documents) == 1 else pa.concat_arrays(self._documents)
        id_array = pa.Array.from_buffers(RECORD_IDS, len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids))])
        self._file.write(pa.RecordBatch.from_arrays([id_array, documents], schema=SCHEMA))
        marks = documents.null_count
        self._batches.append((int(ids[0]), int(ids[-1]), len(ids), marks))
        self._document_count += len(ids) - marks
        self._mark_count += marks
        self._data_bytes += self._bytes
        self._ids, self._documents, self._count, self._bytes = [], [], 0, 0

    @property
    def count(self) -> int:
        """How many record ids it has taken."""
        return self._document_count + self._mark_count + self._count

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def finish(self) -> RowsFile:
        """Make the file and its sidecar durable, but not their names: `sync_directory` does. errors: OSError."""
        if self._count:
            self._flush()
        places = self._file.finish()
        batches = [_batch_place(*each) for each in zip(places, self._batches, strict=True)]
        first, last = (batches[0].first, batches[-1].last) if batches else (0, -1)
        facts = Facts(
            kind=ROWS,
            file_bytes=self._file.size,
            hash_bytes=0,
            first_id=first,
            last_id=last,
            documents=self._document_count,
            marks=self._mark_count,
            contents_bytes=self._data_bytes,
            batches=len(batches),
            mark_batches=0,
            longest=max((each.length for each in batches), default=0),
            buckets=0,
            number_bits=0,
        )
        origin = () if self._origin is None else (pack_origin(self._origin),)
        sidecar = sealed(pack_sidecar(facts, self._file.sums, (), batches, origin))
        checksum = write_sidecar(self._files, self._file.path, sidecar)
        return RowsFile(
            name=self._file.name,
            size=self._file.size,
            disk_bytes=self._file.size + len(sidecar),
            sidecar_xxh3=checksum,
            first_id=first,
            last_id=last,
            documents=self._document_count,
            deletions=self._mark_count,
            data_bytes=self._data_bytes,
        )

    def abort(self) -> None:
        """Give up: nothing of the file stays."""
        self._file.abort()


def offsets_of(documents: pa.Array) -> npt.NDArray[np.int32]:
    """The value offsets of a binary array: one more than it has values."""
    buffer = documents.buffers()[1]
    return np.frombuffer(buffer, np.int32, len(documents) + 1, documents.offset * 4)


def _numbers(record_ids: Sequence[int]) -> npt.NDArray[np.int64]:
    if isinstance(record_ids, range):
        return np.arange(record_ids.start, record_ids.stop, record_ids.step, dtype=np.int64)
    return np.frombuffer(array("q", record_ids), np.int64)


def _parts(ids: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Where to cut: (start, stop) of parts that lie in one block each and are no larger than a record batch may be."""
    parts = []
    blocks = ids >> BLOCK_BITS
    edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(ids)]
    ends = np.cumsum(sizes)
    for low, high in pairwise(edges):
        start = low
        while start < high:
            before = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, before + SNAPSHOT_BATCH_BYTES, "right"))
            stop = min(max(stop, start + 1), high)
            parts.append((start, stop))
            start = stop
    return parts


def _batch_place(place: Place, batch: tuple[int, int, int, int]) -> BatchPlace:
    (_, ids), (validity, offsets, values) = place.buffers
    first, last, count, marks = batch
    return BatchPlace(place.at, first, last, place.length, count, marks, ids, validity, offsets, values)
