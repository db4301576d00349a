"""The client: one open store, and the databases in it. Source: PyMongo, mongo_client.

`AsyncMongoClient("local://data")` and `"memory://"` are embedded; every other address gives PyMongo's own client, with
nothing around it. As with PyMongo, making a client opens nothing: the first operation does, or `aconnect`.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self
from weakref import WeakSet

import anyio
import bson
import pymongo
from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, TypeRegistry
from bson.int64 import Int64
from bson.timestamp import Timestamp
from pymongo.client_options import ClientOptions
from pymongo.common import BaseObject, validate_list
from pymongo.driver_info import DriverInfo
from pymongo.errors import ConfigurationError, InvalidOperation, PyMongoError
from pymongo.operations import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.read_concern import ReadConcern
from pymongo.results import ClientBulkWriteResult
from pymongo.topology_description import TopologyDescription
from pymongo.typings import _Address, _CollationIn, _DocumentType, _DocumentTypeArg, _Pipeline
from pymongo.write_concern import WriteConcern

from amongo.client.address import Address, embedded_address
from amongo.client.change_stream import AsyncChangeStream, AsyncClusterChangeStream
from amongo.client.client_bulk import ClientBulk
from amongo.client.client_options import parse_options, with_metadata
from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.command_events import CommandEvents, command_events
from amongo.client.database import AsyncDatabase
from amongo.client.documents import decode_reply
from amongo.client.forking import fork_client
from amongo.client.kinds import ClientKind
from amongo.client.opening import Operations, Unopened, part
from amongo.client.sending import send
from amongo.client.session import (
    AsyncClientSession,
    SessionOptions,
    SessionPool,
    TransactionOptions,
    bound_session,
    transaction_in,
)
from amongo.client.topology import address_pair, describe_topology
from amongo.commands.context import NO_SEQUENCES
from amongo.runtime.blocking import is_blocking
from amongo.runtime.workers import Lock

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.cursor_base import CursorBase
    from amongo.client.live import AsyncLiveQuery
    from amongo.client.sharing.following import AttachedLive
    from amongo.streams.live import Feed

_NamedWriteOp = InsertOne[Any] | DeleteOne | DeleteMany | ReplaceOne[Any] | UpdateOne | UpdateMany
_ADMIN = "admin"


class AsyncMongoClient(ClientKind, BaseObject, Generic[_DocumentType]):
    """A client of an embedded store, or PyMongo's own client for any other address."""

    HOST = "localhost"
    PORT = 27017

    def __new__(
        cls,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        document_class: type[_DocumentType] | None = None,
        tz_aware: bool | None = None,
        connect: bool | None = None,
        type_registry: TypeRegistry | None = None,
        **kwargs: Any,
    ) -> Self:
        """A client of this class for an embedded address, else PyMongo's.

        errors   InvalidURI, ConfigurationError, TypeError, ValueError
        """
        if embedded_address(host) is None:
            return pymongo.AsyncMongoClient(  # type: ignore[return-value]
                host, port, document_class, tz_aware, connect, type_registry, **kwargs
            )
        return super().__new__(cls)

    def __init__(
        self,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        document_class: type[_DocumentType] | None = None,
        tz_aware: bool | None = None,
        connect: bool | None = None,
        type_registry: TypeRegistry | None = None,
        **kwargs: Any,
    ) -> None:
        address = embedded_address(host)
        if address is None:
            raise ConfigurationError(f"{host!r} is not an embedded address")
        keywords = {"port": port, "document_class": document_class, "tz_aware": tz_aware}
        options = parse_options(address.query, {**keywords, "type_registry": type_registry, **kwargs})
        super().__init__(options.codec_options, options.read_preference, options.write_concern, options.read_concern)
        self._begin(address, options)

    def _begin(self, address: Address, options: ClientOptions) -> None:
        """Be a client that has opened nothing yet."""
        self._address: Address = address
        self._address_pair: _Address = address_pair(address)
        self._options = options
        self._events: CommandEvents | None = command_events(options, self._address_pair)
        self._lock = Lock()  # held while the runner is exchanged
        self._runner: Operations = Unopened(self, address)
        self._sessions = SessionPool()
        self._binds = False  # whether a session was ever bound: then operations may run in one that they are not given
        self._dead_cursors: deque[tuple[str, int]] = deque()
        self._open_cursors: WeakSet[CursorBase[Any]] = WeakSet()  # those that may hold a server cursor
        self._live_queries: WeakSet[AsyncLiveQuery[Any]] = WeakSet()  # those that follow the log
        self._forgotten_feeds: deque[Feed | AttachedLive] = deque()  # of live queries that nobody has closed

    # Opening and closing

    async def aconnect(self) -> None:
        """Open the store now instead of with the first operation.

        errors   ConfigurationError, ConnectionFailure, OperationFailure: see `Unopened.open`; InvalidOperation
        """
        if isinstance(self._runner, Unopened):
            await self._runner.open()

    async def close(self) -> None:
        """Close it: what was acknowledged is safe afterwards. Safe to call twice."""
        try:
            if self._is_open:
                await self._say_goodbye()
        finally:
            await part(self, self._address)

    async def fork(self) -> Self:
        """A client with the same options of a store in memory that begins with what this one holds now.

        Nothing is copied, so that it takes no longer for much data than for little. Each of the two stores goes its own
        way from then on; close both. Transactions that are open are not in it.

        errors   as of any first operation; InvalidOperation after close
        """
        return await fork_client(self)

    async def _say_goodbye(self) -> None:
        """End the sessions that are open."""
        ids = self._sessions.pop_all()
        try:
            with anyio.CancelScope(shield=True) if not is_blocking() else nullcontext():
                if ids:
                    await send(self, _ADMIN, {"endSessions": ids}, DEFAULT_CODEC_OPTIONS)
        except PyMongoError:
            pass  # the server forgets them in time

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        if "_runner" in self.__dict__ and self._is_open and self._address.path is not None:
            warnings.warn(
                f"Unclosed {type(self).__name__} of {self._address.location}: call close() so that the store is closed",
                ResourceWarning,
                stacklevel=2,
            )

    def _note_open(self, cursor: CursorBase[Any]) -> None:
        """Take note of a cursor that holds a server cursor; it is closed with the client."""
        with self._lock:
            self._open_cursors.add(cursor)

    def _note_live(self, live_query: AsyncLiveQuery[Any]) -> None:
        """Take note of a live query; it is closed with the client."""
        with self._lock:
            self._live_queries.add(live_query)
        while self._forgotten_feeds:
            self._forgotten_feeds.popleft().end()

    @property
    def _is_open(self) -> bool:
        """Whether the store has been opened and not yet closed."""
        return self._runner.is_open

    async def _kill_dead_cursors(self) -> None:
        """Kill the server cursors that were closed or forgotten."""
        by_namespace: dict[str, list[Int64]] = {}
        while self._dead_cursors:
            try:
                namespace, cursor_id = self._dead_cursors.popleft()
            except IndexError:  # another thread took the last
                break
            by_namespace.setdefault(namespace, []).append(Int64(cursor_id))
        try:
            for namespace, cursor_ids in by_namespace.items():
                if self._is_open:
                    database, _, collection = namespace.partition(".")
                    command = bson.encode({"killCursors": collection, "cursors": cursor_ids})
                    running = self._runner.command(database, command)
                    if self._events is not None:
                        running = self._events.around(running, database, command, NO_SEQUENCES, DEFAULT_CODEC_OPTIONS)
                    await running
        except BaseException:  # cancelled: the next command does it
            for namespace, cursor_ids in by_namespace.items():
                self._dead_cursors.extend((namespace, cursor_id) for cursor_id in cursor_ids)
            raise

    # Databases

    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncDatabase[_DocumentType]:
        """The database of this name, which need not exist; None for the default database of the address.

        errors   ConfigurationError, TypeError, InvalidName
        """
        if name is None:
            if self._address.database is None:
                raise ConfigurationError("No default database defined")
            name = self._address.database
        return AsyncDatabase(self, name, codec_options, read_preference, write_concern, read_concern)

    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncDatabase[_DocumentType]:
        """The default database of the address (`memory://name/db`), or the one named `default`.

        errors   ConfigurationError, TypeError, InvalidName
        """
        name = self._address.database or default
        if name is None:
            raise ConfigurationError("No default database name defined or provided.")
        return AsyncDatabase(self, name, codec_options, read_preference, write_concern, read_concern)

    def __getattr__(self, name: str) -> AsyncDatabase[_DocumentType]:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name} database, use client[{name!r}]."
            )
        return self.__getitem__(name)

    def __getitem__(self, name: str) -> AsyncDatabase[_DocumentType]:
        return AsyncDatabase(self, name)

    async def list_databases(
        self, session: AsyncClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> AsyncCommandCursor[dict[str, Any]]:
        """A cursor over the descriptions of the databases."""
        command = {"listDatabases": 1, **kwargs}
        if comment is not None:
            command["comment"] = comment
        reply = await send(self, _ADMIN, command, DEFAULT_CODEC_OPTIONS, session=session)
        cursor = {"id": 0, "firstBatch": reply["databases"], "ns": "admin.$cmd"}
        admin: AsyncDatabase[Any] = self.get_database(_ADMIN, DEFAULT_CODEC_OPTIONS)
        return AsyncCommandCursor(admin["$cmd"], cursor, None, comment=comment)

    async def list_database_names(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> list[str]:
        """The names of the databases."""
        cursor = await self.list_databases(session, comment, nameOnly=True)
        return [document["name"] for document in await cursor.to_list()]

    async def drop_database(
        self,
        name_or_database: str | AsyncDatabase[_DocumentTypeArg],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> None:
        """Drop a database, with all its collections.

        errors   TypeError, OperationFailure
        """
        name = name_or_database.name if isinstance(name_or_database, AsyncDatabase) else name_or_database
        if not isinstance(name, str):
            raise TypeError(f"name_or_database must be an instance of str or a AsyncDatabase, not {type(name)}")
        command: dict[str, Any] = {"dropDatabase": 1}
        if comment is not None:
            command["comment"] = comment
        database = self[name]
        await database._send(command, session=session, write_concern=self.write_concern)

    async def server_info(self, session: AsyncClientSession | None = None) -> dict[str, Any]:
        """What the server says of its build: `version` and more."""
        reply = await send(self, _ADMIN, {"buildinfo": 1}, DEFAULT_CODEC_OPTIONS, session=session)
        information: dict[str, Any] = decode_reply(reply, DEFAULT_CODEC_OPTIONS)
        return information

    # Sessions, bulk writes, change streams

    def start_session(
        self,
        causal_consistency: bool | None = None,
        default_transaction_options: TransactionOptions | None = None,
        snapshot: bool | None = False,
    ) -> AsyncClientSession:
        """A new session of this client.

        errors   ConfigurationError, TypeError
        """
        options = SessionOptions(causal_consistency, default_transaction_options, snapshot)
        return AsyncClientSession(self, self._sessions.take(), options, False)

    def _implicit_session(self) -> AsyncClientSession | None:
        """A session nobody asked for; None where one is bound. Its id serves the next taker too: nothing depends on it.

        PyMongo gives every operation one. Here those few have one whose answer shows it.
        """
        if bound_session() is not None:
            return None
        identity = self._sessions.take()
        self._sessions.give_back(identity)
        return AsyncClientSession(self, identity, SessionOptions(False), True)

    async def bulk_write(
        self,
        models: Sequence[_NamedWriteOp],
        session: AsyncClientSession | None = None,
        ordered: bool = True,
        verbose_results: bool = False,
        bypass_document_validation: bool | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
        write_concern: WriteConcern | None = None,
    ) -> ClientBulkWriteResult:
        """Run many operations, each of which names its namespace.

        errors   TypeError, InvalidOperation, ClientBulkWriteException
        """
        if write_concern is not None and transaction_in(self, session) is not None:
            raise InvalidOperation("Cannot set write concern after starting a transaction")
        write_concern = write_concern or self.write_concern
        if not write_concern.acknowledged and verbose_results:
            raise InvalidOperation("Cannot request unacknowledged write concern and verbose results")
        if not write_concern.acknowledged and ordered:
            raise InvalidOperation("Cannot request unacknowledged write concern and ordered writes")
        validate_list("models", models)
        bulk = ClientBulk(
            self,
            write_concern,
            is_ordered=ordered,
            is_verbose=verbose_results,
            session=session,
            let=let,
            comment=comment,
            bypass_document_validation=bypass_document_validation,
        )
        for model in models:
            try:
                model._add_to_client_bulk(bulk)  # type: ignore[arg-type]
            except AttributeError:
                raise TypeError(f"{model!r} is not a valid request") from None
        return await bulk.execute()

    async def watch(
        self,
        pipeline: _Pipeline | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: AsyncClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> AsyncChangeStream[_DocumentType]:
        """The changes of the whole store.

        errors   OperationFailure; TypeError, ValueError
        """
        stream = AsyncClusterChangeStream(
            self[_ADMIN],
            pipeline,
            full_document,
            resume_after,
            max_await_time_ms,
            batch_size,
            collation,
            start_at_operation_time,
            session,
            start_after,
            comment,
            full_document_before_change,
            show_expanded_events,
        )
        await stream._open()
        return stream

    # What it is

    @property
    def options(self) -> ClientOptions:
        """The options it was made with."""
        return self._options

    def append_metadata(self, driver_info: DriverInfo) -> None:
        """Take note of a library on top of this client.

        errors   TypeError
        """
        if not isinstance(driver_info, DriverInfo):
            raise TypeError(f"driver_info must be an instance of DriverInfo, not {type(driver_info)}")
        self._options = with_metadata(self._options, driver_info)

    @property
    def topology_description(self) -> TopologyDescription:
        """One server: this process."""
        return describe_topology(self._address_pair)

    @property
    def nodes(self) -> frozenset[_Address]:
        """The address of the store."""
        return frozenset({self._address_pair})

    @property
    async def address(self) -> _Address | None:
        """The address of the store, with None for a port."""
        return self._address_pair

    @property
    async def primary(self) -> _Address | None:
        """The address of the store."""
        return self._address_pair

    @property
    async def secondaries(self) -> set[_Address]:
        """None: there is one store."""
        return set()

    @property
    async def arbiters(self) -> set[_Address]:
        """None: there is one store."""
        return set()

    @property
    async def is_primary(self) -> bool:
        """True: the store takes writes."""
        return True

    @property
    async def is_mongos(self) -> bool:
        """False: it is no router."""
        return False

    def eq_props(self) -> tuple[tuple[_Address, ...], str | None, str | None, str]:
        """What makes clients equal: the store. A store of a client's own equals no other."""
        own = "" if self._address.sharing_key else str(id(self))
        return ((self._address_pair,), None, None, own)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncMongoClient):
            return self.eq_props() == other.eq_props()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.eq_props())

    def __repr__(self) -> str:
        document_class = self.codec_options.document_class
        name = "dict" if document_class is dict else f"{document_class.__module__}.{document_class.__name__}"
        return (
            f"{type(self).__name__}(host=[{self._address.location!r}], document_class={name}, "
            f"tz_aware={self.codec_options.tz_aware!r}, connect=True)"
        )

    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__
