"""Time limits and cancellation: what is stopped leaves nothing behind."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import anyio
import anyio.lowlevel
import pymongo
import pytest
from pymongo.errors import ExecutionTimeout

from amongo import AsyncCollection, AsyncMongoClient
from amongo.client.opening import _shares

pytestmark = pytest.mark.anyio


async def test_pymongos_timeout(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    with pymongo.timeout(10):
        assert await coll.find().to_list() == [{"_id": 1}]
        assert await coll.count_documents({}) == 1
    with pymongo.timeout(0.0001):
        time.sleep(0.001)  # noqa: ASYNC251 - the deadline has to pass
        for operation in (coll.find().to_list(), coll.count_documents({}), coll.distinct("a")):
            with pytest.raises(ExecutionTimeout) as caught:
                await operation
            assert caught.value.code == 50


async def test_max_time_ms(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "text": "x" * 200} for n in range(30_000)])
    for operation in (
        coll.find({"text": {"$regex": "z.*z.*z"}}, max_time_ms=1).to_list(),
        coll.count_documents({"text": {"$regex": "z.*z.*z"}}, maxTimeMS=1),
    ):
        with pytest.raises(ExecutionTimeout) as caught:
            await operation
        assert caught.value.code == 50
        assert caught.value.timeout


async def test_a_client_timeout_becomes_a_time_limit() -> None:
    async with AsyncMongoClient("memory://?timeoutMS=1") as client:
        await client.db.coll.insert_many([{"text": "x" * 200} for _ in range(30_000)])
        with pytest.raises(ExecutionTimeout):
            await client.db.coll.find({"text": {"$regex": "z.*z.*z"}}).to_list()


async def test_cancelled_opening(tmp_path: Path) -> None:
    client = AsyncMongoClient(f"local://{tmp_path}/store")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await client.db.coll.insert_one({"_id": 1})
    assert scope.cancelled_caught
    await client.db.coll.insert_one({"_id": 2})
    assert await client.db.coll.find({"_id": 2}).to_list() == [{"_id": 2}]
    await client.close()
    assert all(share.users == 0 for share in _shares.values())


async def test_cancelled_reading_leaves_no_cursor(client: AsyncMongoClient) -> None:
    await client.db.coll.insert_many([{"pad": "x" * 200} for _ in range(5_000)])
    for delay_s in (0.0, 0.0002, 0.001, 0.003):
        with anyio.move_on_after(delay_s):
            async for _ in client.db.coll.find(batch_size=200):
                await anyio.lowlevel.checkpoint()
    gc.collect()
    await client.db.command("ping")
    assert len(client._runner.instance.cursors) == 0
    assert await client.db.coll.count_documents({}) == 5_000


async def test_the_loop_goes_on_while_much_is_read_and_written(client: AsyncMongoClient) -> None:
    """Another task gets its turn while a large batch is inserted, fetched and decoded."""
    ticks = 0
    is_done = False

    async def tick() -> None:
        nonlocal ticks
        while not is_done:
            await anyio.lowlevel.checkpoint()
            ticks += 1

    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        await client.db.coll.insert_many([{"n": n, "pad": "x" * 300} for n in range(20_000)])
        assert len(await client.db.coll.find().to_list()) == 20_000
        count = 0
        async for _ in client.db.coll.find():
            count += 1
        assert count == 20_000
        is_done = True
    assert ticks > 50  # each operation held the loop for a slice at a time; `benchmarks` has the times
