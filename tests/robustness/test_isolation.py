"""Transactions against each other: random histories judged, money moved, seats taken, processes killed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pymongo.errors import DuplicateKeyError

from amongo import AsyncMongoClient, MongoClient
from amongo.client import runner
from amongo.client.session import AsyncClientSession
from tests.robustness.isolation import History, Trace, anomalies, run, run_killed
from tests.robustness.transfers import ACCOUNTS, BALANCE, fill, transfer

pytestmark = pytest.mark.anyio

TOTAL = ACCOUNTS * BALANCE


# Random histories


async def test_histories_are_explained_by_snapshot_isolation(anyio_backend_name: str) -> None:
    record = await run(100 if anyio_backend_name == "asyncio" else 40, seed=100)
    assert record.anomalies == []
    assert record.outcomes["committed"] > 200
    assert record.outcomes["aborted"] > 80


async def test_so_are_histories_of_threads() -> None:
    record = await run(20, seed=500, on_workers=True)
    assert record.anomalies == []
    assert record.outcomes["committed"] > 60


async def test_so_is_what_a_kill_leaves_behind(anyio_backend_name: str) -> None:
    if anyio_backend_name == "trio":
        pytest.skip("the files are the same")
    record = await run_killed(20, seed=900)
    assert record.anomalies == []
    assert record.outcomes["committed"] > 60


# The judge itself


def trace(
    number: int,
    reads: dict[int, tuple[int, ...]] | None = None,
    appended: dict[int, list[int]] | None = None,
    outcome: Any = "committed",
    times: tuple[int, int] = (0, 100),
) -> Trace:
    seen = [(key, version, ()) for key, version in (reads or {}).items()]
    return Trace(number, *times, seen, appended or {}, outcome)


GOOD = {
    "nothing": ([], {}),
    "one after the other": (
        [trace(0, {}, {1: [1]}, times=(0, 1)), trace(1, {1: (1,)}, {1: [2]}, times=(2, 3))],
        {1: (1, 2)},
    ),
    "write skew": (
        [trace(0, {1: (), 2: ()}, {1: [1]}), trace(1, {1: (), 2: ()}, {2: [2]})],
        {1: (1,), 2: (2,)},
    ),
    "a commit of which nobody heard": ([trace(0, {}, {1: [1], 2: [2]}, "unknown")], {1: (1,), 2: (2,)}),
    "an aborted one": ([trace(0, {}, {1: [1]}, "aborted")], {1: ()}),
}

BAD = {
    "a dirty read": ([trace(0, {}, {1: [1]}, "aborted"), trace(1, {1: (1,)})], {1: ()}),
    "what was aborted is there": ([trace(0, {}, {1: [1]}, "aborted")], {1: (1,)}),
    "half of a commit": ([trace(0, {}, {1: [1], 2: [2]}, "unknown")], {1: (1,), 2: ()}),
    "a lost update": ([trace(0, {1: ()}, {1: [1]}), trace(1, {1: ()}, {1: [2]})], {1: (2,)}),
    "both have read, one has overwritten": ([trace(0, {1: ()}, {1: [1]}), trace(1, {1: ()}, {1: [2]})], {1: (1, 2)}),
    "an intermediate read": ([trace(0, {}, {1: [1, 2]}), trace(1, {1: (1,)})], {1: (1, 2)}),
    "two versions": (
        [trace(0, {}, {1: [1]}), Trace(1, 0, 9, [(1, (), ()), (1, (1,), ())], {}, "committed")],
        {1: (1,)},
    ),
    "own writes unseen": ([Trace(0, 0, 9, [(1, (), (1,))], {1: [1]}, "committed")], {1: (1,)}),
    "a read that is skewed": ([trace(0, {}, {1: [1], 2: [2]}), trace(1, {1: (1,), 2: ()})], {1: (1,), 2: (2,)}),
    "a moment that is too old": (
        [trace(0, {}, {1: [1]}, times=(0, 1)), trace(1, {1: ()}, times=(2, 3))],
        {1: (1,)},
    ),
    "two that read each other": ([trace(0, {2: (2,)}, {1: [1]}), trace(1, {1: (1,)}, {2: [2]})], {1: (1,), 2: (2,)}),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history(name: str) -> None:
    traces, final = GOOD[name]
    assert anomalies(History(traces, final)) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_history(name: str) -> None:
    traces, final = BAD[name]
    assert anomalies(History(traces, final))


# Many at once


async def many(count: int, work: Callable[[int], Any]) -> None:
    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(work, number)


@pytest.mark.parametrize("on_workers", [False, True])
async def test_transfers_of_200_tasks_keep_the_sum(on_workers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if on_workers:
        monkeypatch.setattr(runner, "LOOP_DOCUMENTS", -1)
    async with AsyncMongoClient("memory://") as client:
        await fill(client)

        async def work(number: int) -> None:
            async with client.start_session() as session:
                await transfer(client, session, random.Random(number))

        async def look() -> None:
            async with client.start_session() as session:
                while True:
                    async with await session.start_transaction():
                        seen = await client.bank.accounts.find(session=session).to_list()
                        assert sum(each["balance"] for each in seen) == TOTAL
                    await anyio.sleep(0.001)

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            await many(60 if on_workers else 200, work)
            group.cancel_scope.cancel()
        check_accounts(await client.bank.accounts.find().to_list(), await client.bank.notes.find().to_list())


def check_accounts(accounts: list[dict[str, Any]], notes: list[dict[str, Any]]) -> None:
    """Every transfer has happened whole, once."""
    balances = dict.fromkeys(range(ACCOUNTS), BALANCE)
    for note in notes:
        balances[note["from"]] -= note["amount"]
        balances[note["to"]] += note["amount"]
    assert {each["_id"]: each["balance"] for each in accounts} == balances
    assert sum(balances.values()) == TOTAL
    assert min(balances.values()) >= 0


async def test_200_tasks_reserve_40_seats() -> None:
    async with AsyncMongoClient("memory://") as client:
        shows, seats = client.hall.shows, client.hall.seats
        await shows.insert_many([{"_id": show, "sold": 0} for show in range(20)])
        await seats.create_index([("show", 1), ("seat", 1)], unique=True)
        told: list[tuple[int, int]] = []

        async def reserve(number: int) -> None:
            show, seat = number % 20, number % 40

            async def take(session: AsyncClientSession) -> None:
                await seats.insert_one({"show": show, "seat": seat, "by": number}, session=session)
                await anyio.lowlevel.checkpoint()
                await shows.update_one({"_id": show}, {"$inc": {"sold": 1}}, session=session)

            async with client.start_session() as session:
                try:
                    await session.with_transaction(take)
                    told.append((seat, number))
                except DuplicateKeyError:
                    pass

        await many(200, reserve)
        taken = await seats.find().to_list()
        assert sorted((each["seat"], each["by"]) for each in taken) == sorted(told)
        assert sorted(seat for seat, _ in told) == list(range(40))
        assert await shows.find().to_list() == [{"_id": show, "sold": 2} for show in range(20)]


def test_a_kill_in_the_middle_of_transfers(tmp_path: Path) -> None:
    path = str(tmp_path / "bank")
    with MongoClient(f"local://{path}") as client:
        client.bank.accounts.insert_many([{"_id": n, "balance": BALANCE} for n in range(ACCOUNTS)])
        client.bank.create_collection("notes")
    told: set[str] = set()
    for acknowledged in (1, 40, 20):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.robustness.transfers", path],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as process:
            assert process.stdout is not None
            told.update(process.stdout.readline().strip() for _ in range(acknowledged))
            process.kill()
        with MongoClient(f"local://{path}") as client:
            notes = client.bank.notes.find().to_list()
            check_accounts(client.bank.accounts.find().to_list(), notes)
    noted = {note["_id"] for note in notes}
    assert "" not in told
    assert len(told & noted) >= 20  # the others had too little to give
