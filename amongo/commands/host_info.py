"""hostInfo: the machine that amongo runs on. Source: manual, hostInfo."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson.datetime_ms import DatetimeMS

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import parse_fields
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class HostInfoRequest:
    """Nothing is asked."""


def parse(database: str, document: dict[str, Any]) -> HostInfoRequest:
    """The request of a hostInfo command.

    errors   UNKNOWN_FIELD
    """
    parse_fields("hostInfo", document, {})
    return HostInfoRequest()


def run(instance: Instance, request: HostInfoRequest, context: Context) -> dict[str, Any]:
    """{system, os, extra}."""
    cores = os.cpu_count() or 1
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    memory_mb = number(_memory_bytes() >> 20)
    return {
        "system": {
            "currentTime": DatetimeMS(instance.clock.now_ms()),
            "hostname": platform.node(),
            "cpuAddrSize": 64 if sys.maxsize > 2**32 else 32,
            "memSizeMB": memory_mb,
            "memLimitMB": memory_mb,
            "numCores": cores,
            "numCoresAvailableToProcess": available,
            "numPhysicalCores": cores,
            "numCpuSockets": 1,
            "cpuArch": platform.machine(),
            "numaEnabled": False,
            "numNumaNodes": 1,
        },
        "os": {"type": platform.system(), "name": platform.platform(), "version": platform.release()},
        "extra": {"versionString": platform.version(), "pageSize": number(_system_value("SC_PAGE_SIZE"))},
        "ok": 1.0,
    }


def _memory_bytes() -> int:
    return _system_value("SC_PHYS_PAGES") * _system_value("SC_PAGE_SIZE")


def _system_value(name: str) -> int:
    """A value of `sysconf`; 0 where the system has none."""
    try:
        return os.sysconf(name)
    except (AttributeError, ValueError, OSError):
        return 0


COMMAND = Command("hostInfo", parse, run)
