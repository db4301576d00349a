"""replSetMaintenance: put a secondary into maintenance. Source: manual, replSetMaintenance."""

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
class ReplSetMaintenanceRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> ReplSetMaintenanceRequest:
    """The request of a replSetMaintenance document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("replSetMaintenance", document, {})
    return ReplSetMaintenanceRequest()


def run(instance: Instance, request: ReplSetMaintenanceRequest, context: Context) -> dict[str, Any]:
    """Never: this member is the primary.

    errors   NOT_A_SECONDARY
    """
    raise errors.NOT_A_SECONDARY(message="primaries cannot modify maintenance mode")


COMMAND = Command("replSetMaintenance", parse, run, is_admin_only=True, is_quick=True)
