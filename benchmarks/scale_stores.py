"""What a store of a million documents asks for: time to open it, memory, disk, and turns of the event loop.

Every opening is made by a process of its own (`opening`), which has imported the client before; the pages of the
store's files are given back to the disk first. The documents are the ten-field ones with two fields more, under one
secondary index.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import bson

from benchmarks.documents import Document, person
from benchmarks.loop_lag import Lag, sampled
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import LOCAL, Collection, fresh_client, fresh_directory, open_client, store_uri

SECTION: Final = "scale"
FOUND: Final = 20
"""Documents of one group."""
_CHUNK: Final = 1_000
_OPENING: Final = Budget(100.0)
_GROWTH: Final = Budget(1.5)
_RESIDENT: Final = Budget(0.15)
_DISK: Final = Budget(1.6)
_LAG: Final = Budget(5.0)
_ROOT: Final = Path(__file__).resolve().parent.parent


def ranked(number: int, count: int) -> Document:
    """The ten-field document with its `group`, 20 documents each, and its `rank`, which no other has.

    Documents of one group, and of neighbouring ranks, lie far from each other in the collection.

    number   of the document, below `count`
    count    of all documents, a multiple of 20
    """
    rank = number * 7919 % count  # 7919 is a prime that divides none of the counts
    return {"_id": number, **person(number), "group": rank % (count // FOUND), "rank": rank}


async def fill(coll: Collection, count: int, fields: Sequence[str]) -> None:
    """Insert `count` ranked documents and make an index of each of `fields`."""
    for start in range(0, count, _CHUNK):
        await coll.insert_many([ranked(number, count) for number in range(start, min(start + _CHUNK, count))])
    for field in fields:
        await coll.create_index(field)
    expect(await coll.count_documents({}), count, "documents of the large collection")


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Open, measure and check a small and a large store on disk; then a checkpoint of the large one's documents."""
    few, many = sizes.scale_few, sizes.scale_documents
    rows: list[Row] = []
    medians: dict[tuple[int, str], float] = {}
    for count in (few, many):
        try:
            with fresh_directory(parent) as directory:
                data_bytes = await _build(directory, count)
                rows.append(_disk_row(directory / "store", count, data_bytes))
                openings = {by: _openings(directory, count, by, sizes.openings) for by in ("_id", "index")}
        except Exception as error:
            rows.append(_failed(f"a store of {count:,}", "ms", _OPENING, error))
            continue
        for by, times in openings.items():
            medians[count, by] = statistics.median([each["opened_ms"] for each in times])
            rows.append(_opening_row(count, by, times))
        rows.append(_resident_row(count, data_bytes, openings["_id"]))
    for by in ("_id", "index"):
        if (few, by) in medians and (many, by) in medians:
            name = f"opening {many:,} by {by}, against {few:,}"
            rows.append(Row(SECTION, name, LOCAL, medians[many, by] / medians[few, by], "x", _GROWTH))
    return [*rows, await _checkpoint_row(sizes, parent)]


async def _build(directory: Path, count: int) -> int:
    """Make the store; the bytes of its documents."""
    async with open_client(store_uri(LOCAL, directory)) as client:
        await fill(client["bench"]["ranked"], count, ["rank"])
    return sum(len(bson.encode(ranked(number, count))) for number in range(0, count, 10)) * 10


def _disk_row(store: Path, count: int, data_bytes: int) -> Row:
    used = sum(path.stat().st_blocks * 512 for path in store.rglob("*") if path.is_file())
    note = f"{used / 1e6:,.1f} MB for {data_bytes / 1e6:,.1f} MB of BSON, one secondary index, closed"
    budget = _DISK if count >= 1_000_000 else None  # the log that is kept counts for less in a large store
    return Row(SECTION, f"disk use of {count:,}", LOCAL, used / data_bytes, "share", budget, note)


def _openings(directory: Path, count: int, by: str, turns: int) -> list[dict[str, Any]]:
    """What processes tell that open the store, one after the other, each with another document to look for."""
    told = []
    for turn in range(turns):
        give_pages_back(directory)
        number = (turn + 1) * 7919 % count
        command = [sys.executable, "-m", "benchmarks.opening", store_uri(LOCAL, directory), by, str(number), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
        told.append(json.loads(done.stdout))
    return told


def give_pages_back(directory: Path) -> None:
    """Have the operating system forget what it keeps in memory of the files below a directory, where it can."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _opening_row(count: int, by: str, times: list[dict[str, Any]]) -> Row:
    opened = sorted(each["opened_ms"] for each in times)
    note = f"cold, {len(opened)} processes, {opened[0]:.1f} to {opened[-1]:.1f} ms"
    name = f"opening {count:,} and the first find_one by {by}"
    return Row(SECTION, name, LOCAL, statistics.median(opened), "ms", _OPENING, note)


def _resident_row(count: int, data_bytes: int, times: list[dict[str, Any]]) -> Row:
    grown = [each["resident_bytes"] for each in times if each["resident_bytes"] is not None]
    name = f"memory after opening {count:,}"
    if not grown:
        return Row(SECTION, name, LOCAL, None, "share", None, "this system does not tell")
    middle = statistics.median(grown)
    note = f"{middle / 1e6:,.1f} MB resident more than before, for {data_bytes / 1e6:,.1f} MB of BSON"
    budget = _RESIDENT if count >= 1_000_000 else None  # what a store takes whatever its size counts for less there
    return Row(SECTION, name, LOCAL, middle / data_bytes, "share", budget, note)


async def _checkpoint_row(sizes: Sizes, parent: str | None) -> Row:
    """The loop's lag while everything that was inserted becomes snapshot files at once."""
    count = sizes.scale_documents
    name = f"loop lag during a checkpoint of {count:,}, p99"
    try:
        async with fresh_client(LOCAL, parent) as client:
            coll = client["bench"]["ranked"]
            await coll.create_index("rank")
            checkpoints = client._runner.instance.store.checkpoints
            with checkpoints._turn:  # none is made meanwhile
                await fill(coll, count, [])
            lag = await _lag_of(checkpoints.checkpoint)
            expect(len(checkpoints._manifest.file_names()) > 0, True, "snapshot files")
            expect(checkpoints.failure, None, "failure of the checkpoint")
            expect(await coll.count_documents({"rank": {"$lt": FOUND}}), FOUND, "documents after the checkpoint")
    except Exception as error:
        return _failed(name, "ms", _LAG, error)
    return Row(SECTION, name, LOCAL, lag.percentile(0.99), "ms", _LAG, lag.note())


async def _lag_of(checkpoint: Any) -> Lag:
    async with sampled() as lag:
        await asyncio.to_thread(checkpoint)
    return lag


def _failed(name: str, unit: str, budget: Budget, error: Exception) -> Row:
    return Row(SECTION, name, LOCAL, None, unit, budget, failure=failure_text(error))
