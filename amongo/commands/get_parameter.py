"""getParameter: settings of the server that a client may want to know; see `server_parameters`.

Source: manual, getParameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS, Field, parse_fields
from amongo.commands.server_parameters import PARAMETERS, value_of
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

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
    set_at = options["setAt"]
    if set_at not in (None, *_TIMES):
        raise errors.NOT_ENUMERATED(value=set_at, field="getParameter.setAt")
    if first == "*" or options["allParameters"]:
        names = tuple(PARAMETERS)
    else:
        names = tuple(name for name in document if name in PARAMETERS and name not in GENERIC_FIELDS)
        if not names:
            raise errors.NO_PARAMETER()
    if set_at is not None:
        names = tuple(name for name in names if _is_settable(name, set_at))
    return GetParameterRequest(names, options["showDetails"])


def run(instance: Instance, request: GetParameterRequest, context: Context) -> dict[str, Any]:
    """{name: value}."""
    reply: dict[str, Any] = {}
    for name in request.names:
        value = value_of(instance, name)
        if request.shows_details:
            details = {f"settableAt{each.title()}": _is_settable(name, each) for each in ("runtime", "startup")}
            value = {"value": value, **details}
        reply[name] = value
    reply["ok"] = 1.0
    return reply


def _is_settable(name: str, when: str) -> bool:
    """Whether a parameter can be set at the start of a server, or while it runs."""
    parameter = PARAMETERS[name]
    return parameter.at_startup if when == "startup" else parameter.read is not None


COMMAND = Command("getParameter", parse, run, is_admin_only=True, is_quick=True)
