"""A thousand journalled inserts at once against a thousand one after the other.

With `j=True` an insert is acknowledged after an fsync. Those who wait at the same time share one: the concurrent
thousand may take a tenth of the sequential thousand's time at most. After the timing the store is opened anew and
must have them all.
"""

import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import Final

from pymongo import WriteConcern

from benchmarks.documents import people
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import LOCAL, Collection, fresh_directory, open_client, store_uri

SECTION: Final = "group-commit"
_MOST_SHARE: Final = Budget(0.1)
_FSYNCS: Final = 50
_SYNC: Final = getattr(os, "fdatasync", os.fsync)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """The ratio of concurrent to sequential, and what one sync of a file costs here."""
    name = f"{sizes.commits:,} concurrent j=True inserts / sequential"
    try:
        with fresh_directory(parent) as directory:
            before_us = _fsync_us(directory)
            ratios, sequential, concurrent = await _measure(store_uri(LOCAL, directory), sizes)
            fsync_us = min(before_us, _fsync_us(directory))  # the disk may still be busy with what went before
    except Exception as error:
        return [Row(SECTION, name, LOCAL, None, "x", _MOST_SHARE, failure=failure_text(error))]
    each = f"sequential {sequential / sizes.commits * 1e6:,.0f} µs each"
    note = f"{each}, concurrent {concurrent / sizes.commits * 1e6:,.0f} µs each"
    return [
        Row(SECTION, name, LOCAL, statistics.median(ratios), "x", _MOST_SHARE, note),
        Row(SECTION, "one write of 300 bytes and its sync", "plain file", fsync_us, "µs"),
    ]


async def _measure(uri: str, sizes: Sizes) -> tuple[list[float], float, float]:
    """Ratios of the rounds, and the last round's seconds: sequential and concurrent."""
    ratios: list[float] = []
    sequential = concurrent = 0.0
    client = open_client(uri)
    try:
        collection = client["bench"].get_collection("ledger", write_concern=WriteConcern(w=1, j=True))
        await collection.insert_one({"_id": "first"})
        expect(await collection.find_one({"_id": "first"}), {"_id": "first"}, "journalled document")
        for _ in range(sizes.commit_rounds):
            sequential = await _sequential(collection, sizes.commits)
            concurrent = await _concurrent(collection, sizes.commits)
            ratios.append(concurrent / sequential)
    finally:
        await client.close()
    await _check_reopened(uri, 1 + 2 * sizes.commits * sizes.commit_rounds)
    return ratios, sequential, concurrent


async def _sequential(collection: Collection, count: int) -> float:
    documents = people(count, with_id=False)
    began = time.perf_counter()
    for document in documents:
        await collection.insert_one(document)
    return time.perf_counter() - began


async def _concurrent(collection: Collection, count: int) -> float:
    documents = people(count, with_id=False)
    began = time.perf_counter()
    await asyncio.gather(*(collection.insert_one(document) for document in documents))
    return time.perf_counter() - began


async def _check_reopened(uri: str, expected: int) -> None:
    client = open_client(uri)
    try:
        expect(await client["bench"]["ledger"].count_documents({}), expected, "documents after reopening")
    finally:
        await client.close()


def _fsync_us(directory: Path) -> float:
    """The median time of a small write and its sync in `directory`, in microseconds."""
    descriptor = os.open(directory / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    times = []
    try:
        for _ in range(_FSYNCS):
            began = time.perf_counter()
            os.write(descriptor, b"x" * 300)
            _SYNC(descriptor)
            times.append((time.perf_counter() - began) * 1e6)
    finally:
        os.close(descriptor)
    return statistics.median(times)
