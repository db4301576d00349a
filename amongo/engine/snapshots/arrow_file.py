"""Writing a snapshot file: an Arrow IPC file, its checksums, and where in it Arrow has put what.

Where the columns of a record batch stand is read back from the finished file by Arrow itself, so that the sidecar says
what is there. Only the writers and the merge need Arrow; reading a document or an entry does not, for loading Arrow
takes longer than opening a store.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from amongo.engine.snapshots.checked import CheckedFile
from amongo.engine.snapshots.format import names_beside

if TYPE_CHECKING:
    import numpy.typing as npt

    from amongo.engine.files.interface import Files
    from amongo.runtime.interrupts import Interrupt

BINARY = pa.binary()

_GRANULE_BYTES = 64 * 1024
_OPTIONS = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V5)


class Place(NamedTuple):
    """Where a record batch stands.

    at        offset of its message in the file
    length    bytes of the message
    buffers   for each column its buffers, by their offset from the message's beginning; 0 for one that is not there
    """

    at: int
    length: int
    buffers: list[list[int]]


class ArrowFile:
    """An Arrow IPC file being written."""

    def __init__(self, files: Files, path: str, schema: pa.Schema, interrupt: Interrupt) -> None:
        """path: of the file; what a stop has left there, or beside it, is removed. errors: OSError."""
        for each in names_beside(path):
            if files.exists(each):
                files.remove(each)
        self.path = path
        self._files = files
        self._schema = schema
        self._interrupt = interrupt
        self._file = CheckedFile(files.open_append(path, create=True))
        self._arrow = pa.ipc.new_file(pa.PythonFile(self._file, "w"), schema, options=_OPTIONS)
        self._messages: list[tuple[int, int]] = []

    @property
    def sums(self) -> list[int]:
        """The checksums of the pages; all of them when the file is finished."""
        return self._file.sums

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a record batch; other threads have their turn before and behind. errors: OSError."""
        self._interrupt.breathe()
        self._arrow.write_batch(batch)
        length = pa.ipc.get_record_batch_size(batch)
        self._messages.append((self._file.size - length, length))
        self._interrupt.breathe()

    def finish(self) -> list[Place]:
        """Make the file durable: where its record batches stand. errors: OSError."""
        self._arrow.close()
        self._file.finish()
        places: list[Place] = []
        step = self._files.window_bytes
        base, end, window = 0, 0, pa.py_buffer(b"")
        for at, length in self._messages:
            self._interrupt.breathe()
            if at + length > end:
                base = at - at % _GRANULE_BYTES
                end = min(max(base + step, at + length), self._file.size)
                window = pa.py_buffer(self._files.map(self.path, base, end - base))
            places.append(self._place(window.slice(at - base, length), at, length))
        self._interrupt.breathe()
        return places

    def _place(self, message: pa.Buffer, at: int, length: int) -> Place:
        batch = pa.ipc.read_record_batch(message, self._schema)
        buffers = [
            [0 if each is None or not each.size else each.address - message.address for each in column.buffers()]
            for column in batch.columns
        ]
        return Place(at, length, buffers)

    def abort(self) -> None:
        """Give up: close the file and remove it, and what stands beside it."""
        self._file.abandon()
        for each in names_beside(self.path):
            with suppress(OSError):
                if self._files.exists(each):
                    self._files.remove(each)

    @property
    def name(self) -> str:
        """Name within its directory."""
        return os.path.basename(self.path)


def sizes_of(values: Sequence[bytes | None]) -> npt.NDArray[np.int64]:
    """The length of each value, 0 of None."""
    try:
        sizes = array("q", map(len, values))  # type: ignore[arg-type]
    except TypeError:
        sizes = array("q", [0 if each is None else len(each) for each in values])
    return np.frombuffer(sizes, np.int64)


def binary_array(values: Sequence[bytes | None], sizes: npt.NDArray[np.int64]) -> pa.Array:
    """The Arrow array of some values; a single one, which may be long, is not copied.

    (`pa.array` would load pandas, where there is one, to see whether this is a series.)

    sizes   of the values, together under 2 GiB
    """
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    validity = None
    if len(values) == 1 and values[0] is not None:
        contents = values[0]
    else:
        try:
            contents = b"".join(values)  # type: ignore[arg-type]
        except TypeError:
            contents = b"".join([each for each in values if each is not None])
            validity = pa.py_buffer(np.packbits(np.array([each is not None for each in values]), bitorder="little"))
    return pa.Array.from_buffers(BINARY, len(sizes), [validity, pa.py_buffer(offsets), pa.py_buffer(contents)])
