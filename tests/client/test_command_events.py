"""Command listeners are told of what a client does, as PyMongo tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from pymongo import InsertOne, UpdateOne, WriteConcern, monitoring
from pymongo.driver_info import DriverInfo
from pymongo.errors import OperationFailure

from amongo import AsyncCollection, AsyncMongoClient, MongoClient

pytestmark = pytest.mark.anyio


class Recorder(monitoring.CommandListener):
    def __init__(self) -> None:
        self.events: list[Any] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.events.append(event)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self.events.append(event)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self.events.append(event)

    @property
    def names(self) -> list[str]:
        """The names of the commands that were started."""
        return [event.command_name for event in self.events if isinstance(event, monitoring.CommandStartedEvent)]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def watched(recorder: Recorder, anyio_backend: str) -> AsyncIterator[AsyncCollection[dict[str, Any]]]:
    """A collection of three documents, of a client with a listener that has heard nothing yet."""
    async with AsyncMongoClient("memory://", event_listeners=[recorder]) as client:
        await client.db.coll.insert_many([{"_id": n, "n": n} for n in range(3)])
        recorder.events.clear()
        yield client.db.coll


Operation = Callable[[AsyncCollection[dict[str, Any]]], Coroutine[Any, Any, Any]]


async def _read_all(coll: AsyncCollection[dict[str, Any]]) -> None:
    assert len(await coll.find({}, batch_size=2).to_list()) == 3


async def _close_early(coll: AsyncCollection[dict[str, Any]]) -> None:
    cursor = coll.find({}, batch_size=1)
    await cursor.next()
    await cursor.close()


OPERATIONS: list[tuple[str, Operation, list[str]]] = [
    ("find_one by _id", lambda coll: coll.find_one({"_id": 1}), ["find"]),
    ("find and getMore", _read_all, ["find", "getMore"]),
    ("a cursor that is closed", _close_early, ["find", "killCursors"]),
    ("insert_one", lambda coll: coll.insert_one({"_id": 7}), ["insert"]),
    ("update_one by _id", lambda coll: coll.update_one({"_id": 1}, {"$set": {"n": 5}}), ["update"]),
    ("delete_one", lambda coll: coll.delete_one({"_id": 1}), ["delete"]),
    ("count of all", lambda coll: coll.count_documents({}), ["aggregate"]),
    ("find_one_and_delete", lambda coll: coll.find_one_and_delete({"_id": 1}), ["findAndModify"]),
    (
        "bulk_write",
        lambda coll: coll.bulk_write([InsertOne({"_id": 8}), UpdateOne({"_id": 8}, {"$set": {"n": 1}})]),
        ["insert", "update"],
    ),
]


@pytest.mark.parametrize(("operation", "names"), [pytest.param(*case, id=name) for name, *case in OPERATIONS])
async def test_each_operation_is_the_commands_that_pymongo_sends(
    watched: AsyncCollection[dict[str, Any]], recorder: Recorder, operation: Operation, names: list[str]
) -> None:
    await operation(watched)
    assert recorder.names == names
    started, succeeded = recorder.events[::2], recorder.events[1::2]
    for start, success in zip(started, succeeded, strict=True):
        assert isinstance(success, monitoring.CommandSucceededEvent)
        assert (start.request_id, start.operation_id) == (success.request_id, success.operation_id)
        assert (start.database_name, start.command["$db"], success.database_name) == ("db", "db", "db")
        assert success.duration_micros >= 0
        assert success.reply["ok"] == 1


async def test_commands_and_replies_are_whole(watched: AsyncCollection[dict[str, Any]], recorder: Recorder) -> None:
    await watched.insert_one({"_id": 9, "deep": {"a": [1]}}, comment="why")
    await watched.find({"_id": {"$lt": 2}}).sort("_id", -1).to_list()
    insert, inserted, find, found = recorder.events
    assert insert.command == {
        "insert": "coll",
        "ordered": True,
        "comment": "why",
        "documents": [{"_id": 9, "deep": {"a": [1]}}],
        "$db": "db",
    }
    assert inserted.reply == {"n": 1, "ok": 1.0}
    assert find.command == {"find": "coll", "filter": {"_id": {"$lt": 2}}, "sort": {"_id": -1}, "$db": "db"}
    assert [document["_id"] for document in found.reply["cursor"]["firstBatch"]] == [1, 0]


async def test_a_bulk_is_one_operation(watched: AsyncCollection[dict[str, Any]], recorder: Recorder) -> None:
    await watched.bulk_write([InsertOne({}), UpdateOne({}, {"$set": {"a": 1}})])
    await watched.insert_one({})
    *bulk, single = [event for event in recorder.events if isinstance(event, monitoring.CommandStartedEvent)]
    assert len({event.operation_id for event in bulk}) == 1
    assert len({event.request_id for event in bulk}) == 2
    assert single.operation_id not in {event.operation_id for event in bulk}


async def test_failures(watched: AsyncCollection[dict[str, Any]], recorder: Recorder) -> None:
    with pytest.raises(OperationFailure):
        await watched.find_one({"$bad": 1})
    failed = recorder.events[-1]
    assert isinstance(failed, monitoring.CommandFailedEvent)
    assert (failed.command_name, failed.failure["code"]) == ("find", 2)


async def test_sensitive_commands_are_redacted(watched: AsyncCollection[dict[str, Any]], recorder: Recorder) -> None:
    with pytest.raises(OperationFailure):
        await watched.database.command({"saslStart": 1, "payload": b"secret"})
    assert recorder.events[0].command == {}


async def test_of_an_unacknowledged_write_nothing_is_heard(
    watched: AsyncCollection[dict[str, Any]], recorder: Recorder
) -> None:
    unheard = watched.with_options(write_concern=WriteConcern(w=0))
    assert await unheard.find_one_and_update({"_id": 1}, {"$set": {"n": 9}}, hint="no such index") is None
    assert await unheard.find_one_and_update({"_id": 1}, {"$set": {"n": 10}}) is None
    assert [event.reply for event in recorder.events[1::2]] == [{"ok": 1.0}] * 2
    assert await watched.find_one({"_id": 1}) == {"_id": 1, "n": 10}


async def test_an_unacknowledged_ordered_bulk_ends_with_its_first_failure(
    watched: AsyncCollection[dict[str, Any]],
) -> None:
    unheard = watched.with_options(write_concern=WriteConcern(w=0))
    requests = [InsertOne({"_id": 1}), UpdateOne({"_id": 2}, {"$set": {"n": "changed"}})]
    result = await unheard.bulk_write(requests, comment="sent as a command")
    assert not result.acknowledged
    assert await watched.find_one({"_id": 2}) == {"_id": 2, "n": 2}


async def test_listeners_of_the_process(recorder: Recorder) -> None:
    AsyncMongoClient("memory://")  # has its options from before
    monitoring.register(recorder)
    try:
        async with AsyncMongoClient("memory://") as client:
            await client.db.coll.insert_one({})
        assert recorder.names == ["insert"]
    finally:
        monitoring._LISTENERS.command_listeners.remove(recorder)
    async with AsyncMongoClient("memory://") as client:
        await client.db.coll.insert_one({})
    assert recorder.names == ["insert"]


def test_blocking(recorder: Recorder) -> None:
    with MongoClient("memory://", event_listeners=[recorder]) as client:
        client.db.coll.insert_one({"_id": 1})
        assert list(client.db.coll.find()) == [{"_id": 1}]
    assert recorder.names == ["insert", "find"]


async def test_batches_beyond_a_document_go_as_one_command(
    watched: AsyncCollection[dict[str, Any]], recorder: Recorder
) -> None:
    text = "x" * 2**20
    await watched.insert_many([{"_id": n} for n in range(100, 120)])
    result = await watched.bulk_write([UpdateOne({"_id": n}, {"$set": {"text": text}}) for n in range(100, 120)])
    assert result.modified_count == 20
    assert recorder.names == ["insert", "update"]


async def test_libraries_name_themselves(client: AsyncMongoClient[dict[str, Any]]) -> None:
    client.append_metadata(DriverInfo("odm", "1.2"))
    client.append_metadata(DriverInfo("web", "3"))
    named = client.options.pool_options.metadata["driver"]
    assert named["name"].endswith("|odm|web")
    assert named["version"].endswith("|1.2|3")
    other = AsyncMongoClient("memory://").options.pool_options.metadata["driver"]
    assert "odm" not in other["name"]
