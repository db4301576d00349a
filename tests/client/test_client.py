"""Opening, sharing and closing a client; its options and addresses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pymongo
import pytest
from bson.binary import UuidRepresentation
from pymongo import WriteConcern
from pymongo.driver_info import DriverInfo
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidOperation, InvalidURI

from amongo import AsyncMongoClient, MongoClient
from amongo.client.address import Address, embedded_address
from amongo.client.opening import _shares

pytestmark = pytest.mark.anyio
_HERE = str(Path.cwd().resolve())

_ADDRESSES: list[tuple[str, Any, Address | None]] = [
    ("memory", "memory://", Address("memory://")),
    ("memory with options", "memory://?w=1&journal=true", Address("memory://", query="w=1&journal=true")),
    ("memory with a name", "memory://a", Address("memory://a", name="a")),
    ("memory with a database", "memory://a/db", Address("memory://a/db", name="a", database="db")),
    ("memory with only a database", "memory:///db", Address("memory:///db", database="db")),
    ("relative path", "local://a/b", Address("local://a/b", path=f"{_HERE}/a/b")),
    ("absolute path", "local:///a/b?w=1", Address("local:///a/b", path="/a/b", query="w=1")),
    ("path with an escape", "local:///a%20b", Address("local:///a%20b", path="/a b")),
    ("path with dots", "local:///a/../b/.", Address("local:///a/../b/.", path="/b")),
    ("in a list", ["local:///a"], Address("local:///a", path="/a")),
    ("PyMongo's", "mongodb://localhost", None),
    ("PyMongo's with srv", "mongodb+srv://example.com", None),
    ("host", "localhost", None),
    ("host and port", "localhost:27018", None),
    ("list of hosts", ["localhost", "example.com"], None),
    ("nothing", None, None),
    ("number", 3, None),
]


@pytest.mark.parametrize(("name", "host", "expected"), _ADDRESSES, ids=[case[0] for case in _ADDRESSES])
def test_address(name: str, host: Any, expected: Address | None) -> None:
    assert embedded_address(host) == expected


@pytest.mark.parametrize(
    ("uri", "error", "message"),
    [
        ("http://x", InvalidURI, "Invalid URI scheme: URI must begin with one of 'local://', 'memory://', "),
        ("local://", InvalidURI, "Must provide a path: 'local://relative/path' or 'local:///absolute/path'"),
        ("local://?w=1", InvalidURI, "Must provide a path"),
        ("local:///a%00b", InvalidURI, "a path must not contain the null character"),
        ("memory://a/b.c", InvalidURI, 'Bad database name "b.c"'),
        ("memory://?w", InvalidURI, "MongoDB URI options are key=value pairs"),
        ("memory://?w=1&a=2;b=3", InvalidURI, "Can not mix '&' and ';' for option separators"),
        ("memory://?w=0&journal=true", ConfigurationError, "Cannot set w to 0 and j to True"),
        ("memory://?tls=true", ConfigurationError, "tls is not for embedded addresses"),
        (["memory://", "memory://"], ConfigurationError, "host must not contain multiple MongoDB URIs"),
    ],
)
def test_bad_addresses(uri: Any, error: type[Exception], message: str) -> None:
    for kind in (AsyncMongoClient, MongoClient):
        with pytest.raises(error) as caught:
            kind(uri)
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tz_aware": "yes"}, ValueError),
        ({"document_class": 3}, TypeError),
        ({"type_registry": 3}, TypeError),
        ({"w": -1}, ValueError),
        ({"uuidRepresentation": "what"}, ValueError),
        ({"bogus": 1}, ConfigurationError),
        ({"port": "27017"}, TypeError),
    ],
)
def test_bad_options_as_pymongo(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as expected:
        pymongo.MongoClient("mongodb://localhost", connect=False, **options)
    with pytest.raises(error) as caught:
        AsyncMongoClient("memory://", **options)
    assert str(caught.value) == str(expected.value)


def test_options_of_the_query_string() -> None:
    client = AsyncMongoClient("memory://?w=1&journal=true&tz_aware=true&uuidRepresentation=standard")
    assert client.write_concern == WriteConcern(w=1, j=True)
    assert client.codec_options.tz_aware
    assert client.codec_options.uuid_representation == UuidRepresentation.STANDARD
    assert client.db.coll.write_concern == client.write_concern
    assert client.options.retry_writes


def test_pymongos_own_client() -> None:
    assert type(AsyncMongoClient("mongodb://localhost", connect=False)) is pymongo.AsyncMongoClient
    assert type(AsyncMongoClient(connect=False)) is pymongo.AsyncMongoClient
    assert type(AsyncMongoClient("localhost", 27018, connect=False)) is pymongo.AsyncMongoClient
    with MongoClient("mongodb://localhost", connect=False) as client:
        assert type(client) is pymongo.MongoClient


def test_naming() -> None:
    client = AsyncMongoClient("memory://shared")
    assert client.a.b.c.full_name == "a.b.c"
    assert client["a"]["b.c"] == client.a.b.c
    assert client.a != client.b
    assert hash(client.a.b) == hash(client["a"]["b"])
    assert client == AsyncMongoClient("memory://shared")
    assert client != AsyncMongoClient("memory://other")
    assert AsyncMongoClient("memory://") != AsyncMongoClient("memory://")
    assert repr(client.a.b) == (
        "AsyncCollection(AsyncDatabase(AsyncMongoClient(host=['memory://shared'], document_class=dict, "
        "tz_aware=False, connect=True), 'a'), 'b')"
    )
    assert AsyncMongoClient("memory:///app").get_default_database().name == "app"
    assert AsyncMongoClient("memory://").get_default_database("other").name == "other"


async def test_what_it_says_of_itself(client: AsyncMongoClient) -> None:
    assert await client.is_primary
    assert not await client.is_mongos
    assert await client.address == await client.primary == ("memory://", None)
    assert await client.secondaries == await client.arbiters == set()
    assert client.nodes == {("memory://", None)}
    assert client.topology_description.has_writable_server()
    assert (await client.server_info())["version"].startswith("8.0")
    client.append_metadata(DriverInfo("Beanie", "1.0"))


async def test_nothing_is_opened_before_the_first_operation(tmp_path: Path) -> None:
    client = AsyncMongoClient(f"local://{tmp_path}/store")
    assert not (tmp_path / "store").exists()
    await client.aconnect()
    assert (tmp_path / "store").is_dir()
    await client.close()


async def test_clients_of_one_path_share_a_store(tmp_path: Path) -> None:
    uri = f"local://{tmp_path}/store"
    first, second = AsyncMongoClient(uri), AsyncMongoClient(f"{uri}/../store?w=1")
    await first.db.coll.insert_one({"_id": 1})
    assert await second.db.coll.find_one() == {"_id": 1}
    await first.close()
    await second.db.coll.insert_one({"_id": 2})
    await second.close()
    async with AsyncMongoClient(uri) as third:
        assert await third.db.coll.find().to_list() == [{"_id": 1}, {"_id": 2}]
    assert all(share.users == 0 for share in _shares.values())


async def test_memory_is_shared_by_name_alone() -> None:
    async with AsyncMongoClient("memory://one") as first, AsyncMongoClient("memory://one") as second:
        await first.db.coll.insert_one({"_id": 1})
        assert await second.db.coll.find_one() == {"_id": 1}
        async with AsyncMongoClient("memory://") as own, AsyncMongoClient("memory://two") as other:
            assert await own.db.coll.find_one() is None
            assert await other.db.coll.find_one() is None
    async with AsyncMongoClient("memory://one") as later:
        assert await later.db.coll.find_one() is None


async def test_tasks_that_open_at_once_get_one_store(tmp_path: Path) -> None:
    async with AsyncMongoClient(f"local://{tmp_path}/store") as client:
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(client.db.coll.insert_one, {"_id": number})
        assert await client.db.coll.estimated_document_count() == 10
    assert all(share.users == 0 for share in _shares.values())


async def test_closing(client: AsyncMongoClient) -> None:
    cursor = client.db.coll.find()
    await client.db.coll.insert_one({})
    await client.close()
    await client.aclose()
    for operation in (
        lambda: client.db.coll.find_one({}),
        lambda: client.db.coll.insert_one({}),
        lambda: client.db.command("ping"),
        cursor.to_list,
        client.list_database_names,
    ):
        with pytest.raises(InvalidOperation, match="Cannot use AsyncMongoClient after close"):
            await operation()


async def test_a_client_closed_before_it_was_opened() -> None:
    client = AsyncMongoClient("memory://")
    await client.close()
    with pytest.raises(InvalidOperation, match="Cannot use AsyncMongoClient after close"):
        await client.db.coll.find_one({})


async def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = AsyncMongoClient(f"local://{tmp_path}/file")
    with pytest.raises(ConfigurationError, match="is a file; a store is a directory"):
        await client.db.coll.find_one({})
    await client.close()
    assert all(share.users == 0 for share in _shares.values())


def test_a_store_of_another_process(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom amongo import MongoClient\n"
        f"MongoClient('local://{tmp_path}/store').db.coll.insert_one({{}})\n"
        "print('open', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={"PYTHONPATH": _HERE}, text=True) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with MongoClient(f"local://{tmp_path}/store?shared=false") as client:
            with pytest.raises(ConnectionFailure, match=f"in use by process {owner.pid}"):
                client.db.coll.find_one({})
            owner.stdin.close()
            owner.wait()
            assert client.db.coll.estimated_document_count() == 1


async def test_a_forgotten_client_warns(tmp_path: Path) -> None:
    client = AsyncMongoClient(f"local://{tmp_path}/store")
    await client.db.coll.insert_one({})
    with pytest.warns(ResourceWarning, match="Unclosed AsyncMongoClient"):
        client.__del__()
    await client.close()
