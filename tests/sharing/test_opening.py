"""Who owns a store, who attaches, and who is told that he cannot."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.errors import ConfigurationError, ConnectionFailure

from amongo import AsyncMongoClient, MongoClient
from amongo.client import opening
from amongo.client.runner import Runner
from amongo.client.sharing import membership
from amongo.client.sharing.attached import AttachedRunner
from amongo.client.sharing.places import SOCKET_NAME
from amongo.commands.instance import Instance
from amongo.errors import ErrorCode, ServerError
from amongo.server.server import AsyncWireServer
from tests.sharing.members import ROOT, Member

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stores are shared on Unix alone")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def owner(store: Path) -> Iterator[Member]:
    with Member(f"local://{store}") as member:
        assert member.ask("open") == "owner"
        yield member


def test_the_socket_is_the_users_own_and_goes_with_the_owner(store: Path) -> None:
    with MongoClient(f"local://{store}") as client:
        client.db.coll.insert_one({"_id": 1})
        mode = (store / SOCKET_NAME).lstat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert not [name for name in os.listdir(store) if name.startswith("s") and name != "snapshots"]
    assert not (store / SOCKET_NAME).exists()


def test_who_owns_alone_pays_one_sleeping_thread(store: Path) -> None:
    def sharing() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "amongo-sharing"]

    with MongoClient(f"local://{store}") as client, MongoClient(f"local://{store}") as second:
        client.db.coll.insert_one({"_id": 1})
        assert second.db.coll.find_one() == {"_id": 1}
        assert sharing() == ["amongo-sharing"]
        (serving,) = (share.store._serving for share in opening._shares.values() if share.store is not None)
        assert serving._loop is None  # it has no event loop before somebody comes
    assert sharing() == []


def test_an_owner_that_does_not_share(store: Path) -> None:
    with Member(f"local://{store}?shared=false") as owner:
        assert owner.ask("open") == "owner"
        assert not (store / SOCKET_NAME).exists()
        with (
            MongoClient(f"local://{store}") as client,
            pytest.raises(ConnectionFailure, match=f"in use by process {owner.pid}"),
        ):
            client.db.coll.find_one()


def test_one_who_does_not_want_to_share(owner: Member, store: Path) -> None:
    with (
        MongoClient(f"local://{store}?shared=false") as client,
        pytest.raises(ConnectionFailure, match=f"in use by process {owner.pid}"),
    ):
        client.db.coll.find_one()
    with pytest.raises(ServerError) as caught:  # a tool
        Instance.open(str(store))
    assert caught.value.code == ErrorCode.DBPathInUse


def test_what_shared_may_be() -> None:
    with pytest.raises(ConfigurationError, match="shared must be 'true' or 'false', not 'maybe'"):
        MongoClient("local://data?shared=maybe")
    with MongoClient("local://data?w=1&Shared=FALSE&journal=true") as client:
        assert not client._address.is_shared
        assert client.write_concern.document == {"w": 1, "j": True}


def test_a_long_path(tmp_path: Path) -> None:
    store = tmp_path / ("long" * 30) / ("longer" * 20)
    with Member(f"local://{store}") as owner:
        assert owner.ask("open") == "owner"
        with MongoClient(f"local://{store}") as client:
            client.db.coll.insert_one({"_id": 1})
            assert isinstance(client._runner, AttachedRunner)
        assert owner.ask("find", filter={}) == [{"_id": 1}]


def test_another_version(owner: Member, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "FINGERPRINT", 1)
    with (
        MongoClient(f"local://{store}") as client,
        pytest.raises(ConfigurationError, match=rf"owned by process {owner.pid}, which runs amongo .* run one version"),
    ):
        client.db.coll.find_one()


def test_a_directory_that_has_no_room_for_a_socket(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is owned and not shared; the others are told at once."""

    def refuse(directory: str) -> None:
        raise PermissionError("no sockets here")

    monkeypatch.setattr(membership, "Meeting", refuse)
    with MongoClient(f"local://{store}") as client:
        client.db.coll.insert_one({"_id": 1})
        with Member(f"local://{store}") as other, pytest.raises(RuntimeError, match="in use by process"):
            other.ask("open")


def test_several_begin_at_once(store: Path) -> None:
    members = [Member(f"local://{store}", backend) for backend in ("asyncio", "trio", "asyncio", "trio")]
    for member in members:
        member.tell("open")
    assert sorted(member.answer() for member in members) == ["attached", "attached", "attached", "owner"]
    for member in members:
        member.tell("insert", document={"_id": member.pid})
    for member in members:
        assert member.answer() == member.pid
    for member in members:
        member.end()
    with MongoClient(f"local://{store}") as client:
        assert client.db.coll.distinct("_id") == sorted(member.pid for member in members)


@pytest.mark.anyio
async def test_a_server_is_for_who_owns_the_store(owner: Member, store: Path) -> None:
    async with AsyncMongoClient(f"local://{store}") as client:
        with pytest.raises(ConnectionFailure, match="another process owns the store"):
            async with AsyncWireServer(client, port=0):
                pass


_FORKING = """
import os, sys
from amongo import MongoClient

client = MongoClient(sys.argv[1])
client.db.coll.insert_one({"_id": "parent"})
reading, writing = os.pipe()
child = os.fork()
if not child:
    os.close(writing)
    client.db.coll.insert_one({"_id": "child"})
    print(type(client._runner).__name__, flush=True)
    os.read(reading, 1)  # until the parent is gone
    client.db.coll.insert_one({"_id": "heir"})
    print(type(client._runner).__name__, client.db.coll.count_documents({}), flush=True)
    os._exit(0)
while client.db.coll.count_documents({}) < 2:
    pass
os._exit(0)
"""


def test_a_forked_child_attaches_to_its_parent_and_takes_over_from_it(store: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _FORKING, f"local://{store}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.stdout.splitlines() == ["AttachedRunner", "Runner 3"], done


def test_the_runner_of_an_owner_is_the_plain_one(store: Path) -> None:
    with MongoClient(f"local://{store}") as client:
        client.db.coll.find_one()
        assert type(client._runner) is Runner
