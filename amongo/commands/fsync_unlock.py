"""fsyncUnlock: give back a lock that fsync has taken; with the last one writes go on. Source: manual, fsyncUnlock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class FsyncUnlockRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> FsyncUnlockRequest:
    """The request of an fsyncUnlock document.

    errors   UNKNOWN_FIELD
    """
    parse_fields("fsyncUnlock", document, {})
    return FsyncUnlockRequest()


def run(instance: Instance, request: FsyncUnlockRequest, context: Context) -> dict[str, Any]:
    """{info, lockCount}.

    errors   NOT_LOCKED
    """
    left = instance.held_writes.give_back()
    return {"info": "fsyncUnlock completed", "lockCount": Int64(left), "ok": 1.0}


COMMAND = Command("fsyncUnlock", parse, run, is_admin_only=True, is_quick=True)
