"""What the node tells of itself: by stages of an aggregate, and by the small commands of administrators."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.context import Context
from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt, OperationInterrupted

SESSION = Binary(bytes(range(16)), 4)


def rows(ask: Ask, target: Any, *stages: dict[str, Any], database: str = "shop", **options: Any) -> list[Any]:
    """The first batch of an aggregate."""
    reply = ask({"aggregate": target, "pipeline": list(stages), "cursor": {}, **options}, database)
    assert reply["ok"] == 1.0, reply
    batch: list[Any] = reply["cursor"]["firstBatch"]
    return batch


@pytest.mark.usefixtures("fruit")
def test_statistics_of_a_collection(ask: Ask) -> None:
    asked = {"count": {}, "storageStats": {"scale": 2}, "latencyStats": {}, "queryExecStats": {}}
    (shown,) = rows(ask, "fruit", {"$collStats": asked})
    assert (shown["ns"], shown["count"], shown["storageStats"]["count"]) == ("shop.fruit", 5, 5)
    sizes = {key: value for key, value in ask({"collStats": "fruit", "scale": 2}).items() if key not in ("ns", "ok")}
    assert shown["storageStats"] == sizes
    assert shown["latencyStats"]["writes"]["ops"] == Int64(1)
    assert shown["latencyStats"]["transactions"] == {"latency": Int64(0), "ops": Int64(0)}


@pytest.mark.usefixtures("fruit")
def test_scans_are_counted(ask: Ask) -> None:
    for command in ({"find": "fruit", "filter": {"n": 4}}, {"count": "fruit", "query": {"n": 2}}, {"find": "fruit"}):
        ask(command)
    (shown,) = rows(ask, "fruit", {"$collStats": {"queryExecStats": {}}})
    assert shown["queryExecStats"] == {"collectionScans": {"total": Int64(3), "nonTailable": Int64(3)}}


@pytest.mark.usefixtures("fruit")
def test_uses_of_indexes_are_counted_until_they_are_made_anew(ask: Ask) -> None:
    index = {"createIndexes": "fruit", "indexes": [{"key": {"n": 1}, "name": "n_1"}]}
    ask(index)
    ask({"find": "fruit", "filter": {"_id": 3}})
    ask({"find": "fruit", "hint": "n_1"})
    ask({"find": "fruit", "hint": "n_1", "filter": {"n": 2}})

    def uses() -> dict[str, int]:
        return {each["name"]: each["accesses"]["ops"] for each in rows(ask, "fruit", {"$indexStats": {}})}

    assert uses() == {"_id_": 1, "n_1": 2}
    ask({"dropIndexes": "fruit", "index": "n_1"})
    ask(index)
    assert uses() == {"_id_": 1, "n_1": 0}


def test_views_and_time_series(ask: Ask) -> None:
    ask({"create": "fruit"})
    ask({"create": "shown", "viewOn": "fruit", "pipeline": []})
    ask({"create": "temperatures", "timeseries": {"timeField": "at"}})
    (latencies,) = rows(ask, "shown", {"$collStats": {"latencyStats": {}}})
    assert set(latencies["latencyStats"]) == {"reads", "writes", "commands", "transactions"}
    assert [each["name"] for each in rows(ask, "shown", {"$indexStats": {}})] == ["_id_"]
    (sizes,) = rows(ask, "temperatures", {"$collStats": {"storageStats": {}}})
    assert "timeseries" in sizes["storageStats"] and "count" not in sizes["storageStats"]


_STRICT = {"apiVersion": "1", "apiStrict": True}
REFUSED: list[tuple[str, Any, dict[str, Any], dict[str, Any], int]] = [
    ("sizes of nothing", "nothing", {"$collStats": {"storageStats": {}}}, {}, 26),
    ("a count of a view", "shown", {"$collStats": {"count": {}}}, {}, 166),
    ("plans of nothing", "nothing", {"$planCacheStats": {}}, {}, 50933),
    ("plans of a time series", "temperatures", {"$planCacheStats": {}}, {}, 40602),
    ("a change stream on a view", "shown", {"$changeStream": {}}, {}, 166),
    ("plans at another read concern", "fruit", {"$planCacheStats": {}}, {"readConcern": {"level": "majority"}}, 72),
    ("index uses in the stable API", "fruit", {"$indexStats": {}}, _STRICT, 323),
    ("sizes in the stable API", "fruit", {"$collStats": {"storageStats": {}}}, _STRICT, 323),
]


@pytest.mark.parametrize(("name", "target", "stage", "options", "expected"), REFUSED)
def test_refused(
    ask: Ask, name: str, target: Any, stage: dict[str, Any], options: dict[str, Any], expected: int
) -> None:
    ask({"create": "fruit"})
    ask({"create": "shown", "viewOn": "fruit", "pipeline": [{"$match": {}}]})
    ask({"create": "temperatures", "timeseries": {"timeField": "at"}})
    reply = ask({"aggregate": target, "pipeline": [stage], "cursor": {}, **options})
    assert reply["code"] == expected, reply


def test_a_count_is_in_the_stable_api(ask: Ask) -> None:
    ask({"create": "fruit"})
    assert rows(ask, "fruit", {"$collStats": {"count": {}}}, apiVersion="1", apiStrict=True)[0]["count"] == 0


def test_catalogs(ask: Ask) -> None:
    ask({"create": "fruit", "capped": True, "size": 4096})
    ask({"create": "shown", "viewOn": "fruit"})
    ask({"create": "other"}, "garden")
    (entry,) = rows(ask, "fruit", {"$listCatalog": {}})
    assert (entry["ns"], entry["type"], entry["md"]["options"]["capped"]) == ("shop.fruit", "collection", True)
    here = {each["ns"]: each for each in rows(ask, 1, {"$listClusterCatalog": {"shards": True}})}
    assert set(here) == {"shop.fruit", "shop.shown", "shop.system.views"}
    assert (here["shop.shown"]["type"], here["shop.shown"]["info"]["readOnly"]) == ("view", True)
    assert (here["shop.fruit"]["sharded"], here["shop.fruit"]["shards"]) == (False, [])
    everywhere = rows(ask, 1, {"$listClusterCatalog": {}}, database="admin")
    assert "garden.other" in {each["ns"] for each in everywhere}


# What runs


def test_an_operation_sees_itself(ask: Ask, clock: ManualClock) -> None:
    (own,) = rows(ask, 1, {"$currentOp": {}}, database="admin", comment="look", lsid={"id": SESSION})
    assert (own["op"], own["ns"], own["active"]) == ("command", "admin.$cmd.aggregate", True)
    assert own["command"]["comment"] == "look"
    assert own["lsid"]["id"] == SESSION
    assert [each["command"] for each in ask({"currentOp": 1}, "admin")["inprog"]] == [{"currentOp": 1}]
    assert ask({"currentOp": 1, "op": "insert"}, "admin")["inprog"] == []


def test_idle_cursors_are_shown_where_they_are_asked_for(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": n} for n in range(3)]})
    opened = ask({"find": "fruit", "batchSize": 1})["cursor"]["id"]
    shown = rows(ask, 1, {"$currentOp": {"idleCursors": True}}, {"$match": {"type": "idleCursor"}}, database="admin")
    assert [(each["ns"], each["cursor"]["cursorId"]) for each in shown] == [("shop.fruit", opened)]


def test_an_operation_on_a_worker_can_be_killed(ask: Ask, instance: Instance) -> None:
    ask({"insert": "fruit", "documents": [{"_id": n} for n in range(3)]})
    interrupt = Interrupt()
    request = FindRequest("shop.fruit", {"$expr": {"$gt": ["$_id", 0]}})
    seen = []
    with instance.operations.running("shop.fruit", {"find": "fruit"}, interrupt, None) as operation:
        seen = [each["opid"] for each in ask({"currentOp": 1, "ns": "shop.fruit"}, "admin")["inprog"]]
        assert ask({"killOp": 1, "op": operation.operation_id}, "admin")["info"] == "attempting to kill op"
        with pytest.raises(OperationInterrupted):
            interrupt.check()
    assert seen == [operation.operation_id]
    assert instance.operations.all() == []
    instance.execute(request, Context(Interrupt()))
    assert instance.operations.all() == []


def test_a_long_command_is_cut_short(ask: Ask) -> None:
    (own,) = rows(ask, 1, {"$currentOp": {"truncateOps": True}}, database="admin", comment="x" * 5000)
    assert set(own["command"]) == {"$truncated"} and len(own["command"]["$truncated"]) <= 1024


def test_sessions_are_known_until_they_end_or_nobody_uses_them(ask: Ask, clock: ManualClock) -> None:
    other = Binary(bytes(16), 4)
    ask({"ping": 1, "lsid": {"id": SESSION}})
    clock.advance(20 * 60_000)
    ask({"ping": 1, "lsid": {"id": other}})

    def known() -> list[Any]:
        return [each["_id"]["id"] for each in rows(ask, 1, {"$listLocalSessions": {}})]

    (first, _) = rows(ask, "system.sessions", {"$listSessions": {"allUsers": True}}, database="config")
    assert len(first["_id"]["uid"]) == 32 and type(first["lastUse"]) is DatetimeMS
    assert known() == [SESSION, other]
    clock.advance(11 * 60_000)
    assert known() == [other]
    ask({"endSessions": [{"id": other}]})
    assert known() == []


def test_top_counts_commands_by_kind(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1}]})
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})
    ask({"find": "fruit"})
    ask({"count": "fruit"})
    ask({"delete": "fruit", "deletes": [{"q": {}, "limit": 0}]})
    shown = ask({"top": 1}, "admin")["totals"]["shop.fruit"]
    kinds = ("queries", "getmore", "insert", "update", "remove", "commands", "readLock", "writeLock", "total")
    assert [shown[kind]["count"] for kind in kinds] == [1, 0, 1, 1, 1, 1, 2, 3, 5]
    assert shown["total"]["time"] == sum(shown[kind]["time"] for kind in kinds[:6]) > 0
    ask({"drop": "fruit"})
    assert "shop.fruit" not in ask({"top": 1}, "admin")["totals"]


# The small commands

SETTINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a parameter", {"setParameter": 1, "logLevel": 2.0}, {"was": 0, "ok": 1.0}),
    ("no log to rotate", {"logRotate": 1}, {"ok": 1.0}),
    ("no connection to drop", {"dropConnections": 1, "hostAndPort": ["a:1", "[::1]:27017", "b"]}, {"ok": 1.0}),
    ("the version that is set", {"setFeatureCompatibilityVersion": "8.0", "confirm": True}, {"ok": 1.0}),
    ("the names of the logs", {"getLog": "*"}, {"names": ["global", "startupWarnings"], "ok": 1.0}),
    ("no locks", {"lockInfo": 1}, {"lockInfo": [], "ok": 1.0}),
]


@pytest.mark.parametrize(("name", "command", "expected"), SETTINGS)
def test_small_commands(ask: Ask, name: str, command: dict[str, Any], expected: dict[str, Any]) -> None:
    assert ask(command, "admin") == expected


def test_a_parameter_stays_as_it_was_set(ask: Ask) -> None:
    ask({"setParameter": 1, "logComponentVerbosity": {"command": 4, "network": {"verbosity": 1}}}, "admin")
    shown = ask({"getParameter": 1, "logComponentVerbosity": 1}, "admin")["logComponentVerbosity"]
    assert (shown["command"], shown["network"]["verbosity"]) == ({"verbosity": 4}, 1)
    ask({"setParameter": 1, "quiet": "yes"}, "admin")
    assert ask({"getParameter": 1, "quiet": 1}, "admin")["quiet"] is True


def test_default_concerns(ask: Ask) -> None:
    before = ask({"getDefaultRWConcern": 1}, "admin")
    assert before["defaultWriteConcern"] == {"w": "majority", "wtimeout": 0}
    assert before["defaultWriteConcernSource"] == "implicit" and "updateOpTime" not in before
    after = ask({"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": 1}}, "admin")
    assert after["defaultWriteConcern"] == {"w": 1, "wtimeout": 0}
    assert (after["defaultWriteConcernSource"], after["defaultReadConcernSource"]) == ("global", "implicit")
    assert type(after["updateOpTime"]) is Timestamp
    assert ask({"setDefaultRWConcern": 1, "defaultWriteConcern": {}}, "admin")["code"] == 20


WRONG: list[tuple[str, dict[str, Any], int]] = [
    ("an operation without a number", {"killOp": 1}, 4),
    ("half an operation", {"killOp": 1, "op": 1.5}, 2),
    ("an operation past an int", {"killOp": 1, "op": 2**31}, 26823),
    ("an unknown parameter", {"setParameter": 1, "nothing": 1}, 72),
    ("no parameter", {"setParameter": 1}, 72),
    ("a parameter that is fixed", {"setParameter": 1, "maxSessions": 1}, 20),
    ("a level that is none", {"setParameter": 1, "logLevel": "high"}, 2),
    ("another version", {"setFeatureCompatibilityVersion": "7.0", "confirm": True}, 4926900),
    ("a version not confirmed", {"setFeatureCompatibilityVersion": "8.0"}, 7369100),
    ("an unknown log", {"logRotate": "Audit"}, 4),
    ("a log of a wrong type", {"logRotate": None}, 14),
    ("no address", {"dropConnections": 1, "hostAndPort": ["host:0"]}, 9),
    ("no addresses", {"dropConnections": 1}, 40414),
    ("defaults of nothing", {"setDefaultRWConcern": 1}, 2),
    ("a default that reads too much", {"setDefaultRWConcern": 1, "defaultReadConcern": {"level": "snapshot"}}, 2),
    ("a default that is not acknowledged", {"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": 0}}, 2),
    ("a default that nobody knows", {"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": "tag"}}, 79),
    ("a rate past one", {"profile": 0, "sampleRate": 1.5}, 2),
    ("a filter of a wrong type", {"profile": 0, "filter": None}, 2),
    ("a log that nobody knows", {"getLog": "mine"}, 96),
]


@pytest.mark.parametrize(("name", "command", "expected"), WRONG)
def test_wrong(ask: Ask, name: str, command: dict[str, Any], expected: int) -> None:
    assert ask(command, "admin")["code"] == expected


@pytest.mark.parametrize("name", ["killOp", "currentOp", "top", "getLog", "setParameter", "lockInfo"])
def test_on_admin_alone(ask: Ask, name: str) -> None:
    assert ask({name: 1})["code"] == 13
