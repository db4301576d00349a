"""revokeRolesFromRole: a role inherits these no more. Source: manual, revokeRolesFromRole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.access.role_changes import (
    RoleRequest,
    change_role,
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
    "revokeRolesFromRole": Field("string", required=True, refuses_null=True),
    "roles": Field("array", required=True),
}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a revokeRolesFromRole document.

    errors   those of `parse_fields`, `parse_changed_role`, `parse_given_roles`
    """
    fields = parse_fields("revokeRolesFromRole", document, FIELDS)
    name = parse_changed_role("revokeRolesFromRole", database, document)
    return RoleRequest(name, roles=parse_given_roles("revokeRolesFromRole", database, fields["roles"]))


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   ROLE_NOT_FOUND, NO_SUCH_ROLE
    """
    access, revoked = instance.access, request.roles or ()
    access.roles.check_exist(revoked)

    def changed(role: Role) -> Role:
        return with_roles(role, (each for each in role.roles if each not in revoked))

    change_role(access, request.name, changed)
    return {"ok": 1.0}


COMMAND = Command("revokeRolesFromRole", parse, run)
