"""Tasks cancelled anywhere: what they did has happened whole or not at all, and they leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from pymongo import InsertOne, UpdateOne, WriteConcern

from amongo import AsyncMongoClient, MongoClient
from amongo.client.opening import _shares
from amongo.runtime import workers
from amongo.runtime.limits import WORKER_THREADS
from amongo.runtime.pool import POOL, Job

pytestmark = pytest.mark.anyio

ROUNDS = 90
BATCH = 400
STANDING = 3000
PATIENCE_S = 60  # how long a test waits for what has to happen


class Work:
    """What the cancelled tasks do, one method an operation; each is told its number."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        self.database = client.db
        self.journaled = client.get_database("db", write_concern=WriteConcern(w=1, j=True))
        self.done: set[int] = set()

    async def insert_many(self, number: int) -> None:
        await self.database.batches.insert_many([{"number": number, "n": n} for n in range(BATCH)])

    async def bulk_write(self, number: int) -> None:
        await self.database.batches.bulk_write([InsertOne({"number": number, "n": n}) for n in range(BATCH)])

    async def insert_journaled(self, number: int) -> None:
        await self.journaled.batches.insert_many([{"number": number, "n": n} for n in range(BATCH)])

    async def insert_one_by_one(self, number: int) -> None:
        for n in range(BATCH):
            await self.journaled.singles.insert_one({"_id": f"{number}-{n}"})

    async def update_many(self, number: int) -> None:
        await self.database.standing.update_many({"n": {"$gte": 0}}, {"$push": {"numbers": number}})

    async def update_in_bulk(self, number: int) -> None:
        await self.database.standing.bulk_write(
            [UpdateOne({"_id": n}, {"$push": {"numbers": number}}) for n in range(0, STANDING, 10)]
        )

    async def delete_many(self, number: int) -> None:
        await self.database.batches.delete_many({"number": number - 7})

    async def find(self, number: int) -> None:
        assert len(await self.database.standing.find().to_list()) == STANDING

    async def find_in_small_batches(self, number: int) -> None:
        assert len([1 async for _ in self.database.standing.find({"n": {"$gte": 0}}, batch_size=50)]) == STANDING

    async def sort(self, number: int) -> None:
        assert len(await self.database.standing.find(sort={"n": -1}, batch_size=500).to_list()) == STANDING

    async def aggregate(self, number: int) -> None:
        pipeline: list[dict[str, Any]] = [{"$match": {"n": {"$gte": 0}}}, {"$set": {"m": {"$add": ["$n", 1]}}}]
        cursor = await self.database.standing.aggregate(pipeline, batchSize=100)
        assert len(await cursor.to_list()) == STANDING

    async def group(self, number: int) -> None:
        cursor = await self.database.standing.aggregate([{"$group": {"_id": "$n"}}])
        assert len(await cursor.to_list()) == STANDING

    async def count(self, number: int) -> None:
        assert await self.database.standing.count_documents({"n": {"$gte": 0}}) == STANDING

    async def find_and_modify(self, number: int) -> None:
        await self.database.standing.find_one_and_update({"n": STANDING - 1}, {"$push": {"numbers": number}})


OPERATIONS = [name for name in vars(Work) if not name.startswith("_")]


async def _cancelled_by_scope(call: Callable[[], Awaitable[None]], after_s: float) -> bool:
    """Whether the call got to its end before it was cancelled."""
    with anyio.move_on_after(after_s):
        await call()
        return True
    return False


async def _cancelled_natively(call: Callable[[], Awaitable[None]], after_s: float) -> bool:
    async def run() -> None:
        await call()

    task = asyncio.ensure_future(run())
    await asyncio.wait([task], timeout=after_s)
    for _ in range(3):  # impatiently
        task.cancel()
        await asyncio.sleep(0)
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True


def _working_threads() -> list[str]:
    """Workers that run a call."""
    frames = sys._current_frames()
    working = []
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0) if thread is not threading.current_thread() else None
        while frame is not None:
            if frame.f_code is Job.perform.__code__:
                working.append(thread.name)
            frame = frame.f_back
    return working


def _serving_threads() -> int:
    """Threads that live as long as a store."""
    return sum(thread.name == "amongo-log" for thread in threading.enumerate())


def _can_lock(client: AsyncMongoClient[Any]) -> bool:
    """Whether the store's lock is free, asked on another thread, since the lock is reentrant."""
    store = client._runner.instance.store  # type: ignore[attr-defined]
    if not store.lock.acquire(timeout=PATIENCE_S):
        return False
    store.lock.release()
    return True


async def _settled(client: AsyncMongoClient[Any]) -> None:
    """Nothing of a cancelled operation is left."""
    gc.collect()  # cursors that are forgotten in a traceback
    assert not _working_threads()
    assert await anyio.to_thread.run_sync(_can_lock, client)
    await client.db.command("ping")  # cursors that were given up are closed with the next command
    assert len(client._runner.instance.cursors) == 0  # type: ignore[attr-defined]


async def _contents(client: AsyncMongoClient[Any]) -> dict[str, list[Any]]:
    names = sorted(await client.db.list_collection_names())
    return {name: await client.db[name].find().to_list() for name in names}


def _check(contents: dict[str, list[Any]], completed: dict[str, list[int]], rounds: int) -> None:
    batches = Counter(document["number"] for document in contents.get("batches", []))
    assert set(batches.values()) <= {BATCH}, "a batch is there by half"
    deleted = {number - 7 for number in completed["delete_many"]}
    for name in ("insert_many", "bulk_write", "insert_journaled"):
        for number in completed[name]:
            assert number in batches or number in deleted or number + 7 < rounds
    for document in contents["standing"]:
        numbers = document.get("numbers", [])
        assert len(set(numbers)) == len(numbers), "an update was applied twice"
        assert set(completed["update_many"]) <= set(numbers), "an update is missing"
    singles = {document["_id"] for document in contents.get("singles", [])}
    for number in completed["insert_one_by_one"]:
        assert {f"{number}-{n}" for n in range(BATCH)} <= singles


@pytest.mark.parametrize("way", ["scope", "native"])
async def test_cancelled_anywhere(tmp_path: Path, anyio_backend_name: str, way: str) -> None:
    if way == "native" and anyio_backend_name != "asyncio":
        return  # trio cancels by scopes alone
    cancelled = _cancelled_by_scope if way == "scope" else _cancelled_natively
    chance = random.Random(f"{anyio_backend_name} {way}")
    serving_before = _serving_threads()
    completed: dict[str, list[int]] = {name: [] for name in OPERATIONS}
    begun = Counter[str]()
    durations_s: dict[str, float] = {}
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as client:
        await client.db.standing.insert_many([{"_id": n, "n": n} for n in range(STANDING)])
        work = Work(client)
        for number in range(ROUNDS):
            name = OPERATIONS[number % len(OPERATIONS)] if number < 2 * len(OPERATIONS) else chance.choice(OPERATIONS)
            operation = getattr(work, name)
            began_s = time.monotonic()
            after_s = chance.random() ** 2 * durations_s.get(name, 1.0) * 1.2
            begun[name] += 1
            if await cancelled(lambda operation=operation, number=number: operation(number), after_s):
                completed[name].append(number)
                durations_s[name] = time.monotonic() - began_s
            if number % 4 == 0:
                await _settled(client)
        await _settled(client)
        live = await _contents(client)
        assert await anyio.to_thread.run_sync(_can_lock, client)
    _check(live, completed, ROUNDS)
    assert sum(begun.values()) - sum(map(len, completed.values())) > ROUNDS // 4, "hardly anything was cancelled"
    assert _serving_threads() == serving_before
    assert POOL.threads <= WORKER_THREADS
    async with AsyncMongoClient(address) as reopened:
        assert await _contents(reopened) == live


async def test_many_at_once(tmp_path: Path, anyio_backend_name: str) -> None:
    """All operations together, more than there are workers, all cancelled at one moment."""
    chance = random.Random(anyio_backend_name)
    async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
        await client.db.standing.insert_many([{"_id": n, "n": n} for n in range(STANDING)])
        work = Work(client)
        for turn in range(4):
            with anyio.move_on_after(chance.random() * 0.1):
                async with anyio.create_task_group() as group:
                    for number, name in enumerate(OPERATIONS * 2):
                        group.start_soon(getattr(work, name), 1000 * turn + number)
            await _settled(client)
        live = await _contents(client)
        _check(live, {name: [] for name in OPERATIONS}, 0)
    with MongoClient(f"local://{tmp_path}/store") as reopened:
        assert {name: reopened.db[name].find().to_list() for name in live} == live


async def test_a_cancelled_call_that_waits_for_a_worker_is_not_begun(anyio_backend_name: str) -> None:
    release = threading.Event()
    begun: list[int] = []
    async with anyio.create_task_group() as group:
        for number in range(WORKER_THREADS):
            group.start_soon(workers.run, lambda number=number: (begun.append(number), release.wait(PATIENCE_S)))
        while len(begun) < WORKER_THREADS:  # noqa: ASYNC110
            await anyio.sleep(0.001)
        with anyio.move_on_after(0.02) as scope:
            await workers.run(begun.append, -1)
        assert scope.cancelled_caught
        release.set()
    assert sorted(begun) == list(range(WORKER_THREADS))


def test_an_event_loop_that_ends_waits_for_what_runs() -> None:
    """`asyncio.run` cancels every task, also the one that waits for the thread."""
    ended: list[str] = []
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        time.sleep(0.1)  # who does not wait for the end is gone by then
        ended.append("call")

    async def main() -> None:
        asyncio.ensure_future(workers.run(slow))  # noqa: RUF006
        while not begun.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    asyncio.run(main())
    ended.append("loop")
    assert ended == ["call", "loop"]


@pytest.mark.parametrize("way", ["scope", "native"])
async def test_a_cancelled_close_closes(tmp_path: Path, anyio_backend_name: str, way: str) -> None:
    """A client that leaves its block because its task is cancelled lets go of its store all the same."""
    if way == "native" and anyio_backend_name != "asyncio":
        return
    cancelled = _cancelled_by_scope if way == "scope" else _cancelled_natively
    address = f"local://{tmp_path}/store"
    key = ("local", str(tmp_path / "store"))
    for number in range(20):

        async def work() -> None:
            async with AsyncMongoClient(address) as client:
                client.start_session()
                await client.db.coll.insert_many([{"n": n} for n in range(500)])
                async for _ in client.db.coll.find({"n": {"$gte": 0}}, batch_size=2):
                    await anyio.sleep(0.0001)

        assert not await cancelled(work, 0.001 * number)
        assert key not in _shares or _shares[key].users == 0
    async with AsyncMongoClient(address) as client:
        assert await client.db.coll.count_documents({}) % 500 == 0


async def test_what_nobody_takes_is_discarded(anyio_backend_name: str) -> None:
    discarded: list[int] = []
    begun, cancelled = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        cancelled.wait(PATIENCE_S)
        return 7

    async def cancel(scope: anyio.CancelScope) -> None:
        while not begun.is_set():  # noqa: ASYNC110
            await anyio.sleep(0.001)
        scope.cancel()
        cancelled.set()

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(cancel, scope)
            await workers.run(slow, discard=discarded.append)
    assert discarded == [7]


async def test_a_cancelled_scan_ends_soon(anyio_backend_name: str) -> None:
    """It takes less of the processor than one that gets to its end; one of some tries has to, on a busy machine."""
    async with AsyncMongoClient("memory://") as client:
        await client.db.coll.insert_many([{"n": n} for n in range(6_000)])
        scanned = {"$columnar": False}  # over columns it takes no time worth mentioning
        for call in (
            lambda: client.db.coll.count_documents({"$expr": {"$gt": [{"$add": ["$n", 1]}, -1]}}, hint=scanned),
            lambda: client.db.coll.find({"$expr": {"$lt": [{"$add": ["$n", 1]}, -1]}}, hint=scanned).to_list(),
            lambda: client.db.coll.update_many({"$expr": {"$gt": ["$n", -1]}}, {"$inc": {"n": 1}}),
        ):
            began_s, used_s = time.monotonic(), time.process_time()
            await call()
            whole_s, whole_used_s = time.monotonic() - began_s, time.process_time() - used_s
            for _ in range(20):
                used_s = time.process_time()
                with anyio.move_on_after(whole_s / 10):
                    await call()
                if time.process_time() - used_s < whole_used_s / 2:
                    break
            else:
                raise AssertionError("it goes on to its end")
        await _settled(client)
