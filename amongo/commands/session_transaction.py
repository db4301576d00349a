"""One transaction of a session, from its first operation to its end, and the instance as its operations see it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from bson import Timestamp

from amongo.aggregate import NoColumns
from amongo.commands.context import Context
from amongo.engine.origin import Origin
from amongo.errors import transactions as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import TRANSACTION_BYTES_PER_READ
from amongo.runtime.workers import Lock

if TYPE_CHECKING:
    from amongo.commands.concerns import ReadConcern
    from amongo.commands.instance import Instance
    from amongo.engine.transactions import Transaction

_PATIENCE_S: Final = 0.05  # between two looks whether an operation that waits for another one has to end


class SessionTransaction:
    """The last transaction of a session.

    state       what has become of it
    has_created   whether it has made collections or indexes
    read_timestamp   of the last commit that it sees
    sequence    of its commit; 0 if it has written nothing
    instance    on which its operations run; None when it has ended
    active_s    how long its operations took
    """

    __slots__ = (
        *("_ended", "_engine", "_interrupt", "_is_doomed", "_lock", "_store", "active_s", "has_created", "instance"),
        *("number", "read_concern", "read_timestamp", "sequence", "session_id", "started_ms", "started_s", "state"),
    )

    def __init__(self, outer: Instance, context: Context, ended: Callable[[SessionTransaction], None]) -> None:
        """ended: is told when it has ended."""
        self.has_created = False
        assert context.session_id is not None and context.number is not None
        self._ended = ended
        self.session_id: bytes = context.session_id
        self.number: int = context.number
        self.read_concern: ReadConcern | None = context.read_concern
        self.state: Literal["open", "committed", "aborted"] = "open"
        self.sequence = 0
        self.started_ms = outer.clock.now_ms()
        self.started_s = outer.clock.monotonic()
        self.active_s = 0.0
        self._lock = Lock()  # held by the operation that runs, and by what ends the transaction
        self._is_doomed = False  # to be aborted when the operation that runs has ended
        self._interrupt: Interrupt | None = None  # of that operation
        self._store = outer.store
        self._engine: Transaction | None = self._store.transaction()
        sequence = self._engine.sequence
        self.read_timestamp = Timestamp(sequence >> 32, sequence & 0xFFFFFFFF)
        inside = copy.copy(outer)
        inside.store = self._engine.store
        inside.columnar = NoColumns(inside.store, "columns are not used in a transaction")
        inside.cursors = outer.cursors.of_transaction(self.number)
        inside.ahead = None
        inside.transaction = self
        inside.next_timestamp = outer.next_timestamp  # type: ignore[method-assign]
        self.instance: Instance | None = inside

    @property
    def weight(self) -> int:
        """As many documents could be read, about, in the time that its commit takes."""
        engine = self._engine
        return 0 if engine is None else engine.size_bytes // TRANSACTION_BYTES_PER_READ

    @property
    def is_running(self) -> bool:
        """Whether an operation runs in it: another one has to wait."""
        return self._lock.locked()

    @contextmanager
    def held(self, interrupt: Interrupt) -> Iterator[Instance | None]:
        """While the block runs, no other operation runs in the transaction; gives what its operations run on.

        errors   OperationInterrupted and TimeLimitExpired while it waits for another one
        """
        while not self._lock.acquire(timeout=_PATIENCE_S):
            interrupt.check()
        self._interrupt = interrupt
        try:
            yield self.instance
        finally:
            self._interrupt = None
            if self._is_doomed:
                self.end("aborted")
            self._lock.release()

    def commit(self) -> int:
        """Make what it has written visible, all at once; the sequence. By who holds it.

        errors   WRITE_CONFLICT and what the log says, with nothing written
        """
        origin = Origin(self.session_id, self.number, is_transaction=True)
        engine = self._engine
        assert engine is not None
        try:
            self.sequence = engine.commit(origin)
        except BaseException:
            if engine.is_open:
                self.end("aborted")
            else:  # something else came in between when it was made
                self.sequence = self._store.last_sequence
                self.end("committed")
            raise
        self.end("committed")
        return self.sequence

    def end(self, state: Literal["committed", "aborted"]) -> None:
        """Let go of everything; by who holds it. Harmless when it has ended."""
        if self.state == "open":
            self.state = state
            inside, self.instance = self.instance, None
            if inside is not None:
                inside.cursors.let_go()
            engine, self._engine = self._engine, None
            self._ended(self)
            if state == "aborted" and engine is not None:
                engine.abort()

    def abort_soon(self) -> None:
        """Abort it: at once, or when the operation has ended that runs in it, which is told to."""
        self._is_doomed = True
        if self._lock.acquire(blocking=False):
            self.end("aborted")
            self._lock.release()
        elif (interrupt := self._interrupt) is not None:
            interrupt.stop("the transaction was aborted")

    def check_open(self, *, is_commit: bool = False) -> None:
        """Refuse an operation in a transaction that has ended; a commit may be repeated.

        errors   ABORTED, COMMITTED
        """
        if self.state == "aborted" or (self.state == "open" and self._is_doomed):
            raise errors.ABORTED(number=self.number)
        if self.state == "committed" and not is_commit:
            raise errors.COMMITTED(number=self.number)
