"""top: how much each collection is used. Source: manual, top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class TopRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> TopRequest:
    """The request of a top document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("top", document, {})
    return TopRequest()


def run(instance: Instance, request: TopRequest, context: Context) -> dict[str, Any]:
    """{totals: {namespace: {total, readLock, …: {time, count}}}}; see `usages` for what is measured."""
    return {"totals": {"note": "all times in microseconds", **instance.usages.totals()}, "ok": 1.0}


COMMAND = Command("top", parse, run, is_admin_only=True)
