"""Namespaces and their collections.

The catalog is changed by commits of kind `c` alone; recovery makes the same changes from the log. A change that broke
off is made once more: each may be repeated.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from amongo.engine.records import Collection


class Catalog:
    """The collections of a store by namespace and by UUID."""

    def __init__(self) -> None:
        self.by_namespace: MutableMapping[str, Collection] = {}
        self.by_uuid: MutableMapping[bytes, Collection] = {}

    def get(self, namespace: str) -> Collection | None:
        """The collection of "database.collection", None if there is none."""
        return self.by_namespace.get(namespace)

    def count(self, namespace: str) -> int:
        """How many documents the collection of this namespace holds; 0 if there is none."""
        collection = self.by_namespace.get(namespace)
        return 0 if collection is None else collection.count

    def collections(self, database: str) -> list[Collection]:
        """The collections of a database in the order of their creation."""
        prefix = database + "."
        return [each for namespace, each in list(self.by_namespace.items()) if namespace.startswith(prefix)]

    def databases(self) -> list[str]:
        """The names of the databases that hold a collection, sorted."""
        return sorted({namespace.partition(".")[0] for namespace in list(self.by_namespace)})

    def add(self, collection: Collection) -> None:
        """Enter a new collection."""
        self.by_namespace[collection.namespace] = collection
        self.by_uuid[collection.uuid] = collection

    def remove(self, *collections: Collection) -> None:
        """Forget collections."""
        for collection in collections:
            collection.is_dropped = True
            self.by_namespace.pop(collection.namespace, None)
            self.by_uuid.pop(collection.uuid, None)
            collection.arrivals.announce()

    def replace(self, old: Collection, new: Collection) -> None:
        """Enter a collection in the place of another, which is forgotten."""
        self.remove(old)
        self.add(new)

    def rename(self, collection: Collection, source: str, target: str, dropped: Collection | None) -> None:
        """Enter a collection under the namespace `target` instead of `source`, in the place of one that is dropped."""
        if dropped is not None:
            self.remove(dropped)
        self.by_namespace.pop(source, None)
        self.by_namespace[target] = collection
        collection.namespace = target
        collection.heads.clear()
        collection.arrivals.announce()
