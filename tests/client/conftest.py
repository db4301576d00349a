"""A fresh store in memory for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from amongo import AsyncCollection, AsyncMongoClient


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[AsyncMongoClient]:
    """An open client."""
    async with AsyncMongoClient("memory://") as opened:
        yield opened


@pytest.fixture
def coll(client: AsyncMongoClient) -> AsyncCollection:
    """An empty collection."""
    return client.db.coll
