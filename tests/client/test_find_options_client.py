"""find's rarer options through the client: as PyMongo's cursor takes them."""

from __future__ import annotations

import pytest
from pymongo import ASCENDING
from pymongo.errors import OperationFailure

from amongo import AsyncCollection


async def test_options_of_the_scan(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "n": -n, "a": [n, n + 1]} for n in range(5)])
    await coll.create_index([("n", ASCENDING)], name="by_n")
    assert await coll.find({"_id": 3}, {"_id": 1}, show_record_id=True).to_list() == [{"_id": 3, "$recordId": 4}]
    assert await coll.find({"_id": 3}, return_key=True).hint("by_n").to_list() == [{"n": -3}]
    bounded = coll.find({}, {"_id": 1}).hint([("n", 1)]).min([("n", -3)]).max([("n", -1)])
    assert await bounded.to_list() == [{"_id": 3}, {"_id": 2}]
    assert [each["_id"] async for each in coll.find().hint("by_n")] == [4, 3, 2, 1, 0]
    assert await coll.find_one({"a": 3}, {"a.$": 1}) == {"_id": 2, "a": [3]}
    with pytest.raises(OperationFailure) as caught:
        await coll.find().hint("by_n").min([("a", 1)]).to_list()
    assert caught.value.code == 51174


async def test_commands_of_upkeep(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(3)])
    database = coll.database
    assert (await database.validate_collection(coll, full=True))["nrecords"] == 3
    assert (await database.command("dataSize", f"{database.name}.{coll.name}"))["numObjects"] == 3
    assert list((await database.command("dbHash"))["collections"]) == [coll.name]
    assert (await database.command("compact", coll.name, force=True))["bytesFreed"] == 0
