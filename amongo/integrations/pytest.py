"""pytest fixtures: a database for every test, made and gone in less time than a test takes.

    async def test_counting(amongo_client):
        await amongo_client.shop.orders.insert_one({"item": "tea"})
        assert await amongo_client.shop.orders.count_documents({}) == 1

The fixtures are plain functions, not coroutines: they need no event loop, so they work under anyio's plugin,
pytest-asyncio, pytest-trio or a test that runs its own loop. pytest finds this module through amongo's entry point
and imports it in every run, so the clients are imported only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from amongo.client import AsyncDatabase, AsyncMongoClient
    from amongo.client.sync import MongoClient

_DATABASE = "test"


@pytest.fixture
def amongo_client() -> Iterator[AsyncMongoClient[dict[str, Any]]]:
    """A client of an empty store in memory that no other test sees; closed after the test."""
    from amongo.client import AsyncMongoClient
    from amongo.runtime.blocking import drive

    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient("memory://")
    yield client
    drive(client.close())


@pytest.fixture
def amongo_database(amongo_client: AsyncMongoClient[dict[str, Any]]) -> AsyncDatabase[dict[str, Any]]:
    """The database `test` of `amongo_client`."""
    return amongo_client[_DATABASE]


@pytest.fixture
def amongo_sync_client() -> Iterator[MongoClient[dict[str, Any]]]:
    """A blocking client of an empty store in memory, another one than `amongo_client`'s."""
    from amongo.client.sync import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient("memory://")
    yield client
    client.close()
