"""A day with PyMongo's own clients against `amongo serve`, and the same day with amongo's in process: one answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import bson
import gridfs
import pymongo
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import BinaryVectorDtype, UuidRepresentation
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, ClientBulkWriteException, ConnectionFailure, OperationFailure
from pymongo.read_concern import ReadConcern

import amongo
from tests.server.serving_process import served

Document = dict[str, Any]
Client = Any  # PyMongo's, or amongo's own

EVERY_TYPE: Document = {
    "_id": ObjectId("0123456789abcdef01234567"),
    "double": -0.0,
    "nan": float("nan"),
    "string": "Grüße \x00 世界",
    "object": {"a": {}, "": 1},
    "array": [1, [2, []], {"x": None}],
    "binary": b"\x00\xff",
    "uuid": Binary.from_uuid(UUID(int=7), UuidRepresentation.STANDARD),
    "vector": Binary.from_vector([0.5, -1.0], BinaryVectorDtype.FLOAT32),
    "defined": Binary(b"x", 128),
    "yes": True,
    "date": datetime(2026, 2, 3, 4, 5, 6, 789000),
    "nothing": None,
    "regex": Regex("^a.*b$", re.IGNORECASE | re.MULTILINE),
    "reference": DBRef("other", 1, "elsewhere"),
    "code": Code("f()"),
    "scoped": Code("f(x)", {"x": 1}),
    "int": -(2**31),
    "long": Int64(1),
    "longest": Int64(2**63 - 1),
    "timestamp": Timestamp(2**32 - 1, 7),
    "decimal": Decimal128("-1.500E-6170"),
    "least": MinKey(),
    "most": MaxKey(),
}


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with served() as uri:
        yield uri


@pytest.fixture(params=["wire", "embedded"])
def client(request: pytest.FixtureRequest, uri: str) -> Iterator[Client]:
    if request.param == "embedded":
        with amongo.MongoClient("memory://") as embedded:
            yield embedded
    else:
        with pymongo.MongoClient(uri) as client:
            client.drop_database("day")
            yield client


def test_every_type_comes_back_as_it_was(client: Client) -> None:
    types = client.day.types
    types.insert_one(EVERY_TYPE)
    raw = client.day.get_collection("types", bson.CodecOptions(document_class=bson.raw_bson.RawBSONDocument)).find_one()
    assert raw.raw == bson.encode(EVERY_TYPE)
    for name, value in EVERY_TYPE.items():
        if name != "regex":
            assert types.count_documents({name: {"$eq": value}}) == 1, name


def test_bulk_writes(client: Client) -> None:
    things = client.day.things
    done = things.bulk_write(
        [
            pymongo.InsertOne({"_id": 1, "n": 1}),
            pymongo.UpdateOne({"_id": 1}, {"$set": {"n": 2}}),
            pymongo.UpdateMany({}, [{"$set": {"twice": {"$multiply": ["$n", 2]}}}]),
            pymongo.ReplaceOne({"_id": 2}, {"n": 5}, upsert=True),
            pymongo.DeleteMany({"n": {"$gt": 4}}),
        ]
    )
    counts = done.bulk_api_result
    assert [counts[name] for name in ("nInserted", "nMatched", "nModified", "nUpserted", "nRemoved")] == [1, 2, 2, 1, 1]
    assert done.upserted_ids == {3: 2}
    with pytest.raises(BulkWriteError) as caught:
        things.insert_many([{"_id": 10}, {"_id": 1}, {"_id": 11}], ordered=False)
    assert [error["index"] for error in caught.value.details["writeErrors"]] == [1]
    assert things.count_documents({}) == 3
    models = [
        pymongo.InsertOne({"_id": 20}, namespace="day.things"),
        pymongo.UpdateOne({"_id": 20}, {"$set": {"n": 1}}, namespace="day.things"),
        pymongo.InsertOne({"_id": 1}, namespace="day.others"),
    ]
    result = client.bulk_write(models, verbose_results=True)
    assert (result.inserted_count, result.modified_count, list(result.update_results)) == (2, 1, [1])
    with pytest.raises(ClientBulkWriteException) as refused:
        client.bulk_write(models)
    assert [error["code"] for error in refused.value.write_errors] == [11000]


def test_many_documents_go_in_many_messages(client: Client) -> None:
    text = "x" * 1_000_000
    client.day.large.insert_many([{"_id": each, "text": text} for each in range(60)])  # more than 48 MB
    assert sum(len(each["text"]) for each in client.day.large.find(batch_size=7)) == 60_000_000
    assert [each["_id"] for each in client.day.large.find({}, {"_id": 1}).sort("_id", -1).limit(2)] == [59, 58]


def test_cursors(client: Client) -> None:
    numbers = client.day.numbers
    numbers.insert_many([{"_id": each} for each in range(300)])
    cursor = numbers.find(batch_size=10)
    assert next(cursor) == {"_id": 0}
    cursor_id = cursor.cursor_id
    assert client.day.command({"killCursors": "numbers", "cursors": [cursor_id]})["cursorsKilled"] == [cursor_id]
    with pytest.raises(OperationFailure) as caught:
        list(cursor)
    assert caught.value.code == 43
    assert b"".join(numbers.find_raw_batches(sort=[("_id", 1)], batch_size=100)).startswith(bson.encode({"_id": 0}))
    assert len(list(numbers.aggregate([{"$match": {"_id": {"$lt": 150}}}], batchSize=20))) == 150


def test_sessions_and_transactions(client: Client) -> None:
    accounts = client.day.accounts
    accounts.insert_many([{"_id": "a", "n": 10}, {"_id": "b", "n": 0}])

    def move(session: Any) -> str:
        accounts.update_one({"_id": "a"}, {"$inc": {"n": -5}}, session=session)
        assert accounts.find_one({"_id": "a"})["n"] == 10  # others see nothing yet
        accounts.update_one({"_id": "b"}, {"$inc": {"n": 5}}, session=session)
        return "moved"

    with client.start_session() as session:
        assert session.with_transaction(move, read_concern=ReadConcern("snapshot")) == "moved"
        session.start_transaction()
        accounts.delete_many({}, session=session)
        session.abort_transaction()
    assert accounts.distinct("n") == [5]
    with client.start_session() as one, client.start_session() as other:
        one.start_transaction()
        other.start_transaction()
        accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=one)
        with pytest.raises(OperationFailure) as caught:
            accounts.update_one({"_id": "a"}, {"$inc": {"n": 1}}, session=other)
        assert caught.value.code == 112
        assert caught.value.has_error_label("TransientTransactionError")
        other.abort_transaction()
        one.commit_transaction()
    with client.start_session(snapshot=True) as session:
        assert accounts.find_one({"_id": "a"}, session=session)["n"] == 6
        accounts.update_one({"_id": "a"}, {"$set": {"n": 0}})
        assert accounts.find_one({"_id": "a"}, session=session)["n"] == 6


def test_change_streams(client: Client) -> None:
    watched = client.day.watched
    client.day.create_collection("watched", changeStreamPreAndPostImages={"enabled": True})
    created = client.day.command("ping")["operationTime"]
    with watched.watch(full_document="updateLookup", full_document_before_change="whenAvailable") as stream:
        watched.insert_one({"_id": 1, "n": 1})
        watched.update_one({"_id": 1}, {"$set": {"n": 2}})
        watched.delete_one({"_id": 1})
        seen = [next(stream) for _ in range(3)]
    assert [change["operationType"] for change in seen] == ["insert", "update", "delete"]
    assert seen[1]["updateDescription"]["updatedFields"] == {"n": 2}
    assert [change["fullDocumentBeforeChange"]["n"] for change in seen[1:]] == [1, 2]
    places: list[Document] = [
        {"resume_after": seen[0]["_id"]},
        {"start_after": seen[0]["_id"]},
        {"start_at_operation_time": seen[1]["clusterTime"]},
    ]
    for place in places:
        with client.day.watch([{"$match": {"ns.coll": "watched"}}], **place) as stream:
            assert [next(stream)["operationType"] for _ in range(2)] == ["update", "delete"]
    with watched.watch(start_at_operation_time=created) as stream:
        assert [next(stream)["operationType"] for _ in range(3)] == ["insert", "update", "delete"]
    with watched.watch() as stream:
        watched.drop()
        assert [change["operationType"] for change in stream] == ["drop", "invalidate"]


def test_a_stream_whose_cursor_is_gone_resumes(uri: str) -> None:
    with pymongo.MongoClient(uri) as client:
        client.drop_database("day")
        client.day.things.insert_one({"_id": 0})
        with client.day.things.watch(max_await_time_ms=100) as stream:
            client.day.things.insert_one({"_id": 1})
            assert next(stream)["documentKey"] == {"_id": 1}
            cursor_id = stream._cursor.cursor_id
            client.day.command({"killCursors": "things", "cursors": [cursor_id]})
            client.day.things.insert_one({"_id": 2})
            assert next(stream)["documentKey"] == {"_id": 2}


def test_a_write_whose_answer_was_lost_is_done_once(uri: str) -> None:
    """What a driver does that retries: the same statement under the same number."""
    with pymongo.MongoClient(uri) as client, client.start_session() as session:
        client.drop_database("day")
        client.day.things.insert_one({"_id": 1, "n": 0})
        command = {"update": "things", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}], "txnNumber": Int64(77)}
        replies = [client.day.command(command, session=session) for _ in range(3)]
        assert [reply["nModified"] for reply in replies] == [1, 1, 1]
        assert client.day.things.find_one({"_id": 1})["n"] == 1


def test_files(uri: str) -> None:
    with pymongo.MongoClient(uri) as client:
        client.drop_database("files")
        content = bytes(range(256)) * 4000
        files = gridfs.GridFS(client.files)
        number = files.put(content, filename="bytes", chunk_size=100_000)
        assert files.get(number).read() == content
        assert files.get_last_version("bytes").length == len(content)
        bucket = gridfs.GridFSBucket(client.files, bucket_name="other", chunk_size_bytes=1000)
        with bucket.open_upload_stream("half", metadata={"kind": "bytes"}) as up:
            up.write(content[:500_000])
            up.write(content[500_000:])
        with bucket.open_download_stream_by_name("half") as down:
            down.seek(999_999)
            assert down.read(2) == content[999_999:1_000_001]
            down.seek(0)
            assert down.read() == content
        with suppress(ZeroDivisionError), bucket.open_upload_stream("broken") as up:
            up.write(b"x" * 5000)
            raise ZeroDivisionError
        assert [file.filename for file in bucket.find({})] == ["half"]
        (index,) = [each for each in client.files.other.chunks.list_indexes() if each["name"] != "_id_"]
        assert (dict(index["key"]), index["unique"]) == ({"files_id": 1, "n": 1}, True)
        bucket.delete(next(iter(bucket.find({})))._id)
        assert client.files.other.chunks.count_documents({}) == 0


Test = Callable[[Client], Awaitable[None]]


def in_both_worlds(test: Test) -> Callable[[str, str], None]:
    """Run the test on asyncio, where PyMongo's own client lives, with each of the clients."""

    @pytest.mark.parametrize("world", ["wire", "embedded"])
    def run(world: str, uri: str) -> None:
        async def inside() -> None:
            opened: Any = pymongo.AsyncMongoClient(uri) if world == "wire" else amongo.AsyncMongoClient("memory://")
            async with opened as client:
                await client.drop_database("day")
                await test(client)

        asyncio.run(inside())

    run.__name__ = test.__name__
    return run


@in_both_worlds
async def test_tasks_share_a_client(client: Client) -> None:
    things = client.day.things
    await asyncio.gather(*(things.insert_one({"_id": each, "n": each % 5}) for each in range(100)))
    await asyncio.gather(*(things.update_one({"_id": each % 10}, {"$inc": {"seen": 1}}) for each in range(100)))
    assert await things.count_documents({"seen": 10}) == 10
    cursor = await things.aggregate([{"$group": {"_id": "$n", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}])
    assert await cursor.to_list() == [{"_id": each, "count": 20} for each in range(5)]
    assert [each["_id"] async for each in things.find().sort("_id").batch_size(7)] == list(range(100))


@in_both_worlds
async def test_tasks_transactions(client: Client) -> None:
    counters = client.day.counters
    await counters.insert_one({"_id": 1, "n": 0})

    async def count(session: AsyncClientSession) -> None:
        found = await counters.find_one({"_id": 1}, session=session)
        await counters.update_one({"_id": 1}, {"$set": {"n": found["n"] + 1}}, session=session)

    async def one() -> None:
        async with client.start_session() as session:
            await session.with_transaction(count)

    await asyncio.gather(*(one() for _ in range(8)))
    assert (await counters.find_one({"_id": 1}))["n"] == 8


@in_both_worlds
async def test_a_task_watches(client: Client) -> None:
    things = client.day.things
    async with await things.watch([{"$match": {"operationType": "insert"}}]) as stream:
        waiting = asyncio.create_task(anext(stream))
        await things.insert_one({"_id": 1})
        assert (await waiting)["fullDocument"] == {"_id": 1}
        token = stream.resume_token
        await things.insert_one({"_id": 2})
    async with await things.watch(resume_after=token) as stream:
        assert (await anext(stream))["documentKey"] == {"_id": 2}


def test_files_of_tasks(uri: str) -> None:
    async def inside() -> None:
        async with pymongo.AsyncMongoClient(uri) as client:
            await client.drop_database("files")
            bucket = gridfs.AsyncGridFSBucket(client.files, chunk_size_bytes=1000)
            content = bytes(range(256)) * 100
            number = await bucket.upload_from_stream("bytes", content)
            down = await bucket.open_download_stream(number)
            assert await down.read() == content
            await bucket.rename(number, "renamed")
            assert [file.filename async for file in bucket.find({})] == ["renamed"]
            await bucket.delete(number)
            with pytest.raises(gridfs.NoFile):
                await bucket.open_download_stream(number)

    asyncio.run(inside())


def test_a_server_that_ends_is_a_failed_connection() -> None:
    with served() as uri:
        client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=300)
        client.day.things.insert_one({})
    with client, pytest.raises(ConnectionFailure):
        client.day.things.insert_one({})
