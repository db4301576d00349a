"""pytest fixtures: a database for every test, made and gone in less time than a test takes.

    async def test_counting(amongo_client):
        await amongo_client.shop.orders.insert_one({"item": "tea"})
        assert await amongo_client.shop.orders.count_documents({}) == 1

What every test begins with is put into one store, once; each test has a fork of it, in a small part of a millisecond
however much that is. Say in `conftest.py` what it is:

    @pytest.fixture(scope="session")
    def amongo_seed():
        def seed(client):  # a `MongoClient`; or an `async def`, with an `AsyncMongoClient`
            client.shop.items.insert_many(ITEMS)
        return seed

The fixtures are plain functions, not coroutines: they need no event loop, so they work under anyio's plugin,
pytest-asyncio, pytest-trio or a test that runs its own loop. pytest finds this module through amongo's entry point
and imports it in every run, so the clients are imported only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from amongo.client import AsyncDatabase, AsyncMongoClient
    from amongo.client.sync import MongoClient

_DATABASE = "test"


@pytest.fixture(scope="session")
def amongo_seed() -> Callable[[Any], object] | None:
    """What fills the store that every test begins with; None for nothing. To be overridden, with the same scope.

    It gives a function of one argument: a plain one has a `MongoClient`, a coroutine function has an
    `AsyncMongoClient` and awaits nothing else, for it runs without an event loop.
    """
    return None


@pytest.fixture(scope="session")
def amongo_template(amongo_seed: Callable[[Any], object] | None) -> Iterator[AsyncMongoClient[dict[str, Any]]]:
    """The client of the store that `amongo_seed` has filled. Tests have forks of it, and do not write to it."""
    from amongo.client import AsyncMongoClient
    from amongo.client.sync.derivation import to_blocking
    from amongo.runtime.blocking import drive

    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient("memory://")
    try:
        if amongo_seed is not None and iscoroutinefunction(amongo_seed):
            drive(amongo_seed(client))
        elif amongo_seed is not None:
            amongo_seed(to_blocking(client))
        yield client
    finally:
        drive(client.close())


@pytest.fixture
def amongo_client(amongo_template: AsyncMongoClient[dict[str, Any]]) -> Iterator[AsyncMongoClient[dict[str, Any]]]:
    """A client of a fork of the template, which no other test sees; closed after the test."""
    from amongo.runtime.blocking import drive

    client = drive(amongo_template.fork())
    yield client
    drive(client.close())


@pytest.fixture
def amongo_database(amongo_client: AsyncMongoClient[dict[str, Any]]) -> AsyncDatabase[dict[str, Any]]:
    """The database `test` of `amongo_client`."""
    return amongo_client[_DATABASE]


@pytest.fixture
def amongo_sync_client(amongo_template: AsyncMongoClient[dict[str, Any]]) -> Iterator[MongoClient[dict[str, Any]]]:
    """A blocking client of a fork of the template, another one than `amongo_client`'s."""
    from amongo.client.sync.derivation import to_blocking
    from amongo.runtime.blocking import drive

    client: MongoClient[dict[str, Any]] = to_blocking(drive(amongo_template.fork()))
    yield client
    client.close()
