"""setParameter: set a parameter of the running server. Source: manual, setParameter.

Those that can be set here are about the log, which amongo does not write, and the life of transactions: they are kept
as long as the instance is open, and getParameter shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS, to_integer, truth
from amongo.commands.get_parameter import PARAMETERS, SETTABLE, value_of
from amongo.commands.transaction_fields import LIFETIME
from amongo.errors import command as errors
from amongo.errors import diagnosis
from amongo.values.numbers import number
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class SetParameterRequest:
    """What is set.

    values   by name, as they will be shown
    """

    values: Mapping[str, Any]


def parse(database: str, document: dict[str, Any]) -> SetParameterRequest:
    """The request of a setParameter document: parameters and their values.

    errors   NO_PARAMETER_TO_SET, UNKNOWN_PARAMETER, PARAMETER_NOT_SETTABLE, BAD_VALUE
    """
    asked = {name: value for name, value in document.items() if name != "setParameter" and name not in GENERIC_FIELDS}
    if not asked:
        raise diagnosis.NO_PARAMETER_TO_SET()
    for name in asked:
        if name not in PARAMETERS:
            raise diagnosis.UNKNOWN_PARAMETER(name=name)
        if name not in SETTABLE:
            raise diagnosis.PARAMETER_NOT_SETTABLE(name=name)
    return SetParameterRequest({name: _READERS[name](value) for name, value in asked.items()})


def run(instance: Instance, request: SetParameterRequest, context: Context) -> dict[str, Any]:
    """{was}: the first parameter's value before."""
    was = value_of(instance, next(iter(request.values)))
    instance.parameters.update(request.values)
    if "logLevel" in request.values:
        verbosity = value_of(instance, "logComponentVerbosity")
        instance.parameters["logComponentVerbosity"] = verbosity | {"verbosity": request.values["logLevel"]}
    return {"was": was, "ok": 1.0}


def _quiet(value: Any) -> bool:
    """A boolean: whatever is no number and no boolean counts as true, as on the server."""
    return truth(value) if type(value) is bool or type(value) in NUMERIC_CLASSES else value is not None


def _log_level(value: Any) -> int:
    if type(value) is not bool and type(value) not in NUMERIC_CLASSES:
        raise errors.BAD_VALUE(message="Invalid value for logLevel: it has to be a number")
    level = to_integer(int(value) if type(value) is bool else value)
    if level < 0:
        raise errors.BAD_VALUE(message=f"Invalid value for logLevel: {level}")
    return int(number(level))


def _verbosity(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise errors.BAD_VALUE(message="logComponentVerbosity is not a BSON object")
    shown: dict[str, Any] = {}
    for name, level in value.items():
        if type(level) is dict:
            shown[name] = _verbosity(level)
        elif type(level) in NUMERIC_CLASSES:
            shown[name] = to_integer(level) if name == "verbosity" else {"verbosity": to_integer(level)}
        else:
            raise errors.BAD_VALUE(message=f"Expected {name} to be a number or an object")
    return shown


def _lifetime(value: Any) -> int:
    """Seconds that a transaction may be open, at least one."""
    if type(value) not in NUMERIC_CLASSES:
        raise errors.BAD_VALUE(message=f"Invalid value for {LIFETIME}: it has to be a number")
    seconds = to_integer(value)
    if not 1 <= seconds < 2**31:
        raise errors.BAD_VALUE(message=f"Invalid value for parameter {LIFETIME}: {seconds} is not greater than 0")
    return seconds


def _text(value: Any) -> str:
    if type(value) is not str:
        raise errors.BAD_VALUE(message="Value must be a string")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "automationServiceDescriptor": _text,
    "quiet": _quiet,
    "logLevel": _log_level,
    "logComponentVerbosity": _verbosity,
    LIFETIME: _lifetime,
}

COMMAND = Command("setParameter", parse, run, is_admin_only=True, is_quick=True)
