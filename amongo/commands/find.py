"""find: a query's documents, in batches. Source: manual, find (database command)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import collection_namespace
from amongo.commands.not_yet import refuse_not_yet
from amongo.commands.replies import CursorReply
from amongo.commands.variables import let_variables, runtime_variables
from amongo.planner import Plan, canonical_query, exact_id_key, plan_query
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import FIRST_BATCH_COUNT

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "filter": Field("object", default={}),
    "sort": Field("object"),
    "projection": Field("object"),
    "hint": Field("string or object"),
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
    "term": Field("integer"),
    "ntoreturn": Field("integer"),
}


@dataclass(frozen=True, slots=True)
class FindOptions:
    """What a find rarely asks for.

    variables          of `let`
    hint               index name or key pattern
    max_time_ms        None for no limit
    no_cursor_timeout  keep the cursor while nobody asks for it
    """

    variables: dict[str, Any] = field(default_factory=dict)
    hint: Any = None
    max_time_ms: int | None = None
    no_cursor_timeout: bool = False


NO_OPTIONS = FindOptions()

_UNDECODED = 4  # documents that are passed on as bytes cost a quarter of those that are decoded and matched, or less


@dataclass(frozen=True, slots=True)
class FindRequest:
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


# Options of the server that a later issue brings; refused when they ask for something.
NOT_YET = {
    "max": "index bounds come with indexes (Scale)",
    "min": "index bounds come with indexes (Scale)",
    "returnKey": "index keys come with indexes (Scale)",
    "showRecordId": "comes with the Language issue",
    "tailable": "capped collections come with the Language issue",
    "awaitData": "capped collections come with the Language issue",
    "collation": "comes with the Language issue",
}


def parse(database: str, document: dict[str, Any]) -> FindRequest:
    """The request of a find command.

    errors   those of `parse_fields`; NOT_SUPPORTED_YET
    """
    namespace = collection_namespace(database, document["find"])
    values = parse_fields("find", document, FIELDS)
    refuse_not_yet("find", values, NOT_YET)
    return FindRequest(
        namespace,
        values["filter"],
        values["projection"],
        values["sort"],
        values["skip"],
        values["limit"],
        values["batchSize"],
        values["singleBatch"],
        FindOptions(let_variables(values["let"]), values["hint"], values.get("maxTimeMS"), values["noCursorTimeout"]),
    )


def run(instance: Instance, request: FindRequest, context: Context) -> CursorReply:
    """The first batch of the query's documents.

    errors   those of the filter, projection and sort
    """
    instance.counts["query"] += 1
    plan = plan_find(instance, request)
    if plan is None:
        return CursorReply(0, request.namespace, [])
    options = request.options
    interrupt = context.interrupt
    if interrupt is NEVER:  # on the loop now, but the cursor may go on on a worker
        interrupt = Interrupt()
        interrupt.stay_on_loop()
    if options.max_time_ms:
        interrupt.limit(options.max_time_ms)
    cursor = Cursor(
        request.namespace,
        plan.documents(instance.store, interrupt),
        interrupt,
        knows_end=plan.stage != "COLLSCAN" or plan.query.sort is not None,
        limit=request.limit,
        session_id=context.session_id,
        collection=plan.collection,
        never_idles=options.no_cursor_timeout,
        finds_at_once=not request.filter and not request.sort,
    )
    return instance.cursors.first_reply(cursor, request.batch_size, is_single=request.single_batch)


def find_by_id(instance: Instance, namespace: str, key: bytes) -> bytes | None:
    """The point read: the bytes of the document whose `_id` has this key, found without a plan or a cursor."""
    instance.counts["query"] += 1
    collection = instance.store.catalog.by_namespace.get(namespace)
    return None if collection is None else collection.get_by_key(key)


def plan_find(instance: Instance, request: FindRequest) -> Plan | None:
    """The plan of a find; None when the collection does not exist (the query is checked all the same)."""
    options = request.options
    collection = instance.store.catalog.get(request.namespace)
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
    )
    return None if collection is None else plan_query(query, collection)


def examines(instance: Instance, request: FindRequest) -> int:
    """How many documents the find looks at, at most, before its first batch is full."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None or exact_id_key(request.filter) is not None:
        return 1
    wanted = request.skip + (request.limit or request.batch_size or FIRST_BATCH_COUNT)
    if not request.filter and not request.sort:
        return min(collection.count, wanted // _UNDECODED)
    if _goes_by_id(request) and collection.has_id_order:
        return min(collection.count, wanted)
    return collection.count


def _goes_by_id(request: FindRequest) -> bool:
    """Whether filter and sort speak of `_id` alone, so that every document that is looked at is wanted."""
    return request.filter.keys() <= {"_id"} and (not request.sort or request.sort.keys() == {"_id"})


COMMAND = Command("find", parse, run)
