"""collStats: how large a collection is. Source: manual, collStats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import OPLOG, collection_namespace
from amongo.commands.oplog_sizes import oplog_cap, oplog_sizes
from amongo.commands.sizes import Sizes, scaled
from amongo.commands.time_series import bucket_count, indexed_collection, is_series, shown_namespace
from amongo.engine.records import Cap, Collection, View
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
    """The collection's sizes; zeros when there is no such collection.

    errors   IS_A_VIEW
    """
    if request.namespace == OPLOG:
        sizes, cap = oplog_sizes(instance, context.interrupt), oplog_cap(instance)
        shown = shown_sizes(sizes, cap, request.scale, numbers_only=request.numeric_only)
    else:
        collection = indexed_collection(instance.store.catalog, request.namespace)
        shown = storage_sizes(instance, collection, request.scale, numbers_only=request.numeric_only)
    return {"ns": request.namespace, **shown, "ok": 1.0}


def storage_sizes(
    instance: Instance, collection: Collection | None, scale: int, *, numbers_only: bool = False
) -> dict[str, Any]:
    """What is to be said of the storage of a collection; zeros for None.

    scale          sizes are given in units of this many bytes
    numbers_only   leave out what is not a number
    """
    with instance.store.lock:
        sizes = Sizes.of([] if collection is None else [collection])
    if collection is None:
        return shown_sizes(sizes, None, scale, numbers_only=numbers_only)
    buckets = _buckets(collection, instance.store.view(collection), scale) if is_series(collection) else None
    return shown_sizes(sizes, collection.cap, scale, numbers_only=numbers_only, buckets=buckets)


def shown_sizes(
    sizes: Sizes, cap: Cap | None, scale: int, *, numbers_only: bool = False, buckets: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The same of what is so large.

    cap       how much it holds; None for any number of documents
    buckets   what is said of a time series instead of the number of its documents
    """
    reply: dict[str, Any] = {"size": scaled(sizes.data_bytes, scale)}
    if buckets is not None:
        reply["timeseries"] = buckets
    else:
        reply["count"] = number(sizes.documents)
        if sizes.documents:
            reply["avgObjSize"] = number(int(sizes.average_document_bytes))
    reply |= {
        "numOrphanDocs": 0,
        "storageSize": scaled(sizes.storage_bytes, scale),
        "freeStorageSize": 0,
        **_limits(cap, scale),
        "nindexes": sizes.indexes,
        "indexDetails": {},
        "indexBuilds": [],
        "totalIndexSize": scaled(sizes.index_bytes, scale),
        "totalSize": scaled(sizes.storage_bytes + sizes.index_bytes, scale),
        "indexSizes": {name: scaled(size, scale) for name, size in sizes.index_bytes_by_name.items()},
        "scaleFactor": number(scale),
    }
    if numbers_only:
        reply = {name: value for name, value in reply.items() if type(value) is not dict and type(value) is not list}
    return reply


def _buckets(collection: Collection, view: View, scale: int) -> dict[str, Any]:
    """How the measurements of a time series would lie in buckets."""
    count = bucket_count(view)
    shown = {"bucketsNs": shown_namespace(collection), "bucketCount": number(count)}
    return shown | {"avgBucketSize": scaled(collection.data_bytes // count, scale)} if count else shown


def _limits(cap: Cap | None, scale: int) -> dict[str, Any]:
    """What there is to say of the limits of a capped collection, and whether it is one."""
    if cap is None:
        return {"capped": False}
    return {"capped": True, "max": number(cap.count), "maxSize": scaled(cap.size_bytes, scale)}


COMMAND = Command("collStats", parse, run, aliases=("collstats",))
