"""The node's own facts as a user of the client sees them."""

from __future__ import annotations

import anyio
import pytest
from pymongo.errors import OperationFailure

from amongo import AsyncCollection, AsyncMongoClient

pytestmark = pytest.mark.anyio


async def test_statistics_through_the_client(coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n} for n in range(3)])
    await coll.find_one({"_id": 1})
    (shown,) = await (await coll.aggregate([{"$collStats": {"count": {}}}])).to_list()
    assert (shown["ns"], shown["count"]) == ("db.coll", 3)
    (index,) = await (await coll.aggregate([{"$indexStats": {}}])).to_list()
    assert (index["name"], index["accesses"]["ops"]) == ("_id_", 1)


async def test_search_is_refused_as_on_a_server_without_it(coll: AsyncCollection) -> None:
    with pytest.raises(OperationFailure) as caught:
        await (await coll.list_search_indexes()).to_list()
    assert caught.value.code == 31082


async def test_a_session_is_listed(client: AsyncMongoClient) -> None:
    async with client.start_session() as session:
        await client.db.command("ping", session=session)
        listed = await (await client.db.aggregate([{"$listLocalSessions": {}}])).to_list()
        assert session.session_id["id"] in [each["_id"]["id"] for each in listed]


async def test_a_running_operation_is_seen_and_killed(client: AsyncMongoClient, coll: AsyncCollection) -> None:
    await coll.insert_many([{"_id": n, "text": "x" * 200} for n in range(20_000)])
    codes = []

    async def run_until_killed() -> None:
        with pytest.raises(OperationFailure) as caught:
            while True:
                await coll.find({"text": {"$regex": "z.*z.*z"}}, {"_id": 1}).to_list()
        codes.append(caught.value.code)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(run_until_killed)
            while not codes:
                await anyio.sleep(0.001)
                for each in (await client.admin.command("currentOp", ns="db.coll"))["inprog"]:
                    assert (each["op"], each["command"]["find"]) == ("query", "coll")
                    await client.admin.command("killOp", op=each["opid"])
    assert codes == [11601]
