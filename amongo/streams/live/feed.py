"""How commits become differences.

A feed reads the log from where its result was read. One look handles the commits that are at hand, each as a whole: its
differences come together, in the order of its changes. Small commits take a small part of a millisecond; a large one
says its weight beforehand, so that it can be handled on a worker.

Nothing is lost by a look that was asked for and then no longer wanted: what it found is in `ready`. A look that failed
has left the result in between, so that the feed is at its end.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LIVE_COMMITS
from amongo.streams.live.definition import Definition
from amongo.streams.live.result import Difference, LiveResult
from amongo.values.codec import decode

if TYPE_CHECKING:
    from amongo.engine.log.format import Entry
    from amongo.engine.log.history import Reader
    from amongo.engine.log.recent import Commit

_HEADS: Final = 64
_WEIGHT_BYTES: Final = 1024  # of documents that weigh as much as one small one more

Head = tuple[str, bytes | None, dict[str, Any]]
"""Of an entry: the kind of change, the collection's UUID, all fields."""


class Feed:
    """The differences of one live query, from the log.

    result    as it is behind the last commit that was handled
    ready     differences that nobody has taken yet
    is_ended  there will be no more differences than those
    """

    __slots__ = (
        "_define",
        "_heads",
        "_identity",
        "_namespace",
        "_pending",
        "_reader",
        "_weight",
        "is_ended",
        "ready",
        "result",
    )

    def __init__(
        self,
        reader: Reader,
        namespace: str,
        identity: bytes | None,
        result: LiveResult,
        define: Callable[[dict[str, Any]], Definition],
    ) -> None:
        """
        reader      of the commits behind the one that `result` was read at
        namespace   of the collection
        identity    its UUID; None if there is no such collection yet
        define      gives the definition for a collection that is created, by its options
        """
        self.result = result
        self.ready: deque[Difference] = deque()
        self.is_ended = False
        self._reader = reader
        self._namespace = namespace
        self._identity = identity
        self._define = define
        self._pending: deque[Commit] = deque()
        self._weight: int | None = None  # of the first of these; None before it is known
        self._heads: dict[bytes, Head] = {}

    @property
    def is_behind(self) -> bool:
        """Whether it has read commits that no look has handled yet."""
        return bool(self._pending)

    @property
    def position(self) -> int:
        """The sequence of the last commit that was read, or behind which it began."""
        return self._reader.position

    def weight(self) -> int:
        """About how many small documents the next look handles; `sys.maxsize` if it has to read files.

        errors   HISTORY_LOST
        """
        if not self._pending:
            if not self._reader.is_near:
                return sys.maxsize
            self._pending.extend(self._reader.next(LIVE_COMMITS))
        return self._first_weight() if self._pending else 0

    def look(self, most: int, interrupt: Interrupt) -> None:
        """Handle the commits at hand, of a weight of about `most` in all, and one at least. Those that are left, if
        any, are for another look: `is_behind`.

        interrupt   lets other threads run
        errors      HISTORY_LOST; LIVE_TOO_LARGE, and those of the query over a changed document: it is ended then
        """
        left = most
        try:
            while not self.is_ended and (self._pending or self._read()):
                weight = self._first_weight()
                if weight > left and left < most:
                    return
                commit, self._weight = self._pending.popleft(), None
                self._handle(commit, interrupt)
                left -= max(weight, 1)
        except BaseException:
            self.end()
            raise

    def _read(self) -> bool:
        """Read on; whether there was anything."""
        self._pending.extend(self._reader.next(LIVE_COMMITS))
        return bool(self._pending)

    def end(self) -> None:
        """Follow the log no longer. A second call does nothing."""
        self.is_ended = True
        self._pending.clear()
        self._reader.close()

    # One commit

    def _handle(self, commit: Commit, interrupt: Interrupt) -> None:
        found: list[Difference] = []
        sequence = commit.sequence
        for entry in commit.entries:
            operation, identity, fields = self._head(entry)
            if operation == "c":
                self._change_catalog(fields, found, sequence)
                if self.is_ended:
                    break
            elif identity is None or identity != self._identity:
                continue
            elif operation == "i":
                for record_id, raw in enumerate(entry.documents, entry.record_id):
                    found += self.result.put(record_id, raw, sequence)
                    interrupt.breathe()
            elif operation == "u":
                found += self.result.put(entry.record_id, entry.documents[0], sequence)
                interrupt.breathe()
            elif operation == "d":
                found += self.result.remove(entry.record_id, sequence)
        if found:
            found[-1].is_last = True
            self.ready.extend(found)

    def _change_catalog(self, fields: dict[str, Any], found: list[Difference], sequence: int) -> None:
        """Go by what happens to the collection: it may come into being, and it may go."""
        command = fields["o"]
        name = next(iter(command))
        database = fields["ns"].partition(".")[0]
        identity = _bytes_of(fields.get("ui"))
        if self._identity is None:
            if name == "create" and f"{database}.{command['create']}" == self._namespace:
                self._identity = identity
                self.result = LiveResult(self._define(command.get("options") or {}))
            elif name == "renameCollection" and command["to"] == self._namespace:
                self._drop(found, sequence)
            return
        is_gone = name in ("drop", "renameCollection", "convertToCapped") and identity == self._identity
        is_gone |= name == "dropDatabase" and database == self._namespace.partition(".")[0]
        is_gone |= name == "renameCollection" and _bytes_of(command.get("dropTarget")) == self._identity
        if is_gone:
            self._drop(found, sequence)

    def _drop(self, found: list[Difference], sequence: int) -> None:
        found.append(Difference("dropped", sequence))
        self.end()

    def _head(self, entry: Entry) -> Head:
        head = self._heads.get(entry.head)
        if head is None:
            fields = decode(entry.head)
            head = fields["op"], _bytes_of(fields.get("ui")), fields
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[entry.head] = head
        return head

    def _first_weight(self) -> int:
        weight = self._weight
        if weight is None:
            weight = self._weight = sum(map(self._weight_of, self._pending[0].entries))
        return weight

    def _weight_of(self, entry: Entry) -> int:
        operation, identity, fields = self._head(entry)
        if identity != self._identity if self._identity is not None else fields.get("ns") != self._namespace:
            return 0
        count = len(entry.documents) if operation == "i" else 1
        return count + sum(map(len, entry.documents)) // _WEIGHT_BYTES


def _bytes_of(identity: Any) -> bytes | None:
    return None if identity is None else bytes(identity)
