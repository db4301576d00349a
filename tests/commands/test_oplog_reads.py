"""`local.oplog.rs` is read like a capped collection, and nobody writes to it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from asking import Ask
from bson import Int64, Timestamp

from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.oplog_sizes import oplog_sizes
from amongo.commands.tailing import Awaiting
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.values.codec import decode, encode, encode_in_order


@pytest.fixture
def work(ask: Ask) -> None:
    """Three inserts into `shop.fruit`, each a commit."""
    for number in (1, 2, 3):
        ask({"insert": "fruit", "documents": [{"_id": number}]})


def read(ask: Ask, **options: Any) -> list[Any]:
    """What a find gives."""
    reply = ask({"find": "oplog.rs", **options}, "local")
    assert reply["cursor"]["ns"] == "local.oplog.rs"
    return list(reply["cursor"]["firstBatch"])


def keys(documents: list[Any]) -> list[Any]:
    return [each.get("o2", {}).get("_id") for each in documents]


def test_find(ask: Ask, work: None) -> None:
    create, *inserts = read(ask)
    assert create["o"]["create"] == "fruit"
    assert keys(inserts) == [1, 2, 3]
    assert [each["ts"] for each in inserts] == sorted(each["ts"] for each in inserts)


def test_find_with_everything(ask: Ask, work: None) -> None:
    assert keys(read(ask, filter={"op": "i", "ns": "shop.fruit"}, skip=1, limit=1)) == [2]
    assert keys(read(ask, sort={"$natural": -1}, limit=2)) == [3, 2]
    assert keys(read(ask, sort={"$natural": -1}, limit=1, singleBatch=True)) == [3]
    assert keys(read(ask, filter={"op": "i"}, limit=2, singleBatch=True)) == [1, 2]
    assert read(ask, filter={"o2._id": 2}, projection={"o": 1}) == [{"o": {"_id": 2}}]


def test_a_lower_bound(ask: Ask, work: None) -> None:
    second: Timestamp = read(ask, filter={"op": "i"})[1]["ts"]
    assert keys(read(ask, filter={"ts": {"$gte": second}})) == [2, 3]
    assert keys(read(ask, filter={"ts": {"$gt": second}})) == [3]
    assert keys(read(ask, filter={"ts": second})) == [2]
    assert keys(read(ask, filter={"ts": {"$lt": second}, "op": "i"})) == [1]


def test_aggregate_and_count(ask: Ask, work: None) -> None:
    pipeline = [{"$match": {"op": "i"}}, {"$group": {"_id": "$ns", "n": {"$sum": 1}}}]
    reply = ask({"aggregate": "oplog.rs", "pipeline": pipeline, "cursor": {}}, "local")
    assert reply["cursor"]["firstBatch"] == [{"_id": "shop.fruit", "n": 3}]
    assert ask({"count": "oplog.rs", "query": {"op": "i"}}, "local")["n"] == 3
    assert ask({"count": "oplog.rs"}, "local")["n"] == 4


def test_batches(ask: Ask, work: None) -> None:
    cursor = ask({"find": "oplog.rs", "filter": {"op": "i"}, "batchSize": 2}, "local")["cursor"]
    rest = ask({"getMore": Int64(cursor["id"]), "collection": "oplog.rs"}, "local")["cursor"]
    assert keys(cursor["firstBatch"]) == [1, 2]
    assert (keys(rest["nextBatch"]), rest["id"]) == ([3], 0)


def test_nobody_writes_to_it(ask: Ask, work: None) -> None:
    for command in (
        {"insert": "oplog.rs", "documents": [{"_id": 1}]},
        {"findAndModify": "oplog.rs", "query": {}, "update": {"x": 1}, "upsert": True},
        {"update": "oplog.rs", "updates": [{"q": {}, "u": {"x": 1}, "upsert": True}]},
    ):
        reply = ask(command, "local")
        error = reply.get("writeErrors", [reply])[0]
        assert error["code"] == 73, reply
    assert len(read(ask)) == 4


def test_nobody_makes_it_anew_or_takes_it_away(ask: Ask, work: None) -> None:
    refused = {
        "createIndexes": ({"createIndexes": "oplog.rs", "indexes": [{"key": {"a": 1}, "name": "a"}]}, "local", 73),
        "create": ({"create": "oplog.rs"}, "local", 73),
        "drop": ({"drop": "oplog.rs"}, "local", 20),
        "from": ({"renameCollection": "local.oplog.rs", "to": "local.x"}, "admin", 20),
        "to": ({"renameCollection": "local.y", "to": "local.oplog.rs"}, "admin", 20),
    }
    ask({"create": "y"}, "local")
    before = read(ask)
    assert {name: ask(command, database)["code"] for name, (command, database, _) in refused.items()} == {
        name: code for name, (*_, code) in refused.items()
    }
    assert read(ask) == before


def test_it_is_listed_and_has_a_size(ask: Ask, work: None) -> None:
    (shown,) = ask({"listCollections": 1}, "local")["cursor"]["firstBatch"]
    assert (shown["name"], shown["type"], shown["options"]["capped"]) == ("oplog.rs", "collection", True)
    assert ask({"listCollections": 1}, "shop")["cursor"]["firstBatch"][0]["name"] != "oplog.rs"
    stages = [{"$collStats": {"storageStats": {}, "count": {}}}]
    (told,) = ask({"aggregate": "oplog.rs", "pipeline": stages, "cursor": {}}, "local")["cursor"]["firstBatch"]
    sizes = ask({"collStats": "oplog.rs"}, "local")
    documents = read(ask)
    size_bytes = sum(len(encode_in_order(each)) for each in documents)
    assert (sizes["count"], sizes["size"], sizes["maxSize"]) == (4, size_bytes, shown["options"]["size"])
    assert (told["count"], told["storageStats"]["size"]) == (4, size_bytes)
    numbers = ask({"collStats": "oplog.rs", "scale": 2, "numericOnly": True}, "local")
    assert numbers["size"] == size_bytes // 2
    assert "indexSizes" not in numbers
    (entry,) = ask({"aggregate": 1, "pipeline": [{"$listClusterCatalog": {}}], "cursor": {}}, "local")["cursor"][
        "firstBatch"
    ]
    assert entry["ns"] == "local.oplog.rs"


def test_distinct(ask: Ask, work: None) -> None:
    assert ask({"distinct": "oplog.rs", "key": "op"}, "local")["values"] == sorted({each["op"] for each in read(ask)})
    assert ask({"distinct": "oplog.rs", "key": "o.a", "query": {"op": "x"}}, "local")["values"] == []


def test_tailable(ask: Ask, work: None) -> None:
    options = {"filter": {"op": "i"}, "projection": {"o": 1}, "tailable": True}
    cursor = ask({"find": "oplog.rs", "batchSize": 2, **options}, "local")["cursor"]
    more = {"getMore": Int64(cursor["id"]), "collection": "oplog.rs"}
    assert cursor["firstBatch"] == [{"o": {"_id": 1}}, {"o": {"_id": 2}}]
    assert ask(more, "local")["cursor"]["nextBatch"] == [{"o": {"_id": 3}}]
    assert ask(more, "local")["cursor"]["nextBatch"] == []
    ask({"insert": "fruit", "documents": [{"_id": 4}]})
    reply = ask(more, "local")["cursor"]
    assert (reply["nextBatch"], reply["id"]) == ([{"o": {"_id": 4}}], cursor["id"])
    assert ask({"killCursors": "oplog.rs", "cursors": [Int64(cursor["id"])]}, "local")["cursorsKilled"]


def test_tailable_that_waits(instance: Instance, ask: Ask, work: None) -> None:
    command = {"find": "oplog.rs", "filter": {"op": "i"}, "tailable": True, "awaitData": True}
    cursor = ask(command, "local")["cursor"]
    more = encode({"getMore": Int64(cursor["id"]), "collection": "oplog.rs"})
    with pytest.raises(Awaiting) as caught:
        instance.run_command("local", more)
    awaiting = caught.value
    assert awaiting.look() is None
    ask({"insert": "fruit", "documents": [{"_id": 4}]})
    reply = awaiting.look()
    awaiting.end()
    assert reply is not None
    assert len(reply.batch) == 1


def test_a_long_commit_is_left_to_a_worker(instance: Instance, ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 0}]})
    ask({"find": "oplog.rs"}, "local")
    cursor_id = ask({"find": "oplog.rs", "tailable": True, "awaitData": True}, "local")["cursor"]["id"]
    ask({"insert": "fruit", "documents": [{"_id": 1 + number} for number in range(LOOP_DOCUMENTS + 1)]})
    read(ask)  # the commit has been parsed for others
    cursor = instance.cursors.find(cursor_id)
    assert cursor is not None
    cursor.begin_look(is_on_loop=True)
    assert cursor.next_batch(None) == ([], False)
    assert (cursor.has_more, cursor.examines) == (True, sys.maxsize)
    cursor.begin_look(is_on_loop=False)
    (raw,), _ = cursor.next_batch(None)
    assert len(decode(raw)["o"]["applyOps"]) == LOOP_DOCUMENTS + 1
    assert (cursor.has_more, cursor.examines) == (False, 0)


def test_who_asks_for_its_size_can_be_stopped(instance: Instance, work: None) -> None:
    interrupt = Interrupt()
    interrupt.stop("enough")
    with pytest.raises(OperationInterrupted):
        oplog_sizes(instance, interrupt)
    stages = [{"$collStats": {"count": {}}}]
    command = {"aggregate": "oplog.rs", "pipeline": stages, "cursor": {}}
    with pytest.raises(ServerError) as caught:
        instance.run_command("local", encode(command), Context(interrupt))
    assert caught.value.code == 11601
