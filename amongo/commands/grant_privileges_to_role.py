"""grantPrivilegesToRole: a role has further privileges. Source: manual, grantPrivilegesToRole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amongo.commands.access.privileges import joined
from amongo.commands.access.role_changes import (
    RoleRequest,
    change_role,
    check_privileges,
    parse_changed_role,
    parse_given_privileges,
)
from amongo.commands.access.roles import Role
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "grantPrivilegesToRole": Field("string", required=True, refuses_null=True),
    "privileges": Field("array", required=True),
}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a grantPrivilegesToRole document.

    errors   those of `parse_fields`, `parse_changed_role`, `parse_given_privileges`; PRIVILEGES_ELSEWHERE
    """
    fields = parse_fields("grantPrivilegesToRole", document, FIELDS)
    name = parse_changed_role("grantPrivilegesToRole", database, document)
    privileges = parse_given_privileges("grantPrivilegesToRole", fields["privileges"])
    check_privileges(name, privileges)
    return RoleRequest(name, privileges)


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   NO_SUCH_ROLE
    """
    granted = request.privileges or ()

    def changed(role: Role) -> Role:
        return replace(role, privileges=joined((*role.privileges, *granted)))

    change_role(instance.access, request.name, changed)
    return {"ok": 1.0}


COMMAND = Command("grantPrivilegesToRole", parse, run)
