"""dropUser: a user is no more; who is connected as it is nobody from then on. Source: manual, dropUser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import UserName, parse_user
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"dropUser": Field("string", required=True, refuses_null=True)}


@dataclass(frozen=True, slots=True)
class DropUserRequest:
    """Which user."""

    name: UserName


def parse(database: str, document: dict[str, Any]) -> DropUserRequest:
    """The request of a dropUser document.

    errors   those of `parse_fields`, `parse_user`
    """
    fields = parse_fields("dropUser", document, FIELDS)
    return DropUserRequest(parse_user("dropUser", "dropUser", database, fields["dropUser"]))


def run(instance: Instance, request: DropUserRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   NO_SUCH_USER
    """
    if not instance.access.users.remove(request.name.id):
        raise errors.NO_SUCH_USER(name=request.name)
    return {"ok": 1.0}


COMMAND = Command("dropUser", parse, run)
