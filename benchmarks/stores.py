"""Fresh stores to measure on: an empty embedded database in memory or in a new directory."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

MEMORY: Final = "memory://"
LOCAL: Final = "local://"
BOTH: Final = (MEMORY, LOCAL)

# Whatever has PyMongo's async surface: amongo's classes, PyMongo's own, a peer's imitation.
Client = Any
Collection = Any


@contextlib.contextmanager
def fresh_directory(parent: str | None = None) -> Iterator[Path]:
    """A new empty directory under `parent` (the system's temporary place when None), removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="amongo-bench-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def store_uri(kind: str, directory: Path) -> str:
    """The URI that opens a store of `kind` (MEMORY or LOCAL), in `directory` if it has files."""
    return MEMORY if kind == MEMORY else f"{LOCAL}{directory / 'store'}"


def open_client(uri: str) -> Client:
    """amongo's client on `uri`; imported here so that a peers-only run needs no amongo."""
    from amongo import AsyncMongoClient

    return AsyncMongoClient(uri)


@contextlib.asynccontextmanager
async def fresh_client(kind: str, parent: str | None = None) -> AsyncIterator[Client]:
    """A client on a fresh store of `kind`, closed and removed afterwards.

    kind     MEMORY or LOCAL
    parent   where the directory of a LOCAL store is made
    """
    with fresh_directory(parent) as directory:
        client = open_client(store_uri(kind, directory))
        try:
            yield client
        finally:
            await client.close()
