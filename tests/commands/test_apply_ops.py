"""applyOps: entries of an oplog, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary

Document = dict[str, Any]
NS = "shop.fruit"


def apply(ask: Ask, *entries: Any, **options: Any) -> Document:
    return ask({"applyOps": list(entries), **options}, "admin")


def found(ask: Ask, filter: Document) -> list[Document]:
    batch: list[Document] = ask({"find": "fruit", "filter": filter})["cursor"]["firstBatch"]
    return batch


def test_an_insert_puts_itself_in_the_place_of_what_is_there(ask: Ask, fruit: None) -> None:
    reply = apply(ask, {"op": "i", "ns": NS, "o": {"_id": 9, "n": 1}}, {"op": "i", "ns": NS, "o": {"_id": 1, "n": 0}})
    assert reply == {"applied": 2, "results": [True, True], "ok": 1.0}
    assert found(ask, {"_id": {"$in": [1, 9]}}) == [{"_id": 1, "n": 0}, {"_id": 9, "n": 1}]


CHANGES: list[tuple[str, Document, Document]] = [
    ("a replacement", {"_id": 1, "x": 1}, {"_id": 1, "x": 1}),
    ("a replacement with names of operators", {"_id": 1, "$set": {"x": 1}}, {"_id": 1, "$set": {"x": 1}}),
    (
        "a difference",
        {"$v": 2, "diff": {"d": {"name": False}, "u": {"n": 5}, "i": {"new": [1]}}},
        {"_id": 1, "n": 5, "tags": ["green", "soft"], "new": [1]},
    ),
    (
        "of an array",
        {"$v": 2, "diff": {"stags": {"a": True, "l": 1, "u1": "x", "u3": "y"}}},
        {"_id": 1, "name": "pear", "n": 4, "tags": ["green", "x", None, "y"]},
    ),
]


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES)
def test_an_update(ask: Ask, fruit: None, name: str, change: Document, expected: Document) -> None:
    assert apply(ask, {"op": "u", "ns": NS, "o": change, "o2": {"_id": 1}})["results"] == [True]
    assert found(ask, {"_id": 1}) == [expected]


def test_an_update_of_nothing_fails_and_what_was_before_stays(ask: Ask, fruit: None) -> None:
    reply = apply(
        ask,
        {"op": "d", "ns": NS, "o": {"_id": 1}},
        {"op": "u", "ns": NS, "o": {"_id": 99}, "o2": {"_id": 99}},
        {"op": "n", "ns": "", "o": {}},
        {"op": "d", "ns": NS, "o": {"_id": 99}},
    )
    assert (reply["code"], reply["applied"], reply["results"]) == (8, 3, [True, False, True])
    assert found(ask, {"_id": 1}) == []


def test_commands(ask: Ask, fruit: None) -> None:
    index = {"createIndexes": "new", "v": 2, "key": {"a": 1}, "name": "a"}
    entries = [{"create": "new"}, {"create": "new"}, index, {"drop": "none"}, {"collMod": "new", "validator": {"a": 1}}]
    reply = apply(ask, *({"op": "c", "ns": "shop.$cmd", "o": each} for each in entries))
    assert reply["results"] == [True] * 5
    assert [each["name"] for each in ask({"listIndexes": "new"})["cursor"]["firstBatch"]] == ["_id_", "a"]
    refused = apply(ask, {"op": "i", "ns": "shop.new", "o": {"_id": 1}})
    assert (refused["code"], refused["applied"], refused["results"]) == (121, 1, [False])
    assert apply(ask, {"op": "i", "ns": "shop.new", "o": {"_id": 1}}, bypassDocumentValidation=True)["ok"] == 1.0
    rename = {"renameCollection": "shop.new", "to": "shop.newer", "dropTarget": False}
    nested = {
        "applyOps": [{"op": "c", "ns": "shop.$cmd", "o": rename}, {"op": "d", "ns": "shop.newer", "o": {"_id": 1}}]
    }
    assert apply(ask, {"op": "c", "ns": "admin.$cmd", "o": nested})["results"] == [True]
    assert ask({"count": "newer"})["n"] == 0


def test_a_collection_by_its_uuid(ask: Ask, fruit: None) -> None:
    (shown,) = ask({"listCollections": 1})["cursor"]["firstBatch"]
    entry = {"op": "d", "ns": "shop.elsewhere", "ui": shown["info"]["uuid"], "o": {"_id": 1}}
    assert apply(ask, entry)["ok"] == 1.0 and found(ask, {"_id": 1}) == []
    assert apply(ask, {**entry, "ui": Binary(bytes(16), 4)})["code"] == 26


REFUSED: list[tuple[str, list[Any], Document, int]] = [
    ("what is no document", [1], {}, 14),
    ("no kind", [{"ns": NS, "o": {}}], {}, 9),
    ("a kind that is no string", [{"op": 1, "ns": NS, "o": {}}], {}, 9),
    ("an unknown kind", [{"op": "x", "ns": NS, "o": {}}], {}, 2),
    ("an empty kind", [{"op": "", "ns": NS, "o": {}}], {}, 9),
    ("no namespace", [{"op": "i", "o": {}}], {}, 9),
    ("an empty namespace", [{"op": "i", "ns": "", "o": {}}], {}, 9),
    ("nothing to do", [{"op": "i", "ns": NS}], {}, 40414),
    ("a change that is none", [{"op": "i", "ns": NS, "o": 1}], {}, 14),
    ("an unknown command", [{"op": "c", "ns": "shop.$cmd", "o": {"find": "c"}}], {}, 2),
    ("an insert without _id", [{"op": "i", "ns": NS, "o": {"a": 1}}], {}, 4),
    ("an update without _id", [{"op": "u", "ns": NS, "o": {"_id": 1}}], {}, 4),
    ("an update by operators", [{"op": "u", "ns": NS, "o": {"$set": {"a": 1}}, "o2": {"_id": 1}}], {}, 4772600),
    ("no difference", [{"op": "u", "ns": NS, "o": {"$v": 2}, "o2": {"_id": 1}}], {}, 4772601),
    ("a delete without _id", [{"op": "d", "ns": NS, "o": {}}], {}, 4),
    ("into nothing", [{"op": "i", "ns": "shop.none", "o": {"_id": 1}}], {}, 26),
    ("a UUID of its own", [{"op": "c", "ns": "shop.$cmd", "ui": Binary(bytes(16), 4), "o": {"create": "x"}}], {}, 115),
    ("a condition", [], {"preCondition": []}, 6711600),
    ("always an upsert", [], {"alwaysUpsert": True}, 6711601),
    ("a count", [], {"count": 1}, 31240),
]


@pytest.mark.parametrize(("name", "entries", "options", "code"), REFUSED)
def test_refused(ask: Ask, fruit: None, name: str, entries: list[Any], options: Document, code: int) -> None:
    assert apply(ask, *entries, **options)["code"] == code


def test_nested_too_often(ask: Ask) -> None:
    entry: Document = {"op": "n", "ns": "", "o": {}}
    for _ in range(12):
        entry = {"op": "c", "ns": "admin.$cmd", "o": {"applyOps": [entry]}}
    assert apply(ask, entry)["code"] == 9
