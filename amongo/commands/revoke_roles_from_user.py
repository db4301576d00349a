"""revokeRolesFromUser: a user has some roles no more. Source: manual, revokeRolesFromUser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.grant_roles_to_user import RolesOfUserRequest, change_roles, parse_roles_of_user

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def parse(database: str, document: dict[str, Any]) -> RolesOfUserRequest:
    """The request of a revokeRolesFromUser document.

    errors   those of `parse_roles_of_user`
    """
    return parse_roles_of_user("revokeRolesFromUser", database, document)


def run(instance: Instance, request: RolesOfUserRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   those of `change_roles`
    """
    return change_roles(instance, request, lambda roles: [each for each in roles if each not in request.roles])


COMMAND = Command("revokeRolesFromUser", parse, run)
