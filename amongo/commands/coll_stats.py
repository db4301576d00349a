"""collStats: how large a collection is. Source: manual, collStats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.sizes import Sizes, scaled
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "scale": Field("integer", default=1, minimum=1),
    "verbose": Field("flag", default=False),
    "waitForLock": Field("flag", default=True),
    "numericOnly": Field("flag", default=False),
}


@dataclass(frozen=True, slots=True)
class CollStatsRequest:
    """A collStats.

    namespace     "database.collection"
    scale         sizes are given in units of this many bytes
    numeric_only  leave out what is not a number
    """

    namespace: str
    scale: int = 1
    numeric_only: bool = False


def parse(database: str, document: dict[str, Any]) -> CollStatsRequest:
    """The request of a collStats command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`
    """
    name = next(iter(document))
    fields = parse_fields(name, document, FIELDS)
    return CollStatsRequest(collection_namespace(database, document[name]), fields["scale"], fields["numericOnly"])


def run(instance: Instance, request: CollStatsRequest, context: Context) -> dict[str, Any]:
    """The collection's sizes; zeros when there is no such collection."""
    scale = request.scale
    with instance.store.lock:
        collection = instance.store.catalog.get(request.namespace)
        sizes = Sizes.of([] if collection is None else [collection])
    reply: dict[str, Any] = {
        "ns": request.namespace,
        "size": scaled(sizes.data_bytes, scale),
        "count": number(sizes.documents),
    }
    if sizes.documents:
        reply["avgObjSize"] = number(int(sizes.average_document_bytes))
    reply |= {
        "numOrphanDocs": 0,
        "storageSize": scaled(sizes.data_bytes, scale),
        "freeStorageSize": 0,
        "capped": False,
        "nindexes": sizes.collections,
        "indexDetails": {},
        "indexBuilds": [],
        "totalIndexSize": scaled(sizes.index_bytes, scale),
        "totalSize": scaled(sizes.data_bytes + sizes.index_bytes, scale),
        "indexSizes": {"_id_": scaled(sizes.index_bytes, scale)} if collection is not None else {},
        "scaleFactor": number(scale),
        "ok": 1.0,
    }
    if request.numeric_only:
        reply = {name: value for name, value in reply.items() if type(value) is not dict and type(value) is not list}
    return reply


COMMAND = Command("collStats", parse, run, aliases=("collstats",), is_quick=True)
