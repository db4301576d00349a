"""One process of load on a server, through PyMongo's async client: `python -m benchmarks.wire_load PORT OPERATION …`

Says "ready" when its connections are open, begins with a line on its standard input, and says how long each request
took. It is a program of its own so that what the client costs is not the server's time; several of them load a server
with more than one client can send. It runs on uvloop where that is installed, as web servers do: the client's own time
is most of a request's, whatever the server.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from pymongo import AsyncMongoClient

from benchmarks.documents import person
from benchmarks.rows import expect

READ: Final = "find_one by _id"
WRITE: Final = "insert_one"
LIST: Final = "find of 1,000 documents"
OPERATIONS: Final = (READ, WRITE, LIST)
DOCUMENTS: Final = 1_000

Client = AsyncMongoClient[dict[str, Any]]


def operation(client: Client, name: str, first: int) -> Callable[[], Awaitable[None]]:
    """What is asked of the server, again and again; each answer is looked at.

    first   where the numbers of `_id`s that are asked for begin
    """
    collection = client["bench"]["people"]
    sink = client["bench"]["sink"]
    state = {"next": first}

    async def read() -> None:
        state["next"] = number = (state["next"] + 7919) % DOCUMENTS
        found = await collection.find_one({"_id": number})
        expect(found is not None and found["_id"], number, READ)

    async def write() -> None:
        state["next"] += 1
        expect((await sink.insert_one(person(state["next"]))).acknowledged, True, WRITE)

    async def listed() -> None:
        expect(len(await collection.find().to_list()), DOCUMENTS, LIST)

    return {READ: read, WRITE: write, LIST: listed}[name]


async def filled(port: int) -> None:
    """Put what is read into the server."""
    async with connected(port, 1) as client:
        await client["bench"]["people"].drop()
        await client["bench"]["people"].insert_many([{"_id": number, **person(number)} for number in range(DOCUMENTS)])


def connected(port: int, connections: int) -> Client:
    """A client with so many connections."""
    return AsyncMongoClient(
        f"mongodb://127.0.0.1:{port}/",
        maxPoolSize=connections,
        minPoolSize=connections,
        maxConnecting=connections,
        serverSelectionTimeoutMS=20_000,
    )


async def load(port: int, name: str, connections: int, seconds: float, first: int) -> None:
    """Load the server through so many connections, one request at a time on each."""
    async with connected(port, connections) as client:
        run = operation(client, name, first)
        await asyncio.gather(*(run() for _ in range(connections)))
        print("ready", flush=True)
        sys.stdin.readline()
        took: list[float] = []
        end = time.perf_counter() + seconds

        async def ask() -> None:
            began = time.perf_counter()
            while began < end:
                await run()
                now = time.perf_counter()
                took.append(now - began)
                began = now

        began, spent = time.perf_counter(), time.process_time()
        await asyncio.gather(*(ask() for _ in range(connections)))
        told = {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - spent, "took": took}
        print(json.dumps(told), flush=True)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run it on uvloop, or without."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


if __name__ == "__main__":
    _, port, name, connections, seconds, first = sys.argv
    run(load(int(port), name, int(connections), float(seconds), int(first)))
