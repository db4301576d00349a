"""grantRolesToUser: a user has further roles. Source: manual, grantRolesToUser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import RoleName, UserName, parse_roles, parse_user
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class RolesOfUserRequest:
    """Which roles of which user."""

    name: UserName
    roles: tuple[RoleName, ...]


def parse(database: str, document: dict[str, Any]) -> RolesOfUserRequest:
    """The request of a grantRolesToUser document.

    errors   those of `parse_roles_of_user`
    """
    return parse_roles_of_user("grantRolesToUser", database, document)


def parse_roles_of_user(command: str, database: str, document: dict[str, Any]) -> RolesOfUserRequest:
    """The request of a command {<command>: user, roles}.

    errors   those of `parse_fields`, `parse_user` and `parse_roles`; NO_ROLES
    """
    named = {command: Field("string", required=True, refuses_null=True), "roles": Field("array", required=True)}
    fields = parse_fields(command, document, named)
    if not fields["roles"]:
        raise errors.NO_ROLES(command=command)
    name = parse_user(command, command, database, fields[command])
    return RolesOfUserRequest(name, parse_roles(command, "roles", database, fields["roles"]))


def run(instance: Instance, request: RolesOfUserRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   those of `change_roles`
    """
    return change_roles(instance, request, lambda roles: list(dict.fromkeys((*roles, *request.roles))))


def change_roles(
    instance: Instance, request: RolesOfUserRequest, changed: Callable[[list[RoleName]], list[RoleName]]
) -> dict[str, Any]:
    """Give a user other roles.

    changed   the roles that it has -> those that it shall have
    errors    ROLE_NOT_FOUND, USER_NOT_FOUND_FOR_ROLES
    """
    instance.access.roles.check_exist(request.roles)
    name = request.name

    def with_roles(document: dict[str, Any]) -> dict[str, Any]:
        roles = changed([RoleName(each["role"], each["db"]) for each in document["roles"]])
        return document | {"roles": [each.document() for each in roles]}

    if not instance.access.users.change(name.id, with_roles):
        raise errors.USER_NOT_FOUND_FOR_ROLES(user=name.user, database=name.database)
    return {"ok": 1.0}


COMMAND = Command("grantRolesToUser", parse, run)
