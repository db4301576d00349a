"""What the write commands share: write errors, duplicate keys, and changing one document at a time."""

from __future__ import annotations

from typing import Any

from amongo.engine.records import record_id_value
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.runtime.limits import WRITE_BATCH_COUNT
from amongo.values.wording import shown


def check_batch_count(count: int) -> None:
    """Refuse an empty batch of statements, and one too large.

    errors   EMPTY_BATCH
    """
    if not 1 <= count <= WRITE_BATCH_COUNT:
        raise errors.EMPTY_BATCH(limit=WRITE_BATCH_COUNT, count=count)


def write_error(position: int, error: ServerError) -> dict[str, Any]:
    """The element of `writeErrors` for the statement at `position`."""
    return {"index": position, "code": error.code, "errmsg": error.message, **error.extra}


def duplicate_key(namespace: str, raw: bytes) -> ServerError:
    """The error of a document whose `_id` is taken."""
    value = record_id_value(raw)
    return errors.DUPLICATE_KEY(
        namespace=namespace,
        index="_id_",
        key=f"{{ _id: {shown(value)} }}",
        extra={"keyPattern": {"_id": 1}, "keyValue": {"_id": value}},
    )
