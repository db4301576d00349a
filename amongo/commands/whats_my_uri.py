"""whatsmyuri: the address that the client has on its side; an embedded client has no socket, so port 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class WhatsMyUriRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> WhatsMyUriRequest:
    """The request of a whatsmyuri document."""
    return WhatsMyUriRequest()


def run(instance: Instance, request: WhatsMyUriRequest, context: Context) -> dict[str, Any]:
    """{you}."""
    return {"you": "127.0.0.1:0" if context.peer is None else context.peer.address, "ok": 1.0}


COMMAND = Command("whatsmyuri", parse, run, is_quick=True)
