"""listCommands: which commands there are. Source: manual, listCommands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.needs import rule_of
from amongo.commands.command import Command
from amongo.commands.context import Context

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ListCommandsRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> ListCommandsRequest:
    """The request of a listCommands document; as on the server, any further field is let pass."""
    return ListCommandsRequest()


def run(instance: Instance, request: ListCommandsRequest, context: Context) -> dict[str, Any]:
    """{commands: {name: {help, requiresAuth, secondaryOk, adminOnly, apiVersions, deprecatedApiVersions}}}."""
    return {"commands": describe(instance.commands), "ok": 1.0}


def describe(commands: Mapping[str, Command]) -> dict[str, Any]:
    """The commands by name, without their aliases."""
    return {
        command.name: {
            "help": (command.parse.__doc__ or "").partition("\n")[0],
            "requiresAuth": not rule_of(command.name).is_open,
            "secondaryOk": False,
            "adminOnly": command.is_admin_only,
            "apiVersions": [],
            "deprecatedApiVersions": [],
        }
        for name, command in sorted(commands.items())
        if name == command.name
    }


COMMAND = Command("listCommands", parse, run, is_quick=True)
