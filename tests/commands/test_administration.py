"""The smaller commands that administer a node: what they say, and what they refuse."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt

Document = dict[str, Any]


def test_the_md5_of_a_file(ask: Ask) -> None:
    chunks = [{"_id": n, "files_id": 7, "n": n, "data": Binary(f"part {n};".encode())} for n in (2, 0, 1)]
    ask({"insert": "fs.chunks", "documents": chunks})
    expected = hashlib.md5(b"part 0;part 1;part 2;", usedforsecurity=False).hexdigest()
    assert ask({"filemd5": 7, "root": "fs"}) == {"numChunks": 3, "md5": expected, "ok": 1.0}
    assert ask({"filemd5": 8})["md5"] == hashlib.md5(b"", usedforsecurity=False).hexdigest()
    ask({"delete": "fs.chunks", "deletes": [{"q": {"n": 1}, "limit": 1}]})
    assert ask({"filemd5": 7, "root": "fs"})["code"] == 10040
    assert ask({"filemd5": 7, "root": "fs", "partialOk": True})["numChunks"] == 1
    ask({"insert": "fs.chunks", "documents": [{"_id": 9, "files_id": 9, "n": 0, "data": "text"}]})
    assert ask({"filemd5": 9})["code"] == 50848


ANSWERS: list[tuple[str, Document, Document]] = [
    ("no build", {"setIndexCommitQuorum": "fruit", "indexNames": ["a"], "commitQuorum": 1}, {"code": 27}),
    ("no collection", {"setIndexCommitQuorum": "none", "indexNames": ["a"], "commitQuorum": "majority"}, {"code": 26}),
    ("no quorum", {"setIndexCommitQuorum": "fruit", "indexNames": ["a"], "commitQuorum": []}, {"code": 14}),
    ("less than none", {"setIndexCommitQuorum": "fruit", "indexNames": ["a"], "commitQuorum": -1}, {"code": 2}),
    ("not encrypted", {"compactStructuredEncryptionData": "fruit", "compactionTokens": {}}, {"code": 6346807}),
    ("nothing to clean", {"cleanupStructuredEncryptionData": "fruit", "cleanupTokens": {}}, {"code": 7618803}),
    ("no tokens", {"cleanupStructuredEncryptionData": "fruit"}, {"code": 40414}),
    ("features", {"features": 1}, {"js": {}}),
]
OF_ADMIN: list[tuple[str, Document, Document]] = [
    ("autoCompact", {"autoCompact": True}, {"ok": 1.0}),
    ("autoCompact off", {"autoCompact": False, "runOnce": True}, {"code": 72}),
    ("autoCompact of what", {"autoCompact": 1}, {"code": 14}),
    ("certificates", {"rotateCertificates": 1, "message": "x"}, {"ok": 1.0}),
    ("no server to end", {"shutdown": 1}, {"code": 115}),
    ("initiated", {"replSetInitiate": {}}, {"code": 23}),
    ("nobody takes over", {"replSetStepDown": 60}, {"code": 262}),
    ("by force", {"replSetStepDown": 60, "force": True}, {"code": 115}),
    ("too short", {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 6}, {"code": 2}),
    ("no secondary to freeze", {"replSetFreeze": 1}, {"code": 95}),
    ("no secondary to maintain", {"replSetMaintenance": True}, {"code": 95}),
    ("no secondary that copies", {"replSetSyncFrom": "a:1"}, {"code": 95}),
    ("no catch-up", {"replSetAbortPrimaryCatchUp": 1}, {"code": 20}),
    ("never rolled back", {"replSetGetRBID": 1}, {"rbid": 1}),
    ("no shard", {"shardingState": 1}, {"enabled": False}),
    ("nothing orphaned", {"cleanupOrphaned": "shop.c"}, {"code": 203}),
    ("no chunks", {"getShardVersion": "shop.c"}, {"code": 203}),
    ("no router", {"isdbgrid": 1}, {"code": 59}),
    ("gone in MongoDB 5.1", {"getLastError": 1}, {"code": 59}),
]
CASES = [(*case, "shop") for case in ANSWERS] + [(*case, "admin") for case in OF_ADMIN]


@pytest.mark.parametrize(("name", "command", "expected", "database"), CASES, ids=[case[0] for case in CASES])
def test_answers(ask: Ask, fruit: None, name: str, command: Document, expected: Document, database: str) -> None:
    assert expected.items() <= ask(command, database).items()


def test_the_replica_set_tells_of_itself(ask: Ask, fruit: None) -> None:
    hello, status, config = (ask({name: 1}, "admin") for name in ("hello", "replSetGetStatus", "replSetGetConfig"))
    (member,), (shown,) = status["members"], config["config"]["members"]
    assert (status["set"], config["config"]["_id"]) == (hello["setName"], hello["setName"])
    assert (member["name"], shown["host"], member["stateStr"]) == (hello["me"], hello["me"], "PRIMARY")
    assert member["optime"] == hello["lastWrite"]["opTime"] == status["optimes"]["durableOpTime"]
    assert "commitmentStatus" not in config
    assert ask({"replSetGetConfig": 1, "commitmentStatus": True}, "admin")["commitmentStatus"] is True


def set_parameter(ask: Ask, **values: Any) -> Document:
    return ask({"setParameter": 1, **values}, "admin")


def test_parameters_that_do_something(ask: Ask, fruit: None, instance: Instance, clock: ManualClock) -> None:
    assert set_parameter(ask, cursorTimeoutMillis=Int64(1000))["was"] == 600_000
    cursor_id = ask({"find": "fruit", "batchSize": 1})["cursor"]["id"]
    clock.advance(1_500)
    ask({"find": "fruit", "batchSize": 1})
    assert instance.cursors.find(int(cursor_id)) is None
    assert set_parameter(ask, ttlMonitorEnabled=False, ttlMonitorSleepSecs=5)["was"] is True
    assert (instance.expiry.is_enabled, instance.expiry.interval_s) == (False, 5)


def test_scans_can_be_refused(ask: Ask, fruit: None) -> None:
    set_parameter(ask, notablescan=True)
    assert ask({"find": "fruit", "filter": {"n": 4}})["code"] == 291
    assert ask({"count": "fruit", "query": {"n": 4}})["code"] == 291
    assert ask({"aggregate": "fruit", "pipeline": [{"$match": {"n": 4}}], "cursor": {}})["code"] == 291
    updates = [{"q": {"n": 4}, "u": {"$set": {"x": 1}}}]
    assert ask({"update": "fruit", "updates": updates})["writeErrors"][0]["code"] == 291
    for allowed in ({}, {"_id": 3}, {"_id": {"$gt": 3}}):
        assert ask({"find": "fruit", "filter": allowed})["ok"] == 1.0
    ask({"createIndexes": "fruit", "indexes": [{"key": {"n": 1}, "name": "n"}]})
    assert len(ask({"find": "fruit", "filter": {"n": 4}})["cursor"]["firstBatch"]) == 2
    assert ask({"find": "system.users", "filter": {"n": 4}}, "admin")["ok"] == 1.0
    set_parameter(ask, notablescan=False)
    assert ask({"find": "fruit", "filter": {"name": "fig"}})["ok"] == 1.0


def test_parameters_are_set_together_or_not_at_all(ask: Ask) -> None:
    set_parameter(ask, logComponentVerbosity={"command": {"verbosity": 1}, "network": {"asio": 2}})
    before = ask({"getParameter": 1, "logComponentVerbosity": 1}, "admin")["logComponentVerbosity"]
    assert (before["command"]["verbosity"], before["network"]["asio"]["verbosity"]) == (1, 2)
    for wrong in ({"command": 5, "unknown": 1}, {"command": 5, "network": "x"}, {"network": {"command": 1}}, 7):
        assert set_parameter(ask, logLevel=3, logComponentVerbosity=wrong)["code"] == 2
    assert ask({"getParameter": 1, "logComponentVerbosity": 1}, "admin")["logComponentVerbosity"] == before
    assert set_parameter(ask, quiet=True, ttlMonitorSleepSecs=0)["code"] == 2
    assert ask({"getParameter": 1, "quiet": 1}, "admin")["quiet"] is False
    assert set_parameter(ask, maxSessions=1)["code"] == 20


def test_the_log_level_is_the_verbosity_of_all(ask: Ask, fruit: None, instance: Instance) -> None:
    set_parameter(ask, logLevel=1)
    assert ask({"getParameter": 1, "logComponentVerbosity": 1}, "admin")["logComponentVerbosity"]["verbosity"] == 1
    ask({"find": "fruit", "comment": "seen in the log"})
    assert any("seen in the log" in line for line in ask({"getLog": "global"}, "admin")["log"])
    set_parameter(ask, logComponentVerbosity={"verbosity": 0})
    assert ask({"getParameter": 1, "logLevel": 1}, "admin")["logLevel"] == 0
    ask({"find": "fruit", "comment": "not seen there"})
    assert not any("not seen there" in line for line in ask({"getLog": "global"}, "admin")["log"])


def test_cluster_parameters_that_are_kept_and_shown(ask: Ask) -> None:
    names = [each["_id"] for each in ask({"getClusterParameter": "*"}, "admin")["clusterParameters"]]
    assert names == sorted(names) and {"changeStreamOptions", "defaultMaxTimeMS"} <= set(names)
    name = "pauseMigrationsDuringMultiUpdates"
    for value, shown in ((True, True), (None, False)):
        assert ask({"setClusterParameter": {name: {"enabled": value}}}, "admin") == {"ok": 1.0}
        assert ask({"getClusterParameter": name}, "admin")["clusterParameters"][0]["enabled"] is shown
    assert ask({"setClusterParameter": {name: {"enabled": 1}}}, "admin")["code"] == 14
    assert ask({"setClusterParameter": {name: {"other": True}}}, "admin")["code"] == 40415
    assert ask({"setClusterParameter": {"defaultMaxTimeMS": {"readOperations": -1}}}, "admin")["code"] == 2


def test_reads_have_a_time_limit_by_default(ask: Ask, fruit: None, instance: Instance) -> None:
    assert ask({"setClusterParameter": {"defaultMaxTimeMS": {"readOperations": 5.0}}}, "admin") == {"ok": 1.0}
    limits: list[int] = []

    class Noting(Interrupt):
        def limit(self, time_limit_ms: int) -> None:
            limits.append(time_limit_ms)

    for command in (
        {"find": "c"},
        {"find": "c", "maxTimeMS": 7},
        {"insert": "c"},
        {"aggregate": "c", "pipeline": [{"$out": "d"}]},
    ):
        with instance._listed("shop.c", command, Noting(), None, None):
            pass
    assert limits == [5]
    ask({"setClusterParameter": {"defaultMaxTimeMS": {"readOperations": 0}}}, "admin")
    assert instance.read_limit_ms == 0
