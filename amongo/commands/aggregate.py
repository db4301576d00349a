"""aggregate: a pipeline over a collection, or over nothing. Source: manual, aggregate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.aggregate import Environment, Pipeline, parse_pipeline
from amongo.commands.batches import batch_size, encoded
from amongo.commands.collations import refuse_collation
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import collection_namespace
from amongo.commands.not_yet import refuse_not_yet
from amongo.commands.replies import CursorReply
from amongo.commands.variables import let_variables, runtime_variables
from amongo.errors import command as errors
from amongo.planner import canonical_query, plan_query
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.codec import decode
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "pipeline": Field("array", required=True),
    "cursor": Field("object"),
    "explain": Field("bool", default=False),
    "allowDiskUse": Field("bool"),
    "bypassDocumentValidation": Field("flag", default=False),
    "hint": Field("string or object"),
    "collation": Field("object"),
    "let": Field("object"),
}

NOT_YET = {"explain": "it comes with indexes (Scale)"}

_READING_STAGES = frozenset({"$lookup", "$graphLookup", "$unionWith", "$facet"})
_KINDS = {"pipeline": "array", "cursor": "object", "allowDiskUse": "bool"}


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """An aggregate.

    namespace      "database.collection", or "database.$cmd.aggregate" for a pipeline that makes its documents
    variables      of `let`
    batch_size     of the first batch; None for 101
    memory_bytes   what a blocking stage may hold; unbounded unless `allowDiskUse` is false, as nothing spills yet
    time_limit_ms  None for no limit
    """

    namespace: str
    pipeline: Pipeline
    variables: dict[str, Any]
    hint: Any = None
    batch_size: int | None = None
    memory_bytes: int = sys.maxsize
    time_limit_ms: int | None = None

    @property
    def database(self) -> str:
        """The database it runs on."""
        return self.namespace.partition(".")[0]


def parse(database: str, document: dict[str, Any]) -> AggregateRequest:
    """The request of an aggregate command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`, FAILED_TO_PARSE without `cursor`,
             NOT_SUPPORTED_YET, those of the pipeline and of `let`
    """
    for name in ("pipeline", "cursor", "allowDiskUse"):
        if name in document and document[name] is None:
            raise errors.WRONG_TYPE(command="aggregate", field=name, actual="null", expected=f"type '{_KINDS[name]}'")
    fields = parse_fields("aggregate", document, FIELDS)
    size = batch_size("aggregate", fields["cursor"])
    if fields["explain"] and document.get("writeConcern") is not None:
        raise errors.FAILED_TO_PARSE(message="Aggregation explain does not support the'writeConcern' option")
    refuse_not_yet("aggregate", fields, NOT_YET)
    if fields["cursor"] is None:
        raise errors.FAILED_TO_PARSE(
            message="The 'cursor' option is required, except for aggregate with the explain argument"
        )
    refuse_collation("aggregate", fields["collation"])
    namespace, has_collection = _namespace(database, document["aggregate"])
    if not has_collection and not fields["pipeline"]:
        raise errors.AGGREGATE_NOTHING()
    variables = let_variables(fields["let"])
    pipeline = parse_pipeline(fields["pipeline"], variables=variables, has_collection=has_collection)
    return AggregateRequest(
        namespace,
        pipeline,
        variables,
        fields["hint"],
        size,
        BLOCKING_STAGE_BYTES if fields["allowDiskUse"] is False else sys.maxsize,
        fields.get("maxTimeMS"),
    )


def _namespace(database: str, value: Any) -> tuple[str, bool]:
    """(namespace, whether it is a collection's) for the first field: a collection's name, or 1.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, BAD_VALUE for another number than 1
    """
    if type(value) not in NUMERIC_CLASSES:
        return collection_namespace(database, value), True
    if float(str(value)) != 1:
        raise errors.BAD_VALUE(
            message="Invalid command format: the 'aggregate' field must specify a collection name or 1"
        )
    return f"{database}.$cmd.aggregate", False


def run(instance: Instance, request: AggregateRequest, context: Context) -> CursorReply:
    """The first batch of what comes out of the pipeline.

    errors   those of stages and expressions, BAD_VALUE for a hint that names no index
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    documents = _documents(instance, request, interrupt)
    cursor = Cursor(request.namespace, documents, interrupt, session_id=context.session_id)
    return instance.cursors.first_reply(cursor, request.batch_size)


def _documents(instance: Instance, request: AggregateRequest, interrupt: Interrupt) -> Iterator[bytes]:
    """The result documents, lazily; a $match at the start is planned like a find."""
    variables = runtime_variables(instance) | request.variables
    environment = Environment(
        request.database,
        lambda database, name: _read(instance, f"{database}.{name}", interrupt),
        variables,
        interrupt,
        memory_bytes=request.memory_bytes,
    )
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return encoded(request.pipeline.run((), environment))
    check_hint(collection, request.hint)
    match, rest = request.pipeline.leading_match()
    query = canonical_query(match.spec if match else {}, variables=variables, hint=request.hint)
    rows = plan_query(query, collection).rows(instance.store, interrupt)
    if not rest.stages:
        return (row.raw for row in rows)
    return encoded(rest.run((row.decoded() for row in rows), environment))


def _read(instance: Instance, namespace: str, interrupt: Interrupt) -> Iterable[dict[str, Any]]:
    """The documents of another collection; none if it does not exist."""
    collection = instance.store.catalog.get(namespace)
    if collection is None:
        return ()
    return map(decode, interrupt.watch(instance.store.view(collection).documents()))


def examines(instance: Instance, request: AggregateRequest) -> int:
    """How many documents the pipeline reads, at most: all of the database, if it may read other collections."""
    catalog = instance.store.catalog
    if _READING_STAGES.isdisjoint(request.pipeline.names):
        return catalog.count(request.namespace)
    return sum(collection.count for collection in catalog.collections(request.database))


COMMAND = Command("aggregate", parse, run)
