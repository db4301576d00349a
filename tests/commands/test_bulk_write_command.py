"""bulkWrite: what each operation does, what the cursor and the sums say of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

NAMESPACES = [{"ns": "shop.c"}, {"ns": "store.d"}]


def bulk(ask: Ask, *ops: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return ask({"bulkWrite": 1, "ops": list(ops), "nsInfo": NAMESPACES, **fields}, "admin")


def contents(ask: Ask, collection: str = "c", database: str = "shop") -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = ask({"find": collection, "sort": {"_id": 1}}, database)["cursor"]["firstBatch"]
    return batch


def counts(reply: dict[str, Any]) -> tuple[int, ...]:
    names = ("nErrors", "nInserted", "nMatched", "nModified", "nUpserted", "nDeleted")
    return tuple(reply[name] for name in names)


def insert(place: int, *ids: Any) -> list[dict[str, Any]]:
    return [{"insert": place, "document": {"_id": each, "v": 0}} for each in ids]


def test_every_kind_of_operation(ask: Ask) -> None:
    reply = bulk(
        ask,
        *insert(0, 1, 2, 3),
        {"update": 0, "filter": {"_id": {"$lt": 3}}, "updateMods": {"$inc": {"v": 1}}, "multi": True},
        {"update": 0, "filter": {"_id": 1}, "updateMods": {"$set": {"v": 1}}},
        {"update": 1, "filter": {"_id": 9}, "updateMods": {"w": 5}, "upsert": True},
        {"delete": 0, "filter": {"v": 1}},
        {"delete": 0, "filter": {}, "multi": True},
    )
    assert counts(reply) == (0, 3, 3, 2, 1, 3)
    assert reply["cursor"]["id"] == 0 and type(reply["cursor"]["id"]) is Int64
    assert reply["cursor"]["ns"] == "admin.$cmd.bulkWrite"
    assert reply["cursor"]["firstBatch"] == [
        {"ok": 1.0, "idx": 0, "n": 1},
        {"ok": 1.0, "idx": 1, "n": 1},
        {"ok": 1.0, "idx": 2, "n": 1},
        {"ok": 1.0, "idx": 3, "n": 2, "nModified": 2},
        {"ok": 1.0, "idx": 4, "n": 1, "nModified": 0},
        {"ok": 1.0, "idx": 5, "n": 1, "nModified": 0, "upserted": {"_id": 9}},
        {"ok": 1.0, "idx": 6, "n": 1},
        {"ok": 1.0, "idx": 7, "n": 2},
    ]
    assert contents(ask) == []
    assert contents(ask, "d", "store") == [{"_id": 9, "w": 5}]


@pytest.mark.parametrize(
    ("ordered", "expected", "failed", "left"),
    [(True, (1, 2, 0, 0, 0, 0), [2], [1, 2]), (False, (2, 3, 0, 0, 0, 1), [2, 4], [2, 3])],
    ids=["ordered", "unordered"],
)
def test_errors(ask: Ask, ordered: bool, expected: tuple[int, ...], failed: list[int], left: list[int]) -> None:
    reply = bulk(
        ask,
        *insert(0, 1, 2, 1, 3),
        {"update": 0, "filter": {"_id": 2}, "updateMods": {"$bad": {}}},
        {"delete": 0, "filter": {"_id": 1}},
        ordered=ordered,
    )
    assert counts(reply) == expected
    errors = [item for item in reply["cursor"]["firstBatch"] if not item["ok"]]
    assert [error["idx"] for error in errors] == failed
    assert errors[0]["code"] == 11000
    assert errors[0]["keyPattern"] == {"_id": 1}
    assert errors[0]["keyValue"] == {"_id": 1}
    assert errors[0]["n"] == 0
    assert "nModified" not in errors[0]
    assert [(error["code"], error["nModified"]) for error in errors[1:]] == [(9, 0)] * (len(failed) - 1)
    assert [document["_id"] for document in contents(ask)] == left


def test_errors_only(ask: Ask) -> None:
    reply = bulk(ask, *insert(0, 1, 1, 2), ordered=False, errorsOnly=True)
    assert [item["idx"] for item in reply["cursor"]["firstBatch"]] == [1]
    assert counts(reply)[:2] == (1, 2)
    reply = bulk(ask, *insert(0, 3), errorsOnly=True, cursor={"batchSize": 0})
    assert (reply["cursor"]["id"], reply["cursor"]["firstBatch"]) == (0, [])


def test_the_results_come_in_batches(ask: Ask) -> None:
    reply = bulk(ask, *insert(0, *range(5)), cursor={"batchSize": 2})
    assert len(reply["cursor"]["firstBatch"]) == 2
    more = ask({"getMore": reply["cursor"]["id"], "collection": "$cmd.bulkWrite"}, "admin")["cursor"]
    assert [item["idx"] for item in more["nextBatch"]] == [2, 3, 4]
    assert more["id"] == 0
    reply = bulk(ask, *insert(0, 7), cursor={"batchSize": 0})
    assert reply["cursor"]["firstBatch"] == []
    assert reply["cursor"]["id"] > 0


def test_variables_and_constants(ask: Ask) -> None:
    reply = bulk(
        ask,
        *insert(0, 1, 2),
        {"update": 0, "filter": {"$expr": {"$eq": ["$_id", "$$x"]}}, "updateMods": [{"$set": {"v": "$$x"}}]},
        {
            "update": 0,
            "filter": {"_id": 2},
            "updateMods": [{"$set": {"v": "$$x", "w": "$$y"}}],
            "constants": {"x": "$v", "y": 5},
        },
        {"delete": 0, "filter": {"$expr": {"$eq": ["$v", "$$x"]}}},
        let={"x": 1},
    )
    assert counts(reply) == (0, 2, 2, 2, 0, 1)
    assert contents(ask) == [{"_id": 2, "v": "$v", "w": 5}]


def test_array_filters_and_sort(ask: Ask) -> None:
    bulk(
        ask,
        {"insert": 0, "document": {"_id": 1, "a": [1, 5]}},
        {"insert": 0, "document": {"_id": 2, "a": [2]}},
        {
            "update": 0,
            "filter": {},
            "sort": {"_id": -1},
            "updateMods": {"$inc": {"a.$[x]": 10}},
            "arrayFilters": [{"x": {"$gt": 1}}],
        },
    )
    assert contents(ask) == [{"_id": 1, "a": [1, 5]}, {"_id": 2, "a": [12]}]


def test_a_collection_of_another_uuid(ask: Ask) -> None:
    ask({"create": "c"})
    uuid = ask({"listCollections": 1})["cursor"]["firstBatch"][0]["info"]["uuid"]
    infos = [{"ns": "shop.c", "collectionUUID": uuid}, {"ns": "shop.e", "collectionUUID": Binary(bytes(16), 4)}]
    reply = bulk(ask, *insert(0, 1), *insert(1, 1), nsInfo=infos)
    assert counts(reply)[:2] == (1, 1)
    error = reply["cursor"]["firstBatch"][1]
    assert (error["code"], error["expectedCollection"], error["actualCollection"]) == (361, "e", None)


def test_unacknowledged(ask: Ask) -> None:
    reply = bulk(ask, *insert(0, 1, 1), writeConcern={"w": 0})
    assert counts(reply) == (0, 0, 0, 0, 0, 0)
    assert reply["cursor"]["firstBatch"] == []
    assert [document["_id"] for document in contents(ask)] == [1]
    assert ask({"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": 0}}) == {"n": 0, "ok": 1.0}
    acknowledged = ask({"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": 0, "j": True}})
    assert len(acknowledged["writeErrors"]) == 1


ONE = insert(0, 1)
UPDATE = {"update": 0, "filter": {}, "updateMods": {"$set": {"x": 1}}}

REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("no operations", {"ops": []}, 16),
    ("no array of operations", {"ops": {}}, 14),
    ("an operation that is no document", {"ops": [1]}, 14),
    ("an operation without a kind", {"ops": [{}]}, 40415),
    ("an unknown kind", {"ops": [{"replace": 0, "document": {}}]}, 40415),
    ("an unknown field of an operation", {"ops": [{"insert": 0, "document": {}, "x": 1}]}, 40415),
    ("an insert without a document", {"ops": [{"insert": 0}]}, 40414),
    ("an insert of null", {"ops": [{"insert": 0, "document": None}]}, 40414),
    ("an insert of an array", {"ops": [{"insert": 0, "document": []}]}, 14),
    ("a place that is no number", {"ops": [{"insert": "0", "document": {}}]}, 14),
    ("no place", {"ops": [{"insert": None, "document": {}}]}, 40414),
    ("a place below", {"ops": [{"insert": -1, "document": {}}]}, 2),
    ("a place beyond", {"ops": [{"delete": 2, "filter": {}}]}, 2),
    ("no namespaces", {"nsInfo": []}, 2),
    ("a namespace without a dot", {"nsInfo": [{"ns": "shop"}]}, 73),
    ("a namespace without a collection", {"nsInfo": [{"ns": "shop."}]}, 73),
    ("a namespace that is no string", {"nsInfo": [{"ns": 1}]}, 14),
    ("an unknown field of a namespace", {"nsInfo": [{"ns": "a.b", "x": 1}]}, 40415),
    ("an update without a filter", {"ops": [{"update": 0, "updateMods": {}}]}, 40414),
    ("an update that is null", {"ops": [{"update": 0, "filter": {}, "updateMods": None}]}, 9),
    ("an update that is a number", {"ops": [{"update": 0, "filter": {}, "updateMods": 1}]}, 9),
    ("a hint that is null", {"ops": [UPDATE | {"hint": None}]}, 9),
    ("a hint that is a number", {"ops": [{"delete": 0, "filter": {}, "hint": 1}]}, 9),
    ("multi that is a number", {"ops": [UPDATE | {"multi": 1}]}, 14),
    ("array filters that are no documents", {"ops": [UPDATE | {"arrayFilters": [1]}]}, 14),
    ("constants that are no document", {"ops": [UPDATE | {"constants": 1}]}, 14),
    ("errorsOnly that is a number", {"errorsOnly": 1}, 14),
    ("an unknown field of the cursor", {"cursor": {"x": 1}}, 40415),
    ("a batch size below", {"cursor": {"batchSize": -1}}, 2),
    ("an unknown field", {"x": 1}, 40415),
    ("a variable that reads a document", {"let": {"x": "$a"}}, 4890500),
]


@pytest.mark.parametrize(("fields", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused(ask: Ask, fields: dict[str, Any], code: int) -> None:
    reply = bulk(ask, **{"ops": ONE, **fields})
    assert (reply["ok"], reply["code"]) == (0.0, code)
    assert contents(ask) == []


FAILING: list[tuple[str, dict[str, Any], int]] = [
    ("constants without a pipeline", UPDATE | {"constants": {"x": 1}}, 51198),
    ("a sort of many", UPDATE | {"multi": True, "sort": {"_id": 1}}, 9),
    ("a filter that is none", UPDATE | {"filter": {"$bad": 1}}, 2),
    ("a hint of no index", UPDATE | {"hint": "none"}, 2),
    ("an unknown variable", UPDATE | {"filter": {"$expr": "$$x"}}, 17276),
    ("an `_id` that cannot be one", {"insert": 0, "document": {"_id": [1]}}, 53),
    ("a change of the `_id`", UPDATE | {"updateMods": {"$set": {"_id": 7}}}, 66),
]


@pytest.mark.parametrize(("op", "code"), [case[1:] for case in FAILING], ids=[case[0] for case in FAILING])
def test_what_fails_in_its_turn(ask: Ask, op: dict[str, Any], code: int) -> None:
    reply = bulk(ask, *ONE, op)
    assert reply["ok"] == 1.0
    assert [item.get("code") for item in reply["cursor"]["firstBatch"]] == [None, code]
    assert counts(reply)[:2] == (1, 1)


def test_only_on_admin(ask: Ask) -> None:
    assert ask({"bulkWrite": 1, "ops": ONE, "nsInfo": NAMESPACES})["code"] == 13
