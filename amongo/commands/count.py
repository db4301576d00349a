"""count: how many documents a filter finds. Source: manual, count."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import OPLOG, collection_namespace
from amongo.commands.oplog_reads import count_in_oplog
from amongo.commands.planning import estimated, plan
from amongo.commands.view_reads import count_view
from amongo.commands.views import is_view, most_in_view
from amongo.planner import canonical_query
from amongo.values.collation import Collation
from amongo.values.numbers import LONG_MAX, number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "query": Field("object", default={}),
    "limit": Field("integer", default=0),
    "skip": Field("integer", default=0, minimum=0),
    "hint": Field("hint"),
    "fields": Field("object"),  # what old drivers send; the server does not look at it either
    "collation": Field("object"),
}


@dataclass(frozen=True, slots=True)
class CountRequest:
    """A count.

    namespace      "database.collection"
    skip           documents not counted, of those that the filter finds
    limit          count to at most this many; 0 for all
    hint           index name or key pattern
    time_limit_ms  None for no limit
    collation      None for that of the collection
    """

    namespace: str
    filter: dict[str, Any]
    skip: int = 0
    limit: int = 0
    hint: Any = None
    time_limit_ms: int | None = None
    collation: Collation | None = None


def parse(database: str, document: dict[str, Any]) -> CountRequest:
    """The request of a count command. A negative limit counts like its absolute value.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields` and of the collation
    """
    fields = parse_fields("count", document, FIELDS)
    namespace = collection_namespace(database, document["count"])
    return CountRequest(
        namespace,
        fields["query"],
        fields["skip"],
        min(abs(fields["limit"]), LONG_MAX),
        fields["hint"],
        fields.get("maxTimeMS"),
        asked_collation(fields["collation"]),
    )


def run(instance: Instance, request: CountRequest, context: Context) -> dict[str, Any]:
    """{n}; 0 for a collection that does not exist.

    errors   those of the filter
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    collection = instance.store.catalog.get(request.namespace)
    query = canonical_query(
        request.filter,
        hint=request.hint,
        collator=collator_for(request.collation, collection),
        id_collator=None if collection is None else collection.collator,
    )
    if collection is None:
        if request.namespace == OPLOG:
            return {"n": number(count_in_oplog(instance, request, interrupt)), "ok": 1.0}
        is_known = is_view(instance.store.catalog, request.namespace)
        if not is_known:
            query.check_without_collection()
        return {"n": number(count_view(instance, request, interrupt)) if is_known else 0, "ok": 1.0}
    check_hint(collection, request.hint)
    if request.filter or request.hint:
        most = min(request.skip + request.limit, sys.maxsize) if request.limit else None
        way = plan(instance, query, collection)
        by_columns = instance.columnar.count(way, dict, interrupt)
        found = way.count(instance.store, interrupt, most) if by_columns is None else by_columns
    else:
        found = collection.count
    counted = max(found - request.skip, 0)
    return {"n": number(min(counted, request.limit) if request.limit else counted), "ok": 1.0}


def examines(instance: Instance, request: CountRequest) -> int:
    """How many documents the count looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return most_in_view(instance.store.catalog, request.namespace)
    if not request.filter and not request.hint:
        return 0
    return estimated(
        instance, collection, request.filter, hint=request.hint, collation=request.collation, limit=request.limit
    )


COMMAND = Command("count", parse, run)
