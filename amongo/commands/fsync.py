"""fsync: write to disk what is in memory, by a checkpoint; with `lock`, hold up writes behind it.

While a lock is held nothing is written, neither to the log nor by checkpoints, and the directory may be copied;
fsyncUnlock gives it back. A store in memory has nothing to write. Source: manual, fsync.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import storage

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "lock": Field("flag", default=False),
    "fsyncLockAcquisitionTimeoutMillis": Field("integer", default=90_000, minimum=0, bound_code=2),
}

_SEE_ALSO: Final = "http://dochub.mongodb.org/core/fsynccommand"


@dataclass(frozen=True, slots=True)
class FsyncRequest:
    """An fsync.

    locks       hold up writes
    limit_ms    so long writes that run may go on before the lock is given up
    """

    locks: bool = False
    limit_ms: int = 90_000


def parse(database: str, document: dict[str, Any]) -> FsyncRequest:
    """The request of an fsync document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    fields = parse_fields("fsync", document, FIELDS)
    return FsyncRequest(fields["lock"], fields["fsyncLockAcquisitionTimeoutMillis"])


def run(instance: Instance, request: FsyncRequest, context: Context) -> dict[str, Any]:
    """{numFiles}: the server gives 1 whatever it wrote; with `lock` {info, lockCount, seeAlso}.

    errors   CHECKPOINT_FAILED, FSYNC_LOCK_TIMED_OUT, those of the log
    """
    if not request.locks:
        _write(instance, context)
        return {"numFiles": 1, "ok": 1.0}
    held = instance.held_writes
    count = held.take()
    try:
        held.wait_for_running(instance.operations, request.limit_ms / 1000, context.interrupt)
        _write(instance, context)
    except BaseException:
        held.give_back()
        raise
    return {
        "info": "now locked against writes, use db.fsyncUnlock() to unlock",
        "lockCount": Int64(count),
        "seeAlso": _SEE_ALSO,
        "ok": 1.0,
    }


def _write(instance: Instance, context: Context) -> None:
    """Write everything to disk.

    errors   CHECKPOINT_FAILED, those of the log
    """
    checkpoints = instance.store.checkpoints
    if checkpoints is not None:
        try:
            checkpoints.checkpoint(instance.operation_interrupt(context, None))
        except OSError as error:
            raise storage.CHECKPOINT_FAILED(reason=error.strerror or error) from error
        instance.durable(instance.store.last_sequence).wait_blocking()


COMMAND = Command("fsync", parse, run, is_admin_only=True)
