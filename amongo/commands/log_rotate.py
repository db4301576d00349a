"""logRotate: begin a new log file. Source: manual, logRotate.

amongo keeps the last lines of its log in memory and hands them to Python's `logging`: what makes files of them rotates
them too. What is asked is checked, and noted down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.errors import command as errors
from amongo.errors import diagnosis
from amongo.values.types import NUMERIC_CLASSES, alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_LOGS: Final = ("server", "audit")


@dataclass(frozen=True, slots=True)
class LogRotateRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> LogRotateRequest:
    """The request of a logRotate document: a number or boolean for all logs, or the name of one.

    errors   UNKNOWN_FIELD, WRONG_TYPE, NO_LOG
    """
    parse_fields("logRotate", document, {})
    which = document["logRotate"]
    if type(which) is str:
        if which not in _LOGS:
            raise diagnosis.NO_LOG(name=which)
    elif type(which) is not bool and type(which) not in NUMERIC_CLASSES:
        raise errors.WRONG_TYPE(
            command="logRotate",
            field="logRotate",
            actual=alias(which),
            expected="types '[bool, decimal, double, int, long, string]'",
        )
    return LogRotateRequest()


def run(instance: Instance, request: LogRotateRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`."""
    instance.journal.note("CONTROL", "Log rotation initiated")
    return {"ok": 1.0}


COMMAND = Command("logRotate", parse, run, is_admin_only=True, is_quick=True)
