"""Transactions a second: two updates and an insert each, one after the other and by many tasks at once.

The many move money between accounts with `with_transaction`, so that what they lose to each other is run again; the sum
of all balances must be what it was.
"""

import asyncio
import random
import statistics
import time
from typing import Any, Final

from amongo.client.session import AsyncClientSession
from benchmarks.rows import Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Client, fresh_directory, open_client, store_uri

SECTION: Final = "transactions"
_ACCOUNTS: Final = 1_000
_TASKS: Final = 50
_BALANCE: Final = 1_000


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Microseconds of one transaction, alone and among others, and what the same writes take without one."""
    rows: list[Row] = []
    for store in BOTH:
        name = "transaction of two updates and an insert"
        try:
            with fresh_directory(parent) as directory:
                rows += await _measure(store, store_uri(store, directory), sizes, name)
        except Exception as error:
            rows.append(Row(SECTION, name, store, None, "µs", failure=failure_text(error)))
    return rows


async def _measure(store: str, uri: str, sizes: Sizes, name: str) -> list[Row]:
    client = open_client(uri)
    try:
        await client.bank.accounts.insert_many([{"_id": n, "balance": _BALANCE} for n in range(_ACCOUNTS)])
        plain, alone, among = [], [], []
        tries = 0
        for number in range(sizes.commit_rounds):
            chance = random.Random(number)
            plain.append(await _plain(client, chance, sizes.commits))
            alone.append(await _alone(client, chance, sizes.commits))
            seconds, tried = await _among(client, chance, sizes.commits)
            among.append(seconds)
            tries += tried
        accounts = await client.bank.accounts.find().to_list()
        expect(sum(each["balance"] for each in accounts), _ACCOUNTS * _BALANCE, "sum of the balances")
        expect(await client.bank.notes.count_documents({}), 3 * sizes.commits * sizes.commit_rounds, "notes")
    finally:
        await client.close()
    count = sizes.commits
    again = tries / (count * sizes.commit_rounds) - 1
    return [
        Row(SECTION, "the same writes without a transaction", store, _micros(plain, count), "µs"),
        Row(SECTION, name, store, _micros(alone, count), "µs", note=_rate(alone, count)),
        Row(
            SECTION,
            f"… by {_TASKS} tasks on {_ACCOUNTS:,} accounts",
            store,
            _micros(among, count),
            "µs",
            note=f"{_rate(among, count)}, {again:.1%} run again",
        ),
    ]


async def _move(client: Client, chance: random.Random, session: AsyncClientSession | None) -> None:
    giver, taker = chance.sample(range(_ACCOUNTS), 2)
    accounts: Any = client.bank.accounts
    await accounts.update_one({"_id": giver}, {"$inc": {"balance": -1}}, session=session)
    await accounts.update_one({"_id": taker}, {"$inc": {"balance": 1}}, session=session)
    await client.bank.notes.insert_one({"from": giver, "to": taker}, session=session)


async def _plain(client: Client, chance: random.Random, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        await _move(client, chance, None)
    return time.perf_counter() - began


async def _alone(client: Client, chance: random.Random, count: int) -> float:
    began = time.perf_counter()
    async with client.start_session() as session:
        for _ in range(count):
            async with await session.start_transaction():
                await _move(client, chance, session)
    return time.perf_counter() - began


async def _among(client: Client, chance: random.Random, count: int) -> tuple[float, int]:
    """(seconds, callbacks that were run)."""
    left = iter(range(count))
    tries = 0

    async def move(session: AsyncClientSession) -> None:
        nonlocal tries
        tries += 1
        await _move(client, chance, session)
        await asyncio.sleep(0)

    async def work() -> None:
        async with client.start_session() as session:
            for _ in left:
                await session.with_transaction(move)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_TASKS)))
    return time.perf_counter() - began, tries


def _micros(rounds: list[float], count: int) -> float:
    return statistics.median(rounds) / count * 1e6


def _rate(rounds: list[float], count: int) -> str:
    return f"{count / statistics.median(rounds):,.0f} a second"
