"""Processes that share a store with a test: each is told by lines what to do, and answers in lines.

Lines are JSON: {"do": name, …} there, {"done": …} or {"failed": class, …} back. To import amongo takes longer than most
of these tests, so one process (`python -m tests.sharing.members SOCKET`) does it, and forks for each connection.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any

import anyio
import anyio.abc
import trio  # noqa: F401 - now, and not in each process
from bson import json_util
from pymongo.errors import PyMongoError

from amongo import AsyncMongoClient
from amongo.client.runner import Runner

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20


@cache
def _forking() -> str:
    """The socket of the process that forks."""
    path = os.path.join(tempfile.mkdtemp(prefix="amongo"), "members")
    command = [sys.executable, "-W", "ignore", "-m", "tests.sharing.members", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline()

    def end() -> None:
        process.kill()
        process.wait()
        process.stdout.close()
        os.unlink(path)
        os.rmdir(os.path.dirname(path))

    atexit.register(end)
    return path


class Member:
    """A process with a client of the store."""

    def __init__(self, uri: str, backend: str = "asyncio") -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(_forking())
        self._file = self._socket.makefile("rw", encoding="utf-8")
        self.tell("be", uri=uri, backend=backend)
        self.pid: int = self.answer()

    def ask(self, do: str, **given: Any) -> Any:
        """What the process answers."""
        self.tell(do, **given)
        return self.answer()

    def tell(self, do: str, **given: Any) -> None:
        """Have it do something; `answer` gives what came of it."""
        self._file.write(json_util.dumps({"do": do, **given}) + "\n")
        self._file.flush()

    def answer(self) -> Any:
        """The next answer. errors: RuntimeError for a failure."""
        told = json_util.loads(self._file.readline() or '{"failed": "it has ended"}')
        if "failed" in told:
            raise RuntimeError(told)
        return told["done"]

    def kill(self) -> None:
        """End it at once; it is gone then."""
        os.kill(self.pid, signal.SIGKILL)
        self._gone()

    def end(self) -> None:
        """Let it close its client and end."""
        if not self._file.closed:
            self._socket.shutdown(socket.SHUT_WR)
            self._gone()

    def _gone(self) -> None:
        """Wait for the end of the process, which ends the connection."""
        try:
            while self._file.readline():
                pass
        except ConnectionError:
            pass
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


# What runs in the process


class _Part:
    def __init__(self, client: AsyncMongoClient[Any], file: IO[str]) -> None:
        self.client = client
        self.file = file
        self.sessions: list[Any] = []

    async def open(self) -> str:
        await self.client.aconnect()
        return await self.role()

    async def role(self) -> str:
        return "owner" if isinstance(self.client._runner, Runner) else "attached"

    async def insert(self, document: dict[str, Any]) -> Any:
        return (await self.client.db.coll.insert_one(document)).inserted_id

    async def find(self, filter: dict[str, Any]) -> Any:
        return await self.client.db.coll.find(filter).sort("_id").to_list()

    async def count_up(self, name: str, times: int) -> int:
        """Increment one document again and again; how often it was acknowledged."""
        acknowledged = 0
        for number in range(times):
            result = await self.client.db.coll.update_one({"_id": name}, {"$inc": {"n": 1}}, upsert=True)
            acknowledged += result.matched_count or result.upserted_id is not None
            if number == 10:
                _say(self.file, {"done": "begun"})
        return acknowledged

    async def begin(self, document: dict[str, Any]) -> None:
        """Begin a transaction that inserts a document, and leave it open."""
        session = self.client.start_session()
        self.sessions.append(session)
        await session.start_transaction()
        await self.client.db.coll.insert_one(document, session=session)

    async def commit(self) -> None:
        await self.sessions[-1].commit_transaction()


async def _main(uri: str, file: IO[str]) -> None:
    async with AsyncMongoClient(uri) as client:
        part = _Part(client, file)
        while line := await anyio.to_thread.run_sync(file.readline):
            asked = json_util.loads(line)
            try:
                done = await getattr(part, asked.pop("do"))(**asked)
                told = {"done": done}
            except PyMongoError as error:
                told = {"failed": type(error).__name__, "labels": sorted(error._error_labels), "why": str(error)}
            _say(file, told)


def _say(file: IO[str], told: dict[str, Any]) -> None:
    file.write(json_util.dumps(told) + "\n")
    file.flush()


def _be(connection: socket.socket) -> None:
    """Be a member until the connection ends."""
    reading, writing = connection.makefile("r", encoding="utf-8"), connection.makefile("w", encoding="utf-8")
    file: Any = _Both(reading, writing)
    asked = json_util.loads(reading.readline())
    _say(file, {"done": os.getpid()})
    anyio.run(_main, asked["uri"], file, backend=asked["backend"])


class _Both:
    """What is read and what is written, as one file."""

    def __init__(self, reading: IO[str], writing: IO[str]) -> None:
        self.readline = reading.readline
        self.write, self.flush = writing.write, writing.flush


def _fork(path: str) -> None:
    """Fork for each connection."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    print("listening", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            _be(connection)
        finally:
            os._exit(0)


if __name__ == "__main__":
    _fork(sys.argv[1])
