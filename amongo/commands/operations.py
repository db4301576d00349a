"""The operations that run: who asked for what, since when, and how they are stopped.

Operations come into the list that can be seen from outside: commands that came as documents, and requests that run on
a worker. What the event loop does itself, within a small part of a millisecond, can neither be met by another
operation nor be stopped, and is not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from bson import Binary, Int64

from amongo.commands.peer import Peer
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt

_SESSION_BYTES: Final = 16


@dataclass(slots=True, eq=False)
class Operation:
    """One operation.

    operation_id   its number, by which killOp knows it
    namespace      "database.collection", or "database.$cmd" for a command that is about no collection
    command        the command, without the documents that came beside it
    interrupt      stops it
    session_id     the 16 bytes of its session's UUID; None outside a session
    started_ms     on the clock
    started_s      on the monotonic clock
    peer           who asked for it over a socket; None in process
    reply          when it has been answered
    watched        what the profiler keeps of it; None where it is not observed
    origin         (the command that has opened the cursor of a getMore, its plan), as far as that is known
    """

    operation_id: int
    namespace: str
    command: Mapping[str, Any]
    interrupt: Interrupt
    session_id: bytes | None
    started_ms: int
    started_s: float
    peer: Peer | None = None
    reply: Any = None
    watched: Any = None
    origin: tuple[Mapping[str, Any], str] | None = None

    @property
    def name(self) -> str:
        """The command's name."""
        return next(iter(self.command), "")


class Operations:
    """The operations of an instance that run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[int, Operation] = {}
        self._numbers = count(1)

    @contextmanager
    def running(
        self,
        namespace: str,
        command: Mapping[str, Any],
        interrupt: Interrupt,
        session_id: bytes | None,
        peer: Peer | None = None,
    ) -> Iterator[Operation]:
        """List an operation while the block runs."""
        number = next(self._numbers)
        operation = Operation(
            number, namespace, command, interrupt, session_id, self._clock.now_ms(), self._clock.monotonic(), peer
        )
        self._running[number] = operation
        try:
            yield operation
        finally:
            del self._running[number]

    def all(self) -> list[Operation]:
        """Those that run, the oldest first."""
        return list(self._running.values())

    def kill(self, operation_id: int) -> None:
        """Ask an operation to end; one that has ended meanwhile is nothing to complain about."""
        operation = self._running.get(operation_id)
        if operation is not None:
            operation.interrupt.stop("operation was interrupted")

    def kill_sessions(self, is_meant: Callable[[bytes], bool], asking: Interrupt) -> None:
        """Ask the operations of some sessions to end, but for the one that asks for it.

        is_meant   given the 16 bytes of a session
        """
        for each in self.all():
            if each.session_id is not None and each.interrupt is not asking and is_meant(each.session_id):
                each.interrupt.stop("operation was interrupted: its session was killed")


_NAMES: Final[Mapping[str, str]] = {
    "FindRequest": "find",
    "GetMoreRequest": "getMore",
    "Awaiting": "getMore",
    "InsertRequest": "insert",
    "UpdateRequest": "update",
    "DeleteRequest": "delete",
    "AggregateRequest": "aggregate",
    "CountRequest": "count",
    "DistinctRequest": "distinct",
    "FindAndModifyRequest": "findAndModify",
    "CommitRequest": "commitTransaction",
    "AbortRequest": "abortTransaction",
    "LiveRequest": "live",
    "LiveQuery": "live",
    "FindAsOfRequest": "find",
    "HistoryRequest": "history",
}
_SHOWN: Final = {"filter": "filter", "stages": "pipeline", "sort": "sort", "limit": "limit", "skip": "skip"}


def command_name(request: Any) -> str:
    """The name of the command that a request is, or of the request where there is no command."""
    kind = type(request).__name__
    return _NAMES.get(kind, kind)


def described(request: Any) -> dict[str, Any]:
    """A request as the command document that would ask for it, as far as it can be seen from outside."""
    name = command_name(request)
    database, _, collection = request.namespace.partition(".")
    shown = {
        field: value
        for attribute, field in _SHOWN.items()
        if (value := getattr(request, attribute, None)) and type(value) in (dict, list, int)
    }
    if name == "getMore" and (cursor_id := getattr(request, "cursor_id", None)):
        return {name: Int64(cursor_id), "collection": collection, "$db": database}
    return {name: collection, **shown, "$db": database}


def command_namespace(database: str, document: Mapping[str, Any], *, is_admin_only: bool) -> str:
    """What a command document is about: the collection it names first, or the database's commands."""
    name, value = next(iter(document.items()))
    if name in ("getMore", "explain"):
        value = document.get("collection")
    if type(value) is str and value and not is_admin_only:
        return f"{database}.{value}"
    return f"{database}.$cmd.aggregate" if name == "aggregate" else f"{database}.$cmd"


def without_secrets(document: Mapping[str, Any], secrets: tuple[str, ...]) -> dict[str, Any]:
    """A command document as it may be shown: with "xxx" in the place of secrets, as the server has it."""
    return {name: "xxx" if name in secrets else value for name, value in document.items()}


def named_session(document: Mapping[str, Any]) -> bytes | None:
    """The 16 bytes of the session that a command document names; None if it names none."""
    session = document.get("lsid")
    identity = session.get("id") if type(session) is dict else None
    return bytes(identity) if type(identity) is Binary and len(identity) == _SESSION_BYTES else None
