"""The blocking client: every class derived from its async class. Its types stand in `__init__.pyi`, made by `stubs`."""

from functools import wraps
from typing import Any

import pymongo

from amongo.client import change_stream, command_cursor, cursor, database, history_cursor, live, session, transaction
from amongo.client.address import embedded_address
from amongo.client.client import AsyncMongoClient
from amongo.client.collection import AsyncCollection
from amongo.client.sync.derivation import Blocking, derive, guarded, to_blocking
from amongo.runtime.blocking import drive


class _Addressed(Blocking):
    """A client is embedded or PyMongo's, as its address says."""

    def __new__(cls, host: Any = None, *args: Any, **kwargs: Any) -> Any:
        if embedded_address(host) is None:
            return pymongo.MongoClient(host, *args, **kwargs)
        return super().__new__(cls)


class _Indexed(Blocking):
    """The blocking cursor has items."""

    def __getitem__(self, index: int | slice) -> Any:
        item = drive(self._async._item(index))
        return self if item is self._async else item


class _Calling(Blocking):
    """The blocking session calls a function that is no coroutine."""

    @wraps(session.AsyncClientSession.with_transaction)
    def with_transaction(self, callback: Any, *args: Any, **kwargs: Any) -> Any:
        async def call(session: Any) -> Any:
            return callback(to_blocking(session))

        return guarded(session.AsyncClientSession.with_transaction, self._async, call, *args, **kwargs)


MongoClient = derive(AsyncMongoClient, _Addressed)
Database = derive(database.AsyncDatabase)
Collection = derive(AsyncCollection)
Cursor = derive(cursor.AsyncCursor, _Indexed)
RawBatchCursor = derive(cursor.AsyncRawBatchCursor)
CommandCursor = derive(command_cursor.AsyncCommandCursor)
RawBatchCommandCursor = derive(command_cursor.AsyncRawBatchCommandCursor)
ClientSession = derive(session.AsyncClientSession, _Calling)
TransactionContext = derive(transaction.AsyncTransactionContext)
BoundSession = derive(session.AsyncBoundSession)
ChangeStream = derive(change_stream.AsyncChangeStream)
CollectionChangeStream = derive(change_stream.AsyncCollectionChangeStream)
DatabaseChangeStream = derive(change_stream.AsyncDatabaseChangeStream)
ClusterChangeStream = derive(change_stream.AsyncClusterChangeStream)
HistoryCursor = derive(history_cursor.AsyncHistoryCursor)
LiveQuery = derive(live.AsyncLiveQuery)

__all__ = [
    "ChangeStream",
    "ClientSession",
    "ClusterChangeStream",
    "Collection",
    "CollectionChangeStream",
    "CommandCursor",
    "Cursor",
    "Database",
    "DatabaseChangeStream",
    "HistoryCursor",
    "LiveQuery",
    "MongoClient",
    "RawBatchCommandCursor",
    "RawBatchCursor",
]
