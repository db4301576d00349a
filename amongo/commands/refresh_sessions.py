"""refreshSessions: a client says that it will go on to use its sessions, so that they are not forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import parse_sessions

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class RefreshSessionsRequest:
    """The sessions to keep.

    session_ids   16 bytes each
    """

    session_ids: tuple[bytes, ...]


def parse(database: str, document: dict[str, Any]) -> RefreshSessionsRequest:
    """The request of a `refreshSessions` document: an array of {id: UUID}.

    errors   those of `parse_sessions`
    source   manual, refreshSessions
    """
    return RefreshSessionsRequest(parse_sessions("refreshSessions", document))


def run(instance: Instance, request: RefreshSessionsRequest, context: Context) -> dict[str, Any]:
    """Count the sessions as used now; one that is not known begins.

    errors   TOO_MANY_SESSIONS
    """
    for session_id in request.session_ids:
        instance.sessions.use(session_id)
    return {"ok": 1.0}


COMMAND = Command("refreshSessions", parse, run, is_quick=True)
