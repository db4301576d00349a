"""Many tasks, threads and clients on one store."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
)

from amongo import AsyncCollection, AsyncMongoClient, MongoClient
from amongo.client.opening import _shares
from amongo.engine.log.format import FORMAT_VERSION, HEADER_BYTES, pack_header, parse_header

pytestmark = pytest.mark.anyio

TASKS = 200


async def test_no_update_is_lost(tmp_path: Path) -> None:
    """200 tasks: small updates on the loop, updates by a scan on workers, reads between them, all of 20 documents."""
    async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
        coll = client.db.coll
        await coll.insert_many([{"_id": n, "n": 0, "group": n % 2} for n in range(20)])
        await coll.insert_many([{"_id": n, "filler": True} for n in range(100, 400)])  # so that scans take workers
        expected = [0] * 20

        async def work(number: int) -> None:
            chance = random.Random(number)
            for turn in range(6):
                target = chance.randrange(20)
                await coll.find_one({"_id": target})
                if turn < 3:
                    await coll.update_one({"_id": target}, {"$inc": {"n": 1}})
                elif turn < 5:
                    await coll.update_one({"_id": {"$gte": target}, "n": {"$gte": 0}, "t": target}, {"$inc": {"n": 1}})
                    await coll.find_one_and_update({"_id": target, "n": {"$gte": 0}}, {"$inc": {"n": 1}})
                else:
                    await coll.bulk_write([UpdateOne({"_id": target}, {"$inc": {"n": 1}})])
                expected[target] += 1

        async with anyio.create_task_group() as group:
            for number in range(TASKS):
                group.start_soon(work, number)
        assert [document["n"] async for document in coll.find({"_id": {"$lt": 20}})] == expected
    with MongoClient(f"local://{tmp_path}/store") as reopened:
        assert [document["n"] for document in reopened.db.coll.find({"_id": {"$lt": 20}})] == expected


async def test_update_many_and_single_updates() -> None:
    """A big update runs on a worker while others change the same documents: each change counts once."""
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.coll
        await coll.insert_many([{"_id": n, "n": 0} for n in range(2500)])
        results = []

        async def all_at_once() -> None:
            results.append(await coll.update_many({"n": {"$gte": 0}}, {"$inc": {"n": 1000}}))

        async def one_by_one() -> None:
            for n in range(0, 2500, 5):
                await coll.update_one({"_id": n}, {"$inc": {"n": 1}})

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(all_at_once)
                group.start_soon(one_by_one)
        assert {result.matched_count for result in results} == {2500}
        assert {result.modified_count for result in results} == {2500}
        assert await coll.count_documents({"n": 3003}) == 500
        assert await coll.count_documents({"n": 3000}) == 2000


async def test_update_many_while_documents_come_and_go(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
        coll = client.db.coll
        await coll.insert_many([{"_id": n, "n": 0} for n in range(2000)])

        async def insert() -> None:
            for start in range(10_000, 12_000, 100):
                await coll.insert_many([{"_id": n, "n": 0} for n in range(start, start + 100)])

        async def delete() -> None:
            for start in range(0, 1000, 100):
                await coll.delete_many({"_id": {"$gte": start, "$lt": start + 100}})

        async def update() -> None:
            for _ in range(5):
                result = await coll.update_many({}, {"$inc": {"n": 1}})
                assert 1000 <= result.matched_count == result.modified_count <= 4000

        async with anyio.create_task_group() as group:
            for call in (insert, delete, update):
                group.start_soon(call)
        documents = await coll.find().to_list()
        assert sorted(document["_id"] for document in documents) == [*range(1000, 2000), *range(10_000, 12_000)]
        assert {document["n"] for document in documents if document["_id"] < 2000} == {5}
        assert all(0 <= document["n"] <= 5 for document in documents)
    with MongoClient(f"local://{tmp_path}/store") as reopened:
        assert reopened.db.coll.find().to_list() == documents


async def test_upserts_of_one_id() -> None:
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.coll
        await client.db.coll.insert_many([{"_id": -n, "filler": True} for n in range(1, 200)])
        upserted: list[Any] = []

        async def by_id(number: int) -> None:
            result = await coll.update_one({"_id": number % 5}, {"$inc": {"n": 1}}, upsert=True)
            upserted.append(result.upserted_id)

        async def by_scan(number: int) -> None:
            result = await coll.update_one({"_id": number % 5, "filler": None}, {"$inc": {"n": 1}}, upsert=True)
            upserted.append(result.upserted_id)

        async def and_return(number: int) -> None:
            document = await coll.find_one_and_update(
                {"_id": number % 5}, {"$inc": {"n": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
            assert document is not None

        async with anyio.create_task_group() as group:
            for number in range(TASKS):
                group.start_soon((by_id, by_scan, and_return)[number % 3], number)
        documents = await coll.find({"filler": None}).to_list()
        assert sorted(document["_id"] for document in documents) == [0, 1, 2, 3, 4]
        assert sum(document["n"] for document in documents) == TASKS
        assert len([identity for identity in upserted if identity is not None]) <= 5


async def test_inserts_of_one_id(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
        inserted: list[int] = []
        refused: list[int] = []

        async def insert(number: int) -> None:
            documents = [{"_id": n, "by": number} for n in range(100)]
            try:
                if number % 2:
                    await client.db.coll.insert_one(documents[0])
                    inserted.append(1)
                else:
                    await client.db.coll.insert_many(documents, ordered=number % 4 == 0)
                    inserted.append(100)
            except DuplicateKeyError:
                refused.append(1)
            except BulkWriteError as error:
                inserted.append(error.details["nInserted"])
                refused.append(len(error.details["writeErrors"]))

        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(insert, number)
        assert sum(inserted) == 100 == await client.db.coll.count_documents({})
        assert sum(refused) > 0
        assert len(await client.db.coll.distinct("_id")) == 100


def test_threads_of_the_blocking_client(tmp_path: Path) -> None:
    with MongoClient(f"local://{tmp_path}/store") as client:
        coll = client.db.coll
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for n in range(60):
                    coll.update_one({"_id": n % 7}, {"$inc": {"n": 1}}, upsert=True)
                    coll.insert_one({"by": number})
                    coll.count_documents({"by": number})
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert sum(document["n"] for document in coll.find({"n": {"$exists": True}})) == 480
        assert coll.count_documents({"by": {"$exists": True}}) == 480


async def test_collections_that_come_and_go() -> None:
    async with AsyncMongoClient("memory://") as client:
        database = client.db
        refused: list[int] = []

        async def write(number: int) -> None:
            for n in range(20):
                await database.coll.insert_many([{"by": number, "n": each} for each in range(100)])
                await database.coll.update_many({"by": number}, {"$inc": {"n": 1}})
                await database.coll.count_documents({"n": n})

        async def drop() -> None:
            for _ in range(20):
                await database.drop_collection("coll")
                await anyio.sleep(0.001)

        async def rename() -> None:
            for _ in range(20):
                try:
                    await database.coll.rename("other", dropTarget=True)
                except OperationFailure as error:
                    refused.append(error.code or 0)
                await anyio.sleep(0.001)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(write, number)
            group.start_soon(drop)
            group.start_soon(rename)
        assert set(refused) <= {26}
        for name in await database.list_collection_names():
            documents = await database[name].find().to_list()
            assert len(documents) == await database[name].count_documents({}) == len({d["_id"] for d in documents})


# Clients that share a store, and stores that cannot be had


async def test_two_clients_share_a_store(tmp_path: Path) -> None:
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as one:
        async with AsyncMongoClient(f"local://{tmp_path}/./store") as other:
            await one.db.coll.insert_one({"_id": 1})
            assert await other.db.coll.find_one() == {"_id": 1}

            async def count_up(coll: AsyncCollection[dict[str, Any]]) -> None:
                for _ in range(100):
                    await coll.update_one({"_id": 1}, {"$inc": {"n": 1}})

            async with anyio.create_task_group() as group:
                group.start_soon(count_up, one.db.coll)
                group.start_soon(count_up, other.db.coll)
            assert await one.db.coll.find_one() == {"_id": 1, "n": 200}
        await one.db.coll.insert_one({"_id": 2})
    assert _shares[("local", str(tmp_path / "store"))].users == 0
    async with AsyncMongoClient(address) as again:
        assert await again.db.coll.count_documents({}) == 2


async def test_clients_of_several_event_loops(tmp_path: Path) -> None:
    """One store, two event loops in two threads, and a blocking client in a third."""
    address = f"local://{tmp_path}/store"

    async def work(seed: int) -> None:
        async with AsyncMongoClient(address) as client:
            journaled = client.db.coll.with_options(write_concern=client.write_concern.__class__(j=True))
            for n in range(50):
                await client.db.coll.update_one({"_id": 0}, {"$inc": {"n": 1}}, upsert=True)
                await journaled.insert_one({"seed": seed, "n": n})

    def on_a_loop(backend: str, seed: int) -> None:
        anyio.run(work, seed, backend=backend)

    def blocking() -> None:
        with MongoClient(address) as client:
            for n in range(50):
                client.db.coll.update_one({"_id": 0}, {"$inc": {"n": 1}}, upsert=True)
                client.db.coll.insert_one({"seed": 3, "n": n})

    async with AsyncMongoClient(address) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, on_a_loop, "asyncio", 1)
            group.start_soon(anyio.to_thread.run_sync, on_a_loop, "trio", 2)
            group.start_soon(anyio.to_thread.run_sync, blocking)
        assert await client.db.coll.find_one({"_id": 0}) == {"_id": 0, "n": 150}
        assert await client.db.coll.count_documents({"seed": {"$exists": True}}) == 150


async def test_a_store_of_another_process(tmp_path: Path) -> None:
    program = (
        "import sys; from amongo import MongoClient; client = MongoClient(sys.argv[1]); "
        "client.db.coll.insert_one({'_id': 1}); print('open', flush=True); sys.stdin.readline(); client.close()"
    )
    address = f"local://{tmp_path}/store"
    command = [sys.executable, "-c", program, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:  # noqa: ASYNC220
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        async with AsyncMongoClient(f"{address}?shared=false") as client:
            with pytest.raises(ConnectionFailure, match=f"in use by process {owner.pid};"):
                await client.db.coll.find_one()
            with pytest.raises(ConnectionFailure, match=f"in use by process {owner.pid};"):
                await client.db.coll.insert_one({})
            owner.communicate("close\n")
            assert owner.returncode == 0
            assert await client.db.coll.find_one() == {"_id": 1}  # free now, and the client needs no new one


_FORKING = """
import os, sys
from amongo import MongoClient
from pymongo.errors import ConnectionFailure

address = sys.argv[1]
client, other, memory = MongoClient(address), MongoClient(address), MongoClient("memory://")
for each in (client, other, memory):
    each.db.coll.insert_many([{} for _ in range(100)])
open_cursor = client.db.coll.find(batch_size=2)
next(open_cursor)
if os.fork() == 0:
    try:
        for each in (client, other, MongoClient(address)):
            try:
                each.db.coll.insert_one({})
            except ConnectionFailure as error:
                assert f"process {os.getppid()}" in str(error), error
            else:
                raise AssertionError("the child has written")
        memory.db.coll.insert_one({})
        assert memory.db.coll.count_documents({}) == 101
        os._exit(0)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
print(os.wait()[1])
client.db.coll.insert_one({})
print(client.db.coll.count_documents({}), memory.db.coll.count_documents({}))
parent = os.getpid()
reading, writing = os.pipe()
if os.fork() == 0:  # outlives its parent, and gets the store then
    os.read(reading, 1)
    print(client.db.coll.count_documents({}), flush=True)
    os._exit(0)
for each in (client, other, memory):
    each.close()
os.write(writing, b"x")
os.wait()
"""


def test_a_forked_child(tmp_path: Path) -> None:
    """A store on disk stays with the parent, whichever client the child uses, and is free when the parent is done."""
    command = [sys.executable, "-c", _FORKING, f"local://{tmp_path}/store?shared=false"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == ["0", "201 100", "201"], done


async def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    for path in (file, file / "below"):
        async with AsyncMongoClient(f"local://{path}") as client:
            with pytest.raises(ConfigurationError):
                await client.db.coll.insert_one({})
    assert file.read_text() == "precious"


async def test_a_store_of_a_newer_format(tmp_path: Path) -> None:
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as client:
        await client.db.coll.insert_one({"_id": 1})
    (log,) = (tmp_path / "store" / "log").iterdir()
    written = log.read_bytes()
    newer = _with_format_version(written, FORMAT_VERSION + 1)
    log.write_bytes(newer)
    async with AsyncMongoClient(address) as client:
        with pytest.raises(ConfigurationError, match=f"format version {FORMAT_VERSION + 1}"):
            await client.db.coll.find_one()
    assert log.read_bytes() == newer
    log.write_bytes(written)
    async with AsyncMongoClient(address) as client:
        assert await client.db.coll.find_one() == {"_id": 1}


def _with_format_version(written: bytes, version: int) -> bytes:
    """The log file with another version in its header, which has a checksum of its own."""
    header = parse_header(written[:HEADER_BYTES], "log")
    return pack_header(header._replace(version=version)) + written[HEADER_BYTES:]


# Closing


async def test_closing_while_operations_run(tmp_path: Path) -> None:
    """Each operation ends whole or is refused, and what was acknowledged is there afterwards."""
    address = f"local://{tmp_path}/store"
    acknowledged: list[str] = []
    outcomes: list[str] = []

    async def write(client: AsyncMongoClient[Any], round_number: int, number: int) -> None:
        try:
            for n in range(10_000):
                identity = f"{round_number}-{number}-{n}"
                await client.db.coll.insert_many([{"_id": f"{identity}-{each}"} for each in range(20)])
                acknowledged.append(identity)
                await client.db.coll.update_many({"_id": f"{identity}-0"}, {"$set": {"a": 1}})
                await client.db.coll.find({"a": 1}, batch_size=3).to_list(10)
        except (InvalidOperation, OperationFailure) as error:
            outcomes.append(type(error).__name__)

    for round_number in range(6):
        client: AsyncMongoClient[Any] = AsyncMongoClient(address)
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(write, client, round_number, number)
            await anyio.sleep(0.02 + 0.01 * round_number)
            await client.close()
            await client.close()
        with pytest.raises(InvalidOperation, match="after close"):
            await client.db.coll.find_one()
    assert len(outcomes) == 60
    async with AsyncMongoClient(address) as client:
        there = {document["_id"] async for document in client.db.coll.find()}
    assert {f"{identity}-{each}" for identity in acknowledged for each in range(20)} <= there
    assert len(there) % 20 == 0


async def test_closing_one_of_two_clients_while_it_works(tmp_path: Path) -> None:
    address = f"local://{tmp_path}/store"
    async with AsyncMongoClient(address) as other:
        await other.db.coll.insert_many([{"_id": n} for n in range(3000)])
        client: AsyncMongoClient[Any] = AsyncMongoClient(address)
        errors: list[Exception] = []

        async def read() -> None:
            try:
                while True:
                    await client.db.coll.find({"_id": {"$gte": 0}}, batch_size=100).to_list()
            except InvalidOperation as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(read)
            await anyio.sleep(0.05)
            await client.close()
        assert len(errors) == 4
        assert await other.db.coll.count_documents({}) == 3000
        assert len(other._runner.instance.cursors) == 0  # type: ignore[attr-defined]
