"""Live queries: what a change costs that they have to look at, and how soon it is told.

Each query is followed by a task of its own. A change counts from the call of the update until the last of those that it
concerns has its diff.
"""

import asyncio
import statistics
import time
from typing import Final

from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Client, Collection, fresh_client

SECTION: Final = "live-queries"
_DOCUMENTS: Final = 1_000
_LATENCY_US: Final = Budget(1_000)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Microseconds of a change with none, one and a hundred live queries, and until it is told."""
    rows: list[Row] = []
    for store in BOTH:
        try:
            async with fresh_client(store, parent) as client:
                rows += await _measure(client, store, sizes)
        except Exception as error:
            rows.append(Row(SECTION, "a change with live queries", store, None, "µs", failure=failure_text(error)))
    return rows


async def _measure(client: Client, store: str, sizes: Sizes) -> list[Row]:
    collection = client["bench"]["watched"]
    await collection.insert_many([{"_id": n, "group": n % 100, "rank": n} for n in range(_DOCUMENTS)])
    plain, _ = await _changes(collection, sizes, [])
    rows = [Row(SECTION, "a change with no live query", store, plain, "µs")]
    for count in (1, 100):
        every = [{} for _ in range(count)]
        changed, told = await _changes(collection, sizes, every)
        each = (changed - plain) / count
        name = f"a change that {count} live {'query tells' if count == 1 else 'queries tell'}"
        rows.append(Row(SECTION, name, store, changed, "µs", note=f"{each:.1f} µs for each query"))
        if count == 1:
            name, note = "from the acknowledgement to the diff, median", f"99 of 100 within {told[1]:.0f} µs"
            rows.append(Row(SECTION, name, store, told[0], "µs", _LATENCY_US, note))
    others = [{"group": n} for n in range(100)]
    changed, _ = await _changes(collection, sizes, others, told_by=1)
    note = f"{(changed - plain) / 100:.1f} µs for each query"
    rows.append(Row(SECTION, "a change that one of 100 live queries tells", store, changed, "µs", note=note))
    return rows


async def _changes(
    collection: Collection, sizes: Sizes, filters: list[dict[str, int]], told_by: int | None = None
) -> tuple[float, tuple[float, float]]:
    """(median of a change until it is told, (median, 99th percentile) of the way from its acknowledgement), in µs.

    told_by   how many of the queries tell each change; None for all
    """
    told_by = len(filters) if told_by is None else told_by
    told = asyncio.Event()
    counts = [0, 0]  # of the diffs of this change, of all
    at = [0.0]

    async def follow(filter: dict[str, int]) -> None:
        async with collection.live(filter, sort=[("rank", 1)], limit=20) as live:
            await live.next()
            ready.release()
            async for diff in live:
                counts[0] += diff.is_last
                if counts[0] == told_by:
                    at[0] = time.perf_counter()
                    counts[0] = 0
                    counts[1] += 1
                    told.set()

    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(follow(each)) for each in filters]
    for _ in tasks:
        await ready.acquire()
    whole, ways = [], []
    for number in range(sizes.live_changes):
        told.clear()
        began = time.perf_counter()
        await collection.update_one({"_id": number % 20}, {"$inc": {"round": 1}})
        acknowledged = time.perf_counter()
        if tasks:
            await told.wait()
            ways.append(at[0] - acknowledged)
        whole.append((at[0] if tasks else acknowledged) - began)
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if tasks:
        expect(counts[1], sizes.live_changes, "changes that were told")
    ways.sort()
    percentiles = (ways[len(ways) // 2] * 1e6, ways[len(ways) * 99 // 100] * 1e6) if ways else (0.0, 0.0)
    return statistics.median(whole) * 1e6, percentiles
