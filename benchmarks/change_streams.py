"""Change streams: how soon an event is there, what streams cost who writes, and a thousand of them on one collection.

Each stream is followed by a task of its own. The latency counts from the acknowledgement of an insert until the
consumer has the event. Every stream has to be given every event, once and in order; it is measured until all are.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.loop_lag import Lag, collector_off, sampled
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Client, Collection, fresh_client

SECTION: Final = "change-streams"
_LATENCY_US: Final = Budget(1_000)
_LAG_MS: Final = Budget(20.0)
_WATCHED_BY: Final = (0, 1, 100)
_RATE: Final = 1_000  # writes a second that are offered to a thousand streams
_BURST: Final = 10


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Latency, writes a second with none, one and a hundred streams, the loop's lag with very many."""
    rows: list[Row] = []
    for store in BOTH:
        for measure in (_latency_rows, _writes_rows, _lag_rows):
            try:
                async with fresh_client(store, parent) as client:
                    rows += await measure(client, store, sizes)
            except Exception as error:
                rows.append(Row(SECTION, "change streams", store, None, "µs", failure=failure_text(error)))
    return rows


@dataclass(slots=True)
class _Followers:
    """Tasks that follow one stream each, and how many events each has been given."""

    tasks: list[asyncio.Task[None]]
    counts: list[int]

    async def until_all_have(self, count: int) -> None:
        """Wait until every stream has given so many. Errors: WrongAnswer, what a follower has met."""
        while min(self.counts, default=count) < count:
            for task in self.tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.001)
        expect(set(self.counts), {count} if self.counts else set(), "events of each stream")

    async def end(self) -> None:
        """Let go of the streams."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def _followed(collection: Collection, count: int) -> _Followers:
    """So many streams on one collection, each of which waits."""
    followers = _Followers([], [0] * count)

    async def follow(place: int) -> None:
        async with await collection.watch() as stream:
            opened.release()
            last = ""
            async for event in stream:
                token = event["_id"]["_data"]
                expect(token > last, True, "events in their order, none twice")
                last = token
                followers.counts[place] += 1

    opened = asyncio.Semaphore(0)
    for place in range(count):
        followers.tasks.append(asyncio.create_task(follow(place)))
        await opened.acquire()
    await asyncio.sleep(0.01)
    return followers


async def _latency_rows(client: Client, store: str, sizes: Sizes) -> list[Row]:
    collection = client["bench"]["watched"]
    arrived = asyncio.Event()
    at = [0.0]

    async def follow() -> None:
        async with await collection.watch() as stream:
            arrived.set()
            async for event in stream:
                at[0] = time.perf_counter()
                expect(event["operationType"], "insert", "kind of event")
                arrived.set()

    follower = asyncio.create_task(follow())
    await arrived.wait()
    ways = []
    for number in range(sizes.stream_events):
        await asyncio.sleep(0)
        arrived.clear()
        await collection.insert_one({"_id": number})
        acknowledged = time.perf_counter()
        await arrived.wait()
        ways.append((at[0] - acknowledged) * 1e6)
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)
    ways.sort()
    rows = []
    for share in (0.5, 0.99):
        name = f"from the acknowledgement to the event, p{share * 100:.0f}"
        value = ways[min(len(ways) - 1, int(len(ways) * share))]
        rows.append(Row(SECTION, name, store, value, "µs", _LATENCY_US))
    return rows


async def _writes_rows(client: Client, store: str, sizes: Sizes) -> list[Row]:
    rows = []
    for count in _WATCHED_BY:
        collection = client["bench"][f"watched_by_{count}"]
        followers = await _followed(collection, count)
        began = time.perf_counter()
        for number in range(sizes.stream_events):
            await collection.insert_one({"_id": number, "name": "Ada", "rank": number})
        written = time.perf_counter()
        await followers.until_all_have(sizes.stream_events)
        ended = time.perf_counter()
        await followers.end()
        name = f"inserts a second with {count} stream{'s' * (count != 1)}"
        events = sizes.stream_events * count / (ended - began)
        note = f"{events:,.0f} events a second, all given {(ended - written) * 1000:.0f} ms later" if count else ""
        rows.append(Row(SECTION, name, store, sizes.stream_events / (written - began), "/s", note=note))
    return rows


async def _lag_rows(client: Client, store: str, sizes: Sizes) -> list[Row]:
    """The loop's lag while a thousand streams follow what is written at a steady rate, until all have all of it."""
    collection = client["bench"]["crowded"]
    followers = await _followed(collection, sizes.crowd_streams)
    with collector_off():
        lag, written_s, all_s = await _crowded(collection, followers, sizes)
    await followers.end()
    count = sizes.crowd_writes
    lag_name = f"loop lag with {sizes.crowd_streams:,} streams on one collection, p99"
    rate_name = f"writes a second beside {sizes.crowd_streams:,} streams, {_RATE:,} offered"
    note = (
        f"{count:,} inserts; {count * sizes.crowd_streams / all_s:,.0f} events a second, all given after {all_s:.1f} s"
    )
    return [
        Row(SECTION, lag_name, store, lag.percentile(0.99), "ms", _LAG_MS, lag.note()),
        Row(SECTION, rate_name, store, count / written_s, "/s", note=note),
    ]


async def _crowded(collection: Collection, followers: _Followers, sizes: Sizes) -> tuple[Lag, float, float]:
    """(the lag until all streams have all, seconds until all was written, seconds until all was given).

    Each write is a task of its own, as one request of a web service is, and begins when it is due.
    """
    began = time.perf_counter()
    count = sizes.crowd_writes
    async with sampled() as lag:
        async with asyncio.TaskGroup() as writers:
            for number in range(count):
                if number % _BURST == 0:
                    await asyncio.sleep(max(0.0, began + number / _RATE - time.perf_counter()))
                writers.create_task(collection.insert_one({"_id": number, "name": "Ada"}))
        written_s = max(time.perf_counter() - began, count / _RATE)
        await followers.until_all_have(count)
    return lag, written_s, time.perf_counter() - began
