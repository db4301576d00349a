"""connectionStatus: who the client has shown itself to be, and what it may do; in process it is nobody, and may do all.
Source: manual, connectionStatus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.privileges import joined
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
    access = instance.access
    users = () if context.peer is None else access.users_of(context.peer)
    granted = [name for user in users for name in user.roles]
    authentication: dict[str, Any] = {
        "authenticatedUsers": [user.name.document() for user in users],
        "authenticatedUserRoles": [name.document() for name in access.roles.inherited(granted)],
    }
    if request.shows_privileges:
        privileges = joined(access.roles.privileges(granted))
        authentication["authenticatedUserPrivileges"] = [each.document() for each in privileges]
    return {"authInfo": authentication, "ok": 1.0}


COMMAND = Command("connectionStatus", parse, run, is_quick=True)
