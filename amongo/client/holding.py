"""Waiting while writes are held up: no thread is held, and nothing has been begun. See `commands.held_writes`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from amongo.commands.instance import Instance
from amongo.commands.parsed_command import ParsedCommand
from amongo.commands.writing_commands import request_writes, writes
from amongo.errors import command as errors
from amongo.runtime.waking import Sleeper


async def admit_request(instance: Instance, request: Any) -> None:
    """Let a request of a hot command go on when it may: at once, but for a write while writes are held up.

    errors   MAX_TIME_EXPIRED
    """
    if instance.held_writes.is_held and request_writes(request):
        await _released(instance, getattr(request, "max_time_ms", None))


async def admit_command(instance: Instance, parsed: ParsedCommand) -> None:
    """The same for a command.

    errors   MAX_TIME_EXPIRED
    """
    document: Mapping[str, Any] = parsed.document
    if instance.held_writes.is_held and writes(parsed.command.name, document):
        limit = document.get("maxTimeMS")
        await _released(instance, int(limit) if isinstance(limit, int | float) else None)


async def _released(instance: Instance, limit_ms: int | None) -> None:
    """Wait until writes are taken again.

    errors   MAX_TIME_EXPIRED
    """
    held = instance.held_writes
    until_s = time.monotonic() + limit_ms / 1000 if limit_ms else None
    while held.is_held:
        left_s = None if until_s is None else until_s - time.monotonic()
        if left_s is not None and left_s <= 0:
            raise errors.MAX_TIME_EXPIRED()
        await Sleeper().sleep(held.released, left_s, lambda: not held.is_held)
