"""Writing: results, errors and their details in PyMongo's shape, bulk writes, write concerns, cancellation."""

from __future__ import annotations

from typing import Any

import anyio
import bson
import pytest
from bson import SON, ObjectId
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateMany, UpdateOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    CollectionInvalid,
    ConfigurationError,
    DocumentTooLarge,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    WriteConcernError,
    WriteError,
)

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio

_DUPLICATE = {
    "index": 0,
    "code": 11000,
    "errmsg": "E11000 duplicate key error collection: db.coll index: _id_ dup key: { _id: 1 }",
    "keyPattern": {"_id": 1},
    "keyValue": {"_id": 1},
}


async def _all(coll: AsyncCollection) -> list[Any]:
    return await coll.find().sort("_id").to_list()


async def test_insert_one(coll: AsyncCollection) -> None:
    document: dict[str, Any] = {"a": 1}
    result = await coll.insert_one(document)
    assert result.acknowledged
    assert type(result.inserted_id) is ObjectId
    assert document == {"a": 1, "_id": result.inserted_id}
    ordered = SON([("b", 1), ("_id", 5)])
    assert (await coll.insert_one(ordered)).inserted_id == 5
    assert list(await coll.find_one({"_id": 5})) == ["_id", "b"]


async def test_duplicate_key(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError) as caught:
        await coll.insert_one({"_id": 1})
    assert caught.value.code == 11000
    assert caught.value.details == _DUPLICATE
    with pytest.raises(WriteError) as refused:
        await coll.insert_one({"_id": [1]})
    assert refused.value.code == 53
    assert await _all(coll) == [{"_id": 1}]


async def test_documents_that_are_too_large(coll: AsyncCollection) -> None:
    large = {"_id": 1, "a": b"x" * (16 * 1024 * 1024)}
    for operation in (coll.insert_one(large), coll.insert_many([{"_id": 0}, large])):
        with pytest.raises(DocumentTooLarge, match="BSON document too large"):
            await operation
    with pytest.raises(DocumentTooLarge, match="update command document too large"):
        await coll.replace_one({}, {"a": b"x" * (17 * 1024 * 1024)})
    assert await coll.estimated_document_count() == 0
    largest = {"_id": 1, "a": b"x" * (16 * 1024 * 1024 - len(bson.encode({"_id": 1, "a": b""})))}
    await coll.insert_one(largest)
    assert await coll.find_one({"_id": 1}) == largest


async def test_insert_many(coll: AsyncCollection) -> None:
    documents = [{"n": n} for n in range(3000)]
    result = await coll.insert_many(documents)
    assert result.inserted_ids == [document["_id"] for document in documents]
    assert [document["n"] async for document in coll.find()] == list(range(3000))
    assert (await coll.insert_many({"_id": n} for n in range(2))).inserted_ids == [0, 1]


@pytest.mark.parametrize(("is_ordered", "inserted", "failed"), [(True, [1, 2], [2]), (False, [1, 2, 3], [2, 4])])
async def test_insert_many_with_duplicates(
    coll: AsyncCollection, is_ordered: bool, inserted: list[int], failed: list[int]
) -> None:
    documents = [{"_id": n} for n in (1, 2, 1, 3, 2)]
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many(documents, ordered=is_ordered)
    details = caught.value.details
    assert details["nInserted"] == len(inserted)
    assert [error["index"] for error in details["writeErrors"]] == failed
    assert details["writeErrors"][0] == {**_DUPLICATE, "index": 2, "op": documents[2]}
    assert {name: details[name] for name in ("nMatched", "nModified", "nRemoved", "nUpserted", "upserted")} == {
        **dict.fromkeys(("nMatched", "nModified", "nRemoved", "nUpserted"), 0),
        "upserted": [],
    }
    assert details["writeConcernErrors"] == []
    assert await _all(coll) == [{"_id": n} for n in inserted]


async def test_update_results(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "a": 0} for n in range(3)])
    cases: list[tuple[Any, tuple[int, int, Any]]] = [
        (coll.update_one({"_id": 1}, {"$set": {"a": 1}}), (1, 1, None)),
        (coll.update_one({"_id": 1}, {"$set": {"a": 1}}), (1, 0, None)),
        (coll.update_one({"_id": 9}, {"$set": {"a": 1}}), (0, 0, None)),
        (coll.update_many({}, {"$inc": {"a": 1}}), (3, 3, None)),
        (coll.update_one({"_id": 9}, {"$set": {"a": 1}}, upsert=True), (0, 0, 9)),
        (coll.update_many({"_id": 8}, {"$set": {"a": 1}}, upsert=True), (0, 0, 8)),
        (coll.replace_one({"_id": 2}, {"b": 1}), (1, 1, None)),
        (coll.replace_one({"_id": 7}, {"b": 1}, upsert=True), (0, 0, 7)),
        (coll.update_one({}, {"$set": {"a": 50}}, sort={"_id": -1}), (1, 1, None)),
        (coll.update_one({"_id": 0}, {"$set": {"l": [1, 2]}}), (1, 1, None)),
        (coll.update_one({"_id": 0}, {"$set": {"l.$[x]": 5}}, array_filters=[{"x": 2}]), (1, 1, None)),
    ]
    for operation, expected in cases:
        result = await operation
        assert (result.matched_count, result.modified_count, result.upserted_id) == expected
        assert result.raw_result["updatedExisting"] == bool(expected[0])
    assert await _all(coll) == [
        {"_id": 0, "a": 1, "l": [1, 5]},
        {"_id": 1, "a": 2},
        {"_id": 2, "b": 1},
        {"_id": 7, "b": 1},
        {"_id": 8, "a": 1},
        {"_id": 9, "a": 50},
    ]


async def test_an_upsert_gives_the_id_as_the_caller_reads_it(coll: AsyncCollection) -> None:
    result = await coll.update_one({"a": 5}, {"$set": {"b": 1}}, upsert=True)
    assert type(result.upserted_id) is ObjectId
    assert result.did_upsert
    document = {"_id": result.upserted_id, "a": 5, "b": 1}
    assert await _all(coll) == [document]


async def test_update_errors(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "a": "text"})
    with pytest.raises(WriteError) as caught:
        await coll.update_one({"_id": 1}, {"$inc": {"a": 1}})
    assert caught.value.code == 14
    with pytest.raises(WriteError) as unknown:
        await coll.update_one({"_id": 1}, {"$bogus": {"a": 1}})
    assert unknown.value.code == 9
    with pytest.raises(DuplicateKeyError):
        await coll.replace_one({"x": 1}, {"_id": 1}, upsert=True)


async def test_deletes(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "even": n % 2 == 0} for n in range(6)])
    assert (await coll.delete_one({"even": True})).deleted_count == 1
    assert (await coll.delete_many({"even": True})).deleted_count == 2
    assert (await coll.delete_many({"_id": 99})).deleted_count == 0
    assert [document["_id"] for document in await _all(coll)] == [1, 3, 5]
    assert (await coll.delete_many({})).raw_result == {"n": 3, "ok": 1.0}


async def test_find_one_and(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "a": n} for n in range(3)])
    after = ReturnDocument.AFTER
    assert await coll.find_one_and_update({"_id": 1}, {"$inc": {"a": 5}}) == {"_id": 1, "a": 1}
    assert await coll.find_one_and_update({"_id": 1}, {"$inc": {"a": 5}}, return_document=after) == {"_id": 1, "a": 11}
    assert await coll.find_one_and_update({}, {"$set": {"b": 1}}, {"a": 1, "_id": 0}, sort=[("_id", -1)]) == {"a": 2}
    assert await coll.find_one_and_replace({"_id": 0}, {"c": 1}, return_document=after) == {"_id": 0, "c": 1}
    assert await coll.find_one_and_update({"_id": 7}, {"$set": {"a": 1}}) is None
    assert await coll.find_one_and_update({"_id": 7}, {"$set": {"a": 1}}, upsert=True) is None
    assert await coll.find_one_and_delete({"_id": 7}) == {"_id": 7, "a": 1}
    assert await coll.find_one_and_delete({"_id": 7}) is None


_BULK = [
    InsertOne({"_id": 1, "a": 1}),
    InsertOne({"_id": 2, "a": 2}),
    UpdateOne({"_id": 1}, {"$set": {"a": 10}}),
    UpdateMany({}, {"$inc": {"a": 1}}),
    UpdateOne({"_id": 5}, {"$set": {"a": 5}}, upsert=True),
    ReplaceOne({"_id": 2}, {"b": 2}),
    DeleteOne({"_id": 1}),
    DeleteMany({"_id": {"$gt": 100}}),
    InsertOne({"_id": 3}),
]


@pytest.mark.parametrize("is_ordered", [True, False])
async def test_bulk_write(coll: AsyncCollection, is_ordered: bool) -> None:
    result = await coll.bulk_write(_BULK, ordered=is_ordered)
    assert result.bulk_api_result == {
        "writeErrors": [],
        "writeConcernErrors": [],
        "nInserted": 3,
        "nUpserted": 1,
        "nMatched": 4 if is_ordered else 5,
        "nModified": 4 if is_ordered else 5,
        "nRemoved": 1,
        "upserted": [{"index": 4, "_id": 5}],
    }
    assert result.upserted_ids == {4: 5}
    after = [{"_id": 2, "b": 2}, {"_id": 3}, {"_id": 5, "a": 5}]
    assert await _all(coll) == (after if is_ordered else [{"_id": 2, "b": 2}, {"_id": 3, "a": 1}, {"_id": 5, "a": 5}])


@pytest.mark.parametrize(("is_ordered", "failed", "removed"), [(True, [2], 0), (False, [2, 4], 1)])
async def test_bulk_write_errors(coll: AsyncCollection, is_ordered: bool, failed: list[int], removed: int) -> None:
    operations = [
        InsertOne({"_id": 1}),
        UpdateOne({"_id": 1}, {"$set": {"a": "x"}}),
        InsertOne({"_id": 1}),
        DeleteOne({"_id": 1}),
        UpdateOne({"_id": 1}, {"$bogus": {"a": 1}}),
    ]
    with pytest.raises(BulkWriteError) as caught:
        await coll.bulk_write(operations, ordered=is_ordered)
    details = caught.value.details
    assert [error["index"] for error in details["writeErrors"]] == failed
    assert details["writeErrors"][0] == {**_DUPLICATE, "index": 2, "op": {"_id": 1}}
    if not is_ordered:
        assert details["writeErrors"][1]["op"] == {
            "q": {"_id": 1},
            "u": {"$bogus": {"a": 1}},
            "multi": False,
            "upsert": False,
        }
    assert (details["nInserted"], details["nMatched"], details["nRemoved"]) == (1, 1, removed)


async def test_bulk_write_in_several_batches(coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("amongo.client.collection.bulk", "amongo.client.client_bulk"):
        monkeypatch.setattr(f"{module}.WRITE_BATCH_COUNT", 20)
        monkeypatch.setattr(f"{module}.MESSAGE_BYTES", 2000)
    await coll.insert_many([{"_id": n, "pad": "x" * 50} for n in range(100)])
    updates = [UpdateOne({"_id": n}, {"$set": {"a": n}}, upsert=True) for n in range(50, 150)]
    result = await coll.bulk_write([*updates, *(DeleteOne({"_id": n}) for n in range(30))])
    assert (result.matched_count, result.upserted_count, result.deleted_count) == (50, 50, 30)
    assert result.upserted_ids == {n - 50: n for n in range(100, 150)}
    with pytest.raises(BulkWriteError) as caught:
        await coll.insert_many([{"_id": n} for n in [*range(30), *range(50, 60), *range(200, 230)]], ordered=False)
    assert [error["index"] for error in caught.value.details["writeErrors"]] == list(range(30, 40))
    assert caught.value.details["nInserted"] == 60
    assert await coll.estimated_document_count() == 180


async def test_client_bulk_write(client: AsyncMongoClient) -> None:
    result = await client.bulk_write(
        [
            InsertOne({"_id": 1}, namespace="a.x"),
            InsertOne({"_id": 1}, namespace="b.y.z"),
            UpdateOne({"_id": 1}, {"$set": {"n": 1}}, namespace="a.x"),
            UpdateOne({"_id": 2}, {"$set": {"n": 1}}, namespace="a.x", upsert=True),
            ReplaceOne({"_id": 1}, {"r": 1}, namespace="b.y.z"),
            DeleteMany({}, namespace="a.x"),
        ],
        verbose_results=True,
    )
    assert (result.inserted_count, result.matched_count, result.modified_count) == (2, 2, 2)
    assert (result.upserted_count, result.deleted_count) == (1, 2)
    assert {index: each.inserted_id for index, each in result.insert_results.items()} == {0: 1, 1: 1}
    assert {index: each.upserted_id for index, each in result.update_results.items()} == {2: None, 3: 2, 4: None}
    assert {index: each.deleted_count for index, each in result.delete_results.items()} == {5: 2}
    assert await client.b.y.z.find_one() == {"_id": 1, "r": 1}
    assert await client.a.x.estimated_document_count() == 0


@pytest.mark.parametrize(("is_ordered", "inserted"), [(True, 1), (False, 2)])
async def test_client_bulk_write_errors(client: AsyncMongoClient, is_ordered: bool, inserted: int) -> None:
    operations = [InsertOne({"_id": n}, namespace="db.coll") for n in (1, 1, 2)]
    with pytest.raises(ClientBulkWriteException) as caught:
        await client.bulk_write(operations, ordered=is_ordered, verbose_results=True)
    failure = caught.value
    assert failure.error is None
    expected = {**_DUPLICATE, "ok": 0.0, "idx": 1, "n": 0, "op": {"insert": 0, "document": {"_id": 1}}}
    expected.pop("index")
    assert failure.write_errors == [expected]
    assert failure.partial_result is not None
    assert failure.partial_result.inserted_count == inserted
    assert list(failure.partial_result.insert_results) == ([0] if is_ordered else [0, 2])
    with pytest.raises(ClientBulkWriteException) as top:
        await client.bulk_write([InsertOne({}, namespace=f"{'d' * 64}.coll")])
    assert isinstance(top.value.error, OperationFailure)
    assert top.value.error.code == 73
    assert top.value.partial_result is None


async def test_unacknowledged(coll: AsyncCollection) -> None:
    quiet = coll.with_options(write_concern=WriteConcern(w=0))
    for result in (
        await quiet.insert_one({"_id": 1}),
        await quiet.insert_one({"_id": 1}),
        await quiet.insert_many([{"_id": 1}, {"_id": 2}], ordered=False),
        await quiet.update_one({"_id": 1}, {"$set": {"a": 1}}),
        await quiet.delete_one({"_id": 2}),
        await quiet.bulk_write([InsertOne({"_id": 3})]),
    ):
        assert not result.acknowledged
    with pytest.raises(InvalidOperation, match="matched_count is not available when the write is unacknowledged"):
        _ = (await quiet.update_one({}, {"$set": {"a": 1}})).matched_count
    with pytest.raises(ConfigurationError, match="arrayFilters is unsupported for unacknowledged writes"):
        await quiet.update_one({}, {"$set": {"a": 1}}, array_filters=[])
    with pytest.raises(ConfigurationError, match="Collation is unsupported for unacknowledged writes"):
        await quiet.bulk_write([DeleteOne({}, collation={"locale": "en"})])
    assert await _all(coll) == [{"_id": 1, "a": 1}, {"_id": 3}]


async def test_a_write_concern_of_more_nodes(coll: AsyncCollection) -> None:
    many = coll.with_options(write_concern=WriteConcern(w=3))
    with pytest.raises(WriteConcernError) as caught:
        await many.insert_one({"_id": 1})
    assert caught.value.code == 100
    with pytest.raises(BulkWriteError) as bulk:
        await many.insert_many([{"_id": 2}])
    assert bulk.value.details["nInserted"] == 1
    assert bulk.value.details["writeConcernErrors"][0]["code"] == 100
    assert await _all(coll) == [{"_id": 1}, {"_id": 2}]


async def test_journaled(tmp_path: Any) -> None:
    async with AsyncMongoClient(f"local://{tmp_path}/store?journal=true") as client:
        assert client.db.coll._is_durable
        await client.db.coll.insert_one({"_id": 1})
        await client.db.coll.insert_many([{"_id": 2}, {"_id": 3}])
        await client.db.coll.update_one({"_id": 2}, {"$set": {"a": 1}})
        assert await client.db.coll.estimated_document_count() == 3


async def test_collections(client: AsyncMongoClient) -> None:
    created = await client.db.create_collection("made")
    assert created.full_name == "db.made"
    with pytest.raises(CollectionInvalid, match="collection made already exists"):
        await client.db.create_collection("made")
    await created.insert_one({"_id": 1})
    await created.rename("renamed")
    assert await client.db.renamed.find_one() == {"_id": 1}
    with pytest.raises(OperationFailure) as caught:
        await client.db.missing.rename("other")
    assert caught.value.code == 26
    await client.db.renamed.drop()
    await client.db.renamed.drop()
    assert (await client.db.drop_collection("renamed"))["ok"] == 1.0
    assert await client.db.list_collection_names() == []
    await client.db.coll.insert_one({})
    await client.drop_database("db")
    assert "db" not in await client.list_database_names()


async def test_cancelled_inserts_are_whole_or_absent(client: AsyncMongoClient) -> None:
    for delay_s in (0.0, 0.0005, 0.002, 0.005, 0.02):
        with anyio.move_on_after(delay_s):
            await client.db.coll.insert_many([{"pad": "x" * 200} for _ in range(3000)])
        assert await client.db.coll.estimated_document_count() % 3000 == 0
        await client.db.coll.delete_many({})
        assert await client.db.coll.find_one({}) is None


async def test_many_tasks(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 0, "n": 0})

    async def work() -> None:
        for _ in range(20):
            await coll.update_one({"_id": 0}, {"$inc": {"n": 1}})
            assert await coll.find_one({"_id": 0})

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(work)
    assert await coll.find_one() == {"_id": 0, "n": 400}
