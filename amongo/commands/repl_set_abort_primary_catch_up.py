"""replSetAbortPrimaryCatchUp: let a new primary begin before it has what others have.

Source: manual, replSetAbortPrimaryCatchUp.
"""

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
class ReplSetAbortPrimaryCatchUpRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> ReplSetAbortPrimaryCatchUpRequest:
    """The request of a replSetAbortPrimaryCatchUp document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("replSetAbortPrimaryCatchUp", document, {})
    return ReplSetAbortPrimaryCatchUpRequest()


def run(instance: Instance, request: ReplSetAbortPrimaryCatchUpRequest, context: Context) -> dict[str, Any]:
    """Never: this member is the primary.

    errors   NOT_CATCHING_UP
    """
    raise errors.NOT_CATCHING_UP()


COMMAND = Command("replSetAbortPrimaryCatchUp", parse, run, is_admin_only=True, is_quick=True)
