"""dropAllRolesFromDatabase: a database has none but the built-in roles. Source: manual, dropAllRolesFromDatabase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.role_changes import drop_roles
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class DropAllRolesRequest:
    """Whose roles."""

    database: str


def parse(database: str, document: dict[str, Any]) -> DropAllRolesRequest:
    """The request of a dropAllRolesFromDatabase document.

    errors   those of `parse_fields`
    """
    parse_fields("dropAllRolesFromDatabase", document, {})
    return DropAllRolesRequest(database)


def run(instance: Instance, request: DropAllRolesRequest, context: Context) -> dict[str, Any]:
    """{n}: how many they were."""
    here = {role.name for role in instance.access.roles.of_database(request.database)}
    return {"n": drop_roles(instance.access, here.__contains__), "ok": 1.0}


COMMAND = Command("dropAllRolesFromDatabase", parse, run)
