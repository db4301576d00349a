"""autoCompact: give disk space back in the background. Source: manual, autoCompact.

amongo merges its files with every checkpoint, whatever this command says: it cannot be turned off. Turning it on makes
a checkpoint at once, and with it what there is to merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.errors import command as errors
from amongo.errors import storage

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "autoCompact": Field("bool", required=True),
    "freeSpaceTargetMB": Field("integer", minimum=1, bound_code=2),
    "runOnce": Field("flag", default=False),
}


@dataclass(frozen=True, slots=True)
class AutoCompactRequest:
    """Whether files are to be merged in the background."""

    is_on: bool


def parse(database: str, document: dict[str, Any]) -> AutoCompactRequest:
    """The request of an autoCompact document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, INVALID_OPTIONS
    """
    fields = parse_fields("autoCompact", document, FIELDS)
    is_on: bool = check("autoCompact", "autoCompact", FIELDS["autoCompact"], document["autoCompact"])
    if not is_on and (fields["freeSpaceTargetMB"] is not None or fields["runOnce"]):
        raise errors.INVALID_OPTIONS(
            message="autoCompact may not specify freeSpaceTargetMB or runOnce when it is turned off"
        )
    return AutoCompactRequest(is_on)


def run(instance: Instance, request: AutoCompactRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`.

    errors   CHECKPOINT_FAILED
    """
    checkpoints = instance.store.checkpoints
    if request.is_on and checkpoints is not None:
        try:
            checkpoints.checkpoint(instance.operation_interrupt(context, None))
        except OSError as error:
            raise storage.CHECKPOINT_FAILED(reason=error.strerror or error) from error
    return {"ok": 1.0}


COMMAND = Command("autoCompact", parse, run, is_admin_only=True)
