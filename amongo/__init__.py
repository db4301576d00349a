"""amongo: PyMongo's async API with the database inside it.

    from amongo import AsyncMongoClient

    async with AsyncMongoClient("local://data") as client:
        await client.shop.orders.insert_one({"item": "tea", "n": 2})
"""

from amongo.client import (
    AsyncChangeStream,
    AsyncClientSession,
    AsyncCollection,
    AsyncCommandCursor,
    AsyncCursor,
    AsyncDatabase,
    AsyncMongoClient,
)

__all__ = [
    "AsyncChangeStream",
    "AsyncClientSession",
    "AsyncCollection",
    "AsyncCommandCursor",
    "AsyncCursor",
    "AsyncDatabase",
    "AsyncMongoClient",
]
