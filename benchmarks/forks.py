"""Forks of a large store: what one takes, and what its first reads and writes take.

Before each of them the parent is written to, so that nothing of the last fork can be used again.
"""

import statistics
import time
from typing import Final

from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.scale_stores import fill
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Client, fresh_directory, open_client, store_uri

SECTION: Final = "forks"
_FORK_MS: Final = Budget(10)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Milliseconds of a fork, and of it with a find, an insert and an update."""
    rows: list[Row] = []
    for store in BOTH:
        name = f"fork of {sizes.scale_documents:,} documents"
        try:
            with fresh_directory(parent) as directory:
                rows += await _measure(store, store_uri(store, directory), sizes, name)
        except Exception as error:
            rows.append(Row(SECTION, name, store, None, "ms", _FORK_MS, failure=failure_text(error)))
    return rows


async def _measure(store: str, uri: str, sizes: Sizes, name: str) -> list[Row]:
    client = open_client(uri)
    alone, used = [], []
    try:
        await fill(client["bench"]["ranked"], sizes.scale_documents, ["group", "rank"])
        for number in range(sizes.scale_rounds):
            await client["bench"]["ranked"].update_one({"_id": number}, {"$set": {"round": number}})
            began = time.perf_counter()
            fork = await client.fork()
            alone.append(time.perf_counter() - began)
            try:
                await _use(fork, number, sizes)
                used.append(time.perf_counter() - began)
            finally:
                await fork.close()
        expect(await client["bench"]["ranked"].count_documents({}), sizes.scale_documents, "documents of the parent")
    finally:
        await client.close()
    note = f"slowest of {len(alone)}: {max(alone) * 1e3:.2f} ms"
    return [
        Row(SECTION, name, store, statistics.median(alone) * 1e3, "ms", _FORK_MS, note),
        Row(SECTION, "and a find, an insert and an update in it", store, statistics.median(used) * 1e3, "ms"),
    ]


async def _use(fork: Client, number: int, sizes: Sizes) -> None:
    ranked = fork["bench"]["ranked"]
    found = await ranked.find_one({"_id": number})
    expect(found and found.get("round"), number, "the parent's last write")
    await ranked.insert_one({"_id": sizes.scale_documents + 1, "group": -1})
    updated = await ranked.update_one({"group": -1}, {"$set": {"rank": -1}})
    expect(updated.modified_count, 1, "documents updated by an index")
