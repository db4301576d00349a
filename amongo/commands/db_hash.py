"""dbHash: a fingerprint of each collection of a database, and of them all. Source: manual, dbHash.

The fingerprint of a collection is the MD5 of its documents' bytes in the order of their `_id`s, so that two databases
of the same documents have the same, whatever became of them on the way.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.hello import HOST
from amongo.commands.namespaces import PROFILE
from amongo.commands.time_series import shown_namespace
from amongo.engine.store import Store
from amongo.runtime.interrupts import Interrupt

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.engine.records import Collection


@dataclass(frozen=True, slots=True)
class DbHashRequest:
    """A dbHash.

    names          collections to look at; none for all
    time_limit_ms  None for no limit
    """

    database: str
    names: frozenset[str] = frozenset()
    time_limit_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> DbHashRequest:
    """The request of a dbHash command. What is no array of names asks for all collections; other fields say nothing."""
    collections = document.get("collections")
    names = frozenset(name for name in collections if type(name) is str) if type(collections) is list else frozenset()
    limit = document.get("maxTimeMS")
    return DbHashRequest(database, names, int(limit) if limit else None)


def run(instance: Instance, request: DbHashRequest, context: Context) -> dict[str, Any]:
    """{host, collections, capped, uuids, md5, timeMillis}."""
    began_s = time.monotonic()
    store = instance.store
    interrupt = instance.operation_interrupt(context, request.time_limit_ms)
    with store.lock:
        found = {shown_namespace(each).partition(".")[2]: each for each in store.catalog.collections(request.database)}
    found.pop(PROFILE, None)  # is of this node alone
    if request.names:
        found = {name: collection for name, collection in found.items() if name in request.names}
    hashes = {name: _hash_of(store, found[name], interrupt) for name in sorted(found)}
    return {
        "host": HOST,
        "collections": hashes,
        "capped": [name for name in hashes if found[name].options.get("capped")],
        "uuids": {name: Binary(found[name].uuid, 4) for name in hashes},
        "md5": _md5(f"{name}{value}".encode() for name, value in hashes.items()),
        "timeMillis": int((time.monotonic() - began_s) * 1000),
        "ok": 1.0,
    }


def _hash_of(store: Store, collection: Collection, interrupt: Interrupt) -> str:
    view, order = store.ordered_view(collection)
    return _md5(raw for raw in map(view.record, interrupt.watch(order)) if raw is not None)


def _md5(parts: Iterable[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


COMMAND = Command("dbHash", parse, run, aliases=("dbhash",))
