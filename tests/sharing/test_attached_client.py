"""The whole API on a store that another process owns gives what it gives on one's own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import bson
import pytest
from bson import DBRef, Decimal128, Int64, Regex
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteMany, InsertOne, ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)
from pymongo.monitoring import CommandListener
from pymongo.write_concern import WriteConcern

from amongo import AsyncMongoClient, MongoClient
from amongo.client.sharing.attached import AttachedRunner
from tests.sharing.members import Member

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="stores are shared on Unix alone"),
]
Case = Callable[[AsyncMongoClient[Any]], Awaitable[Any]]
CASES: list[Case] = []


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store that another process owns."""
    address = f"local://{tmp_path_factory.mktemp('store')}"
    with Member(address) as owner:
        assert owner.ask("open") == "owner"
        yield address


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
async def values_of_all_types(client: AsyncMongoClient[Any]) -> Any:
    raw = bson.encode({"_id": 1, "i": 1, "l": Int64(1), "d": Decimal128("1.5"), "r": Regex("a"), "x": DBRef("c", 1)})
    undefined = b"\x0c\x00\x00\x00\x06u\x00\x10a\x00\x01\x00"
    await client.db.coll.insert_one(RawBSONDocument(raw))
    await client.db.coll.update_one({"x": DBRef("c", 1)}, {"$set": {"at": datetime(2020, 1, 1, tzinfo=UTC)}})
    found = await client.db.coll.find_raw_batches({"l": Int64(1)}).to_list()
    return found, len(undefined), await client.db.coll.find_one({"d": Decimal128("1.50")})


@case
async def writes_and_their_results(client: AsyncMongoClient[Any]) -> Any:
    coll = client.db.coll
    results = [
        await coll.insert_one({"_id": 1}),
        await coll.insert_many([{"_id": n, "n": n} for n in range(2, 6)]),
        await coll.update_one({"_id": 1}, {"$set": {"n": 1}}),
        await coll.update_one({"_id": 9}, {"$set": {"n": 9}}, upsert=True),
        await coll.update_many({"n": {"$gt": 2}}, [{"$set": {"m": {"$add": ["$n", 1]}}}]),
        await coll.replace_one({"_id": 2}, {"r": True}),
        await coll.delete_one({"_id": 3}),
        await coll.delete_many({"n": 4}),
        await coll.bulk_write([InsertOne({"_id": 20}), UpdateMany({}, {"$inc": {"b": 1}}), DeleteMany({"_id": 20})]),
        await coll.with_options(write_concern=WriteConcern(w=1, j=True)).insert_one({"_id": 30}),
        await coll.with_options(write_concern=WriteConcern(w=0)).insert_one({"_id": 31}),
        await coll.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, return_document=ReturnDocument.AFTER),
        await coll.find_one_and_delete({"_id": 9}, projection={"_id": 0}),
    ]
    told = [getattr(result, "raw_result", None) or getattr(result, "bulk_api_result", None) for result in results[2:10]]
    return told, results[-2:], [result.acknowledged for result in results[:11]], await coll.find().to_list()


@case
async def failures(client: AsyncMongoClient[Any]) -> Any:
    coll, seen = client.db.coll, []
    await coll.insert_one({"_id": 1})
    for attempt in (
        lambda: coll.insert_one({"_id": 1}),
        lambda: coll.insert_many([{"_id": 2}, {"_id": 1}, {"_id": 3}]),
        lambda: coll.insert_many([{"_id": 4}, {"_id": 1}, {"_id": 5}], ordered=False),
        lambda: coll.update_one({"_id": 1}, {"$set": {"_id": 2}}),
        lambda: coll.find_one({"$nope": 1}),
        lambda: coll.aggregate([{"$nope": 1}]),
        lambda: client.db.command("nope"),
        lambda: client.db.sql("select nope"),
        lambda: client.bulk_write([InsertOne({"_id": 1}, "db.coll")]),
        lambda: coll.find().max_time_ms(1).hint("nope_1").to_list(),
    ):
        with pytest.raises(PyMongoError) as caught:
            await attempt()
        failure: Any = caught.value
        assert isinstance(failure, BulkWriteError | ClientBulkWriteException | DuplicateKeyError | OperationFailure)
        details = failure.details if not isinstance(failure, ClientBulkWriteException) else failure.write_errors
        seen.append((type(failure), failure.code, str(details).replace("'ok': 0.0", "")))
    return seen, await coll.find().sort("_id").to_list()


@case
async def reading(client: AsyncMongoClient[Any]) -> Any:
    coll = client.db.coll
    await coll.insert_many([{"_id": n, "a": n % 3, "s": f"é{n}"} for n in range(250)])
    await coll.create_index([("a", 1), ("s", -1)])
    return [
        await coll.find({"a": 1}, {"s": 1}).sort("s").skip(3).limit(70).batch_size(10).to_list(),
        await coll.find({}).min([("a", 2), ("s", "z")]).hint("a_1_s_-1").to_list(),
        await coll.find({"s": "E3"}, collation={"locale": "en", "strength": 1}).to_list(),
        await coll.find_one(17),
        await coll.distinct("a", {"s": {"$regex": "9$"}}),
        await coll.count_documents({"a": 2}, limit=50),
        await coll.estimated_document_count(),
        await (
            await coll.aggregate([{"$group": {"_id": "$a", "n": {"$sum": "$_id"}}}, {"$sort": {"_id": 1}}])
        ).to_list(),
        await (await coll.aggregate([{"$match": {"a": 0}}, {"$project": {"s": 1}}], batchSize=7)).to_list(),
        [document["name"] async for document in await coll.list_indexes()],
        sorted((await coll.index_information()).items()),
        await client.db.list_collection_names(),
        (await coll.find({"a": 1}).explain())["queryPlanner"]["winningPlan"],
    ]


@case
async def tables(client: AsyncMongoClient[Any]) -> Any:
    coll = client.db.coll
    await coll.insert_many([{"_id": n, "a": n % 3, "day": datetime(2020, 1, 1 + n)} for n in range(20)])
    given = {"least": 3, "when": datetime(2020, 1, 5), "share": Decimal("0.5")}
    sql = "select a, count(*) as n from coll where _id >= $least and day > $when and 0.4 < $share group by a order by a"
    return [
        await coll.to_arrow({"a": 1}, sort=[("_id", 1)]),
        await coll.aggregate_arrow([{"$sort": {"_id": -1}}, {"$limit": 3}]),
        await client.db.sql(sql, given),
        await client.db.sql("select max(_id) from coll where a = ?", [2]),
    ]


@case
async def sessions_and_transactions(client: AsyncMongoClient[Any]) -> Any:
    coll, seen = client.db.coll, []
    await coll.insert_one({"_id": 0, "n": 0})
    async with client.start_session() as session:

        async def change(session: Any) -> Any:
            await coll.update_one({"_id": 0}, {"$inc": {"n": 1}}, session=session)
            await coll.insert_many([{"_id": n} for n in range(1, 200)], session=session)
            seen.append(await coll.count_documents({}))
            return len(await coll.find({}, session=session).batch_size(50).to_list())

        seen.append(await session.with_transaction(change))
        await session.start_transaction()
        await coll.delete_many({}, session=session)
        seen.append(await coll.count_documents({}, session=session))
        await session.abort_transaction()
        assert session.operation_time is not None
        async with await session.start_transaction():
            await client.bulk_write([UpdateOne({"_id": 0}, {"$inc": {"n": 1}}, namespace="db.coll")], session=session)
        with pytest.raises(OperationFailure) as caught:
            async with await session.start_transaction():
                await coll.update_one({"_id": 0}, {"$inc": {"n": 1}}, session=session)
                async with client.start_session() as other, await other.start_transaction():
                    await coll.update_one({"_id": 0}, {"$inc": {"n": 1}}, session=other)
        seen.append((caught.value.code, sorted(caught.value._error_labels)))
    async with client.start_session(snapshot=True) as session:
        seen.append(await coll.find_one({"_id": 0}, session=session))
        await coll.update_one({"_id": 0}, {"$inc": {"n": 1}})
        seen.append(await coll.find_one({"_id": 0}, session=session))
    async with client.start_session() as session, session.bind():
        seen.append((await coll.update_one({"_id": 0}, {"$inc": {"n": 1}})).raw_result["n"])
        seen.append((await coll.insert_one({"_id": "bound"})).inserted_id)
    return seen, await coll.find_one({"_id": 0}), await coll.count_documents({})


@case
async def change_streams(client: AsyncMongoClient[Any]) -> Any:
    coll, seen = client.db.coll, []
    async with await client.watch([{"$match": {"operationType": {"$ne": "create"}}}]) as whole:
        async with await coll.watch(full_document="updateLookup") as stream:
            await coll.insert_one({"_id": 1})
            await coll.update_one({"_id": 1}, {"$set": {"a": 1}})
            first = await stream.next()
            seen += [first["operationType"], (await stream.next())["fullDocument"], await stream.try_next()]
        async with await coll.watch(resume_after=first["_id"]) as stream:
            seen.append((await stream.next())["updateDescription"])
            with anyio.move_on_after(0.05) as scope:
                await stream.next()
            seen.append(scope.cancelled_caught)
        seen.append((await whole.next())["documentKey"])
    return seen


@case
async def live_queries(client: AsyncMongoClient[Any]) -> Any:
    coll, seen = client.db.coll, []
    await coll.insert_many([{"_id": n, "a": n} for n in range(5)])
    async with coll.live({"a": {"$gt": 0}}, sort=[("a", -1)], limit=3, projection={"a": 1}) as live:
        seen.append((await live.next()).documents)
        seen.append(await live.try_next())
        with anyio.move_on_after(0.05):
            await live.next()
        await coll.update_one({"_id": 1}, {"$set": {"a": 10}})
        await coll.delete_one({"_id": 4})
        for _ in range(4):
            diff = await live.next()
            seen.append((diff.kind, diff._id, diff.document, diff.before, diff.index, diff.from_index, diff.is_last))
        seen.append(await live.try_next())
        await coll.insert_one({"_id": 7, "a": 7})
        diff = await live.try_next()
        assert diff is not None
        seen += [diff.kind, (await live.next()).kind, live.documents]
        await coll.drop()
        seen += [diff.kind async for diff in live]
    with pytest.raises(OperationFailure) as caught:
        await coll.live({"$text": {"$search": "a"}}).next()
    return seen, caught.value.code


@case
async def time_travel(client: AsyncMongoClient[Any]) -> Any:
    coll = client.db.coll
    await coll.insert_one({"_id": {"k": 1}, "n": 0})
    await coll.update_one({"_id": {"k": 1}}, {"$inc": {"n": 1}})
    await coll.delete_one({"_id": {"k": 1}})
    history = await coll.history({"k": 1}).to_list()
    versions = [(version["operation"], version.get("document")) for version in history]
    past = [await coll.find(as_of=version["clusterTime"]).to_list() for version in history]
    return versions, past, await coll.find().to_list()


@case
async def forks(client: AsyncMongoClient[Any]) -> Any:
    await client.db.coll.insert_many([{"_id": n} for n in range(5)])
    async with await client.fork() as fork:
        await fork.db.coll.delete_many({"_id": {"$gt": 1}})
        async with await fork.fork() as second:
            await second.db.coll.insert_one({"_id": "second"})
            seen = [await each.db.coll.distinct("_id") for each in (client, fork, second)]
        cursor = fork.db.coll.find(batch_size=1)
        return seen, await cursor.to_list(), await fork.db.list_collection_names()


@case
async def commands(client: AsyncMongoClient[Any]) -> Any:
    db = client.db
    await db.create_collection("capped", capped=True, size=4096)
    await db.command("insert", "coll", documents=[{"_id": 1}, {"_id": 2}])
    await db.create_collection("view", viewOn="coll", pipeline=[{"$match": {"_id": 2}}])
    found = await db.command("find", "view")
    await db.coll.rename("renamed")
    await db.command({"collMod": "renamed", "validator": {"a": {"$type": "int"}}})
    with pytest.raises(OperationFailure) as caught:
        await db.renamed.insert_one({"_id": 3})
    names = sorted(await db.list_collection_names())
    return (
        found["cursor"]["firstBatch"],
        caught.value.details,
        names,
        (await db.validate_collection("renamed"))["valid"],
    )


@case
async def tailable_cursors(client: AsyncMongoClient[Any]) -> Any:
    coll = await client.db.create_collection("capped", capped=True, size=100_000)
    await coll.insert_one({"_id": 0})
    cursor = coll.find(cursor_type=34)  # tailable, awaiting
    seen = [await cursor.next()]
    async with anyio.create_task_group() as group:
        group.start_soon(coll.insert_one, {"_id": 1})
        seen.append(await cursor.next())
    await cursor.close()
    return seen, cursor.alive


@pytest.mark.parametrize("asked", CASES, ids=lambda asked: asked.__name__)
async def test_it_gives_what_a_store_of_ones_own_gives(asked: Case, uri: str) -> None:
    async with AsyncMongoClient("memory://") as own:
        expected = await asked(own)
    async with AsyncMongoClient(uri) as client:
        await client.drop_database("db")
        found = await asked(client)
        assert isinstance(client._runner, AttachedRunner)
    assert found == expected


async def test_a_large_insert_and_a_large_batch(uri: str) -> None:
    async with AsyncMongoClient(uri) as client:
        await client.drop_database("db")
        documents = [{"_id": n, "filling": os.urandom(400)} for n in range(30_000)]
        assert len((await client.db.coll.insert_many(documents)).inserted_ids) == 30_000
        assert await client.db.coll.find().sort("_id").batch_size(30_000).to_list() == documents
        large = {"_id": "large", "filling": bytes(16_000_000)}
        await client.db.coll.insert_one(large)
        assert await client.db.coll.find_one({"_id": "large"}) == large


async def test_listeners_hear_of_commands(uri: str) -> None:
    class Listener(CommandListener):
        heard: list[str] = []

        def started(self, event: Any) -> None:
            self.heard.append(event.command_name)

        def succeeded(self, event: Any) -> None:
            self.heard.append("ok")

        def failed(self, event: Any) -> None:
            self.heard.append("failed")

    listener = Listener()
    async with AsyncMongoClient(uri, event_listeners=[listener]) as client:
        await client.db.heard.update_one({"_id": 1}, {"$set": {"a": 1}}, upsert=True)
        await client.db.heard.find().to_list()
    assert listener.heard == ["update", "ok", "find", "ok"]


async def test_more_operations_at_once_than_connections(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.client.sharing.links.SHARING_CONNECTIONS", 3)
    async with AsyncMongoClient(uri) as client:
        await client.drop_database("db")
        async with anyio.create_task_group() as group:
            for n in range(40):
                group.start_soon(client.db.coll.insert_one, {"_id": n})
        assert await client.db.coll.count_documents({}) == 40
        assert client._runner.membership.links.count <= 3  # type: ignore[union-attr]


async def test_a_cancelled_operation_is_stopped_in_the_owner(uri: str) -> None:
    async with AsyncMongoClient(uri) as client:
        many = [stage for name in "abc" for stage in ({"$set": {name: {"$range": [0, 1000]}}}, {"$unwind": f"${name}"})]
        long = [{"$documents": [{}]}, *many, {"$count": "n"}]
        busy = {"command.aggregate": 1, "command.comment": "long"}

        async def running() -> bool:
            pipeline = [{"$currentOp": {}}, {"$match": busy}]
            return bool(await (await client.admin.aggregate(pipeline)).to_list())

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: client.db.aggregate(long, comment="long"))
                while not await running():  # noqa: ASYNC110
                    await anyio.sleep(0.001)
                group.cancel_scope.cancel()
            while await running():  # noqa: ASYNC110
                await anyio.sleep(0.001)


async def test_closing_ends_those_that_wait(uri: str) -> None:
    client = AsyncMongoClient[Any](uri)
    stream = await client.db.coll.watch()
    live = client.db.coll.live()
    await live.next()
    ended: list[str] = []

    async def follow() -> None:
        with pytest.raises((InvalidOperation, StopAsyncIteration)):
            while True:
                await stream.next()
        ended.append("stream")

    async def look() -> None:
        with pytest.raises(StopAsyncIteration):
            await live.next()
        ended.append("live")

    async with anyio.create_task_group() as group:
        group.start_soon(follow)
        group.start_soon(look)
        await anyio.wait_all_tasks_blocked()
        await client.close()
    assert sorted(ended) == ["live", "stream"]
    with pytest.raises(InvalidOperation, match="after close"):
        await client.db.coll.find_one()


def test_the_blocking_client_and_threads(uri: str) -> None:
    with MongoClient(uri) as client:
        client.drop_database("db")

        def write(part: int) -> None:
            for n in range(25):
                client.db.coll.insert_one({"_id": part * 25 + n})

        import threading

        threads = [threading.Thread(target=write, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.db.coll.distinct("_id") == list(range(100))
        with client.start_session() as session, session.start_transaction():
            client.db.coll.delete_many({}, session=session)
        with client.db.coll.watch() as stream:
            client.db.coll.insert_one({"_id": "seen"})
            assert stream.next()["documentKey"] == {"_id": "seen"}


async def test_what_a_process_leaves_open_goes_with_it(tmp_path: Path) -> None:
    """An attached process that is killed holds up nobody: its transactions are aborted."""
    uri = f"local://{tmp_path}/store"
    async with AsyncMongoClient(uri) as owner:
        await owner.db.coll.insert_one({"_id": 0})
        with Member(uri) as other:
            other.ask("begin", document={"_id": 1})
            with pytest.raises(OperationFailure, match="onflict"):
                async with owner.start_session() as session, await session.start_transaction():
                    await owner.db.coll.insert_one({"_id": 1}, session=session)
            await anyio.to_thread.run_sync(other.kill)
        with anyio.fail_after(20):
            await owner.db.coll.insert_one({"_id": 1})
