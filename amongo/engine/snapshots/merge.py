"""Compaction: several neighbouring files become one that says what they say together.

Both merges go through all files at once, piece by piece: a piece ends where the first of their present batches ends, so
that it is made of one batch a file at the most. Memory holds a piece, however long the files are. Arrow and NumPy do
the work without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amongo.engine.snapshots.arrow_file import BINARY
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import MERGE_RELEASE_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    from amongo.engine.files.interface import Mapped
    from amongo.engine.snapshots.rows import Rows
    from amongo.engine.snapshots.rows_writer import RowsWriter
    from amongo.engine.snapshots.run_writer import RunWriter
    from amongo.engine.snapshots.runs import Run, SortedEntries

_NO_ENTRIES = pa.Array.from_buffers(BINARY, 0, [None, pa.py_buffer(bytes(4)), pa.py_buffer(b"")])


# Rows


class _RowsCursor:
    """How far the merge has come in one rows file.

    last   the last record id of the present batch; None at the end of the file
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._index = -1
        self.last: int | None = None
        self._go_on()

    def _go_on(self) -> None:
        self._index += 1
        if self._index == self._rows.batch_count:
            self.last = None
            return
        span = self._rows.span(self._index)
        self._ids = np.frombuffer(span.raw, np.int64, span.rows, span.ids)
        self._documents = _binary(span.raw, span.rows, span.validity, span.offsets, span.values)
        self._position = 0
        self.last = int(self._ids[-1])

    def take(self, end: int) -> tuple[npt.NDArray[np.int64], pa.Array]:
        """What the present batch has up to and with the record id `end`."""
        start, stop = self._position, int(np.searchsorted(self._ids, end, "right"))
        taken = self._ids[start:stop], self._documents.slice(start, stop - start)
        self._position = stop
        if stop == len(self._ids):
            self._go_on()
        return taken


def merge_rows(writer: RowsWriter, files: Sequence[Rows], is_oldest: bool, interrupt: Interrupt = NEVER) -> None:
    """Write what rows files say together.

    files       newest first: of a record id the first file that knows it is right
    is_oldest   no file lies below these, so that nothing needs to be marked as deleted
    errors      SNAPSHOT_CORRUPT, STORE_UNREADABLE, OSError; OperationInterrupted
    """
    cursors = [cursor for cursor in map(_RowsCursor, files) if cursor.last is not None]
    released = writer.size
    while cursors:
        interrupt.check()
        end = min(cursor.last for cursor in cursors if cursor.last is not None)
        parts = [part for part in (cursor.take(end) for cursor in cursors) if len(part[0])]
        ids, documents = parts[0] if len(parts) == 1 else _newest(parts)
        if is_oldest and documents.null_count:
            ids, documents = _alive(ids, documents)
        if len(ids):
            writer.add_arrays(ids, documents)
        cursors = [cursor for cursor in cursors if cursor.last is not None]
        if writer.size - released > MERGE_RELEASE_BYTES:
            released = writer.size
            for each in files:
                each.release()


def _newest(parts: list[tuple[npt.NDArray[np.int64], pa.Array]]) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """The parts as one; of a record id that is in several, what the first has."""
    ids, chosen = np.unique(np.concatenate([part for part, _ in parts]), return_index=True)
    documents = pa.concat_arrays([part for _, part in parts])
    return ids, documents.take(_int64_array(chosen))


def _alive(ids: npt.NDArray[np.int64], documents: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Without the record ids that are marked as deleted."""
    is_alive = documents.is_valid()
    alive = _int64_array(ids).filter(is_alive)
    return np.frombuffer(alive.buffers()[1], np.int64, len(alive), 8 * alive.offset), documents.filter(is_alive)


# Runs


class _EntriesCursor:
    """How far the merge has come in the added or removed entries of one run.

    last   the last entry of the present batch; None at the end
    """

    def __init__(self, entries: SortedEntries) -> None:
        self._entries = entries
        self._number = 0
        self.last: bytes | None = None
        self._load()

    def _load(self) -> None:
        if self._number == len(self._entries):
            self.last = None
            return
        span = self._entries.span(self._number)
        self._first, self._stop = span.first, span.last + 1
        self._array = _binary(span.raw, self._stop - span.first, 0, span.offsets, span.values)
        self.last = self._entries.entry(span.last)

    def take(self, end: bytes) -> pa.Array:
        """The entries of the present batch up to and with `end`."""
        if self.last is None:
            return _NO_ENTRIES
        start = self._number
        self._number = self._stop if self.last == end else self._entries.position(end + b"\x00")
        self._number = max(start, min(self._number, self._stop))
        taken = self._array.slice(start - self._first, self._number - start)
        if self._number == self._stop:
            self._load()
        return taken


def merge_runs(
    writer: RunWriter,
    runs: Sequence[Run],
    is_oldest: bool,
    interrupt: Interrupt = NEVER,
    kept: Callable[[list[bytes]], list[bytes]] | None = None,
) -> None:
    """Write what index runs say together.

    runs        newest first
    is_oldest   no run lies below these, so that nothing needs to be marked as removed
    kept        of some entries those to keep; None keeps all
    errors      SNAPSHOT_CORRUPT, STORE_UNREADABLE, OSError; OperationInterrupted
    """
    cursors = [(_EntriesCursor(run.added), _EntriesCursor(run.removed)) for run in reversed(runs)]
    released = writer.size
    while True:
        interrupt.check()
        end = min((cursor.last for pair in cursors for cursor in pair if cursor.last is not None), default=None)
        if end is None:
            return
        added, removed = _NO_ENTRIES, _NO_ENTRIES
        for more_added, more_removed in [(pair[0].take(end), pair[1].take(end)) for pair in cursors]:
            if len(more_removed):
                marks = more_removed if not len(added) else more_removed.filter(pc.invert(_is_in(more_removed, added)))
                removed = _together(removed, marks)
                if len(added):
                    added = added.filter(pc.invert(_is_in(added, more_removed)))
            added = _together(added, more_added)
        entries = added.to_pylist()
        writer.add(entries if kept is None else kept(entries))
        if not is_oldest:
            writer.remove(removed.to_pylist())
        if writer.size - released > MERGE_RELEASE_BYTES:
            released = writer.size
            for each in runs:
                each.release()


def _is_in(entries: pa.Array, others: pa.Array) -> pa.Array:
    return pc.is_in(entries, value_set=others)


def _together(entries: pa.Array, others: pa.Array) -> pa.Array:
    """The entries of both, sorted, each once."""
    if not len(others) or not len(entries):
        return entries if len(entries) else others
    both = pa.concat_arrays([entries, others])
    both = both.take(pc.sort_indices(both))
    is_new = pc.not_equal(both.slice(1), both.slice(0, len(both) - 1))
    if pc.all(is_new).as_py():
        return both
    return pa.concat_arrays([both.slice(0, 1), both.slice(1).filter(is_new)])


# Arrow arrays


def _binary(raw: Mapped, count: int, validity: int, offsets: int, values: int) -> pa.Array:
    """A column of a mapped record batch; nothing is copied.

    validity, offsets, values   where they begin in `raw`; validity: 0 if there is none
    """
    buffer = pa.py_buffer(raw)
    bitmap = buffer.slice(validity, (count + 7) // 8) if validity else None
    places = buffer.slice(offsets, 4 * (count + 1))
    length = int(np.frombuffer(places, np.int32, 1, 4 * count)[0])
    return pa.Array.from_buffers(BINARY, count, [bitmap, places, buffer.slice(values, length)])


def _int64_array(numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])
