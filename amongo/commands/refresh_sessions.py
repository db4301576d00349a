"""refreshSessions: a client says that it will go on to use its sessions, so that they are not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import SessionsRequest, own_session, sessions_parser

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def run(instance: Instance, request: SessionsRequest, context: Context) -> dict[str, Any]:
    """Count the sessions as used now; one that is not known begins.

    errors   TOO_MANY_SESSIONS
    """
    for session_id in request.session_ids:
        instance.sessions.use(own_session(session_id, context.peer))
    return {"ok": 1.0}


COMMAND = Command("refreshSessions", sessions_parser("refreshSessions"), run, is_quick=True)
