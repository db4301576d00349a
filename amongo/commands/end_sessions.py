"""endSessions: a client says which of its sessions it will not use again; what they have open is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import parse_sessions

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class EndSessionsRequest:
    """The sessions to end.

    session_ids   16 bytes each
    """

    session_ids: tuple[bytes, ...]


def parse(database: str, document: dict[str, Any]) -> EndSessionsRequest:
    """The request of an `endSessions` document: an array of {id: UUID}.

    errors   those of `parse_sessions`
    source   manual, endSessions
    """
    return EndSessionsRequest(parse_sessions("endSessions", document))


def run(instance: Instance, request: EndSessionsRequest, context: Context) -> dict[str, Any]:
    """End the sessions; one that is not known is nothing to complain about."""
    instance.sessions.end(request.session_ids)
    return {"ok": 1.0}


COMMAND = Command("endSessions", parse, run)
