"""cleanupOrphaned: delete what belongs to another shard. This node is no shard. Source: manual, cleanupOrphaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class CleanupOrphanedRequest:
    """Nothing of it is looked at: the server says first that it is no shard."""


def parse(database: str, document: dict[str, Any]) -> CleanupOrphanedRequest:
    """The request of a cleanupOrphaned document."""
    return CleanupOrphanedRequest()


def run(instance: Instance, request: CleanupOrphanedRequest, context: Context) -> dict[str, Any]:
    """Never.

    errors   NOT_A_SHARD
    """
    raise errors.NOT_A_SHARD()


COMMAND = Command("cleanupOrphaned", parse, run, is_admin_only=True, is_quick=True)
