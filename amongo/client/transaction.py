"""The transactions of a session: starting, ending, running again what may be run again.

States, messages, labels and times are PyMongo's (client_session); source also: the drivers' specifications of
transactions and of their convenient API. The first operation tells the server that the transaction begins, so that one
without operations costs nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from enum import Enum, auto
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import anyio
from bson.codec_options import DEFAULT_CODEC_OPTIONS
from bson.timestamp import Timestamp
from pymongo import _csot
from pymongo.client_session import SessionOptions, TransactionOptions  # type: ignore[attr-defined]
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.helpers_shared import _RETRYABLE_ERROR_CODES
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from amongo.client.failures import to_pymongo
from amongo.client.sharing.attached import AttachedRunner
from amongo.commands import concerns
from amongo.commands.abort_transaction import AbortRequest
from amongo.commands.commit_transaction import CommitRequest
from amongo.commands.context import Context
from amongo.commands.transaction_fields import TRANSACTION_LEVELS
from amongo.errors import ErrorCode, ServerError
from amongo.errors import transactions as errors
from amongo.runtime.blocking import block, is_blocking
from amongo.runtime.interrupts import NEVER
from amongo.runtime.limits import (
    LOOP_DOCUMENTS,
    TRANSACTION_BACKOFF_MOST_S,
    TRANSACTION_BACKOFF_S,
    TRANSACTION_RETRY_S,
)

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.client import AsyncMongoClient
    from amongo.client.session import AsyncClientSession, ServerSession

T = TypeVar("T")

UNKNOWN_RESULT: Final = "UnknownTransactionCommitResult"
"""The label of a commit of which nobody can say what became of it; it may be sent again."""

_UNKNOWN_CODES: Final = _RETRYABLE_ERROR_CODES | {ErrorCode.WriteConcernTimeout, ErrorCode.MaxTimeMSExpired}
_BACKOFF_GROWTH: Final = 1.5
_LATER_WTIMEOUT_MS: Final = 10_000  # of a commit that is sent again (source: the transactions specification)
_PLAIN_CONCERNS: Final = (None, 1, "majority")


class State(Enum):
    """What has become of a session's transaction."""

    NONE = auto()
    STARTING = auto()
    IN_PROGRESS = auto()
    COMMITTED = auto()
    COMMITTED_EMPTY = auto()
    ABORTED = auto()


class AsyncTransactionContext:
    """`async with await session.start_transaction()`: commits at the end of the block, aborts when it raises."""

    def __init__(self, session: SessionTransactions) -> None:
        self._session = session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._session.in_transaction:
            if exc_val is None:
                await self._session.commit_transaction()
            else:
                await self._session.abort_transaction()


class SessionTransactions:
    """The transaction half of a session."""

    _client: AsyncMongoClient[Any]
    _options: SessionOptions
    _server_session: ServerSession | None
    _state = State.NONE
    _transaction_options: TransactionOptions | None = None
    _commits = 0  # of the present transaction, as often as they were asked for

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._state in (State.STARTING, State.IN_PROGRESS)

    # Beginning and ending

    async def start_transaction(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> AbstractAsyncContextManager[Any]:
        """Begin a transaction: what the session's operations do from now on happens at the commit, or not at all.

        result   a context manager that commits, or aborts when its block raises
        errors   InvalidOperation in a transaction, in a snapshot session and in one that has ended; those of
                 `TransactionOptions`
        source   manual, Transactions; decision 0021
        """
        server_session = self._check_not_ended()
        if self._options.snapshot:
            raise InvalidOperation("Transactions are not supported in snapshot sessions")
        if self.in_transaction:
            raise InvalidOperation("Transaction already in progress")
        if max_commit_time_ms is None and self._options.default_transaction_options is not None:
            max_commit_time_ms = self._options.default_transaction_options.max_commit_time_ms
        self._transaction_options = TransactionOptions(
            self._inherited("read_concern", read_concern),
            self._inherited("write_concern", write_concern),
            self._inherited("read_preference", read_preference),
            max_commit_time_ms,
        )
        self._state, self._commits = State.STARTING, 0
        server_session.inc_transaction_id()
        return AsyncTransactionContext(self)

    async def commit_transaction(self) -> None:
        """Commit: everything becomes visible at once. May be asked again, after a failure too.

        errors   InvalidOperation without a transaction; OperationFailure, with the label TransientTransactionError
                 where the whole transaction may be run again, UnknownTransactionCommitResult where the commit may
        """
        self._check_not_ended()
        if self._state is State.NONE:
            raise InvalidOperation("No transaction started")
        if self._state in (State.STARTING, State.COMMITTED_EMPTY):  # the server has not heard of it
            self._state = State.COMMITTED_EMPTY
            return
        if self._state is State.ABORTED:
            raise InvalidOperation("Cannot call commitTransaction after calling abortTransaction")
        self._state = State.IN_PROGRESS
        try:
            await self._commit()
        except ConnectionFailure as failure:
            failure._remove_error_label(errors.TRANSIENT)
            failure._add_error_label(UNKNOWN_RESULT)
            raise
        except OperationFailure as failure:
            if isinstance(failure, WTimeoutError) or failure.code in _UNKNOWN_CODES:
                failure._add_error_label(UNKNOWN_RESULT)
            raise
        except PyMongoError:
            raise
        except BaseException:  # cancelled: it was committed, or never will be
            self._abort_at_once()
            raise
        finally:
            self._state = State.COMMITTED

    async def abort_transaction(self) -> None:
        """Abort: nothing of it has happened.

        errors   InvalidOperation without a transaction that could be aborted
        """
        self._check_not_ended()
        state = self._state
        if state is State.NONE:
            raise InvalidOperation("No transaction started")
        if state is State.ABORTED:
            raise InvalidOperation("Cannot call abortTransaction twice")
        if state in (State.COMMITTED, State.COMMITTED_EMPTY):
            raise InvalidOperation("Cannot call abortTransaction after calling commitTransaction")
        try:
            if state is State.IN_PROGRESS:
                await self._abort()
        except (OperationFailure, ConnectionFailure):  # it has ended by itself, or will
            pass
        finally:
            self._state = State.ABORTED

    async def with_transaction(
        self,
        callback: Callable[[AsyncClientSession], Awaitable[T]],
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> T:
        """Run `callback(session)` in a transaction and commit it; again and again, for two minutes, while others win.

        callback   may be run several times, so that what it does outside the database has to bear it; must let the
                   failures of its operations pass
        result     what it gives
        errors     what it raises, with the transaction aborted; NetworkTimeout, or ExecutionTimeout under
                   `pymongo.timeout`, when the time is over
        """
        this: AsyncClientSession = self  # type: ignore[assignment]
        started = _now()
        tries = 0
        while True:
            await self.start_transaction(read_concern, write_concern, read_preference, max_commit_time_ms)
            failure: BaseException
            try:
                result = await callback(this)
            except BaseException as error:
                failure = error
                if self.in_transaction:
                    await self.abort_transaction()
                if not (isinstance(error, PyMongoError) and error.has_error_label(errors.TRANSIENT)):
                    raise
            else:
                lost = await self._commit_surely(started) if self.in_transaction else None
                if lost is None:
                    return result
                failure = lost
            tries += 1
            growing_s = TRANSACTION_BACKOFF_S * _BACKOFF_GROWTH**tries
            pause_s = random.random() * min(growing_s, TRANSACTION_BACKOFF_MOST_S)
            if not _is_in_time(started, pause_s):
                raise _out_of_time(failure) from failure
            await _pause(pause_s)

    async def _commit_surely(self, started: float) -> PyMongoError | None:
        """Commit until it is known what became of it; the failure after which the transaction is to be run again."""
        while True:
            try:
                await self.commit_transaction()
            except PyMongoError as error:
                is_unknown = error.has_error_label(UNKNOWN_RESULT) and not isinstance(error, ExecutionTimeout)
                if not is_unknown and not error.has_error_label(errors.TRANSIENT):
                    raise
                if not _is_in_time(started):
                    raise _out_of_time(error) from error
                if not is_unknown:
                    return error
            else:
                return None

    # What goes along with operations

    def _go_on(self) -> None:
        """An operation of the session runs now: after one outside, the transaction before it is not ended again."""
        if not self.in_transaction:
            self._state = State.NONE

    def _operation_context(self, *, is_read: bool = False) -> Context:
        """The context of an operation that runs now; the first one begins the transaction.

        errors   InvalidOperation for a read with another read preference than primary; READ_CONCERN_LEVEL
        """
        server_session, options = self._check_not_ended(), self._transaction_options
        assert options is not None
        if is_read:
            check_read_preference(options.read_preference)
        starts = self._state is State.STARTING
        read = concerns.NO_CONCERNS.read
        if starts:
            level = (options.read_concern and options.read_concern.level) or "local"
            if level not in TRANSACTION_LEVELS:
                raise to_pymongo(errors.READ_CONCERN_LEVEL())
            read = concerns.ReadConcern(level, self._after())
        self._state = State.IN_PROGRESS
        return Context(
            NEVER,
            bytes(server_session.session_id["id"]),
            int(server_session.transaction_id),
            is_transaction=True,
            starts_transaction=starts,
            read_concern=read,
        )

    def _operation_fields(self, *, is_read: bool) -> dict[str, Any]:
        """The fields of a command that runs now, as a document; `_is_heard` when it is on its way.

        errors   InvalidOperation for a read with another read preference than primary
        """
        server_session, options = self._check_not_ended(), self._transaction_options
        assert options is not None
        if is_read:
            check_read_preference(options.read_preference)
        fields: dict[str, Any] = {"txnNumber": server_session.transaction_id, "autocommit": False}
        if self._state is State.STARTING:
            fields["startTransaction"] = True
            read = dict(options.read_concern.document) if options.read_concern else {}
            if (after := self._after()) is not None:
                read["afterClusterTime"] = after
            if read:
                fields["readConcern"] = read
        return fields

    def _is_heard(self) -> None:
        """A command of the transaction goes on its way: the server knows of it."""
        if self._state is State.STARTING:
            self._state = State.IN_PROGRESS

    def _after(self) -> Timestamp | None:
        return self.operation_time if self._options.causal_consistency else None

    # The ends, on their way

    async def _commit(self) -> None:
        options = self._transaction_options
        assert options is not None
        self._commits += 1
        concern = options.write_concern or WriteConcern()
        if self._commits > 1:
            concern = WriteConcern(**{"wtimeout": _LATER_WTIMEOUT_MS, **concern.document, "w": "majority"})
        stated = concern.document
        time_ms = options.max_commit_time_ms if _csot.get_timeout() is None else None
        runner = self._client._runner
        is_plain = stated.get("w") in _PLAIN_CONCERNS and not (_csot.get_timeout() or self._client.options.timeout)
        if self._client._events is None and is_plain:
            is_durable = bool(stated.get("j") or stated.get("fsync"))
            await runner.execute(CommitRequest(time_ms or None), durable=is_durable, session=self)
            return
        command: dict[str, Any] = {"commitTransaction": 1}
        if time_ms:
            command["maxTimeMS"] = time_ms
        await self._send(command, concern)

    async def _abort(self) -> None:
        instance = self._client._runner.instance
        if not self._client._runner.is_open:
            return
        if self._client._events is not None:
            assert self._transaction_options is not None
            await self._send({"abortTransaction": 1}, self._transaction_options.write_concern)
            return
        context, request = self._operation_context(), AbortRequest()
        if instance is None:  # another process owns the store
            with anyio.CancelScope(shield=True) if not is_blocking() else nullcontext():
                await self._client._runner.execute(request, session=self)
            return
        inside = instance.transactions.inside(context)
        is_quick = (inside is None or inside.examines(request) <= LOOP_DOCUMENTS) and not instance.store.is_busy
        if not is_quick or instance.transactions.is_running(context):
            with anyio.CancelScope(shield=True) if not is_blocking() else nullcontext():
                await self._client._runner.execute(request, session=self)
        else:
            self._abort_at_once()

    def _abort_at_once(self) -> None:
        """Abort without a wait, so that a cancelled task does it too."""
        runner = self._client._runner
        if isinstance(runner, AttachedRunner):
            runner.abort_at_once(self._operation_context())
        elif runner.instance is not None:
            with suppress(ServerError):  # it has ended by itself
                runner.instance.execute(AbortRequest(), self._operation_context())

    async def _send(self, command: dict[str, Any], concern: WriteConcern | None) -> None:
        admin = self._client.get_database("admin", DEFAULT_CODEC_OPTIONS)
        this: AsyncClientSession = self  # type: ignore[assignment]
        await admin._send(command, session=this, write_concern=concern)

    def _inherited(self, name: str, value: Any) -> Any:
        """An option of a transaction: the one given, or the session's, or the client's."""
        default = self._options.default_transaction_options
        return value or (default and getattr(default, name)) or getattr(self._client, name)

    @property
    def operation_time(self) -> Timestamp | None:
        """The operation time of the last operation of this session."""
        raise NotImplementedError

    def _learn(self) -> None:
        """Learn the times after an operation has run."""
        raise NotImplementedError

    def _check_not_ended(self) -> ServerSession:
        if self._server_session is None:
            raise InvalidOperation("Cannot use ended session")
        return self._server_session


def check_read_preference(preference: _ServerMode | None) -> None:
    """Refuse to read in a transaction with another read preference than primary. errors: InvalidOperation."""
    if preference is not None and preference != ReadPreference.PRIMARY:
        raise InvalidOperation(f"read preference in a transaction must be primary, not: {preference!r}")


def _now() -> float:
    return time.monotonic()


def _is_in_time(started: float, pause_s: float = 0.0) -> bool:
    """Whether `with_transaction` may try again, after a pause."""
    left_s = _csot.remaining()
    if left_s is not None and left_s <= 0:
        return False
    return _now() + pause_s - started < TRANSACTION_RETRY_S


def _out_of_time(failure: BaseException) -> PyMongoError:
    """The exception of a `with_transaction` that may not try again after this failure, with its labels."""
    text = str(failure)
    error: PyMongoError = NetworkTimeout(text)
    if _csot.remaining() is not None:
        error = ExecutionTimeout(text, ErrorCode.MaxTimeMSExpired, {"ok": 0, "errmsg": text, "code": 50})
    if isinstance(failure, PyMongoError):
        error._error_labels = failure._error_labels.copy()
    return error


async def _pause(pause_s: float) -> None:
    if is_blocking():
        block(pause_s)
    else:
        await anyio.sleep(pause_s)
