"""How long the event loop is held: a sampler task sleeps a millisecond at a time and notes how late it wakes.

A long hold hides itself: while it lasts, the sampler cannot sample. Each late wake therefore stands for all the wakes
that it swallowed (a lag of 10 ms at an interval of 1 ms counts as 10, 9, 8, … ms), so that a percentile is one of time
and not of samples. The row of the idle loop tells what the machine itself adds.

The mixed workload comes in two shapes. In `tight` a task awaits nothing but the store; in `handlers` it also gives the
loop a turn after each operation, as a web handler does when it writes to its socket.
"""

import asyncio
import contextlib
import gc
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.documents import flights, person
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import BOTH, Collection, fresh_client

SECTION: Final = "loop-lag"
_INTERVAL_MS: Final = 1.0
_MOST: Final = Budget(5.0)
_READ_SHARE: Final = 0.8
_KEYS: Final = 1_000
_SAMPLE: Final = 300


@dataclass(slots=True)
class Lag:
    """Lags of the loop in milliseconds, corrected for the samples that a hold swallowed."""

    samples: list[float] = field(default_factory=list)
    duration_ms: float = 0.0

    def add(self, lag_ms: float) -> None:
        """Note one wake that came `lag_ms` late, and those that should have come meanwhile."""
        while lag_ms > 0:
            self.samples.append(lag_ms)
            lag_ms -= _INTERVAL_MS

    def percentile(self, share: float) -> float:
        """The lag that `share` of the time stays under, in milliseconds; 0 without samples."""
        ordered = sorted(self.samples)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def note(self) -> str:
        """Median, maximum and how long the work took."""
        most = max(self.samples, default=0.0)
        return f"p50 {self.percentile(0.5):.2f} ms, max {most:.1f} ms, over {self.duration_ms / 1000:.2f} s"


@contextlib.asynccontextmanager
async def sampled() -> AsyncIterator[Lag]:
    """Sample the running loop's lag while the body runs; read the result after it."""
    lag = Lag()
    going = True

    async def sample() -> None:
        while going:
            asleep = time.perf_counter()
            await asyncio.sleep(_INTERVAL_MS / 1000)
            lag.add((time.perf_counter() - asleep) * 1000 - _INTERVAL_MS)

    sampler = asyncio.create_task(sample())
    await asyncio.sleep(0)
    began = time.perf_counter()
    try:
        yield lag
    finally:
        lag.duration_ms = (time.perf_counter() - began) * 1000
        going = False
        await sampler


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Idle loop, mixed workload in both shapes, and large single operations, on both kinds of store."""
    rows = [await _idle()]
    for store in BOTH:
        rows += [await _mixed_row(shape, store, sizes, parent) for shape in ("handlers", "tight")]
        rows += await _large_rows(store, sizes, parent)
    return [*rows, _collection_row(sizes.load_documents)]


async def _idle() -> Row:
    async with sampled() as lag:
        await asyncio.sleep(0.3)
    return Row(SECTION, "idle loop, p99", "-", lag.percentile(0.99), "ms", None, lag.note())


def _row(name: str, store: str, lags: list[Lag], note: str = "") -> Row:
    """The row of a measurement: the median of its rounds' p99; the note tells of the round that it comes from."""
    p99s = [lag.percentile(0.99) for lag in lags]
    middle = statistics.median_low(p99s)
    chosen = lags[p99s.index(middle)]
    rounds = "rounds " + ", ".join(f"{p99:.1f}" for p99 in p99s)
    return Row(
        SECTION, f"{name}, p99", store, middle, "ms", _MOST, ", ".join(filter(None, [chosen.note(), rounds, note]))
    )


def _failed(name: str, store: str, error: Exception) -> Row:
    return Row(SECTION, f"{name}, p99", store, None, "ms", _MOST, failure=failure_text(error))


async def _mixed_row(shape: str, store: str, sizes: Sizes, parent: str | None) -> Row:
    name = f"{sizes.lag_tasks} tasks, 80 % find_one 20 % update_one, {shape}"
    lags: list[Lag] = []
    try:
        for _ in range(sizes.lag_rounds):
            async with fresh_client(store, parent) as client:
                collection = client["bench"]["people"]
                keys = await _verify_mixed(collection)
                async with sampled() as lag:
                    updates = await _mixed(collection, keys, sizes, gives_turns=shape == "handlers")
                await _check_updates(collection, updates)
            lags.append(lag)
    except Exception as error:
        return _failed(name, store, error)
    operations = sizes.lag_tasks * sizes.lag_operations * sizes.lag_rounds
    rate = operations / sum(lag.duration_ms for lag in lags) * 1000
    return _row(name, store, lags, f"{rate:,.0f} operations/s")


async def _verify_mixed(collection: Collection) -> list[int]:
    keys = list(range(_KEYS))
    await collection.insert_many([{**person(key), "_id": key, "hits": 0} for key in keys])
    await _one_task(collection, keys, random.Random(0), 5, gives_turns=False)
    await collection.update_many({}, {"$set": {"hits": 0}})
    expect(await collection.count_documents({"hits": 0}), len(keys), "documents before the mix")
    return keys


async def _mixed(collection: Collection, keys: list[int], sizes: Sizes, *, gives_turns: bool) -> int:
    """All tasks at once; the number of updates they made."""
    made = await asyncio.gather(
        *(
            _one_task(collection, keys, random.Random(task), sizes.lag_operations, gives_turns=gives_turns)
            for task in range(sizes.lag_tasks)
        )
    )
    return sum(made)


async def _one_task(
    collection: Collection, keys: list[int], choice: random.Random, operations: int, *, gives_turns: bool
) -> int:
    updates = 0
    for _ in range(operations):
        key = choice.choice(keys)
        if choice.random() < _READ_SHARE:
            found = await collection.find_one({"_id": key})
            expect(found["_id"], key, "document of the mix")
        else:
            await collection.update_one({"_id": key}, {"$inc": {"hits": 1}})
            updates += 1
        if gives_turns:
            await asyncio.sleep(0)
    return updates


async def _check_updates(collection: Collection, updates: int) -> None:
    documents = await collection.find().to_list()
    expect(sum(document["hits"] for document in documents), updates, "updates of the mix")


async def _large_rows(store: str, sizes: Sizes, parent: str | None) -> list[Row]:
    """One large operation at a time over the flights; the first row is the load itself.

    Each is run on a few flights and verified before. The collector is off meanwhile: a full collection over that many
    of the user's documents holds any Python program; what it costs is a row of its own.
    """
    count = sizes.load_documents
    lags: dict[str, list[Lag]] = {}
    try:
        for _ in range(sizes.lag_rounds):
            async with fresh_client(store, parent) as client:
                for work in _large_works(client["bench"]["sample"], min(count, _SAMPLE)):
                    await work.verified()
                works = _large_works(client["bench"]["flights"], count)
                with collector_off():
                    for work in works:
                        lags.setdefault(work.name, []).append(await work.verified())
    except Exception as error:
        return [_failed(f"large operations over {count:,}", store, error)]
    return [_row(f"{name} {count:,}", store, each) for name, each in lags.items()]


@dataclass(frozen=True, slots=True)
class _Work:
    """A large operation; its answer, reduced by `digest`, must be `expected`."""

    name: str
    run: Callable[[], Awaitable[object]]
    digest: Callable[[Any], object]
    expected: int

    async def verified(self) -> Lag:
        """The loop's lag while the operation ran. Errors: WrongAnswer."""
        async with sampled() as lag:
            answer = await self.run()
        expect(self.digest(answer), self.expected, self.name)
        return lag


def _large_works(flown: Collection, count: int) -> list[_Work]:
    documents = flights(count)
    united = sum(document["carrier"] == "UA" for document in documents)
    return [
        _Work("insert_many of", lambda: flown.insert_many(documents), lambda result: len(result.inserted_ids), count),
        _Work("to_list of", lambda: flown.find().to_list(), len, count),
        _Work("unindexed count over", lambda: flown.count_documents({"carrier": "UA"}), int, united),
        _Work("aggregation over", lambda: _grouped(flown), _united_of, united),
    ]


def _collection_row(count: int) -> Row:
    """What one full garbage collection takes while the user holds `count` documents."""
    documents = flights(count)
    began = time.perf_counter()
    gc.collect()
    elapsed_ms = (time.perf_counter() - began) * 1000
    return Row(SECTION, f"full garbage collection over {len(documents):,} documents", "-", elapsed_ms, "ms")


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """While the block runs, no full collection holds the loop: what it costs is a row of its own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _grouped(collection: Collection) -> list[dict[str, object]]:
    pipeline = [
        {"$match": {"distance": {"$gte": 0}}},
        {"$group": {"_id": "$carrier", "flights": {"$sum": 1}, "delay": {"$avg": "$arr_delay"}}},
        {"$sort": {"flights": -1}},
    ]
    groups: list[dict[str, object]] = await (await collection.aggregate(pipeline)).to_list()
    return groups


def _united_of(groups: list[dict[str, object]]) -> object:
    return next((group["flights"] for group in groups if group["_id"] == "UA"), 0)
