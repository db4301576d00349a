"""replSetGetRBID: how often this member has rolled back what it had written: never, the server begins with 1.

Source: the server's own replication, which asks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class ReplSetGetRbidRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> ReplSetGetRbidRequest:
    """The request of a replSetGetRBID document."""
    return ReplSetGetRbidRequest()


def run(instance: Instance, request: ReplSetGetRbidRequest, context: Context) -> dict[str, Any]:
    """{rbid}."""
    return {"rbid": 1, "ok": 1.0}


COMMAND = Command("replSetGetRBID", parse, run, is_admin_only=True, is_quick=True)
