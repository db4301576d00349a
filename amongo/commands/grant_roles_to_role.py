"""grantRolesToRole: a role inherits further roles. Source: manual, grantRolesToRole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.access.role_changes import (
    RoleRequest,
    change_role,
    check_inherited,
    parse_changed_role,
    parse_given_roles,
    with_roles,
)
from amongo.commands.access.roles import Role
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "grantRolesToRole": Field("string", required=True, refuses_null=True),
    "roles": Field("array", required=True),
}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a grantRolesToRole document.

    errors   those of `parse_fields`, `parse_changed_role`, `parse_given_roles`
    """
    fields = parse_fields("grantRolesToRole", document, FIELDS)
    name = parse_changed_role("grantRolesToRole", database, document)
    return RoleRequest(name, roles=parse_given_roles("grantRolesToRole", database, fields["roles"]))


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   those of `check_inherited`; NO_SUCH_ROLE
    """
    access, granted = instance.access, request.roles or ()

    def changed(role: Role) -> Role:
        check_inherited(access.roles, request.name, granted)
        return with_roles(role, (*role.roles, *granted))

    change_role(access, request.name, changed)
    return {"ok": 1.0}


COMMAND = Command("grantRolesToRole", parse, run)
