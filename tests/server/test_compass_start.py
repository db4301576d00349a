"""What Compass asks when it connects and when a collection is opened: the replies have the shape that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pymongo
import pytest
from bson import Int64
from pymongo.errors import OperationFailure

from tests.server.serving_process import served

Document = dict[str, Any]
INTEGER = (int, Int64)
NUMBER = (int, Int64, float)


@pytest.fixture(scope="module")
def client() -> Iterator[pymongo.MongoClient[Document]]:
    with served() as uri, pymongo.MongoClient(f"{uri}/?appName=MongoDB+Compass&directConnection=true") as client:
        client.shop.orders.insert_many([{"_id": each, "n": each % 3, "text": "x" * each} for each in range(50)])
        client.shop.orders.create_index("n", name="by n")
        client.shop.command({"create": "view", "viewOn": "orders", "pipeline": []})
        client.shop.command({"create": "measured", "timeseries": {"timeField": "at"}})
        yield client


COMMANDS: dict[str, tuple[Document, dict[str, Any]]] = {
    "hello": (
        {"hello": 1},
        {
            "isWritablePrimary": bool,
            "setName": str,
            "hosts": list,
            "me": str,
            "maxBsonObjectSize": int,
            "maxMessageSizeBytes": int,
            "maxWriteBatchSize": int,
            "localTime": datetime,
            "logicalSessionTimeoutMinutes": int,
            "maxWireVersion": int,
        },
    ),
    "connectionStatus": (
        {"connectionStatus": 1, "showPrivileges": True},
        {
            "authInfo.authenticatedUsers": list,
            "authInfo.authenticatedUserRoles": list,
            "authInfo.authenticatedUserPrivileges": list,
        },
    ),
    "getCmdLineOpts": ({"getCmdLineOpts": 1}, {"argv": list, "parsed": dict}),
    "hostInfo": (
        {"hostInfo": 1},
        {
            "system.currentTime": datetime,
            "system.hostname": str,
            "system.cpuAddrSize": INTEGER,
            "system.memSizeMB": INTEGER,
            "system.numCores": INTEGER,
            "system.cpuArch": str,
            "os.type": str,
            "os.name": str,
            "os.version": str,
        },
    ),
    "buildInfo": (
        {"buildInfo": 1},
        {
            "version": str,
            "versionArray": list,
            "gitVersion": str,
            "modules": list,
            "bits": int,
            "maxBsonObjectSize": int,
        },
    ),
    "getParameter": (
        {"getParameter": 1, "featureCompatibilityVersion": 1},
        {"featureCompatibilityVersion.version": str},
    ),
    "listDatabases": (
        {"listDatabases": 1, "nameOnly": False},
        {"databases": list, "databases.0.name": str, "databases.0.sizeOnDisk": INTEGER, "databases.0.empty": bool},
    ),
    "listDatabases, names": ({"listDatabases": 1, "nameOnly": True}, {"databases": list, "databases.0.name": str}),
    "serverStatus": (
        {"serverStatus": 1},
        {
            "host": str,
            "version": str,
            "process": str,
            "uptime": NUMBER,
            "localTime": datetime,
            "connections.current": INTEGER,
            "connections.available": INTEGER,
            "network.bytesIn": INTEGER,
            "network.bytesOut": INTEGER,
            "network.numRequests": INTEGER,
            "opcounters.insert": INTEGER,
            "opcounters.query": INTEGER,
            "opcounters.update": INTEGER,
            "opcounters.delete": INTEGER,
            "opcounters.command": INTEGER,
            "opcounters.getmore": INTEGER,
            "globalLock.activeClients.readers": INTEGER,
            "globalLock.activeClients.writers": INTEGER,
            "globalLock.currentQueue.readers": INTEGER,
            "globalLock.currentQueue.writers": INTEGER,
            "mem.resident": INTEGER,
            "mem.virtual": INTEGER,
            "storageEngine.name": str,
        },
    ),
    "top": (
        {"top": 1},
        {"totals": dict, "totals.shop\x00orders.total.time": INTEGER, "totals.shop\x00orders.total.count": INTEGER},
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_deployment(client: pymongo.MongoClient[Document], name: str) -> None:
    command, shape = COMMANDS[name]
    reply = client.admin.command(command)
    wrong = {path: found(reply, path) for path, kinds in shape.items() if not isinstance(found(reply, path), kinds)}
    assert not wrong
    assert reply["ok"] == 1.0


def found(reply: Any, path: str) -> Any:
    """The value at a path, whose names may have dots as zeros; None if there is none."""
    for part in path.split("."):
        name = part.replace("\x00", ".")
        if isinstance(reply, list):
            reply = reply[int(name)] if int(name) < len(reply) else None
        else:
            reply = reply.get(name) if isinstance(reply, dict) else None
    return reply


def test_it_is_no_atlas(client: pymongo.MongoClient[Document]) -> None:
    with pytest.raises(OperationFailure, match="no such command: 'atlasVersion'") as caught:
        client.admin.command("atlasVersion")
    assert caught.value.code == 59


def test_a_database(client: pymongo.MongoClient[Document]) -> None:
    stats = client.shop.command("dbStats")
    assert stats["db"] == "shop"
    names = ("collections", "views", "objects", "avgObjSize", "dataSize", "storageSize", "indexes", "indexSize")
    assert {name: type(stats.get(name)) for name in names if not isinstance(stats.get(name), NUMBER)} == {}
    listed = {each["name"]: each for each in client.shop.list_collections()}
    assert {name: each["type"] for name, each in listed.items() if not name.startswith("system.")} == {
        "orders": "collection",
        "view": "view",
        "measured": "timeseries",
    }
    assert listed["orders"]["info"]["readOnly"] is False
    assert listed["orders"]["idIndex"]["key"] == {"_id": 1}
    assert listed["view"]["options"]["viewOn"] == "orders"


def test_a_collection(client: pymongo.MongoClient[Document]) -> None:
    orders = client.shop.orders
    (stats,) = orders.aggregate([{"$collStats": {"storageStats": {}}}])
    storage = stats["storageStats"]
    assert (stats["ns"], storage["count"], storage["nindexes"]) == ("shop.orders", 50, 2)
    for name in ("size", "avgObjSize", "storageSize", "totalIndexSize", "freeStorageSize"):
        assert isinstance(storage[name], NUMBER), name
    assert set(storage["indexSizes"]) == {"_id_", "by n"}
    assert client.shop.command("collStats", "orders")["count"] == 50
    uses = {each["name"]: each for each in orders.aggregate([{"$indexStats": {}}])}
    assert set(uses) == {"_id_", "by n"}
    assert isinstance(uses["by n"]["accesses"]["ops"], Int64)
    assert isinstance(uses["by n"]["accesses"]["since"], datetime)
    assert isinstance(uses["by n"]["host"], str)
    assert [each["name"] for each in orders.list_indexes()] == ["_id_", "by n"]
    assert len(list(orders.aggregate([{"$sample": {"size": 20}}]))) == 20
    assert orders.estimated_document_count() == 50
    explained = client.shop.command(
        {"explain": {"find": "orders", "filter": {"n": 1}}, "verbosity": "allPlansExecution"}
    )
    assert explained["executionStats"]["totalKeysExamined"] == 17
    assert "allPlansExecution" in explained["executionStats"]


def test_what_runs(client: pymongo.MongoClient[Document]) -> None:
    pipeline = [{"$currentOp": {"allUsers": True, "idleConnections": True}}, {"$match": {"command.aggregate": 1}}]
    (operation, *_) = client.admin.aggregate(pipeline)
    for name, kind in {"opid": INTEGER, "active": bool, "op": str, "ns": str, "microsecs_running": Int64}.items():
        assert isinstance(operation[name], kind), name
    assert client.admin.command("killOp", op=123456789)["ok"] == 1.0
