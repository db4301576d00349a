"""drop: remove a collection with everything in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.expected_uuid import check_uuid, parse_uuid
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import PROFILE, check_droppable, collection_namespace
from amongo.commands.time_series import check_series_depend, drop_series, find_series
from amongo.commands.views import find_view, remove_view
from amongo.engine.store import Store
from amongo.errors import administration

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"collectionUUID": Field("uuid")}
NOT_YET = {"encryptedFields": "queryable encryption needs MongoDB's own library"}


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The collection to drop.

    namespace   "database.collection"
    uuid        16 bytes that the collection must have; None for any
    """

    namespace: str
    uuid: bytes | None = None


def parse(database: str, document: dict[str, Any]) -> DropRequest:
    """The request of a `drop` document.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, UNKNOWN_FIELD, WRONG_TYPE, INVALID_UUID, ILLEGAL_OPERATION
    source   manual, drop
    """
    fields = parse_fields("drop", document, FIELDS, not_yet=NOT_YET)
    namespace = collection_namespace(database, document["drop"])
    check_droppable(namespace)
    return DropRequest(namespace, parse_uuid("drop", "collectionUUID", fields["collectionUUID"]))


def run(instance: Instance, request: DropRequest, context: Context) -> dict[str, Any]:
    """{nIndexesWas, ns}; just {ok: 1} when there was no such collection.

    errors   COLLECTION_UUID_MISMATCH, DROPS_WHILE_PROFILING
    """
    store = instance.store
    with store.lock:
        collection = store.catalog.get(request.namespace)
        check_uuid(store.catalog, request.namespace, request.uuid)
        if collection is None:
            return _drop_view(store, request.namespace)
        database, _, name = request.namespace.partition(".")
        if name == PROFILE and instance.profiler.level(database).level:
            raise administration.DROPS_WHILE_PROFILING()
        check_series_depend(store.catalog, request.namespace)
        count = len(collection.indexes)
        store.drop(request.namespace)
    return {"nIndexesWas": count, "ns": request.namespace, "ok": 1.0}


def _drop_view(store: Store, namespace: str) -> dict[str, Any]:
    """Drop what has this name and is no collection, if there is such a thing."""
    view = find_view(store.catalog, namespace)
    if view is None:
        return {"ok": 1.0}
    if view.is_time_series:
        count = len(find_series(store.catalog, namespace).indexes)
        drop_series(store, namespace)
        return {"nIndexesWas": count, "ns": namespace, "ok": 1.0}
    remove_view(store, namespace)
    return {"ns": namespace, "ok": 1.0}


COMMAND = Command("drop", parse, run)
