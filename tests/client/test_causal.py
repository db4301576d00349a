"""Causal consistency and snapshot sessions through the client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bson import Timestamp
from pymongo import DeleteOne, InsertOne
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from amongo import AsyncMongoClient, MongoClient
from amongo.client.session import AsyncClientSession

pytestmark = pytest.mark.anyio

Work = Callable[[Any, AsyncClientSession], Awaitable[Any]]

OPERATIONS: list[tuple[str, Work]] = [
    ("insert_one", lambda coll, session: coll.insert_one({}, session=session)),
    ("insert_many", lambda coll, session: coll.insert_many([{}, {}], session=session)),
    ("update_one", lambda coll, session: coll.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)),
    ("delete_one", lambda coll, session: coll.delete_one({}, session=session)),
    ("replace_one", lambda coll, session: coll.replace_one({"_id": 1}, {"n": 9}, session=session)),
    ("find_one", lambda coll, session: coll.find_one({"_id": 1}, session=session)),
    ("find", lambda coll, session: coll.find(session=session).to_list()),
    ("count", lambda coll, session: coll.count_documents({}, session=session)),
    ("distinct", lambda coll, session: coll.distinct("n", session=session)),
    ("bulk", lambda coll, session: coll.bulk_write([InsertOne({}), DeleteOne({})], session=session)),
    ("modify", lambda coll, session: coll.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, session=session)),
    ("create_index", lambda coll, session: coll.create_index("n", session=session)),
    ("ping", lambda coll, session: coll.database.command("ping", session=session)),
]


class Recorder(CommandListener):
    """The commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: Any) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass


@pytest.mark.parametrize(("name", "work"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
async def test_a_session_learns_the_times(client: AsyncMongoClient[Any], name: str, work: Work) -> None:
    await client.db.coll.insert_one({"_id": 1, "n": 1})
    async with client.start_session() as session:
        assert (session.operation_time, session.cluster_time) == (None, None)
        await work(client.db.coll, session)
        first = session.operation_time
        assert type(first) is Timestamp
        assert session.cluster_time is not None
        assert session.cluster_time["clusterTime"] >= first
        await client.db.coll.insert_one({})
        await work(client.db.coll, session)
        assert session.operation_time is not None
        assert session.operation_time > first


async def test_a_failure_tells_the_time_too(client: AsyncMongoClient[Any]) -> None:
    await client.db.coll.insert_one({"_id": 1})
    async with client.start_session() as session:
        with pytest.raises(DuplicateKeyError):
            await client.db.coll.insert_one({"_id": 1}, session=session)
        assert session.operation_time is not None
    async with client.start_session() as session:
        with pytest.raises(OperationFailure):
            await client.db.command("nothing", session=session)
        assert session.operation_time is not None


async def test_transactions_tell_the_time(client: AsyncMongoClient[Any]) -> None:
    async with client.start_session() as session:
        async with await session.start_transaction():
            await client.db.coll.insert_one({}, session=session)
        committed = session.operation_time
        await client.db.coll.insert_one({}, session=session)
        assert committed is not None
        assert session.operation_time is not None
        assert committed < session.operation_time


async def test_reads_come_after_what_the_session_has_seen() -> None:
    recorder = Recorder()
    opened: AsyncMongoClient[Any] = AsyncMongoClient("memory://", event_listeners=[recorder])
    async with opened as client:
        coll = client.db.coll
        async with client.start_session() as session:
            await coll.insert_one({"_id": 1}, session=session)
            seen = session.operation_time
            await coll.find_one({}, session=session)
            await coll.with_options(read_concern=ReadConcern("majority")).distinct("x", session=session)
        async with client.start_session(causal_consistency=False) as session:
            await coll.insert_one({"_id": 2}, session=session)
            await coll.find_one({}, session=session)
    told = [command.get("readConcern") for command in recorder.commands if next(iter(command)) in ("find", "distinct")]
    assert told == [{"afterClusterTime": seen}, {"level": "majority", "afterClusterTime": seen}, None]


async def test_a_time_of_another_deployment(client: AsyncMongoClient[Any]) -> None:
    async with client.start_session() as session:
        await client.db.coll.insert_one({}, session=session)
        assert session.operation_time is not None
        ahead = Timestamp(session.operation_time.time + 500, 1)
        session.advance_operation_time(ahead)
        with pytest.raises(OperationFailure, match="must not be greater than the current clusterTime") as refused:
            await client.db.coll.find_one({}, session=session)
        assert refused.value.code == 72
        session.advance_cluster_time({"clusterTime": ahead})
        assert await client.db.coll.find_one({}, session=session) is not None
        assert session.operation_time == ahead


async def test_a_snapshot_session_reads_at_one_moment(client: AsyncMongoClient[Any]) -> None:
    coll = client.db.coll
    await coll.create_index("n")
    await coll.insert_many([{"_id": number, "n": number % 3} for number in range(300)])
    async with client.start_session(snapshot=True) as session:
        assert await coll.count_documents({}, session=session) == 300
        await coll.delete_many({"n": 1})
        await coll.update_many({"n": 0}, {"$set": {"n": 7}})
        await coll.insert_one({"_id": "new"})
        assert len(await coll.find({}, batch_size=50, session=session).to_list()) == 300
        assert await coll.count_documents({"n": 1}, session=session) == 100
        assert await coll.distinct("n", session=session) == [0, 1, 2]
        cursor = await coll.aggregate([{"$group": {"_id": "$n", "count": {"$sum": 1}}}], session=session)
        assert {each["_id"]: each["count"] async for each in cursor} == {0: 100, 1: 100, 2: 100}
        assert await coll.find_one({"_id": "new"}, session=session) is None
        assert await client.db.other.find_one({}, session=session) is None
    assert await coll.count_documents({}) == 201
    async with client.start_session(snapshot=True) as session:
        assert await coll.count_documents({}, session=session) == 201


async def test_a_find_begins_a_snapshot(client: AsyncMongoClient[Any]) -> None:
    await client.db.coll.insert_one({"_id": 1})
    async with client.start_session(snapshot=True) as session:
        assert await client.db.coll.find_one({}, session=session) == {"_id": 1}
        await client.db.coll.drop()
        await client.db.coll.insert_one({"_id": 2})
        assert await client.db.coll.find({}, session=session).to_list() == [{"_id": 1}]


async def test_what_a_snapshot_session_does_not_read(client: AsyncMongoClient[Any]) -> None:
    await client.db.coll.insert_one({"_id": 1})
    async with client.start_session(snapshot=True) as session:
        with pytest.raises(OperationFailure) as refused:
            await client.db.coll.aggregate([{"$out": "copy"}], session=session)
        assert refused.value.code == 115


def test_a_blocking_snapshot_session() -> None:
    opened: MongoClient[Any] = MongoClient("memory://")
    with opened as client:
        client.db.coll.insert_one({"_id": 1})
        with client.start_session(snapshot=True) as session:
            assert list(client.db.coll.find({}, session=session)) == [{"_id": 1}]
            client.db.coll.delete_one({})
            assert list(client.db.coll.find({}, session=session)) == [{"_id": 1}]
            assert session.operation_time is not None
