"""hello, buildInfo, serverStatus, collStats, dbStats and the small commands that drivers send."""

from __future__ import annotations

import os
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode


def test_hello_describes_the_primary_of_a_set_of_one(ask: Ask, clock: ManualClock) -> None:
    reply = ask({"hello": 1})
    assert (reply["setName"], reply["isWritablePrimary"], reply["secondary"]) == ("amongo", True, False)
    assert reply["hosts"] == [reply["primary"]] == [reply["me"]]
    assert (reply["minWireVersion"], reply["maxWireVersion"]) == (0, 25)
    assert (reply["maxBsonObjectSize"], reply["maxMessageSizeBytes"]) == (16 * 1024 * 1024, 48_000_000)
    assert (reply["maxWriteBatchSize"], reply["logicalSessionTimeoutMinutes"]) == (100_000, 30)
    assert (reply["readOnly"], reply["localTime"]) == (False, DatetimeMS(clock.now_ms()))
    assert type(reply["topologyVersion"]["processId"]) is ObjectId
    assert "ismaster" not in reply and "helloOk" not in reply


def test_hello_stays_the_same_process(ask: Ask) -> None:
    assert ask({"hello": 1})["topologyVersion"] == ask({"hello": 1})["topologyVersion"]


@pytest.mark.parametrize("name", ["isMaster", "ismaster"])
def test_hello_as_old_drivers_say_it(ask: Ask, name: str) -> None:
    reply = ask({name: 1, "helloOk": True})
    assert (reply["ismaster"], reply["helloOk"]) == (True, True)
    assert "isWritablePrimary" not in reply


def test_hello_lets_pass_what_it_does_not_know(ask: Ask) -> None:
    assert ask({"hello": 1, "somethingNew": 1, "saslSupportedMechs": "admin.user"})["ok"] == 1.0


@pytest.mark.parametrize(("value", "code"), [("nodot", 2), ("", 2), ({"db": "admin"}, 2), (1, 14), (None, 14)])
def test_hello_about_a_user_that_cannot_be(ask: Ask, value: Any, code: int) -> None:
    assert ask({"hello": 1, "saslSupportedMechs": value})["code"] == code


def test_build_info(ask: Ask) -> None:
    reply = ask({"buildInfo": 1})
    assert (reply["version"], reply["versionArray"]) == ("8.0.0", [8, 0, 0, 0])
    assert (reply["storageEngines"], reply["maxBsonObjectSize"]) == (["amongo"], 16 * 1024 * 1024)
    assert ask({"buildInfo": 1, "x": 1})["code"] == 40415


def test_coll_stats(ask: Ask, fruit: None) -> None:
    size = sum(len(encode(each)) for each in ask({"find": "fruit"})["cursor"]["firstBatch"])
    reply = ask({"collStats": "fruit"})
    assert (reply["ns"], reply["count"], reply["size"], reply["avgObjSize"]) == ("shop.fruit", 5, size, size // 5)
    assert (reply["capped"], reply["nindexes"], list(reply["indexSizes"])) == (False, 1, ["_id_"])
    assert reply["totalSize"] == reply["storageSize"] + reply["totalIndexSize"]
    scaled = ask({"collStats": "fruit", "scale": 10})
    assert (scaled["size"], scaled["count"], scaled["avgObjSize"]) == (size // 10, 5, size // 5)
    assert scaled["scaleFactor"] == 10


def test_coll_stats_follow_the_changes(ask: Ask, fruit: None) -> None:
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"long": "x" * 100}}}]})
    ask({"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    size = sum(len(encode(each)) for each in ask({"find": "fruit"})["cursor"]["firstBatch"])
    reply = ask({"collStats": "fruit"})
    assert (reply["count"], reply["size"]) == (4, size)


def test_coll_stats_of_what_is_not_there(ask: Ask) -> None:
    reply = ask({"collStats": "nowhere"})
    assert (reply["ok"], reply["count"], reply["size"], reply["nindexes"], reply["indexSizes"]) == (1.0, 0, 0, 0, {})


def test_coll_stats_numbers_alone(ask: Ask, fruit: None) -> None:
    reply = ask({"collStats": "fruit", "numericOnly": True})
    assert "indexSizes" not in reply and reply["count"] == 5


def test_db_stats(ask: Ask, fruit: None) -> None:
    ask({"create": "nuts"})
    ask({"create": "other"}, "shops")
    size = ask({"collStats": "fruit"})["size"]
    reply = ask({"dbStats": 1})
    assert list(reply) == [
        "db",
        "collections",
        "views",
        "objects",
        "avgObjSize",
        "dataSize",
        "storageSize",
        "indexes",
        "indexSize",
        "totalSize",
        "scaleFactor",
        "fsUsedSize",
        "fsTotalSize",
        "ok",
    ]
    assert (reply["db"], reply["collections"], reply["objects"], reply["indexes"]) == ("shop", 2, 5, 2)
    assert (reply["dataSize"], reply["avgObjSize"]) == (float(size), size / 5)
    assert type(reply["objects"]) is Int64 and type(reply["dataSize"]) is float
    assert 0 < reply["fsUsedSize"] < reply["fsTotalSize"]


def test_db_stats_in_another_unit(ask: Ask, fruit: None) -> None:
    plain, scaled = ask({"dbStats": 1}), ask({"dbStats": 1, "scale": 2.9, "freeStorage": 1})
    assert (scaled["scaleFactor"], scaled["dataSize"]) == (2, plain["dataSize"] / 2)
    assert (scaled["avgObjSize"], scaled["freeStorageSize"]) == (plain["avgObjSize"], 0.0)


def test_db_stats_of_what_is_not_there(ask: Ask) -> None:
    reply = ask({"dbStats": 1}, "nowhere")
    assert (reply["ok"], reply["collections"], reply["objects"], reply["avgObjSize"]) == (1.0, 0, 0, 0.0)


@pytest.mark.parametrize("command", ["collStats", "dbStats"])
def test_a_scale_below_one(ask: Ask, command: str) -> None:
    assert ask({command: "a", "scale": 0})["code"] == 51024
    assert ask({command: "a", "scale": "1"})["code"] == 14


def test_server_status(ask: Ask, fruit: None, clock: ManualClock) -> None:
    clock.advance(2500)
    reply = ask({"serverStatus": 1}, "admin")
    assert (reply["version"], reply["process"], reply["pid"]) == ("8.0.0", "mongod", os.getpid())
    assert (reply["uptime"], reply["uptimeMillis"], reply["uptimeEstimate"]) == (2.5, 2500, 2)
    assert reply["localTime"] == DatetimeMS(clock.now_ms())
    assert (reply["catalogStats"]["collections"], reply["storageEngine"]["name"]) == (1, "amongo")
    assert reply["storageEngine"]["persistent"] is False
    assert reply["opcounters"]["command"] >= 2
    assert "mirroredReads" not in reply


def test_server_status_shows_the_sections_that_are_asked_for(ask: Ask) -> None:
    reply = ask({"serverStatus": 1, "mem": 0, "locks": None, "mirroredReads": "yes", "unknown": 1}, "admin")
    assert {"mem", "locks", "mirroredReads", "asserts"} & set(reply) == {"mirroredReads", "asserts"}


def test_server_status_counts_open_cursors(ask: Ask, fruit: None) -> None:
    ask({"find": "fruit", "batchSize": 1})
    assert ask({"serverStatus": 1})["metrics"]["cursor"]["open"]["total"] == 1


def test_end_sessions_closes_their_cursors(instance: Instance, ask: Ask, fruit: None) -> None:
    for session in (b"a" * 16, b"b" * 16):
        instance.run_command("shop", encode({"find": "fruit", "batchSize": 1}), Context(session_id=session))
    assert len(instance.cursors) == 2
    assert ask({"endSessions": [{"id": Binary(b"a" * 16, 4)}]}) == {"ok": 1.0}
    assert len(instance.cursors) == 1
    assert ask({"endSessions": []}) == {"ok": 1.0}


@pytest.mark.parametrize(
    ("sessions", "code"),
    [("x", 14), ([1], 14), ([{}], 40414), ([{"id": 1}], 14), ([{"id": Binary(b"a", 4)}], 207), ([{"x": 1}], 40415)],
)
def test_sessions_that_cannot_be(ask: Ask, sessions: Any, code: int) -> None:
    assert ask({"endSessions": sessions})["code"] == code


def test_kill_cursors(ask: Ask, fruit: None) -> None:
    cursor_id = ask({"find": "fruit", "batchSize": 1})["cursor"]["id"]
    reply = ask({"killCursors": "fruit", "cursors": [None, Int64(cursor_id), Int64(7), Int64(cursor_id)]})
    assert reply == {
        "cursorsKilled": [cursor_id],
        "cursorsNotFound": [7, cursor_id],
        "cursorsAlive": [],
        "cursorsUnknown": [],
        "ok": 1.0,
    }
    assert ask({"getMore": Int64(cursor_id), "collection": "fruit"})["code"] == 43


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"killCursors": "a"}, 40414),
        ({"killCursors": "a", "cursors": [1]}, 14),
        ({"killCursors": "a", "cursors": 1}, 14),
        ({"killCursors": 1, "cursors": []}, 73),
        ({"killCursors": "a", "cursors": [], "x": 1}, 40415),
    ],
)
def test_kill_cursors_that_is_wrong(ask: Ask, command: dict[str, Any], code: int) -> None:
    assert ask(command)["code"] == code


PARAMETERS = [
    ("by name", {"getParameter": 1, "logLevel": 1, "comment": "why"}, {"logLevel": 0, "ok": 1.0}),
    (
        "two",
        {"getParameter": 1, "featureCompatibilityVersion": 1, "quiet": 1},
        {"featureCompatibilityVersion": {"version": "8.0"}, "quiet": False, "ok": 1.0},
    ),
    (
        "in detail",
        {"getParameter": {"showDetails": True}, "quiet": 1},
        {"quiet": {"value": False, "settableAtRuntime": True, "settableAtStartup": True}, "ok": 1.0},
    ),
]


@pytest.mark.parametrize(("name", "command", "expected"), PARAMETERS)
def test_parameters(ask: Ask, name: str, command: dict[str, Any], expected: dict[str, Any]) -> None:
    assert ask(command, "admin") == expected


def test_those_that_can_be_set_while_it_runs(ask: Ask) -> None:
    reply = ask({"getParameter": {"allParameters": True, "setAt": "runtime"}}, "admin")
    verbosity = reply.pop("logComponentVerbosity")
    assert reply.pop("ingressConnectionEstablishmentRateLimiterEnabled") is False
    for name in ("BurstCapacitySecs", "MaxQueueDepth", "RatePerSec"):
        assert reply.pop(f"ingressConnectionEstablishment{name}") >= 0
    assert verbosity["verbosity"] == 0 and verbosity["network"]["asio"] == {"verbosity": -1}
    assert reply == {
        "automationServiceDescriptor": "",
        "cursorTimeoutMillis": 600_000,
        "logLevel": 0,
        "notablescan": False,
        "quiet": False,
        "transactionLifetimeLimitSeconds": 60,
        "ttlMonitorEnabled": True,
        "ttlMonitorSleepSecs": 60,
        "ok": 1.0,
    }


def test_all_parameters(ask: Ask) -> None:
    reply = ask({"getParameter": "*"}, "admin")
    assert reply == ask({"getParameter": {"allParameters": 1}}, "admin")
    assert {"logLevel", "allowDiskUseByDefault", "cursorTimeoutMillis"} <= set(reply)


@pytest.mark.parametrize(
    ("command", "database", "code"),
    [
        ({"getParameter": 1}, "admin", 72),
        ({"getParameter": 1, "logLEVEL": 1}, "admin", 72),
        ({"getParameter": {"setAt": "never"}, "quiet": 1}, "admin", 2),
        ({"getParameter": {"showDetails": "yes"}, "quiet": 1}, "admin", 14),
        ({"getParameter": 1, "quiet": 1}, "shop", 13),
    ],
)
def test_parameters_that_are_not_there(ask: Ask, command: dict[str, Any], database: str, code: int) -> None:
    assert ask(command, database)["code"] == code


def test_list_commands(ask: Ask) -> None:
    commands = ask({"listCommands": 1, "x": 1})["commands"]
    assert {"find", "insert", "aggregate", "listCommands", "ping"} <= set(commands)
    assert "ismaster" not in commands
    assert (commands["listDatabases"]["adminOnly"], commands["find"]["adminOnly"]) == (True, False)
    assert all(each["help"] for each in commands.values())


def test_small_commands(ask: Ask) -> None:
    assert ask({"ping": -1}) == {"ok": 1.0}
    assert ask({"ping": 1, "x": 1})["code"] == 40415
    assert ask({"whatsmyuri": 1}) == {"you": "127.0.0.1:0", "ok": 1.0}
    nobody = {"authenticatedUsers": [], "authenticatedUserRoles": []}
    assert ask({"connectionStatus": 1}) == {"authInfo": nobody, "ok": 1.0}
    privileged = ask({"connectionStatus": 1, "showPrivileges": True})["authInfo"]
    assert privileged == {**nobody, "authenticatedUserPrivileges": []}
    assert ask({"connectionStatus": 1, "showPrivileges": "yes"})["code"] == 14


def test_host_info(ask: Ask) -> None:
    reply = ask({"hostInfo": 1})
    assert reply["system"]["numCores"] == os.cpu_count()
    assert reply["system"]["memSizeMB"] > 0 and reply["extra"]["pageSize"] > 0
    assert ask({"hostInfo": 1, "x": 1})["code"] == 40415


@pytest.mark.parametrize("name", ["Ping", "HELLO", "nothing"])
def test_names_that_are_no_commands(ask: Ask, name: str) -> None:
    reply = ask({name: 1})
    assert (reply["code"], reply["codeName"]) == (59, "CommandNotFound")
    assert reply["errmsg"] == f"no such command: '{name}'"


@pytest.mark.parametrize(
    "command",
    [
        {"createSearchIndexes": "fruit", "indexes": [{"definition": {"mappings": {}}}]},
        {"updateSearchIndex": "fruit", "name": "x", "definition": {}},
        {"dropSearchIndex": "fruit", "name": "x"},
        {"aggregate": "fruit", "pipeline": [{"$listSearchIndexes": {}}], "cursor": {}},
    ],
)
def test_search_indexes_need_another_deployment(ask: Ask, command: dict[str, Any]) -> None:
    reply = ask(command)
    assert reply["code"] == 31082
    assert "Atlas" in reply["errmsg"]
