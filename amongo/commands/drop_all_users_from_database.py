"""dropAllUsersFromDatabase: a database has no users any more. Source: manual, dropAllUsersFromDatabase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class DropAllUsersFromDatabaseRequest:
    """Whose users."""

    database: str


def parse(database: str, document: dict[str, Any]) -> DropAllUsersFromDatabaseRequest:
    """The request of a dropAllUsersFromDatabase document.

    errors   those of `parse_fields`
    """
    parse_fields("dropAllUsersFromDatabase", document, {})
    return DropAllUsersFromDatabaseRequest(database)


def run(instance: Instance, request: DropAllUsersFromDatabaseRequest, context: Context) -> dict[str, Any]:
    """{n}: how many they were."""
    return {"n": instance.access.users.remove_where(lambda user: user.get("db") == request.database), "ok": 1.0}


COMMAND = Command("dropAllUsersFromDatabase", parse, run)
