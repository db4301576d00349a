"""testVersion2: a command that no API version 1 has, by which drivers test how they declare one.

There only where the server was started with test commands. Source: the drivers' specification of the versioned API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class VersionedTestRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> VersionedTestRequest:
    """The request of a testVersion2 document. errors: UNKNOWN_FIELD."""
    parse_fields("testVersion2", document, {})
    return VersionedTestRequest()


def run(instance: Instance, request: VersionedTestRequest, context: Context) -> dict[str, Any]:
    """{hello}."""
    return {"hello": "world", "ok": 1.0}


COMMAND = Command("testVersion2", parse, run, is_quick=True)
