"""One open store: the log, the catalog, and the one lock under which state changes.

Every change goes the same way: build the entries, append one frame to the log, then change memory. If the log refuses
the frame (disk full, I/O error), memory stays as it was and the caller gets the error. Once the log has the frame, the
change of memory is made, whatever comes in between; see `commits`. Recovery reads the frames and makes the same
changes; see `replay`.

A change of records states what it expects to find: `update` and `delete` name the bytes that the caller has seen, and
report the records where something else stands by now, so that a caller may compute without the lock and try again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from bson import Binary

from amongo.engine.catalog import Catalog
from amongo.engine.checkpoints import Checkpoints, place_of, remembered_of, restore
from amongo.engine.columns.room import ColumnRoom
from amongo.engine.files import DiskFiles, Files, LockHandle
from amongo.engine.index_commits import no_keys
from amongo.engine.indexes import MakeKeys
from amongo.engine.insertion import Insertion
from amongo.engine.log import Log, MemoryLog, entry
from amongo.engine.records import Cap, Collection, IdOrder, View, converted
from amongo.engine.replay import replay
from amongo.engine.retries import Retries
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.engine.snapshots import DIRECTORY as SNAPSHOTS
from amongo.engine.snapshots import MANIFEST_NAME, has_snapshot_files, read_manifest
from amongo.engine.writes import Change, Changed, CollectionDropped, Inserted, conflicts_of, without
from amongo.errors import ErrorCode, ServerError
from amongo.errors import storage as errors
from amongo.runtime.clock import SYSTEM_CLOCK, Clock
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import MEMORY_HISTORY_BYTES
from amongo.runtime.workers import Completion

__all__ = ["Change", "Changed", "CollectionDropped", "Inserted", "Store"]


class Store(Insertion):
    """One store: a `local://` directory, or memory.

    lock          held for every change, and for taking a view; never across anything slow
    catalog       the collections
    checkpoints   of a store on disk; None in memory
    columns       the room for what is kept of columns
    """

    def __init__(
        self,
        log: Log | MemoryLog,
        release: Callable[[], None],
        directory: str | None,
        make_keys: MakeKeys = no_keys,
        settings: Settings = DEFAULT_SETTINGS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(log, make_keys, settings, clock)
        self.catalog = Catalog()
        self.directory = directory
        self.checkpoints: Checkpoints | None = None
        self.columns = ColumnRoom(settings.column_bytes)
        self._release = release
        self._is_open = True

    @classmethod
    def open(
        cls,
        directory: str | None,
        *,
        files: Files | None = None,
        clock: Clock = SYSTEM_CLOCK,
        settings: Settings = DEFAULT_SETTINGS,
        has_service: bool = True,
        make_keys: MakeKeys = no_keys,
    ) -> Store:
        """Open the store in `directory`, made if it is not there; None opens an empty one in memory.

        make_keys     gives what makes the keys of an index, by its definition
        has_service   whether a thread makes writes durable in the background; tests that count operations go without
        errors   STORE_IN_USE, STORE_PATH_IS_FILE, STORE_FORMAT_NEWER, STORE_CORRUPT, or what the disk says
        """
        if directory is None:
            return cls(MemoryLog(clock), lambda: None, None, make_keys, settings, clock)
        files = files or DiskFiles()
        files.make_directory(directory)
        lock = files.lock(directory)
        try:
            log = Log.open(directory, files, clock, settings=settings, has_service=has_service)
            try:
                return cls._opened(directory, files, clock, settings, has_service, make_keys, lock, log)
            except BaseException:
                with suppress(ServerError, OSError):
                    log.close()
                raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _opened(
        cls,
        directory: str,
        files: Files,
        clock: Clock,
        settings: Settings,
        has_service: bool,
        make_keys: MakeKeys,
        lock: LockHandle,
        log: Log,
    ) -> Store:
        """Open the store in a directory whose owner we are: on its last checkpoint, with what the log has behind it.

        Where snapshot files are damaged and the log is still whole, the log alone is enough; they are written anew.
        """
        store = cls(log, lock.release, directory, make_keys, settings, clock)
        manifest, restored, damage, covered = None, {}, None, 0
        try:
            manifest = read_manifest(files, directory)
            covered = 0 if manifest is None else manifest.sequence
            restored = {} if manifest is None else restore(manifest, store.catalog, files, directory)
            store.retries.restore(() if manifest is None else remembered_of(manifest))
        except ServerError as error:
            if error.code != ErrorCode.DataCorruptionDetected:
                raise
            manifest, restored, damage = None, {}, error
            store.catalog, store.retries = Catalog(), Retries()
        if manifest is None and log.is_missing and has_snapshot_files(files, directory):  # not a new store
            raise damage or errors.STORE_WITHOUT_LOG(path=directory)
        try:
            frames = log.replay() if manifest is None else log.replay(manifest.sequence, place_of(manifest))
            replay(frames, store.catalog, restored, store.retries)
        except ServerError as error:
            if damage is not None:
                raise damage from error
            if manifest is None and files.exists(os.path.join(directory, SNAPSHOTS)):
                path = os.path.join(directory, MANIFEST_NAME)
                raise errors.MANIFEST_CORRUPT(file=path, reason=f"it is missing, and {error.message}") from error
            raise
        if damage is not None and log.last_sequence < covered:  # the log is not whole: it ends too early
            raise damage
        if manifest is not None and manifest.store_uuid != log.store_uuid:
            raise errors.STORE_CORRUPT(reason="its MANIFEST and its log belong to different stores")
        for collection in store.catalog.by_uuid.values():
            store.settle_indexes(collection, restored.get(collection.uuid))
        checkpoints = store.checkpoints = Checkpoints(
            store.lock, log, store.catalog, files, directory, settings, manifest, clock, store.columns, store.retries
        )
        store.history.last = log.last_sequence
        if damage is not None:
            checkpoints.attempt()
        if has_service:
            checkpoints.start()
            log.tell_of_new_files(checkpoints.wake)
        return store

    def private(self, log: MemoryLog, catalog: Catalog) -> Store:
        """A store of its own, in memory, on these collections."""
        store = Store(log, lambda: None, None, self.make_keys, self._settings, self.clock)
        store.catalog = catalog
        return store

    def close(self) -> None:
        """Write everything to disk, then let go of the directory; safe to call twice."""
        with self.lock:
            if not self._is_open:
                return
            self._is_open = False
        self.history.arrivals.announce()
        try:
            try:
                if self.checkpoints is not None:
                    self.checkpoints.close()
            finally:
                self._log.close()
        finally:
            for collection in self.catalog.by_uuid.values():
                collection.columns = collection.changes = None
            self._release()

    @property
    def is_busy(self) -> bool:
        """Whether a thread is changing something right now: an event loop would have to wait."""
        if self.lock.acquire(False):
            self.lock.release()
            return False
        return True

    # The log, as others need it

    @property
    def last_sequence(self) -> int:
        """The cluster time of the last commit."""
        return self._log.last_sequence

    @property
    def log_bytes(self) -> int:
        """Of the log's files; 0 for a store in memory."""
        return self._log.total_bytes

    @property
    def retained_bytes(self) -> int:
        """About so much of the log is kept."""
        return MEMORY_HISTORY_BYTES if self.directory is None else self._settings.log_retained_bytes

    def durable(self, sequence: int) -> Completion:
        """Done when the commit `sequence` is safe against power loss."""
        return self._log.durable(sequence)

    def _built(self, collection: Collection) -> None:
        if self.checkpoints is not None:
            self.checkpoints.owe(collection.data_bytes)

    # Records

    def view(self, collection: Collection) -> View:
        """What the collection holds now."""
        with self.lock:
            return collection.view()

    def ordered_view(self, collection: Collection) -> tuple[View, IdOrder]:
        """What the collection holds now, and the order of its `_id`s."""
        with self.lock:
            return collection.view(), collection.id_order()

    def update(self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt = NEVER) -> Changed:
        """Replace records as one commit, where what the caller has seen still stands.

        interrupt   ends it before the commit, never after
        errors      those of `admission`
        """
        self.admission.check(collection.namespace)
        while True:
            if collection.secondary is not None:
                done = self._update_indexed(collection, changes, interrupt)
                if done is not None:
                    return done
            with self.lock:
                if collection.secondary is None:  # none has come since
                    return self._update_plain(collection, changes, interrupt)

    def _update_plain(self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt) -> Changed:
        """`update` in a collection without secondary indexes. Under the lock."""
        conflicts = conflicts_of(collection, [(change.record_id, change.expected) for change in changes])
        changes = without(changes, conflicts)
        if not changes:
            return Changed(conflicts, 0)
        pieces = self._update_pieces(collection, changes, interrupt)
        replacements = [(change.record_id, change.raw) for change in changes]
        return Changed(conflicts, self._commit(pieces, collection.replace_all, replacements))

    def replace(self, collection: Collection, record_id: int, raw: bytes, description: bytes) -> int:
        """Replace the record that the caller has just looked up under `lock`, which it holds; the commit's sequence."""
        head = collection.heads.get("u")
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        if collection.secondary is not None:
            return self._replace_indexed(collection, record_id, raw, description)
        if head is None:  # as it is where pre-images are kept
            head = self._head(collection, "u")
            if collection.keeps_images:
                old = collection.record(record_id)
                assert old is not None
                piece = entry(record_id, head, (raw, description, old))
                return self._commit(piece, collection.replace, record_id, raw)
        before, history = self._log.last_sequence, self.history
        try:
            with self._guard:
                sequence = self._log.append_entry(record_id, 2, head, raw + description)
            collection.replace(record_id, raw)
            history.last = sequence
            if history.is_watched:
                history.arrivals.announce()
        except BaseException:
            self._make_up(before, collection.replace, record_id, raw)
            raise
        return sequence

    def delete(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt = NEVER
    ) -> Changed:
        """Remove records, given as (record id, the bytes the caller has seen), as one commit.

        interrupt   ends it before the commit, never after
        errors      those of `admission`
        """
        self.admission.check(collection.namespace)
        while True:
            if collection.secondary is not None:
                done = self._delete_indexed(collection, removals, interrupt)
                if done is not None:
                    return done
            with self.lock:
                if collection.secondary is None:  # none has come since
                    return self._delete_plain(collection, removals, interrupt)

    def _delete_plain(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt
    ) -> Changed:
        """`delete` in a collection without secondary indexes. Under the lock."""
        conflicts = conflicts_of(collection, removals)
        removals = without(removals, conflicts)
        if not removals:
            return Changed(conflicts, 0)
        pieces = self._delete_pieces(collection, removals, interrupt)
        keys = self._record_keys(collection, removals, interrupt)
        return Changed(conflicts, self._commit(pieces, collection.remove, keys))

    # Collections

    def create(self, namespace: str, options: dict[str, Any] | None = None) -> Collection:
        """The collection of this namespace, created if it is not there."""
        with self.lock:
            found = self.catalog.get(namespace)
            if found is not None:
                return found
            self.admission.check(namespace)
            collection = Collection(namespace, uuid.uuid4().bytes, options or {})
            self.settle_indexes(collection)
            name = namespace.partition(".")[2]
            command = {"create": name, "options": collection.options}
            self._commit_catalog(namespace, collection.uuid, command, self.catalog.add, collection)
            return collection

    def set_options(self, collection: Collection, options: dict[str, Any], asked: dict[str, Any] | None = None) -> int:
        """Give a collection other options; the commit's sequence.

        asked   those that somebody has asked to change, as change streams tell it; None where nobody has
        """
        self.admission.check(collection.namespace)
        with self.lock:
            command = {"collMod": collection.namespace.partition(".")[2], "options": options}
            before = {"options": collection.options} | ({} if asked is None else {"asked": asked})
            return self._commit_catalog(
                collection.namespace, collection.uuid, command, collection.set_options, options, before=before
            )

    def convert_to_capped(self, collection: Collection, options: dict[str, Any]) -> int:
        """Put a capped collection in the place of another, with the newest of its documents; the commit's sequence.

        options   of the new collection, with its limits
        errors    CollectionDropped
        """
        self.admission.check(collection.namespace)
        cap = Cap.of(options)
        assert cap is not None
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            kept = cap.kept(len(raw) for _, raw in reversed(collection.view()))
            new = converted(collection, uuid.uuid4().bytes, options, kept)
            name = collection.namespace.partition(".")[2]
            command = {"convertToCapped": name, "options": options, "uuid": Binary(new.uuid, 4), "kept": kept}
            return self._commit_catalog(
                collection.namespace, collection.uuid, command, self.catalog.replace, collection, new
            )

    def drop(self, namespace: str) -> int:
        """Drop the collection of this namespace; the commit's sequence, 0 if there is none."""
        with self.lock:
            collection = self.catalog.get(namespace)
            if collection is None:
                return 0
            self.admission.check(namespace)
            command = {"drop": namespace.partition(".")[2]}
            return self._commit_catalog(namespace, collection.uuid, command, self.catalog.remove, collection)

    def rename(self, source: str, target: str) -> int:
        """Rename the collection `source` to `target`, dropping what stands there; the commit's sequence."""
        self.admission.check(source)
        self.admission.check(target)
        with self.lock:
            collection = self.catalog.by_namespace[source]
            dropped = self.catalog.get(target)
            command: dict[str, Any] = {"renameCollection": source, "to": target}
            if dropped is not None:
                command["dropTarget"] = Binary(dropped.uuid, 4)
            return self._commit_catalog(
                source, collection.uuid, command, self.catalog.rename, collection, source, target, dropped
            )

    def drop_database(self, database: str) -> int:
        """Drop every collection of a database as one commit; its sequence, 0 if there is none."""
        with self.lock:
            collections = self.catalog.collections(database)
            if not collections:
                return 0
            self.admission.check(database)
            command = {"dropDatabase": 1}
            dropped = [{"name": each.namespace.partition(".")[2], "ui": Binary(each.uuid, 4)} for each in collections]
            before = {"collections": dropped}
            return self._commit_catalog(database, None, command, self.catalog.remove, *collections, before=before)
