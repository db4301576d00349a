"""uvicorn with four workers on the example service: real HTTP, and the worker that owns the store is killed."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from amongo import MongoClient
from tests.examples.small_store import fill, flight
from tests.sharing.members import ROOT

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(importlib.util.find_spec("uvicorn") is None, reason="uvicorn (extra `dev`) is not installed"),
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX") or os.name != "posix", reason="stores are shared on Unix alone"),
]

WORKERS = 4
PATIENCE_S = 60
WRITERS = 8
WRITES_OF_EACH = 40


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def new_flight(number: int) -> dict[str, Any]:
    """What a client posts: a flight with a number of its own."""
    fields = {name: value for name, value in flight(1).items() if name != "_id"}
    return {**fields, "flight": number, "time_hour": "2013-01-01T11:00:00Z"}


def owner_of(store: Path) -> int:
    """The process that owns the store; 0 for none."""
    try:
        return int((store / "LOCK").read_text() or 0)
    except FileNotFoundError:
        return 0


async def test_nothing_acknowledged_is_missing_and_nothing_is_there_twice(tmp_path: Path) -> None:
    import httpx

    store = tmp_path / "store"
    environment = {**os.environ, "AMONGO_URI": fill(store, range(10)), "PYTHONPATH": str(ROOT)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "examples.fastapi_app.main:app", "--port", str(port)]
    service = subprocess.Popen(  # noqa: ASYNC220
        [*command, "--workers", str(WORKERS), "--log-level", "warning"], env=environment, cwd=ROOT
    )
    acknowledged: set[int] = set()
    half = anyio.Event()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http:
            await until_it_answers(http)

            async def write(writer: int) -> None:
                for number in range(1 + writer * WRITES_OF_EACH, 1 + (writer + 1) * WRITES_OF_EACH):
                    try:
                        # a connection of its own, so that any worker gets it
                        reply = await http.post("/flights", json=new_flight(number), headers={"Connection": "close"})
                    except httpx.TransportError:
                        continue  # the worker that had it was killed: it may have been done or not
                    if reply.status_code == 201:
                        acknowledged.add(number)
                    if len(acknowledged) == WRITERS * WRITES_OF_EACH // 4:
                        half.set()

            async def kill() -> None:
                await half.wait()
                killed = owner_of(store)
                os.kill(killed, signal.SIGKILL)
                with anyio.fail_after(PATIENCE_S):
                    while owner_of(store) in (0, killed):  # noqa: ASYNC110
                        await anyio.sleep(0.005)

            async with anyio.create_task_group() as group:
                group.start_soon(kill)
                for writer in range(WRITERS):
                    group.start_soon(write, writer)
            told = (await http.get("/health")).json()["flights"]
            # the writes that were cut off are those of the killed worker, and no others
            assert len(acknowledged) >= WRITERS * WRITES_OF_EACH * 3 // 4
    finally:
        service.send_signal(signal.SIGTERM)
        try:
            service.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
    with MongoClient(f"local://{store}") as client:
        flights = client.nycflights.flights
        found = Counter(each["flight"] for each in flights.find({"time_hour": {"$exists": True}, "_id": {"$gt": TEN}}))
    assert told == sum(found.values()) + 10
    assert acknowledged <= found.keys()
    assert set(found.values()) == {1}


TEN = flight(9)["_id"]


async def until_it_answers(http: Any) -> None:
    """Wait until the service is up."""
    import httpx

    with anyio.fail_after(PATIENCE_S):
        while True:
            try:
                if (await http.get("/health")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await anyio.sleep(0.05)
