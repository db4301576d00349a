"""listCollections: what there is in a database. Source: manual, listCollections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.access.checking import client_authority
from amongo.commands.batches import batch_size, cursor_reply
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import OPLOG, PROFILE
from amongo.commands.oplog_sizes import describe_oplog
from amongo.commands.replies import CursorReply
from amongo.commands.restricted_filters import restricted_filter
from amongo.commands.time_series import bucket_options, find_series, is_series, shown_namespace
from amongo.commands.views import View, list_views
from amongo.engine.catalog import Catalog
from amongo.engine.indexes import ID_INDEX_NAME
from amongo.engine.records import Collection

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "filter": Field("object"),
    "nameOnly": Field("bool", default=False),
    "authorizedCollections": Field("bool", default=False),
    "cursor": Field("object"),
}


@dataclass(frozen=True, slots=True)
class ListCollectionsRequest:
    """A listCollections.

    accepts      the bound filter; it sees what is shown
    name_only    name and type alone
    batch_size   of the first batch; None for 101
    only_own     only those that the client has to do with
    """

    database: str
    accepts: Callable[[dict[str, Any]], bool] | None = None
    name_only: bool = False
    batch_size: int | None = None
    only_own: bool = False


def parse(database: str, document: dict[str, Any]) -> ListCollectionsRequest:
    """The request of a listCollections command.

    errors   those of `parse_fields` and of the filter
    """
    fields = parse_fields("listCollections", document, FIELDS)
    accepts = restricted_filter(fields["filter"])
    size = batch_size("listCollections", fields["cursor"])
    return ListCollectionsRequest(database, accepts, fields["nameOnly"], size, fields["authorizedCollections"])


def run(instance: Instance, request: ListCollectionsRequest, context: Context) -> CursorReply:
    """A cursor over {name, type, options, info, idIndex}."""
    collections = described(instance, request.database)
    authority = client_authority(instance, context) if request.only_own else None
    if authority is not None:
        collections = [each for each in collections if authority.sees_collection(request.database, each["name"])]
    namespace = f"{request.database}.$cmd.listCollections"
    return cursor_reply(instance, namespace, _shown(collections, request), request.batch_size, context)


def described(instance: Instance, database: str) -> list[dict[str, Any]]:
    """What listCollections shows of each collection and view of a database, and of the oplog."""
    catalog = instance.store.catalog
    with instance.store.lock:
        shown = [describe(each) for each in catalog.collections(database)]
        shown += [describe_view(catalog, each) for each in list_views(catalog, database)]
    return [*shown, describe_oplog(instance)] if database == OPLOG.partition(".")[0] else shown


def describe(collection: Collection) -> dict[str, Any]:
    """What listCollections shows of a collection."""
    if is_series(collection):
        return {
            "name": shown_namespace(collection).partition(".")[2],
            "type": "collection",
            "options": bucket_options(collection),
            "info": {"readOnly": False, "uuid": Binary(collection.uuid, 4)},
        }
    shown = {
        "name": collection.namespace.partition(".")[2],
        "type": "collection",
        "options": collection.options,
        "info": {"readOnly": False, "uuid": Binary(collection.uuid, 4)},
    }
    if shown["name"] == PROFILE:  # its documents have no `_id`
        return shown
    id_index = collection.indexes.get(ID_INDEX_NAME)  # that of a clustered collection is the collection itself
    return shown if id_index is None or id_index.get("clustered") else shown | {"idIndex": id_index}


def describe_view(catalog: Catalog, view: View) -> dict[str, Any]:
    """What listCollections shows of a view or a time series."""
    name = view.namespace.partition(".")[2]
    if view.is_time_series:
        options = find_series(catalog, view.namespace).options
        return {"name": name, "type": "timeseries", "options": options, "info": {"readOnly": False}}
    return {"name": name, "type": "view", "options": view.options(), "info": {"readOnly": True}}


def _shown(collections: list[dict[str, Any]], request: ListCollectionsRequest) -> Iterator[dict[str, Any]]:
    for each in collections:
        shown = {"name": each["name"], "type": each["type"]} if request.name_only else each
        if request.accepts is None or request.accepts(shown):
            yield shown


COMMAND = Command("listCollections", parse, run, is_quick=True)
