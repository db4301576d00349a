"""One opening of a store on disk, in a process of its own: `python -m benchmarks.opening URI BY NUMBER COUNT`.

It prints one line of JSON: how long it took from making the client to the first document, and how much more memory is
resident once the store is open and nothing was read of it.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from amongo import AsyncMongoClient
from benchmarks.rows import expect
from benchmarks.scale_stores import ranked


async def opened(uri: str, by: str, number: int, count: int) -> dict[str, float | None]:
    """Open the store and look for the document.

    by       "_id" or "index"
    number   of the document
    count    of all documents
    errors   WrongAnswer
    """
    document = ranked(number, count)
    resident_before = resident_bytes()
    began = time.perf_counter()
    client: AsyncMongoClient = AsyncMongoClient(uri)
    coll = client["bench"]["ranked"]
    await client["bench"].command("ping")
    opened_s = time.perf_counter() - began
    resident = resident_bytes()
    began = time.perf_counter()
    found = await coll.find_one({"_id": number} if by == "_id" else {"rank": document["rank"]})
    found_s = time.perf_counter() - began
    expect(found, document, f"find_one by {by}")
    expect(await coll.estimated_document_count(), count, "documents of the opened store")
    await client.close()
    more = None if resident is None or resident_before is None else resident - resident_before
    return {"opened_ms": (opened_s + found_s) * 1000, "resident_bytes": more}


def resident_bytes() -> int | None:
    """Memory of this process that is in use now, with pages of files; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(opened(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
