"""killSessions: end what some sessions have under way: operations, cursors, transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.sessions import client_digest, kill_work, own_session, parse_sessions, user_of

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class KillSessionsRequest:
    """The sessions to kill; none stands for all of the client's user.

    session_ids   16 bytes each, with the digest of another user behind them where one is named
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
    wanted = {own_session(each, context.peer) for each in request.session_ids}
    own = client_digest(context.peer)

    def is_meant(session_id: bytes) -> bool:
        return session_id in wanted if wanted else user_of(session_id) == own

    kill_work(instance, is_meant, context.interrupt)
    return {"ok": 1.0}


COMMAND = Command("killSessions", parse, run)
