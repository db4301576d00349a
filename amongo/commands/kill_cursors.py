"""killCursors: close cursors that nobody will read to their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.errors import command as errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"cursors": Field("array", required=True)}


@dataclass(frozen=True, slots=True)
class KillCursorsRequest:
    """The cursors to close.

    namespace    "database.collection" they were opened on; the ids alone decide, as on the server
    cursor_ids   int64 each
    """

    namespace: str
    cursor_ids: tuple[int, ...]


def parse(database: str, document: dict[str, Any]) -> KillCursorsRequest:
    """The request of a `killCursors` document; nulls among the ids are left out.

    errors   COLLECTION_NAME_TYPE, UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD
    source   manual, killCursors
    """
    fields = parse_fields("killCursors", document, FIELDS)
    namespace = collection_namespace(database, document["killCursors"])
    cursor_ids = []
    for position, cursor_id in enumerate(fields["cursors"]):
        if cursor_id is None:
            continue
        if type(cursor_id) is not Int64:
            raise errors.WRONG_TYPE(
                command="killCursors", field=f"cursors.{position}", actual=alias(cursor_id), expected="type 'long'"
            )
        cursor_ids.append(int(cursor_id))
    return KillCursorsRequest(namespace, tuple(cursor_ids))


def run(instance: Instance, request: KillCursorsRequest, context: Context) -> dict[str, Any]:
    """Close the cursors; operations that run for them are interrupted."""
    killed, missing = instance.cursors.kill(list(request.cursor_ids))
    return {
        "cursorsKilled": list(map(Int64, killed)),
        "cursorsNotFound": list(map(Int64, missing)),
        "cursorsAlive": [],
        "cursorsUnknown": [],
        "ok": 1.0,
    }


COMMAND = Command("killCursors", parse, run, is_quick=True)
