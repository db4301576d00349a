"""dropRole: a role is no more, and nobody has it. Source: manual, dropRole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.access.role_changes import RoleRequest, drop_roles, parse_changed_role
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import roles as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"dropRole": Field("string", required=True, refuses_null=True)}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a dropRole document.

    errors   those of `parse_fields` and `parse_changed_role`
    """
    parse_fields("dropRole", document, FIELDS)
    return RoleRequest(parse_changed_role("dropRole", database, document))


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   NO_SUCH_ROLE
    """
    if not drop_roles(instance.access, request.name.__eq__):
        raise errors.NO_SUCH_ROLE(role=request.name)
    return {"ok": 1.0}


COMMAND = Command("dropRole", parse, run)
