"""Who a client is, said by PyMongo's own clients over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import anyio
import pymongo
import pytest
from pymongo.errors import ConfigurationError, OperationFailure
from pymongo.server_api import ServerApi
from serving_process import served as served_by_process
from test_wire_drivers import served
from typer.testing import CliRunner

from amongo import AsyncMongoClient
from amongo.cli import build
from amongo.runtime.limits import LOGIN_MESSAGE_BYTES
from amongo.server.compression import COMPRESSORS
from amongo.server.server import AsyncWireServer
from tests.server.hostile import body, compressed, flags
from tests.server.raw_client import connected

Document = dict[str, Any]
MECHANISMS = ["DEFAULT", "SCRAM-SHA-256", "SCRAM-SHA-1"]

USERS = {
    "plain": "pencil",
    "a,n=n/@:%": "p=a,s:s/@%?",
    "ännä": "pässwörd",
    "Ⅸ": "\u2168\u00a0\u00aa",  # a letter that is another by SASLprep, and a space that is none
    "دریا": "گذرواژه",
    "spaces and\ttabs": " ",
    "digested": "x" * 500,
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with these users, made by the first of them, who was made from this machine."""
    with served(auth=True) as address:
        with pymongo.MongoClient(f"mongodb://{address}") as client:
            client.admin.command("createUser", "root", pwd="root", roles=["root"])
        with pymongo.MongoClient(f"mongodb://root:root@{address}") as client:
            for name, password in USERS.items():
                client.shop.command("createUser", name, pwd=password, roles=["readWrite"])
        yield address


def client(address: str, user: str, password: str, mechanism: str = "DEFAULT", **options: Any) -> Any:
    if mechanism != "DEFAULT":
        options["authMechanism"] = mechanism
    options = {"authSource": "shop", "serverSelectionTimeoutMS": 10_000, **options}
    return pymongo.MongoClient(f"mongodb://{quote_plus(user)}:{quote_plus(password)}@{address}", **options)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", USERS)
def test_a_user_says_who_it_is(address: str, user: str, mechanism: str) -> None:
    with client(address, user, USERS[user], mechanism) as connected:
        assert connected.shop.things.insert_one({"by": user}).acknowledged
        info = connected.admin.command("connectionStatus")["authInfo"]
        assert info["authenticatedUsers"] == [{"user": user, "db": "shop"}]
        assert info["authenticatedUserRoles"] == [{"role": "readWrite", "db": "shop"}]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    ("user", "password", "source"),
    [
        ("plain", "pen", "shop"),
        ("nobody", "pencil", "shop"),
        ("plain", "pencil", "admin"),
        ("Ännä", "pässwörd", "shop"),
    ],
)
def test_a_wrong_password_and_a_user_that_is_not_there_are_one(
    address: str, mechanism: str, user: str, password: str, source: str
) -> None:
    connected = client(address, user, password, mechanism, authSource=source)
    with connected, pytest.raises(OperationFailure) as caught:
        connected.shop.things.find_one()
    details = caught.value.details or {}
    assert {name: details[name] for name in ("code", "codeName", "errmsg")} == {
        "code": 18,
        "codeName": "AuthenticationFailed",
        "errmsg": "Authentication failed.",
    }


def test_a_password_is_typed_in_two_ways_that_saslprep_makes_one(address: str) -> None:
    with client(address, "Ⅸ", "IX a", "SCRAM-SHA-256") as connected:
        assert connected.shop.things.insert_one({}).acknowledged
    with client(address, "Ⅸ", "IX a", "SCRAM-SHA-1") as connected, pytest.raises(OperationFailure):
        connected.shop.things.find_one()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_clients_of_the_strict_stable_api_say_who_they_are(address: str, mechanism: str) -> None:
    api = ServerApi("1", strict=True)
    with client(address, "plain", "pencil", mechanism, server_api=api) as connected:
        assert connected.shop.things.insert_one({}).acknowledged


def test_plain_is_refused(address: str) -> None:
    options = {"authMechanism": "PLAIN", "authSource": "$external"}
    with client(address, "plain", "pencil", **options) as connected, pytest.raises(OperationFailure) as caught:
        connected.shop.things.find_one()
    assert caught.value.code == 334


def test_a_certificate_cannot_be_shown_without_tls(address: str) -> None:
    connected: Any = pymongo.MongoClient(f"mongodb://{address}", authMechanism="MONGODB-X509", username="CN=ann")
    with connected, pytest.raises(OperationFailure) as caught:
        connected.shop.things.find_one()
    assert caught.value.code == 18


def test_a_user_with_one_mechanism(address: str) -> None:
    with client(address, "root", "root", authSource="admin") as connected:
        connected.shop.command("createUser", "old", pwd="x", roles=[], mechanisms=["SCRAM-SHA-1"])
    for mechanism in ("DEFAULT", "SCRAM-SHA-1"):
        with client(address, "old", "x", mechanism) as connected:
            connected.admin.command("ping")
    with client(address, "old", "x", "SCRAM-SHA-256") as connected, pytest.raises(OperationFailure) as caught:
        connected.admin.command("ping")
    assert caught.value.code == 18


def test_a_new_password(address: str) -> None:
    with client(address, "root", "root", authSource="admin") as connected:
        connected.shop.command("createUser", "changing", pwd="one", roles=["read"])
        with client(address, "changing", "one") as changing:
            changing.shop.things.find_one()
            connected.shop.command("updateUser", "changing", pwd="two")
            changing.shop.things.find_one()  # who is connected stays so
        with client(address, "changing", "one") as changing, pytest.raises(OperationFailure):
            changing.shop.things.find_one()
        with client(address, "changing", "two") as changing:
            changing.shop.things.find_one()
            connected.shop.command("dropUser", "changing")
            with pytest.raises(OperationFailure) as caught:
                changing.shop.things.find_one()
            assert caught.value.code == 13


def test_a_unix_socket_is_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "amongo.sock"
    with served(socket_path=path, auth=True):
        place = quote_plus(str(path))
        with pymongo.MongoClient(f"mongodb://{place}") as driver:
            with pytest.raises(OperationFailure) as caught:
                driver.shop.things.find_one()
            assert caught.value.code == 13
            driver.admin.command("createUser", "root", pwd="root", roles=["root"])
        with client(place, "root", "root", authSource="admin") as driver:
            assert driver.shop.things.insert_one({}).acknowledged


@pytest.mark.anyio
async def test_who_has_not_said_who_it_is_sends_no_long_message() -> None:
    long = {"ping": 1, "$db": "admin", "comment": "x" * LOGIN_MESSAGE_BYTES}
    (zlib,) = [each for each in COMPRESSORS if each.name == "zlib"]
    async with AsyncMongoClient("memory://") as store, AsyncWireServer(store, port=0, auth=True) as server:
        async with connected(server.address) as raw:
            assert (await raw.ask({**long, "comment": "x" * 40_000}))["ok"] == 1
            await raw.send(long)
            assert await raw.is_ended()
        async with connected(server.address) as raw:
            await raw.stream.send(compressed(flags(0) + body(long), zlib))
            assert await raw.is_ended()
        async with connected(server.address) as raw:
            assert (await raw.ask({"createUser": "root", "pwd": "root", "roles": ["root"], "$db": "admin"}))["ok"] == 1

        def ask_as_root() -> Any:
            with pymongo.MongoClient(f"mongodb://root:root@{server.address}") as root:
                return root.admin.command(long)["ok"]

        assert await anyio.to_thread.run_sync(ask_as_root) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_asynchronous_client(address: str, mechanism: str, anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("PyMongo's own client runs on asyncio alone")
    options: Any = {} if mechanism == "DEFAULT" else {"authMechanism": mechanism}
    for user, password, code in (("ännä", "pässwörd", 0), ("ännä", "wrong", 18)):
        uri = f"mongodb://{quote_plus(user)}:{quote_plus(password)}@{address}/?authSource=shop"
        async with pymongo.AsyncMongoClient(uri, **options) as driver:
            try:
                await driver.shop.things.find_one()
                found = 0
            except OperationFailure as error:
                found = error.code or -1
        assert found == code


def test_users_are_users_of_the_store(tmp_path: Path) -> None:
    uri = f"local://{tmp_path / 'store'}"
    with served(uri, auth=True) as address, pymongo.MongoClient(f"mongodb://{address}") as connected:
        connected.admin.command("createUser", "root", pwd="root", roles=["root"])
    with served(uri, auth=True) as address:
        with client(address, "root", "root", authSource="admin") as connected:
            connected.shop.things.find_one()
        with pymongo.MongoClient(f"mongodb://{address}") as connected, pytest.raises(OperationFailure) as caught:
            connected.admin.command("createUser", "second", pwd="x", roles=["root"])
        assert caught.value.code == 13


# Who is served


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_others_are_not_served_without_being_asked_who_they_are(host: str) -> None:
    for options in ({}, {"auth": False}):
        with pytest.raises(ConfigurationError, match="auth"):
            AsyncWireServer(AsyncMongoClient("memory://"), host=host, **options)
    for options in ({"auth": True}, {"bind_without_auth": True}):
        AsyncWireServer(AsyncMongoClient("memory://"), host=host, **options)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"])
def test_this_machine_is(host: str) -> None:
    AsyncWireServer(AsyncMongoClient("memory://"), host=host)


def test_a_server_of_all_addresses_tells_each_client_its_own() -> None:
    with served(host="0.0.0.0", auth=True) as address:
        port = address.rpartition(":")[2]
        with pymongo.MongoClient(f"mongodb://127.0.0.1:{port}") as connected:
            assert connected.admin.command("hello")["me"] == f"127.0.0.1:{port}"
            assert connected.is_primary


def test_a_server_tells_what_it_is_told_to() -> None:
    with served(advertised="db.example.org:4711") as address:
        with pymongo.MongoClient(f"mongodb://{address}/?directConnection=true") as connected:
            hello = connected.admin.command("hello")
        assert (hello["me"], hello["hosts"]) == ("db.example.org:4711", ["db.example.org:4711"])


@pytest.mark.parametrize(
    ("options", "word"),
    [(["--host", "0.0.0.0"], "--bind-without-auth"), (["--tls-ca-file", "x.pem"], "--tls-certificate-key-file")],
)
def test_options_that_do_not_go_together(options: list[str], word: str) -> None:
    found = CliRunner().invoke(build(), ["serve", ":memory:", "--port", "0", *options])
    assert (found.exit_code, word in found.stderr) == (2, True)


def test_the_command_line() -> None:
    with served_by_process(":memory:", "--auth", "--host", "0.0.0.0") as uri:
        address = uri.removeprefix("mongodb://").replace("0.0.0.0", "127.0.0.1")
        with pymongo.MongoClient(f"mongodb://{address}") as connected:
            with pytest.raises(OperationFailure) as caught:
                connected.shop.things.find_one()
            assert caught.value.code == 13
            connected.admin.command("createUser", "root", pwd="root", roles=["root"])
        with client(address, "root", "root", authSource="admin") as driver:
            assert driver.shop.things.insert_one({}).acknowledged
