"""What is kept of the columns of one collection from query to query.

Of every path there are parts, one for each stretch of record ids, as they were at some moment; they never change, for
queries may be using them. Since that moment records have been changed, removed or added: the collection marks those
that it changes or removes, one byte each, and new ones have ids from the bound of that moment on. Whoever takes a view
takes the marks with it, under the store's lock; the marked ids are then owed by every path. A query brings the paths
that it asks for up to date, and those alone. A path that owes too much is let go.

A checkpoint writes segments to files (`filing`). A file lies there as it was when it was written, and what has changed
since is noted beside it, until it is too much. A store that is opened finds the files again: their parts are read when
they are first asked for, and what is noted is owed by their paths like all else.

A path is brought up to date by one query at a time, which has claimed it; others that want it wait, and then find it
newer. The view is taken when the paths are claimed: so no query ever has an older view than what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from weakref import ref

import numpy as np

from amongo.engine.columns.column import NO_FACTS, Column, Path
from amongo.engine.columns.room import ColumnRoom
from amongo.engine.columns.stored import StoredColumns, StoredSegment
from amongo.engine.records import Collection, View
from amongo.engine.snapshots.contents import ColumnsFile
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import COLUMN_DEBT_COUNT, COLUMN_DEBT_SHARE, COLUMN_WAIT_S
from amongo.runtime.workers import RLock

Ids = np.ndarray[Any, np.dtype[np.int64]]

ROWS_ALONE: Final[Path] = ()
"""Stands for the record ids, where no path is wanted."""

NO_COLUMN: Final = Column(np.zeros(0, np.int8), {}, NO_FACTS)
"""The column of `ROWS_ALONE`."""

NO_IDS: Final[Ids] = np.zeros(0, np.int64)
_MANY_DEBTS: Final = 32
_ROW_BYTES: Final = 9  # an id and a mark


class Part(NamedTuple):
    """One path in one segment, as it was at some moment.

    ids      the records that were there, ascending
    column   of these
    bound    what has an id from here on came later
    nbytes   of the column
    """

    ids: Ids
    column: Column
    bound: int
    nbytes: int

    @classmethod
    def of(cls, ids: Ids, column: Column, bound: int) -> Part:
        """A part."""
        return cls(ids, column, bound, column.nbytes)


class FiledPart(NamedTuple):
    """One path in one segment, as a file has it that has not been looked at yet."""

    segment: StoredSegment
    path: Path

    def load(self, interrupt: Interrupt) -> Part | None:
        """What it is; None if the file is damaged."""
        ids, columns = self.segment.load(interrupt)
        column = columns.get(self.path)
        return None if column is None else Part.of(ids, column, self.segment.file.bound)


Parts = Mapping[int, Part | FiledPart]
"""By the number of the segment. A segment that is not there has to be built."""


class Marks:
    """Ids of records that were changed or removed between two moments."""

    __slots__ = ("_ids", "_marks")

    def __init__(self, marks: bytearray | None, ids: Ids = NO_IDS) -> None:
        """marks: a byte for each record id, not 0 where it was; or the ids, ascending."""
        self._marks = marks
        self._ids = ids

    @property
    def ids(self) -> Ids:
        """Ascending. They are looked for when they are first asked for."""
        marks = self._marks
        if marks is not None:
            self._ids = np.flatnonzero(np.frombuffer(marks, np.uint8)) if marks else NO_IDS
            self._marks = None
        return self._ids


def ids_of(debts: Sequence[Marks]) -> Ids:
    """All the ids, ascending, each once."""
    found = [debt.ids for debt in debts if len(debt.ids)]
    if len(found) < 2:
        return found[0] if found else NO_IDS
    return np.unique(np.concatenate(found))


class Old(NamedTuple):
    """What there is of a path.

    parts   as they were
    debts   what was changed since
    """

    parts: Parts
    debts: Sequence[Marks]


class Moment(NamedTuple):
    """What a query begins with.

    view   of the collection
    olds   what there is of the paths that it has claimed
    """

    view: View
    olds: Mapping[Path, Old]


class Kept:
    """The columns of one collection that are kept.

    files            by the number of the segment: those that the last checkpoint has named, and what is stale in each
    is_noting        whether there are any, or may be soon: what has changed since then has to be known
    changed          what has changed since then
    is_being_filed   whether a checkpoint is just at it
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_debts",
        "_freshened",
        "_paths",
        "_room",
        "_row_bytes",
        "_sizes",
        "_uses",
        "_view",
        "changed",
        "files",
        "is_being_filed",
        "is_noting",
    )

    def __init__(self, room: ColumnRoom, stored: StoredColumns | None = None) -> None:
        """stored: what the store was opened on."""
        self.files: dict[int, ColumnsFile] = {}
        self.changed: list[Marks] = []
        self.is_being_filed = False
        self._room = room
        self._paths: dict[Path, Parts] = {}
        self._sizes: dict[Path, int] = {}  # bytes of each
        self._row_bytes = 0  # of record ids and marks
        self._debts: dict[Path, list[Marks]] = {}  # of each, and of those that are being built
        self._uses: dict[Path, int] = {}
        self._freshened = 0  # uses up to this one have had their paths brought up to date by a write
        self._busy: dict[Path, object] = {}  # those that are claimed, and by whom
        self._view: ref[View] | None = None  # of the last moment; what it holds of the past is not to stay
        for segment in () if stored is None else stored.segments:
            self._recall(segment)
        self.is_noting = bool(self.files)
        room.enter(self)

    def _recall(self, segment: StoredSegment) -> None:
        file, bits = segment.file, self._room.segment_bits
        number = file.first_id >> bits
        if (number << bits, (number + 1) << bits) != (file.first_id, file.end_id):
            return  # of an amongo that has others
        self.files[number] = file
        stale = Marks(None, stale_ids(file))
        for path in file.paths:
            parts = self._paths.setdefault(path, {})
            assert isinstance(parts, dict)
            parts[number] = FiledPart(segment, path)
            self._debts.setdefault(path, []).append(stale)

    # For queries

    @contextmanager
    def claimed(self, paths: Iterable[Path], interrupt: Interrupt) -> Iterator[None]:
        """Have paths for oneself, after waiting for those who have them. errors: whatever the interrupt raises."""
        paths, owner = tuple(paths), object()
        changed = self._room.changed
        try:
            while True:
                with changed:
                    if self._busy.keys().isdisjoint(paths):
                        self._busy.update(dict.fromkeys(paths, owner))
                        break
                    changed.wait(COLUMN_WAIT_S)
                interrupt.check()
            yield
        finally:
            self.release(owner)

    def claim_idle(self, owner: object) -> tuple[Path, ...]:
        """Claim all paths that queries have asked for and that nobody has. owner: for `release`."""
        with self._room.changed:
            paths = tuple(path for path in self.idle_paths() if path in self._uses)
            self._busy.update(dict.fromkeys(paths, owner))
        return paths

    def claim_used(self, owner: object) -> tuple[Path, ...]:
        """Claim the idle paths that queries have asked for since the last time. owner: for `release`."""
        with self._room.changed:
            paths = tuple(path for path in self.idle_paths() if self._uses.get(path, 0) > self._freshened)
            self._freshened = self._room.next_use()
            self._busy.update(dict.fromkeys(paths, owner))
        return paths

    def release(self, owner: object) -> None:
        """Let others have what was claimed."""
        with self._room.changed:
            for path in [path for path, each in self._busy.items() if each is owner]:
                del self._busy[path]
                if path not in self._paths:
                    self._debts.pop(path, None)
            self._room.changed.notify_all()

    def moment(self, lock: RLock, collection: Collection, paths: Iterable[Path], *, is_query: bool = True) -> Moment:
        """A view of the collection, and what there is of paths, which the caller has claimed.

        lock       the store's
        is_query   whether it counts as a use of the paths
        """
        with lock:
            view = collection.view()
            fresh = None if self._view is not None and self._view() is view else bytearray(view.bound)
            with self._room.changed:
                if fresh is not None:  # a break within leaves marks that count twice, which does no harm
                    marks = Marks(collection.changes)
                    for debts in self._debts.values():
                        debts.append(marks)
                    if self.is_noting:
                        self.changed.append(marks)
                    collection.changes = fresh
                    self._view = ref(view)
                olds, use = {}, self._room.next_use()
                for path in paths:
                    debts = self._debts.setdefault(path, [])
                    olds[path] = Old(self._paths.get(path, {}), tuple(debts))
                    if is_query:
                        self._uses[path] = use
        if fresh is not None:
            self._trim(view.count)
        return Moment(view, olds)

    def settle(self, moment: Moment, found: Mapping[Path, Parts]) -> None:
        """Keep claimed paths as they are at a moment."""
        sizes = {path: _nbytes(parts) for path, parts in found.items()}
        with self._room.changed:
            self._row_bytes = _ROW_BYTES * moment.view.count
            for path, parts in found.items():
                self._paths[path], self._sizes[path] = parts, sizes[path]
                del self._debts[path][: len(moment.olds[path].debts)]
            self._room.shrink(self, found)

    def _trim(self, count: int) -> None:
        """Put many debts together, and let paths go that owe too much.

        count   of the records
        """
        most = max(count // COLUMN_DEBT_SHARE, COLUMN_DEBT_COUNT)
        with self._room.changed:
            owed = {path: tuple(debts) for path, debts in self._debts.items()}
        sums: dict[Path, Marks] = {}
        for path, found in owed.items():
            if len(found) > _MANY_DEBTS or (len(found) > 1 and sum(len(marks.ids) for marks in found) > most):
                sums[path] = Marks(None, ids_of(found))
        with self._room.changed:
            for path in self.idle_paths():
                debts, found = self._debts[path], owed.get(path, ())
                if tuple(debts[: len(found)]) != found:
                    continue  # others were here meanwhile
                if path in sums:
                    debts[: len(found)] = [sums[path]]
                if sum(len(marks.ids) for marks in debts[:1]) > most:
                    self.let_go(path)
            changed = tuple(self.changed)
        if len(changed) > _MANY_DEBTS and not self.is_being_filed:
            whole = Marks(None, ids_of(changed))
            with self._room.changed:
                if not self.is_being_filed and tuple(self.changed[: len(changed)]) == changed:
                    self.changed[: len(changed)] = [whole]

    # For the room: under its lock

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        return sum(self._sizes.values()) + (self._row_bytes if self._sizes else 0)

    def idle_paths(self) -> list[Path]:
        """The paths that nobody has claimed."""
        return [path for path in self._paths if path not in self._busy]

    def last_use(self, path: Path) -> int:
        """When it was asked for the last time."""
        return self._uses.get(path, 0)

    def let_go(self, path: Path) -> int:
        """Keep a path no longer, which nobody has claimed; its bytes."""
        del self._paths[path], self._debts[path]
        self._uses.pop(path, None)
        return self._sizes.pop(path, 0)


def _nbytes(parts: Parts) -> int:
    return sum(part.nbytes for part in parts.values() if isinstance(part, Part))


def stale_ids(file: ColumnsFile) -> Ids:
    """The ids of the records that are noted as changed since a file was written, ascending."""
    return np.frombuffer(file.stale, np.uint32).astype(np.int64) + file.first_id


def kept_of(room: ColumnRoom, lock: RLock, collection: Collection) -> Kept:
    """What is kept of the columns of a collection, from now on if nothing was. lock: the store's."""
    with lock:
        kept = collection.columns
        if not isinstance(kept, Kept):
            stored = kept if isinstance(kept, StoredColumns) else None
            if stored is None:
                collection.changes = bytearray(collection.next_record_id)
            kept = collection.columns = Kept(room, stored)
        return kept
