"""killAllSessions: end what the sessions of some users, or of all, have under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.commands.sessions import kill_work, parse_user, user_of

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class KillAllSessionsRequest:
    """Whose sessions to kill.

    user_ids   digests of the users; none stands for all
    """

    user_ids: frozenset[bytes]


def parse(database: str, document: dict[str, Any]) -> KillAllSessionsRequest:
    """The request of a `killAllSessions` document: an array of {user, db}.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD
    source   manual, killAllSessions
    """
    name = "killAllSessions"
    parse_fields(name, document, {name: Field("array", required=True)})
    users = check(name, name, Field("array"), document[name])
    return KillAllSessionsRequest(
        frozenset(parse_user(name, f"{name}.{position}", user) for position, user in enumerate(users))
    )


def run(instance: Instance, request: KillAllSessionsRequest, context: Context) -> dict[str, Any]:
    """End what they have under way."""
    wanted = request.user_ids
    kill_work(instance, lambda session_id: not wanted or user_of(session_id) in wanted, context.interrupt)
    return {"ok": 1.0}


COMMAND = Command("killAllSessions", parse, run)
