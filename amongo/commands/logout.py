"""logout: a client is nobody of this database any more. Source: manual, logout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.login import log_out
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Of whose database the client is a user."""

    database: str


def parse(database: str, document: dict[str, Any]) -> LogoutRequest:
    """The request of a logout document.

    errors   those of `parse_fields`
    """
    parse_fields("logout", document, {})
    return LogoutRequest(database)


def run(instance: Instance, request: LogoutRequest, context: Context) -> dict[str, Any]:
    """{ok}."""
    if context.peer is not None:
        log_out(context.peer, request.database)
    return {"ok": 1.0}


COMMAND = Command("logout", parse, run, is_quick=True)
