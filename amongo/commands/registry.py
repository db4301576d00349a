"""All commands, by name."""

from __future__ import annotations

from types import ModuleType

from amongo.commands import delete, find, get_more, insert, update
from amongo.commands.command import Command

_MODULES: tuple[ModuleType, ...] = (find, get_more, insert, update, delete)


def _collect(modules: tuple[ModuleType, ...]) -> dict[str, Command]:
    commands: dict[str, Command] = {}
    for module in modules:
        command: Command = module.COMMAND
        for name in (command.name, *command.aliases):
            if name in commands:
                raise RuntimeError(f"two commands are named {name}")
            commands[name] = command
    return commands


COMMANDS: dict[str, Command] = _collect(_MODULES)
