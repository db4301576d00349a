"""What PyMongo's own client may do as users with different roles, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from pymongo.errors import ClientBulkWriteException, OperationFailure
from test_wire_drivers import served

READ_SHOP = {"role": "read", "db": "shop"}
WRITE_SHOP = {"role": "readWrite", "db": "shop"}
USERS: dict[str, list[Any]] = {
    "root": ["root"],
    "reader": [READ_SHOP],
    "writer": [WRITE_SHOP],
    "auditor": ["clusterMonitor"],
    "nothing": [],
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(auth=True) as address:
        with pymongo.MongoClient(f"mongodb://{address}") as first:
            first.admin.command("createUser", "root", pwd="x", roles=["root"])
        with connected(address, "root") as root:
            for name in USERS.keys() - {"root"}:
                root.admin.command("createUser", name, pwd="x", roles=USERS[name])
            root.shop.fruit.insert_many([{"_id": number, "n": number % 3} for number in range(300)])
            root.other.fruit.insert_one({"_id": 1})
        yield address


def connected(address: str, user: str) -> Any:
    return pymongo.MongoClient(f"mongodb://{user}:x@{address}", serverSelectionTimeoutMS=10_000)


def refused(call: Any, *arguments: Any, **options: Any) -> bool:
    try:
        call(*arguments, **options)
    except OperationFailure as error:
        assert error.code == 13, error
        return True
    return False


def test_a_reader_reads_and_writes_nothing(address: str) -> None:
    with connected(address, "reader") as client:
        fruit = client.shop.fruit
        assert len(list(fruit.find(batch_size=50))) == fruit.count_documents({}) == 300
        assert len(list(fruit.aggregate([{"$group": {"_id": "$n"}}], batchSize=1))) == 3
        assert refused(fruit.insert_one, {"_id": 1000})
        assert refused(fruit.aggregate, [{"$out": "copy"}])
        assert refused(client.other.fruit.find_one)
        assert refused(client.drop_database, "shop")
        assert client.list_database_names() == ["shop"]
        assert client.shop.list_collection_names() == ["fruit"]
        with fruit.watch(max_await_time_ms=1) as stream:
            assert stream.try_next() is None
        assert refused(client.watch)


def test_a_writer_writes_in_sessions_and_transactions(address: str) -> None:
    with connected(address, "writer") as client, client.start_session() as session:
        with session.start_transaction():
            client.shop.notes.insert_one({"_id": 1}, session=session)
            assert client.shop.notes.find_one({"_id": 1}, session=session) == {"_id": 1}
        assert client.shop.notes.count_documents({}) == 1
        client.shop.notes.create_index("a")
        assert refused(client.other.notes.insert_one, {})
        models = [pymongo.InsertOne({"_id": 2}, namespace="shop.notes"), pymongo.InsertOne({}, namespace="other.notes")]
        with pytest.raises(ClientBulkWriteException) as raised:
            client.bulk_write(models)
        assert isinstance(raised.value.error, OperationFailure)
        assert raised.value.error.code == 13
        assert client.shop.notes.count_documents({}) == 1


def test_an_auditor_sees_the_server_and_no_documents(address: str) -> None:
    with connected(address, "auditor") as client:
        assert {"admin", "other", "shop"} <= set(client.list_database_names())
        assert client.admin.command("serverStatus")["ok"] == client.shop.command("dbStats")["ok"] == 1.0
        assert refused(client.shop.fruit.find_one)


def test_a_user_without_roles_may_do_nothing(address: str) -> None:
    with connected(address, "nothing") as client:
        assert client.admin.command("ping")["ok"] == 1.0
        assert client.list_database_names() == []
        assert refused(client.shop.fruit.find_one)
        assert refused(client.admin.command, "usersInfo", 1)


def test_a_role_of_ones_own_changes_while_somebody_has_it(address: str) -> None:
    with connected(address, "root") as root:
        privilege = {"resource": {"db": "shop", "collection": "fruit"}, "actions": ["find"]}
        root.shop.command("createRole", "clerk", privileges=[privilege], roles=[])
        root.admin.command("createUser", "ann", pwd="x", roles=[{"role": "clerk", "db": "shop"}])
        with connected(address, "ann") as ann:
            assert ann.shop.fruit.find_one({"_id": 1}) == {"_id": 1, "n": 1}
            cursor = ann.shop.fruit.find(batch_size=2)
            next(cursor)
            root.shop.command("updateRole", "clerk", privileges=[])
            assert refused(ann.shop.fruit.find_one)
            assert refused(list, cursor)
        root.shop.command("dropRole", "clerk")
        assert root.admin.command("usersInfo", "ann")["users"][0]["roles"] == []
