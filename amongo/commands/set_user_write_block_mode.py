"""setUserWriteBlockMode: refuse what users write, or take it again. Source: manual, setUserWriteBlockMode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.user_write_block import REASONS, blocking_reason, set_block
from amongo.errors import administration as errors
from amongo.errors import command as command_errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"global": Field("bool", required=True), "reason": Field("string", default=REASONS[0])}


@dataclass(frozen=True, slots=True)
class SetUserWriteBlockModeRequest:
    """Whether user writes are refused, and why.

    reason   one of `REASONS`
    """

    is_blocked: bool
    reason: str


def parse(database: str, document: dict[str, Any]) -> SetUserWriteBlockModeRequest:
    """The request of a setUserWriteBlockMode document.

    errors   UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, NOT_ENUMERATED
    """
    fields = parse_fields("setUserWriteBlockMode", document, FIELDS)
    if fields["reason"] not in REASONS:
        raise command_errors.NOT_ENUMERATED(value=fields["reason"], field="setUserWriteBlockMode.reason")
    return SetUserWriteBlockModeRequest(fields["global"], fields["reason"])


def run(instance: Instance, request: SetUserWriteBlockModeRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`.

    errors   BLOCKED_FOR_OTHER_REASON
    """
    present = blocking_reason(instance)
    if present is not None and present != request.reason:
        what = "enable" if request.is_blocked else "disable"
        raise errors.BLOCKED_FOR_OTHER_REASON(what=what, reason=request.reason, present=present)
    if request.is_blocked != (present is not None):
        set_block(instance, request.reason if request.is_blocked else None)
    return {"ok": 1.0}


COMMAND = Command("setUserWriteBlockMode", parse, run, is_admin_only=True)
