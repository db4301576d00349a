"""aggregate: a pipeline over a collection, or over nothing. Source: manual, aggregate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amongo.aggregate import Environment, Pipeline, carried_keywords, parse_pipeline, run_with_metadata
from amongo.commands.batches import batch_size, encoded
from amongo.commands.collations import (
    asked_collation,
    collation_for,
    collator_for,
    refuse_other_collations,
    view_collation,
)
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import collection_namespace
from amongo.commands.not_yet import refuse_not_yet
from amongo.commands.replies import CursorReply
from amongo.commands.time_series import find_series, measurements
from amongo.commands.variables import let_variables, runtime_variables
from amongo.commands.views import most_in_view, resolve
from amongo.errors import command as errors
from amongo.planner import canonical_query, plan_query
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.values.codec import decode
from amongo.values.collation import Collation
from amongo.values.collation import collator as collator_of
from amongo.values.order import Collator
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "pipeline": Field("array", required=True),
    "cursor": Field("object"),
    "explain": Field("bool", default=False),
    "allowDiskUse": Field("bool"),
    "bypassDocumentValidation": Field("flag", default=False),
    "hint": Field("hint"),
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
    stages         the pipeline as it was written: on a view it is parsed again, behind the stages of the view; on a
                   collection with a collation of its own, with that
    collation      None for that of the collection or view
    """

    namespace: str
    pipeline: Pipeline
    variables: dict[str, Any]
    hint: Any = None
    batch_size: int | None = None
    memory_bytes: int = sys.maxsize
    time_limit_ms: int | None = None
    stages: list[Any] = field(default_factory=list)
    collation: Collation | None = None

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
    collation = asked_collation(fields["collation"])
    namespace, has_collection = _namespace(database, document["aggregate"])
    if not has_collection and not fields["pipeline"]:
        raise errors.AGGREGATE_NOTHING()
    variables = let_variables(fields["let"], collation)
    pipeline = parse_pipeline(
        fields["pipeline"],
        variables=variables,
        collator=collator_for(collation, None),
        has_collection=has_collection,
    )
    return AggregateRequest(
        namespace,
        pipeline,
        variables,
        fields["hint"],
        size,
        BLOCKING_STAGE_BYTES if fields["allowDiskUse"] is False else sys.maxsize,
        fields.get("maxTimeMS"),
        fields["pipeline"],
        collation,
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
    documents = result_documents(instance, request, interrupt)
    cursor = Cursor(request.namespace, documents, interrupt, session_id=context.session_id)
    return instance.cursors.first_reply(cursor, request.batch_size)


def result_documents(instance: Instance, request: AggregateRequest, interrupt: Interrupt) -> Iterator[bytes]:
    """The result documents, lazily; a $match at the start is planned like a find.

    errors   those of stages and expressions, BAD_VALUE for a hint that names no index
    """
    variables = runtime_variables(instance) | request.variables
    pipeline, catalog = request.pipeline, instance.store.catalog
    collection = catalog.get(request.namespace)
    resolved = resolve(catalog, request.namespace) if collection is None else None
    if resolved is None:
        collation = collation_for(request.collation, collection)
    else:
        collation = view_collation(resolved.view, request.collation)
    refuse_other_collations(catalog, request.database, request.stages, collation)
    collator = collator_of(collation)
    environment = _environment(instance, request.database, variables, interrupt, request.memory_bytes, collator)
    environment = environment.on(request.namespace.partition(".")[2])
    if resolved is None and request.collation is None and collator is not None:
        pipeline = parse_pipeline(request.stages, variables=request.variables, collator=collator)
    if resolved is not None:
        stages = resolved.pipeline + request.stages
        pipeline = parse_pipeline(stages, variables=request.variables, collator=collator)
        if resolved.series is not None:
            check_hint(find_series(catalog, resolved.namespace), request.hint)
            is_reverse = type(request.hint) is dict and request.hint.get("$natural", 1) < 0
            source = measurements(instance.store, resolved.namespace, interrupt, is_reverse=is_reverse)
            return encoded(pipeline.run(source, environment))
        collection = catalog.get(resolved.namespace)
    specs = request.stages if resolved is None else resolved.pipeline + request.stages
    if collection is None:
        carried_keywords(pipeline, specs)
        return encoded(pipeline.run((), environment))
    check_hint(collection, request.hint)
    match, rest = pipeline.leading_match()
    query = canonical_query(
        match.spec if match else {},
        variables=variables,
        hint=request.hint,
        collator=collator,
        id_collator=collection.collator,
    )
    plan = plan_query(query, collection)
    rows = plan.rows(instance.store, interrupt)
    if not rest.stages:
        return (row.raw for row in rows)
    if keywords := carried_keywords(pipeline, specs):
        specs = specs[1:] if match else specs
        known = (plan.with_metadata(row.decoded(), keywords) if match else row.decoded() for row in rows)
        return encoded(run_with_metadata(rest, specs, known, environment))
    return encoded(rest.run((row.decoded() for row in rows), environment))


def _environment(
    instance: Instance,
    database: str,
    variables: dict[str, Any],
    interrupt: Interrupt,
    memory_bytes: int,
    collator: Collator | None,
) -> Environment:
    """What a pipeline on this database may ask for.

    collator   that of the pipeline; the views that it reads have the same
    """

    def read(database: str, name: str) -> Iterable[dict[str, Any]]:
        """The documents of another collection; none if it does not exist."""
        store, namespace = instance.store, f"{database}.{name}"
        collection = store.catalog.get(namespace)
        resolved = None
        if collection is None:
            resolved = resolve(store.catalog, namespace)
            if resolved is None:
                return ()
            collection = store.catalog.get(resolved.namespace)
        documents: Iterable[dict[str, Any]] = ()
        if collection is not None:
            documents = map(decode, interrupt.watch(store.view(collection).documents()))
        elif resolved is not None and resolved.series is not None:
            documents = measurements(store, resolved.namespace, interrupt)
        if resolved is None:
            return documents
        inside = _environment(instance, database, runtime_variables(instance), interrupt, memory_bytes, collator)
        inside = inside.on(resolved.namespace.partition(".")[2])
        return parse_pipeline(resolved.pipeline, collator=collator).run(documents, inside)

    def indexes(database: str, name: str) -> Mapping[str, Mapping[str, Any]] | None:
        """The indexes of a collection, or of the one that a view shows; None if there is none."""
        catalog, namespace = instance.store.catalog, f"{database}.{name}"
        found = catalog.get(namespace)
        if found is None and (resolved := resolve(catalog, namespace)) is not None:
            found = catalog.get(resolved.namespace)
        return None if found is None else found.indexes

    return Environment(database, read, variables, interrupt, memory_bytes=memory_bytes, indexes=indexes)


def examines(instance: Instance, request: AggregateRequest) -> int:
    """How many documents the pipeline reads, at most: all of the database, if it may read other collections."""
    catalog = instance.store.catalog
    if _READING_STAGES.isdisjoint(request.pipeline.names):
        return catalog.count(request.namespace) or most_in_view(catalog, request.namespace)
    return sum(collection.count for collection in catalog.collections(request.database))


COMMAND = Command("aggregate", parse, run)
