"""From the frames of the log to the state of the store: recovery makes every change again.

Documents that were inserted one by one, commit after commit, are entered together: most frames of most logs hold one
document, and entering one costs nearly as much as entering a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from amongo.engine.catalog import Catalog
from amongo.engine.checkpoints import Restored
from amongo.engine.log import Frame
from amongo.engine.origin import MARKER
from amongo.engine.records import Collection, converted, record_key, record_keys
from amongo.engine.records.view import CHUNK_SIZE
from amongo.engine.retries import Retries
from amongo.errors import storage as errors
from amongo.values.codec import decode

NOTHING: Final[Mapping[bytes, Restored]] = {}

Documents = list[bytes]
Handler = Callable[[int, Documents], None]  # given the record id and the documents of an entry


def replay(
    frames: Iterable[Frame],
    catalog: Catalog,
    restored: Mapping[bytes, Restored] = NOTHING,
    retries: Retries | None = None,
) -> None:
    """Make the changes of the frames in a catalog, empty or as the last checkpoint left it.

    restored   by a collection's UUID: what the checkpoint has of its indexes; it forgets those that are others since
    retries    remembers what came from retryable writes; None where nobody wants to know
    errors     STORE_CORRUPT for a change of what is not there, ENTRY_MALFORMED, and those of the frames
    """
    handlers: dict[bytes, Handler] = {}  # by an entry's head, which is the same bytes for all changes of a kind
    contents: dict[bytes, _Records] = {}  # by the collection's UUID
    for frame in frames:
        entries = frame.entries()
        for record_id, head, documents in entries:
            handler = handlers.get(head)
            if handler is None:
                fields = decode(head)
                if fields["op"] == MARKER:
                    if retries is not None:
                        retries.recall(entries, frame.sequence)
                    continue
                if fields["op"] == "c":
                    _settle(contents)
                    handlers.clear()
                    _change_catalog(catalog, fields)
                    _forget(restored, fields)
                    continue
                identity = bytes(fields["ui"])
                collection = catalog.by_uuid.get(identity)
                if collection is None:
                    raise errors.STORE_CORRUPT(
                        reason=f"commit {frame.sequence} writes to a collection that was never created"
                    )
                records = contents.setdefault(identity, _Records(collection))
                handler = handlers[head] = records.handler(fields["op"])
            handler(record_id, documents)
    _settle(contents)


def _settle(contents: dict[bytes, _Records]) -> None:
    for records in contents.values():
        records.settle()
    contents.clear()


class _Records:
    """The records of one collection. Inserted documents wait in `_documents` until something else happens to it."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._first = self._following = 0  # record ids of the first that waits, and of the next to come
        self._documents: Documents = []

    def handler(self, operation: str) -> Handler:
        """What makes the changes of one kind. errors: STORE_CORRUPT for a kind that is none."""
        handlers: dict[str, Handler] = {"i": self._insert, "u": self._update, "d": self._delete}
        if operation not in handlers:
            raise errors.STORE_CORRUPT(reason=f"the log holds a change of unknown kind '{operation}'")
        return handlers[operation]

    def settle(self) -> None:
        """Enter the documents that wait."""
        if self._documents:
            self._collection.reserve(self._first)
            keys = record_keys(self._documents, self._collection.collator)
            self._collection.extend(self._first, keys, self._documents)
            self._documents = []
        self._following = 0

    def _insert(self, record_id: int, documents: Documents) -> None:
        if record_id != self._following or len(self._documents) >= CHUNK_SIZE:
            self.settle()
            self._first = self._following = record_id
        self._documents += documents
        self._following += len(documents)

    def _update(self, record_id: int, documents: Documents) -> None:
        self._old(record_id)
        self._collection.replace(record_id, documents[0])

    def _delete(self, record_id: int, documents: Documents) -> None:
        self._collection.remove([(record_id, record_key(self._old(record_id), self._collection.collator))])

    def _old(self, record_id: int) -> bytes:
        """The document that stands there."""
        self.settle()
        old = self._collection.record(record_id)
        if old is None:
            raise errors.STORE_CORRUPT(
                reason=f"record {record_id} of '{self._collection.namespace}' is changed and not there"
            )
        return old


def _change_catalog(catalog: Catalog, head: dict[str, Any]) -> None:
    command = head["o"]
    name = next(iter(command))
    database = head["ns"].partition(".")[0]
    if name == "dropDatabase":
        for each in catalog.collections(database):
            catalog.remove(each)
        return
    identity = bytes(head["ui"])
    if name == "create":
        catalog.add(Collection(f"{database}.{command['create']}", identity, command["options"]))
        return
    collection = catalog.by_uuid[identity]
    if name == "convertToCapped":
        identity = bytes(command["uuid"])
        catalog.replace(collection, converted(collection, identity, command["options"], command["kept"]))
    elif name == "drop":
        catalog.remove(collection)
    elif name == "collMod" and "index" in command:
        collection.indexes = collection.indexes | {command["index"]["name"]: command["index"]}
    elif name == "collMod":
        collection.set_options(command["options"])
    elif name == "createIndexes":
        definition = {field: value for field, value in command.items() if field != "createIndexes"}
        collection.indexes = collection.indexes | {definition["name"]: definition}
    elif name == "dropIndexes":
        collection.indexes = {each: index for each, index in collection.indexes.items() if each != command["index"]}
    elif name == "renameCollection":
        dropped = catalog.by_uuid.get(bytes(command["dropTarget"])) if "dropTarget" in command else None
        catalog.rename(collection, collection.namespace, command["to"], dropped)


def _forget(restored: Mapping[bytes, Restored], head: dict[str, Any]) -> None:
    """Forget the files of an index that is dropped, or made anew under the same name."""
    found = restored.get(bytes(head["ui"])) if "ui" in head else None
    command = head["o"]
    if found is not None and "createIndexes" in command:
        found.forget(command["name"])
    elif found is not None and "dropIndexes" in command:
        found.forget(command["index"])
