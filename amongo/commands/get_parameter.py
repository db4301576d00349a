"""getParameter: settings of the server that a client may want to know. Source: manual, getParameter.

amongo has the settings that say something about it; see `set_parameter` for those that can be set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS, Field, parse_fields
from amongo.commands.transaction_fields import LIFETIME
from amongo.errors import command as errors
from amongo.runtime import limits

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

PARAMETERS: Final[Mapping[str, Any]] = {
    "allowDiskUseByDefault": True,
    "authenticationMechanisms": [],
    "automationServiceDescriptor": "",
    "cursorTimeoutMillis": limits.CURSOR_IDLE_MS,
    "enableTestCommands": False,
    "featureCompatibilityVersion": {"version": "8.0"},
    "localLogicalSessionTimeoutMinutes": limits.SESSION_IDLE_MINUTES,
    "logComponentVerbosity": {"verbosity": 0},
    "logLevel": 0,
    "maxSessions": limits.OPEN_SESSIONS,
    "quiet": False,
    LIFETIME: limits.TRANSACTION_LIFETIME_S,
}

SETTABLE: Final = frozenset({"automationServiceDescriptor", "logComponentVerbosity", "logLevel", "quiet", LIFETIME})
"""Those that can be set: at the server's start, and while it runs."""

_OPTIONS: Final = {
    "showDetails": Field("flag", default=False),
    "allParameters": Field("flag", default=False),
    "setAt": Field("string"),
}
_TIMES: Final = ("startup", "runtime")


@dataclass(frozen=True, slots=True)
class GetParameterRequest:
    """Which parameters are shown.

    names          those asked for that there are
    shows_details  with {value, settableAtRuntime, settableAtStartup}
    """

    names: tuple[str, ...]
    shows_details: bool = False


def parse(database: str, document: dict[str, Any]) -> GetParameterRequest:
    """The request of a getParameter command: names of parameters, or "*", or {allParameters: true}.

    errors   NO_PARAMETER, UNKNOWN_FIELD, WRONG_TYPE, BAD_VALUE for `setAt`
    """
    first = document["getParameter"]
    options = parse_fields("getParameter", first if type(first) is dict else {}, _OPTIONS, generic={})
    if options["setAt"] not in (None, *_TIMES):
        raise errors.NOT_ENUMERATED(value=options["setAt"], field="getParameter.setAt")
    if first == "*" or options["allParameters"]:
        names = tuple(PARAMETERS)
    else:
        names = tuple(name for name in document if name in PARAMETERS and name not in GENERIC_FIELDS)
        if not names:
            raise errors.NO_PARAMETER()
    if options["setAt"] is not None:
        names = tuple(name for name in names if name in SETTABLE)
    return GetParameterRequest(names, options["showDetails"])


def run(instance: Instance, request: GetParameterRequest, context: Context) -> dict[str, Any]:
    """{name: value}."""
    reply: dict[str, Any] = {}
    for name in request.names:
        value = value_of(instance, name)
        if request.shows_details:
            is_settable = name in SETTABLE
            value = {"value": value, "settableAtRuntime": is_settable, "settableAtStartup": is_settable}
        reply[name] = value
    reply["ok"] = 1.0
    return reply


def value_of(instance: Instance, name: str) -> Any:
    """The value of a parameter now."""
    return instance.parameters.get(name, PARAMETERS[name])


COMMAND = Command("getParameter", parse, run, is_admin_only=True, is_quick=True)
