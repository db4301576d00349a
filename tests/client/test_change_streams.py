"""Change streams as users see them: on every loop, in threads, waiting for nothing in vain."""

from __future__ import annotations

import threading
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pymongo
import pytest
from bson import Decimal128, Timestamp
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.raw_bson import RawBSONDocument
from bson.son import SON
from pymongo.errors import ExecutionTimeout, InvalidOperation, OperationFailure

from amongo import AsyncChangeStream, AsyncCollection, AsyncMongoClient, MongoClient
from amongo.commands.change_stream import ChangeStreamCursor

pytestmark = pytest.mark.anyio

PATIENCE_S = 60  # how long a test waits for what has to happen
FOREVER_MS = 600_000  # how long a stream waits that is not expected to wait in vain


def instance_of(coll: AsyncCollection) -> Any:
    return coll.database.client._runner.instance  # type: ignore[attr-defined]


async def until_waiting(coll: AsyncCollection, count: int = 1) -> None:
    """Let others run until so many streams wait."""
    with anyio.fail_after(PATIENCE_S):
        while asleep(instance_of(coll)) < count:  # noqa: ASYNC110 - it is the streams' own wait that is looked for
            await anyio.sleep(0.001)


def asleep(instance: Any) -> int:
    """How many cursors wait."""
    sleepers = [each.sleeper for each in list(instance.cursors._cursors.values())]
    return sum(sleeper is not None and sleeper.is_asleep for sleeper in sleepers)


def identities(events: list[Any]) -> list[Any]:
    return [event["documentKey"]["_id"] for event in events]


async def taken(stream: AsyncChangeStream, count: int) -> list[Any]:
    """The next events."""
    with anyio.fail_after(PATIENCE_S):
        return [await stream.next() for _ in range(count)]


# Following


async def test_following(coll: AsyncCollection) -> None:
    seen: list[Any] = []
    async with await coll.watch(max_await_time_ms=FOREVER_MS) as stream, anyio.create_task_group() as tasks:

        async def follow() -> None:
            async for event in stream:
                seen.append(event)
                if event["operationType"] == "delete":
                    return

        tasks.start_soon(follow)
        await until_waiting(coll)
        await coll.insert_one({"_id": 1, "x": 1})
        await coll.insert_many([{"_id": 2}, {"_id": 3}])
        await coll.update_one({"_id": 1}, {"$set": {"x": 2}})
        await coll.replace_one({"_id": 2}, {"y": 1})
        await coll.delete_one({"_id": 3})
    assert [event["operationType"] for event in seen] == ["insert"] * 3 + ["update", "replace", "delete"]
    assert seen[0]["fullDocument"] == {"_id": 1, "x": 1}
    assert seen[3]["updateDescription"] == {"updatedFields": {"x": 2}, "removedFields": [], "truncatedArrays": []}
    assert seen[0]["ns"] == {"db": "db", "coll": "coll"}
    assert not stream.alive


async def test_scopes(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    streams = [await coll.watch(), await client.db.watch(), await client.watch()]
    await coll.insert_one({"_id": 1})
    await client.db.other.insert_one({"_id": 2})
    await client.elsewhere.coll.insert_one({"_id": 3})
    await coll.insert_one({"_id": 4})
    seen = [identities(await taken(stream, count)) for stream, count in zip(streams, (2, 3, 4), strict=True)]
    assert seen == [[1, 4], [1, 2, 4], [1, 2, 3, 4]]
    for stream in streams:
        await stream.close()
    assert not instance_of(coll).store.history.is_watched


async def test_pipelines_and_options(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1, "name": "fig"})
    pipeline = [{"$match": {"fullDocument.name": "FIG"}}, {"$project": {"fullDocument": 1}}]
    stream = await coll.watch(
        pipeline, full_document="updateLookup", batch_size=1, collation={"locale": "en", "strength": 2}, comment="why"
    )
    await coll.update_one({"_id": 1}, {"$set": {"n": 1}})
    (event,) = await taken(stream, 1)
    assert event.keys() == {"_id", "fullDocument"}
    assert event["fullDocument"] == {"_id": 1, "name": "fig", "n": 1}
    expanded = await coll.watch(show_expanded_events=True)
    await coll.create_index("n")
    (event,) = await taken(expanded, 1)
    assert event["operationType"] == "createIndexes"


async def test_arguments_are_checked(coll: AsyncCollection) -> None:
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"pipeline": {"$match": {}}}, TypeError),
        ({"full_document": 1}, TypeError),
        ({"batch_size": -1}, ValueError),
        ({"collation": 1}, TypeError),
        ({"max_await_time_ms": "1"}, TypeError),
    ]
    for options, kind in wrong:
        with pytest.raises(kind):
            await coll.watch(**options)
    for options, code in (({"full_document": "all"}, 2), ({"pipeline": [{"$limit": 1}]}, 20)):
        with pytest.raises(OperationFailure) as caught:
            await coll.watch(**options)  # type: ignore[arg-type]
        assert caught.value.code == code


async def test_try_next_makes_one_request(coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=1)
    before = stream.resume_token
    assert await stream.try_next() is None
    await coll.database.other.insert_one({})
    assert await stream.try_next() is None
    assert stream.resume_token is not None
    assert before is not None
    assert stream.resume_token["_data"] > before["_data"]
    await coll.insert_one({"_id": 1})
    event = await stream.try_next()
    assert event is not None
    assert stream.resume_token == event["_id"]
    assert stream.alive


# Going on


async def test_it_goes_on_behind_any_event(coll: AsyncCollection) -> None:
    stream = await coll.watch()
    await coll.insert_many([{"_id": n} for n in range(5)])
    events = await taken(stream, 5)
    for place, event in enumerate(events):
        for options in ({"resume_after": event["_id"]}, {"start_after": event["_id"]}):
            again = await coll.watch(**options)  # type: ignore[arg-type]
            assert await taken(again, 4 - place) == events[place + 1 :]
            await again.close()
    from_then = await coll.watch(start_at_operation_time=events[0]["clusterTime"])
    assert await taken(from_then, 5) == events


async def test_a_lost_cursor_is_opened_again(coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=FOREVER_MS)
    instance = instance_of(coll)
    seen = []
    for place in range(6):
        await coll.insert_many([{"_id": f"{place}{n}"} for n in range(3)])
        instance.cursors.kill_all()
        seen += await taken(stream, 2)
    seen += await taken(stream, 6)
    assert identities(seen) == [f"{place}{n}" for place in range(6) for n in range(3)]


async def test_before_the_first_event_as_well(coll: AsyncCollection) -> None:
    stream = await coll.watch()
    instance_of(coll).cursors.kill_all()
    await coll.insert_one({"_id": 1})
    assert identities(await taken(stream, 1)) == [1]


async def test_it_outlives_a_restart(tmp_path: Path) -> None:
    address = f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(address) as client:
        stream = await client.db.coll.watch()
        await client.db.coll.insert_many([{"_id": n} for n in range(3)])
        (first,) = await taken(stream, 1)
        token = stream.resume_token
    assert token == first["_id"]
    async with AsyncMongoClient(address) as client:
        await client.db.coll.insert_one({"_id": 3})
        stream = await client.db.coll.watch(resume_after=token)
        assert identities(await taken(stream, 3)) == [1, 2, 3]


async def test_an_invalidate_ends_it(coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 1})
    stream = await coll.watch()
    await coll.drop()
    await coll.insert_one({"_id": 2})
    events = await taken(stream, 2)
    assert [event["operationType"] for event in events] == ["drop", "invalidate"]
    assert not stream.alive
    assert await stream.try_next() is None
    with pytest.raises(StopAsyncIteration):
        await stream.next()
    token = stream.resume_token
    with pytest.raises(OperationFailure, match="invalidate"):
        await coll.watch(resume_after=token)
    again = await coll.watch(start_after=token)
    assert identities(await taken(again, 1)) == [2]


async def test_events_without_a_token_end_it(coll: AsyncCollection) -> None:
    stream = await coll.watch([{"$project": {"_id": 0}}])
    await coll.insert_one({})
    with pytest.raises(OperationFailure) as caught:
        await stream.next()
    assert caught.value.code == 280
    assert caught.value.has_error_label("NonResumableChangeStreamError")
    assert not stream.alive


# Waiting


async def test_who_waits_for_the_next_one_asks_once(coll: AsyncCollection) -> None:
    stream = await coll.watch()
    counts = instance_of(coll).counts
    before = counts["getmore"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(taken, stream, 1)
        await until_waiting(coll)
        await coll.insert_one({})
    assert counts["getmore"] == before + 1
    assert stream._cursor._max_await_time_ms == 60_000
    stream = await coll.watch()
    with anyio.fail_after(PATIENCE_S):
        assert await stream.try_next() is None  # after the server's second
    assert stream._cursor._max_await_time_ms is None


async def test_many_wait_and_all_are_woken(coll: AsyncCollection) -> None:
    streams = [await coll.watch(max_await_time_ms=FOREVER_MS) for _ in range(100)]
    seen: list[Any] = []

    async def wait(stream: AsyncChangeStream) -> None:
        seen.append(await stream.next())

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            for stream in streams:
                tasks.start_soon(wait, stream)
            await until_waiting(coll, 100)
            await coll.insert_one({"_id": 1})
    assert identities(seen) == [1] * 100
    assert len({id(event) for event in seen}) == 100  # each has its own to change


async def test_only_those_are_woken_whom_it_concerns(
    client: AsyncMongoClient, coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    begin_look = ChangeStreamCursor.begin_look

    def noted(cursor: ChangeStreamCursor, *, is_on_loop: bool) -> None:
        looks.append(cursor.namespace)
        begin_look(cursor, is_on_loop=is_on_loop)

    monkeypatch.setattr(ChangeStreamCursor, "begin_look", noted)
    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon((await client.db[f"c{number}"].watch(max_await_time_ms=FOREVER_MS)).next)
        whole = await client.db.watch(max_await_time_ms=FOREVER_MS)
        await until_waiting(coll, 40)
        await client.db.c0.insert_one({})  # a collection is created: all look
        with anyio.fail_after(PATIENCE_S):
            while len(looks) < 80:  # noqa: ASYNC110 - others make the looks
                await anyio.sleep(0.001)
        await until_waiting(coll, 39)
        for _ in range(3):
            await client.db.c0.insert_one({})
        await taken(whole, 4)
        looks.clear()
        await client.db.c1.insert_one({})  # another one
        with anyio.fail_after(PATIENCE_S):
            while len(looks) < 39:  # noqa: ASYNC110
                await anyio.sleep(0.001)
        await until_waiting(coll, 38)
        looks.clear()
        await client.db.c0.insert_one({})
        await taken(whole, 2)
        tasks.cancel_scope.cancel()
    assert set(looks) == {"db.$cmd.aggregate"}


async def test_a_cancelled_wait_ends_the_stream(coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=FOREVER_MS)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.next)
        await until_waiting(coll)
        tasks.cancel_scope.cancel()
    assert not stream.alive
    assert not len(instance_of(coll).cursors)
    assert not instance_of(coll).store.history.is_watched
    with pytest.raises(StopAsyncIteration):
        await stream.next()


async def test_a_waiting_stream_is_told_of_its_end(coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=FOREVER_MS)
    failures: list[int | None] = []

    async def wait() -> None:
        with pytest.raises(OperationFailure) as caught:
            await stream.next()
        failures.append(caught.value.code)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await until_waiting(coll)
            await stream.close()
    assert failures == [237]
    assert not stream.alive


async def test_closing_the_client_ends_those_that_wait(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=FOREVER_MS)

    async def wait() -> None:
        with pytest.raises(InvalidOperation, match="after close"):
            await stream.next()

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await until_waiting(coll)
            await client.close()


async def test_the_end_of_a_session_ends_its_streams(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with client.start_session() as session:
        stream = await coll.watch(session=session)
        await coll.insert_one({"_id": 1}, session=session)
        assert identities(await taken(stream, 1)) == [1]
        assert len(instance_of(coll).cursors) == 1
        await stream.close()
    assert not len(instance_of(coll).cursors)


async def test_a_timeout(coll: AsyncCollection) -> None:
    stream = await coll.watch(max_await_time_ms=FOREVER_MS)
    with anyio.fail_after(PATIENCE_S), pymongo.timeout(0.05), pytest.raises(ExecutionTimeout):
        await stream.next()
    assert stream.alive
    await coll.insert_one({"_id": 1})
    assert identities(await taken(stream, 1)) == [1]


# Types


async def test_codec_options(coll: AsyncCollection) -> None:
    options: CodecOptions[Any] = CodecOptions(document_class=SON, tz_aware=True)
    raw_options: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    ordered, raw = await coll.with_options(options).watch(), await coll.with_options(raw_options).watch()
    await coll.insert_one({"_id": 1})
    (event,) = await taken(ordered, 1)
    assert type(event) is SON
    assert event["wallTime"].tzinfo is not None
    (event,) = await taken(raw, 1)
    assert type(event) is RawBSONDocument
    again = await coll.with_options(raw_options).watch(resume_after=event["_id"])
    await coll.insert_one({"_id": 2})
    assert identities(await taken(again, 1)) == [2]


class Amounts(TypeDecoder):
    """Reads decimals as Python's, and whatever else is registered."""

    bson_type = Decimal128

    def transform_bson(self, value: Any) -> Decimal:
        return value.to_decimal()  # type: ignore[no-any-return]


async def test_custom_types(coll: AsyncCollection) -> None:
    options: CodecOptions[Any] = CodecOptions(type_registry=TypeRegistry([Amounts()]))
    stream = await coll.with_options(options).watch()
    await coll.insert_one({"_id": 1, "amount": Decimal128("1.5")})
    (event,) = await taken(stream, 1)
    assert event["fullDocument"]["amount"] == Decimal("1.5")
    assert type(event["clusterTime"]) is Timestamp


# In threads


def test_the_blocking_client() -> None:
    with MongoClient("memory://") as client:
        coll = client.db.coll
        with coll.watch(max_await_time_ms=FOREVER_MS) as stream:
            writer = threading.Timer(0.02, coll.insert_one, [{"_id": 1}])
            writer.start()
            assert next(stream)["documentKey"] == {"_id": 1}
            writer.join()
            coll.insert_many([{"_id": 2}, {"_id": 3}])
            assert [next(stream)["documentKey"]["_id"] for _ in range(2)] == [2, 3]
        assert not stream.alive
        with pytest.raises(StopIteration):
            next(stream)
        name = uuid.uuid4().hex
        with client[name].watch(max_await_time_ms=1) as stream, client.watch() as whole:
            assert stream.try_next() is None
            client[name].coll.insert_one({})
            assert next(stream) == next(whole)


def test_closing_wakes_a_thread_that_waits() -> None:
    with MongoClient("memory://") as client:
        coll = client.db.coll
        stream = coll.watch(max_await_time_ms=FOREVER_MS)
        failures: list[int | None] = []

        def wait() -> None:
            with pytest.raises(OperationFailure) as caught:
                next(stream)
            failures.append(caught.value.code)

        thread = threading.Thread(target=wait)
        thread.start()
        event = threading.Event()
        while not asleep(client._async._runner.instance):  # type: ignore[attr-defined]
            event.wait(0.001)
        stream.close()
        thread.join(PATIENCE_S)
        assert failures == [237]
