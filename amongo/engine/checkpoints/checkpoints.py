"""The checkpoints of a store on disk.

A checkpoint freezes what is in memory, under the store's lock and at one commit; writes it to new files beside the old
ones, piece by piece, while others go on reading and writing; makes the log durable up to that commit; and replaces the
MANIFEST. Only then do the files take the place of what was frozen, and what no MANIFEST names any more goes, with the
log files that are older than needed. A stop at any point leaves the old checkpoint or the new one, and a log that goes
on from it.

A checkpoint that fails (disk full) changes nothing: what it froze stays in memory, and the next one writes it.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

from amongo.engine.catalog import Catalog
from amongo.engine.checkpoints.compaction import compacted
from amongo.engine.checkpoints.freezing import freeze
from amongo.engine.checkpoints.writing import FilePlace, Numbers, Swap, written
from amongo.engine.files import Files
from amongo.engine.log import Log, Mark
from amongo.engine.settings import Settings
from amongo.engine.snapshots import DIRECTORY, Manifest, names_beside, snapshot_file_number, write_manifest
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.workers import Condition, Lock, RLock, start_service

PLACE_FILE = "log_file"
PLACE_OFFSET = "log_offset"


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
        self._manifest = manifest
        self._place = Mark(0, 0) if manifest is None else place_of(manifest)
        self._numbers = Numbers(self._first_number(manifest))
        self._turn = Lock()
        self._leaving: list[
            tuple[str, weakref.ref[Any]]
        ] = []  # files that no MANIFEST names, but readers may still use
        self._changed = Condition(Lock())
        self._is_closing = False
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
        if self._written_bytes() >= self._settings.closing_checkpoint_bytes:
            self._try()

    def _serve(self) -> None:
        while True:
            with self._changed:
                has_come = self._is_closing or self._changed.wait(self._settings.checkpoint_interval_s)
                if self._is_closing:
                    return
            least = self._settings.checkpoint_bytes if has_come else self._settings.closing_checkpoint_bytes
            if self._written_bytes() >= least:
                self._try()

    def _try(self) -> None:
        try:
            self.checkpoint(self._interrupt)
        except Exception as error:  # whatever it is, everything is in the log and in memory
            self.failure = error

    def _written_bytes(self) -> int:
        """What was written to the log since the last checkpoint."""
        number, offset = self._place
        return sum(
            each.file_bytes - (offset if each.number == number else 0)
            for each in self._log.log_files()
            if each.number >= number
        )

    # What

    def checkpoint(self, interrupt: Interrupt | None = None) -> bool:
        """Make a checkpoint of the last commit, then merge files where there are many; whether there was anything new.

        interrupt   ends it, and what it has begun is not taken
        errors      OSError, ServerError: the last checkpoint stands, nothing is lost
        """
        interrupt = Interrupt() if interrupt is None else interrupt
        with self._turn:
            is_new = self._make(interrupt)
            if self._manifest is not None:
                self._compact(interrupt)
                self._sweep()
                self._shorten_log()
            self.failure = None
            return is_new

    def _make(self, interrupt: Interrupt) -> bool:
        with self._store_lock:
            sequence, end = self._log.last_sequence, self._log.place()
            if self._manifest is not None and sequence == self._manifest.sequence:
                return False
            parts = freeze(self._catalog.by_uuid.values())
        self._files.make_directory(self._directory)
        place = FilePlace(self._files, self._directory, self._numbers, [], interrupt)
        contents = [written(part, place) for part in parts]
        self._log.sync_to(end)
        more = {PLACE_FILE: end.file_number, PLACE_OFFSET: end.offset}
        manifest = Manifest(self._log.store_uuid, sequence, self._numbers.next, tuple(contents), more)
        self._publish(manifest, place.swaps)
        self._place = end
        return True

    def _compact(self, interrupt: Interrupt) -> None:
        assert self._manifest is not None
        place = FilePlace(self._files, self._directory, self._numbers, [], interrupt)
        contents = []
        for each in self._manifest.collections:
            collection = self._catalog.by_uuid.get(each.uuid)
            contents.append(each if collection is None else compacted(each, collection, place))
        if place.swaps:
            changed = replace(self._manifest, next_file_number=self._numbers.next, collections=tuple(contents))
            self._publish(changed, place.swaps)

    def _publish(self, manifest: Manifest, swaps: Sequence[Swap]) -> None:
        """Make a checkpoint the current one, and put its files in the place of what they were made of."""
        self._files.sync_directory(self._directory)
        write_manifest(self._files, self._store_directory, manifest)
        with self._store_lock:
            self._manifest = manifest
            for swap in swaps:
                swap.make()
        for swap in swaps:
            self._leaving += [(name, weakref.ref(layer)) for name, layer in swap.left_files()]

    # What goes

    def _sweep(self) -> None:
        """Remove the files that the MANIFEST does not name, unless somebody still reads them."""
        assert self._manifest is not None
        named = self._manifest.file_names()
        in_use = {name for name, layer in self._leaving if layer() is not None}
        self._leaving = [each for each in self._leaving if each[0] in in_use]
        kept = {beside for name in named | in_use for beside in names_beside(name)}
        for name in self._files.list(self._directory):
            if name not in kept and snapshot_file_number(name) is not None:
                with suppress(OSError):  # the next checkpoint tries again
                    self._files.remove(os.path.join(self._directory, name))

    def _shorten_log(self) -> None:
        """Remove the oldest log files, as long as enough of the log is left and the checkpoint needs none of them."""
        assert self._manifest is not None
        log_files = self._log.log_files()
        total_bytes = sum(each.file_bytes for each in log_files)
        first: int | None = None
        for oldest, following in pairwise(log_files):
            total_bytes -= oldest.file_bytes
            if (
                following.first_sequence > self._manifest.sequence + 1
                or total_bytes < self._settings.log_retained_bytes
            ):
                break
            first = following.first_sequence
        if first is not None:
            with suppress(ServerError):  # the next checkpoint tries again
                self._log.drop_before(first)


def place_of(manifest: Manifest) -> Mark:
    """Where in the log the checkpoint's commit ended."""
    return Mark(int(manifest.more[PLACE_FILE]), int(manifest.more[PLACE_OFFSET]))
