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
from amongo.commands.sizes import Sizes
from amongo.engine.records import Cap
from amongo.runtime.interrupts import Interrupt
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


def oplog_sizes(instance: Instance, interrupt: Interrupt) -> Sizes:
    """How large it is; its documents are counted one by one. errors: those of `oplog_source`."""
    count = size_bytes = 0
    for document in oplog_source(instance, {}, interrupt):
        count += 1
        size_bytes += len(encode_in_order(document))
    return Sizes(1, count, size_bytes, instance.store.log_bytes or size_bytes, {})


def oplog_cap(instance: Instance) -> Cap:
    """How much it holds."""
    return Cap(instance.store.retained_bytes, 0)
