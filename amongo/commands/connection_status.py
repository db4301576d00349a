"""connectionStatus: who is logged in. amongo has no users: nobody is. Source: manual, connectionStatus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"showPrivileges": Field("flag", default=False)}


@dataclass(frozen=True, slots=True)
class ConnectionStatusRequest:
    """Whether privileges are shown."""

    shows_privileges: bool


def parse(database: str, document: dict[str, Any]) -> ConnectionStatusRequest:
    """The request of a connectionStatus command.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    return ConnectionStatusRequest(parse_fields("connectionStatus", document, FIELDS)["showPrivileges"])


def run(instance: Instance, request: ConnectionStatusRequest, context: Context) -> dict[str, Any]:
    """{authInfo}."""
    authentication: dict[str, Any] = {"authenticatedUsers": [], "authenticatedUserRoles": []}
    if request.shows_privileges:
        authentication["authenticatedUserPrivileges"] = []
    return {"authInfo": authentication, "ok": 1.0}


COMMAND = Command("connectionStatus", parse, run, is_quick=True)
