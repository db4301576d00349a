"""Reads in the past: what find gave after each commit, it gives again; and what became of one document."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import pytest
from bson import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import CursorType
from pymongo.errors import InvalidOperation, OperationFailure

from amongo import AsyncCollection, AsyncMongoClient, Collection, MongoClient
from amongo.runtime.limits import MEMORY_HISTORY_BYTES

pytestmark = pytest.mark.anyio

Document = dict[str, Any]
UTC = datetime.UTC

ids = st.integers(0, 12)
fields = st.fixed_dictionaries({"a": st.integers(0, 3)}, optional={"b": st.lists(st.integers(0, 3), max_size=2)})
operations = st.one_of(
    st.tuples(st.just("insert"), st.lists(ids, unique=True, min_size=1, max_size=4), fields),
    st.tuples(st.just("replace"), ids, fields),
    st.tuples(st.just("update"), st.integers(0, 3), st.sampled_from([{"$inc": {"a": 1}}, {"$push": {"b": 2}}])),
    st.tuples(st.just("delete"), st.integers(0, 3), st.none()),
    st.tuples(st.sampled_from(["drop", "rename", "recreate", "drop_database", "index"]), st.none(), st.none()),
)
creations = st.sampled_from(
    [
        {},
        {"changeStreamPreAndPostImages": {"enabled": True}},
        {"clusteredIndex": {"key": {"_id": 1}, "unique": True}},
        {"capped": True, "size": 1_000_000, "max": 6},
        {"collation": {"locale": "en", "strength": 2}},
    ]
)
queries = st.sampled_from(
    [
        {},
        {"filter": {"a": {"$gte": 1}}},
        {"filter": {"_id": {"$gt": 3}}, "sort": [("_id", -1)]},
        {"filter": {"a": 1, "b": 2}, "limit": 2},
        {"sort": [("a", -1), ("_id", 1)], "skip": 1, "projection": {"b": 0}},
        {"filter": {"_id": 3}},
    ]
)


def operate(client: MongoClient, coll: Collection, kind: str, where: Any, what: Any) -> None:
    """Make one of the operations."""
    if kind == "insert":
        known = set(coll.distinct("_id"))
        fresh = [{"_id": each, **what} for each in where if each not in known]
        if fresh:
            coll.insert_many(fresh)
    elif kind == "replace":
        coll.replace_one({"_id": where}, what, upsert=True)
    elif kind == "update":
        coll.update_many({"a": {"$lte": where}}, what)
    elif kind == "delete":
        coll.delete_many({"a": where})
    elif kind == "drop":
        coll.drop()
    elif kind == "rename" and "coll" in client.db.list_collection_names():
        coll.rename("other", dropTarget=True)
    elif kind == "recreate" and "other" in client.db.list_collection_names():
        client.db.other.rename("coll", dropTarget=True)
    elif kind == "drop_database":
        client.drop_database("db")
    elif kind == "checkpoint":
        client._async._runner.instance.store.checkpoints.attempt()
    elif kind == "index":
        coll.create_index([("a", 1), ("b", 1)])


def last_time(client: MongoClient) -> Timestamp:
    """The cluster time of the last commit."""
    sequence = client._async._runner.instance.store.last_sequence
    return Timestamp(sequence >> 32, sequence & 0xFFFFFFFF)


@settings(max_examples=60)
@given(creations, st.lists(operations, min_size=1, max_size=14), queries, st.booleans())
def test_the_past_is_as_it_was(creation: Document, workload: list[Any], query: Document, is_indexed: bool) -> None:
    with MongoClient("memory://") as client:
        check_the_past(client, creation, workload, query, is_indexed=is_indexed)


@settings(max_examples=20)
@given(
    creations,
    st.lists(st.one_of(operations, st.tuples(st.just("checkpoint"), st.none(), st.none())), min_size=1, max_size=14),
    queries,
    st.booleans(),
)
def test_the_past_on_disk(creation: Document, workload: list[Any], query: Document, is_indexed: bool) -> None:
    with tempfile.TemporaryDirectory() as directory, MongoClient(f"local://{directory}/store") as client:
        check_the_past(client, creation, workload, query, is_indexed=is_indexed)


def check_the_past(
    client: MongoClient, creation: Document, workload: list[Any], query: Document, *, is_indexed: bool
) -> None:
    """Ask before every operation, and behind the last for what was the answer then."""
    coll = client.db.create_collection("coll", **creation)
    if is_indexed:
        coll.create_index("a")
        coll.create_index("b", sparse=True)
    seen = []
    for each in workload:
        seen.append((last_time(client), coll.find(**query).to_list()))
        operate(client, coll, *each)
    by_scan = {"hint": [("$natural", 1)]}
    for time, documents in seen:
        assert sorted(coll.find(**query, as_of=time), key=repr) == sorted(documents, key=repr)
        if "sort" in query:
            assert coll.find(**query, as_of=time).to_list() == documents
        if "limit" not in query:
            expected = documents if "sort" in query else sorted(documents, key=_order_in(coll, time))
            assert coll.find(**query, as_of=time, **by_scan).to_list() == expected


def _order_in(coll: Collection, time: Timestamp) -> Any:
    """The place of a document in the natural order at a time."""
    order = [each["_id"] for each in coll.find(as_of=time)]
    return lambda document: order.index(document["_id"])


async def test_a_date_is_before_the_first_commit_after_it(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "n": 0})
    seen = []
    for number in range(1, 4):
        await coll.update_one({"_id": 1}, {"$set": {"n": number}})
        seen.append((await coll.history(1).to_list())[-1])
    clock = client._runner.instance.clock  # type: ignore[union-attr]
    until = clock.now_ms() + 1
    while clock.now_ms() <= until:
        pass
    for version in seen:
        time = version["wallTime"].replace(tzinfo=UTC)
        expected = [each for each in seen if each["wallTime"] <= version["wallTime"]][-1]["document"]
        assert await coll.find_one({"_id": 1}, as_of=time) == expected
        assert await coll.find_one({"_id": 1}, as_of=version["wallTime"]) == expected
    assert await coll.find(as_of=datetime.datetime(2020, 1, 1)).to_list() == []


async def test_batches_of_the_past(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(500)])
    time = (await coll.history(0).to_list())[0]["clusterTime"]
    await coll.delete_many({})
    cursor = coll.find(as_of=time, batch_size=50)
    assert (await cursor.next())["_id"] == 0
    await coll.drop()
    assert len(await cursor.to_list()) == 499
    assert len(await cursor.clone().to_list()) == 500


async def test_an_index_of_today_that_the_past_does_not_fit(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}])
    time = (await coll.history(1).to_list())[0]["clusterTime"]
    await coll.update_one({"_id": 2}, {"$set": {"a": 2}})
    await coll.create_index("a", unique=True)
    assert len(await coll.find({"a": 1}, as_of=time).to_list()) == 2
    assert len(await coll.find({"a": 1}).to_list()) == 1


# What is too old, and what is not over


async def fill_the_log(coll: AsyncCollection) -> None:
    """Have what was committed before leave the log."""
    size = 8_000_000
    for _ in range(MEMORY_HISTORY_BYTES // size + 2):
        await coll.database.filling.insert_one({"filling": bytes(size)})


async def test_before_the_log(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    time = (await coll.history(1).to_list())[0]["clusterTime"]
    await fill_the_log(coll)
    for moment in (time, datetime.datetime(2020, 1, 1)):
        with pytest.raises(OperationFailure) as refused:
            await coll.find(as_of=moment).to_list()
        assert refused.value.code == 239
    assert await coll.history(1).to_list() == []


async def present(coll: AsyncCollection) -> Timestamp:
    """The cluster time of a commit that is made now."""
    inserted = (await coll.database.marks.insert_one({})).inserted_id
    version = (await coll.database.marks.history(inserted).to_list())[0]
    return version["clusterTime"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("has_images", [False, True], ids=["plain", "pre-images"])
async def test_a_former_document_that_the_log_has_no_longer(client: AsyncMongoClient, has_images: bool) -> None:
    coll = await client.db.create_collection("coll", changeStreamPreAndPostImages={"enabled": has_images})
    await coll.insert_one({"_id": 1, "a": 1})
    await fill_the_log(coll)
    time = await present(coll)
    assert await coll.find(as_of=time).to_list() == [{"_id": 1, "a": 1}]
    await coll.update_one({"_id": 1}, {"$set": {"a": 2}})
    if has_images:
        assert await coll.find(as_of=time).to_list() == [{"_id": 1, "a": 1}]
        return
    with pytest.raises(OperationFailure, match="changeStreamPreAndPostImages") as refused:
        await coll.find(as_of=time).to_list()
    assert refused.value.code == 239


async def test_a_dropped_collection_that_the_log_has_no_longer(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    await fill_the_log(coll)
    time = await present(coll)
    await coll.drop()
    with pytest.raises(OperationFailure, match="dropped") as refused:
        await coll.find(as_of=time).to_list()
    assert refused.value.code == 239


async def test_the_future(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    for moment in (datetime.datetime(2100, 1, 1), Timestamp(2**32 - 1, 1)):
        with pytest.raises(OperationFailure, match="not over") as refused:
            await coll.find(as_of=moment).to_list()
        assert refused.value.code == 72


async def test_what_does_not_go_back(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    time = await present(coll)
    with pytest.raises(TypeError):
        coll.find(as_of=5)
    with pytest.raises(InvalidOperation):
        await coll.find(as_of=time).distinct("a")
    with pytest.raises(InvalidOperation):
        await coll.find(as_of=time).explain()
    await client.db.create_collection("capped", capped=True, size=4096)
    with pytest.raises(OperationFailure) as refused:
        await client.db.capped.find(cursor_type=CursorType.TAILABLE, as_of=time).to_list()
    assert refused.value.code == 72
    await client.db.create_collection("view", viewOn="coll", pipeline=[])
    for name, code in (("db.view", 166), ("local.oplog.rs", 73)):
        database, _, collection = name.partition(".")
        asked = client[database][collection]
        for cursor in (asked.find(as_of=time), asked.history(1)):
            with pytest.raises(OperationFailure) as refused:
                await cursor.to_list()
            assert refused.value.code == code


# The versions of one document


async def test_the_history_of_a_document(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": "x", "n": 0}, {"_id": "y"}])
    await coll.update_one({"_id": "x"}, {"$inc": {"n": 1}})
    await coll.replace_one({"_id": "x"}, {"n": 9})
    await coll.update_one({"_id": "y"}, {"$set": {"n": 1}})
    await coll.delete_one({"_id": "x"})
    await coll.insert_one({"_id": "x"})
    versions = await coll.history("x").to_list()
    assert [(each["operation"], each.get("document")) for each in versions] == [
        ("insert", {"_id": "x", "n": 0}),
        ("update", {"_id": "x", "n": 1}),
        ("replace", {"_id": "x", "n": 9}),
        ("delete", None),
        ("insert", {"_id": "x"}),
    ]
    times = [each["clusterTime"] for each in versions]
    assert times == sorted(times) and isinstance(versions[0]["wallTime"], datetime.datetime)
    assert [each["operation"] async for each in coll.history("y")] == ["insert", "update"]
    assert await coll.history("z").to_list() == []
    assert await coll.database.nothing.history("x").to_list() == []


async def test_a_history_with_images_and_a_collation(client: AsyncMongoClient) -> None:
    coll = await client.db.create_collection(
        "coll", collation={"locale": "en", "strength": 2}, changeStreamPreAndPostImages={"enabled": True}
    )
    await coll.insert_one({"_id": "X", "n": 0})
    await coll.update_one({"_id": "x"}, {"$inc": {"n": 1}})
    await coll.replace_one({"_id": "x"}, {"n": 5})
    await coll.delete_one({"_id": "x"})
    operations = [each["operation"] for each in await coll.history("x").to_list()]
    assert operations == ["insert", "update", "replace", "delete"]


async def test_a_long_history_comes_in_batches(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "n": 0})
    for _ in range(250):
        await coll.update_one({"_id": 1}, {"$inc": {"n": 1}})
    numbers = [each["document"]["n"] async for each in coll.history(1)]
    assert numbers == list(range(251))


def test_a_store_on_disk_and_the_blocking_client(tmp_path: Path) -> None:
    address = f"local://{tmp_path / 'store'}"
    with MongoClient(address) as client:
        coll = client.db.coll
        coll.create_index("a")
        coll.insert_many([{"_id": n, "a": n} for n in range(10)])
        time = coll.history(3).next()["clusterTime"]
        coll.delete_many({"a": {"$gt": 5}})
        client._async._runner.instance.store.checkpoints.attempt()
        coll.update_many({}, {"$inc": {"a": 10}})
    with MongoClient(address) as client:
        coll = client.db.coll
        assert [each["_id"] for each in coll.find({"a": {"$lt": 9}}, as_of=time)] == list(range(9))
        assert [each["operation"] for each in coll.history(7).to_list()] == ["insert", "delete"]
        assert coll.count_documents({}) == 6


def test_what_lies_in_snapshot_files_comes_back_once(tmp_path: Path) -> None:
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        coll = client.db.coll
        coll.insert_many([{"_id": n, "a": n % 2} for n in range(10)])
        client._async._runner.instance.store.checkpoints.attempt()
        time = last_time(client)
        coll.delete_many({"a": 1})
        coll.insert_one({"_id": 3, "a": 5})
        for direction in (1, -1):
            found = coll.find({"_id": {"$gte": 2}}, sort=[("_id", direction)], as_of=time)
            assert [each["_id"] for each in found] == sorted(range(2, 10), reverse=direction < 0)
        assert coll.find_one({"_id": 3}, as_of=time) == {"_id": 3, "a": 1}
        assert coll.count_documents({}) == 6


def test_a_checkpoint_knows_what_the_log_has_no_longer(tmp_path: Path) -> None:
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        coll = client.db.coll
        coll.insert_many([{"_id": n, "a": 0} for n in range(10)])
        store = client._async._runner.instance.store
        for _ in range(8):
            client.db.filling.insert_one({"filling": bytes(12_000_000)})
            store.checkpoints.attempt()
        time = last_time(client)
        assert coll.history(1).to_list() == []  # it has left the log
        coll.update_many({}, {"$inc": {"a": 1}})
        then = last_time(client)
        coll.delete_one({"_id": 3})
        assert coll.find(as_of=time).to_list() == [{"_id": n, "a": 0} for n in range(10)]
        assert coll.find(as_of=then).to_list() == [{"_id": n, "a": 1} for n in range(10)]
        client.db.filling.insert_one({})
        store.checkpoints.attempt()
        assert coll.find(as_of=then).to_list() == [{"_id": n, "a": 1} for n in range(10)]
        with pytest.raises(OperationFailure) as refused:
            coll.find(as_of=time).to_list()
        assert refused.value.code == 239
