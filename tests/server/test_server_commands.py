"""Commands about the server itself, over a socket: who asks is known, and a client may end the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from pymongo import AsyncMongoClient as RealClient
from pymongo.errors import PyMongoError

from amongo import AsyncMongoClient
from amongo.server.server import AsyncWireServer

Document = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    """PyMongo's own client knows asyncio alone."""
    return "asyncio"


pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[AsyncWireServer]:
    """A server of a store in memory."""
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0, **options) as server:
        yield server


async def test_the_profiler_and_current_op_know_who_asks() -> None:
    async with (
        served() as server,
        RealClient(f"mongodb://{server.address}/?directConnection=true&appName=tester") as real,
    ):
        await real.shop.command("profile", 2)
        await real.shop.c.insert_one({"_id": 1})
        await real.shop.command("profile", 0)
        (note,) = await real.shop["system.profile"].find({"op": "insert"}).to_list()
        shown = (note["client"], note["appName"], note["protocol"], note["user"], note["ninserted"])
        assert shown == ("127.0.0.1", "tester", "op_msg", "", 1)
        (operation,) = (await real.admin.command("currentOp"))["inprog"]
        assert operation["appName"] == "tester" and operation["clientMetadata"]["driver"]["name"].startswith("PyMongo")
        assert operation["client"] == (await real.admin.command("whatsmyuri"))["you"]
        assert operation["desc"] == f"conn{operation['connectionId']}"


async def test_the_server_tells_how_it_was_set_up() -> None:
    async with (
        served(test_commands=True) as server,
        RealClient(f"mongodb://{server.address}/?directConnection=true") as real,
    ):
        parsed = (await real.admin.command("getCmdLineOpts"))["parsed"]
        host, _, port = server.address.rpartition(":")
        assert parsed["net"] == {"bindIp": host, "port": int(port)}
        assert parsed["setParameter"] == {"enableTestCommands": 1} and "security" not in parsed
        (member,) = (await real.admin.command("replSetGetStatus"))["members"]
        assert member["name"] == server.address == (await real.admin.command("hello"))["me"]
        warnings = (await real.admin.command("getLog", "startupWarnings"))["log"]
        assert "Access control is not enabled" in json.loads(warnings[-1])["msg"]
    assert (await client_options())["parsed"] == {}


async def client_options() -> Document:
    """What a store says of itself that nobody serves."""
    async with AsyncMongoClient("memory://") as client:
        return dict(await client.admin.command("getCmdLineOpts"))


async def test_a_client_ends_the_server() -> None:
    async with AsyncMongoClient("memory://") as client:
        async with AsyncWireServer(client, port=0) as server:
            uri = f"mongodb://{server.address}/?directConnection=true&serverSelectionTimeoutMS=200"
            async with RealClient(uri) as real:
                assert (await real.admin.command("shutdown"))["ok"] == 1.0
                with anyio.fail_after(10):
                    await server.wait_closed()
                with pytest.raises(PyMongoError):
                    await real.admin.command("ping")
        assert (await client.admin.command("ping"))["ok"] == 1.0
