"""The process that `test_isolation` kills: transfers between accounts, one line for each that was acknowledged."""

from __future__ import annotations

import os
import random
import sys

import anyio
import anyio.lowlevel

from amongo import AsyncMongoClient
from amongo.client.session import AsyncClientSession

ACCOUNTS, BALANCE, TASKS = 200, 100, 8


async def transfer(client: AsyncMongoClient, session: AsyncClientSession, chance: random.Random) -> str:
    """Move money from one account to another and note it; the note's `_id`. Nobody has less than nothing."""
    giver, taker = chance.sample(range(ACCOUNTS), 2)
    amount = chance.randrange(1, 40)
    note = f"{os.getpid()}-{chance.getrandbits(60)}"

    async def move(session: AsyncClientSession) -> None:
        accounts = client.bank.accounts
        found = await accounts.find_one({"_id": giver}, session=session)
        if found["balance"] < amount:
            return
        await accounts.update_one({"_id": giver}, {"$inc": {"balance": -amount}}, session=session)
        await anyio.lowlevel.checkpoint()
        await accounts.update_one({"_id": taker}, {"$inc": {"balance": amount}}, session=session)
        await client.bank.notes.insert_one({"_id": note, "from": giver, "to": taker, "amount": amount}, session=session)

    await session.with_transaction(move)
    return note


async def fill(client: AsyncMongoClient) -> None:
    """The accounts as they are at first."""
    await client.bank.accounts.insert_many([{"_id": n, "balance": BALANCE} for n in range(ACCOUNTS)])
    await client.bank.create_collection("notes")


async def main(path: str) -> None:
    """Transfer without end."""
    async with AsyncMongoClient(f"local://{path}") as client:

        async def work(number: int) -> None:
            chance = random.Random(number)
            async with client.start_session() as session:
                while True:
                    note = await transfer(client, session, chance)
                    os.write(1, f"{note}\n".encode())

        async with anyio.create_task_group() as group:
            for number in range(TASKS):
                group.start_soon(work, number)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
