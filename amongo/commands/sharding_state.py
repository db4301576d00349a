"""shardingState: whether this node is a shard: it is none. Source: manual, shardingState."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ShardingStateRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> ShardingStateRequest:
    """The request of a shardingState document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("shardingState", document, {})
    return ShardingStateRequest()


def run(instance: Instance, request: ShardingStateRequest, context: Context) -> dict[str, Any]:
    """{enabled: false}."""
    return {"enabled": False, "ok": 1.0}


COMMAND = Command("shardingState", parse, run, is_admin_only=True, is_quick=True)
