"""bulkWrite: inserts, updates and deletes on several namespaces, in one command. Source: manual, bulkWrite.

Each operation runs as the command of its kind would run it; neighbouring inserts into one namespace go as one batch.
What became of each stands in a cursor, the sums stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from bson.raw_bson import RawBSONDocument

from amongo.commands import delete, insert, retryable, update
from amongo.commands.batches import batch_size, encoded
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.delete import DeleteRequest, delete_statement
from amongo.commands.expected_uuid import check_uuid, parse_uuid
from amongo.commands.fields import Field, parse_fields
from amongo.commands.insert import InsertRequest
from amongo.commands.namespaces import parse_namespace
from amongo.commands.replies import BulkWriteReply, CursorReply, WriteReply
from amongo.commands.update import UpdateRequest, update_statement
from amongo.commands.variables import let_variables
from amongo.commands.writing import check_batch_count, write_error
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.errors.sessions import STATEMENT_COUNT
from amongo.errors.transactions import is_transient, raise_transient
from amongo.values.codec import decode_foreign, encode
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "bulkWrite": Field("integer", required=True),
    "ops": Field("array", required=True),
    "nsInfo": Field("array", required=True),
    "cursor": Field("object"),
    "bypassDocumentValidation": Field("flag", default=False),
    "bypassEmptyTsReplacement": Field("bool"),
    "ordered": Field("bool", default=True),
    "let": Field("object"),
    "errorsOnly": Field("bool", default=False),
}

_PLACE = Field("integer", required=True, minimum=0, bound_code=2)  # of a namespace in nsInfo

INSERT_FIELDS = {"insert": _PLACE, "document": Field("object", required=True)}

UPDATE_FIELDS = {
    "update": _PLACE,
    "filter": Field("object", required=True),
    "updateMods": Field("update", required=True),
    "multi": Field("bool", default=False),
    "upsert": Field("bool", default=False),
    "upsertSupplied": Field("bool"),
    "arrayFilters": Field("array"),
    "hint": Field("hint"),
    "constants": Field("object"),
    "collation": Field("object"),
    "sort": Field("object"),
    "sampleId": Field("uuid"),
}

DELETE_FIELDS = {
    "delete": _PLACE,
    "filter": Field("object", required=True),
    "multi": Field("bool", default=False),
    "hint": Field("hint"),
    "collation": Field("object"),
    "sampleId": Field("uuid"),
}

NAMESPACE_FIELDS = {
    "ns": Field("string", required=True),
    "collectionUUID": Field(),
    "encryptionInformation": Field("object"),
    "isTimeseriesNamespace": Field("bool"),
    "shardVersion": Field("object"),
    "databaseVersion": Field("object"),
}

BULK_CURSORS: Final = "admin.$cmd.bulkWrite"
"""The namespace of the cursors of its replies."""
_ANY_NUMBER: Final = 2**31  # documents in the first batch: as many as 16 MiB hold
_COUNTS: Final = ("nErrors", "nInserted", "nMatched", "nModified", "nUpserted", "nDeleted")

Kind = Literal["insert", "update", "delete"]


class Operation(NamedTuple):
    """One operation: a document for an insert, as BSON, or the statement of the command of its kind."""

    kind: Kind
    namespace: str
    statement: Any


@dataclass(frozen=True, slots=True)
class BulkWriteRequest:
    """A bulkWrite.

    uuids         namespace -> the UUID that its collection must have
    ordered       end at the first error
    errors_only   tell of operations that failed, and of no others
    variables     of `let`
    batch_size    results in the first batch; None for as many as it holds
    max_time_ms   None for no limit
    is_validated  documents have to pass the validators of their collections
    """

    operations: Sequence[Operation]
    uuids: Mapping[str, bytes] = field(default_factory=dict)
    ordered: bool = True
    errors_only: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    batch_size: int | None = None
    max_time_ms: int | None = None
    is_validated: bool = True


def parse(database: str, document: dict[str, Any]) -> BulkWriteRequest:
    """The request of a bulkWrite command; its `ops` are RawBSONDocuments.

    errors   those of `parse_fields`; EMPTY_BATCH, INVALID_NAMESPACE, BULK_NAMESPACE_INDEX
    order    the fields, then the number of operations, then the namespaces, then each operation's namespace
    """
    values = parse_fields("bulkWrite", document, FIELDS)
    parsed = [_parse_operation(position, each) for position, each in enumerate(values["ops"])]
    infos = [_parse_namespace(position, each) for position, each in enumerate(values["nsInfo"])]
    size = batch_size("bulkWrite", values["cursor"])
    check_batch_count(len(parsed))
    for namespace, _ in infos:
        parse_namespace(namespace)
    return BulkWriteRequest(
        [_addressed(operation, infos) for operation in parsed],
        {namespace: uuid for namespace, uuid in infos if uuid is not None},
        values["ordered"],
        values["errorsOnly"],
        let_variables(values["let"]),
        size,
        values.get("maxTimeMS"),
        not values["bypassDocumentValidation"],
    )


def _parse_namespace(position: int, info: Any) -> tuple[str, bytes | None]:
    """(namespace, the UUID its collection must have) of an element of nsInfo."""
    if type(info) is not dict:
        raise errors.WRONG_TYPE(
            command="bulkWrite", field=f"nsInfo.{position}", actual=alias(info), expected="type 'object'"
        )
    values = parse_fields("bulkWrite.nsInfo", info, NAMESPACE_FIELDS, generic={})
    return values["ns"], parse_uuid("bulkWrite.nsInfo", "collectionUUID", values["collectionUUID"])


def _addressed(parsed: tuple[Kind, int, Any], infos: Sequence[tuple[str, Any]]) -> Operation:
    """The operation with its namespace.

    errors   BULK_NAMESPACE_INDEX
    """
    kind, place, statement = parsed
    if place >= len(infos):
        raise errors.BULK_NAMESPACE_INDEX(kind=kind, place=place)
    return Operation(kind, infos[place][0], statement)


# Operations


def _parse_operation(position: int, operation: Any) -> tuple[Kind, int, Any]:
    """(kind, place of the namespace in nsInfo, statement) of an element of `ops`: its first field says what it is."""
    if not isinstance(operation, RawBSONDocument):
        raise errors.WRONG_TYPE(
            command="bulkWrite", field=f"ops.{position}", actual=alias(operation), expected="type 'object'"
        )
    kind = next(iter(operation), "")
    if kind == "insert":
        return _parse_insert(operation)
    fields = decode_foreign(bytes(operation.raw))
    if kind == "update":
        values = parse_fields("bulkWrite.ops", fields, UPDATE_FIELDS, generic={})
        _check_objects("arrayFilters", values["arrayFilters"])
        values |= {"q": values["filter"], "u": values["updateMods"], "c": values["constants"]}
        return "update", values["update"], update_statement(values)
    if kind == "delete":
        values = parse_fields("bulkWrite.ops", fields, DELETE_FIELDS, generic={})
        values |= {"q": values["filter"], "limit": 0 if values["multi"] else 1}
        return "delete", values["delete"], delete_statement(values)
    raise errors.UNKNOWN_FIELD(command="bulkWrite.ops", field=kind)


def _parse_insert(operation: RawBSONDocument) -> tuple[Kind, int, bytes]:
    """An insert; its document stays as it is, and is decoded only where a look at the fields does not show all."""
    place, document = operation.get("insert"), operation.get("document")
    if len(operation) != 2 or type(place) is not int or place < 0 or not isinstance(document, RawBSONDocument):
        values = parse_fields("bulkWrite.ops", decode_foreign(bytes(operation.raw)), INSERT_FIELDS, generic={})
        return "insert", values["insert"], encode(values["document"])
    return "insert", place, bytes(document.raw)


def _check_objects(name: str, values: list[Any] | None) -> None:
    """Refuse an array with elements that are no documents.

    errors   WRONG_TYPE
    """
    for position, value in enumerate(values or ()):
        if type(value) is not dict:
            raise errors.WRONG_TYPE(
                command="bulkWrite.ops", field=f"{name}.{position}", actual=alias(value), expected="type 'object'"
            )


# Running them


class Results:
    """What became of the operations so far.

    items    one document for each operation that was tried, in their order; with `errors_only`, for those that failed
    counts   the sums of the reply: nErrors, nInserted, …
    """

    __slots__ = ("_errors_only", "counts", "items")

    def __init__(self, errors_only: bool) -> None:
        self._errors_only = errors_only
        self.items: list[dict[str, Any]] = []
        self.counts = dict.fromkeys(_COUNTS, 0)

    def add(self, kind: Kind, start: int, count: int, reply: WriteReply) -> None:
        """Add the reply to `count` operations of one kind, of which the first is the bulk's operation `start`.

        Updates and deletes come one at a time, since the reply says how many documents they have met.
        """
        counts = self.counts
        if kind == "insert":
            counts["nInserted"] += reply.n
        elif kind == "delete":
            counts["nDeleted"] += reply.n
        else:
            counts["nUpserted"] += len(reply.upserted)
            counts["nMatched"] += reply.n - len(reply.upserted)
            counts["nModified"] += reply.modified or 0
        counts["nErrors"] += len(reply.errors)
        failures = {failure["index"]: failure for failure in reply.errors}
        for position in range(count):
            if position in failures:
                self.items.append(_failed(kind, start + position, failures[position]))
            elif not self._errors_only:
                self.items.append(_done(kind, start + position, reply))


def _done(kind: Kind, index: int, reply: WriteReply) -> dict[str, Any]:
    item: dict[str, Any] = {"ok": 1.0, "idx": index, "n": 1 if kind == "insert" else reply.n}
    if kind == "update":
        item["nModified"] = reply.modified
        if reply.upserted:
            item["upserted"] = {"_id": reply.upserted[0]["_id"]}
    return item


def _failed(kind: Kind, index: int, failure: Mapping[str, Any]) -> dict[str, Any]:
    details = {name: value for name, value in failure.items() if name != "index"}
    item = {"ok": 0.0, "idx": index, **details, "n": 0}
    if kind == "update":
        item["nModified"] = 0
    return item


def run(instance: Instance, request: BulkWriteRequest, context: Context) -> BulkWriteReply:
    """Run the operations in their order.

    errors   none of a single operation: they stand in the results; MAX_TIME_EXPIRED, INTERRUPTED
    """
    interrupt = instance.operation_interrupt(context, request.max_time_ms)
    inner = context._replace(interrupt=interrupt)
    retried: list[int] = []
    results = Results(request.errors_only)
    for start, operations in _batches(request.operations):
        interrupt.check()
        kind, count = operations[0].kind, len(operations)
        try:
            with instance.store.lock:
                check_uuid(instance.store.catalog, operations[0].namespace, request.uuids.get(operations[0].namespace))
            reply = _execute(instance, request, operations, _numbered(inner, start, len(request.operations), count))
        except ServerError as error:
            if context.is_transaction and is_transient(error.code):
                raise
            tried = 1 if request.ordered else count
            failures = [write_error(position, error) for position in range(tried)]
            reply = WriteReply(0, None, [], failures, 0)
        retried += reply.retried
        if context.is_transaction and reply.errors:
            raise_transient(reply.errors[0])
        if request.ordered and reply.errors:
            results.add(kind, start, reply.errors[0]["index"] + 1, reply)
            break
        results.add(kind, start, count, reply)
    cursor = Cursor(BULK_CURSORS, encoded(results.items), interrupt, knows_end=True, session_id=context.session_id)
    size = _ANY_NUMBER if request.batch_size is None else request.batch_size
    if not results.items:
        first = CursorReply(0, BULK_CURSORS, [])
    else:
        first = instance.cursors.first_reply(cursor, size)
    return BulkWriteReply(first, results.counts, tuple(retried))


def _numbered(context: Context, start: int, total: int, count: int) -> Context:
    """The context of `count` of the operations, with their numbers if this is a retryable write.

    errors   STATEMENT_COUNT
    """
    if context.number is None or context.is_transaction:
        return context
    numbers = range(total) if context.statements is None else context.statements
    if type(numbers) is tuple and len(numbers) != total:
        raise STATEMENT_COUNT(actual=len(numbers), expected=total)
    return context._replace(statements=tuple(numbers[start : start + count]))


def _batches(operations: Sequence[Operation]) -> Iterator[tuple[int, Sequence[Operation]]]:
    """(position of the first, operations): neighbouring inserts into one namespace, everything else alone."""
    start = 0
    while start < len(operations):
        end = start + 1
        kind, namespace, _ = operations[start]
        if kind == "insert":
            while end < len(operations) and operations[end][:2] == ("insert", namespace):
                end += 1
        yield start, operations[start:end]
        start = end


def _execute(
    instance: Instance, request: BulkWriteRequest, operations: Sequence[Operation], context: Context
) -> WriteReply:
    kind, namespace, statement = operations[0]
    if kind == "insert":
        documents = [operation.statement for operation in operations]
        inserts = InsertRequest(namespace, documents, request.ordered, request.is_validated)
        return _run(instance, inserts, context, insert.run)
    if kind == "update":
        updates = UpdateRequest(
            namespace, (statement,), request.ordered, request.variables, is_validated=request.is_validated
        )
        return _run(instance, updates, context, update.run)
    deletes = DeleteRequest(namespace, (statement,), request.ordered, request.variables)
    return _run(instance, deletes, context, delete.run)


def _run(
    instance: Instance, request: Any, context: Context, run: Callable[[Instance, Any, Context], WriteReply]
) -> WriteReply:
    if context.number is None or context.is_transaction:
        return run(instance, request, context)
    reply: WriteReply = retryable.run_part(instance, request, context, run)
    return reply


COMMAND = Command("bulkWrite", parse, run, is_admin_only=True, raw_fields=("ops",))
