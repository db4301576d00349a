"""amongo: PyMongo's async API with the database inside it.

    from amongo import AsyncMongoClient

    async with AsyncMongoClient("local://data") as client:
        await client.shop.orders.insert_one({"item": "tea", "n": 2})

The blocking classes (`MongoClient`, …) are the same without `await`. Results, operations, errors and options are
PyMongo's own: `pymongo.errors`, `pymongo.results`, `pymongo.operations`, `bson`.
"""

from amongo.client import (
    AsyncChangeStream,
    AsyncClientSession,
    AsyncCollection,
    AsyncCommandCursor,
    AsyncCursor,
    AsyncDatabase,
    AsyncHistoryCursor,
    AsyncLiveQuery,
    AsyncMongoClient,
    Diff,
)
from amongo.client.sync import (
    ChangeStream,
    ClientSession,
    Collection,
    CommandCursor,
    Cursor,
    Database,
    HistoryCursor,
    LiveQuery,
    MongoClient,
)

__version__ = "0.1.0"

__all__ = [
    "AsyncChangeStream",
    "AsyncClientSession",
    "AsyncCollection",
    "AsyncCommandCursor",
    "AsyncCursor",
    "AsyncDatabase",
    "AsyncHistoryCursor",
    "AsyncLiveQuery",
    "AsyncMongoClient",
    "ChangeStream",
    "ClientSession",
    "Collection",
    "CommandCursor",
    "Cursor",
    "Database",
    "Diff",
    "HistoryCursor",
    "LiveQuery",
    "MongoClient",
]
