"""listCollections: what there is in a database. Source: manual, listCollections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.batches import batch_size, cursor_reply
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
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
    "authorizedCollections": Field("bool", default=False),  # there are no users: all collections are authorized
    "cursor": Field("object"),
}


@dataclass(frozen=True, slots=True)
class ListCollectionsRequest:
    """A listCollections.

    accepts      the bound filter; it sees what is shown
    name_only    name and type alone
    batch_size   of the first batch; None for 101
    """

    database: str
    accepts: Callable[[dict[str, Any]], bool] | None = None
    name_only: bool = False
    batch_size: int | None = None


def parse(database: str, document: dict[str, Any]) -> ListCollectionsRequest:
    """The request of a listCollections command.

    errors   those of `parse_fields` and of the filter
    """
    fields = parse_fields("listCollections", document, FIELDS)
    accepts = restricted_filter(fields["filter"])
    return ListCollectionsRequest(
        database, accepts, fields["nameOnly"], batch_size("listCollections", fields["cursor"])
    )


def run(instance: Instance, request: ListCollectionsRequest, context: Context) -> CursorReply:
    """A cursor over {name, type, options, info, idIndex}."""
    store = instance.store
    with store.lock:
        collections = [describe(each) for each in store.catalog.collections(request.database)]
        collections += [describe_view(store.catalog, each) for each in list_views(store.catalog, request.database)]
    namespace = f"{request.database}.$cmd.listCollections"
    return cursor_reply(instance, namespace, _shown(collections, request), request.batch_size, context)


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
