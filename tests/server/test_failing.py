"""Failpoints over a socket: what a driver sees of commands that fail on purpose."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pymongo
import pytest
from pymongo.errors import (
    AutoReconnect,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from amongo import AsyncMongoClient
from amongo.server.server import AsyncWireServer

Client = pymongo.AsyncMongoClient[dict[str, Any]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # PyMongo's


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[Client]:
    async with (
        AsyncMongoClient("memory://") as store,
        AsyncWireServer(store, port=0, test_commands=True) as server,
        pymongo.AsyncMongoClient(f"mongodb://{server.address}", retryReads=False, appName="till") as client,
    ):
        await client.shop.fruit.insert_many([{"_id": each} for each in range(5)])
        yield client


async def fail(client: Client, mode: Any = "alwaysOn", name: str = "failCommand", **data: Any) -> None:
    await client.admin.command({"configureFailPoint": name, "mode": mode, "data": data})


pytestmark = pytest.mark.anyio


async def test_a_command_fails_as_often_as_it_is_told(client: Client) -> None:
    await fail(client, {"times": 2}, failCommands=["find"], errorCode=2)
    for _ in range(2):
        with pytest.raises(OperationFailure) as caught:
            await client.shop.fruit.find_one()
        assert (caught.value.code, caught.value.details) and caught.value.details is not None
        assert caught.value.details["codeName"] == "BadValue"
    assert await client.shop.fruit.find_one() == {"_id": 0}
    assert (await client.admin.command("configureFailPoint", "failCommand", mode="off"))["count"] == 2


async def test_a_connection_is_closed_before_the_command_runs(client: Client) -> None:
    await fail(client, {"times": 2}, failCommands=["insert"], closeConnection=True)
    with pytest.raises(AutoReconnect):
        await client.shop.fruit.insert_one({"_id": "lost"})  # retried once
    assert await client.shop.fruit.find_one({"_id": "lost"}) is None


async def test_a_write_whose_answer_is_lost_is_made_once(client: Client) -> None:
    await fail(client, {"times": 1}, "onPrimaryTransactionalWrite")
    await client.shop.fruit.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert await client.shop.fruit.find_one({"_id": 1}) == {"_id": 1, "n": 1}


async def test_a_retryable_write_is_retried_for_its_label(client: Client) -> None:
    await fail(client, {"times": 1}, failCommands=["insert"], errorCode=10107)
    assert (await client.shop.fruit.insert_one({"_id": 9})).inserted_id == 9


async def test_labels_that_are_given_take_the_place_of_the_servers(client: Client) -> None:
    await fail(client, {"times": 1}, failCommands=["insert"], errorCode=10107, errorLabels=[])
    with pytest.raises(NotPrimaryError):
        await client.shop.fruit.insert_one({"_id": 9})
    await fail(client, {"times": 1}, failCommands=["find"], errorCode=2, errorLabels=["Mine"])
    with pytest.raises(OperationFailure) as caught:
        await client.shop.fruit.find_one()
    assert caught.value.has_error_label("Mine")


async def test_a_write_concern_that_is_not_satisfied(client: Client) -> None:
    concern = {"code": 64, "errmsg": "too slow"}
    await fail(client, failCommands=["insert", "find"], writeConcernError=concern)
    with pytest.raises(WriteConcernError) as caught:
        await client.shop.fruit.insert_one({"_id": 9})
    assert caught.value.details == concern
    assert await client.shop.fruit.find_one({"_id": 9}) == {"_id": 9}  # it was made; and a read has no such concern


async def test_a_write_that_fails_waits_for_its_concern_all_the_same(client: Client) -> None:
    reply = await client.shop.command({"drop": "nothing", "writeConcern": {"w": 2}}, check=False, write_concern=None)
    assert reply["writeConcernError"]["code"] == 100
    failing = {"create": "fruit", "capped": True, "size": 1000, "writeConcern": {"w": 2}}
    with pytest.raises(PyMongoError) as caught:
        await client.shop.command(failing)
    details = getattr(caught.value, "details", None)
    assert details is not None
    assert (details["code"], details["writeConcernError"]["code"]) == (48, 100)


async def test_a_command_waits(client: Client) -> None:
    began = time.monotonic()
    async with anyio.create_task_group() as group:
        await fail(client, {"times": 1}, failCommands=["find"], blockConnection=True, blockTimeMS=100)
        group.start_soon(client.shop.fruit.find_one)
    assert time.monotonic() - began >= 0.1


async def test_a_command_whose_time_is_over_while_it_waits_does_not_run(client: Client) -> None:
    await fail(client, {"times": 1}, failCommands=["insert"], blockConnection=True, blockTimeMS=10_000)
    with pytest.raises(ExecutionTimeout):
        await client.shop.command({"insert": "fruit", "documents": [{"_id": 9}], "maxTimeMS": 10})
    assert await client.shop.fruit.find_one({"_id": 9}) is None


async def test_only_the_application_that_is_named(client: Client) -> None:
    await fail(client, failCommands=["find"], errorCode=2, appName="other")
    assert await client.shop.fruit.find_one() == {"_id": 0}
    await fail(client, failCommands=["find"], errorCode=2, appName="till")
    with pytest.raises(OperationFailure):
        await client.shop.fruit.find_one()


async def test_the_time_of_what_has_a_limit_is_over(client: Client) -> None:
    cursor = client.shop.fruit.find(batch_size=2).max_time_ms(60_000)
    await cursor.next()
    await fail(client, name="maxTimeAlwaysTimeOut")
    with pytest.raises(ExecutionTimeout):
        await cursor.to_list()
    with pytest.raises(ExecutionTimeout):
        await client.shop.fruit.find_one(max_time_ms=60_000)
    assert await client.shop.fruit.find_one() == {"_id": 0}


async def test_hello_fails_for_the_one_that_is_meant(client: Client) -> None:
    await fail(client, failCommands=["hello"], errorCode=2, appName="till")
    with pytest.raises(OperationFailure):
        await client.admin.command("hello")
    assert (await client.admin.command("isMaster"))["ok"] == 1
