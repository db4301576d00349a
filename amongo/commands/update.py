"""update: change documents of a collection. Source: manual, update (database command)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from amongo.aggregate import check_stage_names
from amongo.commands.column_upkeep import freshen_columns
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace, refuse_profile
from amongo.commands.planning import estimated
from amongo.commands.replies import WriteReply
from amongo.commands.variables import NO_VARIABLES, let_variables, runtime_variables
from amongo.commands.views import most_in_view
from amongo.commands.writing import check_batch_count, write_error
from amongo.commands.writing_updates import Done, UpdateTask, update_many, update_one, upsert
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.planner import is_exact_id
from amongo.values.numbers import number
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection

FIELDS = {
    "updates": Field("array", required=True),
    "ordered": Field("bool", default=True),
    "bypassDocumentValidation": Field("flag", default=False),
    "let": Field("object"),
    "maxWireVersion": Field("integer"),
    "bypassEmptyTsReplacement": Field("bool"),
    "encryptionInformation": Field("object"),
}

STATEMENT_FIELDS = {
    "q": Field("object", required=True),
    "u": Field("update", required=True),
    "c": Field("object"),
    "multi": Field("bool", default=False),
    "upsert": Field("bool", default=False),
    "upsertSupplied": Field("bool"),
    "arrayFilters": Field("array"),
    "collation": Field("object"),
    "hint": Field("hint"),
    "sort": Field("object"),
    "sampleId": Field("uuid"),
}


class UpdateStatement(NamedTuple):
    """One statement of an update.

    update         operators, a replacement, or a pipeline (a list)
    multi          change every match, not just the first
    upsert         insert a document if nothing matches
    array_filters  None if there are none
    sort           which match is the first
    constants      variables of an update pipeline beside those of `let`, as values; None if there are none
    collation      as it was written; None for that of the collection
    """

    filter: dict[str, Any]
    update: dict[str, Any] | list[Any]
    multi: bool = False
    upsert: bool = False
    array_filters: list[Any] | None = None
    hint: Any = None
    sort: dict[str, Any] | None = None
    constants: dict[str, Any] | None = None
    collation: dict[str, Any] | None = None


class UpdateRequest(NamedTuple):
    """An update.

    namespace     "database.collection"
    ordered       end at the first error
    variables     of `let`
    max_time_ms   None for no limit
    is_validated  documents have to pass the collection's validator
    """

    namespace: str
    updates: tuple[UpdateStatement, ...]
    ordered: bool = True
    variables: dict[str, Any] = NO_VARIABLES
    max_time_ms: int | None = None
    is_validated: bool = True


def parse(database: str, document: dict[str, Any]) -> UpdateRequest:
    """The request of an update command.

    errors   those of `parse_fields`, EMPTY_BATCH, WRONG_TYPE
    """
    namespace = collection_namespace(database, document["update"])
    values = parse_fields("update", document, FIELDS)
    check_batch_count(len(values["updates"]))
    statements = tuple(_parse_statement(position, each) for position, each in enumerate(values["updates"]))
    return UpdateRequest(
        namespace,
        statements,
        values["ordered"],
        let_variables(values["let"]),
        values.get("maxTimeMS"),
        not values["bypassDocumentValidation"],
    )


def _parse_statement(position: int, statement: Any) -> UpdateStatement:
    if type(statement) is not dict:
        raise errors.WRONG_TYPE(
            command="update", field=f"updates.{position}", actual=alias(statement), expected="type 'object'"
        )
    return update_statement(parse_fields("update.updates", statement, STATEMENT_FIELDS, generic={}))


def update_statement(values: dict[str, Any]) -> UpdateStatement:
    """The statement of parsed fields, those of `STATEMENT_FIELDS`."""
    return UpdateStatement(
        values["q"],
        values["u"],
        values["multi"],
        values["upsert"],
        values["arrayFilters"],
        values["hint"],
        values["sort"],
        values["c"],
        values["collation"],
    )


def run(instance: Instance, request: UpdateRequest, context: Context) -> WriteReply:
    """Run the statements, one after the other.

    errors   those of `check_stage_names`; none else of a single statement: they stand in the reply's `errors`
    """
    instance.counts["update"] += len(request.updates)
    refuse_profile(request.namespace)
    for each in request.updates:
        if type(each.update) is list:
            check_stage_names(each.update)
    n = modified = sequence = 0
    upserted: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    interrupt = instance.operation_interrupt(context, request.max_time_ms)
    variables = runtime_variables(instance) | request.variables
    for position, statement in enumerate(request.updates):
        interrupt.check()
        try:
            task = UpdateTask.parse(
                instance, request.namespace, statement, variables, interrupt, is_validated=request.is_validated
            )
            done = update_many(task) if statement.multi else update_one(task)
            if not done.matched and statement.upsert:
                done, document = upsert(task)
                if document is not None:
                    upserted.append({"index": position, "_id": document["_id"]})
        except ServerError as error:
            failures.append(write_error(position, error))
            if request.ordered:
                break
            continue
        n += done.matched
        modified += done.modified
        sequence = done.sequence or sequence
        if instance.attention.is_on:
            _tell(instance, statement, done, is_upsert=bool(upserted and upserted[-1]["index"] == position))
    freshen_columns(instance, request.namespace, modified, interrupt)
    return WriteReply(n, modified, upserted, failures, sequence)


def _tell(instance: Instance, statement: UpdateStatement, done: Done, *, is_upsert: bool) -> None:
    """Tell the profiler of a statement that has been run."""
    command = {"q": statement.filter, "u": statement.update, "multi": statement.multi, "upsert": statement.upsert}
    matched = 0 if is_upsert else done.matched
    counts = {"nMatched": number(matched), "nModified": number(done.modified)}
    if is_upsert:
        counts |= {"upsert": True, "nUpserted": 1}
    instance.profiler.end_statement("update", command, counts)


def examines(instance: Instance, request: UpdateRequest) -> int:
    """How many documents the update looks at, at most."""
    collection = instance.store.catalog.get(request.namespace)
    if collection is None:
        return len(request.updates) + most_in_view(instance.store.catalog, request.namespace)
    found = sum(_looks_at(instance, request, collection, each) for each in request.updates)
    return found * collection.reads_per_write


def _looks_at(instance: Instance, request: UpdateRequest, collection: Collection, statement: UpdateStatement) -> int:
    if is_exact_id(statement.filter, bool(statement.collation)):
        return 1
    return estimated(
        instance,
        collection,
        statement.filter,
        sort=statement.sort,
        hint=statement.hint,
        variables=request.variables,
        collation=statement.collation,
        limit=0 if statement.multi else 1,
    )


COMMAND = Command("update", parse, run)
