"""The documents of a system collection that commands ask for again and again: users, roles.

They are read where they lie, by `_id`, each time they are wanted, so that nobody has to say that they have changed;
what was made of the same bytes before is given again, the very same object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from amongo.engine.store import Change, CollectionDropped, Store
from amongo.errors import command as errors
from amongo.runtime.limits import DOCUMENT_BYTES, KEPT_NAMES
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

T = TypeVar("T")


class Stored(Generic[T]):
    """The documents of one collection.

    namespace   of it
    parse       document -> what is made of it; errors of its own for a document of which nothing can be made
    """

    def __init__(self, store: Store, namespace: str, parse: Callable[[dict[str, Any]], T]) -> None:
        self.namespace = namespace
        self._store = store
        self._parse = parse
        self._kept: dict[str, tuple[bytes, bytes, T]] = {}  # `_id` -> (its key, document, what was made of it)

    def find(self, identity: str) -> T | None:
        """What has this `_id` now; the very same object as before while its document is the same. None for nothing.

        errors   those of `parse`
        """
        collection = self._store.catalog.by_namespace.get(self.namespace)
        if collection is None:
            return None
        kept = self._kept.get(identity)
        key = id_key(identity) if kept is None else kept[0]
        found = collection.find_id(key)
        if found is None:
            self._kept.pop(identity, None)
            return None
        raw = found[1]
        if kept is not None and (kept[1] is raw or kept[1] == raw):
            return kept[2]
        made = self._parse(decode(raw))
        if len(self._kept) >= KEPT_NAMES:
            self._kept.clear()
        self._kept[identity] = key, raw, made
        return made

    def documents(self) -> list[dict[str, Any]]:
        """All documents, in no order."""
        collection = self._store.catalog.by_namespace.get(self.namespace)
        return [] if collection is None else [decode(raw) for _, raw in self._store.view(collection)]

    def insert(self, document: dict[str, Any]) -> bool:
        """Add a document; False if there is one of its `_id`.

        errors   DOCUMENT_TOO_LARGE
        """
        key, raw = id_key(document["_id"]), _encoded(document)
        while True:
            collection = self._store.create(self.namespace)
            try:
                return bool(self._store.insert_one(collection, key, raw))
            except CollectionDropped:  # between the two lines above; it is made anew
                continue

    def change(self, identity: str, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> bool:
        """Put another document in the place of one; False if there is none of this `_id`.

        changed   document -> the one to put there: called under the store's lock
        errors    those of `parse` and of `changed`; DOCUMENT_TOO_LARGE
        """

        def parsed(document: dict[str, Any]) -> dict[str, Any]:
            self._parse(document)
            return changed(document)

        return self._change(identity, parsed)

    def remove(self, identity: str) -> bool:
        """Remove a document; False if there is none of this `_id`."""
        return self._change(identity, lambda document: None)

    def _change(self, identity: str, changed: Callable[[dict[str, Any]], dict[str, Any] | None]) -> bool:
        with self._store.lock:
            collection = self._store.catalog.get(self.namespace)
            found = None if collection is None else collection.find_id(id_key(identity))
            if collection is None or found is None:
                return False
            document = changed(decode(found[1]))
            if document is None:
                self._store.delete(collection, [found])
            else:
                self._store.update(collection, [Change(*found, _encoded(document), None)])
            return True

    def remove_where(self, is_meant: Callable[[dict[str, Any]], bool]) -> int:
        """Remove the documents that are meant, as one commit; how many they were."""
        with self._store.lock:
            collection = self._store.catalog.get(self.namespace)
            if collection is None:
                return 0
            found = [(record_id, raw) for record_id, raw in collection.view() if is_meant(decode(raw))]
            if found:
                self._store.delete(collection, found)
            return len(found)


def _encoded(document: dict[str, Any]) -> bytes:
    """errors: DOCUMENT_TOO_LARGE."""
    raw = encode(document)
    if len(raw) > DOCUMENT_BYTES:
        raise errors.DOCUMENT_TOO_LARGE(size=len(raw), limit=DOCUMENT_BYTES)
    return raw
