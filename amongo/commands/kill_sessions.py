"""killSessions: end what some sessions have under way: operations, cursors, transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import kill_work, parse_sessions

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class KillSessionsRequest:
    """The sessions to kill; none stands for all, since there is one user.

    session_ids   16 bytes each
    """

    session_ids: frozenset[bytes]


def parse(database: str, document: dict[str, Any]) -> KillSessionsRequest:
    """The request of a `killSessions` document: an array of {id: UUID}.

    errors   those of `parse_sessions`
    source   manual, killSessions
    """
    return KillSessionsRequest(frozenset(parse_sessions("killSessions", document)))


def run(instance: Instance, request: KillSessionsRequest, context: Context) -> dict[str, Any]:
    """End what they have under way; the sessions themselves can be used again."""
    wanted = request.session_ids
    kill_work(instance, lambda session_id: not wanted or session_id in wanted, context.interrupt)
    return {"ok": 1.0}


COMMAND = Command("killSessions", parse, run)
