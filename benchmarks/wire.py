"""Requests a second over sockets, through PyMongo's own async client, beside SecantusDB's server in the same run.

Both servers are processes of their own with their stores on disk, asked by turns; the load comes from as many processes
as there are processors, for one client sends less than a server answers. What of the time is the server's own stands in
rows of its own: where clients and servers share the processors, the clients take most of them.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.documents import people
from benchmarks.loop_lag import collector_off, sampled
from benchmarks.peer_adapters import secantus_process
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import MEMORY, fresh_client, fresh_directory
from benchmarks.wire_load import OPERATIONS, filled

SECTION: Final = "wire"
PEER: Final = "SecantusDB"
_LEAST: Final = Budget(3.0, is_ceiling=False)
_MOST_LAG: Final = Budget(5.0)
_CHUNK: Final = 5_000
_HERE: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Load:
    """What a server has answered.

    rate     requests a second
    p99_ms   of the time of a request
    cpu_us   processor time of the server for one
    own_us   and of the client
    """

    rate: float
    p99_ms: float
    cpu_us: float
    own_us: float

    def text(self) -> str:
        """In words."""
        return f"{self.rate:,.0f}/s, p99 {self.p99_ms:.3g} ms"


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Every operation with every number of connections, then the loop's lag while a pipeline runs."""
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_amongo(stack.enter_context(fresh_directory(parent))))
        theirs = None
        if importlib.util.find_spec("secantus") is not None:
            directory = stack.enter_context(fresh_directory(parent))
            theirs = stack.enter_context(secantus_process(directory, standalone=False))
        for server in (ours, theirs):
            if server is not None:
                await filled(server[0])
        for name in OPERATIONS:
            for connections in sizes.wire_connections:
                rows += await _compared(name, connections, ours, theirs, sizes)
    return [*rows, await _lag_row(sizes, parent)]


async def _compared(
    name: str, connections: int, ours: tuple[int, int], theirs: tuple[int, int] | None, sizes: Sizes
) -> list[Row]:
    title = f"{name}, {connections} connection{'s' * (connections > 1)}"
    mine: list[Load] = []
    others: list[Load] = []
    try:
        for number in range(sizes.wire_rounds):
            mine.append(await _loaded(*ours, name, connections, sizes.wire_seconds, number))
            if theirs is not None:
                others.append(await _loaded(*theirs, name, connections, sizes.wire_seconds, number))
    except Exception as error:
        return [Row(SECTION, title, "amongo", None, "x", failure=failure_text(error))]
    we = _middle(mine)
    if not others:
        return [Row(SECTION, title, "amongo", we.rate, "/s", None, f"p99 {we.p99_ms:.3g} ms; {PEER} is not installed")]
    they = _middle(others)
    less = they.cpu_us / we.cpu_us if we.cpu_us else 0.0  # nothing could be seen in so short a time
    cpu = f"{we.cpu_us:.0f} µs, {PEER} {they.cpu_us:.0f} µs; the client's own {we.own_us:.0f} and {they.own_us:.0f} µs"
    return [
        Row(SECTION, title, "amongo", we.rate / they.rate, "x", _LEAST, f"{we.text()}; {PEER} {they.text()}"),
        Row(SECTION, "… processor time of the server", "amongo", less, "x", None, cpu),
    ]


def _middle(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.rate)[len(loads) // 2]


async def _loaded(port: int, pid: int, name: str, connections: int, seconds: float, number: int) -> Load:
    """Load a server from several processes at once."""
    count = min(connections, os.cpu_count() or 1)
    shares = [connections // count + (place < connections % count) for place in range(count)]
    processes: list[asyncio.subprocess.Process] = []
    try:
        for place, share in enumerate(shares):
            first = (number * count + place) * 10_000_000
            given = (str(port), name, str(share), str(seconds), str(first))
            processes.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "benchmarks.wire_load", *given),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=_HERE,
                    limit=2**28,
                )
            )
        for process in processes:
            assert process.stdout is not None
            expect((await process.stdout.readline()).strip(), b"ready", "a client")
        began_s = _cpu_s(pid)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
        told: list[dict[str, Any]] = []
        for process in processes:
            assert process.stdout is not None
            told.append(json.loads(await process.stdout.readline()))
            await process.wait()
        spent_s = _cpu_s(pid) - began_s
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
    took = sorted(each for one in told for each in one["took"])
    seconds = max(one["seconds"] for one in told)
    own_s = sum(one["cpu_s"] for one in told)
    p99_ms = took[int(len(took) * 0.99)] * 1000
    return Load(len(took) / seconds, p99_ms, spent_s / len(took) * 1e6, own_s / len(took) * 1e6)


def _cpu_s(pid: int) -> float:
    """Processor time that a process has taken, in seconds; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


@contextlib.contextmanager
def _amongo(directory: Path) -> Iterator[tuple[int, int]]:
    """(port, process) of a server of ours."""
    command = [sys.executable, "-m", "amongo.cli", "serve", str(directory / "store"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_HERE) as process:
        assert process.stdout is not None
        found = re.search(r":(\d+)\s*$", process.stdout.readline())
        try:
            assert found is not None, "the server does not say where it is"
            yield int(found[1]), process.pid
        finally:
            process.terminate()


async def _lag_row(sizes: Sizes, parent: str | None) -> Row:
    """How long the server's loop is held while a client runs a pipeline over many documents."""
    name = f"loop lag while a pipeline goes over {sizes.wire_documents:,} documents, p99"
    from amongo.server import AsyncWireServer

    lags = []
    try:
        async with fresh_client(MEMORY, parent) as client, AsyncWireServer(client, port=0) as server:
            for start in range(0, sizes.wire_documents, _CHUNK):
                await client["bench"]["people"].insert_many(people(min(_CHUNK, sizes.wire_documents - start)))
            for _ in range(sizes.lag_rounds):
                with collector_off():
                    async with sampled() as lag:
                        process = await asyncio.create_subprocess_exec(
                            *(sys.executable, "-m", "benchmarks.wire_pipeline", server.address),
                            cwd=_HERE,
                            stdout=subprocess.PIPE,
                        )
                        told, _ = await process.communicate()
                expect(json.loads(told), sizes.wire_documents, "documents that were counted")
                lags.append(lag)
    except Exception as error:
        return Row(SECTION, name, MEMORY, None, "ms", failure=failure_text(error))
    p99s = [lag.percentile(0.99) for lag in lags]
    middle = statistics.median_low(p99s)
    return Row(SECTION, name, MEMORY, middle, "ms", _MOST_LAG, lags[p99s.index(middle)].note())
