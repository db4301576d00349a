"""The operations on indexes as PyMongo names them, on files that are opened again too."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo import ASCENDING, DESCENDING, TEXT, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio


async def test_indexes_come_and_go(coll: AsyncCollection) -> None:
    assert await coll.create_index("a") == "a_1"
    assert await coll.create_index([("b", DESCENDING), ("a", ASCENDING)], unique=True, name="ba") == "ba"
    assert await coll.create_indexes([IndexModel("c", sparse=True), IndexModel([("d", "hashed")])]) == [
        "c_1",
        "d_hashed",
    ]
    information = await coll.index_information()
    assert information == {
        "_id_": {"v": 2, "key": [("_id", 1)]},
        "a_1": {"v": 2, "key": [("a", 1)]},
        "ba": {"v": 2, "key": [("b", -1), ("a", 1)], "unique": True},
        "c_1": {"v": 2, "key": [("c", 1)], "sparse": True},
        "d_hashed": {"v": 2, "key": [("d", "hashed")]},
    }
    await coll.drop_index([("a", 1)])
    await coll.drop_index("ba")
    assert [index["name"] async for index in await coll.list_indexes()] == ["_id_", "c_1", "d_hashed"]
    await coll.drop_indexes()
    assert list(await coll.index_information()) == ["_id_"]
    with pytest.raises(OperationFailure) as failure:
        await coll.drop_index("a_1")
    assert failure.value.code == 27


async def test_unique_indexes_refuse_documents(coll: AsyncCollection) -> None:
    await coll.create_index("email", unique=True)
    await coll.insert_one({"_id": 1, "email": "a"})
    with pytest.raises(DuplicateKeyError) as failure:
        await coll.insert_one({"_id": 2, "email": "a"})
    assert failure.value.details is not None
    assert failure.value.details["keyValue"] == {"email": "a"}
    with pytest.raises(BulkWriteError) as bulk:
        await coll.insert_many([{"email": "b"}, {"email": "a"}, {"email": "c"}], ordered=False)
    assert (bulk.value.details["nInserted"], bulk.value.details["writeErrors"][0]["index"]) == (2, 1)
    await coll.insert_one({"_id": 3, "email": "d"})
    with pytest.raises(DuplicateKeyError):
        await coll.update_one({"_id": 3}, {"$set": {"email": "a"}})
    assert (await coll.update_one({"_id": 3}, {"$set": {"email": "e"}})).modified_count == 1
    await coll.delete_one({"_id": 1})
    assert (await coll.update_one({"_id": 3}, {"$set": {"email": "a"}})).modified_count == 1


async def test_a_hinted_sparse_index_leaves_documents_out(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": 1, "a": 2}, {"_id": 2}, {"_id": 3, "a": 1}])
    await coll.create_index("a", sparse=True)
    assert await coll.count_documents({}) == 3
    assert [each["_id"] async for each in coll.find().hint("a_1")] == [3, 1]
    with pytest.raises(OperationFailure) as failure:
        await coll.find().hint("b_1").to_list()
    assert failure.value.code == 2


async def test_text_is_searched(coll: AsyncCollection) -> None:
    await coll.create_index([("title", TEXT), ("body", TEXT)], weights={"title": 5}, default_language="english")
    await coll.insert_many(
        [{"_id": 1, "title": "Cats", "body": "and dogs"}, {"_id": 2, "title": "Dogs", "body": "running"}, {"_id": 3}]
    )
    found = coll.find({"$text": {"$search": "dog"}}, {"score": {"$meta": "textScore"}})
    ordered = [(each["_id"], each["score"]) async for each in found.sort([("score", {"$meta": "textScore"})])]
    assert ordered == [(2, 5.0), (1, 1.0)]


async def test_indexes_are_there_after_a_reopening(tmp_path: Path, anyio_backend: str) -> None:
    uri = f"local://{tmp_path / 'data'}"
    async with AsyncMongoClient(uri) as client:
        await client.db.coll.create_index("a", unique=True)
        await client.db.coll.insert_many([{"_id": number, "a": number} for number in range(300)])
    async with AsyncMongoClient(uri) as client:
        assert (await client.db.coll.index_information())["a_1"]["unique"]
        with pytest.raises(DuplicateKeyError):
            await client.db.coll.insert_one({"a": 299})
        assert [each["_id"] async for each in client.db.coll.find().hint("a_1").limit(2)] == [0, 1]
