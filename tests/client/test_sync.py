"""The blocking classes: the same results without `await`, in scripts and threads; their stub is current."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator

import anyio
import pymongo
import pytest
from bson import ObjectId
from pymongo import InsertOne
from pymongo.errors import DuplicateKeyError, InvalidOperation

from amongo import AsyncMongoClient, ChangeStream, Collection, CommandCursor, Cursor, Database, MongoClient
from amongo.client import sync
from amongo.client.sync import stubs


@pytest.fixture
def client() -> Iterator[MongoClient]:
    with MongoClient("memory://") as opened:
        yield opened


def test_a_script(client: MongoClient) -> None:
    coll = client.shop.items
    assert type(client.shop) is Database
    assert type(coll) is Collection
    assert type(coll.insert_one({"a": 1}).inserted_id) is ObjectId
    coll.insert_many([{"_id": n} for n in range(300)])
    assert coll.count_documents({}) == 301
    assert coll.update_many({"_id": {"$lt": 10}}, {"$set": {"a": 1}}).modified_count == 10
    assert coll.bulk_write([InsertOne({"_id": 1000})]).inserted_count == 1
    with pytest.raises(DuplicateKeyError):
        coll.insert_one({"_id": 1})
    assert client.shop.command("ping")["ok"] == 1.0
    assert [each["name"] for each in client.shop.list_collections()] == ["items"]
    assert client.address == ("memory://", None)


def test_cursors(client: MongoClient) -> None:
    coll = client.db.coll
    coll.insert_many([{"_id": n} for n in range(300)])
    cursor = coll.find().sort("_id", -1)
    assert type(cursor) is Cursor
    assert cursor.limit(2) is cursor
    assert iter(cursor) is cursor
    assert [next(cursor), cursor.next()] == [{"_id": 299}, {"_id": 298}]
    with pytest.raises(StopIteration):
        next(cursor)
    assert list(cursor.rewind()) == [{"_id": 299}, {"_id": 298}]
    assert cursor.clone() is not cursor
    assert cursor.collection == coll
    with coll.aggregate([{"$match": {"_id": 7}}]) as command_cursor:
        assert type(command_cursor) is CommandCursor
        assert command_cursor.to_list() == [{"_id": 7}]
    assert len(coll.find().to_list()) == 300
    assert len(list(coll.find_raw_batches())) == 2


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, {"_id": 0}),
        (5, {"_id": 5}),
        (slice(2, 4), [{"_id": 2}, {"_id": 3}]),
        (slice(8, None), [{"_id": 8}, {"_id": 9}]),
        (slice(None, 1), [{"_id": 0}]),
        (slice(3, 3), []),
    ],
)
def test_items_of_a_cursor(client: MongoClient, index: int | slice, expected: object) -> None:
    client.db.coll.insert_many([{"_id": n} for n in range(10)])
    item = client.db.coll.find()[index]
    assert (item if isinstance(index, int) else list(item)) == expected


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (-1, IndexError, "Cursor instances do not support negative indices"),
        (10, IndexError, "no such item for Cursor instance"),
        (slice(0, 5, 2), IndexError, "Cursor instances do not support slice steps"),
        (slice(-1, 5), IndexError, "Cursor instances do not support negative indices"),
        (slice(5, 2), IndexError, "stop index must be greater than start index for slice slice(5, 2, None)"),
        ("a", TypeError, "index 'a' cannot be applied to Cursor instances"),
    ],
)
def test_items_that_a_cursor_has_not(client: MongoClient, index: object, error: type[Exception], message: str) -> None:
    client.db.coll.insert_many([{"_id": n} for n in range(10)])
    with pytest.raises(error) as caught:
        client.db.coll.find()[index]
    assert str(caught.value) == message


def test_sessions(client: MongoClient) -> None:
    with client.start_session() as session:
        client.db.coll.insert_one({"_id": 1}, session=session)
        assert session.client is client
        assert client.db.coll.find(session=session).session is session
        with session.bind(end_session=False) as bound:
            assert bound is session
            assert client.db.coll.find_one() == {"_id": 1}
    assert session.has_ended
    assert "watch" not in dir(ChangeStream)


def test_objects_made_by_hand(client: MongoClient) -> None:
    coll = Collection(Database(client, "db"), "coll")
    coll.insert_one({"_id": 1})
    assert client.db.coll.find_one() == {"_id": 1}
    assert coll == client.db.coll
    assert coll != client.db.other
    assert hash(coll) == hash(client.db.coll)
    assert client.db.drop_collection(coll)["ok"] == 1.0
    with pytest.raises(TypeError, match=r"^Database required but given str$"):
        Collection("db", "coll")


def test_representation() -> None:
    client = MongoClient("memory://AsyncShop")
    expected = "MongoClient(host=['memory://AsyncShop'], document_class=dict, tz_aware=False, connect=True)"
    assert repr(client) == expected
    assert repr(client["AsyncDb"]["AsyncColl"]) == f"Collection(Database({expected}, 'AsyncDb'), 'AsyncColl')"


def test_after_close(client: MongoClient) -> None:
    client.close()
    with pytest.raises(InvalidOperation, match="Cannot use MongoClient after close"):
        client.db.coll.find_one({})


def test_threads(client: MongoClient) -> None:
    client.db.coll.insert_one({"_id": 0, "n": 0})
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(50):
                client.db.coll.insert_one({"thread": name, "number": number})
                client.db.coll.update_one({"_id": 0}, {"$inc": {"n": 1}})
                assert len(client.db.coll.find({"thread": name}).to_list()) == number + 1
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert client.db.coll.find_one({"_id": 0}) == {"_id": 0, "n": 200}


@pytest.mark.anyio
async def test_inside_an_event_loop() -> None:
    async with AsyncMongoClient("memory://both") as client:
        await client.db.coll.insert_one({"_id": 1})
        with MongoClient("memory://both") as blocking:
            assert blocking.db.coll.find_one() == {"_id": 1}
            assert await anyio.to_thread.run_sync(blocking.db.coll.find_one) == {"_id": 1}


def test_signatures_are_pymongos() -> None:
    ours, theirs = inspect.signature(MongoClient), inspect.signature(pymongo.MongoClient)
    assert list(ours.parameters) == list(theirs.parameters)
    assert list(inspect.signature(Collection.insert_many).parameters) == list(
        inspect.signature(pymongo.collection.Collection.insert_many).parameters
    )
    assert Collection.insert_many.__doc__ == sync.AsyncCollection.insert_many.__doc__


def test_the_stub_is_current() -> None:
    assert stubs.TARGET.read_text(encoding="utf-8") == stubs.stub(), "run python -m amongo.client.sync.stubs"
