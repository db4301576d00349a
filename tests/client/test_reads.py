"""Reading: what comes back, in which Python types, in how many requests."""

from __future__ import annotations

import gc
import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import bson
import pytest
from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import Binary, UuidRepresentation
from bson.code import Code
from bson.codec_options import CodecOptions, DatetimeConversion, TypeCodec, TypeRegistry
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.errors import CursorNotFound, InvalidOperation, OperationFailure
from pymongo.read_concern import ReadConcern

from amongo import AsyncCollection, AsyncMongoClient
from amongo.runtime.limits import CODEC_SLICE_BYTES

pytestmark = pytest.mark.anyio

_EVERY_TYPE: dict[str, Any] = {
    "_id": 1,
    "double": 1.5,
    "string": "ü",
    "object": {"z": 1, "a": {"b": None}},
    "array": [1, [2, {"c": 3}], []],
    "bytes": b"\x00\x01",
    "binary": Binary(b"\x01", 128),
    "object id": ObjectId("65a000000000000000000001"),
    "true": True,
    "date": datetime(2026, 1, 2, 3, 4, 5, 678000),
    "null": None,
    "regex": Regex("^a.*", "im"),
    "code": Code("f()"),
    "scope": Code("f()", {"x": 1}),
    "int": -3,
    "timestamp": Timestamp(5, 6),
    "long": Int64(5),
    "large": Int64(2**40),
    "decimal": Decimal128("1.10"),
    "min": MinKey(),
    "max": MaxKey(),
    "reference": DBRef("other", 5, "db"),
    "negative zero": -0.0,
}


async def test_every_type_comes_back_as_it_went_in(coll: AsyncCollection) -> None:
    raw = bson.encode(_EVERY_TYPE)
    await coll.insert_one(dict(_EVERY_TYPE))
    found = await coll.find_one({"_id": 1})
    assert found == _EVERY_TYPE
    assert list(found) == list(_EVERY_TYPE)
    assert bson.encode(found) == raw
    for cursor in (coll.find(), coll.find({"_id": 1}, sort=[("_id", 1)]), await coll.aggregate([{"$match": {}}])):
        assert [bson.encode(document) for document in await cursor.to_list()] == [raw]


async def test_codec_options(coll: AsyncCollection) -> None:
    key = uuid4()
    moment = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    options: CodecOptions[Any] = CodecOptions(
        document_class=OrderedDict,
        tz_aware=True,
        tzinfo=UTC,
        uuid_representation=UuidRepresentation.STANDARD,
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )
    typed = coll.with_options(codec_options=options)
    await typed.insert_one(OrderedDict([("_id", key), ("at", moment), ("far", DatetimeMS(2**60))]))
    expected = OrderedDict([("_id", key), ("at", datetime(2026, 1, 1, 22, tzinfo=UTC)), ("far", DatetimeMS(2**60))])
    for found in (
        await typed.find_one({"_id": key}),
        await typed.find_one({"at": moment}),
        (await typed.find().to_list())[0],
        (await (await typed.aggregate([])).to_list())[0],
        await typed.find_one_and_update({"_id": key}, {"$set": {"at": moment}}),
    ):
        assert type(found) is OrderedDict
        assert found == expected
    assert await typed.distinct("_id") == [key]
    assert (await coll.find_one({}, {"_id": 1})) == {"_id": Binary.from_uuid(key)}
    with pytest.raises(ValueError, match=r"cannot encode native uuid\.UUID with UuidRepresentation\.UNSPECIFIED"):
        await coll.find_one({"_id": key})


async def test_type_registry(client: AsyncMongoClient) -> None:
    class Price:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    class PriceCodec(TypeCodec):
        python_type = Price
        bson_type = Decimal128

        def transform_python(self, value: Price) -> Decimal128:
            return Decimal128(f"{value.cents}E-2")

        def transform_bson(self, value: Decimal128) -> Price:
            return Price(int(value.to_decimal() * 100))

    options: CodecOptions[Any] = CodecOptions(type_registry=TypeRegistry([PriceCodec()]))
    shop = client.get_database("shop", codec_options=options)
    await shop.items.insert_one({"_id": "tea", "price": Price(250)})
    assert (await shop.items.find_one({"price": Price(250)}))["price"].cents == 250
    assert await client.shop.items.find_one() == {"_id": "tea", "price": Decimal128("2.50")}


async def test_raw_documents(coll: AsyncCollection) -> None:
    raw = RawBSONDocument(bson.encode({"_id": 1, "a": [1, 2]}))
    assert (await coll.insert_one(raw)).inserted_id is None
    as_raw = coll.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    assert (await as_raw.find_one({"_id": 1})).raw == raw.raw
    assert [document.raw for document in await as_raw.find().to_list()] == [raw.raw]
    assert (await coll.find_one(RawBSONDocument(bson.encode({"_id": 1}))))["a"] == [1, 2]


_KEYS = [ObjectId(), "text", "", "ü", 5, -(2**31), 2**31, Int64(5), 5.5, None, b"x", True, {"a": 1, "b": [2]}]


@pytest.mark.parametrize("key", _KEYS, ids=repr)
async def test_find_one_by_id(coll: AsyncCollection, key: Any) -> None:
    await coll.insert_many([{"_id": "other"}, {"_id": key, "n": 1}])
    assert await coll.find_one({"_id": key}) == {"_id": key, "n": 1}
    assert await coll.find_one({"_id": key}, {"_id": 0}) == {"n": 1}
    if not isinstance(key, dict) and key is not None:
        assert await coll.find_one(key) == {"_id": key, "n": 1}
    assert await coll.find_one({"_id": "missing"}) is None


async def test_find(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "even": n % 2 == 0, "tag": f"t{n % 3}"} for n in range(20)])
    cases: list[tuple[Any, list[int]]] = [
        (coll.find({"even": True}).limit(3), [0, 2, 4]),
        (coll.find({"even": True}, skip=8), [16, 18]),
        (coll.find().sort("_id", -1).skip(1).limit(2), [18, 17]),
        (coll.find(sort=[("tag", -1), ("_id", 1)], limit=2), [2, 5]),
        (coll.find({"_id": {"$in": [3, 4]}}), [3, 4]),
        (coll.find({"tag": re.compile("0$")}, limit=-2), [0, 3]),
        (coll.find().batch_size(2).limit(5), [0, 1, 2, 3, 4]),
        (coll.find(batch_size=3, limit=3), [0, 1, 2]),
        (coll.find({"$query": {"_id": {"$gt": 17}}, "$orderby": {"_id": -1}}), [19, 18]),
        (coll.find({"_id": {"$lt": 2}}, comment="why", max_time_ms=10_000), [0, 1]),
    ]
    for cursor, expected in cases:
        assert [document["_id"] for document in await cursor.clone().to_list()] == expected
        assert [document["_id"] async for document in cursor] == expected
    assert await coll.find({"_id": 3}, ["tag"]).to_list() == [{"_id": 3, "tag": "t0"}]


async def test_cursor_in_batches(coll: AsyncCollection, client: AsyncMongoClient) -> None:
    await coll.insert_many([{"_id": n} for n in range(250)])
    cursor = coll.find()
    assert await cursor == cursor
    assert (cursor.alive, cursor.cursor_id, cursor.retrieved, cursor.address) == (True, None, 0, None)
    assert await cursor.next() == {"_id": 0}
    assert (cursor.alive, cursor.retrieved, cursor.address) == (True, 101, ("memory://", None))
    assert cursor.cursor_id
    with pytest.raises(InvalidOperation, match="cannot set options after executing query"):
        cursor.limit(3)
    assert [document["_id"] for document in await cursor.to_list(5)] == [1, 2, 3, 4, 5]
    assert len(await cursor.to_list()) == 244
    assert (cursor.alive, cursor.cursor_id) == (False, 0)
    with pytest.raises(StopAsyncIteration):
        await cursor.next()
    await cursor.rewind()
    assert len(await cursor.to_list(200)) == 200
    await cursor.close()
    await cursor.close()
    assert _open_cursors(client) == 0


async def test_names_that_are_too_long(client: AsyncMongoClient) -> None:
    coll = client["d" * 64].coll
    for operation in (
        coll.find_one({}),
        coll.find().to_list(),
        coll.insert_one({}),
        coll.insert_many([{}]),
        coll.update_one({}, {"$set": {"a": 1}}),
        coll.delete_one({}),
        coll.aggregate([]),
    ):
        with pytest.raises(OperationFailure) as caught:
            await operation
        assert caught.value.code == 73


@pytest.mark.parametrize("level", ["local", "available", "majority", "snapshot"])
async def test_read_concerns(coll: AsyncCollection, level: str) -> None:
    await coll.insert_one({"_id": 1})
    concerned = coll.with_options(read_concern=ReadConcern(level))
    assert await concerned.find_one({}) == {"_id": 1}
    assert await concerned.find().to_list() == [{"_id": 1}]
    with pytest.raises(OperationFailure) as caught:
        await coll.with_options(read_concern=ReadConcern("bogus")).find_one({})
    assert caught.value.code == 2


async def test_iteration_decodes_in_slices(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "pad": "x" * 1000} for n in range(300)])
    cursor = coll.find(batch_size=300)
    await cursor.next()
    assert 0 < len(cursor._buffer.ready) < CODEC_SLICE_BYTES // 1000
    assert [document["_id"] async for document in cursor] == list(range(1, 300))


async def test_forgotten_cursors_are_killed(coll: AsyncCollection, client: AsyncMongoClient) -> None:
    await coll.insert_many([{"_id": n} for n in range(300)])
    cursor = coll.find()
    await cursor.next()
    aggregation = await coll.aggregate([], batchSize=2)
    assert _open_cursors(client) == 2
    del cursor, aggregation
    gc.collect()
    await client.db.command("ping")
    assert _open_cursors(client) == 0
    async with coll.find() as cursor:
        await cursor.next()
        assert _open_cursors(client) == 1
    assert _open_cursors(client) == 0


async def test_a_cursor_killed_by_the_server(coll: AsyncCollection, client: AsyncMongoClient) -> None:
    await coll.insert_many([{"_id": n} for n in range(300)])
    cursor = coll.find()
    await cursor.to_list(101)
    await client.db.command({"killCursors": "coll", "cursors": [Int64(cursor.cursor_id)]})
    with pytest.raises(CursorNotFound) as caught:
        await cursor.to_list()
    assert caught.value.code == 43
    assert not cursor.alive


def _open_cursors(client: AsyncMongoClient) -> int:
    return len(client._runner.instance.cursors)


async def test_raw_batches(coll: AsyncCollection) -> None:
    documents = [{"_id": n} for n in range(250)]
    await coll.insert_many(documents)
    batches = [batch async for batch in coll.find_raw_batches()]
    assert [len(bson.decode_all(batch)) for batch in batches] == [101, 149]
    assert [document for batch in batches for document in bson.decode_all(batch)] == documents
    assert await coll.find_raw_batches({"_id": -1}).to_list() == []
    raw = await coll.aggregate_raw_batches([{"$match": {}}], batchSize=100)
    assert bson.decode_all(b"".join(await raw.to_list())) == documents
    with pytest.raises(InvalidOperation, match="Cannot call __getitem__ on AsyncRawBatchCursor"):
        coll.find_raw_batches()[0]


async def test_aggregate(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "n": n % 3} for n in range(10)])
    cursor = await coll.aggregate([{"$match": {"n": 1}}, {"$sort": {"_id": -1}}], batchSize=2)
    assert await cursor.try_next() == {"_id": 7, "n": 1}
    assert [document["_id"] async for document in cursor] == [4, 1]
    assert await cursor.try_next() is None
    assert not cursor.alive
    empty = await coll.aggregate([{"$match": {"n": 9}}])
    assert await empty.to_list() == []


async def test_counts_and_distinct(coll: AsyncCollection) -> None:
    assert await coll.count_documents({}) == 0
    assert await coll.estimated_document_count() == 0
    assert await coll.distinct("n") == []
    await coll.insert_many([{"_id": n, "n": n % 3} for n in range(10)])
    assert await coll.count_documents({"n": 1}) == 3
    assert await coll.count_documents({}, skip=2, limit=5) == 5
    assert await coll.estimated_document_count() == 10
    assert await coll.distinct("n") == [0, 1, 2]
    assert await coll.distinct("n", {"_id": {"$lt": 2}}) == [0, 1]
    assert await coll.find({"_id": {"$gt": 8}}).distinct("n") == [0]


async def test_command(client: AsyncMongoClient) -> None:
    assert list(await client.db.command("ping")) == ["ok", "$clusterTime", "operationTime"]
    assert (await client.db.command({"ping": 1}, comment="why"))["ok"] == 1.0
    reply = await client.db.command("buildInfo", codec_options=CodecOptions(document_class=OrderedDict))
    assert type(reply) is OrderedDict
    command = {"bogus": 1}
    with pytest.raises(OperationFailure) as caught:
        await client.db.command(command, extra=1)
    assert command == {"bogus": 1}
    assert (caught.value.code, caught.value.details["codeName"]) == (59, "CommandNotFound")
    assert (await client.db.command("bogus", check=False))["ok"] == 0.0
    assert (await client.db.command("bogus", allowable_errors=[59]))["code"] == 59
    with pytest.raises(OperationFailure):
        await client.db.command("bogus", allowable_errors=[60])


async def test_cursor_command(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(5)])
    cursor = await client.db.cursor_command("find", "coll", batchSize=2)
    assert await cursor.to_list() == [{"_id": n} for n in range(5)]
    with pytest.raises(InvalidOperation, match="Command does not return a cursor"):
        await client.db.cursor_command("ping")
    with pytest.raises(OperationFailure):
        await client.db.cursor_command("bogus")


async def test_listing(client: AsyncMongoClient) -> None:
    await client.shop.items.insert_one({})
    await client.shop.create_collection("orders")
    assert sorted(await client.shop.list_collection_names()) == ["items", "orders"]
    assert await client.shop.list_collection_names(filter={"name": "items"}) == ["items"]
    (description,) = await (await client.shop.list_collections(filter={"name": "items"})).to_list()
    assert type(description["info"]["uuid"]) is Binary
    assert "shop" in await client.list_database_names()
    assert {document["name"] async for document in await client.list_databases()} >= {"shop"}
    assert await client.shop.items.options() == {}
    assert await client.shop.nothing.options() == {}
    assert list(await client.shop.items.index_information()) == ["_id_"]
    assert await (await client.shop.nothing.list_indexes()).to_list() == []
    assert await client.shop.dereference(DBRef("items", 5)) is None


async def test_dereference(client: AsyncMongoClient) -> None:
    await client.db.coll.insert_one({"_id": 5, "a": 1})
    assert await client.db.dereference(DBRef("coll", 5)) == {"_id": 5, "a": 1}
    with pytest.raises(ValueError, match="points to another database"):
        await client.db.dereference(DBRef("coll", 5, "other"))


async def test_unknown_values_are_refused_before_anything_runs(coll: AsyncCollection) -> None:
    class Unknown:
        pass

    for operation in (
        coll.find_one({"a": Unknown()}),
        coll.find({"a": Unknown()}).to_list(),
        coll.insert_one({"a": Unknown()}),
        coll.update_one({}, {"$set": {"a": Unknown()}}),
        coll.delete_many({"a": Unknown()}),
        coll.aggregate([{"$match": {"a": Unknown()}}]),
    ):
        with pytest.raises(bson.errors.InvalidDocument):
            await operation
    assert await coll.estimated_document_count() == 0


async def test_uuid_from_a_client_option() -> None:
    key = UUID(int=5)
    async with AsyncMongoClient("memory://?uuidRepresentation=standard") as client:
        await client.db.coll.insert_one({"_id": key})
        assert await client.db.coll.find_one({"_id": key}) == {"_id": key}
