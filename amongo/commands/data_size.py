"""dataSize: the size of a collection's documents, or of those within bounds on an index. Source: manual, dataSize."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import parse_namespace
from amongo.commands.views import refuse_view
from amongo.errors import command as errors
from amongo.planner import range_scan

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "dataSize": Field("string", required=True),
    "keyPattern": Field("object"),
    "min": Field("object"),
    "max": Field("object"),
    "estimate": Field("flag", default=False),
}


@dataclass(frozen=True, slots=True)
class DataSizeRequest:
    """A dataSize.

    namespace      "database.collection"
    key_pattern    of an index that begins with these fields; None for the fields of `low`
    low, high      bounds on it; None for all documents
    estimates      give each document the average size
    time_limit_ms  None for no limit
    """

    namespace: str
    key_pattern: dict[str, Any] | None = None
    low: dict[str, Any] | None = None
    high: dict[str, Any] | None = None
    estimates: bool = False
    time_limit_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> DataSizeRequest:
    """The request of a dataSize command.

    errors   those of `parse_fields`, INVALID_NAMESPACE
    """
    (_, namespace), *others = document.items()
    fields = parse_fields("dataSize", {"dataSize": namespace, **dict(others)}, FIELDS)
    parse_namespace(fields["dataSize"])
    return DataSizeRequest(
        fields["dataSize"],
        fields["keyPattern"],
        fields["min"] or None,
        fields["max"] or None,
        fields["estimate"],
        fields.get("maxTimeMS"),
    )


def run(instance: Instance, request: DataSizeRequest, context: Context) -> dict[str, Any]:
    """{size, numObjects, millis, estimate}; zeros for a collection that does not exist or is empty.

    errors   IS_A_VIEW, BAD_VALUE for one bound without the other, OPERATION_FAILED without an index for the bounds
    """
    began_s = time.monotonic()
    store = instance.store
    refuse_view(store.catalog, request.namespace)
    with store.lock:
        collection = store.catalog.get(request.namespace)
        size, count = (0, 0) if collection is None else (collection.data_bytes, collection.count)
    if collection is not None and count and (request.low or request.high):
        if not request.low or not request.high:
            raise errors.BAD_VALUE(message="only one of min or max specified")
        pattern = request.key_pattern or dict.fromkeys(request.low, 1)
        scan = range_scan(collection, pattern, request.low, request.high)
        if scan is None:
            raise errors.OPERATION_FAILED(message="couldn't find valid index containing key pattern")
        average, size, count = size // count, 0, 0
        interrupt = instance.operation_interrupt(context, request.time_limit_ms)
        for _, raw in interrupt.watch(scan.records(store, collection)):
            size += average if request.estimates else len(raw)
            count += 1
    return {
        "size": Int64(size),
        "numObjects": Int64(count),
        "millis": Int64((time.monotonic() - began_s) * 1000),
        "estimate": request.estimates,
        "ok": 1.0,
    }


COMMAND = Command("dataSize", parse, run, aliases=("datasize",))
