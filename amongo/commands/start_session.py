"""startSession: a session with a new id. (Clients may as well make the id themselves, and drivers do.)"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.commands.sessions import own_session
from amongo.runtime.limits import SESSION_IDLE_MINUTES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class StartSessionRequest:
    """There is nothing to choose."""


def parse(database: str, document: dict[str, Any]) -> StartSessionRequest:
    """The request of a `startSession` document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    source   manual, startSession
    """
    parse_fields("startSession", document, {})
    return StartSessionRequest()


def run(instance: Instance, request: StartSessionRequest, context: Context) -> dict[str, Any]:
    """{id: {id: UUID}, timeoutMinutes}.

    errors   TOO_MANY_SESSIONS
    """
    session_id = uuid.uuid4().bytes
    instance.sessions.use(own_session(session_id, context.peer))
    return {"id": {"id": Binary(session_id, 4)}, "timeoutMinutes": SESSION_IDLE_MINUTES, "ok": 1.0}


COMMAND = Command("startSession", parse, run, is_quick=True)
