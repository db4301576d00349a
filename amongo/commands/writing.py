"""What the write commands share: write errors, duplicate keys, and changing one document at a time."""

from __future__ import annotations

from typing import Any

from amongo.commands.clustered import duplicate_number
from amongo.engine.records import Collection, record_id_value
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.runtime.limits import WRITE_BATCH_COUNT
from amongo.values.collation import hidden
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


def duplicate_key(collection: Collection, raw: bytes) -> ServerError:
    """The error of a document whose `_id` is taken."""
    value = record_id_value(raw)
    if collection.is_clustered and (unreadable := duplicate_number(value)) is not None:
        return unreadable
    collation = collection.options.get("collation")
    key = {"_id": hidden(value, collection.collator)}
    return errors.DUPLICATE_KEY(
        namespace=collection.namespace,
        index=f"_id_ collation: {shown(collation)}" if collation else "_id_",
        key=shown(key),
        extra={"keyPattern": {"_id": 1}, "keyValue": key} | ({"collation": collation} if collation else {}),
    )
