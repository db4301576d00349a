"""AsyncMongoClient.bulk_write: the bulkWrite command behind it, its batches, its cursor, its failures."""

from __future__ import annotations

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteMany, DeleteOne, InsertOne, UpdateMany, UpdateOne, WriteConcern
from pymongo.errors import ClientBulkWriteException, OperationFailure

from amongo import AsyncMongoClient


async def test_unordered_operations_run_in_their_order(client: AsyncMongoClient) -> None:
    result = await client.bulk_write(
        [
            InsertOne({"_id": 1}, "a.x"),
            DeleteOne({"_id": 1}, namespace="a.x"),
            InsertOne({"_id": 1, "again": True}, "a.x"),
            UpdateOne({"_id": 1}, {"$set": {"n": 1}}, namespace="a.x"),
            DeleteMany({"n": 1}, namespace="a.x"),
        ],
        ordered=False,
    )
    assert (result.inserted_count, result.modified_count, result.deleted_count) == (2, 1, 2)
    assert not result.has_verbose_results


async def test_more_than_one_command(client: AsyncMongoClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.client.client_bulk.WRITE_BATCH_COUNT", 20)
    monkeypatch.setattr("amongo.client.client_bulk.MESSAGE_BYTES", 1000)
    monkeypatch.setattr("amongo.commands.cursors.BATCH_BYTES", 100)
    operations = [InsertOne({"_id": n, "pad": "x" * 30}, f"a.{'even' if n % 2 == 0 else 'odd'}") for n in range(90)]
    operations[50] = InsertOne({"_id": 0}, "a.even")
    with pytest.raises(ClientBulkWriteException) as caught:
        await client.bulk_write(operations, ordered=False, verbose_results=True)
    failure = caught.value
    assert [(error["idx"], error["code"], error["op"]["document"]) for error in failure.write_errors] == [
        (50, 11000, {"_id": 0})
    ]
    assert failure.partial_result is not None
    assert failure.partial_result.inserted_count == 89
    results = failure.partial_result.insert_results
    assert {index: result.inserted_id for index, result in results.items()} == {n: n for n in range(90) if n != 50}
    assert await client.a.even.estimated_document_count() == 44
    assert client._runner.instance is not None
    assert len(client._runner.instance.cursors) == 0


async def test_options(client: AsyncMongoClient) -> None:
    await client.a.x.insert_many([{"_id": n, "s": "Ab"} for n in range(3)])
    result = await client.bulk_write(
        [
            UpdateMany({"$expr": {"$gte": ["$_id", "$$least"]}}, [{"$set": {"n": "$$least"}}], namespace="a.x"),
            DeleteOne({"_id": 0}, namespace="a.x", hint="_id_"),
            UpdateOne({"_id": 9}, {"$set": {"n": 1}}, upsert=True, sort={"_id": 1}, namespace="a.x"),
        ],
        let={"least": 1},
        comment="c",
        verbose_results=True,
        write_concern=WriteConcern(w=1, j=True),
    )
    assert [each.raw_result for each in result.update_results.values()] == [
        {"ok": 1.0, "idx": 0, "n": 2, "nModified": 2},
        {"ok": 1.0, "idx": 2, "n": 1, "nModified": 0, "upserted": {"_id": 9}},
    ]
    assert result.upserted_count == 1


async def test_a_write_concern_of_more_nodes(client: AsyncMongoClient) -> None:
    with pytest.raises(ClientBulkWriteException) as caught:
        await client.bulk_write([InsertOne({"_id": 1}, "a.x")], write_concern=WriteConcern(w=3))
    assert [error["code"] for error in caught.value.write_concern_errors] == [100]
    assert caught.value.partial_result is not None
    assert caught.value.partial_result.inserted_count == 1


async def test_failures(client: AsyncMongoClient) -> None:
    broken = RawBSONDocument(bson.encode({"s": "ab"}).replace(b"ab", b"\xff\xff"))
    with pytest.raises(OperationFailure) as caught:
        await client.bulk_write([InsertOne(broken, "a.x")])
    assert caught.value.code == 22
    with pytest.raises(ClientBulkWriteException) as large:
        await client.bulk_write([InsertOne({"s": "x" * (16 << 20)}, "a.x")])
    assert [error["code"] for error in large.value.write_errors] == [10334]
    with pytest.raises(ClientBulkWriteException) as top:
        await client.bulk_write([InsertOne({}, "a.x")], let={"x": "$a"})
    assert isinstance(top.value.error, OperationFailure)
    assert top.value.partial_result is None
    assert await client.a.x.estimated_document_count() == 0
