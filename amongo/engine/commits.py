"""How every change goes: one frame to the log, then the change of memory, under one lock.

If the log refuses the frame (disk full, I/O error), memory stays as it was and the caller gets the error. Once the log
has the frame, the change of memory is made, whatever comes in between.

A commit of a retryable write or of a transaction says where it comes from (`origin`), and is remembered (`retries`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bson import Binary

from amongo.engine.admission import Admission
from amongo.engine.log import Log, MemoryLog, entry, entry_head, parse_entries
from amongo.engine.log.history import History
from amongo.engine.origin import ORIGIN, Origin, coming_from, narrowed
from amongo.engine.records import Collection
from amongo.engine.retries import Retries
from amongo.errors import storage as errors
from amongo.runtime.workers import RLock
from amongo.values.codec import decode, encode


class Commits:
    """The commits of a store.

    lock   held for every change, and for taking a view; never across anything slow. It is not the log's guard, which
           the log's service takes now and then: an operation on the loop that finds `lock` taken goes to a worker, and
           the others behind it
    retries   what has been done by retryable writes
    history   what was committed, for those who read it in order
    admission   who may write
    """

    def __init__(self, log: Log | MemoryLog) -> None:
        self.lock = RLock()
        self.retries = Retries()
        self.history = History(log)
        self.admission = Admission()
        self._guard = log.guard
        self._log = log
        # The last sequence before the commit that is being made, and what it does to memory.
        self._pending: tuple[int, Callable[..., object], tuple[Any, ...]] | None = None

    def _commit(self, payload: bytes | Sequence[bytes], change: Callable[..., object], *arguments: Any) -> int:
        """Write one frame, then change memory; the commit's sequence. Under the lock.

        change   must bear to be made again where it broke off: the frame is written, so it has to happen. An exception
                 of another's making (Ctrl-C, no memory) may come at any point here
        errors   those of `Log.append`, with memory as it was; STORE_BEHIND_LOG; with an ORIGIN those of `Retries.check`
        """
        origin = ORIGIN.get()
        if origin is None:
            return self._write(payload, change, *arguments)
        self.retries.check(origin)
        pieces = (payload,) if isinstance(payload, bytes) else payload
        operation, document = "", None
        if not origin.is_transaction:
            operation = decode(entry_head(pieces[0]))["op"]
        if origin.is_upsert:
            document = parse_entries(pieces[0])[0].documents[0]
        told = (origin.entry(), *pieces)
        return self._write(told, self._change_told, origin, operation, document, change, *arguments)

    def _commit_some(
        self,
        positions: Sequence[int] | None,
        payload: bytes | Sequence[bytes],
        change: Callable[..., object],
        *arguments: Any,
    ) -> int:
        """`_commit` of some of the statements that were to be made, by their positions; None for all of them."""
        if positions is None or ORIGIN.get() is None:
            return self._commit(payload, change, *arguments)
        with coming_from(narrowed(positions)):
            return self._commit(payload, change, *arguments)

    def _write(self, payload: bytes | Sequence[bytes], change: Callable[..., object], *arguments: Any) -> int:
        """`_commit` of what comes from nowhere in particular: of collections too, whoever creates them."""
        if self._pending is not None:
            raise errors.STORE_BEHIND_LOG()
        before, history = self._log.last_sequence, self.history
        try:
            sequence = self._log.append(payload)
            change(*arguments)
            history.show(sequence)
        except BaseException:
            self._make_up(before, change, *arguments)
            raise
        return sequence

    def _change_told(
        self, origin: Origin, operation: str, document: bytes | None, change: Callable[..., object], *arguments: Any
    ) -> None:
        change(*arguments)
        self.retries.remember(origin, operation, document, self._log.last_sequence)

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
                    self.history.show(self._log.last_sequence)
                else:
                    self._log.take_back()
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
        before: dict[str, Any] | None = None,
    ) -> int:
        return self._write(self._catalog_entry(namespace, identity, command, before), change, *arguments)

    @staticmethod
    def _catalog_entry(
        namespace: str, identity: bytes | None, command: dict[str, Any], before: dict[str, Any] | None = None
    ) -> bytes:
        """The bytes of an entry that changes the catalog.

        before   what the command removes or changes, for change streams
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
        """The head of the collection's entries of one kind, encoded once.

        One that says that the document before follows has a name of its own among them: who looks for the quick way of
        an update finds none.
        """
        name = operation + "+pre" if operation != "i" and collection.keeps_images else operation
        head = collection.heads.get(name)
        if head is None:
            fields = {"op": operation, "ns": collection.namespace, "ui": Binary(collection.uuid, 4)}
            head = collection.heads[name] = encode(fields if name == operation else {**fields, "pre": True})
        return head
