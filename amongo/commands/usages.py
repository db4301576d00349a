"""How much collections are used: operations by kind, and the time they took.

Measured is what comes as a command document and what runs on a worker. The point reads and single writes that the
event loop does itself are counted in `serverStatus.opcounters` alone: a clock read would cost them more than it tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bson import Int64

from amongo.runtime.limits import MEASURED_NAMESPACES

# Command -> the kind that `top` counts it under.
_KINDS: Final[Mapping[str, str]] = {
    "find": "queries",
    "getMore": "getmore",
    "insert": "insert",
    "update": "update",
    "delete": "remove",
}
_KIND_NAMES: Final = ("queries", "getmore", "insert", "update", "remove", "commands")
_READS: Final = frozenset({"find", "getMore", "aggregate", "count", "distinct"})
_WRITES: Final = frozenset({"insert", "update", "delete", "findAndModify", "bulkWrite"})
_LOCKS_TO_WRITE: Final = _WRITES | {"create", "createIndexes", "drop", "dropIndexes", "collMod", "renameCollection"}
_LOCKS: Final = ("readLock", "writeLock")
_CLASSES: Final = ("reads", "writes", "commands", "transactions")


class _Measured:
    """The operations of one command: how many, how long they took in microseconds, and how many took how long.

    histogram   power of two in microseconds, at least which they took -> operations; 0 for less than one
    """

    __slots__ = ("histogram", "micros", "operations")

    def __init__(self) -> None:
        self.micros = self.operations = 0
        self.histogram: dict[int, int] = {}


class _Usage(dict[str, _Measured]):
    """What one namespace is used for: command -> its operations."""

    def totals(self) -> dict[str, Any]:
        """As `top` shows it: for each kind {time, count}, in microseconds."""
        locks, kinds = self._by(_lock, _LOCKS), self._by(_kind, _KIND_NAMES)
        total = [each for measured in locks.values() for each in measured]
        return {"total": _sum(total)} | {name: _sum(measured) for name, measured in (locks | kinds).items()}

    def latencies(self, *, with_histograms: bool) -> dict[str, Any]:
        """As $collStats shows it: for each class {latency, ops}, in microseconds."""
        shown = {}
        for name, measured in self._by(_class, _CLASSES).items():
            sums = _sum(measured)
            told: dict[str, Any] = {"latency": sums["time"], "ops": sums["count"]}
            if with_histograms:
                counted = sorted(sum((Counter(each.histogram) for each in measured), Counter[int]()).items())
                told["histogram"] = [{"micros": Int64(low), "count": Int64(many)} for low, many in counted]
            shown[name] = told
        return shown

    def _by(self, group_of: Callable[[str], str], groups: Sequence[str]) -> dict[str, list[_Measured]]:
        """In groups by command; workers may add others meanwhile."""
        measured: dict[str, list[_Measured]] = {name: [] for name in groups}
        for command, each in list(self.items()):
            measured[group_of(command)].append(each)
        return measured


def _sum(measured: list[_Measured]) -> dict[str, Int64]:
    """{time, count} of all together."""
    return {
        "time": Int64(sum(each.micros for each in measured)),
        "count": Int64(sum(each.operations for each in measured)),
    }


def _lock(command: str) -> str:
    return "writeLock" if command in _LOCKS_TO_WRITE else "readLock"


def _kind(command: str) -> str:
    return _KINDS.get(command, "commands")


def _class(command: str) -> str:
    return "reads" if command in _READS else "writes" if command in _WRITES else "commands"


class Usages:
    """The usage of every namespace of an instance."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self._exists = exists
        self._by_namespace: dict[str, _Usage] = {}

    def add(self, namespace: str, command: str, micros: int) -> None:
        """Count an operation."""
        usage = self._by_namespace.get(namespace)
        if usage is None:
            if len(self._by_namespace) >= MEASURED_NAMESPACES:
                self._forget_gone()
            usage = self._by_namespace[namespace] = _Usage()
        measured = usage.get(command)
        if measured is None:
            measured = usage[command] = _Measured()
        measured.micros += micros
        measured.operations += 1
        bucket = 1 << micros.bit_length() - 1 if micros else 0
        measured.histogram[bucket] = measured.histogram.get(bucket, 0) + 1

    def totals(self) -> dict[str, dict[str, Any]]:
        """What `top` shows of every collection and view that was used."""
        self._forget_gone()
        return {namespace: usage.totals() for namespace, usage in sorted(self._by_namespace.items())}

    def latencies(self, namespace: str, *, with_histograms: bool) -> dict[str, Any]:
        """What $collStats shows of a collection's latencies."""
        usage = self._by_namespace.get(namespace) or _Usage()
        return usage.latencies(with_histograms=with_histograms)

    def _forget_gone(self) -> None:
        for namespace in [each for each in self._by_namespace if not self._exists(each)]:
            self._by_namespace.pop(namespace, None)
