"""The peers: what else answers MongoDB's calls inside one process, each behind the same seven coroutines.

Every adapter imports its peer when it is opened and not before; a peer that is not installed is told so and left out.
`mongomock` is blocking, `mongomock-motor` wraps it for asyncio, `smongo` has an API of its own, and SecantusDB is a
server: it runs as a process of its own and is reached through PyMongo's async driver, so its times hold a socket.
"""

import asyncio
import contextlib
import importlib
import importlib.metadata
import importlib.util
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.documents import Document
from benchmarks.stores import LOCAL, MEMORY, fresh_directory, open_client, store_uri


class PeerCollection(Protocol):
    """What the workloads need of a collection."""

    async def insert_one(self, document: Document) -> object:
        """Insert one document."""

    async def insert_many(self, documents: list[Document]) -> object:
        """Insert a batch."""

    async def find_one(self, query: Document) -> Document | None:
        """The first match."""

    async def find_list(self, query: Document) -> list[Document]:
        """All matches."""

    async def update_one(self, query: Document, update: Document) -> object:
        """Update the first match."""

    async def count(self, query: Document) -> int:
        """Count the matches."""

    async def aggregate_list(self, pipeline: list[Document]) -> list[Document]:
        """Run a pipeline to its end."""


class PyMongoShaped:
    """A collection with PyMongo's async surface: amongo, PyMongo itself, mongomock-motor."""

    def __init__(self, collection: Any) -> None:
        self.insert_one = collection.insert_one
        self.insert_many = collection.insert_many
        self.find_one = collection.find_one
        self.update_one = collection.update_one
        self.count = collection.count_documents
        self._collection = collection

    async def find_list(self, query: Document) -> list[Document]:
        """All matches."""
        found: list[Document] = await self._collection.find(query).to_list(None)
        return found

    async def aggregate_list(self, pipeline: list[Document]) -> list[Document]:
        """Run a pipeline to its end; a cursor that needs no awaiting is taken as it is."""
        cursor = self._collection.aggregate(pipeline)
        if asyncio.iscoroutine(cursor):
            cursor = await cursor
        answered: list[Document] = await cursor.to_list(None)
        return answered


class Blocking:
    """A blocking collection with PyMongo's surface; each call holds the loop."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    async def insert_one(self, document: Document) -> object:
        """Insert one document."""
        return self._collection.insert_one(document)

    async def insert_many(self, documents: list[Document]) -> object:
        """Insert a batch."""
        return self._collection.insert_many(documents)

    async def find_one(self, query: Document) -> Document | None:
        """The first match."""
        found: Document | None = self._collection.find_one(query)
        return found

    async def find_list(self, query: Document) -> list[Document]:
        """All matches."""
        return list(self._collection.find(query))

    async def update_one(self, query: Document, update: Document) -> object:
        """Update the first match."""
        return self._collection.update_one(query, update)

    async def count(self, query: Document) -> int:
        """Count the matches."""
        return int(self._collection.count_documents(query))

    async def aggregate_list(self, pipeline: list[Document]) -> list[Document]:
        """Run a pipeline to its end."""
        return list(self._collection.aggregate(pipeline))


class Smongo:
    """smongo's own async surface: `find` is a coroutine, `to_list` is not."""

    def __init__(self, collection: Any) -> None:
        self.insert_one = collection.insert_one
        self.insert_many = collection.insert_many
        self.find_one = collection.find_one
        self.update_one = collection.update_one
        self.count = collection.count_documents
        self._collection = collection

    async def find_list(self, query: Document) -> list[Document]:
        """All matches."""
        return list((await self._collection.find(query)).to_list())

    async def aggregate_list(self, pipeline: list[Document]) -> list[Document]:
        """Run a pipeline to its end."""
        return list((await self._collection.aggregate(pipeline)).to_list())


Opener = Callable[[str | None], AbstractAsyncContextManager[PeerCollection]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation to compare with.

    name          as the table shows it
    module        what has to be importable
    distribution  whose version is told
    open          an empty collection; its argument is where files may be made
    """

    name: str
    module: str
    distribution: str
    open: Opener

    @property
    def version(self) -> str | None:
        """The installed version, None when it is not installed."""
        if importlib.util.find_spec(self.module) is None:
            return None
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return "unknown version"


def _amongo(kind: str) -> Opener:
    @contextlib.asynccontextmanager
    async def opened(parent: str | None) -> AsyncIterator[PeerCollection]:
        with fresh_directory(parent) as directory:
            client = open_client(store_uri(kind, directory))
            try:
                yield PyMongoShaped(client["bench"]["people"])
            finally:
                await client.close()

    return opened


@contextlib.asynccontextmanager
async def _mongomock(parent: str | None) -> AsyncIterator[PeerCollection]:
    yield Blocking(importlib.import_module("mongomock").MongoClient()["bench"]["people"])


@contextlib.asynccontextmanager
async def _mongomock_motor(parent: str | None) -> AsyncIterator[PeerCollection]:
    yield PyMongoShaped(importlib.import_module("mongomock_motor").AsyncMongoMockClient()["bench"]["people"])


@contextlib.asynccontextmanager
async def _smongo(parent: str | None) -> AsyncIterator[PeerCollection]:
    with fresh_directory(parent) as directory:
        client = importlib.import_module("smongo").AsyncMongoClient(f"local://{directory / 'store'}")
        try:
            yield Smongo(client["bench"]["people"])
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def _secantus(parent: str | None) -> AsyncIterator[PeerCollection]:
    from pymongo import AsyncMongoClient

    with fresh_directory(parent) as directory, secantus_process(directory) as (port, _):
        uri = f"mongodb://127.0.0.1:{port}/?directConnection=true&serverSelectionTimeoutMS=10000"
        client: AsyncMongoClient[Document] = AsyncMongoClient(uri)
        try:
            await client.admin.command("ping")  # waits until the server answers
            yield PyMongoShaped(client["bench"]["people"])
        finally:
            await client.close()


@contextmanager
def secantus_process(directory: Path, *, standalone: bool = True) -> Iterator[tuple[int, int]]:
    """SecantusDB's server in a process of its own; gives (port, number of the process), and ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--port", str(port), "--storage-path", str(directory / "store"), "--log-level", "ERROR"]
    flags += ["--standalone"] * standalone
    process = subprocess.Popen([sys.executable, "-m", "secantus", *flags], stdout=subprocess.DEVNULL)
    try:
        yield port, process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


PEERS: Final = (
    Peer("amongo memory", "amongo", "amongo", _amongo(MEMORY)),
    Peer("amongo local", "amongo", "amongo", _amongo(LOCAL)),
    Peer("mongomock", "mongomock", "mongomock", _mongomock),
    Peer("mongomock-motor", "mongomock_motor", "mongomock-motor", _mongomock_motor),
    Peer("smongo", "smongo", "smongo", _smongo),
    Peer("SecantusDB", "secantus", "SecantusDB", _secantus),
)
