"""endSessions: a client says which of its sessions it will not use again; what they have open is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import SessionsRequest, own_session, sessions_parser

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def run(instance: Instance, request: SessionsRequest, context: Context) -> dict[str, Any]:
    """End the sessions; one that is not known is nothing to complain about."""
    instance.sessions.end(own_session(each, context.peer) for each in request.session_ids)
    return {"ok": 1.0}


COMMAND = Command("endSessions", sessions_parser("endSessions"), run)
