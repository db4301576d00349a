"""distinct: the different values of one field. Source: manual, distinct."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import asked_collation, collator_for, view_collator
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import OPLOG, collection_namespace
from amongo.commands.planning import allowed_indexes, estimated, plan
from amongo.commands.view_reads import documents_of_view
from amongo.commands.views import find_view, most_in_view
from amongo.errors import command as errors
from amongo.mql.sorting import in_order
from amongo.planner import CanonicalQuery, canonical_query
from amongo.planner.distinct_scan import ValuesNotKept, distinct_scan, values_at
from amongo.planner.observation import SWITCH, ObservingProbe, observed
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES
from amongo.values.collation import Collation
from amongo.values.key_bytes import key_bytes
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, query_path
from amongo.values.wanted_fields import field_reader
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

FIELDS = {
    "key": Field("string", required=True),
    "query": Field("object", default={}),
    "hint": Field("hint"),
    "collation": Field("object"),
}


@dataclass(frozen=True, slots=True)
class DistinctRequest:
    """A distinct.

    namespace      "database.collection"
    path           the field
    hint           index name or key pattern
    time_limit_ms  None for no limit
    collation      None for that of the collection
    allowed        the indexes that query settings allow; None where there are none
    """

    namespace: str
    path: FieldPath
    filter: dict[str, Any]
    hint: Any = None
    time_limit_ms: int | None = None
    collation: Collation | None = None
    allowed: tuple[Any, ...] | None = None


def parse(database: str, document: dict[str, Any]) -> DistinctRequest:
    """The request of a distinct command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`, BAD_VALUE for a key with a NUL,
             those of the collation
    """
    fields = parse_fields("distinct", document, FIELDS)
    collation = asked_collation(fields["collation"])
    namespace = collection_namespace(database, document["distinct"])
    return DistinctRequest(
        namespace, query_path(fields["key"]), fields["query"], fields["hint"], fields.get("maxTimeMS"), collation
    )


def run(instance: Instance, request: DistinctRequest, context: Context) -> dict[str, Any]:
    """{values}: each value once, in MongoDB's order of values.

    errors   those of the filter; DISTINCT_TOO_LARGE past 16 MiB; REJECTED by query settings
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    if instance.query_settings is not None:
        request = instance.query_settings.ruled(request)
    collection = instance.store.catalog.get(request.namespace)
    collator = collator_for(request.collation, collection)
    id_collator = None if collection is None else collection.collator
    query = canonical_query(request.filter, hint=request.hint, collator=collator, id_collator=id_collator)
    if collection is None:
        view = find_view(instance.store.catalog, request.namespace)
        if request.namespace == OPLOG:
            documents = documents_of_view(instance, request, interrupt)
            return {"values": distinct_values(documents, request.path, interrupt, collator), "ok": 1.0}
        if view is None:
            query.check_without_collection()
            return {"values": [], "ok": 1.0}
        collator = view_collator(view, request.collation)
        documents = documents_of_view(instance, request, interrupt)
        values = distinct_values(documents, request.path, interrupt, collator)
        return {"values": values, "ok": 1}  # of a view the server gives an int here
    check_hint(collection, request.hint)
    by_index = _by_index(instance, request, query, collection, interrupt)
    if by_index is not None:
        return {"values": by_index, "ok": 1.0}
    way = plan(instance, query, collection, request.allowed)
    found = instance.columnar.records(way, dict, interrupt)
    if found is None:
        documents = (row.decoded() for row in way.rows(instance.store, interrupt))
    else:
        read = field_reader(frozenset({request.path.first}))
        documents = (read(raw) for _, raw in interrupt.watch(found))
    return {"values": distinct_values(documents, request.path, interrupt, collator), "ok": 1.0}


def _by_index(
    instance: Instance, request: DistinctRequest, query: CanonicalQuery, collection: Collection, interrupt: Interrupt
) -> list[Any] | None:
    """The values as an index has them; None where none has.

    errors   DISTINCT_TOO_LARGE
    """
    allowed = allowed_indexes(instance, query, collection, request.allowed)
    scan = distinct_scan(query, request.path, collection, allowed)
    moment = None if scan is None else scan.moment(instance.store, collection)
    if scan is None or moment is None:
        return None
    try:
        counts = ObservingProbe().of(scan) if SWITCH.is_on else None
        values = in_order_of_values(scan.values(moment, interrupt, counts), interrupt, None)
    except ValuesNotKept:
        return None
    if SWITCH.is_on:
        key = shown(dict(collection.indexes[scan.stage.facts.name]["key"]))
        observed().look_by(f"DISTINCT_SCAN {key}")
    collection.uses.count_index(collection.indexes[scan.stage.facts.name])
    return values


def distinct_values(
    documents: Iterable[dict[str, Any]], path: FieldPath, interrupt: Interrupt, collator: Collator | None
) -> list[Any]:
    """The different values at the path, in the order of values; of equal ones the first that was met.

    errors   DISTINCT_TOO_LARGE
    """
    values = (value for document in documents for value in values_at(document, path))
    return in_order_of_values(values, interrupt, collator)


def in_order_of_values(values: Iterable[Any], interrupt: Interrupt, collator: Collator | None) -> list[Any]:
    """The different ones of some values, in the order of values; of equal ones the first.

    errors   DISTINCT_TOO_LARGE
    """
    found: dict[bytes, Any] = {}
    size = 0
    for value in values:
        key = key_bytes(value, collator)
        if key not in found:
            found[key] = value
            size += len(key)
            if size > DOCUMENT_BYTES:
                raise errors.DISTINCT_TOO_LARGE(limit_mb=DOCUMENT_BYTES >> 20)
    return list(in_order(found.items(), interrupt))


def examines(instance: Instance, request: DistinctRequest) -> int:
    """How many documents the command looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return most_in_view(instance.store.catalog, request.namespace)
    return estimated(instance, collection, request.filter, hint=request.hint, collation=request.collation)


COMMAND = Command("distinct", parse, run)
