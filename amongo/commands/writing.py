"""What the write commands share: write errors, duplicate keys, and changing one document at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from amongo.commands.clustered import duplicate_number
from amongo.engine.records import Collection, record_id_value
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import UPDATE_BATCH_COUNT, WRITE_ATTEMPTS, WRITE_BATCH_COUNT
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


def delete_found(
    store: Store,
    collection: Collection,
    found: Iterable[tuple[int, bytes]],
    still_matches: Callable[[bytes], bool],
    interrupt: Interrupt,
) -> tuple[int, int]:
    """Delete records as they are found; (how many, the last commit). A commit holds up to 1000.

    found           (record id, the bytes that were seen)
    still_matches   whether one that another has changed meanwhile is to go all the same
    errors          WRITE_CONFLICT
    """
    count = sequence = 0
    pending: list[tuple[int, bytes]] = []

    def commit() -> None:
        nonlocal count, sequence
        removals = list(pending)
        pending.clear()
        for _ in range(WRITE_ATTEMPTS):
            done = store.delete(collection, removals, interrupt)
            count += len(removals) - len(done.conflicts)
            sequence = done.sequence or sequence
            again = [] if collection.is_dropped else [removals[position][0] for position in done.conflicts]
            seen = [(record_id, collection.record(record_id)) for record_id in again]
            removals = [(record_id, raw) for record_id, raw in seen if raw is not None and still_matches(raw)]
            if not removals:
                return
        raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)

    for each in found:
        pending.append(each)
        if len(pending) >= UPDATE_BATCH_COUNT:
            commit()
    if pending:
        commit()
    return count, sequence
