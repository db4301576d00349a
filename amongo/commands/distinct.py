"""distinct: the different values of one field. Source: manual, distinct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import refuse_collation
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import collection_namespace
from amongo.errors import command as errors
from amongo.mql.sorting import in_order
from amongo.planner import canonical_query, plan_query
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, expand, query_path

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "key": Field("string", required=True),
    "query": Field("object", default={}),
    "hint": Field("string or object"),
    "collation": Field("object"),
}


@dataclass(frozen=True, slots=True)
class DistinctRequest:
    """A distinct.

    namespace      "database.collection"
    path           the field
    hint           index name or key pattern
    time_limit_ms  None for no limit
    """

    namespace: str
    path: FieldPath
    filter: dict[str, Any]
    hint: Any = None
    time_limit_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> DistinctRequest:
    """The request of a distinct command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`, BAD_VALUE for a key with a NUL,
             NOT_SUPPORTED_YET
    """
    fields = parse_fields("distinct", document, FIELDS)
    refuse_collation("distinct", fields["collation"])
    namespace = collection_namespace(database, document["distinct"])
    return DistinctRequest(
        namespace, query_path(fields["key"]), fields["query"], fields["hint"], fields.get("maxTimeMS")
    )


def run(instance: Instance, request: DistinctRequest, context: Context) -> dict[str, Any]:
    """{values}: each value once, in MongoDB's order of values.

    errors   those of the filter; DISTINCT_TOO_LARGE past 16 MiB
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    query = canonical_query(request.filter, hint=request.hint)
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return {"values": [], "ok": 1.0}
    check_hint(collection, request.hint)
    rows = plan_query(query, collection).rows(instance.store, interrupt)
    return {"values": distinct_values((row.decoded() for row in rows), request.path, interrupt), "ok": 1.0}


def distinct_values(documents: Iterable[dict[str, Any]], path: FieldPath, interrupt: Interrupt) -> list[Any]:
    """The different values at the path, in the order of values; of equal ones the first that was met.

    errors   DISTINCT_TOO_LARGE
    """
    found: dict[bytes, Any] = {}
    size = 0
    for document in documents:
        for value in _values(document, path):
            key = key_bytes(value)
            if key not in found:
                found[key] = value
                size += len(key)
                if size > DOCUMENT_BYTES:
                    raise errors.DISTINCT_TOO_LARGE(limit_mb=DOCUMENT_BYTES >> 20)
    return list(in_order(found.items(), interrupt))


def _values(document: dict[str, Any], path: FieldPath) -> Iterator[Any]:
    """The values of one document; an array at the path stands for its elements, but not for theirs."""
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            yield from value
        elif value is not MISSING:
            yield value


def examines(instance: Instance, request: DistinctRequest) -> int:
    """How many documents the command looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    return 0 if collection is None else collection.count


COMMAND = Command("distinct", parse, run)
