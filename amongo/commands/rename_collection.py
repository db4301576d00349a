"""renameCollection: give a collection another name, in its database or in another one.

amongo's records do not depend on the name, so that the collection moves at once and keeps its UUID, across databases
too (there the server copies the documents into a new collection).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.expected_uuid import check_uuid, parse_uuid
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import check_creatable, check_droppable, parse_namespace, refuse_profile
from amongo.commands.views import find_view, is_view
from amongo.engine.catalog import Catalog
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors import view as view_errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "renameCollection": Field("string", required=True),
    "to": Field("string", required=True),
    "dropTarget": Field(),
    "stayTemp": Field("bool", default=False),
    "collectionUUID": Field("uuid"),
}


@dataclass(frozen=True, slots=True)
class RenameRequest:
    """What to rename.

    source, target    "database.collection" each
    drops_target      drop the collection that has the target's name
    uuid              16 bytes that the source must have; None for any
    target_uuid       16 bytes that the target must have; None for any
    """

    source: str
    target: str
    drops_target: bool = False
    uuid: bytes | None = None
    target_uuid: bytes | None = None


def parse(database: str, document: dict[str, Any]) -> RenameRequest:
    """The request of a `renameCollection` document.

    errors   MISSING_FIELD, WRONG_TYPE, UNKNOWN_FIELD, INVALID_NAMESPACE, INVALID_UUID, ILLEGAL_OPERATION
    source   manual, renameCollection
    """
    fields = parse_fields("renameCollection", document, FIELDS)
    drops_target, target_uuid = _parse_drop_target(fields["dropTarget"])
    source, target = fields["renameCollection"], fields["to"]
    source_database, _ = parse_namespace(source)
    target_database, _ = parse_namespace(target)
    for name, namespace in (("source", source), ("target", target)):
        _check_side(name, namespace)
    if source == target:
        raise errors.ILLEGAL_OPERATION(message="Can't rename a collection to itself")
    if target_uuid is not None and source_database != target_database:
        raise errors.INVALID_OPTIONS(message="dropTarget with a UUID is not supported across databases")
    uuid = parse_uuid("renameCollection", "collectionUUID", fields["collectionUUID"])
    return RenameRequest(source, target, drops_target, uuid, target_uuid)


def run(instance: Instance, request: RenameRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}.

    errors   NAMESPACE_NOT_FOUND, NAMESPACE_EXISTS, COLLECTION_UUID_MISMATCH, those of `check_creatable`
    """
    store = instance.store
    with store.lock:
        check_uuid(store.catalog, request.source, request.uuid)
        check_uuid(store.catalog, request.target, request.target_uuid)
        if store.catalog.get(request.source) is None:
            _check_no_view(store.catalog, request.source)
            raise errors.NAMESPACE_NOT_FOUND(message=f"Source collection {request.source} does not exist")
        if store.catalog.get(request.target) is not None and not request.drops_target:
            raise errors.NAMESPACE_EXISTS(message="target namespace exists")
        if is_view(store.catalog, request.target):
            raise errors.NAMESPACE_EXISTS(message=f"a view already exists with that name: {request.target}")
        check_creatable(request.target, store.catalog.databases())
        store.rename(request.source, request.target)
    return {"ok": 1.0}


def _check_no_view(catalog: Catalog, namespace: str) -> None:
    """A view keeps its name, and so does a time series.

    errors   IS_A_VIEW, ILLEGAL_OPERATION
    """
    view = find_view(catalog, namespace)
    if view is not None and view.is_time_series:
        raise errors.ILLEGAL_OPERATION(message=f"Renaming a time-series collection is not allowed: {namespace}")
    if view is not None:
        raise view_errors.IS_A_VIEW(namespace=namespace)


def _parse_drop_target(value: Any) -> tuple[bool, bytes | None]:
    """(whether the target may be dropped, the UUID it must have then): a boolean, or a UUID."""
    if value is None or type(value) is bool:
        return bool(value), None
    if type(value) not in (Binary, bytes):
        raise errors.WRONG_TYPE(
            command="renameCollection", field="dropTarget", actual=alias(value), expected="types '[bool, binData]'"
        )
    if type(value) is not Binary or value.subtype != 4 or len(value) != 16:
        raise errors.INVALID_UUID(message="uuid must be a 16-byte binary field with UUID (4) subtype")
    return True, bytes(value)


def _check_side(name: str, namespace: str) -> None:
    """Refuse a name that is valid but not a client's to rename from or to."""
    if "$" in namespace:
        raise errors.ILLEGAL_OPERATION(message=f"error with {name} namespace: Invalid namespace: {namespace}")
    try:
        check_droppable(namespace)
        refuse_profile(namespace)
    except ServerError:
        message = f"error with {name} namespace: cannot write to '{namespace}'"
        raise errors.ILLEGAL_OPERATION(message=message) from None


COMMAND = Command("renameCollection", parse, run, is_admin_only=True)
