"""Live queries as users see them: what a diff says, who is woken when, and how one ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.errors import InvalidOperation, OperationFailure

from amongo import AsyncCollection, AsyncLiveQuery, AsyncMongoClient, Diff, MongoClient
from amongo.commands import live as live_commands
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.streams.live import definition, result

pytestmark = pytest.mark.anyio

PATIENCE_S = 60


async def told(live: AsyncLiveQuery[Any]) -> list[tuple[Any, ...]]:
    """The diffs there are, each as (kind, _id, from_index, index)."""
    found = []
    while (diff := await live.try_next()) is not None:
        found.append((diff.kind, diff._id, diff.from_index, diff.index))
    return found


async def until_waiting(live: AsyncLiveQuery[Any]) -> None:
    """Let others run until somebody waits for its next diff."""
    with anyio.fail_after(PATIENCE_S):
        while live._live is None or not live._live.sleeper.is_asleep:  # noqa: ASYNC110 - the wait itself is looked for
            await anyio.sleep(0.001)


async def test_the_first_diff_is_the_result(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "a": n % 3} for n in range(6)])
    async with coll.live({"a": 1}, sort=[("_id", -1)], projection={"a": 1}) as live:
        first = await live.next()
        assert first.kind == "result" and first.is_last
        assert first.documents == [{"_id": 4, "a": 1}, {"_id": 1, "a": 1}] == live.documents
        assert await live.try_next() is None
        assert live.alive


async def test_every_kind_of_diff(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "rank": n * 10} for n in range(3)])
    async with coll.live({"rank": {"$exists": True}}, sort=[("rank", 1)], projection={"seen": 1}) as live:
        await live.next()
        await coll.insert_one({"_id": 7, "rank": 15})
        await coll.update_one({"_id": 0}, {"$set": {"seen": True}})
        await coll.update_one({"_id": 0}, {"$set": {"rank": 99}})
        await coll.update_one({"_id": 1}, {"$set": {"hidden": 1}})
        await coll.update_one({"_id": 2}, {"$unset": {"rank": 1}})
        await coll.delete_one({"_id": 7})
        await coll.insert_one({"_id": 8})
        assert await told(live) == [
            ("added", 7, None, 2),
            ("changed", 0, 0, 0),
            ("moved", 0, 0, 3),
            ("removed", 2, 2, None),
            ("removed", 7, 1, None),
        ]
        assert live.documents == [{"_id": 1}, {"_id": 0, "seen": True}]


async def test_a_window_lets_in_the_next(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(5)])
    async with coll.live(sort=[("_id", 1)], limit=2) as live:
        await live.next()
        await coll.delete_one({"_id": 0})
        assert await told(live) == [("removed", 0, 0, None), ("added", 2, None, 1)]
        await coll.insert_one({"_id": -1})
        assert await told(live) == [("removed", 2, 1, None), ("added", -1, None, 0)]
        await coll.delete_many({"_id": {"$gt": 1}})
        assert await told(live) == []
        await coll.delete_one({"_id": 1})
        assert await told(live) == [("removed", 1, 1, None)]


async def test_a_commit_tells_its_diffs_together(coll: AsyncCollection) -> None:
    async with coll.live() as live:
        start = (await live.next()).cluster_time
        await coll.insert_many([{"_id": n} for n in range(3)])
        await coll.insert_one({"_id": 3})
        diffs = [await live.next() for _ in range(4)]
        assert [diff.is_last for diff in diffs] == [False, False, True, True]
        times = [diff.cluster_time for diff in diffs]
        assert start < times[0] == times[1] == times[2] < times[3]


async def test_a_batch_of_thousands(coll: AsyncCollection) -> None:
    async with coll.live({"a": {"$lt": 10}}, sort=[("a", 1)], limit=5) as live:
        await live.next()
        await coll.insert_many([{"_id": n, "a": n % 100} for n in range(5000)])
        while await live.try_next() is not None:
            pass
        assert live.documents == [{"_id": n, "a": 0} for n in range(0, 500, 100)]


async def test_others_have_their_turn_meanwhile(coll: AsyncCollection) -> None:
    turns = 0
    is_over = False

    async def others() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with coll.live() as live:
        await live.next()
        await coll.insert_many([{"_id": n} for n in range(5000)])
        assert (await live.next()).index == 0
        async with anyio.create_task_group() as group:
            group.start_soon(others)
            for _ in range(4999):
                await live.next()
            is_over = True
    assert turns > 3


async def test_who_waits_is_woken_by_a_commit(coll: AsyncCollection) -> None:
    async with coll.live({"a": 1}) as live:
        await live.next()
        found: list[Diff[Any]] = []

        async def follow() -> None:
            found.append(await live.next())

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                group.start_soon(follow)
                await until_waiting(live)
                await coll.insert_one({"_id": 1, "a": 2})
                await coll.database.other.insert_one({"a": 1})
                assert not found
                await coll.insert_one({"_id": 2, "a": 1})
        assert found[0]._id == 2


async def test_giving_up_a_wait_loses_nothing(coll: AsyncCollection) -> None:
    async with coll.live() as live:
        await live.next()
        with anyio.move_on_after(0.01) as scope:
            await live.next()
        assert scope.cancelled_caught
        await coll.insert_one({"_id": 1})
        assert (await live.next())._id == 1


async def test_giving_up_a_look_on_a_worker_loses_nothing(coll: AsyncCollection) -> None:
    count = LOOP_DOCUMENTS * 40
    async with coll.live() as live:
        await live.next()
        await coll.insert_many([{"_id": n} for n in range(count)])
        with anyio.CancelScope() as scope:
            scope.cancel()
            await live.next()
        for number in range(count):
            assert (await live.next())._id == number


async def test_one_task_at_a_time(coll: AsyncCollection) -> None:
    async with coll.live() as live:
        await live.next()
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                group.start_soon(live.next)
                await until_waiting(live)
                with pytest.raises(InvalidOperation):
                    await live.next()
                await coll.insert_one({})


# Ends


async def test_close_ends_a_wait(coll: AsyncCollection) -> None:
    live = coll.live()
    await live.next()
    diffs = []

    async def follow() -> None:
        diffs.extend([diff async for diff in live])

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            await until_waiting(live)
            await live.close()
    assert diffs == [] and not live.alive
    await live.close()
    with pytest.raises(StopAsyncIteration):
        await live.next()


async def test_closing_the_client_ends_a_wait(coll: AsyncCollection) -> None:
    live = coll.live()
    await live.next()

    async def follow() -> None:
        with pytest.raises(StopAsyncIteration):
            await live.next()

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            await until_waiting(live)
            await coll.database.client.close()
    with pytest.raises(InvalidOperation):
        await coll.live().next()


async def test_the_history_is_let_go(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with coll.live() as live:
        await live.next()
        history = client._runner.instance.store.history  # type: ignore[union-attr]
        assert history.is_watched
    assert not history.is_watched
    forgotten = coll.live()
    await forgotten.next()
    del forgotten
    async with coll.live() as live:
        pass
    assert not history.is_watched


@pytest.mark.parametrize("how", ["drop", "rename", "drop_database", "rename_over", "convert"])
async def test_the_end_of_the_collection(client: AsyncMongoClient, coll: AsyncCollection, how: str) -> None:
    await coll.insert_one({"_id": 1})
    async with coll.live() as live:
        await live.next()
        await coll.insert_one({"_id": 2})
        if how == "drop":
            await coll.drop()
        elif how == "rename":
            await coll.rename("other")
        elif how == "drop_database":
            await client.drop_database("db")
        elif how == "rename_over":
            await client.db.other.insert_one({})
            await client.db.other.rename("coll", dropTarget=True)
        else:
            await client.db.command("convertToCapped", "coll", size=4096)
        assert (await live.next())._id == 2
        last = await live.next()
        assert last.kind == "dropped" and last.is_last
        assert not live.alive and live.documents == []
        await coll.insert_one({"_id": 3})
        assert await live.try_next() is None
        with pytest.raises(StopAsyncIteration):
            await live.next()


async def test_a_collection_that_comes_later(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with coll.live({"_id": {"$in": ["a", "c"]}}) as live:
        assert (await live.next()).documents == []
        await client.db.create_collection("coll", collation={"locale": "en", "strength": 2})
        await coll.insert_many([{"_id": "A"}, {"_id": "b"}])
        assert await told(live) == [("added", "A", None, 0)]


# Errors


async def test_what_a_live_query_cannot_be(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await client.db.create_collection("view", viewOn="coll", pipeline=[])
    with pytest.raises(OperationFailure) as refused:
        await client.db.view.live().next()
    assert refused.value.code == 166
    with pytest.raises(OperationFailure) as refused:
        await client.local["oplog.rs"].live().next()
    assert refused.value.code == 73
    await coll.create_index([("t", "text")])
    with pytest.raises(OperationFailure) as refused:
        await coll.live({"$text": {"$search": "x"}}).next()
    assert refused.value.code == 72
    with pytest.raises(OperationFailure) as refused:
        await coll.live({"$nonsense": 1}).next()
    assert refused.value.code == 2
    with pytest.raises(ValueError, match="limit"):
        coll.live(limit=-1)
    with pytest.raises(TypeError):
        coll.live(5)  # type: ignore[arg-type]


async def test_a_result_that_becomes_too_large(coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "LIVE_DOCUMENTS", 3)
    await coll.insert_many([{"_id": n} for n in range(3)])
    live = coll.live()
    await live.next()
    await coll.insert_one({"_id": 3})
    with pytest.raises(OperationFailure) as refused:
        await live.next()
    assert refused.value.code == 146 and not live.alive
    with pytest.raises(OperationFailure) as refused:
        await coll.live().next()
    assert refused.value.code == 146
    await live.close()


async def test_a_document_that_the_query_fails_on(coll: AsyncCollection) -> None:
    live = coll.live({"$expr": {"$divide": [1, "$a"]}})
    await live.next()
    await coll.insert_many([{"a": 1}, {"a": 0}])
    with pytest.raises(OperationFailure) as refused:
        await live.next()
    assert refused.value.code == 2 and not live.alive


async def test_who_comes_too_late(coll: AsyncCollection) -> None:
    async with coll.live({"_id": 0}) as live:
        await live.next()
        for number in range(5):
            await coll.insert_one({"_id": number + 1, "filling": bytes(15_000_000)})
        with pytest.raises(OperationFailure) as refused:
            await live.next()
        assert refused.value.code == 286
        assert not live.alive


# Ways to use it


async def test_codec_options(coll: AsyncCollection) -> None:
    raw = coll.with_options(coll.codec_options.with_options(document_class=RawBSONDocument))
    async with raw.live() as live:
        await live.next()
        await coll.insert_one({"_id": 1})
        diff = await live.next()
        assert isinstance(diff.document, RawBSONDocument) and diff._id == 1


async def test_a_session(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    async with client.start_session() as session:
        await coll.insert_one({"_id": 1}, session=session)
        async with coll.live(session=session) as live:
            assert (await live.next()).documents == [{"_id": 1}]


async def test_many_live_queries_decode_a_change_once(coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    decode = definition.decode
    monkeypatch.setattr(definition, "decode", lambda raw: decoded.append(raw) or decode(raw))
    lives = [coll.live({"a": n}) for n in range(10)]
    for live in lives:
        await live.next()
    await coll.insert_one({"_id": 1, "a": 5})
    assert [len(await told(live)) for live in lives] == [0] * 5 + [1] + [0] * 4
    assert len(decoded) == 1
    for live in lives:
        await live.close()


async def test_a_slow_reader_of_a_store_on_disk_reads_the_log(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path / 'store'}") as client:
        coll = client.db.coll
        async with coll.live({"a": 1}) as live:
            await live.next()
            for number in range(6):
                await coll.insert_one({"_id": number, "a": number % 2, "filling": bytes(4_000_000)})
            assert [each[1] for each in await told(live)] == [1, 3, 5]


def test_the_blocking_client() -> None:
    with MongoClient("memory://") as client:
        coll = client.db.coll
        with coll.live(sort=[("_id", 1)]) as live:
            assert live.next().documents == []
            woken = threading.Event()

            def write() -> None:
                while not live._async._live.sleeper.is_asleep:
                    pass
                coll.insert_one({"_id": 1})
                woken.set()

            thread = threading.Thread(target=write)
            thread.start()
            assert next(live)._id == 1
            thread.join()
            assert live.documents == [{"_id": 1}]
            coll.drop()
            assert [diff.kind for diff in live] == ["dropped"]


async def test_a_large_result_is_read_on_a_worker(coll: AsyncCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    begin = live_commands._candidates
    monkeypatch.setattr(
        live_commands, "_candidates", lambda *given: threads.append(threading.current_thread()) or begin(*given)
    )
    await coll.insert_many([{"_id": n} for n in range(LOOP_DOCUMENTS + 1)])
    async with coll.live() as live:
        assert len((await live.next()).documents or ()) == LOOP_DOCUMENTS + 1
    assert threads[0] is not threading.current_thread()


async def test_a_transaction_tells_its_diffs_together(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_one({"_id": 0, "n": 0})
    async with coll.live(sort=[("n", -1)]) as live, client.start_session() as session:
        await live.next()
        async with await session.start_transaction():
            await coll.insert_one({"_id": 1, "n": 1}, session=session)
            await coll.database.other.insert_one({}, session=session)
            await coll.update_one({"_id": 0}, {"$set": {"n": 2}}, session=session)
            assert await live.try_next() is None
        diffs = [await live.next(), await live.next()]
        assert [(diff.kind, diff._id, diff.is_last) for diff in diffs] == [("added", 1, False), ("changed", 0, True)]
        assert diffs[0].cluster_time == diffs[1].cluster_time
        assert await live.try_next() is None
        async with await session.start_transaction():
            with pytest.raises(InvalidOperation):
                await coll.live(session=session).next()
            await session.abort_transaction()


@pytest.mark.parametrize("count", [1, 40], ids=["one", "many"])
async def test_what_happens_elsewhere_leaves_nobody_behind(coll: AsyncCollection, count: int) -> None:
    found = []

    async def follow(live: AsyncLiveQuery[Any]) -> None:
        await live.next()
        found.append((await live.next())._id)
        await live.close()

    lives = [coll.live() for _ in range(count)]
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            for live in lives:
                group.start_soon(follow, live)
            for live in lives:
                await until_waiting(live)
            for _ in range(800):  # more than the history keeps
                await coll.database.other.insert_one({"filling": bytes(50_000)})
            await coll.insert_one({"_id": 1})
    assert found == [1] * count
