"""fsync with `lock` holds up writes, and nothing else; setUserWriteBlockMode refuses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands.instance import Instance
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import encode

Document = dict[str, Any]
BLOCK = {"setUserWriteBlockMode": 1, "global": True}
FREE = {"setUserWriteBlockMode": 1, "global": False}


def test_locks_are_counted(ask: Ask, instance: Instance) -> None:
    assert [ask({"fsync": 1, "lock": True}, "admin")["lockCount"] for _ in range(2)] == [1, 2]
    assert instance.attention.is_on and ask({"currentOp": 1}, "admin")["fsyncLock"] is True
    released = instance.held_writes.released
    assert ask({"fsyncUnlock": 1}, "admin")["lockCount"] == 1 and not released.is_done
    assert ask({"fsyncUnlock": 1}, "admin")["lockCount"] == 0 and released.is_done
    assert not instance.attention.is_on and "fsyncLock" not in ask({"currentOp": 1}, "admin")
    assert ask({"fsyncUnlock": 1}, "admin")["code"] == 20


def test_it_waits_for_writes_that_run_and_gives_up_in_time(ask: Ask, instance: Instance) -> None:
    with instance.operations.running("shop.c", {"insert": "c"}, Interrupt(), None):
        reply = ask({"fsync": 1, "lock": True, "fsyncLockAcquisitionTimeoutMillis": 1}, "admin")
    assert reply["code"] == 24 and not instance.held_writes.is_held
    with instance.operations.running("shop.c", {"find": "c"}, Interrupt(), None):
        assert ask({"fsync": 1, "lock": True}, "admin")["ok"] == 1.0


def test_what_is_there_is_written_before_the_lock_is_given(tmp_path: Path) -> None:
    instance = Instance.open(str(tmp_path))
    instance.run_command("shop", encode({"insert": "c", "documents": [{"_id": 1}]}))
    instance.run_command("admin", encode({"fsync": 1, "lock": True}))
    assert instance.store.checkpoints is not None and instance.store.checkpoints.last is not None
    assert instance.store.checkpoints.last.sequence == instance.store.last_sequence
    assert instance.expiry.run_pass(Interrupt()) == 0
    instance.close()


USER_WRITES: list[Document] = [
    {"insert": "fruit", "documents": [{"_id": 9}]},
    {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"x": 1}}}]},
    {"update": "fruit", "updates": [{"q": {}, "u": {"$set": {"x": 1}}, "multi": True}]},
    {"update": "fruit", "updates": [{"q": {"_id": 9}, "u": {"$set": {"x": 1}}, "upsert": True}]},
    {"delete": "fruit", "deletes": [{"q": {"_id": 1}, "limit": 1}]},
    {"findAndModify": "fruit", "query": {"_id": 1}, "remove": True},
    {"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 9}}], "nsInfo": [{"ns": "shop.fruit"}]},
    {"aggregate": "fruit", "pipeline": [{"$out": "other"}], "cursor": {}},
    {"create": "other"},
    {"createIndexes": "fruit", "indexes": [{"key": {"n": 1}, "name": "n"}]},
    {"dropIndexes": "fruit", "index": "name_1"},
    {"collMod": "fruit", "validator": {"n": 1}},
    {"convertToCapped": "fruit", "size": 1000},
    {"drop": "fruit"},
    {"dropDatabase": 1},
]


@pytest.mark.parametrize("command", USER_WRITES, ids=[str(next(iter(each))) for each in USER_WRITES])
def test_user_writes_are_refused(ask: Ask, fruit: None, command: Document) -> None:
    ask({"createIndexes": "fruit", "indexes": [{"key": {"name": 1}, "name": "name_1"}]})
    before = ask({"dbHash": 1})["md5"]
    target = "admin" if "bulkWrite" in command else "shop"
    assert ask(BLOCK, "admin")["ok"] == 1.0
    reply = ask(command, target)
    failures = reply.get("writeErrors") or reply.get("cursor", {}).get("firstBatch", [reply])
    assert failures[0]["code"] == 371, reply
    assert ask({"dbHash": 1})["md5"] == before
    ask(FREE, "admin")
    reply = ask(command, target)
    assert reply["ok"] == 1.0 and "writeErrors" not in reply


def test_what_is_not_the_users_may_be_written(ask: Ask, fruit: None) -> None:
    ask({"profile": 2})
    ask(BLOCK, "admin")
    assert ask({"insert": "c", "documents": [{"_id": 1}]}, "admin")["n"] == 1
    assert ask({"update": "fruit", "updates": [{"q": {"_id": 99}, "u": {"$set": {"x": 1}}}]})["n"] == 0
    assert ask({"count": "system.profile"})["n"] > 0


def test_transactions_are_refused_as_well(ask: Ask, fruit: None) -> None:
    inside = {"lsid": {"id": Binary(bytes(16), 4)}, "txnNumber": Int64(1), "autocommit": False}
    ask({"find": "fruit", **inside, "startTransaction": True})
    ask(BLOCK, "admin")
    assert ask({"insert": "fruit", "documents": [{"_id": 9}], **inside})["writeErrors"][0]["code"] == 371


def test_a_fork_of_the_store_has_a_block_of_its_own(ask: Ask, fruit: None, instance: Instance) -> None:
    insert = {"insert": "fruit", "documents": [{"_id": 9}]}
    ask(BLOCK, "admin")
    fork = instance.fork()
    assert fork.run_command("shop", encode(insert))["writeErrors"][0]["code"] == 371
    fork.run_command("admin", encode(FREE))
    assert fork.run_command("shop", encode(insert))["n"] == 1
    assert ask(insert)["writeErrors"][0]["code"] == 371
    fork.close()


def test_reasons(ask: Ask) -> None:
    other = {**BLOCK, "reason": "DiskUseThresholdExceeded"}
    assert ask({**FREE, "reason": "DiskUseThresholdExceeded"}, "admin")["ok"] == 1.0
    assert [ask(each, "admin").get("code") for each in (BLOCK, BLOCK, other, {**other, "global": False})] == [
        None,
        None,
        20,
        20,
    ]
    assert ask({**BLOCK, "reason": "because"}, "admin")["code"] == 2


def test_the_block_holds_when_the_store_is_opened_again(tmp_path: Path) -> None:
    first = Instance.open(str(tmp_path))
    first.run_command("admin", encode(BLOCK))
    first.close()
    second = Instance.open(str(tmp_path))
    reply = second.run_command("shop", encode({"insert": "c", "documents": [{"_id": 1}]}))
    assert reply["writeErrors"][0]["code"] == 371
    second.run_command("admin", encode(FREE))
    assert second.run_command("shop", encode({"insert": "c", "documents": [{"_id": 1}]}))["n"] == 1
    second.close()
