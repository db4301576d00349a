"""delete: remove documents from a collection. Source: manual, delete (database command)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.column_upkeep import freshen_columns
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hints import check_hint
from amongo.commands.namespaces import collection_namespace, refuse_profile
from amongo.commands.planning import estimated, plan
from amongo.commands.replies import WriteReply
from amongo.commands.time_series_writes import delete_measurements, written_series
from amongo.commands.variables import NO_VARIABLES, let_variables, runtime_variables
from amongo.commands.views import most_in_view
from amongo.commands.writing import check_batch_count, delete_found, write_error
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.mql.matcher import parse_filter
from amongo.planner import CanonicalQuery, canonical_query, is_exact_id
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode
from amongo.values.numbers import number
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

FIELDS = {
    "deletes": Field("array", required=True),
    "ordered": Field("bool", default=True),
    "let": Field("object"),
    "bypassDocumentValidation": Field("flag", default=False),
    "maxWireVersion": Field("integer"),
    "encryptionInformation": Field("object"),
}

STATEMENT_FIELDS = {
    "q": Field("object", required=True),
    "limit": Field("integer", required=True),
    "collation": Field("object"),
    "hint": Field("hint"),
    "sampleId": Field("uuid"),
}


class DeleteStatement(NamedTuple):
    """One statement of a delete: every match, or the first.

    collation   as it was written; None for that of the collection
    """

    filter: dict[str, Any]
    multi: bool
    hint: Any = None
    collation: dict[str, Any] | None = None


class DeleteRequest(NamedTuple):
    """A delete.

    namespace     "database.collection"
    ordered       end at the first error
    variables     of `let`
    max_time_ms   None for no limit
    """

    namespace: str
    deletes: tuple[DeleteStatement, ...]
    ordered: bool = True
    variables: dict[str, Any] = NO_VARIABLES
    max_time_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> DeleteRequest:
    """The request of a delete command.

    errors   those of `parse_fields`, EMPTY_BATCH, WRONG_TYPE, DELETE_LIMIT
    """
    namespace = collection_namespace(database, document["delete"])
    values = parse_fields("delete", document, FIELDS)
    check_batch_count(len(values["deletes"]))
    statements = tuple(_parse_statement(position, each) for position, each in enumerate(values["deletes"]))
    return DeleteRequest(
        namespace, statements, values["ordered"], let_variables(values["let"]), values.get("maxTimeMS")
    )


def _parse_statement(position: int, statement: Any) -> DeleteStatement:
    if type(statement) is not dict:
        raise errors.WRONG_TYPE(
            command="delete", field=f"deletes.{position}", actual=alias(statement), expected="type 'object'"
        )
    values = parse_fields("delete.deletes", statement, STATEMENT_FIELDS, generic={})
    if values["limit"] not in (0, 1):
        raise errors.DELETE_LIMIT(value=values["limit"])
    return delete_statement(values)


def delete_statement(values: dict[str, Any]) -> DeleteStatement:
    """The statement of parsed fields, those of `STATEMENT_FIELDS`."""
    return DeleteStatement(values["q"], values["limit"] == 0, values["hint"], values["collation"])


def run(instance: Instance, request: DeleteRequest, context: Context) -> WriteReply:
    """Run the statements, one after the other.

    errors   none of a single statement: they stand in the reply's `errors`
    """
    instance.counts["delete"] += len(request.deletes)
    refuse_profile(request.namespace)
    n = sequence = 0
    failures: list[dict[str, Any]] = []
    interrupt = instance.operation_interrupt(context, request.max_time_ms)
    variables = runtime_variables(instance) | request.variables
    for position, statement in enumerate(request.deletes):
        interrupt.check()
        try:
            collection = instance.store.catalog.get(request.namespace)
            query = canonical_query(
                statement.filter,
                variables=variables,
                hint=statement.hint,
                limit=not statement.multi,
                collator=collator_for(asked_collation(statement.collation), collection),
                id_collator=None if collection is None else collection.collator,
            )
            if collection is None:
                count, last = _delete_measurements(instance, request.namespace, statement, variables, interrupt)
            else:
                check_hint(collection, statement.hint)
                count, last = _delete(instance, collection, query, interrupt)
        except ServerError as error:
            failures.append(write_error(position, error))
            if request.ordered:
                break
            continue
        n += count
        sequence = last or sequence
        if instance.attention.is_on:
            command = {"q": statement.filter, "limit": int(not statement.multi)}
            instance.profiler.end_statement("remove", command, {"ndeleted": number(count)})
    freshen_columns(instance, request.namespace, n, interrupt)
    return WriteReply(n, None, [], failures, sequence)


def _delete(instance: Instance, collection: Collection, query: CanonicalQuery, interrupt: Interrupt) -> tuple[int, int]:
    """(documents deleted, last commit) of one statement; a commit holds up to 1000 documents."""
    rows = plan(instance, query, collection).rows(instance.store, interrupt)

    def still_matches(raw: bytes) -> bool:
        return query.matches is None or query.matches(decode(raw))

    return delete_found(
        instance.store, collection, ((row.record_id, row.raw) for row in rows), still_matches, interrupt
    )


def _delete_measurements(
    instance: Instance, namespace: str, statement: DeleteStatement, variables: dict[str, Any], interrupt: Interrupt
) -> tuple[int, int]:
    """(measurements deleted, last commit) of one statement on what is no collection.

    errors   IS_A_VIEW
    """
    series = written_series(instance.store.catalog, namespace)
    if series is None:
        return 0, 0
    collator = collator_for(asked_collation(statement.collation), series)
    matches = parse_filter(statement.filter, variables=variables, collator=collator).bind()
    done = delete_measurements(instance, series, matches, interrupt, multi=statement.multi)
    return done.modified, done.sequence


def examines(instance: Instance, request: DeleteRequest) -> int:
    """How many documents the delete looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return len(request.deletes) + most_in_view(instance.store.catalog, request.namespace)
    found = sum(_looks_at(instance, request, collection, each) for each in request.deletes)
    return found * collection.reads_per_write


def _looks_at(instance: Instance, request: DeleteRequest, collection: Collection, statement: DeleteStatement) -> int:
    if is_exact_id(statement.filter, bool(statement.collation)):
        return 1
    return estimated(
        instance,
        collection,
        statement.filter,
        hint=statement.hint,
        variables=request.variables,
        collation=statement.collation,
        limit=0 if statement.multi else 1,
    )


COMMAND = Command("delete", parse, run)
