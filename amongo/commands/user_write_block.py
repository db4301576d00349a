"""Refusing what users write: everything but the databases admin, config and local, and the notes of the profiler.

The state is kept in the store as the server keeps it, and holds when the store is opened again. Source: manual,
setUserWriteBlockMode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.attention import BLOCKED_WRITES
from amongo.commands.namespaces import INTERNAL_DATABASES, PROFILE
from amongo.engine.store import Change
from amongo.errors import administration as errors
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

REASONS: Final = ("Unspecified", "ClusterToClusterMigrationInProgress", "DiskUseThresholdExceeded")
_NAMESPACE: Final = "config.user_writes_critical_sections"
_IDENTITY: Final = ""  # of the document that is about everything
_PASSES: Final[ContextVar[bool]] = ContextVar("passes_user_write_block", default=False)


def refuse_user_write(namespace: str) -> None:
    """Refuse a write to a namespace, or to a whole database, of the user's.

    errors   WRITES_BLOCKED
    """
    if _PASSES.get():
        return
    database, _, collection = namespace.partition(".")
    if database not in INTERNAL_DATABASES and collection != PROFILE:
        raise errors.WRITES_BLOCKED()


@contextmanager
def passing() -> Iterator[None]:
    """While the block runs, what is written is not refused: the client has the action `bypassWriteBlockingMode`."""
    token = _PASSES.set(True)
    try:
        yield
    finally:
        _PASSES.reset(token)


def blocking_reason(instance: Instance) -> str | None:
    """Why user writes are refused; None while they are not."""
    collection = instance.store.catalog.get(_NAMESPACE)
    found = None if collection is None else collection.find_id(id_key(_IDENTITY))
    if found is None:
        return None
    kept = decode(found[1])
    return REASONS[kept["blockUserWritesReason"]] if kept["blockUserWrites"] else None


def set_block(instance: Instance, reason: str | None) -> None:
    """Refuse user writes for a reason from now on, or take them again."""
    store = instance.store
    with store.lock:
        kept: dict[str, Any] = {
            "_id": _IDENTITY,
            "blockNewUserShardedDDL": False,
            "blockUserWrites": reason is not None,
            "blockUserWritesReason": 0 if reason is None else REASONS.index(reason),
        }
        collection = store.create(_NAMESPACE)
        found = collection.find_id(id_key(_IDENTITY))
        if found is None:
            store.insert_one(collection, id_key(_IDENTITY), encode(kept))
        else:
            store.update(collection, [Change(*found, encode(kept), None)])
        apply_block(instance)


def apply_block(instance: Instance) -> None:
    """Do what the store says: when it was opened, or has changed."""
    is_blocked = blocking_reason(instance) is not None
    instance.store.admission.refuse = refuse_user_write if is_blocked else None
    instance.attention.call(BLOCKED_WRITES, is_on=is_blocked)
