"""createRole: a role of the database. Source: manual, createRole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.access.builtin_roles import built_in_privileges
from amongo.commands.access.names import EXTERNAL, parse_role, parse_roles
from amongo.commands.access.privileges import parse_privileges
from amongo.commands.access.restrictions import parse_restrictions
from amongo.commands.access.role_changes import RoleRequest, check_inherited, check_privileges
from amongo.commands.access.roles import role_document
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import roles as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "createRole": Field("string", required=True, refuses_null=True),
    "privileges": Field("array", required=True),
    "roles": Field("array", required=True),
    "authenticationRestrictions": Field("array"),
}


def parse(database: str, document: dict[str, Any]) -> RoleRequest:
    """The request of a createRole document.

    errors   those of `parse_fields`, `parse_role`, `parse_roles`, `parse_privileges` and `parse_restrictions`;
             NAME_IS_EMPTY, ROLES_NOT_HERE, NAME_IS_BUILT_IN, PRIVILEGES_ELSEWHERE
    """
    fields = parse_fields("createRole", document, FIELDS)
    name = parse_role("createRole", "createRole", database, fields["createRole"])
    if not name.role:
        raise errors.NAME_IS_EMPTY()
    if database in ("local", EXTERNAL):
        raise errors.ROLES_NOT_HERE(database=database)
    if built_in_privileges(name) is not None:
        raise errors.NAME_IS_BUILT_IN()
    privileges = parse_privileges(fields["privileges"])
    check_privileges(name, privileges)
    restrictions = parse_restrictions("createRole", fields["authenticationRestrictions"] or ())
    return RoleRequest(
        name, privileges, parse_roles("createRole", "roles", database, fields["roles"]), tuple(restrictions)
    )


def run(instance: Instance, request: RoleRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   those of `check_inherited`; ROLE_EXISTS
    """
    roles, inherited = instance.access.roles, request.roles or ()
    check_inherited(roles, request.name, inherited)
    document = role_document(request.name, request.privileges or (), inherited, request.restrictions or ())
    if not roles.insert(document):
        raise errors.ROLE_EXISTS(role=request.name)
    return {"ok": 1.0}


COMMAND = Command("createRole", parse, run)
