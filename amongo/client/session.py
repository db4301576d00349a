"""Sessions: a client-side object with a session id that goes along with commands.

On one store reads always see the writes before them, so that causal consistency costs nothing; a session learns the
times all the same, for those who hand them on to others. A snapshot session reads everything at the moment of its first
read (`commands.snapshot_reads`). For transactions see `transaction`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from bson.binary import Binary
from bson.int64 import Int64
from bson.timestamp import Timestamp
from pymongo.client_session import SessionOptions, TransactionOptions  # type: ignore[attr-defined]
from pymongo.errors import InvalidOperation
from pymongo.operations import _WRITES_WITH_CLUSTER_TIME
from pymongo.typings import ClusterTime

from amongo.client.transaction import SessionTransactions
from amongo.commands.cluster_times import timestamp
from amongo.runtime.limits import SESSION_IDLE_MINUTES

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient

__all__ = ["AsyncClientSession", "SessionOptions", "TransactionOptions"]

_WITHOUT_READ_CONCERN = frozenset({"getMore", "killCursors", "endSessions", "explain"})

_bound_session: ContextVar[AsyncClientSession | None] = ContextVar("amongo_session", default=None)


class ServerSession:
    """The server's side of a session: its id, and when it was last used (in seconds of the monotonic clock)."""

    def __init__(self) -> None:
        self.session_id = {"id": Binary(uuid.uuid4().bytes, 4)}
        self.last_use = time.monotonic()
        self.dirty = False
        self._transaction_id = 0

    def mark_dirty(self) -> None:
        """Never use this session's id again."""
        self.dirty = True

    @property
    def transaction_id(self) -> Int64:
        """The number of the last retryable write or transaction."""
        return Int64(self._transaction_id)

    def inc_transaction_id(self) -> None:
        """Begin the next one."""
        self._transaction_id += 1

    def has_timed_out(self) -> bool:
        """Whether the server may have forgotten it, or will within a minute."""
        return time.monotonic() - self.last_use > (SESSION_IDLE_MINUTES - 1) * 60


class SessionPool:
    """Sessions that were ended and may be used again, the most recently used on the right."""

    def __init__(self) -> None:
        self._idle: list[ServerSession] = []

    def take(self) -> ServerSession:
        """A session that the server still knows, or a new one."""
        while self._idle:
            session = self._idle.pop()
            if not session.has_timed_out():
                return session
        return ServerSession()

    def give_back(self, session: ServerSession) -> None:
        """Keep the session for the next `take`, unless it is dirty."""
        if not session.dirty:
            self._idle.append(session)

    def pop_all(self) -> list[dict[str, Binary]]:
        """The ids of all idle sessions, forgotten here."""
        idle, self._idle = self._idle, []
        return [session.session_id for session in idle]


class AsyncBoundSession:
    """`async with session.bind()`: operations in the block use the session without being given it."""

    def __init__(self, session: AsyncClientSession, end_session: bool) -> None:
        self._session = session
        self._end_session = end_session
        self._token: Token[AsyncClientSession | None] | None = None

    async def __aenter__(self) -> AsyncClientSession:
        self._token = _bound_session.set(self._session)
        self._session._client._binds = True
        return self._session

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _bound_session.reset(self._token)
            self._token = None
        if self._end_session:
            await self._session.end_session()


class AsyncClientSession(SessionTransactions):
    """A session of a client, made by `AsyncMongoClient.start_session`; source: PyMongo, client_session."""

    def __init__(
        self,
        client: AsyncMongoClient[Any],
        server_session: ServerSession | None,
        options: SessionOptions,
        implicit: bool,
    ) -> None:
        self._client = client
        self._server_session = server_session
        self._options = options
        self._implicit = implicit
        self._cluster_time: Mapping[str, Any] | None = None
        self._operation_time: Timestamp | None = None
        self._seen = 0  # the operation time of the last operation, as a sequence: most are never asked for
        self._told_time: Mapping[str, Any] | None = None  # a cluster time that the server has still to be told of
        self._snapshot_time: Timestamp | None = None  # of the first read of a snapshot session

    @property
    def client(self) -> AsyncMongoClient[Any]:
        """The client that started this session."""
        return self._client

    @property
    def options(self) -> SessionOptions:
        """How it was started."""
        return self._options

    @property
    def session_id(self) -> Mapping[str, Any]:
        """`{"id": UUID as Binary}`.

        errors   InvalidOperation when the session has ended
        """
        if self._server_session is None:
            raise InvalidOperation("Cannot use ended session")
        return self._server_session.session_id

    @property
    def has_ended(self) -> bool:
        """Whether `end_session` has been called."""
        return self._server_session is None

    @property
    def cluster_time(self) -> ClusterTime | None:
        """The highest cluster time seen by an operation of this session."""
        self._settle_times()
        return self._cluster_time

    @property
    def operation_time(self) -> Timestamp | None:
        """The operation time of the last operation of this session."""
        self._settle_times()
        return self._operation_time

    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None:
        """Take note of another session's cluster time.

        errors   TypeError
        """
        if not isinstance(cluster_time, Mapping):
            raise TypeError(f"cluster_time must be a subclass of collections.Mapping, not {type(cluster_time)}")
        if not isinstance(cluster_time.get("clusterTime"), Timestamp):
            raise TypeError("Invalid cluster_time")
        self._settle_times()
        if self._cluster_time is None or cluster_time["clusterTime"] > self._cluster_time["clusterTime"]:
            self._cluster_time = self._told_time = cluster_time

    def advance_operation_time(self, operation_time: Timestamp) -> None:
        """Take note of another session's operation time.

        errors   TypeError
        """
        if not isinstance(operation_time, Timestamp):
            raise TypeError(
                f"operation_time must be an instance of bson.timestamp.Timestamp, not {type(operation_time)}"
            )
        self._settle_times()
        if self._operation_time is None or operation_time > self._operation_time:
            self._operation_time = operation_time

    def bind(self, end_session: bool = True) -> AsyncBoundSession:
        """A context manager in whose block the client's operations use this session."""
        return AsyncBoundSession(self, end_session)

    async def end_session(self) -> None:
        """End it, and abort the transaction that it has open; safe to call twice."""
        if self._server_session is not None:
            try:
                if self.in_transaction:
                    await self.abort_transaction()
            finally:
                self._client._sessions.give_back(self._server_session)
                self._server_session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.end_session()

    def __copy__(self) -> NoReturn:
        raise TypeError("A AsyncClientSession cannot be copied, create a new session instead")

    def _complete(self, document: dict[str, Any], *, is_read: bool) -> None:
        """Complete the read concern of a command that runs now, outside of a transaction, by the session's times."""
        options, name = self._options, next(iter(document))
        if not (is_read or options.snapshot or name in _WRITES_WITH_CLUSTER_TIME) or name in _WITHOUT_READ_CONCERN:
            return
        added: dict[str, Any] = {}
        if options.causal_consistency and self.operation_time is not None:
            added["afterClusterTime"] = self.operation_time
        if options.snapshot:
            added["level"] = "snapshot"
            if self._snapshot_time is not None:
                added["atClusterTime"] = self._snapshot_time
        if added:
            document["readConcern"] = {**document.get("readConcern", {}), **added}

    def _process_reply(self, reply: Mapping[str, Any]) -> None:
        """Learn from an operation that has run."""
        if self._options.snapshot and self._snapshot_time is None:
            told = reply.get("cursor", reply)
            self._snapshot_time = told.get("atClusterTime") if isinstance(told, Mapping) else None
        self._learn()

    def _learn(self) -> None:
        """Learn the times after an operation has run."""
        seen = self._client._runner.last_time
        if not seen:
            return
        self._seen = seen
        self._told_time = None

    def _settle_times(self) -> None:
        """Make times of what was learnt. The cluster time is at least the operation time."""
        if not self._seen:
            return
        time, self._seen = timestamp(self._seen), 0
        if self._operation_time is None or time > self._operation_time:
            self._operation_time = time
        if self._cluster_time is None or time > self._cluster_time["clusterTime"]:
            self._cluster_time = {"clusterTime": time, "signature": {"hash": bytes(20), "keyId": Int64(0)}}


def bound_session() -> AsyncClientSession | None:
    """The session that `bind` has bound here, if any."""
    return _bound_session.get()


def session_for(client: AsyncMongoClient[Any], session: Any) -> AsyncClientSession | None:
    """The session an operation of `client` runs in: the one given, or the one bound, or none.

    errors   ValueError for another type, InvalidOperation for a session that has ended or is of another client
    """
    if session is not None and not isinstance(session, AsyncClientSession):
        raise ValueError(f"'session' argument must be an AsyncClientSession or None, not {type(session)}")
    found: AsyncClientSession | None = session or _bound_session.get()
    if found is None:
        return None
    if found._client is not client:
        raise InvalidOperation("Can only use session with the AsyncMongoClient that started it")
    if found._server_session is None:
        raise InvalidOperation("Cannot use ended session")
    found._server_session.last_use = time.monotonic()
    found._go_on()
    return found


def is_in_snapshot(client: AsyncMongoClient[Any], session: Any) -> bool:
    """Whether an operation runs in a snapshot session, which allows few."""
    if session is None and not client._binds:
        return False
    found = session or _bound_session.get()
    return found is not None and bool(found._options.snapshot)


def learn_in(client: AsyncMongoClient[Any], session: Any) -> None:
    """Let the session of an operation that has run learn the times, if it has one."""
    if session is None and not client._binds:
        return
    found = session or _bound_session.get()
    if found is not None:
        found._learn()


def transaction_in(client: AsyncMongoClient[Any], session: Any) -> AsyncClientSession | None:
    """The session of an operation that belongs to a transaction; None for one that belongs to none.

    errors   those of `session_for`
    """
    if session is None and not client._binds:
        return None
    found = session_for(client, session)
    return found if found is not None and found.in_transaction else None


def refuse_transaction(client: AsyncMongoClient[Any], what: str) -> None:
    """Refuse what takes no session, where one is bound whose transaction it would not see.

    errors   InvalidOperation
    """
    if client._binds and transaction_in(client, None) is not None:
        raise InvalidOperation(f"{what} cannot run in a transaction")
