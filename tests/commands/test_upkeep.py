"""compact, dataSize, dbHash: what they say of a collection, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64

from amongo.values.codec import encode


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"force": True}, {"bytesFreed": 0, "ok": 1.0}),
        ({"force": True, "dryRun": True}, {"estimatedBytesFreed": 0, "ok": 1.0}),
        ({"force": 1, "freeSpaceTargetMB": 1.5, "comment": "c"}, {"bytesFreed": 0, "ok": 1.0}),
        ({}, 20),
        ({"force": True, "freeSpaceTargetMB": 0}, 2),
        ({"force": True, "freeSpaceTargetMB": "1"}, 14),
        ({"force": True, "dryrun": True}, 40415),
        ({"force": True, "writeConcern": {"w": 1}}, 72),
    ],
    ids=str,
)
def test_compact(ask: Ask, fruit: None, fields: dict[str, Any], expected: Any) -> None:
    reply = ask({"compact": "fruit", **fields})
    assert (reply if reply["ok"] else reply["code"]) == expected


@pytest.mark.parametrize(("name", "code"), [("nowhere", 26), ("", 73), (1, 73), ("v", 166)], ids=str)
def test_compact_of_what_is_not_there(ask: Ask, fruit: None, name: Any, code: int) -> None:
    ask({"create": "v", "viewOn": "fruit"})
    assert ask({"compact": name, "force": True})["code"] == code


def test_data_size(ask: Ask, fruit: None) -> None:
    documents = ask({"find": "fruit"})["cursor"]["firstBatch"]
    reply = ask({"dataSize": "shop.fruit"})
    assert (reply["size"], reply["numObjects"], reply["estimate"]) == (sum(len(encode(d)) for d in documents), 5, False)
    assert all(type(reply[name]) is Int64 for name in ("size", "numObjects", "millis"))
    part = ask({"datasize": "shop.fruit", "keyPattern": {"_id": 1}, "min": {"_id": 2}, "max": {"_id": 4}})
    assert (part["size"], part["numObjects"]) == (sum(len(encode(d)) for d in documents[1:3]), 2)
    estimated = ask({"dataSize": "shop.fruit", "min": {"_id": 2}, "max": {"_id": 4}, "estimate": True})
    assert (estimated["size"], estimated["estimate"]) == (2 * (reply["size"] // 5), True)
    assert ask({"dataSize": "shop.nowhere"})["numObjects"] == 0


def test_data_size_between_the_first_fields_of_an_index(ask: Ask, fruit: None) -> None:
    bounds = {"dataSize": "shop.fruit", "min": {"n": 2}, "max": {"n": 4}}
    assert ask(bounds)["code"] == 96
    ask({"createIndexes": "fruit", "indexes": [{"key": {"n": 1, "name": 1}, "name": "n"}]})
    assert ask(bounds)["numObjects"] == 1
    assert ask({**bounds, "max": {"n": 5}})["numObjects"] == 3
    assert ask({**bounds, "max": {"n": 1}})["numObjects"] == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"dataSize": "fruit"}, 73),
        ({"dataSize": 1}, 14),
        ({"dataSize": None}, 40414),
        ({"dataSize": "shop.v"}, 166),
        ({"dataSize": "shop.fruit", "min": {"_id": 1}}, 2),
        ({"dataSize": "shop.fruit", "max": {"_id": 1}}, 2),
        ({"dataSize": "shop.fruit", "keyPattern": 1}, 14),
        ({"dataSize": "shop.fruit", "estimate": "x"}, 14),
        ({"dataSize": "shop.fruit", "x": 1}, 40415),
    ],
    ids=str,
)
def test_data_size_refuses(ask: Ask, fruit: None, fields: dict[str, Any], code: int) -> None:
    ask({"create": "v", "viewOn": "fruit"})
    assert ask(fields)["code"] == code


def test_db_hash(ask: Ask, fruit: None) -> None:
    ask({"create": "v", "viewOn": "fruit"})
    ask({"create": "capped", "capped": True, "size": 4096})
    first = ask({"dbHash": 1})
    assert list(first["collections"]) == ["capped", "fruit", "system.views"]
    assert first["capped"] == ["capped"]
    assert first["uuids"].keys() == first["collections"].keys()
    assert ask({"dbHash": 1})["md5"] == first["md5"]
    assert list(ask({"dbHash": 1, "collections": ["fruit", "nowhere", 1]})["collections"]) == ["fruit"]
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 5}}}]})
    changed = ask({"dbHash": 1, "unknown": 1, "collections": "all"})
    assert changed["md5"] != first["md5"]
    assert [name for name in first["collections"] if changed["collections"][name] != first["collections"][name]] == [
        "fruit"
    ]


def test_db_hash_goes_by_the_ids(ask: Ask) -> None:
    ask({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]})
    ask({"insert": "c", "documents": [{"_id": 2}, {"_id": 1}]}, "other")
    assert ask({"dbHash": 1})["collections"] == ask({"dbhash": 1}, "other")["collections"]
