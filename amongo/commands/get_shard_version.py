"""getShardVersion: which version of its chunks a shard knows. This node is none. Source: manual, getShardVersion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class GetShardVersionRequest:
    """Nothing of it is looked at: the server says first that it is no shard."""


def parse(database: str, document: dict[str, Any]) -> GetShardVersionRequest:
    """The request of a getShardVersion document."""
    return GetShardVersionRequest()


def run(instance: Instance, request: GetShardVersionRequest, context: Context) -> dict[str, Any]:
    """Never.

    errors   NOT_A_SHARD
    """
    raise errors.NOT_A_SHARD()


COMMAND = Command("getShardVersion", parse, run, is_admin_only=True, is_quick=True)
