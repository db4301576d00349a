"""The client on uvloop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from pymongo import WriteConcern

from amongo import AsyncMongoClient

pytest.importorskip("uvloop", reason="uvloop is not made for this platform")


def test_uvloop(tmp_path: Path) -> None:
    async def main() -> None:
        assert "uvloop" in type(anyio.lowlevel.current_token().native_token).__module__
        async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
            coll = client.get_database("db", write_concern=WriteConcern(j=True)).coll
            await coll.insert_many([{"_id": n, "n": 0} for n in range(3000)])

            async def count_up(number: int) -> None:
                for _ in range(5):
                    await coll.update_one({"_id": number % 10}, {"$inc": {"n": 1}})

            async with anyio.create_task_group() as group:
                for number in range(100):
                    group.start_soon(count_up, number)
            assert [document["n"] async for document in coll.find({"_id": {"$lt": 10}}, batch_size=3)] == [50] * 10
            assert (await coll.update_many({"n": 0}, {"$set": {"n": 1}})).modified_count == 2990
            with anyio.move_on_after(0.001):
                await coll.find(sort={"n": -1}).to_list()
            cursor = await coll.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$n"}}}])
            assert await cursor.to_list() == [{"_id": None, "sum": 500 + 2990}]
        async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
            assert await client.db.coll.count_documents({}) == 3000

    options: dict[str, Any] = {"use_uvloop": True}
    anyio.run(main, backend="asyncio", backend_options=options)
    assert "uvloop" in sys.modules
