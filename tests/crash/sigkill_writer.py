"""The process that `test_sigkill` kills: writers that tell what was acknowledged, one JSON line each.

Started once, it forks a fresh writer process for every line on its standard input: a directory and a round number.
With the argument "checkpoints", its stores are always at one: a checkpoint follows after little has been written, files
are merged, and the log behind it goes; columns are kept and filed; and a writer builds indexes meanwhile.
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
from amongo.commands.instance import Instance
from amongo.engine import snapshots
from amongo.engine.columns import Path
from amongo.engine.columns.cache import columns_of
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.runtime.interrupts import NEVER

BATCH = 20
HAS_CHECKPOINTS = "checkpoints" in sys.argv[1:]
BUSY = Settings(
    log_file_bytes=20_000, checkpoint_bytes=1, closing_checkpoint_bytes=1, log_retained_bytes=0, column_file_count=1
)
COLUMNS: tuple[Path, ...] = (("text",), ("_id",))
MOST_INDEXES = 40


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

    async def build_indexes() -> None:
        await database.singles.insert_one({"_id": f"{number}-indexes"})
        await database.singles.drop_indexes()  # the last round's
        for count in range(1_000_000):
            name = await database.singles.create_index([("text", 1), (f"n{number}-{count}", 1)])
            tell(kind="built", name=name)
            if count % MOST_INDEXES == MOST_INDEXES - 1:  # a round may be long
                await database.singles.drop_indexes()
            elif count % 2:
                await database.singles.drop_index(name)

    async def ask_columns() -> None:
        store = await opened()
        while True:
            collection = store.catalog.get("crash.singles")
            if collection is not None:
                columns_of(store, collection, COLUMNS, NEVER)
            await anyio.sleep(0.002)

    async def tell_of_checkpoints() -> None:
        checkpoints = (await opened()).checkpoints
        assert checkpoints is not None
        seen = checkpoints._manifest
        while True:
            await anyio.sleep(0.001)
            manifest = checkpoints._manifest
            if manifest is not None and manifest is not seen:
                seen = manifest
                tell(kind="checkpoint", sequence=manifest.sequence)
                if any(each.columns for each in manifest.collections):
                    tell(kind="filed", sequence=manifest.sequence)

    async def opened() -> Store:
        await database.command("ping")
        return client._runner.instance.store  # type: ignore[union-attr]

    writers = [insert_singles, insert_batches, count_up, insert_journaled_and_delete]
    async with anyio.create_task_group() as group:
        for writer in [*writers, build_indexes, ask_columns, tell_of_checkpoints] if HAS_CHECKPOINTS else writers:
            group.start_soon(writer)


def main() -> None:
    """Fork a writer for every line of standard input and wait for its death."""
    if HAS_CHECKPOINTS:
        assert snapshots.RowsWriter  # loaded once, for all that are forked
        Instance.open.__func__.__kwdefaults__["settings"] = BUSY
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
