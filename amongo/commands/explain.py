"""explain: how a command would be run, and what it would look at. Nothing is written. Source: manual, explain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands import aggregate, count, delete, distinct, find, find_and_modify, update
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.explained import ALL_PLANS_EXECUTION, VERBOSITIES, reply
from amongo.commands.explained_pipelines import explain_pipeline
from amongo.commands.explained_reads import explain_count, explain_distinct, explain_find
from amongo.commands.explained_writes import explain_delete, explain_find_and_modify, explain_update
from amongo.commands.fields import Field, parse_fields
from amongo.commands.query_settings import add_settings, under_settings
from amongo.errors import command as errors
from amongo.values.codec import encode

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "explain": Field("object", required=True),
    "verbosity": Field("string", default=ALL_PLANS_EXECUTION),
}

_EXPLAINED: dict[str, tuple[Callable[..., Any], Callable[..., dict[str, Any]]]] = {
    "find": (find.parse, explain_find),
    "count": (count.parse, explain_count),
    "distinct": (distinct.parse, explain_distinct),
    "aggregate": (aggregate.parse, explain_pipeline),
    "update": (update.parse, explain_update),
    "delete": (delete.parse, explain_delete),
    "findAndModify": (find_and_modify.parse, explain_find_and_modify),
    "findandmodify": (find_and_modify.parse, explain_find_and_modify),
}


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """An explain.

    request     of the command that is explained
    command     its document
    verbosity   "queryPlanner", "executionStats" or "allPlansExecution"
    """

    database: str
    request: Any
    command: dict[str, Any]
    verbosity: str
    time_limit_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> ExplainRequest:
    """The request of an explain command.

    errors   those of `parse_fields`, NOT_ENUMERATED, EXPLAIN_UNKNOWN, EXPLAIN_REFUSED, EXPLAIN_DATABASE; those of the
             parser of the command that is explained
    """
    fields = parse_fields("explain", document, FIELDS)
    if fields["verbosity"] not in VERBOSITIES:
        raise errors.NOT_ENUMERATED(value=fields["verbosity"], field="explain.verbosity")
    command = fields["explain"]
    name = next(iter(command), "")
    if name not in _EXPLAINED:
        raise (errors.EXPLAIN_REFUSED if name in _OTHERS else errors.EXPLAIN_UNKNOWN)(name=name)
    if command.get("$db", database) != database:
        raise errors.EXPLAIN_DATABASE(expected=database, actual=command["$db"])
    request = _EXPLAINED[name][0](database, _as_sent(name, command))
    return ExplainRequest(database, request, command, fields["verbosity"], fields.get("maxTimeMS"))


def _as_sent(name: str, command: dict[str, Any]) -> dict[str, Any]:
    """The command as its parser wants it; an aggregate needs no `cursor` here."""
    if name == "aggregate" and "cursor" not in command:
        return {**command, "cursor": {}}
    return command


def run(instance: Instance, request: ExplainRequest, context: Context) -> dict[str, Any]:
    """The plan; with other verbosities than "queryPlanner" also what its execution has counted.

    errors   those of the command's filter, update, hint, …; EXPLAINED_BATCH
    """
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    explain = _EXPLAINED[next(iter(request.command))][1]
    body = explain(instance, under_settings(instance, request.request), request.verbosity, interrupt)
    body = add_settings(instance, request.request, body)
    command = {name: value for name, value in request.command.items() if name != "$db"}
    encode(command)  # it is part of the reply: what cannot be shown is an error of the command, and none of the reply
    return reply(body, request.database, command)


_OTHERS = frozenset({"insert", "explain", "getMore", "create", "drop", "listCollections", "ping", "bulkWrite"})

COMMAND = Command("explain", parse, run)
