"""Transactions: which there are, by session, and how an operation runs in one.

A transaction stands on a store of its own (`Store.transaction`): what the instance shows of itself there is a copy
that has that store in place of the real one, and every command runs on it as it is. A failure ends the transaction, as
on the server; so does a life longer than `transactionLifetimeLimitSeconds`. A session has one transaction at a time,
and runs one operation in it at a time.

Source: manual, Transactions; Production Considerations; the drivers' specification of transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.context import Context
from amongo.commands.replies import BulkWriteReply, WriteReply
from amongo.commands.session_transaction import SessionTransaction
from amongo.commands.transaction_fields import BYSTANDERS, LIFETIME
from amongo.commands.transaction_rules import check_inside, check_namespaces
from amongo.errors import ServerError
from amongo.errors import transactions as errors
from amongo.errors.sessions import NUMBER_OF_TRANSACTION
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import TRANSACTION_LIFETIME_S
from amongo.runtime.workers import Completion, Lock, start_service

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_CREATING: Final = frozenset({"create", "createIndexes"})
_NEVER_USED: Final = -1  # the active number of a session that has had none


class Transactions:
    """The transactions of an instance.

    started, committed, aborted   how many since the instance was opened
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lock = Lock()  # held while a session's number is looked at or changed
        self._by_session: dict[bytes, SessionTransaction] = {}
        self._open: dict[SessionTransaction, None] = {}  # the oldest first
        self._counting = Lock()  # held while the counts change
        self._closing = Completion()
        self._join: Callable[[], None] | None = None
        self.started = self.committed = self.aborted = 0

    # Operations

    def run(self, name: str, request: Any, context: Context, run: Callable[[Any, Any, Context], Any]) -> Any:
        """Run a request in its transaction, which the context names.

        name     of the command
        errors   those of the command, NO_SUCH, ABORTED, COMMITTED, NUMBER_TOO_OLD, NUMBER_IN_USE, those of
                 `transaction_rules`; with the label TransientTransactionError where the transaction may be run again
        """
        if name in BYSTANDERS:
            return run(self._instance, request, context)
        check_namespaces(request)
        transaction = None
        try:
            transaction = self._entered(context)
            with transaction.held(context.interrupt) as inside:
                transaction.check_open()
                assert inside is not None
                transaction.has_created = transaction.has_created or name in _CREATING
                began_s = inside.clock.monotonic()
                try:
                    reply = self._answer(inside, request, context, run)
                    is_failure = _has_failed(reply)
                except BaseException:
                    transaction.end("aborted")
                    raise
                finally:
                    transaction.active_s += inside.clock.monotonic() - began_s
                if is_failure:
                    transaction.end("aborted")
                return reply
        except ServerError as error:
            raise errors.labelled(error) from None
        except OperationInterrupted:
            if transaction is not None and self._is_overdue(transaction):
                raise errors.TOO_LONG() from None
            raise

    def _answer(self, inside: Instance, request: Any, context: Context, run: Callable[[Any, Any, Context], Any]) -> Any:
        """The reply of an operation; the first failure of a batch ends it, since it ends the transaction.

        errors   those of `check_inside`, of the command, and of a statement after which the transaction may be run
                 again
        """
        check_inside(inside, self._instance.store.catalog, request)
        if getattr(request, "ordered", True) is False:
            request = request._replace(ordered=True)
        reply = run(inside, request, context)
        if isinstance(reply, WriteReply) and reply.errors:
            errors.raise_transient(reply.errors[0])
        return reply

    def inside(self, context: Context) -> Instance | None:
        """What an operation of a transaction will run on; None where it has to begin first, or has ended."""
        found = self._by_session.get(context.session_id or b"")
        return None if found is None or found.number != context.number else found.instance

    def is_running(self, context: Context) -> bool:
        """Whether another operation runs in the transaction, so that this one would wait."""
        found = self._by_session.get(context.session_id or b"")
        return found is not None and found.is_running

    def _entered(self, context: Context) -> SessionTransaction:
        """The transaction of an operation, begun if this is the first.

        errors   NUMBER_TOO_OLD, NUMBER_IN_USE, NO_SUCH, ABORTED, COMMITTED
        """
        with self._lock:
            self._end_overdue()
            found = self._found(context)
            if context.starts_transaction:
                return self._begun(context, found)
            if found is None:
                raise self._unknown(context)
            found.check_open()
            return found

    def _found(self, context: Context) -> SessionTransaction | None:
        """The transaction of this session and number; None if there is none.

        errors   NUMBER_TOO_OLD, NUMBER_IN_USE
        """
        number, active = context.number, self._active_number(context.session_id)
        assert number is not None and context.session_id is not None
        if number < active:
            raise errors.NUMBER_TOO_OLD(number=number, session=context.session_id[:16].hex(), active=active)
        if number > active:
            return None
        if context.starts_transaction:
            raise errors.NUMBER_IN_USE()
        found = self._by_session.get(context.session_id)
        if found is not None and found.number == number:
            return found
        return None

    def _active_number(self, session_id: bytes | None) -> int:
        """The highest number that a session has used, for a transaction or a retryable write."""
        assert session_id is not None
        found = self._by_session.get(session_id)
        number = _NEVER_USED if found is None else found.number
        written = self._instance.store.retries.last(session_id)
        return number if written is None else max(number, written[0])

    def _begun(self, context: Context, before: SessionTransaction | None) -> SessionTransaction:
        """A new transaction; one that the session has still open is aborted."""
        assert context.session_id is not None and before is None
        self._supersede(context.session_id)
        transaction = SessionTransaction(self._instance, context, self._ended)
        self._by_session[context.session_id] = transaction
        self._open[transaction] = None
        self.started += 1
        if self._join is None and not self._closing.is_done:
            self._join = start_service("transactions", self._serve).join
        return transaction

    # Ends

    def commit(self, context: Context, interrupt: Interrupt) -> int:
        """Commit the transaction of the context; the sequence, also when that was done before.

        interrupt   ends it before the commit, never after
        errors   WRITE_CONFLICT, NO_SUCH, ABORTED, NUMBER_TOO_OLD; what the log says
        """
        try:
            with self._lock:
                self._end_overdue()
                transaction = self._found(context)
                if transaction is None:
                    if self._was_committed(context):
                        return 0
                    raise self._unknown(context)
                transaction.check_open(is_commit=True)
            with transaction.held(interrupt):
                transaction.check_open(is_commit=True)
                if transaction.state == "committed":
                    return transaction.sequence
                interrupt.check()
                sequence = transaction.commit()
            if transaction.has_created:
                self._instance.expiry.look()
            return sequence
        except ServerError as error:
            raise errors.labelled(error, is_commit=True) from None

    def abort(self, context: Context) -> None:
        """Abort the transaction of the context.

        errors   NO_SUCH, ABORTED, COMMITTED, NUMBER_TOO_OLD
        """
        try:
            transaction = self._entered(context)
            with transaction.held(context.interrupt):
                transaction.check_open()
                transaction.end("aborted")
        except ServerError as error:
            raise errors.labelled(error, is_commit=True) from None

    def abort_session(self, session_id: bytes) -> None:
        """Abort what a session has open: it was ended or killed."""
        with self._lock:
            self._supersede(session_id)

    def forget(self, session_id: bytes) -> None:
        """Abort what a session has open, and forget its number: the session is gone."""
        with self._lock:
            self._supersede(session_id)
            self._by_session.pop(session_id, None)

    def supersede(self, session_id: bytes, number: int) -> None:
        """A retryable write of a session begins: an older transaction that it has open is aborted.

        errors   NUMBER_TOO_OLD; NUMBER_OF_TRANSACTION for the number of a transaction
        """
        found = self._by_session.get(session_id)
        if found is None:
            return
        if found.number == number:
            raise NUMBER_OF_TRANSACTION()
        with self._lock:
            if found.number > number:
                raise errors.NUMBER_TOO_OLD(number=number, session=session_id[:16].hex(), active=found.number)
            self._supersede(session_id)

    def close(self) -> None:
        """Abort what is open; the instance is closed."""
        with self._lock:
            self._closing.set_result()
            for transaction in list(self._open):
                self._abort_soon(transaction)
            join, self._join = self._join, None
        if join is not None:
            join()

    def end_overdue(self) -> None:
        """Abort the transactions whose time is over."""
        with self._lock:
            self._end_overdue()

    def open(self) -> list[SessionTransaction]:
        """Those that are open, the oldest first."""
        self.end_overdue()
        return list(self._open)

    def _was_committed(self, context: Context) -> bool:
        """Whether a transaction that is not known here was committed, before the store was opened."""
        assert context.session_id is not None
        return self._instance.store.retries.last(context.session_id) == (context.number, True)

    def _unknown(self, context: Context) -> ServerError:
        """The error of an operation in a transaction that is not known here."""
        if self._was_committed(context):
            return errors.COMMITTED(number=context.number)
        return errors.NO_SUCH(number=context.number, active=self._active_number(context.session_id))

    def _supersede(self, session_id: bytes) -> None:
        found = self._by_session.get(session_id)
        if found is not None and found.state == "open":
            self._abort_soon(found)

    def _end_overdue(self) -> None:
        while self._open and self._is_overdue(oldest := next(iter(self._open))):
            self._abort_soon(oldest)

    def _is_overdue(self, transaction: SessionTransaction) -> bool:
        return self._instance.clock.monotonic() - transaction.started_s >= self.lifetime_s

    @property
    def lifetime_s(self) -> int:
        """How long a transaction may be open, in seconds."""
        return int(self._instance.parameters.get(LIFETIME, TRANSACTION_LIFETIME_S))

    def _abort_soon(self, transaction: SessionTransaction) -> None:
        transaction.abort_soon()
        self._open.pop(transaction, None)

    def _ended(self, transaction: SessionTransaction) -> None:
        self._open.pop(transaction, None)
        with self._counting:
            if transaction.state == "committed":
                self.committed += 1
            else:
                self.aborted += 1

    def _serve(self) -> None:
        """Sleep until the time of the oldest transaction is over; until none is open."""
        while True:
            with self._lock:
                self._end_overdue()
                oldest = next(iter(self._open), None)
                if oldest is None or self._closing.is_done:
                    self._join = None
                    return
                left_s = oldest.started_s + self.lifetime_s - self._instance.clock.monotonic()
            if self._closing.wait_blocking(left_s):
                return


def _has_failed(reply: Any) -> bool:
    """Whether some statement of a batch has failed."""
    if isinstance(reply, WriteReply):
        return bool(reply.errors)
    return isinstance(reply, BulkWriteReply) and bool(reply.counts["nErrors"])
