"""A store that is twice as large as the memory that its process may take: it is scanned all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from amongo import MongoClient

COUNT = 12_000
DOCUMENT_BYTES = 8_000
LIMIT_BYTES = COUNT * DOCUMENT_BYTES // 2

# The limit is on what is neither code nor a mapped file, beside what the interpreter and the open store have taken.
PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from amongo import AsyncMongoClient

address, way, limit_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3])

def limit():
    status = Path("/proc/self/status").read_text().splitlines()
    taken = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (taken + limit_bytes, taken + limit_bytes))

async def main():
    async with AsyncMongoClient(address) as client:
        coll = client.db.coll
        assert await coll.count_documents({"n": {"$lt": 3}}, limit=3) == 3
        limit()
        if way == "kept":
            print(len(await coll.find().to_list()))
            return
        total = 0
        async for document in coll.find(batch_size=200):
            total += document["n"]
        print(total)
        print(await coll.count_documents({"n": {"$gte": 0}}))
        cursor = await coll.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$n"}}}])
        print((await cursor.to_list())[0]["sum"])
        print(len([1 async for _ in coll.find(sort={"_id": -1}, projection={"n": 1})]))

try:
    asyncio.run(main())
except MemoryError:
    print("no memory")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store in files, checkpointed as it was closed."""
    address = f"local://{tmp_path_factory.mktemp('large')}/store"
    with MongoClient(address) as client:
        for start in range(0, COUNT, 500):
            client.db.coll.insert_many(
                [{"_id": n, "n": n, "text": f"{n:08}" * (DOCUMENT_BYTES // 8)} for n in range(start, start + 500)]
            )
    return address


def run(address: str, way: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, address, way, str(LIMIT_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_a_full_scan_under_a_limit_of_half_the_store(address: str) -> None:
    assert sum(path.stat().st_size for path in Path(address[8:]).rglob("*")) > 2 * LIMIT_BYTES
    total = str(sum(range(COUNT)))
    assert run(address, "scanned") == [total, str(COUNT), total, str(COUNT)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_the_limit_is_one(address: str) -> None:
    assert run(address, "kept") == ["no memory"]
