"""How every change goes: one frame to the log, then the change of memory, under one lock.

If the log refuses the frame (disk full, I/O error), memory stays as it was and the caller gets the error. Once the log
has the frame, the change of memory is made, whatever comes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bson import Binary

from amongo.engine.log import Log, MemoryLog, entry
from amongo.engine.records import Collection
from amongo.errors import storage as errors
from amongo.runtime.workers import RLock
from amongo.values.codec import encode


class Commits:
    """The commits of a store.

    lock   held for every change, and for taking a view; never across anything slow. It is not the log's guard, which
           the log's service takes now and then: an operation on the loop that finds `lock` taken goes to a worker, and
           the others behind it
    """

    def __init__(self, log: Log | MemoryLog) -> None:
        self.lock = RLock()
        self._guard = log.guard
        self._log = log
        # The last sequence before the commit that is being made, and what it does to memory.
        self._pending: tuple[int, Callable[..., object], tuple[Any, ...]] | None = None

    def _commit(self, payload: bytes | Sequence[bytes], change: Callable[..., object], *arguments: Any) -> int:
        """Write one frame, then change memory; the commit's sequence. Under the lock.

        change   must bear to be made again where it broke off: the frame is written, so it has to happen. An exception
                 of another's making (Ctrl-C, no memory) may come at any point here
        errors   those of `Log.append`, with memory as it was; STORE_BEHIND_LOG
        """
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        before = self._log.last_sequence
        try:
            sequence = self._log.append(payload)
            change(*arguments)
        except BaseException:
            self._make_up(before, change, *arguments)
            raise
        return sequence

    def _make_up(self, before: int, change: Callable[..., object], *arguments: Any) -> None:
        """Make the change of a commit that broke off, if the log has its frame.

        before   the log's last sequence before the commit
        """
        self._pending = before, change, arguments
        while self._pending is not None:
            sequence, change, arguments = self._pending
            try:
                if self._log.last_sequence != sequence:
                    change(*arguments)
                self._pending = None
            except KeyboardInterrupt:
                continue  # the first one is being raised

    def _commit_catalog(
        self,
        namespace: str,
        identity: bytes | None,
        command: dict[str, Any],
        change: Callable[..., object],
        *arguments: Any,
    ) -> int:
        return self._commit(self._catalog_entry(namespace, identity, command), change, *arguments)

    @staticmethod
    def _catalog_entry(
        namespace: str, identity: bytes | None, command: dict[str, Any], before: dict[str, Any] | None = None
    ) -> bytes:
        """The bytes of an entry that changes the catalog.

        before   what the command removes, for change streams
        """
        head: dict[str, Any] = {"op": "c", "ns": namespace.partition(".")[0] + ".$cmd"}
        if identity is not None:
            head["ui"] = Binary(identity, 4)
        head["o"] = command
        if before is not None:
            head["o2"] = before
        return entry(0, encode(head), ())

    @staticmethod
    def _head(collection: Collection, operation: str) -> bytes:
        """The head of the collection's entries of one kind, encoded once."""
        head = collection.heads.get(operation)
        if head is None:
            head = collection.heads[operation] = encode(
                {"op": operation, "ns": collection.namespace, "ui": Binary(collection.uuid, 4)}
            )
        return head
