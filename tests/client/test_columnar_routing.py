"""Which way a read goes, as a user sees it: by explain, by the hint, and by what stays the same whatever the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pymongo import UpdateOne
from pymongo.errors import ExecutionTimeout, OperationFailure

from amongo import AsyncCollection, AsyncMongoClient
from amongo.runtime.limits import COLUMN_FRESHEN_COUNT, COLUMNAR_FIRST_COUNT, COLUMNAR_LEAST_COUNT, COLUMNAR_TRIES

pytestmark = pytest.mark.anyio

PIPELINE: list[dict[str, Any]] = [
    {"$match": {"n": {"$gte": 10}}},
    {"$group": {"_id": "$kind", "total": {"$sum": "$n"}}},
    {"$sort": {"_id": 1}},
]


@pytest.fixture(params=["memory", "local"])
async def things(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncCollection[Any]]:
    uri = "memory://" if request.param == "memory" else f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(uri) as client:
        documents = [{"_id": each, "kind": "abc"[each % 3], "n": each % 50} for each in range(COLUMNAR_LEAST_COUNT)]
        await client.db.things.insert_many(documents)
        yield client.db.things


async def explained(things: AsyncCollection[Any], pipeline: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    command = {"aggregate": things.name, "pipeline": pipeline, "cursor": {}, **more}
    found: dict[str, Any] = await things.database.command({"explain": command, "verbosity": "queryPlanner"})
    return found


def plan_of(found: dict[str, Any]) -> dict[str, Any]:
    if "stages" in found:
        found = found["stages"][0]["$cursor"]
    plan: dict[str, Any] = found["queryPlanner"]["winningPlan"]
    return plan


async def test_a_large_collection_goes_over_columns(things: AsyncCollection[Any]) -> None:
    plan = plan_of(await explained(things, PIPELINE))
    assert plan["stage"] == "COLUMNAR"
    assert plan["prefix"] == ["$match", "$group", "$sort"]
    assert plan["documents"] == COLUMNAR_LEAST_COUNT
    assert sorted(plan["columns"]) == ["kind", "n"]
    assert plan["columnsBuilt"] == COLUMNAR_LEAST_COUNT
    await (await things.aggregate(PIPELINE)).to_list()
    assert plan_of(await explained(things, PIPELINE))["columnsBuilt"] == 0


async def test_a_large_write_brings_up_to_date_what_queries_read(things: AsyncCollection[Any]) -> None:
    async def built() -> int:
        count: int = plan_of(await explained(things, PIPELINE))["columnsBuilt"]
        return count

    some = {"_id": {"$lt": COLUMN_FRESHEN_COUNT}}
    assert await built() == COLUMNAR_LEAST_COUNT
    await things.update_many(some, {"$inc": {"n": 1}})
    assert await built() == 0
    await things.update_many({"_id": {"$lt": COLUMN_FRESHEN_COUNT - 1}}, {"$inc": {"n": 1}})  # too few
    assert await built() == COLUMN_FRESHEN_COUNT - 1
    await things.bulk_write([UpdateOne({"_id": each}, {"$inc": {"n": 1}}) for each in range(COLUMN_FRESHEN_COUNT)])
    assert await built() == 0
    for _ in range(2):  # the second time nobody has read them since
        await things.update_many(some, {"$inc": {"n": 1}})
    assert await built() == COLUMN_FRESHEN_COUNT
    await things.delete_many(some)
    found = await (await things.aggregate(PIPELINE, hint={"$columnar": True})).to_list()
    assert found == await (await things.aggregate(PIPELINE, hint={"$columnar": False})).to_list()


async def test_a_write_is_done_though_columns_cannot_be_brought_up_to_date(
    things: AsyncCollection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await things.aggregate(PIPELINE, hint={"$columnar": True})).to_list()
    called: list[object] = []

    def broken(renewal: object) -> None:
        called.append(renewal)
        raise RuntimeError("no columns today")

    with monkeypatch.context() as patch:
        patch.setattr("amongo.engine.columns.renewal.Renewal.run", broken)
        done = await things.update_many({"_id": {"$lt": COLUMN_FRESHEN_COUNT}}, {"$inc": {"n": 1}})
    assert done.modified_count == COLUMN_FRESHEN_COUNT
    assert len(called) == 1
    found = await (await things.aggregate(PIPELINE, hint={"$columnar": True})).to_list()
    assert found == await (await things.aggregate(PIPELINE, hint={"$columnar": False})).to_list()


async def test_a_small_one_does_not(things: AsyncCollection[Any]) -> None:
    await things.delete_one({"_id": 0})
    found = await explained(things, PIPELINE)
    assert plan_of(found)["stage"] == "COLLSCAN"
    assert "amongoColumnar" not in found
    assert plan_of(await explained(things, PIPELINE, hint={"$columnar": True}))["stage"] == "COLUMNAR"


async def test_explain_says_where_it_stops_and_why(things: AsyncCollection[Any]) -> None:
    plan = plan_of(await explained(things, [*PIPELINE, {"$redact": "$$KEEP"}]))
    assert plan["prefix"] == ["$match", "$group", "$sort"]
    assert plan["stoppedAt"] == "$redact"
    assert plan["reason"]


async def test_explain_says_why_there_are_no_columns(things: AsyncCollection[Any]) -> None:
    found = await explained(things, [{"$redact": "$$KEEP"}])
    assert found["amongoColumnar"]["prefix"] == []
    assert found["amongoColumnar"]["reason"]
    await things.create_index("n")
    found = await explained(things, [{"$match": {"n": 3}}, {"$group": {"_id": "$kind"}}])
    assert "index" in found["amongoColumnar"]["reason"]


async def test_the_hint_forbids_and_requires(things: AsyncCollection[Any]) -> None:
    assert plan_of(await explained(things, PIPELINE, hint={"$columnar": False}))["stage"] == "COLLSCAN"
    answers = [
        await (await things.aggregate(PIPELINE, hint={"$columnar": columnar})).to_list() for columnar in (True, False)
    ]
    assert answers[0] == answers[1]
    with pytest.raises(OperationFailure, match="cannot be followed") as caught:
        await things.aggregate([{"$redact": "$$KEEP"}], hint={"$columnar": True})
    assert caught.value.code == 291


@pytest.mark.parametrize("hint", [{"$columnar": 1}, {"$columnar": "yes"}, {"$columnar": True, "n": 1}])
async def test_a_hint_that_means_nothing_is_refused(things: AsyncCollection[Any], hint: dict[str, Any]) -> None:
    with pytest.raises(OperationFailure) as caught:
        await things.find({}).hint(list(hint.items())).to_list()
    assert caught.value.code == 2


async def test_find_count_and_distinct_give_the_same_either_way(things: AsyncCollection[Any]) -> None:
    filter = {"n": {"$in": [3, 7]}, "kind": {"$ne": "b"}}
    for columnar in (True, False):
        hint = {"$columnar": columnar}
        found = await things.find(filter, {"n": 1}, sort=[("n", -1), ("_id", 1)], skip=2, limit=5, hint=hint).to_list()
        everything = await things.find({}, {"_id": 1, "n": 1, "kind": 1}, hint={"$columnar": False}).to_list()
        kept = [each for each in everything if each["n"] in (3, 7) and each["kind"] != "b"]
        kept.sort(key=lambda each: (-each["n"], each["_id"]))
        assert found == [{"_id": each["_id"], "n": each["n"]} for each in kept[2:7]]
        assert await things.count_documents(filter, hint=hint) == len(kept)
        assert await things.count_documents(filter, skip=3, limit=4, hint=hint) == 4
        assert await things.distinct("kind", filter, hint=hint) == ["a", "c"]
    explain = await things.find(filter).explain()
    assert explain["queryPlanner"]["winningPlan"]["stage"] == "COLUMNAR"
    assert explain["executionStats"]["nReturned"] == len(kept)


async def test_what_was_just_written_is_read(things: AsyncCollection[Any]) -> None:
    for turn in range(3):
        await things.update_one({"_id": turn}, {"$set": {"kind": "new", "n": 1000}})
        await things.insert_one({"_id": f"more {turn}", "kind": "new", "n": 1000})
        await things.delete_one({"_id": 4000 + turn})
        found = await (await things.aggregate(PIPELINE, hint={"$columnar": True})).to_list()
        assert found == await (await things.aggregate(PIPELINE, hint={"$columnar": False})).to_list()
        assert found[-1] == {"_id": "new", "total": 2000 * (turn + 1)}


async def test_first_documents_go_over_columns_when_asked_for_again() -> None:
    async with AsyncMongoClient("memory://") as client:
        things = client.db.things
        await things.insert_many([{"_id": each, "n": each} for each in range(COLUMNAR_FIRST_COUNT)])
        instance = client._runner.instance
        assert instance is not None
        collection = instance.store.catalog.get("db.things")
        assert collection is not None
        for turn in range(COLUMNAR_TRIES + 1):
            assert collection.columns is None
            assert await things.find_one({"n": COLUMNAR_FIRST_COUNT - 1 - turn}) is not None
        assert collection.columns is not None


@pytest.mark.parametrize("direction", [1, -1])
async def test_pages_in_the_order_of_ids_go_over_columns(direction: int) -> None:
    async with AsyncMongoClient("memory://") as client:
        things = client.db.things
        ids = [f"{each * 7919 % 40_000:05}" for each in range(COLUMNAR_FIRST_COUNT)]
        await things.insert_many([{"_id": each, "n": each[-2:]} for each in ids])
        expected = sorted((each for each in ids if each.endswith("42")), reverse=direction < 0)

        def page() -> Any:
            return things.find({"n": "42"}, sort=[("_id", direction)], skip=10, limit=5)

        for _ in range(COLUMNAR_TRIES):
            assert [each["_id"] for each in await page().to_list()] == expected[10:15]
        assert (await page().explain())["queryPlanner"]["winningPlan"]["stage"] == "COLUMNAR"
        assert [each["_id"] for each in await page().to_list()] == expected[10:15]
        everything = things.find({"n": "42"}, sort=[("_id", direction)])
        assert (await everything.explain())["queryPlanner"]["winningPlan"]["stage"] == "COLUMNAR"
        assert [each["_id"] for each in await everything.to_list()] == expected


async def explode(client: AsyncMongoClient[Any]) -> None:
    """Pipelines over this join every document with every other."""
    await client.db.things.insert_many([{"_id": each, "k": 1, "n": each} for each in range(20_000)])


JOIN: list[dict[str, Any]] = [
    {"$lookup": {"from": "things", "localField": "k", "foreignField": "k", "as": "other"}},
    {"$unwind": "$other"},
    {"$group": {"_id": "$other.n", "total": {"$sum": "$n"}}},
    {"$sort": {"total": 1}},
    {"$limit": 1},
]


async def test_a_time_limit_ends_a_statement() -> None:
    async with AsyncMongoClient("memory://") as client:
        await explode(client)
        with pytest.raises(ExecutionTimeout):
            await client.db.things.aggregate(JOIN, hint={"$columnar": True}, maxTimeMS=300)
        assert await client.db.things.count_documents({"n": 5}, hint={"$columnar": True}) == 1


async def test_cancelling_the_task_ends_a_statement() -> None:
    async with AsyncMongoClient("memory://") as client:
        await explode(client)
        with anyio.move_on_after(0.3) as scope:
            await client.db.things.aggregate(JOIN, hint={"$columnar": True})
        assert scope.cancelled_caught
        assert await client.db.things.count_documents({"n": 5}, hint={"$columnar": True}) == 1


async def test_killing_the_operation_ends_a_statement() -> None:
    async with AsyncMongoClient("memory://") as client:
        await explode(client)

        async def kill() -> None:
            while True:
                running = await client.admin.command({"currentOp": 1})
                for each in running["inprog"]:
                    if "aggregate" in each.get("command", {}) and each["ns"] == "db.things":
                        await client.admin.command({"killOp": 1, "op": each["opid"]})
                        return
                await anyio.sleep(0.02)

        async with anyio.create_task_group() as group:
            group.start_soon(kill)
            with pytest.raises(OperationFailure) as caught:
                await client.db.things.aggregate(JOIN, hint={"$columnar": True})
        assert caught.value.code == 11601


async def test_many_at_a_time() -> None:
    async with AsyncMongoClient("memory://") as client:
        things = client.db.things
        await things.insert_many([{"_id": each, "kind": "abc"[each % 3], "n": each % 50} for each in range(5000)])
        expected = await (await things.aggregate(PIPELINE, hint={"$columnar": False})).to_list()
        answers: list[Any] = []

        async def ask() -> None:
            answers.append(await (await things.aggregate(PIPELINE, hint={"$columnar": True})).to_list())

        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(ask)
        assert answers == [expected] * 12


async def test_a_cursor_goes_on_after_others_have_written() -> None:
    async with AsyncMongoClient("memory://") as client:
        things = client.db.things
        await things.insert_many([{"_id": each, "n": each % 10} for each in range(30_000)])
        cursor = await things.aggregate(
            [{"$match": {"n": {"$lt": 5}}}, {"$project": {"n": 1}}], hint={"$columnar": True}, batchSize=100
        )
        first = await cursor.next()
        await things.delete_many({})
        rest = await cursor.to_list()
        assert len([first, *rest]) == 15_000
        abandoned = await things.aggregate([{"$match": {"n": 1}}], batchSize=1)
        await abandoned.close()
