"""dbStats: how large a database is. Source: manual, dbStats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.sizes import Sizes, disk_space
from amongo.commands.views import SYSTEM_VIEWS

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "scale": Field("integer", default=1, minimum=1),
    "freeStorage": Field("flag", default=False),
}


@dataclass(frozen=True, slots=True)
class DbStatsRequest:
    """A dbStats.

    scale                   sizes are given in units of this many bytes
    includes_free_storage   show how much of the storage is free: none is, the engine frees what it does not use
    """

    database: str
    scale: int = 1
    includes_free_storage: bool = False


def parse(database: str, document: dict[str, Any]) -> DbStatsRequest:
    """The request of a dbStats command.

    errors   those of `parse_fields`
    """
    fields = parse_fields(next(iter(document)), document, FIELDS)
    return DbStatsRequest(database, fields["scale"], fields["freeStorage"])


def run(instance: Instance, request: DbStatsRequest, context: Context) -> dict[str, Any]:
    """The database's sizes; zeros when there is no such database."""
    store = instance.store
    with store.lock:
        sizes = Sizes.of(store.catalog.collections(request.database))
        views = store.catalog.count(f"{request.database}.{SYSTEM_VIEWS}")
    used, total = disk_space(store.directory)

    def scaled(size: int) -> float:
        return size / request.scale

    reply: dict[str, Any] = {
        "db": request.database,
        "collections": Int64(sizes.collections),
        "views": Int64(views),
        "objects": Int64(sizes.documents),
        "avgObjSize": sizes.average_document_bytes,
        "dataSize": scaled(sizes.data_bytes),
        "storageSize": scaled(sizes.storage_bytes),
    }
    if request.includes_free_storage:
        reply["freeStorageSize"] = 0.0
    reply |= {"indexes": Int64(sizes.indexes), "indexSize": scaled(sizes.index_bytes)}
    if request.includes_free_storage:
        reply["indexFreeStorageSize"] = 0.0
    reply["totalSize"] = scaled(sizes.storage_bytes + sizes.index_bytes)
    if request.includes_free_storage:
        reply["totalFreeStorageSize"] = 0.0
    reply |= {
        "scaleFactor": Int64(request.scale),
        "fsUsedSize": scaled(used),
        "fsTotalSize": scaled(total),
        "ok": 1.0,
    }
    return reply


COMMAND = Command("dbStats", parse, run, aliases=("dbstats",), is_quick=True)
