"""replSetSyncFrom: let a secondary copy from a certain member. Source: manual, replSetSyncFrom."""

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
class ReplSetSyncFromRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> ReplSetSyncFromRequest:
    """The request of a replSetSyncFrom document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("replSetSyncFrom", document, {})
    return ReplSetSyncFromRequest()


def run(instance: Instance, request: ReplSetSyncFromRequest, context: Context) -> dict[str, Any]:
    """Never: this member is the primary.

    errors   NOT_A_SECONDARY
    """
    raise errors.NOT_A_SECONDARY(message="primaries do not sync")


COMMAND = Command("replSetSyncFrom", parse, run, is_admin_only=True, is_quick=True)
