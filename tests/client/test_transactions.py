"""Transactions through the client: what is seen when, by whom, and how they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from bson import Int64
from pymongo import InsertOne, ReadPreference, UpdateOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    WriteConcernError,
)
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from amongo import AsyncCollection, AsyncMongoClient, MongoClient
from amongo.client import transaction
from amongo.client.session import AsyncClientSession, TransactionOptions

pytestmark = pytest.mark.anyio

TRANSIENT, UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"


async def ids(coll: AsyncCollection, session: AsyncClientSession | None = None) -> list[Any]:
    return [each["_id"] for each in await coll.find(session=session).to_list()]


# What is seen, and when


async def test_own_writes_are_seen_at_once_and_by_others_at_the_commit(client: AsyncMongoClient) -> None:
    coll, other = client.db.coll, client.second.things
    await coll.insert_one({"_id": 1, "x": 0})
    async with client.start_session() as session:
        await session.start_transaction()
        assert session.in_transaction
        await coll.insert_one({"_id": 2, "x": 5}, session=session)
        await coll.update_one({"_id": 1}, {"$set": {"x": 1}}, session=session)
        await other.insert_many([{"_id": n} for n in range(3)], session=session)
        assert await ids(coll, session) == [1, 2]
        assert await coll.find_one({"x": 1}, session=session) == {"_id": 1, "x": 1}
        assert await coll.count_documents({}, session=session) == 2
        assert await coll.distinct("x", session=session) == [1, 5]
        cursor = await coll.aggregate([{"$sort": {"x": -1}}], session=session)
        assert [each["_id"] async for each in cursor] == [2, 1]
        assert await ids(coll) == [1]
        assert await coll.find_one({"_id": 1}) == {"_id": 1, "x": 0}
        assert await other.count_documents({}) == 0
        await session.commit_transaction()
        assert not session.in_transaction
    assert await coll.find().to_list() == [{"_id": 1, "x": 1}, {"_id": 2, "x": 5}]
    assert await other.count_documents({}) == 3


async def test_what_others_commit_is_not_seen(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    async with client.start_session() as session, await session.start_transaction():
        assert await coll.find_one({"_id": 1}, session=session) == {"_id": 1, "x": 0}
        await coll.update_one({"_id": 1}, {"$set": {"x": 9}})
        await coll.insert_one({"_id": 2})
        await coll.create_index("x")
        assert await coll.find({"x": {"$gte": 0}}, session=session).to_list() == [{"_id": 1, "x": 0}]
        assert await coll.count_documents({}, session=session) == 1


async def test_an_abort_leaves_nothing(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.delete_one({"_id": 1}, session=session)
        await coll.insert_one({"_id": 2}, session=session)
        await client.db.made.insert_one({"_id": 1}, session=session)
        await session.abort_transaction()
        assert await ids(coll, session) == [1]
        assert "made" not in await client.db.list_collection_names()


async def test_the_block_commits_or_aborts(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with client.start_session() as session:
        async with await session.start_transaction():
            await coll.insert_one({"_id": 1}, session=session)
        with pytest.raises(KeyError):
            async with await session.start_transaction():
                await coll.insert_one({"_id": 2}, session=session)
                raise KeyError
        async with await session.start_transaction():
            await coll.insert_one({"_id": 3}, session=session)
            await session.abort_transaction()
    assert await ids(coll) == [1]


async def test_ending_the_session_aborts(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.insert_one({"_id": 1}, session=session)
    assert await ids(coll) == []
    async with client.start_session() as again, await again.start_transaction():  # the same id, the next number
        await coll.insert_one({"_id": 2}, session=again)
    assert await ids(coll) == [2]


async def test_every_write_takes_part(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "x": n} for n in range(6)])
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.bulk_write([InsertOne({"_id": 10}), UpdateOne({"_id": 0}, {"$set": {"x": 7}})], session=session)
        await coll.replace_one({"_id": 1}, {"y": 1}, session=session)
        await coll.update_many({"_id": {"$in": [2, 3]}}, {"$inc": {"x": 100}}, session=session)
        await coll.delete_many({"_id": 4}, session=session)
        assert await coll.find_one_and_update({"_id": 5}, {"$set": {"x": 50}}, session=session) == {"_id": 5, "x": 5}
        await client.bulk_write([InsertOne({"_id": 11}, namespace=coll.full_name)], session=session)
        await coll.update_one({"_id": 12}, {"$set": {"x": 1}}, upsert=True, session=session)
        await client.db.create_collection("made", session=session)
        await client.db.made.create_index("a", unique=True, session=session)
        await client.db.made.insert_one({"_id": 1, "a": 1}, session=session)
        inside = await coll.find(session=session).to_list()
        assert [each["_id"] for each in await coll.find().to_list()] == list(range(6))
        await session.commit_transaction()
    assert await coll.find().to_list() == inside
    assert await ids(coll) == [0, 1, 2, 3, 5, 10, 11, 12]
    with pytest.raises(DuplicateKeyError):
        await client.db.made.insert_one({"a": 1})


async def test_cursors_in_batches(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(300)])
    async with client.start_session() as session:
        await session.start_transaction()
        cursor = coll.find(batch_size=50, session=session)
        first = [await cursor.next() for _ in range(10)]
        await coll.delete_many({"_id": {"$gte": 250}})
        assert len(first) + len(await cursor.to_list()) == 300
        found = await coll.aggregate([{"$match": {}}], batchSize=7, session=session)
        assert len(await found.to_list()) == 300
        left = coll.find(batch_size=2, session=session)
        await left.next()
        await session.commit_transaction()
        with pytest.raises(OperationFailure) as raised:
            await left.to_list()
        assert raised.value.code == 50740
        await left.close()


async def test_a_bound_session(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    session = client.start_session()
    async with session.bind():
        async with await session.start_transaction():
            await coll.insert_one({"_id": 2})
            await coll.update_one({"_id": 1}, {"$set": {"x": 1}})
            assert await coll.find_one({"_id": 1}) == {"_id": 1, "x": 1}
            assert await coll.count_documents({}) == 2
            with pytest.raises(InvalidOperation, match="to_arrow cannot run in a transaction"):
                await coll.to_arrow()
            with pytest.raises(InvalidOperation, match="sql cannot run in a transaction"):
                await client.db.sql("SELECT 1")
            await session.abort_transaction()
        assert await coll.find_one({"_id": 1}) == {"_id": 1, "x": 0}
        async with await session.start_transaction():
            with pytest.raises(OperationFailure, match="Cannot run 'count'") as raised:
                await coll.estimated_document_count()
            assert raised.value.code == 263
            await session.abort_transaction()


# Conflicts


async def test_the_second_writer_has_a_conflict_at_once(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    async with client.start_session() as one, client.start_session() as two:
        await one.start_transaction()
        await two.start_transaction()
        await coll.update_one({"_id": 1}, {"$inc": {"x": 1}}, session=one)
        with pytest.raises(OperationFailure) as raised:
            await coll.update_one({"_id": 1}, {"$inc": {"x": 1}}, session=two)
        assert raised.value.code == 112
        assert raised.value.has_error_label(TRANSIENT)
        with pytest.raises(OperationFailure) as after:
            await coll.find_one({"_id": 1}, session=two)
        assert (after.value.code, after.value.has_error_label(TRANSIENT)) == (251, True)
        await one.commit_transaction()
    assert await coll.find_one() == {"_id": 1, "x": 1}


async def test_a_writer_outside_wins(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.update_one({"_id": 1}, {"$inc": {"x": 1}}, session=session)
        await coll.update_one({"_id": 1}, {"$set": {"x": 50}})
        with pytest.raises(OperationFailure) as raised:
            await session.commit_transaction()
        assert (raised.value.code, raised.value.has_error_label(TRANSIENT)) == (112, True)
        assert not session.in_transaction
    assert await coll.find_one() == {"_id": 1, "x": 50}


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_failed_write_ends_the_transaction(
    client: AsyncMongoClient, coll: AsyncCollection, ordered: bool
) -> None:
    await coll.insert_one({"_id": 1})
    async with client.start_session() as session:
        await session.start_transaction()
        with pytest.raises(BulkWriteError) as raised:
            await coll.insert_many([{"_id": 0}, {"_id": 1}, {"_id": 2}], ordered=ordered, session=session)
        assert raised.value.details["nInserted"] == 1
        assert [each["code"] for each in raised.value.details["writeErrors"]] == [11000]
        with pytest.raises(OperationFailure) as commit:
            await session.commit_transaction()
        assert (commit.value.code, commit.value.has_error_label(TRANSIENT)) == (251, True)
    assert await ids(coll) == [1]


# with_transaction


async def test_with_transaction_runs_again_after_a_conflict(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    runs = []

    async def add(session: AsyncClientSession) -> str:
        runs.append(session)
        found = await coll.find_one({"_id": 1}, session=session)
        if len(runs) < 3:
            await coll.update_one({"_id": 1}, {"$inc": {"x": 10}})
        await coll.update_one({"_id": 1}, {"$set": {"x": found["x"] + 1}}, session=session)
        return "done"

    async with client.start_session() as session:
        assert await session.with_transaction(add) == "done"
    assert len(runs) == 3
    assert await coll.find_one() == {"_id": 1, "x": 21}


async def test_with_transaction_passes_other_failures(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async def fail(session: AsyncClientSession) -> None:
        await coll.insert_one({"_id": 1}, session=session)
        raise KeyError("mine")

    async def end(session: AsyncClientSession) -> int:
        await coll.insert_one({"_id": 2}, session=session)
        await session.abort_transaction()
        return 7

    async with client.start_session() as session:
        with pytest.raises(KeyError, match="mine"):
            await session.with_transaction(fail)
        assert not session.in_transaction
        assert await session.with_transaction(end) == 7
    assert await ids(coll) == []


async def test_with_transaction_gives_up_after_two_minutes(
    client: AsyncMongoClient, coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await coll.insert_one({"_id": 1, "x": 0})
    now, pauses = [0.0], []

    async def pause(pause_s: float) -> None:
        pauses.append(pause_s)
        now[0] += 30

    monkeypatch.setattr(transaction, "_now", lambda: now[0])
    monkeypatch.setattr(transaction, "_pause", pause)

    async def lose(session: AsyncClientSession) -> None:
        await coll.find_one({}, session=session)
        await coll.update_one({"_id": 1}, {"$inc": {"x": 1}})
        await coll.update_one({"_id": 1}, {"$set": {"x": -1}}, session=session)

    async with client.start_session() as session:
        with pytest.raises(NetworkTimeout) as raised:
            await session.with_transaction(lose)
        assert raised.value.has_error_label(TRANSIENT)
        assert isinstance(raised.value.__cause__, OperationFailure)
        assert not session.in_transaction
    assert len(pauses) == 4
    assert all(0 <= pause_s <= 0.5 for pause_s in pauses)


async def test_a_cancelled_transaction_is_aborted(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    begun = anyio.Event()

    async def wait(session: AsyncClientSession) -> None:
        await coll.delete_one({"_id": 1}, session=session)
        begun.set()
        await anyio.sleep_forever()

    async def run() -> None:
        async with client.start_session() as session:
            await session.with_transaction(wait)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await begun.wait()
        group.cancel_scope.cancel()
    instance = client._runner.instance
    assert instance is not None
    assert instance.transactions.open() == []
    assert await coll.delete_one({"_id": 1}) is not None
    assert await ids(coll) == []


# States and their words


async def test_states(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with client.start_session() as session:

        async def refused(call: Callable[[], Awaitable[Any]], words: str) -> None:
            with pytest.raises(InvalidOperation, match=words):
                await call()

        start, commit, abort = session.start_transaction, session.commit_transaction, session.abort_transaction
        await refused(commit, "No transaction started")
        await refused(abort, "No transaction started")
        await start()
        await refused(start, "Transaction already in progress")
        await abort()
        await refused(abort, "Cannot call abortTransaction twice")
        await refused(commit, "Cannot call commitTransaction after calling abortTransaction")
        await start()
        await commit()
        await commit()  # an empty one, again
        await refused(abort, "Cannot call abortTransaction after calling commitTransaction")
        await start()
        await coll.insert_one({"_id": 1}, session=session)
        await commit()
        await commit()
        assert not session.in_transaction
        with pytest.raises(ConfigurationError, match="do not support unacknowledged write concern"):
            await start(write_concern=WriteConcern(w=0))
        await start(read_preference=ReadPreference.SECONDARY)
        await refused(lambda: coll.find_one({}, session=session), "read preference in a transaction must be primary")
        await abort()
    await refused(session.start_transaction, "Cannot use ended session")
    with pytest.raises(InvalidOperation, match="not supported in snapshot sessions"):
        await client.start_session(snapshot=True).start_transaction()
    assert await ids(coll) == [1]


async def test_options_are_inherited(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    defaults = TransactionOptions(ReadConcern("snapshot"), WriteConcern(3), max_commit_time_ms=5000)
    async with client.start_session(default_transaction_options=defaults) as session:
        await session.start_transaction(write_concern=WriteConcern(1))
        options = session._transaction_options
        assert options is not None
        assert options.read_concern == ReadConcern("snapshot")
        assert options.write_concern == WriteConcern(1)
        assert options.read_preference == ReadPreference.PRIMARY
        assert options.max_commit_time_ms == 5000
        await coll.with_options(write_concern=WriteConcern(5)).insert_one({"_id": 1}, session=session)
        await session.commit_transaction()
        await session.start_transaction()
        await coll.insert_one({"_id": 2}, session=session)
        with pytest.raises(WriteConcernError) as raised:
            await session.commit_transaction()
        assert raised.value.code == 100
        await session.start_transaction(ReadConcern("linearizable"))
        with pytest.raises(OperationFailure, match="The readConcern level must be either") as level:
            await coll.find_one({}, session=session)
        assert level.value.code == 72
    assert await ids(coll) == [1, 2]


async def test_a_durable_commit(tmp_path: Any) -> None:
    path = str(tmp_path / "data")
    async with AsyncMongoClient(f"local://{path}") as client, client.start_session() as session:
        async with await session.start_transaction(write_concern=WriteConcern(1, j=True)):
            await client.db.coll.insert_one({"_id": 1}, session=session)
            await client.db.other.insert_one({"_id": 2}, session=session)
        instance = client._runner.instance
        assert instance is not None
        assert instance.durable(instance.store.last_sequence).is_done
    async with AsyncMongoClient(f"local://{path}") as client:
        assert await ids(client.db.coll) == [1]
        assert await ids(client.db.other) == [2]


async def test_a_large_operation_on_a_worker(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "x": n % 10} for n in range(5000)])
    async with client.start_session() as session:
        await session.start_transaction()
        await coll.update_many({}, {"$inc": {"x": 1}}, session=session)
        assert len(await coll.find({"x": 10}, session=session).to_list()) == 500
        assert await coll.count_documents({"x": 10}) == 0
        await session.commit_transaction()
    assert await coll.count_documents({"x": 10}) == 500


class Told(CommandListener):
    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: Any) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


async def test_the_commands_are_those_of_pymongo() -> None:
    told = Told()
    async with AsyncMongoClient("memory://", event_listeners=[told]) as client, client.start_session() as session:
        await session.start_transaction(ReadConcern("majority"), WriteConcern("majority"), max_commit_time_ms=100)
        await client.db.coll.insert_one({"_id": 1}, session=session)
        await client.db.coll.find_one({}, session=session)
        await session.commit_transaction()
        await session.commit_transaction()
        seen = session.operation_time
        await session.start_transaction()
        await client.db.coll.insert_one({"_id": 2}, session=session)
        await session.abort_transaction()
    fields = ("txnNumber", "autocommit", "startTransaction", "readConcern", "writeConcern", "maxTimeMS")
    assert [(next(iter(each)), *(each.get(field) for field in fields)) for each in told.commands] == [
        ("insert", Int64(1), False, True, {"level": "majority"}, None, None),
        ("find", Int64(1), False, None, None, None, None),
        ("commitTransaction", Int64(1), False, None, None, {"w": "majority"}, 100),
        ("commitTransaction", Int64(1), False, None, None, {"w": "majority", "wtimeout": 10_000}, 100),
        ("insert", Int64(2), False, True, {"afterClusterTime": seen}, None, None),
        ("abortTransaction", Int64(2), False, None, None, None, None),
        *((("endSessions", None, None, None, None, None, None),) if told.commands[-1].get("endSessions") else ()),
    ]


def test_the_blocking_client() -> None:
    with MongoClient("memory://") as client:
        coll = client.db.coll
        coll.insert_one({"_id": 1, "x": 0})
        runs: list[Any] = []

        def add(session: Any) -> str:
            runs.append(session)
            coll.update_one({"_id": 1}, {"$inc": {"x": 1}}, session=session)
            if len(runs) == 1:
                coll.update_one({"_id": 1}, {"$inc": {"x": 10}})
            return "done"

        with client.start_session() as session:
            with session.start_transaction():
                coll.update_one({"_id": 1}, {"$inc": {"x": 1}}, session=session)
                assert coll.find_one({"_id": 1}) == {"_id": 1, "x": 0}
            assert session.with_transaction(add) == "done"
            assert runs == [session, session]
        assert coll.find_one() == {"_id": 1, "x": 12}


def test_the_labels_are_pymongos() -> None:
    """The codes after which PyMongo marks a commit as unknown are those that are marked here."""
    from pymongo import client_session_shared

    assert transaction._UNKNOWN_CODES == client_session_shared._UNKNOWN_COMMIT_ERROR_CODES
    assert client_session_shared._WITH_TRANSACTION_RETRY_TIME_LIMIT == transaction.TRANSACTION_RETRY_S
    assert client_session_shared._BACKOFF_MAX == transaction.TRANSACTION_BACKOFF_MOST_S
    assert client_session_shared._BACKOFF_INITIAL == transaction.TRANSACTION_BACKOFF_S
