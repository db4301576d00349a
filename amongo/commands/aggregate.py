"""aggregate: a pipeline over a collection, or over nothing. Source: manual, aggregate."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from amongo.aggregate import (
    Environment,
    Pipeline,
    Stored,
    carried_keywords,
    parse_pipeline,
    run_on_stored,
    run_with_metadata,
)
from amongo.commands import change_stream
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
from amongo.commands.namespaces import OPLOG, collection_namespace
from amongo.commands.node import LocalNode, check_on_view
from amongo.commands.oplog_source import oplog_source
from amongo.commands.peer import Peer
from amongo.commands.pipeline_output import PipelineOutput
from amongo.commands.planning import estimated, plan
from amongo.commands.repeated_fields import check_aggregate
from amongo.commands.replies import CursorReply
from amongo.commands.stage_rules import check_stages
from amongo.commands.time_series import find_series, measurements
from amongo.commands.variables import let_variables, runtime_variables
from amongo.commands.views import BUCKETS, Resolved, most_in_view, resolve
from amongo.engine.records import Collection
from amongo.errors import command as errors
from amongo.errors import output as output_errors
from amongo.errors import stages as stage_errors
from amongo.errors.diagnosis import ENDLESS_STREAM
from amongo.planner import CanonicalQuery, canonical_query
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.streams.options import ChangeStreamOptions, Scope
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

_FUSIONS = frozenset({"$rankFusion", "$scoreFusion"})
_READING_STAGES = frozenset({"$lookup", "$graphLookup", "$unionWith", "$facet"})
_KINDS = {"pipeline": "array", "cursor": "object", "allowDiskUse": "bool"}


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """An aggregate.

    namespace      "database.collection", or "database.$cmd.aggregate" for a pipeline that makes its documents
    variables      of `let`
    batch_size     of the first batch; None for 101
    memory_bytes   what a blocking stage may hold that cannot put documents aside; unbounded if it might
    time_limit_ms  None for no limit
    stages         the pipeline as it was written: on a view it is parsed again, behind the stages of the view; on a
                   collection with a collation of its own, with that
    collation      None for that of the collection or view
    is_validated   documents that $merge and $out write have to pass the target's validator
    is_explained   say how it would be run
    may_spill      blocking stages may put documents aside in temporary files (`allowDiskUse`)
    spill_bytes    what one holds in memory before it does
    allowed        the indexes that query settings allow; None where there are none
    passes_off     rewrite passes that are left out, by their names (`aggregate.plan`)
    stream         what a change stream watches, and how; None for another pipeline
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
    is_validated: bool = True
    is_explained: bool = False
    may_spill: bool = True
    spill_bytes: int = BLOCKING_STAGE_BYTES
    passes_off: frozenset[str] = frozenset()
    allowed: tuple[Any, ...] | None = None
    stream: tuple[Scope, ChangeStreamOptions] | None = None

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
    if fields["cursor"] is None and not fields["explain"]:
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
        namespace=namespace,
    )
    check_stages(fields["pipeline"], document)
    read_concern = document.get("readConcern")
    if pipeline.output is not None and type(read_concern) is dict and read_concern.get("level") == "linearizable":
        raise output_errors.LINEARIZABLE(stage=pipeline.names[-1])
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
        not fields["bypassDocumentValidation"],
        bool(fields["explain"]),
        fields["allowDiskUse"] is not False,
        stream=None
        if pipeline.change_stream is None
        else change_stream.parse_stream(namespace, pipeline, has_collection=has_collection),
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


def run(instance: Instance, request: AggregateRequest, context: Context) -> CursorReply | dict[str, Any]:
    """The first batch of what comes out of the pipeline; with `explain` its plan.

    errors   those of stages and expressions, BAD_VALUE for a hint that names no index, REJECTED by query settings
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    if request.is_explained:
        return instance.explained(request, interrupt)
    if request.stream is not None:
        variables = runtime_variables(instance) | request.variables
        collator = collator_of(collation_for(request.collation, None))
        environment = environment_of(instance, request, variables, collator, interrupt)
        return change_stream.run(instance, request, environment, interrupt, context)
    if instance.query_settings is not None:
        request = instance.query_settings.ruled(request)
    documents = result_documents(instance, request, interrupt, context.peer)
    cursor = Cursor(request.namespace, documents, interrupt, session_id=context.session_id)
    return instance.cursors.first_reply(cursor, request.batch_size)


def result_documents(
    instance: Instance, request: AggregateRequest, interrupt: Interrupt, peer: Peer | None = None
) -> Iterator[bytes]:
    """The result documents, lazily; a $match at the start is planned like a find.

    errors   those of stages and expressions, BAD_VALUE for a hint that names no index, ENDLESS_STREAM
    """
    if request.stream is not None:
        raise ENDLESS_STREAM()
    variables = runtime_variables(instance) | request.variables
    pipeline, catalog = request.pipeline, instance.store.catalog
    collection = catalog.get(request.namespace)
    first = next(iter(pipeline.names), "")
    if first in _FUSIONS and request.namespace.partition(".")[2].startswith(BUCKETS):
        raise stage_errors.FUSION_ON_SERIES(name=first)
    resolved = resolve(catalog, request.namespace) if collection is None and first != "$collStats" else None
    if resolved is not None:
        check_on_view(first, resolved)
    if resolved is None:
        collation = collation_for(request.collation, collection)
    else:
        collation = view_collation(resolved.view, request.collation)
    refuse_other_collations(catalog, request.database, request.stages, collation)
    collator = collator_of(collation)
    environment = environment_of(instance, request, variables, collator, interrupt)
    if peer is not None:
        environment = replace(environment, node=LocalNode(instance, peer))
    if pipeline.output is not None:
        output = PipelineOutput(instance, request.database, variables, collation, interrupt, request.is_validated)
        output.check(pipeline.output)
        environment = replace(environment, output=output)
    if resolved is None and request.collation is None and collator is not None:
        pipeline = parse_pipeline(
            request.stages, variables=request.variables, collator=collator, namespace=request.namespace
        )
    if resolved is not None and first in _FUSIONS:
        return encoded(_fused_view(request, resolved, environment, collator))
    if resolved is not None:
        stages = resolved.pipeline + request.stages
        pipeline = parse_pipeline(stages, variables=request.variables, collator=collator, namespace=request.namespace)
        if resolved.series is not None:
            check_hint(find_series(catalog, resolved.namespace), request.hint)
            is_reverse = type(request.hint) is dict and request.hint.get("$natural", 1) < 0
            source = measurements(instance.store, resolved.namespace, interrupt, is_reverse=is_reverse)
            return encoded(pipeline.optimized(request.passes_off).run(source, environment))
        collection = catalog.get(resolved.namespace)
    specs = request.stages if resolved is None else resolved.pipeline + request.stages
    if collection is None and request.namespace == OPLOG and not pipeline.tells_of_node:
        match, _ = pipeline.leading_match()
        is_reverse = type(request.hint) is dict and request.hint.get("$natural", 1) < 0
        entries = oplog_source(instance, match.spec if match else {}, interrupt, is_reverse=is_reverse)
        return encoded(pipeline.optimized(request.passes_off).run(entries, environment))
    if collection is None or pipeline.tells_of_node:
        carried_keywords(pipeline, specs)
        return encoded(pipeline.optimized(request.passes_off).run((), environment))
    check_hint(collection, request.hint)
    ask = partial(_query, request=request, collection=collection, variables=variables, collator=collator)
    plan_of = partial(plan, instance, collection=collection, allowed=request.allowed)
    keywords = carried_keywords(pipeline, specs)
    if not keywords:
        pipeline = pipeline.optimized(request.passes_off)
        return run_on_stored(pipeline, ask, plan_of, instance.store, environment)
    match, rest = pipeline.leading_match()
    found = plan_of(ask(match.spec if match else {}, None))
    rows = found.rows(instance.store, interrupt)
    if not rest.stages:
        return (row.raw for row in rows)
    specs = specs[1:] if match else specs
    known = (found.with_metadata(row.decoded(), keywords) if match else row.decoded() for row in rows)
    return encoded(run_with_metadata(rest, specs, known, environment))


def environment_of(
    instance: Instance,
    request: AggregateRequest,
    variables: dict[str, Any],
    collator: Collator | None,
    interrupt: Interrupt,
) -> Environment:
    """What the pipeline of a request may ask for."""
    environment = _environment(instance, request.database, variables, interrupt, request.memory_bytes, collator)
    environment = environment.on(request.namespace.partition(".")[2])
    if not request.may_spill:
        return environment
    return replace(environment, temporary=instance.temporary, spill_bytes=request.spill_bytes)


def _query(
    filter: dict[str, Any],
    sort: dict[str, Any] | None,
    request: AggregateRequest,
    collection: Collection,
    variables: dict[str, Any],
    collator: Collator | None,
) -> CanonicalQuery:
    """The query of what a pipeline begins with."""
    return canonical_query(
        filter,
        sort=sort,
        variables=variables,
        hint=request.hint,
        collator=collator,
        id_collator=collection.collator,
    )


def _fused_view(
    request: AggregateRequest, resolved: Resolved, environment: Environment, collator: Collator | None
) -> Iterator[dict[str, Any]]:
    """What a pipeline on a view gives whose first stage has to stay the first: it reads what the view shows.

    errors   FUSION_ON_SERIES, those of stages and expressions
    """
    if resolved.series is not None:
        raise stage_errors.FUSION_ON_SERIES(name=request.pipeline.names[0])
    pipeline = parse_pipeline(
        request.stages, variables=request.variables, collator=collator, namespace=request.namespace
    )
    source = environment.read(request.database, environment.collection)
    if carried_keywords(pipeline, request.stages):
        return run_with_metadata(pipeline, request.stages, source, environment)
    return pipeline.run(source, environment)


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
        return parse_pipeline(resolved.pipeline, collator=collator).optimized().run(documents, inside)

    def indexes(database: str, name: str) -> Mapping[str, Mapping[str, Any]] | None:
        """The indexes of a collection, or of the one that a view shows; None if there is none."""
        catalog, namespace = instance.store.catalog, f"{database}.{name}"
        found = catalog.get(namespace)
        if found is None and (resolved := resolve(catalog, namespace)) is not None:
            found = catalog.get(resolved.namespace)
        return None if found is None else found.indexes

    def stored(database: str, name: str) -> Stored | None:
        """A collection that is one: no view."""
        found = instance.store.catalog.get(f"{database}.{name}")
        return None if found is None else Stored(instance.store, found)

    return Environment(
        database,
        read,
        variables,
        interrupt,
        memory_bytes=memory_bytes,
        indexes=indexes,
        stored=stored,
        node=LocalNode(instance),
        columnar=instance.columnar,
    )


def examines(instance: Instance, request: AggregateRequest) -> int:
    """How many documents the pipeline reads, at most: all of the database, if it may read other collections."""
    catalog = instance.store.catalog
    if request.stream is not None:
        return 0
    if request.pipeline.output is not None:
        return sys.maxsize
    if _READING_STAGES.isdisjoint(request.pipeline.names):
        collection = catalog.get(request.namespace)
        match, _ = request.pipeline.leading_match()
        if collection is None or match is None:
            return catalog.count(request.namespace) or most_in_view(catalog, request.namespace)
        return estimated(
            instance,
            collection,
            match.spec,
            hint=request.hint,
            variables=request.variables,
            collation=request.collation,
        )
    return sum(collection.count for collection in catalog.collections(request.database))


COMMAND = Command("aggregate", parse, run, check_bytes=check_aggregate)
