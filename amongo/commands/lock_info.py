"""lockInfo: the locks that are held or waited for. Source: manual, lockInfo.

amongo has no locks on databases and collections: reads take none, and the one lock of the store is held for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class LockInfoRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> LockInfoRequest:
    """The request of a lockInfo document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("lockInfo", document, {})
    return LockInfoRequest()


def run(instance: Instance, request: LockInfoRequest, context: Context) -> dict[str, Any]:
    """{lockInfo}: no lock."""
    return {"lockInfo": [], "ok": 1.0}


COMMAND = Command("lockInfo", parse, run, is_admin_only=True, is_quick=True)
