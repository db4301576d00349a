"""How `local.oplog.rs` shows itself to those who ask for collections and their sizes: mongosh, before it tells how far
the oplog reaches back. It is no collection, so what is said of it comes from the log.

Source: manual, Replica Set Oplog; listCollections, collStats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_OID, uuid5

from bson import Binary

from amongo.commands.namespaces import OPLOG
from amongo.commands.oplog_source import oplog_source
from amongo.commands.sizes import scaled
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.codec import encode_in_order
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_UUID: Final = Binary(uuid5(NAMESPACE_OID, OPLOG).bytes, 4)  # the same in every store


def describe_oplog(instance: Instance) -> dict[str, Any]:
    """What listCollections shows of it."""
    options = {"capped": True, "size": number(instance.store.retained_bytes), "autoIndexId": False}
    return {
        "name": OPLOG.partition(".")[2],
        "type": "collection",
        "options": options,
        "info": {"readOnly": False, "uuid": _UUID},
    }


def oplog_sizes(instance: Instance, scale: int, interrupt: Interrupt, *, numbers_only: bool = False) -> dict[str, Any]:
    """What collStats says of it; its documents are counted one by one.

    scale          sizes are given in units of this many bytes
    numbers_only   leave out what is not a number
    errors         those of `oplog_source`
    """
    count = size_bytes = 0
    for document in oplog_source(instance, {}, interrupt):
        count += 1
        size_bytes += len(encode_in_order(document))
    store_bytes = instance.store.log_bytes or size_bytes
    shown: dict[str, Any] = {"size": scaled(size_bytes, scale), "count": number(count)}
    if count:
        shown["avgObjSize"] = number(size_bytes // count)
    shown |= {
        "numOrphanDocs": 0,
        "storageSize": scaled(store_bytes, scale),
        "freeStorageSize": 0,
        "capped": True,
        "max": 0,
        "maxSize": scaled(instance.store.retained_bytes, scale),
        "nindexes": 0,
        "indexDetails": {},
        "indexBuilds": [],
        "totalIndexSize": 0,
        "totalSize": scaled(store_bytes, scale),
        "indexSizes": {},
        "scaleFactor": number(scale),
    }
    return {name: value for name, value in shown.items() if not (numbers_only and type(value) in (dict, list))}


def oplog_count(instance: Instance) -> int:
    """How many documents it has. errors: those of `oplog_source`."""
    return sum(1 for _ in oplog_source(instance, {}, NEVER))
