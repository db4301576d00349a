"""serverStatus: how the instance is doing. Source: manual, serverStatus.

What amongo does not have (locks by resource, a network, replication to other nodes) stays at zero or empty, as on a
server where it does not occur.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.build_info import SERVER_VERSION, STORAGE_ENGINE, own_version
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import truth
from amongo.commands.hello import HOST, SET_NAME
from amongo.commands.memory import resident_bytes, virtual_bytes
from amongo.commands.namespaces import is_system
from amongo.commands.time_series import is_series, shown_namespace
from amongo.commands.views import SYSTEM_VIEWS
from amongo.engine.checkpoints import Checkpoints
from amongo.values.numbers import number
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_OPERATIONS: Final = ("insert", "query", "update", "delete", "getmore", "command")


@dataclass(frozen=True, slots=True)
class ServerStatusRequest:
    """Which sections are shown.

    chosen   section -> shown or not, where the command says so
    """

    chosen: Mapping[str, bool]


def parse(database: str, document: dict[str, Any]) -> ServerStatusRequest:
    """The request of a serverStatus command: every field names a section; a name that is not known does no harm."""
    chosen = {}
    for name, value in document.items():
        is_flag = type(value) is bool or type(value) in NUMERIC_CLASSES
        chosen[name] = truth(value) if is_flag else value is not None
    return ServerStatusRequest(chosen)


def run(instance: Instance, request: ServerStatusRequest, context: Context) -> dict[str, Any]:
    """The sections of the server's status that are asked for."""
    now_ms = instance.clock.now_ms()
    uptime_ms = max(now_ms - instance.started_ms, 0)
    reply: dict[str, Any] = {
        "host": platform.node(),
        "version": SERVER_VERSION,
        "process": "mongod",
        "service": ["shard"],
        "pid": Int64(os.getpid()),
        "uptime": uptime_ms / 1000,
        "uptimeMillis": Int64(uptime_ms),
        "uptimeEstimate": Int64(uptime_ms // 1000),
        "localTime": DatetimeMS(now_ms),
    }
    for name, section in _SECTIONS.items():
        if request.chosen.get(name, name not in _ONLY_WHEN_ASKED):
            reply[name] = section(instance)
    reply["ok"] = 1.0
    return reply


def _asserts(instance: Instance) -> dict[str, Any]:
    return dict.fromkeys(("regular", "warning", "msg", "user", "tripwire", "rollovers"), 0)


def _catalog(instance: Instance) -> dict[str, Any]:
    with instance.store.lock:
        collections = list(instance.store.catalog.by_namespace.values())
    series = sum(map(is_series, collections))
    names = [shown_namespace(each).partition(".")[2] for each in collections]
    definitions = sum(each.count for each, name in zip(collections, names, strict=True) if name == SYSTEM_VIEWS)
    internal = sum(map(is_system, names))
    return {
        "collections": len(names) - internal,
        "capped": sum(each.cap is not None for each in collections),
        "clustered": sum(each.is_clustered for each in collections),
        "timeseries": series,
        "views": definitions - series,
        "internalCollections": internal,
        "internalViews": 0,
    }


def _connections(instance: Instance) -> dict[str, Any]:
    """The embedding client counts as one connection, beside those of the servers."""
    services = list(instance.services)
    return {
        "current": 1 + sum(each.connections for each in services),
        "available": sum(each.most_connections - each.connections for each in services),
        "totalCreated": 1 + sum(each.accepted for each in services),
        "rejected": sum(each.refused for each in services),
        "active": 1,
        "exhaustHello": 0,
    }


def _extra(instance: Instance) -> dict[str, Any]:
    return {"note": "fields vary by platform", "python": platform.python_version(), "amongo": own_version()}


def _global_lock(instance: Instance) -> dict[str, Any]:
    idle = {"total": 0, "readers": 0, "writers": 0}
    uptime_us = max(instance.clock.now_ms() - instance.started_ms, 0) * 1000
    return {"totalTime": Int64(uptime_us), "currentQueue": dict(idle), "activeClients": dict(idle)}


def _sessions(instance: Instance) -> dict[str, Any]:
    return {"activeSessionsCount": 0, "sessionsCollectionJobCount": 0}


def _memory(instance: Instance) -> dict[str, Any]:
    return {
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "resident": resident_bytes() >> 20,
        "virtual": virtual_bytes() >> 20,
        "supported": True,
    }


def _metrics(instance: Instance) -> dict[str, Any]:
    return {"cursor": {"open": {"total": Int64(len(instance.cursors))}}}


def _network(instance: Instance) -> dict[str, Any]:
    return {"bytesIn": Int64(0), "bytesOut": Int64(0), "numRequests": Int64(0)}


def _counters(instance: Instance) -> dict[str, Any]:
    return {name: Int64(instance.counts[name]) for name in _OPERATIONS}


def _replicated_counters(instance: Instance) -> dict[str, Any]:
    """Nothing is ever applied from another node."""
    return dict.fromkeys(_OPERATIONS, Int64(0))


def _replication(instance: Instance) -> dict[str, Any]:
    return {
        "hosts": [HOST],
        "setName": SET_NAME,
        "setVersion": 1,
        "isWritablePrimary": True,
        "secondary": False,
        "primary": HOST,
        "me": HOST,
    }


def _storage_engine(instance: Instance) -> dict[str, Any]:
    shown = {
        "name": STORAGE_ENGINE,
        "supportsCommittedReads": True,
        "readOnly": False,
        "persistent": instance.store.directory is not None,
        "columns": {
            "bytesInMemory": Int64(instance.store.columns.used_bytes),
            "maximumBytes": Int64(instance.store.columns.limit_bytes),
        },
    }
    if instance.store.checkpoints is not None:
        shown["checkpoint"] = _checkpoint(instance.store.checkpoints)
    return shown


def _checkpoint(checkpoints: Checkpoints) -> dict[str, Any]:
    """The last checkpoint, and why the last attempt came to nothing if it did."""
    last, failure = checkpoints.last, checkpoints.failure
    shown: dict[str, Any] = {}
    if last is not None:
        shown |= {
            "time": DatetimeMS(last.made_ms),
            "sequence": Timestamp(last.sequence >> 32, last.sequence & 0xFFFFFFFF),
            "durationMillis": Int64(last.duration_ms),
            "files": number(last.file_count),
            "fileBytes": Int64(last.disk_bytes),
        }
    return shown | {"failure": None if failure is None else str(failure)}


def _transactions(instance: Instance) -> dict[str, Any]:
    transactions = instance.transactions
    opened = transactions.open()
    active = sum(transaction.is_running for transaction in opened)
    return {
        "currentActive": Int64(active),
        "currentInactive": Int64(len(opened) - active),
        "currentOpen": Int64(len(opened)),
        "totalAborted": Int64(transactions.aborted),
        "totalCommitted": Int64(transactions.committed),
        "totalStarted": Int64(transactions.started),
    }


_ONLY_WHEN_ASKED: Final = frozenset({"mirroredReads"})

_SECTIONS: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "asserts": _asserts,
    "catalogStats": _catalog,
    "connections": _connections,
    "extra_info": _extra,
    "globalLock": _global_lock,
    "locks": lambda instance: {},
    "logicalSessionRecordCache": _sessions,
    "mem": _memory,
    "metrics": _metrics,
    "mirroredReads": lambda instance: {"seen": Int64(0), "sent": Int64(0)},
    "network": _network,
    "opcounters": _counters,
    "opcountersRepl": _replicated_counters,
    "repl": _replication,
    "storageEngine": _storage_engine,
    "transactions": _transactions,
}

COMMAND = Command("serverStatus", parse, run)
