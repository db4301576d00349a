"""Sessions: a client-side object with a session id that goes along with commands.

On one store reads always see the writes before them, so causal consistency needs nothing more. Transactions come with
the Streams release; until then starting one is refused.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from bson.binary import Binary
from bson.int64 import Int64
from bson.timestamp import Timestamp
from pymongo.client_session import SessionOptions, TransactionOptions  # type: ignore[attr-defined]
from pymongo.errors import InvalidOperation
from pymongo.read_concern import ReadConcern
from pymongo.typings import ClusterTime
from pymongo.write_concern import WriteConcern

from amongo.runtime.limits import SESSION_IDLE_MINUTES

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.client import AsyncMongoClient

__all__ = ["AsyncClientSession", "SessionOptions", "TransactionOptions"]

_T = TypeVar("_T")

NOT_YET = {
    "start_transaction": "transactions are not in amongo yet: they come with the Streams release",
}

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


class AsyncClientSession:
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
    def in_transaction(self) -> bool:
        """Whether a transaction is open: not yet possible."""
        return False

    @property
    def cluster_time(self) -> ClusterTime | None:
        """The highest cluster time seen by an operation of this session."""
        return self._cluster_time

    @property
    def operation_time(self) -> Timestamp | None:
        """The operation time of the last operation of this session."""
        return self._operation_time

    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None:
        """Take note of another session's cluster time.

        errors   TypeError
        """
        if not isinstance(cluster_time, Mapping):
            raise TypeError(f"cluster_time must be a subclass of collections.Mapping, not {type(cluster_time)}")
        if not isinstance(cluster_time.get("clusterTime"), Timestamp):
            raise TypeError("Invalid cluster_time")
        if self._cluster_time is None or cluster_time["clusterTime"] > self._cluster_time["clusterTime"]:
            self._cluster_time = cluster_time

    def advance_operation_time(self, operation_time: Timestamp) -> None:
        """Take note of another session's operation time.

        errors   TypeError
        """
        if not isinstance(operation_time, Timestamp):
            raise TypeError(
                f"operation_time must be an instance of bson.timestamp.Timestamp, not {type(operation_time)}"
            )
        if self._operation_time is None or operation_time > self._operation_time:
            self._operation_time = operation_time

    def bind(self, end_session: bool = True) -> AsyncBoundSession:
        """A context manager in whose block the client's operations use this session."""
        return AsyncBoundSession(self, end_session)

    async def end_session(self) -> None:
        """End it; safe to call twice."""
        if self._server_session is not None:
            self._client._sessions.give_back(self._server_session)
            self._server_session = None

    async def start_transaction(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> AbstractAsyncContextManager[Any]:
        """Refuse: transactions come with the Streams release.

        errors   InvalidOperation
        """
        self._check_not_ended()
        TransactionOptions(read_concern, write_concern, read_preference, max_commit_time_ms)
        raise InvalidOperation(NOT_YET["start_transaction"])

    async def with_transaction(
        self,
        callback: Callable[[AsyncClientSession], Awaitable[_T]],
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> _T:
        """Refuse: transactions come with the Streams release.

        errors   InvalidOperation
        """
        await self.start_transaction(read_concern, write_concern, read_preference, max_commit_time_ms)
        raise AssertionError("a transaction started")

    async def commit_transaction(self) -> None:
        """Refuse: none is open.

        errors   InvalidOperation
        """
        self._check_not_ended()
        raise InvalidOperation("No transaction started")

    async def abort_transaction(self) -> None:
        """Refuse: none is open.

        errors   InvalidOperation
        """
        self._check_not_ended()
        raise InvalidOperation("No transaction started")

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

    def _check_not_ended(self) -> None:
        if self._server_session is None:
            raise InvalidOperation("Cannot use ended session")

    def _process_reply(self, reply: Mapping[str, Any]) -> None:
        operation_time = reply.get("operationTime")
        if operation_time is not None:
            self.advance_operation_time(operation_time)
        cluster_time = reply.get("$clusterTime")
        if cluster_time is not None:
            self.advance_cluster_time(cluster_time)


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
    return found
