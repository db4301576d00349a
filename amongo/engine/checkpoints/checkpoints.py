"""The checkpoints of a store on disk.

A checkpoint freezes what is in memory, under the store's lock and at one commit; writes it to new files beside the old
ones, piece by piece, while others go on reading and writing; makes the log durable up to that commit; and replaces the
MANIFEST. Only then do the files take the place of what was frozen, and what no MANIFEST names any more goes, with the
log files that are older than needed. A stop at any point leaves the old checkpoint or the new one, and a log that goes
on from it.

A checkpoint that fails (disk full) changes nothing: what it froze stays in memory, and the next one writes it. One
that finds a snapshot file damaged, when it merges files, throws nothing away from then on, neither files nor log: what
is left may be what `amongo repair` needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from amongo.engine.catalog import Catalog
from amongo.engine.checkpoints.compaction import compacted
from amongo.engine.checkpoints.freezing import FrozenCollection, freeze
from amongo.engine.checkpoints.releasing import holdings_of, release
from amongo.engine.checkpoints.writing import FilePlace, Numbers, Swap, written
from amongo.engine.columns.filing import ColumnPlace, Filing
from amongo.engine.columns.room import ColumnRoom
from amongo.engine.files import Files
from amongo.engine.log import Log, Mark
from amongo.engine.records import Collection
from amongo.engine.retries import Frozen, Retries, packed
from amongo.engine.settings import Settings
from amongo.engine.snapshots import (
    DIRECTORY,
    CollectionContents,
    Manifest,
    Rows,
    Run,
    names_beside,
    snapshot_file_number,
    write_manifest,
)
from amongo.errors import ServerError, storage
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.workers import Condition, Lock, RLock, start_service

PLACE_FILE = "log_file"
PLACE_OFFSET = "log_offset"
MADE_MS = "made_ms"
DURATION_MS = "duration_ms"
RETRIES = "retries"
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class LastCheckpoint:
    """What is known of the current checkpoint.

    sequence      of the last commit in it
    made_ms       wall time when it was made, milliseconds since 1970 UTC
    duration_ms   how long it took to write, in milliseconds
    file_count    rows files and index runs
    disk_bytes    bytes of all its files
    """

    sequence: int
    made_ms: int
    duration_ms: int
    file_count: int
    disk_bytes: int


class _Frozen(NamedTuple):
    """What a checkpoint is made of.

    sequence     of the last commit in it, and
    place        where that ended in the log
    owed_bytes   what was owed then
    parts        the collections
    retries      what had been done by retryable writes
    """

    sequence: int
    place: Mark
    owed_bytes: int
    parts: list[FrozenCollection]
    retries: Frozen


class Checkpoints:
    """The checkpoints of one store.

    failure   why the last attempt came to nothing; None if it did not
    """

    def __init__(
        self,
        lock: RLock,
        log: Log,
        catalog: Catalog,
        files: Files,
        directory: str,
        settings: Settings,
        manifest: Manifest | None,
        clock: Clock,
        columns: ColumnRoom,
        retries: Retries,
    ) -> None:
        """
        lock       the store's
        manifest   the checkpoint that the store was opened on; None if it had none
        """
        self.failure: Exception | None = None
        self._store_lock = lock
        self._log = log
        self._catalog = catalog
        self._files = files
        self._store_directory = directory
        self._directory = os.path.join(directory, DIRECTORY)
        self._settings = settings
        self._clock = clock
        self._columns = columns
        self._retries = retries
        self._manifest = manifest
        self._is_certain = False  # whether `_manifest` is surely on the disk: who wrote it may have died just then
        self._place = Mark(0, 0) if manifest is None else place_of(manifest)
        self._numbers = Numbers(self._first_number(manifest))
        self._turn = Lock()
        # Every layer that is a file, by its name: one that no MANIFEST names any more stays while somebody reads it.
        self._layers: WeakValueDictionary[str, Rows | Run] = WeakValueDictionary()
        for collection in catalog.by_uuid.values():
            self._layers |= {layer.file.name: layer for layer in _file_layers(collection)}
        self._changed = Condition(Lock())
        self._owed_bytes = 0
        self._unwritten: _Frozen | None = None  # what an attempt has frozen that came to nothing
        self._is_closing = False
        self._is_over = False
        self._interrupt = Interrupt()
        self._join: Callable[[], None] | None = None

    def _first_number(self, manifest: Manifest | None) -> int:
        """A number that no file has, not even one that an attempt has left behind."""
        names = self._files.list(self._directory) if self._files.exists(self._directory) else []
        left = max((snapshot_file_number(name) or 0 for name in names), default=0)
        return max(left + 1, 1 if manifest is None else manifest.next_file_number)

    # When

    def start(self) -> None:
        """Make checkpoints on a thread of their own whenever enough has been written."""
        self._join = start_service("checkpoints", self._serve).join

    def wake(self) -> None:
        """Enough may have been written."""
        with self._changed:
            self._changed.notify()

    def owe(self, size_bytes: int) -> None:
        """The next opening would have as much to do again as if so much more had been written: an index was built."""
        self._owed_bytes += size_bytes
        self.wake()

    def close(self) -> None:
        """End the thread, and make a last checkpoint if opening the store would otherwise take its time.

        What cannot be written stays in the log, where the next opening finds it.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._interrupt.stop("the store is being closed")
        if self._join is not None:
            self._join()
        self._interrupt = Interrupt()
        if self._written_bytes() >= self._settings.closing_checkpoint_bytes or self._owes_columns():
            self.attempt()
        with self._turn:  # that of a command may be under way
            self._is_over = True
            with suppress(OSError):  # the next checkpoint tries again
                self._clear_up()

    def _serve(self) -> None:
        while True:
            with self._changed:
                has_come = self._is_closing or self._changed.wait(self._settings.checkpoint_interval_s)
                if self._is_closing:
                    return
            least = self._settings.checkpoint_bytes if has_come else self._settings.closing_checkpoint_bytes
            if self._written_bytes() >= least:
                self.attempt()

    def attempt(self) -> None:
        """Make a checkpoint if it can be made; otherwise `failure` says why not."""
        try:
            self.checkpoint(self._interrupt)
        except Exception as error:  # whatever it is, everything is in the log and in memory
            # Its frames would hold what the checkpoint was made of, and so the files that are to go.
            error.__traceback__ = error.__context__ = error.__cause__ = None
            self.failure = error

    def _written_bytes(self) -> int:
        """What was written to the log since the last checkpoint, and what is owed."""
        number, offset = self._place
        return self._owed_bytes + sum(
            each.file_bytes - (offset if each.number == number else 0)
            for each in self._log.log_files()
            if each.number >= number
        )

    # What

    def checkpoint(self, interrupt: Interrupt | None = None) -> bool:
        """Make a checkpoint of the last commit, then merge files where there are many; whether there was anything new.

        interrupt   ends it, and what it has begun is not taken
        errors      OSError, ServerError: the last checkpoint stands, nothing is lost; LOG_CLOSED
        """
        interrupt = Interrupt() if interrupt is None else interrupt
        with self._turn:
            is_new = self._make_all(interrupt)
            self._compact(interrupt)
            self._tidy()
            return is_new

    def compact(self, collection: Collection, interrupt: Interrupt) -> int:
        """Make a checkpoint, and one file of all files of a collection, and of each of its indexes; the bytes freed.

        errors   as `checkpoint`
        """
        with self._turn:
            self._make_all(interrupt)
            before = self._disk_bytes(collection)
            self._compact(interrupt, collection)
            self._tidy()
            return max(0, before - self._disk_bytes(collection))

    @property
    def last(self) -> LastCheckpoint | None:
        """The current checkpoint; None before the first."""
        manifest = self._manifest
        if manifest is None:
            return None
        disk_bytes = sum(map(_disk_bytes, manifest.collections))
        made_ms, duration_ms = manifest.more.get(MADE_MS, 0), manifest.more.get(DURATION_MS, 0)
        return LastCheckpoint(manifest.sequence, int(made_ms), int(duration_ms), len(manifest.file_names()), disk_bytes)

    def _disk_bytes(self, collection: Collection) -> int:
        """The bytes of a collection's files in the current checkpoint."""
        contents = () if self._manifest is None else self._manifest.collections
        return sum(_disk_bytes(each) for each in contents if each.uuid == collection.uuid)

    def _make_all(self, interrupt: Interrupt) -> bool:
        """Make a checkpoint of the last commit; what an attempt that failed had frozen is written first."""
        is_retry = self._unwritten is not None
        is_new = self._make(interrupt)
        return (is_retry and self._make(interrupt)) or is_new

    def _make(self, interrupt: Interrupt) -> bool:
        if self._is_over:
            raise storage.LOG_CLOSED()
        with self._filing() as filing:
            filing.claim(list(self._catalog.by_uuid.values()))
            is_retry = self._unwritten is not None
            with self._store_lock:
                frozen = self._frozen()
                filing.begin()
            if frozen is None:
                self._file_columns(filing, interrupt)
                return False
            self._write_frozen(frozen, filing, is_retry, interrupt)
        return True

    def _frozen(self) -> _Frozen | None:
        """What the next checkpoint is made of; None if nothing is new. Under the store's lock."""
        if self._unwritten is None:
            sequence = self._log.last_sequence
            if self._manifest is not None and sequence == self._manifest.sequence:
                return None
            parts = freeze(self._catalog.by_namespace.values())  # in the order in which they are listed
            retries = self._retries.freeze(sequence)
            self._unwritten = _Frozen(sequence, self._log.place(), self._owed_bytes, parts, retries)
        return self._unwritten

    def _write_frozen(self, frozen: _Frozen, filing: Filing, is_retry: bool, interrupt: Interrupt) -> None:
        began_s = self._clock.monotonic()
        sequence, end, owed_bytes, parts, retries = frozen
        self._files.make_directory(self._directory)
        place = FilePlace(self._files, self._directory, self._numbers, [], interrupt, sequence)
        column_place = self._column_place(interrupt)
        with self._discarding(place, column_place):
            columns = filing.written(column_place, may_write=not is_retry)
            contents = [replace(written(part, place), columns=columns.get(part.uuid, ())) for part in parts]
            self._log.sync_to(end)
        place.swaps.append(_settling(filing))
        more: dict[str, Any] = {PLACE_FILE: end.file_number, PLACE_OFFSET: end.offset, RETRIES: packed(retries)}
        more[MADE_MS] = self._clock.now_ms()
        more[DURATION_MS] = int((self._clock.monotonic() - began_s) * 1000)
        manifest = Manifest(self._log.store_uuid, sequence, self._numbers.next, tuple(contents), more)
        self._publish(manifest, place.swaps)
        self._unwritten, self._place = None, end
        self._owed_bytes -= owed_bytes
        holdings = holdings_of(parts)
        parts.clear()
        place.swaps.clear()
        release(holdings, interrupt)

    # Columns

    def _filing(self) -> AbstractContextManager[Filing]:
        """What a checkpoint does with columns."""
        return closing(Filing(self._columns, self._store_lock, self._settings.column_file_count))

    def _column_place(self, interrupt: Interrupt) -> ColumnPlace:
        return ColumnPlace(self._files, self._directory, self._numbers.take, interrupt)

    def _owes_columns(self) -> bool:
        """Whether columns that queries have used are in no file."""
        with self._filing() as filing:
            filing.claim(list(self._catalog.by_uuid.values()))
            with self._store_lock:
                filing.begin()
            return filing.owes()

    def _file_columns(self, filing: Filing, interrupt: Interrupt) -> None:
        """Write columns that are in no file yet, of the records as they are in the current checkpoint."""
        if self._manifest is None or not filing.owes():
            return
        place = self._column_place(interrupt)
        with self._discarding(None, place):
            columns = filing.written(place)
        contents = [replace(each, columns=columns.get(each.uuid, each.columns)) for each in self._manifest.collections]
        changed = replace(self._manifest, next_file_number=self._numbers.next, collections=tuple(contents))
        self._publish(changed, [_settling(filing)])

    def _compact(self, interrupt: Interrupt, whole: Collection | None = None) -> None:
        """Merge files; of the collection `whole` all of them."""
        if self._manifest is None:
            return
        place = FilePlace(self._files, self._directory, self._numbers, [], interrupt, self._manifest.sequence)
        contents = []
        with self._discarding(place):
            for each in self._manifest.collections:
                collection = self._catalog.by_uuid.get(each.uuid)
                is_whole = collection is not None and collection is whole
                contents.append(each if collection is None else compacted(each, collection, place, is_whole))
        if place.swaps:
            changed = replace(self._manifest, next_file_number=self._numbers.next, collections=tuple(contents))
            self._publish(changed, place.swaps)

    def _publish(self, manifest: Manifest, swaps: Sequence[Swap]) -> None:
        """Make a checkpoint the current one, and put its files in the place of what they were made of."""
        self._files.sync_directory(self._directory)
        self._write(manifest)
        for swap in swaps:
            self._layers |= {layer.file.name: layer for layer in swap.new}
        with self._store_lock:
            self._manifest = manifest
            for swap in swaps:
                swap.make()

    def _write(self, manifest: Manifest) -> None:
        self._is_certain = False
        write_manifest(self._files, self._store_directory, manifest)
        self._is_certain = True

    @contextmanager
    def _discarding(self, place: FilePlace | None, columns: ColumnPlace | None = None) -> Iterator[None]:
        """Where the writing breaks off, remove what was written: a full disk is not to stay full of it. (Once a
        MANIFEST is being written that names the files, they stay.)"""
        try:
            yield
        except BaseException:
            for swap in () if place is None else place.swaps:
                for layer in swap.new:
                    self._remove(layer.file.name)
            for name in () if columns is None else columns.names:
                self._remove(name)
            raise

    # What goes

    def _tidy(self) -> None:
        """Remove what is not needed: only what the MANIFEST that a power loss leaves does not need either."""
        if self._manifest is not None:
            if not self._is_certain:
                self._write(self._manifest)
            self._sweep()
            self._shorten_log()
        self.failure = None

    def _remove(self, name: str) -> None:
        for each in names_beside(os.path.join(self._directory, name)):
            with suppress(OSError):  # the next checkpoint tries again
                if self._files.exists(each):
                    self._files.remove(each)

    def _sweep(self) -> None:
        """Remove what nobody needs."""
        for name in self._unneeded():
            with suppress(OSError):  # the next checkpoint tries again
                self._files.remove(os.path.join(self._directory, name))

    def _unneeded(self) -> list[str]:
        """The files that the MANIFEST does not name, unless somebody still reads them."""
        assert self._manifest is not None
        named = self._manifest.file_names() | set(self._layers.keys())
        kept = {beside for name in named for beside in names_beside(name)}
        names = self._files.list(self._directory)
        return [name for name in names if name not in kept and snapshot_file_number(name) is not None]

    def _clear_up(self) -> None:
        """Remove what was still read when the last checkpoint was made, or was left behind by one that was killed."""
        if self._manifest is not None and self._unneeded():
            if not self._is_certain:
                self._write(self._manifest)
            self._sweep()

    def _shorten_log(self) -> None:
        """Remove the oldest log files, as long as enough of the log is left and the checkpoint needs none of them.

        A file's last commit is not younger than the file that follows.
        """
        assert self._manifest is not None
        log_files = self._log.log_files()
        old_ms = self._clock.now_ms() - int(self._settings.log_retained_hours * _HOUR_MS)
        total_bytes = sum(each.file_bytes for each in log_files)
        first: int | None = None
        for oldest, following in pairwise(log_files):
            total_bytes -= oldest.file_bytes
            if (
                following.first_sequence > self._manifest.sequence + 1
                or total_bytes < self._settings.log_retained_bytes
                or (self._settings.log_retained_hours and following.created_ms > old_ms)
            ):
                break
            first = following.first_sequence
        if first is not None:
            with suppress(ServerError):  # the next checkpoint tries again
                self._log.drop_before(first)


def _disk_bytes(contents: CollectionContents) -> int:
    runs = (*contents.ids, *(run for index in contents.indexes for run in index.runs))
    columns = sum(each.size for each in contents.columns)
    return sum(each.disk_bytes for each in contents.rows) + sum(each.disk_bytes for each in runs) + columns


def _settling(filing: Filing) -> Swap:
    """What becomes of columns once the MANIFEST names their files."""
    return Swap(lambda _old, _new: filing.settle(), (), ())


def _file_layers(collection: Collection) -> Iterator[Rows | Run]:
    """The snapshot files on which a collection and its indexes stand."""
    indexes = () if collection.secondary is None else collection.secondary.indexes
    for layers in (collection.layers, collection.id_layers, *(index.layers for index in indexes)):
        yield from (layer for layer in layers if isinstance(layer, Rows | Run))


def place_of(manifest: Manifest) -> Mark:
    """Where in the log the checkpoint's commit ended."""
    return Mark(int(manifest.more[PLACE_FILE]), int(manifest.more[PLACE_OFFSET]))


def remembered_of(manifest: Manifest) -> list[Mapping[str, Any]]:
    """What the checkpoint has of retryable writes: see `retries.packed`."""
    found: list[Mapping[str, Any]] = manifest.more.get(RETRIES, [])
    return found
