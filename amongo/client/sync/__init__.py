"""The blocking client: every class derived from its async class. Its types stand in `__init__.pyi`, made by `stubs`."""

from typing import Any

import pymongo

from amongo.client import change_stream, command_cursor, cursor, database, session
from amongo.client.address import embedded_address
from amongo.client.client import AsyncMongoClient
from amongo.client.collection import AsyncCollection
from amongo.client.sync.derivation import Blocking, derive
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


MongoClient = derive(AsyncMongoClient, _Addressed)
Database = derive(database.AsyncDatabase)
Collection = derive(AsyncCollection)
Cursor = derive(cursor.AsyncCursor, _Indexed)
RawBatchCursor = derive(cursor.AsyncRawBatchCursor)
CommandCursor = derive(command_cursor.AsyncCommandCursor)
RawBatchCommandCursor = derive(command_cursor.AsyncRawBatchCommandCursor)
ClientSession = derive(session.AsyncClientSession)
BoundSession = derive(session.AsyncBoundSession)
ChangeStream = derive(change_stream.AsyncChangeStream)
CollectionChangeStream = derive(change_stream.AsyncCollectionChangeStream)
DatabaseChangeStream = derive(change_stream.AsyncDatabaseChangeStream)
ClusterChangeStream = derive(change_stream.AsyncClusterChangeStream)

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
    "MongoClient",
    "RawBatchCommandCursor",
    "RawBatchCursor",
]
