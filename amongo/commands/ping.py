"""ping: does anybody answer?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class PingRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> PingRequest:
    """The request of a `ping` document; the value of its first field does not matter.

    errors   UNKNOWN_FIELD
    source   manual, ping
    """
    parse_fields("ping", document, {})
    return PingRequest()


def run(instance: Instance, request: PingRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}."""
    return {"ok": 1.0}


COMMAND = Command("ping", parse, run, is_quick=True)
