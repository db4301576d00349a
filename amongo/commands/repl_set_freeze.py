"""replSetFreeze: keep a secondary from becoming the primary. Source: manual, replSetFreeze."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ReplSetFreezeRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> ReplSetFreezeRequest:
    """The request of a replSetFreeze document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("replSetFreeze", document, {})
    return ReplSetFreezeRequest()


def run(instance: Instance, request: ReplSetFreezeRequest, context: Context) -> dict[str, Any]:
    """Never: this member is the primary.

    errors   NOT_A_SECONDARY
    """
    raise errors.NOT_A_SECONDARY(message="cannot freeze node when primary or running for election. state: Primary")


COMMAND = Command("replSetFreeze", parse, run, is_admin_only=True, is_quick=True)
