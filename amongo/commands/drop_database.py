"""dropDatabase: remove every collection of a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.errors import command as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_PROHIBITED = {
    "admin": "Dropping the 'admin' database is prohibited.",
    "local": "Cannot drop 'local' database while replication is active",
}


@dataclass(frozen=True, slots=True)
class DropDatabaseRequest:
    """The database to drop."""

    database: str


def parse(database: str, document: dict[str, Any]) -> DropDatabaseRequest:
    """The request of a `dropDatabase` document, whose value must be 1.

    errors   DROP_DATABASE_TAKES_ONE, ILLEGAL_OPERATION for `admin` and `local`, UNKNOWN_FIELD, WRONG_TYPE,
    MISSING_FIELD
    source   manual, dropDatabase
    """
    parse_fields("dropDatabase", document, {})
    if document["dropDatabase"] is None:
        raise errors.MISSING_FIELD(command="dropDatabase", field="dropDatabase")
    if check("dropDatabase", "dropDatabase", Field("integer"), document["dropDatabase"]) != 1:
        raise errors.DROP_DATABASE_TAKES_ONE()
    if database in _PROHIBITED:
        raise errors.ILLEGAL_OPERATION(message=_PROHIBITED[database])
    return DropDatabaseRequest(database)


def run(instance: Instance, request: DropDatabaseRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}, also when there is no such database."""
    instance.store.drop_database(request.database)
    instance.profiler.forget(request.database)
    return {"ok": 1.0}


COMMAND = Command("dropDatabase", parse, run)
