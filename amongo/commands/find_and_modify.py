"""findAndModify: change or remove one document, and give it back. Source: manual, findAndModify."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from amongo.commands.clustered import check_record_key
from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.insert import check_depth
from amongo.commands.namespaces import check_writable, collection_namespace
from amongo.commands.planning import estimated, plan
from amongo.commands.replies import raw_documents
from amongo.commands.time_series_writes import remove_measurement, written_series
from amongo.commands.update import UpdateStatement
from amongo.commands.variables import let_variables, runtime_variables
from amongo.commands.views import may_be_view, refuse_view
from amongo.commands.writing import duplicate_key
from amongo.commands.writing_updates import UpdateTask
from amongo.engine.origin import upserting, with_image
from amongo.engine.records import record_id_value, record_key
from amongo.engine.store import CollectionDropped
from amongo.errors import command as errors
from amongo.errors import time_series as series_errors
from amongo.mql.matcher import array_match_index, parse_filter
from amongo.mql.projections import Projection, parse_projection
from amongo.planner import CanonicalQuery, canonical_query, is_exact_id
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
    "hint": Field("hint"),
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
    is_validated   the document has to pass the collection's validator
    """

    namespace: str
    statement: UpdateStatement
    removes: bool = False
    returns_new: bool = False
    fields: dict[str, Any] | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    time_limit_ms: int | None = None
    is_validated: bool = True


def parse(database: str, document: dict[str, Any]) -> FindAndModifyRequest:
    """The request of a findAndModify command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, CANNOT_WRITE_TO, those of `parse_fields`, NOT_SUPPORTED_YET,
             FAILED_TO_PARSE for options that exclude each other
    """
    name = next(iter(document))
    fields = parse_fields(name, document, FIELDS)
    namespace = collection_namespace(database, document[name])
    check_writable(namespace)
    collation = asked_collation(fields["collation"])
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
        collation=fields["collation"],
    )
    return FindAndModifyRequest(
        namespace,
        statement,
        fields["remove"],
        fields["new"],
        fields["fields"],
        let_variables(fields["let"], collation),
        fields.get("maxTimeMS"),
        not fields["bypassDocumentValidation"],
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
    if request.removes and may_be_view(instance.store.catalog, request.namespace):
        series = written_series(instance.store.catalog, request.namespace)
        if series is not None:
            return _remove_measurement(instance, request, series, interrupt)
    if request.removes:
        return _remove(instance, request, interrupt)
    return _update(instance, request, interrupt)


def _remove(instance: Instance, request: FindAndModifyRequest, interrupt: Interrupt) -> dict[str, Any]:
    statement = request.statement
    collection = instance.store.catalog.get(request.namespace)
    query = canonical_query(
        statement.filter,
        sort=statement.sort,
        variables=request.variables,
        hint=statement.hint,
        limit=1,
        collator=collator_for(asked_collation(statement.collation), collection),
        id_collator=None if collection is None else collection.collator,
    )
    projection = _parse_fields(request, query)
    for _ in range(WRITE_ATTEMPTS):
        row = _first(instance, request, query, interrupt)
        if row is None:
            return {"lastErrorObject": {"n": 0}, "value": None, "ok": 1.0}
        collection, (record_id, raw, _) = row
        value = _shown(raw, projection, query)  # before the commit: it may fail
        with with_image("pre", raw):
            done = instance.store.delete(collection, ((record_id, raw),))
        if not done.conflicts:
            return {"lastErrorObject": {"n": 1}, "value": value, "ok": 1.0}
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def _remove_measurement(
    instance: Instance, request: FindAndModifyRequest, series: Collection, interrupt: Interrupt
) -> dict[str, Any]:
    """Remove the first measurement that matches; a time series is not sorted for it.

    errors   NO_SORT, those of the filter and the projection
    """
    statement = request.statement
    if statement.sort:
        raise series_errors.NO_SORT()
    collator = collator_for(asked_collation(statement.collation), series)
    matches = parse_filter(statement.filter, variables=request.variables, collator=collator).bind()
    query = canonical_query({}, collator=collator)
    projection = _parse_fields(request, query)
    removed = remove_measurement(instance, series, matches, interrupt)
    if removed is None:
        return {"lastErrorObject": {"n": 0}, "value": None, "ok": 1.0}
    return {"lastErrorObject": {"n": 1}, "value": _shown(removed, projection, query), "ok": 1.0}


def _update(instance: Instance, request: FindAndModifyRequest, interrupt: Interrupt) -> dict[str, Any]:
    task = UpdateTask.parse(
        instance,
        request.namespace,
        request.statement,
        request.variables,
        interrupt,
        is_validated=request.is_validated,
    )
    projection = _parse_fields(request, task.query)
    for _ in range(WRITE_ATTEMPTS):
        found = _first(instance, request, task.query, interrupt)
        if found is None:
            if not request.statement.upsert:
                return {"lastErrorObject": {"n": 0, "updatedExisting": False}, "value": None, "ok": 1.0}
            inserted = _upserted(task)
            value = _shown(inserted, projection, task.query) if request.returns_new else None
            with with_image("post", inserted if request.returns_new else None):
                if not _insert(task, inserted):
                    continue
            outcome = {"n": 1, "updatedExisting": False, "upserted": record_id_value(inserted)}
            return {"lastErrorObject": outcome, "value": value, "ok": 1.0}
        collection, row = found
        change = task.changed(row, collection)
        after = row.raw if change is None else change.raw
        image = after if request.returns_new else row.raw
        value = _shown(image, projection, task.query)
        with with_image("post" if request.returns_new else "pre", image):
            is_done = change is None or not instance.store.update(collection, (change,)).conflicts
        if is_done:
            return {"lastErrorObject": {"n": 1, "updatedExisting": True}, "value": value, "ok": 1.0}
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def _upserted(task: UpdateTask) -> bytes:
    """The document that an upsert inserts.

    errors   those of the update; UPDATED_TOO_LARGE, NESTED_TOO_DEEP
    """
    document = task.upserted_document()
    raw = encode(document)
    if len(raw) > DOCUMENT_BYTES:
        raise errors.UPDATED_TOO_LARGE(limit=DOCUMENT_BYTES)
    check_depth(document)
    return raw


def _insert(task: UpdateTask, raw: bytes) -> bool:
    """Insert the document of an upsert; False if another has come meanwhile that may match.

    errors   DUPLICATE_KEY, and those of the collection's validator
    """
    collection = task.instance.writable_collection(task.namespace)
    check_record_key(collection, raw)
    task.check_inserted(collection, decode(raw))
    try:
        with upserting():
            if task.instance.store.insert_one(collection, record_key(raw, collection.collator), raw):
                return True
    except CollectionDropped:
        return False
    if next(task.rows(collection), None) is None:
        raise duplicate_key(collection, raw)
    return False


def _first(
    instance: Instance, request: FindAndModifyRequest, query: CanonicalQuery, interrupt: Interrupt
) -> tuple[Collection, Row] | None:
    """The document to change, and its collection."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        refuse_view(instance.store.catalog, request.namespace)
        return None
    check_hint(collection, request.statement.hint)
    row = next(plan(instance, query, collection).rows(instance.store, interrupt), None)
    return None if row is None else (collection, row)


def _parse_fields(request: FindAndModifyRequest, query: CanonicalQuery) -> Projection | None:
    if not request.fields:
        return None
    return parse_projection(request.fields, variables=request.variables, collator=query.collator)


def _shown(raw: bytes, projection: Projection | None, query: CanonicalQuery) -> Any:
    """The document as the reply gives it.

    errors   those of the projection
    """
    if projection is not None:
        document, index = decode(raw), None
        if projection.is_positional and query.expression is not None:
            index = array_match_index(query.expression, document)
        raw = encode(projection.apply(document, index))
    return raw_documents([raw])[0]


def shown_again(instance: Instance, request: FindAndModifyRequest, raw: bytes) -> Any:
    """A document that the command gave back before, as the reply gives it.

    errors   those of the filter and the projection
    """
    statement = request.statement
    collection = instance.store.catalog.get(request.namespace)
    variables = runtime_variables(instance) | request.variables
    query = canonical_query(
        statement.filter,
        variables=variables,
        collator=collator_for(asked_collation(statement.collation), collection),
    )
    return _shown(raw, _parse_fields(replace(request, variables=variables), query), query)


def examines(instance: Instance, request: FindAndModifyRequest) -> int:
    """How many documents the command looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    statement = request.statement
    if collection is None:
        return 1
    if is_exact_id(statement.filter, bool(statement.collation)):
        return 1 + collection.reads_per_write
    found = estimated(
        instance,
        collection,
        statement.filter,
        sort=statement.sort,
        hint=statement.hint,
        variables=request.variables,
        collation=statement.collation,
        limit=1,
    )
    return found + collection.reads_per_write


COMMAND = Command("findAndModify", parse, run, aliases=("findandmodify",))
