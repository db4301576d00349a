"""Forks: a store of one's own that begins with what another one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pymongo
import pytest
from bson.codec_options import CodecOptions
from pymongo.errors import DuplicateKeyError, InvalidOperation

from amongo import AsyncCollection, AsyncMongoClient, MongoClient

pytestmark = pytest.mark.anyio


async def test_each_goes_its_own_way(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.create_index("a", unique=True)
    await coll.insert_many([{"_id": n, "a": n} for n in range(10)])
    async with await client.fork() as fork:
        other = fork.db.coll
        await coll.delete_one({"_id": 0})
        await coll.update_one({"_id": 1}, {"$set": {"a": 100}})
        await coll.insert_one({"_id": 10, "a": 10})
        await other.update_one({"_id": 2}, {"$set": {"a": 200}})
        await other.insert_one({"_id": 10, "a": 1000})
        assert await other.find({"a": {"$lt": 3}}).to_list() == [{"_id": 0, "a": 0}, {"_id": 1, "a": 1}]
        assert await coll.find_one({"a": 2}) == {"_id": 2, "a": 2}
        with pytest.raises(DuplicateKeyError):
            await other.insert_one({"a": 1})
        await other.drop()
        assert await coll.count_documents({}) == 10
        assert "db" not in await fork.list_database_names()


async def test_it_outlives_its_parent(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path / 'store'}") as client:
        await client.db.coll.insert_many([{"_id": n} for n in range(1000)])
        await anyio.to_thread.run_sync(client._runner.instance.store.checkpoints.attempt)  # type: ignore[union-attr]
        await client.db.coll.delete_one({"_id": 5})
        fork = await client.fork()
    assert await fork.db.coll.count_documents({}) == 999
    assert await fork.db.coll.find_one({"_id": 5}) is None
    assert await fork.db.coll.find_one({"_id": 6}) == {"_id": 6}
    await fork.close()
    with pytest.raises(InvalidOperation):
        await fork.db.coll.find_one({})
    with pytest.raises(InvalidOperation):
        await client.fork()


async def test_it_has_the_same_options() -> None:
    async with AsyncMongoClient("memory://shared/shop", tz_aware=True, w=1) as client:
        await client.get_default_database().items.insert_one({"_id": 1})
        async with await client.fork() as fork:
            assert type(fork) is AsyncMongoClient
            assert fork.codec_options == client.codec_options == CodecOptions(tz_aware=True)
            assert fork.write_concern == client.write_concern
            assert fork.options is client.options
            assert fork.get_default_database().name == "shop"
            assert fork != client
            async with AsyncMongoClient("memory://shared") as other:
                await other.shop.items.insert_one({"_id": 2})
                assert await fork.shop.items.count_documents({}) == 1


async def test_views_and_collections_of_every_kind(client: AsyncMongoClient) -> None:
    await client.db.create_collection("capped", capped=True, size=100_000, max=2)
    await client.db.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
    await client.db.create_collection("series", timeseries={"timeField": "t"})
    await client.db.create_collection("view", viewOn="clustered", pipeline=[{"$match": {"_id": {"$gt": 1}}}])
    await client.db.clustered.insert_many([{"_id": 3}, {"_id": 1}, {"_id": 2}])
    await client.db.capped.insert_many([{"_id": n} for n in range(3)])
    async with await client.fork() as fork, await fork.fork() as second:
        await fork.db.clustered.insert_one({"_id": 0})
        await fork.db.capped.insert_one({"_id": 9})
        assert [each["_id"] async for each in fork.db.clustered.find()] == [0, 1, 2, 3]
        assert [each["_id"] async for each in fork.db.capped.find()] == [2, 9]
        assert [each["_id"] async for each in second.db.view.find()] == [2, 3]
        assert [each["_id"] async for each in second.db.capped.find()] == [1, 2]
        names = await second.db.list_collection_names()
        assert set(names) >= {"capped", "clustered", "series", "view"}


async def test_many_collections_are_forked_on_a_worker(client: AsyncMongoClient) -> None:
    for number in range(80):
        await client.db[f"c{number}"].insert_one({"_id": number})
    async with await client.fork() as fork:
        assert len(await fork.db.list_collection_names()) == 80
        assert await fork.db.c79.find_one({}) == {"_id": 79}


async def test_the_first_operation_may_be_a_fork(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path / 'store'}") as client, await client.fork() as fork:
        await fork.db.coll.insert_one({})
        assert "db" not in await client.list_database_names()


async def test_what_is_open_is_not_in_it(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    async with client.start_session() as session, await session.start_transaction():
        await coll.insert_one({"_id": 2}, session=session)
        async with await client.fork() as fork:
            assert await fork.db.coll.count_documents({}) == 1
    assert await coll.count_documents({}) == 2


def test_the_blocking_client() -> None:
    with MongoClient("memory://") as client:
        client.db.coll.insert_one({"_id": 1})
        with client.fork() as fork:
            assert type(fork) is MongoClient
            fork.db.coll.insert_one({"_id": 2})
            assert client.db.coll.count_documents({}) == 1
            assert fork.db.coll.count_documents({}) == 2


def test_a_server_cannot_be_forked() -> None:
    client: Any = AsyncMongoClient("mongodb://localhost:1", connect=False)
    assert isinstance(client, pymongo.AsyncMongoClient)
    with pytest.raises(TypeError):
        client.fork()
