"""What a checkpoint does with columns: it writes those that queries have used to files, a file for each segment.

The paths are claimed before the checkpoint's commit is fixed, and their moment is that of the commit: so the columns at
that commit are written, whatever is committed meanwhile. Queries that want the paths wait until they are up to date,
but not until they are written. Paths that a query has claimed just then are left out this time.

A segment is written if its file lacks a path that queries have used, or if too much of it is stale; but a path of which
many segments are missing is not built for that.
All others stay as they lie there; the ids of what has changed are noted in the MANIFEST. A segment is written with the
paths that were asked for since the store was opened: what nobody asks for any more goes with the next change.

Whatever goes wrong here is no harm to the checkpoint: the files stay as they were, with more that is stale.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from amongo.engine.columns.column import Path
from amongo.engine.columns.kept import ROWS_ALONE, Ids, Kept, Moment, Part, ids_of, kept_of, stale_ids
from amongo.engine.columns.room import ColumnRoom
from amongo.engine.records import Collection
from amongo.engine.snapshots.contents import ColumnsFile
from amongo.engine.snapshots.format import columns_name
from amongo.runtime.interrupts import Interrupt, OperationInterrupted, TimeLimitExpired
from amongo.runtime.limits import (
    COLUMN_FILE_BUILT_COUNT,
    COLUMN_FILE_STALE_COUNT,
    COLUMN_FILE_STALE_SHARE,
    COLUMN_FILE_USELESS_SHARE,
)
from amongo.runtime.workers import RLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from amongo.engine.files.interface import Files


@dataclass(slots=True)
class _Turn:
    """One collection.

    paths     those that are claimed
    moment    that of the checkpoint's commit
    changed   how much of what `kept` knows to have changed was before that
    """

    collection: Collection
    kept: Kept
    owner: object
    paths: tuple[Path, ...] = ()
    moment: Moment | None = None
    changed: int = 0


class Filing:
    """The columns in one checkpoint.

    First `claim`, then `begin` under the store's lock, `written`, and `settle` when the MANIFEST names the files; and
    `close` in any case.
    """

    def __init__(self, room: ColumnRoom, lock: RLock, least_count: int) -> None:
        """lock: the store's; least_count: of the records of a collection that is written."""
        self._room = room
        self._lock = lock
        self._least_count = least_count
        self._found: dict[bytes, dict[int, ColumnsFile]] = {}
        self._turns: list[_Turn] = []

    def claim(self, collections: Iterable[Collection]) -> None:
        """Have the paths of collections for oneself, but for those that queries have just then."""
        for collection in collections:
            if collection.columns is not None:
                turn = _Turn(collection, kept_of(self._room, self._lock, collection), object())
                self._turns.append(turn)
                turn.kept.is_being_filed = turn.kept.is_noting = True
                turn.paths = turn.kept.claim_idle(turn.owner)

    def begin(self) -> None:
        """The checkpoint's commit is the last one. Under the store's lock."""
        for turn in self._turns:
            turn.moment = turn.kept.moment(self._lock, turn.collection, turn.paths, is_query=False)
            turn.changed = len(turn.kept.changed)

    def written(self, place: ColumnPlace, *, may_write: bool = True) -> dict[bytes, tuple[ColumnsFile, ...]]:
        """By the UUIDs of collections, their files of columns at the commit of `begin`, or before.

        may_write   whether new ones may be written; otherwise those that are there may have more that is stale
        errors      whatever the interrupt raises
        """
        renewed = [self._renewed(turn, place.interrupt) if may_write else {} for turn in self._turns]
        for turn, segments in zip(self._turns, renewed, strict=True):
            self._found[turn.collection.uuid] = self._files_of(turn, segments, place)
        return {uuid: tuple(files[number] for number in sorted(files)) for uuid, files in self._found.items()}

    def _files_of(
        self, turn: _Turn, renewed: Mapping[int, Mapping[Path, Part]], place: ColumnPlace
    ) -> dict[int, ColumnsFile]:
        """By the numbers of the segments, the files of a collection, those of renewed parts written."""
        changed = ids_of(turn.kept.changed[: turn.changed])
        files = {number: _noted(file, changed) for number, file in turn.kept.files.items()}
        for number, parts in renewed.items():
            file = place.write(number << self._room.segment_bits, self._room.segment_bits, parts)
            if file is not None:
                files[number] = file
        return {number: file for number, file in files.items() if _is_useful(file)}

    def _wanted(self, turn: _Turn) -> dict[int, tuple[Path, ...]]:
        """By the numbers of the segments that are to be written, the paths."""
        moment, wanted = turn.moment, dict[int, tuple[Path, ...]]()
        assert moment is not None
        if moment.view.count < self._least_count:
            return wanted
        changed = ids_of(turn.kept.changed[: turn.changed])
        bits, bound = self._room.segment_bits, moment.view.bound
        count = ((bound - 1) >> bits) + 1
        paths = tuple(
            path
            for path, old in moment.olds.items()
            if count - len(old.parts) <= COLUMN_FILE_BUILT_COUNT and _can_be_filed(path)
        )
        for number in range(count) if paths else ():
            file = turn.kept.files.get(number)
            end = min((number + 1) << bits, bound)
            if file is None or not set(paths) <= set(file.paths) or _is_stale(_noted(file, changed), end):
                wanted[number] = paths
        return wanted

    def _renewed(self, turn: _Turn, interrupt: Interrupt) -> dict[int, Mapping[Path, Part]]:
        """By their numbers, the segments that are to be written, up to date. The paths are given back."""
        try:
            wanted = self._wanted(turn)
            return self._parts(turn, wanted, interrupt) if wanted else {}
        except (OperationInterrupted, TimeLimitExpired):
            raise
        except Exception:  # no room for them, or a document that cannot be read: queries will hear of it
            return {}
        finally:
            turn.kept.release(turn.owner)

    def _parts(
        self, turn: _Turn, wanted: Mapping[int, Sequence[Path]], interrupt: Interrupt
    ) -> dict[int, Mapping[Path, Part]]:
        from amongo.engine.columns.renewal import Renewal

        assert turn.moment is not None
        paths = {path for each in wanted.values() for path in each}
        moment = Moment(turn.moment.view, {path: old for path, old in turn.moment.olds.items() if path in paths})
        renewal = Renewal(moment, self._room, interrupt)
        if not renewal.is_current:
            renewal.run()
            turn.kept.settle(moment, renewal.parts)
        return {number: {path: renewal.parts[path][number] for path in wanted[number]} for number in wanted}

    def owes(self) -> bool:
        """Whether there is anything to be written."""
        return any(self._wanted(turn) for turn in self._turns)

    def settle(self) -> None:
        """The MANIFEST names the files. Under the store's lock."""
        for turn in self._turns:
            turn.kept.files = self._found[turn.collection.uuid]
            del turn.kept.changed[: turn.changed]
            turn.kept.is_noting = bool(turn.kept.files)

    def close(self) -> None:
        """Give back what is claimed."""
        for turn in self._turns:
            turn.kept.release(turn.owner)
            turn.kept.is_being_filed = False


class ColumnPlace:
    """Where new files of columns go.

    names       of those that have been begun
    interrupt   ends the writing
    """

    def __init__(self, files: Files, directory: str, take_number: Callable[[], int], interrupt: Interrupt) -> None:
        """directory: of the snapshot files; take_number: gives numbers that no file has."""
        self.names: list[str] = []
        self.interrupt = interrupt
        self._files = files
        self._directory = directory
        self._take_number = take_number

    def write(self, first_id: int, bits: int, parts: Mapping[Path, Part]) -> ColumnsFile | None:
        """A file of some paths in a segment; None if it could not be written. errors: whatever the interrupt raises."""
        some = next(iter(parts.values()))
        name = columns_name(self._take_number())
        path = os.path.join(self._directory, name)
        self.names.append(name)
        from amongo.engine.columns.persistence import write_columns

        try:
            columns = {each: part.column for each, part in parts.items()}
            size, checksum = write_columns(self._files, path, some.ids, columns, self.interrupt)
        except OSError:
            with suppress(OSError):  # the next checkpoint tries again
                self._files.remove(path)
            return None
        end = first_id + (1 << bits)
        return ColumnsFile(name, size, checksum, first_id, end, some.bound, len(some.ids), tuple(parts))


def _can_be_filed(path: Path) -> bool:
    try:
        "".join(name or "" for name in path).encode()
    except UnicodeEncodeError:  # the MANIFEST cannot name it
        return False
    return path != ROWS_ALONE


def _noted(file: ColumnsFile, changed: Ids) -> ColumnsFile:
    """A file with more of its records noted as stale."""
    start, stop = np.searchsorted(changed, (file.first_id, file.bound))
    if start == stop:
        return file
    stale = np.union1d(stale_ids(file), changed[start:stop])
    return replace(file, stale=(stale - file.first_id).astype(np.uint32).tobytes())


def _stale_count(file: ColumnsFile) -> int:
    return len(file.stale) // 4


def _is_stale(file: ColumnsFile, end: int) -> bool:
    """Whether enough has changed since to write it anew; end: behind the last record that may be in its segment."""
    lacking = _stale_count(file) + end - file.bound
    return lacking > max(file.rows // COLUMN_FILE_STALE_SHARE, COLUMN_FILE_STALE_COUNT)


def _is_useful(file: ColumnsFile) -> bool:
    return _stale_count(file) <= max(file.rows // COLUMN_FILE_USELESS_SHARE, COLUMN_FILE_STALE_COUNT)
