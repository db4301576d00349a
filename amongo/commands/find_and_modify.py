"""findAndModify: change or remove one document, and give it back. Source: manual, findAndModify."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import refuse_collation
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.insert import check_depth
from amongo.commands.namespaces import check_writable, collection_namespace
from amongo.commands.replies import raw_documents
from amongo.commands.update import UpdateStatement
from amongo.commands.variables import let_variables, runtime_variables
from amongo.commands.writing import duplicate_key
from amongo.commands.writing_updates import UpdateTask
from amongo.engine.records import record_id_value, record_key
from amongo.engine.store import CollectionDropped
from amongo.errors import command as errors
from amongo.mql.projections import Projection, parse_projection
from amongo.planner import CanonicalQuery, canonical_query, exact_id_key, plan_query
from amongo.planner.plan import Row
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES, WRITE_ATTEMPTS
from amongo.values.codec import decode, encode

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

FIELDS = {
    "query": Field("object", default={}),
    "sort": Field("object"),
    "remove": Field("flag", default=False),
    "update": Field(),
    "new": Field("flag", default=False),
    "fields": Field("object"),
    "upsert": Field("flag", default=False),
    "bypassDocumentValidation": Field("flag", default=False),
    "collation": Field("object"),
    "arrayFilters": Field("array"),
    "hint": Field(),
    "let": Field("object"),
    "bypassEmptyTsReplacement": Field("bool", default=False),
}


@dataclass(frozen=True, slots=True)
class FindAndModifyRequest:
    """A findAndModify.

    namespace      "database.collection"
    statement      the filter, the sort and the update; its update is {} for a removal
    removes        remove the document instead
    returns_new    give back the document as it is after the update
    fields         projection of what is given back
    variables      of `let`
    time_limit_ms  None for no limit
    """

    namespace: str
    statement: UpdateStatement
    removes: bool = False
    returns_new: bool = False
    fields: dict[str, Any] | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    time_limit_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> FindAndModifyRequest:
    """The request of a findAndModify command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, CANNOT_WRITE_TO, those of `parse_fields`, NOT_SUPPORTED_YET,
             FAILED_TO_PARSE for options that exclude each other
    """
    name = next(iter(document))
    fields = parse_fields(name, document, FIELDS)
    namespace = collection_namespace(database, document[name])
    check_writable(namespace)
    refuse_collation("findAndModify", fields["collation"])
    if "hint" in document and type(document["hint"]) not in (str, dict):
        raise errors.FAILED_TO_PARSE(message="Hint must be a string or an object")
    _check_combination(fields)
    if fields["bypassEmptyTsReplacement"]:
        raise errors.NOT_SUPPORTED_YET(
            what="'findAndModify.bypassEmptyTsReplacement'", reason="it is meant for replication tools"
        )
    statement = UpdateStatement(
        fields["query"],
        {} if fields["remove"] else fields["update"],
        upsert=fields["upsert"],
        array_filters=fields["arrayFilters"],
        hint=fields["hint"],
        sort=fields["sort"],
    )
    return FindAndModifyRequest(
        namespace,
        statement,
        fields["remove"],
        fields["new"],
        fields["fields"],
        let_variables(fields["let"]),
        fields.get("maxTimeMS"),
    )


def _check_combination(fields: dict[str, Any]) -> None:
    """Refuse options that exclude each other.

    errors   FAILED_TO_PARSE
    """
    update = fields["update"]
    if fields["remove"]:
        if update is not None:
            raise errors.FAILED_TO_PARSE(message="Cannot specify both an update and remove=true")
        if fields["upsert"]:
            raise errors.FAILED_TO_PARSE(message="Cannot specify both upsert=true and remove=true ")
        if fields["new"]:
            raise errors.FAILED_TO_PARSE(
                message="Cannot specify both new=true and remove=true; 'remove' always returns the deleted document"
            )
        if fields["arrayFilters"] is not None:
            raise errors.FAILED_TO_PARSE(message="Cannot specify arrayFilters and remove=true")
        return
    if update is None:
        raise errors.FAILED_TO_PARSE(message="Either an update or remove=true must be specified")
    if type(update) not in (dict, list):
        raise errors.UPDATE_KIND()
    if type(update) is list and fields["arrayFilters"] is not None:
        raise errors.FAILED_TO_PARSE(message="Cannot specify arrayFilters when updating with an aggregation pipeline")


def run(instance: Instance, request: FindAndModifyRequest, context: Context) -> dict[str, Any]:
    """{lastErrorObject, value}: the document before, or with `new` after; null if there was none.

    errors   those of the filter, the update and the projection; DUPLICATE_KEY, WRITE_CONFLICT
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    request = replace(request, variables=runtime_variables(instance) | request.variables)
    if request.removes:
        return _remove(instance, request, interrupt)
    return _update(instance, request, interrupt)


def _remove(instance: Instance, request: FindAndModifyRequest, interrupt: Interrupt) -> dict[str, Any]:
    statement = request.statement
    query = canonical_query(statement.filter, sort=statement.sort, variables=request.variables, limit=1)
    projection = _parse_fields(request, query)
    for _ in range(WRITE_ATTEMPTS):
        row = _first(instance, request, query, interrupt)
        if row is None:
            return {"lastErrorObject": {"n": 0}, "value": None, "ok": 1.0}
        collection, (record_id, raw, _) = row
        if not instance.store.delete(collection, ((record_id, raw),)).conflicts:
            return {"lastErrorObject": {"n": 1}, "value": _shown(raw, projection), "ok": 1.0}
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def _update(instance: Instance, request: FindAndModifyRequest, interrupt: Interrupt) -> dict[str, Any]:
    task = UpdateTask.parse(instance, request.namespace, request.statement, request.variables, interrupt)
    projection = _parse_fields(request, task.query)
    for _ in range(WRITE_ATTEMPTS):
        found = _first(instance, request, task.query, interrupt)
        if found is None:
            if not request.statement.upsert:
                return {"lastErrorObject": {"n": 0, "updatedExisting": False}, "value": None, "ok": 1.0}
            inserted = _upsert(task)
            if inserted is None:
                continue
            outcome = {"n": 1, "updatedExisting": False, "upserted": record_id_value(inserted)}
            value = _shown(inserted, projection) if request.returns_new else None
            return {"lastErrorObject": outcome, "value": value, "ok": 1.0}
        collection, row = found
        change = task.changed(row)
        if change is None or not instance.store.update(collection, (change,)).conflicts:
            after = row.raw if change is None else change.raw
            value = _shown(after if request.returns_new else row.raw, projection)
            return {"lastErrorObject": {"n": 1, "updatedExisting": True}, "value": value, "ok": 1.0}
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def _upsert(task: UpdateTask) -> bytes | None:
    """The document that was inserted; None if another has come meanwhile that may match.

    errors   those of the update; DUPLICATE_KEY
    """
    document = task.upserted_document()
    raw = encode(document)
    if len(raw) > DOCUMENT_BYTES:
        raise errors.UPDATED_TOO_LARGE(limit=DOCUMENT_BYTES)
    check_depth(document)
    collection = task.instance.writable_collection(task.namespace)
    try:
        if task.instance.store.insert_one(collection, record_key(raw), raw):
            return raw
    except CollectionDropped:
        return None
    if next(task.rows(collection), None) is None:
        raise duplicate_key(task.namespace, raw)
    return None


def _first(
    instance: Instance, request: FindAndModifyRequest, query: CanonicalQuery, interrupt: Interrupt
) -> tuple[Collection, Row] | None:
    """The document to change, and its collection."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return None
    check_hint(collection, request.statement.hint)
    row = next(plan_query(query, collection).rows(instance.store, interrupt), None)
    return None if row is None else (collection, row)


def _parse_fields(request: FindAndModifyRequest, query: CanonicalQuery) -> Projection | None:
    if not request.fields:
        return None
    return parse_projection(request.fields, filter=query.expression, variables=request.variables)


def _shown(raw: bytes, projection: Projection | None) -> Any:
    """The document as the reply gives it."""
    return raw_documents([raw if projection is None else encode(projection.apply(decode(raw)))])[0]


def examines(instance: Instance, request: FindAndModifyRequest) -> int:
    """How many documents the command looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    return 1 if collection is None or exact_id_key(request.statement.filter) is not None else collection.count


COMMAND = Command("findAndModify", parse, run, aliases=("findandmodify",))
