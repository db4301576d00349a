"""Many tasks insert one document each: what queues on a busy loop becomes one commit, and each gets its own answer."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from amongo import AsyncMongoClient
from amongo.commands.instance import Instance
from amongo.errors import storage
from amongo.runtime.turns import turn
from amongo.runtime.workers import Completion

pytestmark = pytest.mark.anyio

COUNT = 300
PATIENCE_S = 60  # how long a test waits for what has to happen
Client = AsyncMongoClient[dict[str, Any]]


@pytest.fixture(params=["memory", "local"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    uri = "memory://" if request.param == "memory" else f"local://{tmp_path}/store"
    async with AsyncMongoClient(uri) as client:
        await client.db.command("ping")
        turn.ends = 0.0  # the loop is busy from the start
        yield client


def sequences(monkeypatch: pytest.MonkeyPatch, client: Client) -> list[int]:
    """The commits that are made from here on."""
    kind: Any = type(client._runner.instance.store._log)  # type: ignore[union-attr]
    append, made = kind.append, []

    def noting(*arguments: Any) -> int:
        sequence: int = append(*arguments)
        made.append(sequence)
        return sequence

    monkeypatch.setattr(kind, "append", noting)
    return made


async def test_many_inserts_are_few_commits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await client.db.things.insert_one({"_id": "first"})
    made = sequences(monkeypatch, client)

    async def insert(number: int) -> None:
        turn.ends = 0.0
        result = await client.db.things.insert_one({"_id": number, "n": number})
        assert result.inserted_id == number and result.acknowledged

    async with anyio.create_task_group() as group:
        for number in range(COUNT):
            group.start_soon(insert, number)
    assert await client.db.things.count_documents({}) == COUNT + 1
    assert {doc["_id"]: doc["n"] async for doc in client.db.things.find({"n": {"$gte": 0}})} == {
        number: number for number in range(COUNT)
    }
    assert len(made) < COUNT / 10


async def test_each_gets_its_own_answer(client: Client) -> None:
    answers: list[str] = []

    async def insert(identity: Any) -> None:
        turn.ends = 0.0
        try:
            await client.db.things.insert_one({"_id": identity})
            answers.append("inserted")
        except DuplicateKeyError as error:
            assert error.details is not None and error.details["keyValue"] == {"_id": identity}
            answers.append("duplicate")
        except WriteError as error:
            assert error.code == 53
            answers.append("array")

    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(insert, number // 3)
            group.start_soon(insert, [number])
    assert sorted(answers) == ["array"] * 60 + ["duplicate"] * 40 + ["inserted"] * 20
    assert await client.db.things.count_documents({}) == 20


async def test_into_several_collections(client: Client) -> None:
    async def insert(number: int) -> None:
        turn.ends = 0.0
        await client[f"db{number % 2}"][f"coll{number % 3}"].insert_one({"n": number})

    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(insert, number)
    for number in range(6):
        found = await client[f"db{number % 2}"][f"coll{number % 3}"].distinct("n")
        assert found == list(range(number, 60, 6))


async def test_journaled_ones_are_acknowledged_after_their_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    acknowledged = 0
    async with AsyncMongoClient(f"local://{tmp_path}/gated") as client:
        things = client.db.get_collection("things", write_concern=WriteConcern(w=1, j=True))
        await things.insert_one({})
        kind = type(client._runner.instance.store._log._file)  # type: ignore[union-attr]
        sync = kind.sync

        def gated(file: Any) -> None:
            gate.wait(PATIENCE_S)
            sync(file)

        monkeypatch.setattr(kind, "sync", gated)

        async def insert() -> None:
            nonlocal acknowledged
            turn.ends = 0.0
            await things.insert_one({})
            acknowledged += 1

        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(insert)
            with anyio.fail_after(PATIENCE_S):
                while await things.count_documents({}) < 101:  # noqa: ASYNC110
                    await anyio.sleep(0.001)
            assert acknowledged == 0
            gate.set()
        assert acknowledged == 100


async def test_a_failed_fsync_is_everybodys(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Completion()
    failed.set_exception(storage.LOG_SYNC_FAILED(file="0000000001.log", reason="told to"))
    monkeypatch.setattr(Instance, "durable", lambda instance, sequence: failed)
    things = client.db.get_collection("things", write_concern=WriteConcern(w=1, j=True))
    failures = 0

    async def insert() -> None:
        nonlocal failures
        turn.ends = 0.0
        with pytest.raises(OperationFailure, match="told to"):
            await things.insert_one({})
        failures += 1

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(insert)
    assert failures == 20


async def test_cancelled_ones_have_happened_whole_or_not_at_all(client: Client) -> None:
    things = client.db.get_collection("things", write_concern=WriteConcern(w=1, j=True))
    acknowledged: set[int] = set()

    async def insert(number: int) -> None:
        turn.ends = 0.0
        with anyio.move_on_after(number % 5 * 0.0005):
            await things.insert_one({"_id": number})
            acknowledged.add(number)

    async with anyio.create_task_group() as group:
        for number in range(COUNT):
            group.start_soon(insert, number)
    there = set(await things.distinct("_id"))
    assert acknowledged <= there <= set(range(COUNT))
    await anyio.sleep(0.01)
    assert set(await things.distinct("_id")) == there  # nothing goes on behind anybody's back
