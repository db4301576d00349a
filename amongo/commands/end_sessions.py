"""endSessions: a client says which of its sessions it will not use again; their cursors are closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.errors import command as errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_SESSION_FIELDS = {"id": Field("uuid", required=True), "uid": Field()}


@dataclass(frozen=True, slots=True)
class EndSessionsRequest:
    """The sessions to end.

    session_ids   16 bytes each
    """

    session_ids: tuple[bytes, ...]


def parse(database: str, document: dict[str, Any]) -> EndSessionsRequest:
    """The request of an `endSessions` document: an array of {id: UUID}.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, INVALID_UUID
    source   manual, endSessions
    """
    parse_fields("endSessions", document, {})
    sessions = check("endSessions", "endSessions", Field("array"), document["endSessions"])
    return EndSessionsRequest(tuple(map(_session_id, sessions)))


def run(instance: Instance, request: EndSessionsRequest, context: Context) -> dict[str, Any]:
    """Close the sessions' cursors; a session that is not known is nothing to complain about."""
    for session_id in request.session_ids:
        instance.cursors.kill_session(session_id)
        instance.sessions.end(session_id)
    return {"ok": 1.0}


def _session_id(session: Any) -> bytes:
    if type(session) is not dict:
        raise errors.WRONG_TYPE(
            command="endSessions", field="endSessions", actual=alias(session), expected="type 'object'"
        )
    identity = parse_fields("endSessions", session, _SESSION_FIELDS, generic={})["id"]
    if type(identity) is not Binary or identity.subtype != 4 or len(identity) != 16:
        raise errors.INVALID_UUID(message="uuid must be a 16-byte binary field with UUID (4) subtype")
    return bytes(identity)


COMMAND = Command("endSessions", parse, run, is_quick=True)
