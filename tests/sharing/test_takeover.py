"""The owner goes, and one of the others takes the store over: what is lost then, and what is not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pymongo.errors import AutoReconnect, CursorNotFound, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from amongo import AsyncMongoClient, MongoClient
from amongo.client.runner import Runner
from amongo.client.sharing.attached import AttachedRunner
from tests.sharing.members import PATIENCE_S, Member

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name != "posix", reason="stores are shared on Unix alone"),
]
TAKEOVER_S = 10  # on a machine with other things to do; docs/guide/sharing.md says what is measured


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"local://{tmp_path}/store"


@pytest.fixture
def owner(uri: str) -> Iterator[Member]:
    """A process that owns the store, with a document in it."""
    with Member(uri) as member:
        assert member.ask("open") == "owner"
        member.ask("insert", document={"_id": "first", "n": 0})
        yield member


async def killed(owner: Member) -> None:
    await anyio.to_thread.run_sync(owner.kill)


async def test_the_one_that_is_left_takes_over(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client:
        coll = client.db.coll
        assert await coll.find_one() == {"_id": "first", "n": 0}
        assert isinstance(client._runner, AttachedRunner)
        await killed(owner)
        started = time.monotonic()
        await coll.update_one({"_id": "first"}, {"$inc": {"n": 1}})
        assert time.monotonic() - started < TAKEOVER_S
        assert isinstance(client._runner, Runner)
        assert await coll.find_one() == {"_id": "first", "n": 1}


async def test_it_takes_over_without_being_asked_anything(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client:
        await client.aconnect()
        await killed(owner)
        with anyio.fail_after(TAKEOVER_S):
            while not isinstance(client._runner, Runner):  # noqa: ASYNC110
                await anyio.sleep(0.001)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_others_attach_to_the_one_that_took_over(owner: Member, uri: str, anyio_backend: str) -> None:
    with Member(uri, "asyncio") as second, Member(uri, "trio") as third:
        assert second.ask("open") == third.ask("open") == "attached"
        await killed(owner)
        second.tell("insert", document={"_id": 2})
        third.tell("insert", document={"_id": 3})
        assert (second.answer(), third.answer()) == (2, 3)
        roles = {member: member.ask("role") for member in (second, third)}
        assert sorted(roles.values()) == ["attached", "owner"]
        (heir,) = (member for member, role in roles.items() if role == "owner")
        (last,) = {second, third} - {heir}
        heir.end()  # in good order this time
        assert [each["_id"] for each in last.ask("find", filter={"_id": {"$type": "number"}})] == [2, 3]
        assert last.ask("role") == "owner"


async def test_no_increment_is_lost_or_made_twice(owner: Member, uri: str) -> None:
    with Member(uri, "asyncio") as second, Member(uri, "trio") as third:
        second.tell("count_up", name="counter", times=300)
        third.tell("count_up", name="counter", times=300)
        assert second.answer() == third.answer() == "begun"
        await killed(owner)
        assert second.answer() + third.answer() == 600
        assert second.ask("find", filter={"_id": "counter"}) == [{"_id": "counter", "n": 600}]


async def test_many_writes_at_once(owner: Member, uri: str) -> None:
    """Each kind of write that may be repeated is there once, whatever the owner had done with it."""
    async with AsyncMongoClient(uri) as client:
        coll = client.db.coll
        await coll.insert_many([{"_id": n} for n in range(40)])
        begun = anyio.Event()

        async def write(n: int) -> None:
            if n == 20:
                begun.set()
            await coll.insert_one({"_id": f"one {n}"})
            await coll.insert_many([{"_id": f"many {n} {each}"} for each in range(3)])
            await coll.update_one({"_id": n}, {"$inc": {"n": 1}})
            found = await coll.find_one_and_update({"_id": n}, {"$inc": {"n": 1}})
            assert found == {"_id": n, "n": 1}
            assert (await coll.delete_one({"_id": f"many {n} 0"})).deleted_count == 1
            async with client.start_session() as session:
                await coll.update_one({"_id": n}, {"$inc": {"n": 1}}, session=session)

        async with anyio.create_task_group() as group:
            for n in range(40):
                group.start_soon(write, n)
            await begun.wait()
            await killed(owner)
        assert await coll.count_documents({"n": 3}) == 40
        assert await coll.count_documents({"_id": {"$regex": "^one"}}) == 40
        assert await coll.count_documents({"_id": {"$regex": "^many"}}) == 80


async def test_what_may_not_be_repeated_fails(owner: Member, uri: str) -> None:
    """An update of many that was on its way: nobody knows whether it was made."""
    async with AsyncMongoClient(uri) as client, AsyncMongoClient(f"{uri}?retryWrites=false") as careful:
        await client.db.coll.find_one()
        await careful.db.coll.find_one()
        failures: list[PyMongoError] = []

        async def update(coll: Any, many: bool) -> None:
            update = coll.update_many if many else coll.update_one
            try:
                while True:
                    await update({}, {"$inc": {"n": 1}})
                    if isinstance(coll.database.client._runner, Runner):
                        return
            except PyMongoError as error:
                failures.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(update, client.db.coll, True)
            group.start_soon(update, careful.db.coll, False)
            await killed(owner)
        assert all(isinstance(failure, AutoReconnect) for failure in failures)
        assert all(not failure.has_error_label("RetryableWriteError") for failure in failures)


async def test_cursors_of_the_old_owner_are_gone(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client:
        await client.db.many.insert_many([{"_id": n} for n in range(10)])
        cursor = client.db.many.find(batch_size=3)
        assert [(await cursor.next())["_id"] for _ in range(3)] == [0, 1, 2]
        await killed(owner)
        with pytest.raises(CursorNotFound) as caught:
            await cursor.to_list()
        assert caught.value.code == 43
        assert await client.db.many.count_documents({}) == 10


async def test_an_open_transaction_is_gone_and_run_again(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, client.start_session() as session:
        coll, runs = client.db.coll, []

        async def change(session: Any) -> None:
            runs.append(len(runs))
            await coll.update_one({"_id": "first"}, {"$inc": {"n": 1}}, session=session)
            if len(runs) == 1:
                await killed(owner)
            await coll.insert_one({"_id": "second"}, session=session)

        await session.with_transaction(change)
        assert len(runs) > 1
        assert await coll.find({}).sort("_id").to_list() == [{"_id": "first", "n": 1}, {"_id": "second"}]


async def test_its_failure_says_that_it_may_be_run_again(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, client.start_session() as session:
        await session.start_transaction()
        await client.db.coll.insert_one({"_id": "second"}, session=session)
        await killed(owner)
        with pytest.raises((AutoReconnect, OperationFailure)) as caught:
            await client.db.coll.insert_one({"_id": "third"}, session=session)
        assert caught.value.has_error_label("TransientTransactionError")
        await session.abort_transaction()
        assert await client.db.coll.distinct("_id") == ["first"]


async def test_a_transaction_that_was_committed_is_committed_again(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, client.start_session() as session:
        await session.start_transaction()
        await client.db.coll.insert_one({"_id": "second"}, session=session)
        await session.commit_transaction()
        await killed(owner)
        await session.commit_transaction()
        assert await client.db.coll.count_documents({"_id": "second"}) == 1


async def test_a_change_stream_goes_on_behind_its_last_event(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, await client.db.coll.watch() as stream:
        seen: list[Any] = []

        async def follow() -> None:
            while len(seen) < 40:
                seen.append((await stream.next())["documentKey"]["_id"])

        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            for n in range(40):
                if n == 20:
                    await killed(owner)
                await client.db.coll.insert_one({"_id": n})
        assert seen == list(range(40))


async def test_a_live_query_begins_anew(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, client.db.coll.live() as live:
        assert (await live.next()).documents == [{"_id": "first", "n": 0}]
        await client.db.coll.insert_one({"_id": "second"})
        assert (await live.next()).kind == "added"
        async with anyio.create_task_group() as group:
            group.start_soon(killed, owner)
            diff = await live.next()
        assert (diff.kind, diff.documents) == ("result", [{"_id": "first", "n": 0}, {"_id": "second"}])
        await client.db.coll.delete_one({"_id": "first"})
        assert (await live.next()).kind == "removed"
        assert live.documents == [{"_id": "second"}]


async def test_a_fork_was_in_the_owner(owner: Member, uri: str) -> None:
    async with AsyncMongoClient(uri) as client, await client.fork() as fork:
        await fork.db.coll.delete_many({})
        await killed(owner)
        with pytest.raises(OperationFailure, match="the fork is gone"):
            await fork.db.coll.find_one()
        assert await client.db.coll.count_documents({}) == 1


def test_the_blocking_client(owner: Member, uri: str) -> None:
    with MongoClient(uri) as client:
        assert client.db.coll.find_one() == {"_id": "first", "n": 0}
        owner.kill()
        assert client.db.coll.update_one({"_id": "first"}, {"$inc": {"n": 1}}).modified_count == 1
        assert client.db.coll.find_one() == {"_id": "first", "n": 1}


async def test_a_store_that_somebody_else_has_got_is_waited_for(
    owner: Member, uri: str, tmp_path: Path, anyio_backend: str
) -> None:
    """The store is locked by one that does not share it: operations wait, and say so in the end."""
    async with AsyncMongoClient(f"{uri}?serverSelectionTimeoutMS=200") as client:
        await client.aconnect()
        os.kill(owner.pid, 19)  # SIGSTOP: it neither answers nor goes
        os.kill(owner.pid, 18)
        membership = client._runner.membership  # type: ignore[union-attr]
        taken = membership._opened
        membership._opened = lambda has_patience: None  # as if a tool had locked the store
        await killed(owner)
        with pytest.raises(ServerSelectionTimeoutError, match="the process that owned the store"):
            await client.db.coll.find_one()
        membership._opened = taken
        with anyio.fail_after(PATIENCE_S):
            while not isinstance(client._runner, Runner):  # noqa: ASYNC110
                await anyio.sleep(0.01)
        assert await client.db.coll.find_one() == {"_id": "first", "n": 0}
