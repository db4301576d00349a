"""fsync: write to disk what is in memory, by a checkpoint. Source: manual, fsync.

A store in memory has nothing to write. `lock`, which holds up all writers, is not taken yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import command as errors
from amongo.errors import storage

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "lock": Field("flag", default=False),
    "fsyncLockAcquisitionTimeoutMillis": Field("integer"),
}


@dataclass(frozen=True, slots=True)
class FsyncRequest:
    """An fsync: there is nothing to choose."""


def parse(database: str, document: dict[str, Any]) -> FsyncRequest:
    """The request of an fsync document.

    errors   UNKNOWN_FIELD, WRONG_TYPE, NOT_SUPPORTED_YET for `lock`
    """
    if parse_fields("fsync", document, FIELDS)["lock"]:
        raise errors.NOT_SUPPORTED_YET(what="'fsync.lock'", reason="copy the directory of a closed store instead")
    return FsyncRequest()


def run(instance: Instance, request: FsyncRequest, context: Context) -> dict[str, Any]:
    """{numFiles, ok}: the server gives 1 whatever it wrote.

    errors   CHECKPOINT_FAILED, those of the log
    """
    checkpoints = instance.store.checkpoints
    if checkpoints is not None:
        try:
            checkpoints.checkpoint(instance.operation_interrupt(context, None))
        except OSError as error:
            raise storage.CHECKPOINT_FAILED(reason=error.strerror or error) from error
    return {"numFiles": 1, "ok": 1.0}


COMMAND = Command("fsync", parse, run, is_admin_only=True)
