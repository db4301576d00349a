"""The process that `test_sigkill` kills: writers that tell what was acknowledged, one JSON line each.

Started once, it forks a fresh writer process for every line on its standard input: a directory and a round number.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import anyio
import anyio.lowlevel
from pymongo import WriteConcern

from amongo import AsyncMongoClient

BATCH = 20


def tell(**event: Any) -> None:
    """Say what was acknowledged; one line, written at once."""
    os.write(1, (json.dumps(event) + "\n").encode())


async def work(directory: str, number: int) -> None:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(f"local://{directory}")
    database = client.get_database("crash")
    journaled = client.get_database("crash", write_concern=WriteConcern(w=1, j=True))

    async def insert_singles() -> None:
        for count in range(1_000_000):
            identity = f"{number}-{count}"
            await database.singles.insert_one({"_id": identity, "text": "x" * (count % 700)})
            tell(kind="single", id=identity)
            if count % 16 == 0:
                await anyio.lowlevel.checkpoint()

    async def insert_batches() -> None:
        for count in range(1_000_000):
            batch = f"{number}-{count}"
            await database.batches.insert_many([{"batch": batch, "n": each} for each in range(BATCH)])
            tell(kind="batch", id=batch)
            await anyio.lowlevel.checkpoint()

    async def count_up() -> None:
        await database.counters.update_one({"_id": number}, {"$set": {"value": 0}}, upsert=True)
        for count in range(1, 1_000_000):
            await database.counters.update_one({"_id": number}, {"$inc": {"value": 1}})
            tell(kind="counter", value=count)
            await anyio.lowlevel.checkpoint()

    async def insert_journaled_and_delete() -> None:
        for count in range(1_000_000):
            identity = f"{number}-{count}"
            await journaled.deleted.insert_one({"_id": identity})
            tell(kind="journaled", id=identity)
            if count % 2:
                await journaled.deleted.delete_one({"_id": identity})
                tell(kind="deleted", id=identity)

    async with anyio.create_task_group() as group:
        for writer in (insert_singles, insert_batches, count_up, insert_journaled_and_delete):
            group.start_soon(writer)


def main() -> None:
    """Fork a writer for every line of standard input and wait for its death."""
    tell(kind="ready")
    for line in sys.stdin:
        directory, number = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            anyio.run(work, directory, int(number))
        tell(kind="writer", pid=child)
        os.waitpid(child, 0)
        tell(kind="dead")


if __name__ == "__main__":
    main()
