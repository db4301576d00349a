"""PyMongo's own clients, as they are, over real sockets."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import anyio
import bson
import pymongo
import pytest
from bson import Decimal128, Int64
from pymongo.errors import BulkWriteError, ConfigurationError, DuplicateKeyError, OperationFailure

from amongo import AsyncMongoClient
from amongo.server.compression import COMPRESSORS
from amongo.server.server import AsyncWireServer

Document = dict[str, Any]


@contextlib.contextmanager
def served(uri: str = "memory://", **options: Any) -> Iterator[str]:
    """A server in a thread of its own; its address."""
    ready, done = Event(), Event()
    found: list[str] = []

    async def main() -> None:
        async with AsyncMongoClient(uri) as client, AsyncWireServer(client, port=0, **options) as server:
            found.append(server.address)
            ready.set()
            await anyio.to_thread.run_sync(done.wait)

    thread = Thread(target=anyio.run, args=(main,))
    thread.start()
    assert ready.wait(20)
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[pymongo.MongoClient[Document]]:
    with pymongo.MongoClient(f"mongodb://{address}", serverSelectionTimeoutMS=5000) as client:
        client.drop_database("wire")
        yield client


def test_a_driver_finds_a_replica_set(client: pymongo.MongoClient[Document], address: str) -> None:
    client.admin.command("ping")
    assert client.is_primary
    assert client.topology_description.topology_type_name == "ReplicaSetWithPrimary"
    hello = client.admin.command("hello")
    assert (hello["setName"], hello["me"]) == ("amongo", address)


def test_a_driver_that_names_the_set_follows_it(address: str) -> None:
    with pymongo.MongoClient(f"mongodb://{address}/?replicaSet=amongo", serverSelectionTimeoutMS=5000) as client:
        client.admin.command("ping")
        assert client.topology_description.topology_type_name == "ReplicaSetWithPrimary"


def test_reading_and_writing(client: pymongo.MongoClient[Document]) -> None:
    things = client.wire.things
    things.insert_many([{"_id": each, "n": Int64(each), "d": Decimal128("1.50")} for each in range(500)])
    assert [each["_id"] for each in things.find({"n": {"$gte": 490}}, batch_size=3)] == list(range(490, 500))
    assert things.find_one({"_id": 7}) == {"_id": 7, "n": Int64(7), "d": Decimal128("1.50")}
    assert things.update_many({"n": {"$lt": 10}}, {"$set": {"small": True}}).modified_count == 10
    assert things.delete_many({"small": True}).deleted_count == 10
    assert things.count_documents({}) == 490
    assert things.find_one_and_update({"_id": 20}, {"$inc": {"n": 1000}}, return_document=True)["n"] == 1020
    found = things.aggregate([{"$match": {"_id": {"$lt": 13}}}, {"$group": {"_id": None, "n": {"$sum": "$n"}}}])
    assert list(found) == [{"_id": None, "n": 10 + 11 + 12}]
    assert sorted(things.distinct("_id", {"_id": {"$gt": 497}})) == [498, 499]
    things.create_index("n", unique=True)
    with pytest.raises(DuplicateKeyError):
        things.insert_one({"n": Int64(30)})
    with pytest.raises(BulkWriteError) as caught:
        things.bulk_write([pymongo.InsertOne({"_id": 30}), pymongo.InsertOne({"_id": 1000})], ordered=False)
    assert caught.value.details["nInserted"] == 1


def test_errors_have_their_codes(client: pymongo.MongoClient[Document]) -> None:
    with pytest.raises(OperationFailure) as caught:
        client.wire.command("noSuchCommand")
    assert caught.value.code == 59
    with pytest.raises(OperationFailure) as caught:
        client.wire.things.find_one({"$noSuchOperator": 1})
    assert caught.value.code == 2


def test_unacknowledged_writes(client: pymongo.MongoClient[Document]) -> None:
    things = client.wire.get_collection("things", write_concern=pymongo.WriteConcern(w=0))
    for each in range(20):
        things.insert_one({"_id": each})
    assert client.wire.things.count_documents({}) == 20


def test_an_exhaust_cursor(client: pymongo.MongoClient[Document]) -> None:
    client.wire.things.insert_many([{"_id": each} for each in range(1000)])
    cursor = client.wire.things.find(cursor_type=pymongo.CursorType.EXHAUST, batch_size=50)
    assert [each["_id"] for each in cursor] == list(range(1000))


@pytest.mark.parametrize("name", [each.name for each in COMPRESSORS])
def test_compression(address: str, name: str) -> None:
    if name == "snappy":
        pytest.importorskip("snappy", reason="PyMongo needs python-snappy for it")
    with pymongo.MongoClient(f"mongodb://{address}/?compressors={name}") as client:
        client.drop_database("wire")
        client.wire.things.insert_many([{"_id": each, "text": "x" * 1000} for each in range(100)])
        assert sum(len(each["text"]) for each in client.wire.things.find()) == 100_000


def test_a_standalone_says_so() -> None:
    with served(standalone=True) as address, pymongo.MongoClient(f"mongodb://{address}") as client:
        hello = client.admin.command("hello")
        assert "setName" not in hello
        assert "$clusterTime" not in hello
        assert "topologyVersion" in hello
        client.wire.things.insert_one({"_id": 1})
        assert client.wire.things.find_one() == {"_id": 1}


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"replSetGetStatus": 1}, 76, "not running with --replSet"),
    ({"replSetStepDown": 1}, 76, "not running with --replSet"),
    (
        {"insert": "things", "documents": [{}], "txnNumber": Int64(1)},
        20,
        "Transaction numbers are only allowed on a replica set member or mongos",
    ),
    (
        {"find": "things", "readConcern": {"level": "snapshot"}},
        123,
        "node needs to be a replica set member to use readConcern: snapshot",
    ),
    (
        {"find": "things", "readConcern": {"level": "linearizable"}},
        123,
        "node needs to be a replica set member to use read concern",
    ),
    (
        {"aggregate": "things", "pipeline": [{"$changeStream": {}}], "cursor": {}},
        40573,
        "The $changeStream stage is only supported on replica sets",
    ),
]


def test_a_standalone_refuses_what_needs_a_replica_set() -> None:
    with served(standalone=True) as address, pymongo.MongoClient(f"mongodb://{address}") as client:
        for command, code, message in REFUSED:
            with pytest.raises(OperationFailure) as caught:
                client["admin" if code == 76 else "shop"].command(dict(command))
            assert (caught.value.code, (caught.value.details or {})["errmsg"]) == (code, message)
        assert client.admin.command({"find": "things", "readConcern": {"level": "majority"}})["ok"] == 1
    with served() as address, pymongo.MongoClient(f"mongodb://{address}") as client:
        for command, code, _ in REFUSED[2:]:
            assert client.shop.command(dict(command))["ok"] == 1, code


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "amongo.sock"
    with served(socket_path=path), pymongo.MongoClient(f"mongodb://{str(path).replace('/', '%2F')}") as client:
        client.wire.things.insert_one({"_id": 1})
        assert client.wire.things.find_one() == {"_id": 1}
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        with served(f"local://{tmp_path / 'store'}") as address, pymongo.MongoClient(f"mongodb://{address}") as client:
            assert client.wire.things.count_documents({}) == number
            client.wire.things.insert_one({})


def test_only_this_machine_is_served() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "example.org"):
        with pytest.raises(ConfigurationError, match="host"):
            AsyncWireServer(AsyncMongoClient("memory://"), host=host)


@pytest.fixture
async def server() -> AsyncIterator[AsyncWireServer]:
    async with AsyncMongoClient("memory://") as client, AsyncWireServer(client, port=0) as server:
        yield server


@pytest.mark.anyio
async def test_pymongo_async(server: AsyncWireServer, anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("PyMongo's own client runs on asyncio alone")
    async with pymongo.AsyncMongoClient(f"mongodb://{server.address}") as client:
        things = client.wire.things
        async with anyio.create_task_group() as group:
            for each in range(30):
                group.start_soon(things.insert_one, {"_id": each})
        assert await things.count_documents({}) == 30
        assert sorted([each["_id"] async for each in things.find(batch_size=7)]) == list(range(30))


@pytest.mark.anyio
async def test_noise_ends_its_connection_alone(server: AsyncWireServer) -> None:
    host, _, port = server.address.rpartition(":")
    async with await anyio.connect_tcp(host, int(port)) as other:
        for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(16), b"\xff" * 64, b"\x10\0\0\0" + bytes(12)):
            async with await anyio.connect_tcp(host, int(port)) as stream:
                await stream.send(noise)
                with anyio.fail_after(10), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
        ping = b"\0\0\0\0\0" + bson.encode({"ping": 1, "$db": "admin"})
        await other.send(struct.pack("<iiii", 16 + len(ping), 5, 0, 2013) + ping)
        reply = await other.receive()
        assert struct.unpack_from("<iiii", reply) == (len(reply), struct.unpack_from("<i", reply, 4)[0], 5, 2013)
        assert bson.decode(reply[21:])["ok"] == 1.0
        assert server.connections == 1
