"""getLog: the latest lines of the log, as JSON; see `runtime.journal`. Source: manual, getLog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.errors import command as errors
from amongo.values.numbers import number
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_NAMES: Final = ("global", "startupWarnings")


@dataclass(frozen=True, slots=True)
class GetLogRequest:
    """Which log is shown.

    name   "*" for the names of the logs
    """

    name: str


def parse(database: str, document: dict[str, Any]) -> GetLogRequest:
    """The request of a getLog document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, OPERATION_FAILED for a name that is not known
    """
    parse_fields("getLog", document, {})
    name = document["getLog"]
    if type(name) is not str:
        raise errors.WRONG_TYPE(command="getLog", field="getLog", actual=alias(name), expected="type 'string'")
    if name != "*" and name not in _NAMES:
        raise errors.OPERATION_FAILED(message=f"No log named '{name}'")
    return GetLogRequest(name)


def run(instance: Instance, request: GetLogRequest, context: Context) -> dict[str, Any]:
    """{totalLinesWritten, log}, or {names}."""
    if request.name == "*":
        return {"names": list(_NAMES), "ok": 1.0}
    journal = instance.journal
    if request.name == "global":
        return {"totalLinesWritten": number(journal.written), "log": journal.lines, "ok": 1.0}
    warnings = list(journal.warnings)
    return {"totalLinesWritten": len(warnings), "log": warnings, "ok": 1.0}


COMMAND = Command("getLog", parse, run, is_admin_only=True, is_quick=True)
