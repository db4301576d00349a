"""updateRole: other privileges, roles or restrictions in the place of those of a role. Source: manual, updateRole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import parse_roles
from amongo.commands.access.privileges import parse_privileges
from amongo.commands.access.restrictions import parse_restrictions
from amongo.commands.access.role_changes import (
    RoleRequest,
    change_role,
    check_inherited,
    check_privileges,
    parse_changed_role,
)
from amongo.commands.access.roles import Role
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import roles as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "updateRole": Field("string", required=True, refuses_null=True),
    "privileges": Field("array"),
    "roles": Field("array"),
    "authenticationRestrictions": Field("array"),
}
_CHANGING = ("privileges", "roles", "authenticationRestrictions")


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of an updateRole document.

    errors   those of `parse_fields`, `parse_changed_role`, `parse_roles`, `parse_privileges` and
             `parse_restrictions`; NOTHING_TO_UPDATE, PRIVILEGES_ELSEWHERE
    """
    fields = parse_fields("updateRole", document, FIELDS)
    name = parse_changed_role("updateRole", database, document)
    if all(fields[each] is None for each in _CHANGING):
        raise errors.NOTHING_TO_UPDATE()
    privileges, roles, restrictions = (fields[each] for each in _CHANGING)
    request = RoleRequest(
        name,
        None if privileges is None else parse_privileges(privileges),
        None if roles is None else parse_roles("updateRole", "roles", database, roles),
        None if restrictions is None else tuple(parse_restrictions("updateRole", restrictions)),
    )
    check_privileges(name, request.privileges or ())
    return request


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   those of `check_inherited`; NO_SUCH_ROLE
    """
    access = instance.access

    def changed(role: Role) -> Role:
        if request.roles is not None:
            check_inherited(access.roles, request.name, request.roles)
        return replace(
            role,
            privileges=role.privileges if request.privileges is None else request.privileges,
            roles=role.roles if request.roles is None else request.roles,
            restrictions=role.restrictions if request.restrictions is None else request.restrictions,
        )

    change_role(access, request.name, changed)
    return {"ok": 1.0}


COMMAND = Command("updateRole", parse, run)
