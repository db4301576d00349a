"""currentOp: the operations that run, as one document. Source: manual, currentOp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.aggregate.node import OperationsAsked
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import GENERIC_FIELDS, Field, check
from amongo.commands.node import LocalNode
from amongo.mql.matcher import parse_filter

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_OPTIONS: Final = {"$all": Field("flag"), "$ownOps": Field("flag"), "$truncateOps": Field("flag")}


@dataclass(frozen=True, slots=True)
class CurrentOpRequest:
    """Which operations are shown.

    asked     as $currentOp is asked
    accepts   the bound filter
    """

    asked: OperationsAsked
    accepts: Callable[[dict[str, Any]], bool]


def parse(database: str, document: dict[str, Any]) -> CurrentOpRequest:
    """The request of a currentOp document: what is no option is a filter.

    errors   WRONG_TYPE, those of the filter
    """
    options = {name: check("currentOp", name, _OPTIONS[name], document[name]) for name in _OPTIONS if name in document}
    known = {"currentOp", *_OPTIONS, *GENERIC_FIELDS}
    condition = {name: value for name, value in document.items() if name not in known}
    asked = OperationsAsked(
        idle_connections=options.get("$all", False),
        idle_cursors=False,
        idle_sessions=True,
        truncates=options.get("$truncateOps", False),
        only_own=options.get("$ownOps", False),
    )
    return CurrentOpRequest(asked, parse_filter(condition).bind())


def run(instance: Instance, request: CurrentOpRequest, context: Context) -> dict[str, Any]:
    """{inprog}: what $currentOp shows; and {fsyncLock, info} while writes are held up."""
    shown = LocalNode(instance, context.peer).operations(request.asked)
    reply: dict[str, Any] = {"inprog": list(filter(request.accepts, shown))}
    if instance.held_writes.is_held:
        reply |= {"fsyncLock": True, "info": "use db.fsyncUnlock() to terminate the fsync write/snapshot lock"}
    return reply | {"ok": 1.0}


COMMAND = Command("currentOp", parse, run, is_admin_only=True, is_quick=True)
