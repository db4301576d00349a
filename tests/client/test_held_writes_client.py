"""Writes wait while the store is locked for a copy: on every way that a client has to write, and without a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pymongo import InsertOne
from pymongo.errors import OperationFailure, WriteError

from amongo import AsyncMongoClient

pytestmark = pytest.mark.anyio
Write = Callable[[Any], Awaitable[Any]]

WRITES: dict[str, Write] = {
    "insert_one": lambda shop: shop.c.insert_one({"_id": 2}),
    "insert_many": lambda shop: shop.c.insert_many([{"_id": 2}, {"_id": 3}]),
    "update_one": lambda shop: shop.c.update_one({"_id": 1}, {"$set": {"n": 1}}),
    "delete_one": lambda shop: shop.c.delete_one({"_id": 1}),
    "find_one_and_update": lambda shop: shop.c.find_one_and_update({"_id": 1}, {"$set": {"n": 1}}),
    "bulk_write": lambda shop: shop.c.bulk_write([InsertOne({"_id": 2})]),
    "create_collection": lambda shop: shop.create_collection("other"),
    "create_index": lambda shop: shop.c.create_index("n"),
    "drop": lambda shop: shop.c.drop(),
    "aggregate": lambda shop: shop.c.aggregate([{"$out": "other"}]),
    "command": lambda shop: shop.command({"insert": "c", "documents": [{"_id": 2}]}),
    "a large command": lambda shop: shop.command({"insert": "c", "documents": [{"_id": 2, "text": "x" * 500_000}]}),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_waits_and_a_read_does_not(name: str) -> None:
    async with AsyncMongoClient("memory://") as client:
        shop = client.shop
        await shop.c.insert_one({"_id": 1})
        await client.admin.command("fsync", lock=True)
        before = (await shop.command("dbHash"))["md5"]
        ended = anyio.Event()

        async def write() -> None:
            await WRITES[name](shop)
            ended.set()

        async with anyio.create_task_group() as group:
            group.start_soon(write)
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
                assert await shop.c.find_one({"_id": 1}) == {"_id": 1}
            assert not ended.is_set() and (await shop.command("dbHash"))["md5"] == before
            await client.admin.command("fsyncUnlock")
            with anyio.fail_after(10):
                await ended.wait()
        assert (await shop.command("dbHash"))["md5"] != before or name == "create_index"


async def test_a_time_limit_ends_the_wait() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.admin.command("fsync", lock=True)
        with pytest.raises(OperationFailure) as failure:
            await client.shop.command({"insert": "c", "documents": [{"_id": 1}], "maxTimeMS": 1})
        assert failure.value.code == 50
        await client.admin.command("fsyncUnlock")
        assert await client.shop.c.count_documents({}) == 0


async def test_a_refused_write_is_a_write_error() -> None:
    async with AsyncMongoClient("memory://") as client:
        await client.shop.c.insert_one({"_id": 1})
        await client.admin.command({"setUserWriteBlockMode": 1, "global": True})
        for write in (WRITES["insert_one"], WRITES["update_one"], WRITES["delete_one"]):
            with pytest.raises(WriteError) as failure:
                await write(client.shop)
            assert failure.value.code == 371
        await client.admin.command({"setUserWriteBlockMode": 1, "global": False})
        await WRITES["insert_one"](client.shop)


async def test_the_quick_ways_are_noted_down_too() -> None:
    async with AsyncMongoClient("memory://") as client:
        shop = client.shop
        await shop.command("profile", 2)
        await shop.c.insert_one({"_id": 1})
        await shop.c.find_one({"_id": 1})
        await shop.c.update_one({"_id": 1}, {"$set": {"n": 1}})
        await shop.command("profile", 0)
        noted = [each["op"] async for each in shop["system.profile"].find({"ns": "shop.c"})]
        assert noted == ["insert", "query", "update", "command"]


async def test_what_follows_commits_is_not_led_on_by_the_notes_on_it() -> None:
    async with AsyncMongoClient("memory://") as client:
        shop = client.shop
        await shop.create_collection("c")
        await shop.command("profile", 2)
        async with await shop.watch() as stream:
            async with anyio.create_task_group() as group:
                seen: list[Any] = []

                async def follow() -> None:
                    seen.append(await stream.next())

                group.start_soon(follow)
                for _ in range(50):
                    await anyio.lowlevel.checkpoint()
                before = await shop["system.profile"].count_documents({})
                for _ in range(50):
                    await anyio.lowlevel.checkpoint()
                assert await shop["system.profile"].count_documents({}) == before + 1
                await shop.c.insert_one({"_id": 1})
            assert seen[0]["documentKey"] == {"_id": 1}
        await shop.command("profile", 0)
