"""connPoolStats: the connections from this node to others: there are none. Source: manual, connPoolStats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_COUNTS = (
    "numClientConnections",
    "numAScopedConnections",
    "totalInUse",
    "totalAvailable",
    "totalLeased",
    "totalCreated",
    "totalRefreshing",
    "totalRefreshed",
    "totalWasNeverUsed",
)


@dataclass(frozen=True, slots=True)
class ConnPoolStatsRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> ConnPoolStatsRequest:
    """The request of a connPoolStats document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("connPoolStats", document, {})
    return ConnPoolStatsRequest()


def run(instance: Instance, request: ConnPoolStatsRequest, context: Context) -> dict[str, Any]:
    """Zeros: an embedded node connects to nobody."""
    return {**dict.fromkeys(_COUNTS, 0), "pools": {}, "hosts": {}, "replicaSets": {}, "ok": 1.0}


COMMAND = Command("connPoolStats", parse, run, is_quick=True)
