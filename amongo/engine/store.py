"""One open store: the log, the catalog, and the one lock under which state changes.

Every change goes the same way: build the entries, append one frame to the log, then change memory. If the log refuses
the frame (disk full, I/O error), memory stays as it was and the caller gets the error. Once the log has the frame, the
change of memory is made, whatever comes in between; see `_commit`. Recovery reads the frames and makes the same
changes; see `replay`.

A change of records states what it expects to find: `update` and `delete` name the bytes that the caller has seen, and
report the records where something else stands by now, so that a caller may compute without the lock and try again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bson import Binary

from amongo.engine.catalog import Catalog
from amongo.engine.files import DiskFiles, Files
from amongo.engine.log import Log, MemoryLog, entry, entry_pieces, pack_entry
from amongo.engine.records import Collection, IdOrder, View, id_document, record_key
from amongo.engine.replay import replay
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.errors import storage as errors
from amongo.runtime.clock import SYSTEM_CLOCK, Clock
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.workers import Completion, RLock
from amongo.values.codec import encode


class CollectionDropped(Exception):
    """The collection was dropped after the caller looked it up; nothing was written."""


class Inserted(NamedTuple):
    """What an insert has done.

    positions    of the documents that were inserted, in the batch; None for all
    duplicates   positions of the documents whose `_id` was taken
    sequence     the commit; 0 if nothing was inserted
    """

    positions: list[int] | None
    duplicates: list[int]
    sequence: int


class Change(NamedTuple):
    """One record to replace.

    record_id     which record
    expected      the bytes that the caller has seen under it
    raw           the bytes to put there, with the same `_id`
    description   what changed, as BSON, for change streams: updatedFields, removedFields, truncatedArrays, each where
                  there is one; or updatedPaths, whose values stand in the new document; None for a replacement
    """

    record_id: int
    expected: bytes
    raw: bytes
    description: bytes | None


class Changed(NamedTuple):
    """What an update or delete has done.

    conflicts   positions where something else stood than was expected; nothing was done there
    sequence    the commit; 0 if nothing was changed
    """

    conflicts: list[int]
    sequence: int


class Store:
    """One store: a `local://` directory, or memory.

    lock      held for every change, and for taking a view; never across anything slow
    catalog   the collections
    """

    def __init__(self, log: Log | MemoryLog, release: Callable[[], None], directory: str | None) -> None:
        self.lock = RLock()
        self.catalog = Catalog()
        self.directory = directory
        self._log = log
        self._release = release
        self._is_open = True
        # The last sequence before the commit that is being made, and what it does to memory.
        self._pending: tuple[int, Callable[..., object], tuple[Any, ...]] | None = None

    @classmethod
    def open(
        cls,
        directory: str | None,
        *,
        files: Files | None = None,
        clock: Clock = SYSTEM_CLOCK,
        settings: Settings = DEFAULT_SETTINGS,
        has_service: bool = True,
    ) -> Store:
        """Open the store in `directory`, made if it is not there; None opens an empty one in memory.

        has_service   whether a thread makes writes durable in the background; tests that count operations go without
        errors   STORE_IN_USE, STORE_PATH_IS_FILE, STORE_FORMAT_NEWER, STORE_CORRUPT, or what the disk says
        """
        if directory is None:
            return cls(MemoryLog(clock), lambda: None, None)
        files = files or DiskFiles()
        files.make_directory(directory)
        lock = files.lock(directory)
        try:
            log = Log.open(directory, files, clock, settings=settings, has_service=has_service)
            store = cls(log, lock.release, directory)
            replay(log.replay(), store.catalog)
        except BaseException:
            lock.release()
            raise
        return store

    def close(self) -> None:
        """Write everything to disk, then let go of the directory; safe to call twice."""
        with self.lock:
            if not self._is_open:
                return
            self._is_open = False
        try:
            self._log.close()
        finally:
            self._release()

    @property
    def is_busy(self) -> bool:
        """Whether a thread is changing something right now: an event loop would have to wait."""
        if self.lock.acquire(blocking=False):
            self.lock.release()
            return False
        return True

    # The log, as others need it

    @property
    def last_sequence(self) -> int:
        """The cluster time of the last commit."""
        return self._log.last_sequence

    def durable(self, sequence: int) -> Completion:
        """Done when the commit `sequence` is safe against power loss."""
        return self._log.durable(sequence)

    # Records

    def view(self, collection: Collection) -> View:
        """What the collection holds now."""
        with self.lock:
            return collection.view()

    def ordered_view(self, collection: Collection) -> tuple[View, IdOrder]:
        """What the collection holds now, and the order of its `_id`s."""
        with self.lock:
            return collection.view(), collection.id_order()

    def insert_one(self, collection: Collection, key: bytes, raw: bytes) -> int:
        """Insert one document; the commit's sequence, or 0 if its `_id` is taken.

        errors   CollectionDropped
        """
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            if collection.has_key(key):
                return 0
            return self.append(collection, key, raw)

    def append(self, collection: Collection, key: bytes, raw: bytes) -> int:
        """Insert a document whose `_id` the caller has found free under `lock`, which it holds; the sequence."""
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        record_id = collection.next_record_id
        head = collection.heads.get("i") or self._head(collection, "i")
        before = self._log.last_sequence
        try:
            sequence = self._log.append(pack_entry(record_id, 1) + head + raw)
            collection.append(record_id, key, raw)
        except BaseException:
            self._make_up(before, collection.append, record_id, key, raw)
            raise
        return sequence

    def insert(
        self,
        collection: Collection,
        keys: Sequence[bytes],
        raws: Sequence[bytes],
        *,
        ordered: bool = True,
        interrupt: Interrupt = NEVER,
    ) -> Inserted:
        """Insert a batch as one commit.

        keys        of the documents' `_id`s
        ordered     end before the first duplicate, instead of leaving out duplicates
        interrupt   ends it before the commit, never after
        errors      CollectionDropped
        """
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            duplicate = collection.first_duplicate(keys, interrupt)
            positions: list[int] | None = None
            duplicates: list[int] = []
            if duplicate is not None:
                if ordered:
                    positions, duplicates = list(range(duplicate)), [duplicate]
                else:
                    positions, duplicates = _split_duplicates(collection, keys, interrupt)
                keys = [keys[position] for position in positions]
                raws = [raws[position] for position in positions]
            if not raws:
                return Inserted(positions, duplicates, 0)
            record_id = collection.next_record_id
            pieces = entry_pieces(record_id, self._head(collection, "i"), raws, interrupt)
            sequence = self._commit(pieces, collection.extend, record_id, keys, raws, interrupt)
            return Inserted(positions, duplicates, sequence)

    def update(self, collection: Collection, changes: Sequence[Change], interrupt: Interrupt = NEVER) -> Changed:
        """Replace records as one commit, where what the caller has seen still stands.

        interrupt   ends it before the commit, never after
        """
        with self.lock:
            conflicts = [
                position
                for position, change in enumerate(changes)
                if collection.is_dropped or collection.record(change.record_id) is not change.expected
            ]
            if conflicts:
                changes = [change for position, change in enumerate(changes) if position not in set(conflicts)]
            if not changes:
                return Changed(conflicts, 0)
            head = self._head(collection, "u")
            pieces = [
                entry(record_id, head, (raw,) if description is None else (raw, description))
                for record_id, _, raw, description in interrupt.watch(changes)
            ]
            replacements = [(change.record_id, change.raw) for change in changes]
            return Changed(conflicts, self._commit(pieces, collection.replace_all, replacements))

    def replace(self, collection: Collection, record_id: int, raw: bytes, description: bytes) -> int:
        """Replace the record that the caller has just looked up under `lock`, which it holds; the commit's sequence."""
        head = collection.heads.get("u") or self._head(collection, "u")
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        before = self._log.last_sequence
        try:
            sequence = self._log.append(pack_entry(record_id, 2) + head + raw + description)
            collection.replace(record_id, raw)
        except BaseException:
            self._make_up(before, collection.replace, record_id, raw)
            raise
        return sequence

    def delete(
        self, collection: Collection, removals: Sequence[tuple[int, bytes]], interrupt: Interrupt = NEVER
    ) -> Changed:
        """Remove records, given as (record id, the bytes the caller has seen), as one commit.

        interrupt   ends it before the commit, never after
        """
        with self.lock:
            conflicts = [
                position
                for position, (record_id, expected) in enumerate(removals)
                if collection.is_dropped or collection.record(record_id) is not expected
            ]
            if conflicts:
                removals = [each for position, each in enumerate(removals) if position not in set(conflicts)]
            if not removals:
                return Changed(conflicts, 0)
            head = self._head(collection, "d")
            watched = interrupt.watch(removals)
            pieces = [entry(record_id, head, (id_document(raw),)) for record_id, raw in watched]
            keys = [(record_id, record_key(raw)) for record_id, raw in interrupt.watch(removals)]
            return Changed(conflicts, self._commit(pieces, collection.remove, keys))

    # Collections

    def create(self, namespace: str, options: dict[str, Any] | None = None) -> Collection:
        """The collection of this namespace, created if it is not there."""
        with self.lock:
            found = self.catalog.get(namespace)
            if found is not None:
                return found
            collection = Collection(namespace, uuid.uuid4().bytes, options or {})
            name = namespace.partition(".")[2]
            command = {"create": name, "options": collection.options}
            self._commit_catalog(namespace, collection.uuid, command, self.catalog.add, collection)
            return collection

    def set_options(self, collection: Collection, options: dict[str, Any]) -> int:
        """Give a collection other options; the commit's sequence."""
        with self.lock:
            command = {"collMod": collection.namespace.partition(".")[2], "options": options}
            return self._commit_catalog(
                collection.namespace, collection.uuid, command, setattr, collection, "options", options
            )

    def drop(self, namespace: str) -> int:
        """Drop the collection of this namespace; the commit's sequence, 0 if there is none."""
        with self.lock:
            collection = self.catalog.get(namespace)
            if collection is None:
                return 0
            command = {"drop": namespace.partition(".")[2]}
            return self._commit_catalog(namespace, collection.uuid, command, self.catalog.remove, collection)

    def rename(self, source: str, target: str) -> int:
        """Rename the collection `source` to `target`, dropping what stands there; the commit's sequence."""
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
            command = {"dropDatabase": 1}
            return self._commit_catalog(database, None, command, self.catalog.remove, *collections)

    # Commits

    def _commit(self, payload: bytes | Sequence[bytes], change: Callable[..., object], *arguments: Any) -> int:
        """Write one frame, then change memory; the commit's sequence. Under the lock.

        change   must bear to be made again where it broke off: the frame is written, so it has to happen. An exception
                 of another's making (Ctrl-C, no memory) may come at any point here
        errors   those of `Log.append`, with memory as it was; STORE_BEHIND_LOG
        """
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        before = self._log.last_sequence
        try:
            sequence = self._log.append(payload)
            change(*arguments)
        except BaseException:
            self._make_up(before, change, *arguments)
            raise
        return sequence

    def _make_up(self, before: int, change: Callable[..., object], *arguments: Any) -> None:
        """Make the change of a commit that broke off, if the log has its frame.

        before   the log's last sequence before the commit
        """
        self._pending = before, change, arguments
        while self._pending is not None:
            sequence, change, arguments = self._pending
            try:
                if self._log.last_sequence != sequence:
                    change(*arguments)
                self._pending = None
            except KeyboardInterrupt:
                continue  # the first one is being raised

    def _commit_catalog(
        self,
        namespace: str,
        identity: bytes | None,
        command: dict[str, Any],
        change: Callable[..., object],
        *arguments: Any,
    ) -> int:
        head: dict[str, Any] = {"op": "c", "ns": namespace.partition(".")[0] + ".$cmd"}
        if identity is not None:
            head["ui"] = Binary(identity, 4)
        head["o"] = command
        return self._commit(entry(0, encode(head), ()), change, *arguments)

    @staticmethod
    def _head(collection: Collection, operation: str) -> bytes:
        """The head of the collection's entries of one kind, encoded once."""
        head = collection.heads.get(operation)
        if head is None:
            head = collection.heads[operation] = encode(
                {"op": operation, "ns": collection.namespace, "ui": Binary(collection.uuid, 4)}
            )
        return head


def _split_duplicates(
    collection: Collection, keys: Sequence[bytes], interrupt: Interrupt
) -> tuple[list[int], list[int]]:
    """(positions of free keys, positions of taken ones) of a batch."""
    free: list[int] = []
    taken: list[int] = []
    seen: set[bytes] = set()
    for position, key in enumerate(interrupt.watch(keys)):
        if key in seen or collection.has_key(key):
            taken.append(position)
        else:
            free.append(position)
            seen.add(key)
    return free, taken
