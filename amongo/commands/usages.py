"""How much collections are used: operations by kind, and the time they took.

Measured is what comes as a command document and what runs on a worker. The point reads and single writes that the
event loop does itself are counted in `serverStatus.opcounters` alone: a clock read would cost them more than it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class _Measured:
    """Operations and the microseconds they took."""

    __slots__ = ("micros", "operations")

    def __init__(self) -> None:
        self.micros = 0
        self.operations = 0


class _Usage:
    """What one namespace is used for."""

    __slots__ = ("_by_command", "by_class", "by_kind", "by_lock", "histograms")

    def __init__(self) -> None:
        self.by_kind = {name: _Measured() for name in _KIND_NAMES}
        self.by_lock = {"readLock": _Measured(), "writeLock": _Measured()}
        self.by_class = {name: _Measured() for name in ("reads", "writes", "commands", "transactions")}
        self.histograms: dict[str, dict[int, int]] = {name: {} for name in self.by_class}
        self._by_command: dict[str, tuple[_Measured, _Measured, _Measured, dict[int, int]]] = {}

    def add(self, command: str, micros: int) -> None:
        """Count an operation of this command."""
        found = self._by_command.get(command)
        if found is None:
            found = self._by_command[command] = self._measured(command)
        *measured, histogram = found
        for each in measured:
            each.micros += micros
            each.operations += 1
        bucket = 1 << max(micros.bit_length() - 1, 0) if micros else 0
        histogram[bucket] = histogram.get(bucket, 0) + 1

    def _measured(self, command: str) -> tuple[_Measured, _Measured, _Measured, dict[int, int]]:
        """Where a command is counted."""
        group = "reads" if command in _READS else "writes" if command in _WRITES else "commands"
        return (
            self.by_kind[_KINDS.get(command, "commands")],
            self.by_lock["writeLock" if command in _LOCKS_TO_WRITE else "readLock"],
            self.by_class[group],
            self.histograms[group],
        )

    def totals(self) -> dict[str, Any]:
        """As `top` shows it: for each kind {time, count}, in microseconds."""
        locks = [_shown(each) for each in self.by_lock.values()]
        total = {key: Int64(sum(lock[key] for lock in locks)) for key in ("time", "count")}
        return {
            "total": total,
            **dict(zip(self.by_lock, locks, strict=True)),
            **{name: _shown(each) for name, each in self.by_kind.items()},
        }

    def latencies(self, *, with_histograms: bool) -> dict[str, Any]:
        """As $collStats shows it: for each class {latency, ops}, in microseconds."""
        shown = {}
        for name, each in self.by_class.items():
            group: dict[str, Any] = {"latency": Int64(each.micros), "ops": Int64(each.operations)}
            if with_histograms:
                counted = sorted(self.histograms[name].items())
                group["histogram"] = [{"micros": Int64(low), "count": Int64(many)} for low, many in counted]
            shown[name] = group
        return shown


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
        usage.add(command, micros)

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


def _shown(measured: _Measured) -> dict[str, Int64]:
    return {"time": Int64(measured.micros), "count": Int64(measured.operations)}
