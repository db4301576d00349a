"""find: a query's documents, in batches. Source: manual, find (database command)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import Binary, Int64, ObjectId

from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.fields import GENERIC_FIELDS, Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import OPLOG, collection_namespace
from amongo.commands.oplog_reads import find_in_oplog
from amongo.commands.planning import asks_places, may_use_index, planned_ahead
from amongo.commands.planning import plan as plan_for
from amongo.commands.replies import CursorReply
from amongo.commands.scan_options import NO_SCAN_OPTIONS, ScanOptions, scan_options
from amongo.commands.tailing import (
    CappedCursor,
    TailableCursor,
    check_capped,
    check_tailing,
    first_tailable_reply,
)
from amongo.commands.variables import let_variables, runtime_variables
from amongo.commands.view_reads import find_in_view
from amongo.commands.views import is_view, most_in_view
from amongo.errors import ServerError
from amongo.planner import CappedScan, LiveScan, Plan, ResumePoint, canonical_query, is_exact_id
from amongo.planner.observation import SWITCH
from amongo.planner.plain_ranges import PlainRange, plain_range
from amongo.planner.query import exact_id_key
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import FIRST_BATCH_COUNT, LOOP_DOCUMENTS
from amongo.values.collation import Collation
from amongo.values.key_bytes import collated

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

FIELDS = {
    "filter": Field("object", default={}, refuses_null=True),
    "sort": Field("object"),
    "projection": Field("object"),
    "hint": Field("hint"),
    "skip": Field("integer", default=0, minimum=0, bound_code=2),
    "limit": Field("integer", default=0, minimum=0, bound_code=2),
    "batchSize": Field("integer", minimum=0, bound_code=2),
    "singleBatch": Field("flag", default=False),
    "allowDiskUse": Field("bool"),
    "noCursorTimeout": Field("flag", default=False),
    "oplogReplay": Field("flag"),
    "let": Field("object"),
    "max": Field("object"),
    "min": Field("object"),
    "returnKey": Field("flag", default=False),
    "showRecordId": Field("flag", default=False),
    "tailable": Field("flag", default=False),
    "awaitData": Field("flag", default=False),
    "collation": Field("object"),
    "term": Field("long"),
    "readOnce": Field("bool"),
    "allowSpeculativeMajorityRead": Field("bool"),
    "includeQueryStatsMetrics": Field("bool"),
    "querySettings": Field("object"),
    "encryptionInformation": Field("object"),
    "$_requestResumeToken": Field("bool", default=False),
    "$_resumeAfter": Field("object"),
}


@dataclass(frozen=True, slots=True)
class FindOptions:
    """What a find rarely asks for.

    variables          of `let`
    hint               index name or key pattern
    max_time_ms        None for no limit
    no_cursor_timeout  keep the cursor while nobody asks for it
    collation          None for that of the collection
    scan               what a find asks even more rarely; None for nothing
    tailable           keep the cursor at its end, for what is inserted later
    awaits_data        let its getMores wait for that
    allowed            the indexes that query settings allow; None where there are none
    """

    variables: dict[str, Any] = field(default_factory=dict)
    hint: Any = None
    max_time_ms: int | None = None
    no_cursor_timeout: bool = False
    collation: Collation | None = None
    scan: ScanOptions | None = None
    tailable: bool = False
    awaits_data: bool = False
    allowed: tuple[Any, ...] | None = None


NO_OPTIONS = FindOptions()

# Fields of a command that have nothing to do with its options.
_PLAIN_FIELDS = {
    name: FIELDS[name] for name in ("filter", "projection", "sort", "skip", "limit", "batchSize", "singleBatch")
}
_USUAL = frozenset(GENERIC_FIELDS.keys() - {"maxTimeMS"}) | _PLAIN_FIELDS.keys() | {"find"}

_SHORT_BYTES = 1024 * 1024  # of a result that is looked through before it gets a cursor
_UNDECODED = 4  # documents that are passed on as bytes cost a quarter of those that are decoded and matched, or less


class FindRequest(NamedTuple):
    """A find.

    namespace      "database.collection"
    limit          documents at most; 0 for all
    batch_size     of the first batch; None for the server's 101
    single_batch   close the cursor after the first batch
    """

    namespace: str
    filter: dict[str, Any]
    projection: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    skip: int = 0
    limit: int = 0
    batch_size: int | None = None
    single_batch: bool = False
    options: FindOptions = NO_OPTIONS


def parse(database: str, document: dict[str, Any]) -> FindRequest:
    """The request of a find command.

    errors   those of `parse_fields`, of the collation and of `check_tailing`
    """
    namespace = collection_namespace(database, document["find"])
    is_plain = _USUAL.issuperset(document)
    values = parse_fields("find", document, _PLAIN_FIELDS if is_plain else FIELDS)
    plain = (
        namespace,
        values["filter"],
        values["projection"],
        values["sort"],
        values["skip"],
        values["limit"],
        values["batchSize"],
        values["singleBatch"],
    )
    if is_plain:
        return FindRequest(*plain)
    check_tailing(
        values["sort"],
        tailable=values["tailable"],
        awaits_data=values["awaitData"],
        single_batch=values["singleBatch"],
    )
    collation = asked_collation(values["collation"])
    return FindRequest(
        *plain,
        FindOptions(
            let_variables(values["let"], collation),
            values["hint"],
            values.get("maxTimeMS"),
            values["noCursorTimeout"],
            collation,
            scan_options(values),
            values["tailable"],
            values["awaitData"],
        ),
    )


def run(instance: Instance, request: FindRequest, context: Context) -> CursorReply:
    """The first batch of the query's documents.

    errors   those of the filter, projection and sort; those of `find_in_view`; REJECTED by query settings
    """
    instance.counts["query"] += 1
    if instance.query_settings is not None:
        request = instance.query_settings.ruled(request)
    if request.namespace not in instance.store.catalog.by_namespace:
        if request.namespace == OPLOG:
            return find_in_oplog(instance, request, context)
        if is_view(instance.store.catalog, request.namespace):
            return find_in_view(instance, request, context)
    reply = _find_by_id(instance, request)
    if reply is not None:
        return reply
    ahead = planned_ahead(instance, request) or _plain_find(instance, request)
    if isinstance(ahead, PlainRange) and SWITCH.is_on:
        ahead = None  # a plan counts what it looks at
    if isinstance(ahead, PlainRange):
        documents = ahead.documents(instance.store, request.skip, request.limit)
        if documents is not None:
            return _reply_of_range(instance, request, ahead, documents, context)
        ahead = None
    plan = ahead or plan_find(instance, request)
    if plan is None:
        return CursorReply(0, request.namespace, [])
    options = request.options
    interrupt = context.interrupt
    if interrupt is NEVER:  # on the loop now, but the cursor may go on on a worker
        interrupt = Interrupt()
        interrupt.stay_on_loop()
    if options.max_time_ms:
        interrupt.limit(options.max_time_ms)
    if plan.collection.cap is not None and _reads_live(plan, options):
        return _scan_capped(instance, request, plan, interrupt, context)
    resume_point = None if options.scan is None else options.scan.resume_point(plan.collection)
    found = None
    if resume_point is None:
        found = instance.columnar.records(plan, lambda: runtime_variables(instance) | options.variables, interrupt)
    if found is None:
        documents = plan.documents(instance.store, interrupt, resume_point)
    else:
        documents = plan.given(found)
    cursor = Cursor(
        request.namespace,
        documents,
        interrupt,
        knows_end=plan.stage != "COLLSCAN" or plan.query.sort is not None,
        limit=request.limit,
        session_id=context.session_id,
        collection=plan.collection,
        never_idles=options.no_cursor_timeout,
        finds_at_once=not request.filter and not request.sort and not options.hint,
        resume_point=resume_point,
        live=LiveScan(plan, instance.store, interrupt) if _reads_on(plan, resume_point, found) else None,
    )
    return instance.cursors.first_reply(cursor, request.batch_size, is_single=request.single_batch)


def _reads_on(plan: Plan, resume_point: ResumePoint | None, found: object) -> bool:
    """Whether the cursor goes on with what is in the collection then."""
    return resume_point is None and found is None and LiveScan.suits(plan)


def _plain_find(instance: Instance, request: FindRequest) -> PlainRange | None:
    """The plan of a find that asks for nothing but a range of entries of an index; None for another one."""
    if request.options is not NO_OPTIONS or request.projection or request.sort or not request.filter:
        return None
    if instance.query_settings is not None or instance.index_filters:
        return None
    collection = instance.store.catalog.by_namespace.get(request.namespace)
    if collection is None or collection.secondary is None:
        return None
    return plain_range(request.filter, collection)


def _reply_of_range(
    instance: Instance, request: FindRequest, plan: PlainRange, documents: Iterator[bytes], context: Context
) -> CursorReply:
    """The first batch of a find by a range of entries; a short result needs no cursor."""
    most = min(request.batch_size or FIRST_BATCH_COUNT, FIRST_BATCH_COUNT)
    batch: list[bytes] = []
    size = 0
    for raw in documents if request.batch_size != 0 else ():
        batch.append(raw)
        size += len(raw)
        if size > _SHORT_BYTES or len(batch) > most:
            break
    else:
        if request.batch_size != 0:
            return CursorReply(0, request.namespace, batch)
    interrupt = context.interrupt
    if interrupt is NEVER:
        interrupt = Interrupt()
        interrupt.stay_on_loop()
    cursor = Cursor(
        request.namespace,
        chain(batch, documents),
        interrupt,
        knows_end=True,
        limit=request.limit,
        session_id=context.session_id,
        collection=plan.collection,
    )
    return instance.cursors.first_reply(cursor, request.batch_size, is_single=request.single_batch)


def _reads_live(plan: Plan, options: FindOptions) -> bool:
    """Whether a find on a capped collection reads what is there batch by batch: a scan in natural order does."""
    is_resumable = options.scan is not None and options.scan.gives_resume
    return plan.stage == "COLLSCAN" and plan.query.sort is None and (options.tailable or not is_resumable)


def _scan_capped(
    instance: Instance, request: FindRequest, plan: Plan, interrupt: Interrupt, context: Context
) -> CursorReply:
    """The first batch of a find in the natural order of a capped collection."""
    options = request.options
    scan = CappedScan(plan, instance.store, interrupt, is_tailable=options.tailable)
    cursor = (TailableCursor if options.tailable else CappedCursor)(
        scan,
        request.namespace,
        scan,
        interrupt,
        limit=0 if options.tailable else request.limit,
        session_id=context.session_id,
        collection=plan.collection,
        never_idles=options.no_cursor_timeout,
        awaits_data=options.awaits_data,
    )
    if isinstance(cursor, TailableCursor):
        return first_tailable_reply(instance, request, cursor)
    return instance.cursors.first_reply(cursor, request.batch_size, is_single=request.single_batch)


def _find_by_id(instance: Instance, request: FindRequest) -> CursorReply | None:
    """The reply of a find that asks for the document with one `_id`, and for nothing else; None for another one."""
    if request.options is not NO_OPTIONS or request.projection or request.sort or request.skip:
        return None
    collection = instance.store.catalog.by_namespace.get(request.namespace)
    if collection is None or request.batch_size == 0 or instance.attention.is_on:
        return None
    key = exact_id_key(request.filter, collection.collator)
    if key is None:
        return None
    collection.uses.point_reads += 1
    raw = collection.get_by_key(key)
    return CursorReply(0, request.namespace, [] if raw is None else [raw])


def is_point_read(instance: Instance, request: FindRequest) -> bool:
    """Whether a find asks a collection for the document with one plain `_id`, and for nothing else."""
    filter = request.filter
    if len(filter) != 1 or request.options is not NO_OPTIONS or request.projection or request.sort:
        return False
    return type(filter.get("_id")) in _PLAIN_IDS and request.namespace in instance.store.catalog.by_namespace


_PLAIN_IDS = frozenset({int, str, ObjectId, Int64, Binary, float})


def find_by_id(instance: Instance, namespace: str, key: bytes) -> bytes | None:
    """The point read: the bytes of the document whose `_id` has this key, found without a plan or a cursor."""
    instance.counts["query"] += 1
    collection = instance.store.catalog.by_namespace.get(namespace)
    if collection is None:
        return None
    if collection.collator is not None:
        key = collated(key, collection.collator)
    collection.uses.point_reads += 1
    return collection.get_by_key(key)


def plan_find(instance: Instance, request: FindRequest, *, weighs_all: bool = False) -> Plan | None:
    """The plan of a find; None when the collection does not exist (the query is checked all the same).

    weighs_all   for explain; see `plan_query`
    """
    options = request.options
    scan = options.scan or NO_SCAN_OPTIONS
    collection = instance.store.catalog.get(request.namespace)
    if options.tailable:
        return _plan_tailable(instance, request, collection)
    if collection is not None:
        check_hint(collection, options.hint)
    query = canonical_query(
        request.filter,
        projection=request.projection,
        sort=request.sort,
        skip=request.skip,
        limit=request.limit,
        variables=runtime_variables(instance) | options.variables,
        hint=options.hint,
        low=scan.low,
        high=scan.high,
        shows_record_id=scan.shows_record_id,
        returns_key=scan.returns_key,
        collator=collator_for(options.collation, collection),
        id_collator=None if collection is None else collection.collator,
    )
    if collection is None:
        query.check_without_collection()
        return None
    return plan_for(instance, query, collection, options.allowed, weighs_all=weighs_all)


def _plan_tailable(instance: Instance, request: FindRequest, collection: Collection | None) -> Plan | None:
    """The plan of a tailable find: a scan, whatever the filter and the hint.

    errors   TAILABLE_NOT_CAPPED
    """
    options = request.options
    scan = options.scan or NO_SCAN_OPTIONS
    query = canonical_query(
        {"$and": [request.filter]} if request.filter else {},  # so that no part of it is answered by an index
        projection=request.projection,
        sort=request.sort,
        skip=request.skip,
        limit=request.limit,
        variables=runtime_variables(instance) | options.variables,
        hint=options.hint if type(options.hint) is dict and "$natural" in options.hint else None,
        shows_record_id=scan.shows_record_id,
        returns_key=scan.returns_key,
        collator=collator_for(options.collation, collection),
        id_collator=None if collection is None else collection.collator,
    )
    if collection is None:
        return None
    check_capped(collection)
    return Plan(query, collection, "COLLSCAN", collection.count)


def examines(instance: Instance, request: FindRequest) -> int:
    """How many documents the find looks at, at most, before its first batch is full."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return most_in_view(instance.store.catalog, request.namespace) or 1
    if request.options.tailable:
        return collection.count
    if is_exact_id(request.filter, request.options.collation is not None):
        return 1
    wanted = request.skip + (request.limit or request.batch_size or FIRST_BATCH_COUNT)
    if not request.filter and not request.sort and not request.options.hint:
        return min(collection.count, wanted // _UNDECODED)
    if _goes_by_id(request) and collection.has_id_order:
        return min(collection.count, wanted)
    passed_on = wanted // _UNDECODED
    if passed_on <= LOOP_DOCUMENTS and (plain := _plain_find(instance, request)) is not None:
        instance.ahead = (request, plain)
        return min(passed_on, collection.count)
    if asks_places(collection, request.filter):
        return sys.maxsize
    if collection.count <= LOOP_DOCUMENTS or not may_use_index(collection, request.filter, request.sort):
        return collection.count
    try:
        plan = plan_find(instance, request)
    except ServerError:  # it fails when it is run, and at once
        return 1
    if plan is None:
        return 1
    instance.ahead = (request, plan)
    return plan.looks_at(instance.store, wanted)


def _goes_by_id(request: FindRequest) -> bool:
    """Whether filter and sort speak of `_id` alone, so that every document that is looked at is wanted."""
    if request.options.collation is not None:
        return False
    return request.filter.keys() <= {"_id"} and (not request.sort or request.sort.keys() == {"_id"})


COMMAND = Command("find", parse, run)
