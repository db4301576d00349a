"""Capped collections by command: their options, what they keep, and making them of others."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64

PIB = 2**50


def found(ask: Ask, name: str, **options: Any) -> list[Any]:
    return [each["_id"] for each in ask({"find": name, **options})["cursor"]["firstBatch"]]


def shown(ask: Ask, name: str) -> dict[str, Any]:
    (each,) = ask({"listCollections": 1, "filter": {"name": name}})["cursor"]["firstBatch"]
    return each  # type: ignore[no-any-return]


def insert(ask: Ask, name: str, *identities: Any, **options: Any) -> dict[str, Any]:
    return ask({"insert": name, "documents": [{"_id": each} for each in identities], **options})


# create

ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a size", {"capped": True, "size": 4096}, {"capped": True, "size": 4096}),
    ("a size that is no multiple of anything", {"capped": True, "size": 1}, {"capped": True, "size": 1}),
    ("a double is cut", {"capped": True, "size": 1.9}, {"capped": True, "size": 1}),
    ("a decimal is rounded to even", {"capped": True, "size": Decimal128("2.5")}, {"capped": True, "size": 2}),
    ("the largest size", {"capped": True, "size": Int64(PIB)}, {"capped": True, "size": Int64(PIB)}),
    ("a number", {"capped": 1, "size": 10, "max": 3.0}, {"capped": True, "size": 10, "max": 3}),
    ("any number", {"capped": True, "size": 10, "max": -5}, {"capped": True, "size": 10, "max": 2**31 - 1}),
    ("not capped after all", {"capped": False}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "kept"), ACCEPTED, ids=[case[0] for case in ACCEPTED])
def test_limits_are_kept_and_shown(ask: Ask, name: str, options: dict[str, Any], kept: dict[str, Any]) -> None:
    assert ask({"create": "log", **options}) == {"ok": 1.0}
    assert shown(ask, "log")["options"] == kept
    assert list(shown(ask, "log")["options"]) == list(kept)
    assert ask({"create": "log", **options}) == {"ok": 1.0}
    assert ask({"create": "log", "capped": True, "size": 77})["code"] == 48


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("no size", {"capped": True}, 72),
    ("a size without capped", {"size": 4096}, 72),
    ("a number without capped", {"max": 3}, 72),
    ("no bytes", {"capped": True, "size": 0}, 2),
    ("more than a pebibyte", {"capped": True, "size": Int64(PIB + 1)}, 2),
    ("endless", {"capped": True, "size": float("inf")}, 2),
    ("too many documents", {"capped": True, "size": 10, "max": Int64(2**31)}, 2),
    ("a size in words", {"capped": True, "size": "4096"}, 14),
    ("and a view", {"capped": True, "size": 10, "viewOn": "x"}, 72),
    ("and clustered", {"capped": True, "size": 10, "clusteredIndex": {"key": {"_id": 1}, "unique": True}}, 6049200),
]


@pytest.mark.parametrize(("name", "options", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_limits_that_are_none(ask: Ask, name: str, options: dict[str, Any], code: int) -> None:
    assert ask({"create": "log", **options})["code"] == code


# What is kept


def test_a_batch_pushes_out_the_oldest(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000, "max": 3})
    assert insert(ask, "log", *range(7))["n"] == 7
    assert found(ask, "log") == [4, 5, 6]
    assert found(ask, "log", sort={"$natural": -1}) == [6, 5, 4]
    assert found(ask, "log", hint={"$natural": -1}, limit=1) == [6]
    assert ask({"count": "log"})["n"] == 3


def test_an_ordered_batch_ends_at_a_duplicate_and_an_unordered_one_does_not(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000, "max": 2})
    reply = insert(ask, "log", 1, 2, 2, 3)
    assert (reply["n"], [each["index"] for each in reply["writeErrors"]], found(ask, "log")) == (2, [2], [1, 2])
    reply = insert(ask, "log", 3, 3, 1, ordered=False)  # 3 pushes 1 out, so that 1 is free again
    assert (reply["n"], [each["index"] for each in reply["writeErrors"]], found(ask, "log")) == (2, [1], [3, 1])


def test_documents_may_grow_and_be_deleted(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 100})
    insert(ask, "log", 1, 2, 3)
    grown = ask({"update": "log", "updates": [{"q": {"_id": 2}, "u": {"$set": {"x": "x" * 500}}}]})
    assert (grown["nModified"], found(ask, "log")) == (1, [1, 2, 3])
    insert(ask, "log", 4)
    assert found(ask, "log") == [3, 4]
    assert ask({"delete": "log", "deletes": [{"q": {"_id": 3}, "limit": 1}]})["n"] == 1
    assert found(ask, "log") == [4]


def test_an_upsert_pushes_out_the_oldest_too(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000, "max": 2})
    insert(ask, "log", 1, 2)
    ask({"update": "log", "updates": [{"q": {"_id": 3}, "u": {"$set": {"x": 1}}, "upsert": True}]})
    ask({"findAndModify": "log", "query": {"_id": 4}, "update": {"$set": {"x": 1}}, "upsert": True})
    assert found(ask, "log") == [3, 4]


def test_a_renamed_one_stays_capped(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000, "max": 2})
    assert ask({"renameCollection": "shop.log", "to": "shop.old"}, "admin") == {"ok": 1.0}
    insert(ask, "old", 1, 2, 3)
    assert found(ask, "old") == [2, 3]


def test_coll_stats(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 8192, "max": 5})
    stats = ask({"collStats": "log", "scale": 1024})
    assert (stats["capped"], stats["max"], stats["maxSize"]) == (True, 5, 8)
    ask({"create": "plain"})
    plain = ask({"collStats": "plain"})
    assert (plain["capped"], "max" in plain, "maxSize" in plain) == (False, False, False)


def test_new_limits(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000})
    insert(ask, "log", *range(5))
    assert ask({"collMod": "log", "cappedMax": 3, "cappedSize": Int64(777)})["ok"] == 1.0
    assert shown(ask, "log")["options"] == {"capped": True, "size": 777, "max": 3}
    assert found(ask, "log") == [0, 1, 2, 3, 4]
    insert(ask, "log", 5)
    assert found(ask, "log") == [3, 4, 5]
    assert [ask({"collMod": "log", **change})["code"] for change in ({"cappedSize": 0}, {"cappedMax": 2**31})] == [2, 2]
    ask({"create": "plain"})
    assert ask({"collMod": "plain", "cappedMax": 3})["code"] == 72


def test_a_find_that_is_overtaken_ends_with_an_error(ask: Ask) -> None:
    ask({"create": "log", "capped": True, "size": 10_000, "max": 4})
    insert(ask, "log", 1, 2, 3, 4)
    ahead, behind = (ask({"find": "log", "batchSize": 2})["cursor"]["id"] for _ in range(2))
    insert(ask, "log", 5)
    reply = ask({"getMore": Int64(ahead), "collection": "log"})
    assert [each["_id"] for each in reply["cursor"]["nextBatch"]] == [3, 4, 5]
    insert(ask, "log", 6)
    reply = ask({"getMore": Int64(behind), "collection": "log"})
    assert (reply["code"], reply["codeName"]) == (136, "CappedPositionLost")
    assert ask({"getMore": Int64(behind), "collection": "log"})["code"] == 43


# convertToCapped, cloneCollectionAsCapped

CONVERSIONS: list[tuple[str, dict[str, Any], int]] = [
    ("no size", {}, 72),
    ("no bytes", {"size": 0.9}, 72),
    ("not a number", {"size": float("nan")}, 72),
    ("in words", {"size": "4096"}, 72),
    ("true is no number", {"size": True}, 72),
    ("more than a pebibyte", {"size": Int64(PIB + 1)}, 2),
    ("endless", {"size": float("inf")}, 2),
]


@pytest.mark.parametrize(("name", "options", "code"), CONVERSIONS, ids=[case[0] for case in CONVERSIONS])
def test_sizes_that_are_none(ask: Ask, name: str, options: dict[str, Any], code: int) -> None:
    ask({"create": "plain"})
    assert ask({"convertToCapped": "plain", **options})["code"] == code
    assert ask({"cloneCollectionAsCapped": "plain", "toCollection": "copy", **options})["code"] == code
    assert shown(ask, "plain")["options"] == {}


SOURCES: list[tuple[str, Any, int, int]] = [
    ("there is none", "gone", 26, 26),
    ("a view", "view", 166, 166),
    ("an empty name", "", 73, 73),
    ("a leading dot", ".plain", 73, 73),
    ("a dollar", "pl$in", 26, 73),
    ("a number", 1, 73, 14),
    ("what keeps views", "system.views", 2, 0),
]


@pytest.mark.parametrize(("name", "source", "convert", "clone"), SOURCES, ids=[case[0] for case in SOURCES])
def test_sources_that_are_none(ask: Ask, name: str, source: Any, convert: int, clone: int) -> None:
    ask({"create": "plain"})
    ask({"create": "view", "viewOn": "plain"})
    assert ask({"convertToCapped": source, "size": 4096}).get("code", 0) == convert
    assert ask({"cloneCollectionAsCapped": source, "toCollection": "copy", "size": 4096}).get("code", 0) == clone


def test_targets_that_are_none(ask: Ask) -> None:
    ask({"create": "plain"})
    ask({"create": "view", "viewOn": "plain"})
    targets: dict[Any, int] = {
        "plain": 48,
        "view": 48,
        "": 73,
        "a$b": 73,
        ".a": 73,
        "system.other": 73,
        5: 14,
        None: 14,
    }
    for target, code in targets.items():
        assert ask({"cloneCollectionAsCapped": "plain", "toCollection": target, "size": 4096})["code"] == code, target
    assert ask({"cloneCollectionAsCapped": "plain", "size": 4096})["code"] == 14


def test_a_name_too_long_to_convert_under(ask: Ask) -> None:
    for length, outcome in ((255 - 25 - len("shop."), {"ok": 1.0}), (256 - 25 - len("shop."), 73)):
        ask({"create": "x" * length})
        reply = ask({"convertToCapped": "x" * length, "size": 4096})
        assert reply == outcome or reply.get("code") == outcome


def test_conversion(ask: Ask) -> None:
    ask({"create": "log", "validationLevel": "off"})
    ask({"createIndexes": "log", "indexes": [{"key": {"x": 1}, "name": "x_1"}]})
    insert(ask, "log", 5, 2, 8, 1)
    before = shown(ask, "log")["info"]["uuid"]
    cursor = ask({"find": "log", "batchSize": 1})["cursor"]["id"]
    assert ask({"convertToCapped": "log", "size": 28, "max": 1, "whatever": 1}) == {"ok": 1.0}
    after = shown(ask, "log")
    assert (after["options"], after["info"]["uuid"] != before) == (
        {"capped": True, "size": 28, "validationLevel": "off"},
        True,
    )
    assert found(ask, "log") == [8, 1]
    assert [each["name"] for each in ask({"listIndexes": "log"})["cursor"]["firstBatch"]] == ["_id_"]
    assert ask({"getMore": Int64(cursor), "collection": "log"})["code"] == 175
    assert ask({"convertToCapped": "log", "size": 4096}) == {"ok": 1.0}
    assert (shown(ask, "log")["options"]["size"], found(ask, "log")) == (4096, [8, 1])


def test_a_copy(ask: Ask) -> None:
    ask({"create": "plain", "validator": {"x": 1}})
    ask({"insert": "plain", "documents": [{"_id": n} for n in range(5)], "bypassDocumentValidation": True})
    assert ask({"cloneCollectionAsCapped": "plain", "toCollection": "copy", "size": 2 * 14}) == {"ok": 1.0}
    assert (found(ask, "plain"), found(ask, "copy")) == ([0, 1, 2, 3, 4], [3, 4])
    assert shown(ask, "copy")["options"] == {"capped": True, "size": 28, "validator": {"x": 1}}


def test_a_copy_of_a_clustered_collection_is_in_its_order(ask: Ask) -> None:
    ask({"create": "sorted", "clusteredIndex": {"key": {"_id": 1}, "unique": True}, "expireAfterSeconds": 9})
    insert(ask, "sorted", 3, 1, 2)
    assert ask({"convertToCapped": "sorted", "size": 4096}) == {"ok": 1.0}
    insert(ask, "sorted", 0)
    assert found(ask, "sorted") == [1, 2, 3, 0]
    assert shown(ask, "sorted")["options"] == {"capped": True, "size": 4096}
    assert "idIndex" in shown(ask, "sorted")
