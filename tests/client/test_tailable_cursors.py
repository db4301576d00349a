"""Tailable cursors as users see them: they follow a capped collection, on every loop, in threads, without getting in
the way."""

from __future__ import annotations

import threading
import time
from typing import Any

import anyio
import pytest
from pymongo import CursorType
from pymongo.errors import CollectionInvalid, CursorNotFound, InvalidOperation, OperationFailure

from amongo import AsyncCollection, AsyncMongoClient, MongoClient


@pytest.fixture
async def log(client: AsyncMongoClient) -> AsyncCollection:
    """A capped collection of two documents."""
    made = await client.db.create_collection("log", capped=True, size=100_000, max=1000)
    await made.insert_many([{"_id": 0}, {"_id": 1}])
    return made


pytestmark = pytest.mark.anyio

PATIENCE_S = 60  # how long a test waits for what has to happen
FOREVER_MS = 600_000  # how long a cursor waits that is not expected to wait in vain


def waiting(log: AsyncCollection) -> int:
    """How many tasks wait for the collection's next document."""
    cursors = log.database.client._runner.instance.cursors  # type: ignore[attr-defined]
    sleepers = [each.sleeper for each in cursors._cursors.values() if each.namespace == log.full_name]
    return sum(sleeper is not None and sleeper.is_asleep for sleeper in sleepers)


async def until_waiting(log: AsyncCollection, count: int = 1) -> None:
    """Let others run until so many wait."""
    with anyio.fail_after(PATIENCE_S):
        while waiting(log) < count:  # noqa: ASYNC110 - it is the cursors' own wait that is looked for
            await anyio.sleep(0.001)


async def test_create_collection(client: AsyncMongoClient) -> None:
    made = await client.db.create_collection("log", capped=True, size=4096, max=3)
    await made.insert_many([{"_id": n} for n in range(5)])
    assert await made.find().to_list() == [{"_id": 2}, {"_id": 3}, {"_id": 4}]
    assert await made.options() == {"capped": True, "size": 4096, "max": 3}
    for number in range(5, 20):
        await made.insert_one({"_id": number})
    assert await made.distinct("_id") == [17, 18, 19]
    with pytest.raises(CollectionInvalid):
        await client.db.create_collection("log")


async def test_a_tailable_cursor_stays_alive_at_the_end(log: AsyncCollection) -> None:
    cursor = log.find(cursor_type=CursorType.TAILABLE)
    assert [each["_id"] async for each in cursor] == [0, 1]
    assert cursor.alive
    assert [each async for each in cursor] == []
    await log.insert_one({"_id": 2})
    assert [each["_id"] async for each in cursor] == [2]
    assert await cursor.to_list() == []
    await cursor.close()
    assert not cursor.alive


async def test_a_cursor_on_an_empty_collection_is_dead_at_once(client: AsyncMongoClient) -> None:
    made = await client.db.create_collection("log", capped=True, size=4096)
    cursor = made.find(cursor_type=CursorType.TAILABLE_AWAIT)
    assert await cursor.to_list() == []
    assert not cursor.alive


async def test_following(log: AsyncCollection) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async with log.find(cursor_type=CursorType.TAILABLE_AWAIT) as cursor:
            while cursor.alive:
                async for document in cursor:
                    seen.append(document["_id"])
                    if document["_id"] == 9:
                        return

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(follow)
            for number in range(2, 10):
                await until_waiting(log, 3)
                await log.insert_one({"_id": number})
    assert sorted(seen) == sorted(3 * list(range(10)))


async def test_it_waits_as_long_as_it_is_told_and_wakes_at_once(log: AsyncCollection) -> None:
    cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(150)
    await cursor.to_list()
    begun = time.monotonic()
    assert await cursor.to_list() == []
    assert time.monotonic() - begun > 0.14
    patient = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS)
    await patient.to_list(2)
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_waiting_insert, log, {"_id": 2})
            assert await patient.next() == {"_id": 2}


async def until_waiting_insert(log: AsyncCollection, document: dict[str, Any]) -> None:
    """Insert the document as soon as somebody waits for it."""
    await until_waiting(log)
    await log.insert_one(document)


async def test_waiting_keeps_nothing_busy(log: AsyncCollection) -> None:
    cursors = [log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS) for _ in range(40)]
    got: list[Any] = []
    for cursor in cursors:
        await cursor.to_list(2)

    async def wait(cursor: Any) -> None:
        got.append(await cursor.next())

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            for cursor in cursors:
                tasks.start_soon(wait, cursor)
            await until_waiting(log, len(cursors))
            others = log.database.others
            await others.insert_many([{"_id": n, "x": n % 7} for n in range(3000)])
            assert await others.count_documents({"x": 3}) == 429  # on a worker thread
            used_s = []  # of the processor, in a tenth of a second; others in this process may be at work in one
            for _ in range(10):
                began_s = time.process_time()
                await anyio.sleep(0.1)
                used_s.append(time.process_time() - began_s)
                if used_s[-1] < 0.03:
                    break
            assert min(used_s) < 0.03
            assert got == []
            await log.insert_one({"_id": 2})
    assert got == 40 * [{"_id": 2}]


async def test_a_cancelled_task_lets_go_of_its_cursor(log: AsyncCollection) -> None:
    client = log.database.client
    cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS)
    await cursor.to_list(2)

    async def cancel(scope: anyio.CancelScope) -> None:
        await until_waiting(log)
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            tasks.start_soon(cancel, scope)
            await cursor.next()
    assert scope.cancelled_caught
    assert not cursor.alive
    await client.db.command("ping")
    assert len(client._runner.instance.cursors) == 0


async def test_what_ends_a_cursor_that_waits(log: AsyncCollection) -> None:
    async def wait(cursor: Any) -> None:
        assert await cursor.to_list() == []
        assert not cursor.alive

    cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS)
    await cursor.to_list(2)
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, cursor)
            await until_waiting(log)
            await log.drop()


async def test_closing_the_client_ends_the_waiting(anyio_backend: str) -> None:
    client = AsyncMongoClient("memory://")
    log = await client.db.create_collection("log", capped=True, size=4096)
    await log.insert_one({})
    cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS)
    await cursor.next()
    ended: list[bool] = []

    async def wait() -> None:
        try:
            await cursor.to_list()
        except (InvalidOperation, CursorNotFound, OperationFailure):
            pass
        ended.append(True)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await until_waiting(log)
            await client.close()
    assert ended == [True]


async def test_in_a_session_and_by_command(log: AsyncCollection) -> None:
    client = log.database.client
    async with client.start_session() as session:
        cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT, session=session, comment="here").max_await_time_ms(50)
        assert len(await cursor.to_list()) == 2
        assert await cursor.to_list() == []
        await log.insert_one({"_id": 2})
        assert await cursor.to_list() == [{"_id": 2}]
    with pytest.raises(OperationFailure) as caught:
        await client.db.plain.insert_one({})
        await client.db.plain.find(cursor_type=CursorType.TAILABLE).to_list()
    assert caught.value.code == 2


def test_the_blocking_client_blocks_its_thread() -> None:
    with MongoClient("memory://") as client:
        log = client.db.create_collection("log", capped=True, size=4096)
        log.insert_one({"_id": 0})
        cursor = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(100)
        assert list(cursor) == [{"_id": 0}]
        begun = time.monotonic()
        assert list(cursor) == []
        assert time.monotonic() - begun > 0.09
        patient = log.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(FOREVER_MS)
        assert next(patient) == {"_id": 0}
        writer = threading.Timer(0.05, log.insert_one, [{"_id": 1}])
        writer.start()
        assert next(patient) == {"_id": 1}
        writer.join()
        arrivals = client._async._runner.instance.store.catalog.by_namespace["db.log"].arrivals  # type: ignore[attr-defined]
        assert arrivals._next is None or not arrivals._next._callbacks
