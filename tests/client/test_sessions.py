"""Sessions as users see them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from bson import Timestamp
from bson.binary import Binary
from pymongo.errors import InvalidOperation

from amongo import AsyncMongoClient
from amongo.client.session import ServerSession, SessionPool

pytestmark = pytest.mark.anyio


async def test_a_session(client: AsyncMongoClient) -> None:
    async with client.start_session(causal_consistency=True) as session:
        assert type(session.session_id["id"]) is Binary
        assert session.session_id["id"].subtype == 4
        assert session.client is client
        assert session.options.causal_consistency
        assert (session.has_ended, session.in_transaction) == (False, False)
        await client.db.coll.insert_one({"_id": 1}, session=session)
        await client.db.coll.insert_many([{"_id": 2}], session=session)
        await client.db.coll.update_one({"_id": 1}, {"$set": {"a": 1}}, session=session)
        assert await client.db.coll.find({}, session=session).to_list() == [{"_id": 1, "a": 1}, {"_id": 2}]
        assert await client.db.coll.count_documents({}, session=session) == 2
        assert await client.db.coll.find_one({"_id": 2}, session=session) == {"_id": 2}
        assert client.db.coll.find(session=session).session is session
    assert session.has_ended
    await session.end_session()
    with pytest.raises(InvalidOperation, match="Cannot use ended session"):
        _ = session.session_id


async def test_sessions_in_many_batches(client: AsyncMongoClient) -> None:
    await client.db.coll.insert_many([{"_id": n} for n in range(300)])
    async with client.start_session() as session:
        assert len(await client.db.coll.find(session=session).to_list()) == 300
        cursor = await client.db.coll.aggregate([], session=session, batchSize=100)
        assert len(await cursor.to_list()) == 300


async def test_ids_are_used_again_unless_dirty(client: AsyncMongoClient) -> None:
    first = client.start_session()
    identity = first.session_id
    await first.end_session()
    second = client.start_session()
    assert second.session_id == identity
    assert second._server_session is not None
    second._server_session.mark_dirty()
    await second.end_session()
    assert client.start_session().session_id != identity


def test_the_pool_forgets_sessions_that_timed_out() -> None:
    pool = SessionPool()
    old = ServerSession()
    old.last_use -= 30 * 60
    pool.give_back(old)
    assert pool.take() is not old
    pool.give_back(old)
    assert pool.pop_all() == [old.session_id]
    assert pool.pop_all() == []


async def test_a_bound_session(client: AsyncMongoClient) -> None:
    session = client.start_session()
    async with session.bind() as bound:
        assert bound is session
        assert (await client.db.command("ping"))["ok"] == 1.0
        async with AsyncMongoClient("memory://") as other:
            with pytest.raises(InvalidOperation, match="Can only use session with the AsyncMongoClient"):
                await other.db.command("ping")
    assert session.has_ended


async def test_times(client: AsyncMongoClient) -> None:
    session = client.start_session()
    session.advance_operation_time(Timestamp(5, 1))
    session.advance_operation_time(Timestamp(4, 1))
    assert session.operation_time == Timestamp(5, 1)
    session.advance_cluster_time({"clusterTime": Timestamp(3, 1)})
    session.advance_cluster_time({"clusterTime": Timestamp(2, 1)})
    assert session.cluster_time == {"clusterTime": Timestamp(3, 1)}
    wrong: list[tuple[Any, Any]] = [
        (session.advance_operation_time, 3),
        (session.advance_cluster_time, 3),
        (session.advance_cluster_time, {}),
    ]
    for advance, value in wrong:
        with pytest.raises(TypeError):
            advance(value)
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(session)
