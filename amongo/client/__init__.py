"""PyMongo's async API, name for name, over the embedded database.

`client` opens a store and hands out databases, `database` hands out collections, `collection/` reads and writes. What
they ask goes through `runner` to the waist; what comes back is raw BSON, decoded in `documents` with the caller's codec
options. `sync/` derives the blocking classes from these.
"""

from amongo.client.change_stream import (
    AsyncChangeStream,
    AsyncClusterChangeStream,
    AsyncCollectionChangeStream,
    AsyncDatabaseChangeStream,
)
from amongo.client.client import AsyncMongoClient
from amongo.client.collection import AsyncCollection
from amongo.client.command_cursor import AsyncCommandCursor, AsyncRawBatchCommandCursor
from amongo.client.cursor import AsyncCursor, AsyncRawBatchCursor
from amongo.client.database import AsyncDatabase
from amongo.client.history_cursor import AsyncHistoryCursor
from amongo.client.live import AsyncLiveQuery, Diff
from amongo.client.session import AsyncClientSession

__all__ = [
    "AsyncChangeStream",
    "AsyncClientSession",
    "AsyncClusterChangeStream",
    "AsyncCollection",
    "AsyncCollectionChangeStream",
    "AsyncCommandCursor",
    "AsyncCursor",
    "AsyncDatabase",
    "AsyncDatabaseChangeStream",
    "AsyncHistoryCursor",
    "AsyncLiveQuery",
    "AsyncMongoClient",
    "AsyncRawBatchCommandCursor",
    "AsyncRawBatchCursor",
    "Diff",
]
