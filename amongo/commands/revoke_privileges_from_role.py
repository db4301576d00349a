"""revokePrivilegesFromRole: a role has these privileges no more. Source: manual, revokePrivilegesFromRole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amongo.commands.access.privileges import without
from amongo.commands.access.role_changes import RoleRequest, change_role, parse_changed_role, parse_given_privileges
from amongo.commands.access.roles import Role
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "revokePrivilegesFromRole": Field("string", required=True, refuses_null=True),
    "privileges": Field("array", required=True),
}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a revokePrivilegesFromRole document: what is revoked has to name the resource as it was granted.

    errors   those of `parse_fields`, `parse_changed_role`, `parse_given_privileges`
    """
    fields = parse_fields("revokePrivilegesFromRole", document, FIELDS)
    name = parse_changed_role("revokePrivilegesFromRole", database, document)
    return RoleRequest(name, parse_given_privileges("revokePrivilegesFromRole", fields["privileges"]))


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   NO_SUCH_ROLE
    """
    revoked = request.privileges or ()

    def changed(role: Role) -> Role:
        return replace(role, privileges=without(role.privileges, revoked))

    change_role(instance.access, request.name, changed)
    return {"ok": 1.0}


COMMAND = Command("revokePrivilegesFromRole", parse, run)
