"""find's rarer options: hints and bounds, record ids, index keys, resume tokens, metadata, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64, MinKey

from amongo.commands.instance import Instance


@pytest.fixture
def stock(ask: Ask) -> None:
    """Documents with an index on `n`, a compound one, and a sparse and a partial one."""
    documents = [
        {"_id": 1, "n": 30, "s": "x"},
        {"_id": 2, "n": 10},
        {"_id": 3, "n": [20, 5], "s": "y"},
        {"_id": 4, "n": 20},
        {"_id": 5},
    ]
    assert ask({"insert": "stock", "documents": documents})["n"] == 5
    indexes = [
        {"key": {"n": 1}, "name": "n_1"},
        {"key": {"n": -1, "s": 1}, "name": "n_s"},
        {"key": {"s": 1}, "name": "s_1", "sparse": True},
        {"key": {"_id": 1, "n": 1}, "name": "large", "partialFilterExpression": {"n": {"$gt": 15}}},
        {"key": {"x": 1}, "name": "hidden", "hidden": True},
        {"key": {"s": "hashed"}, "name": "s_hashed"},
    ]
    assert ask({"createIndexes": "stock", "indexes": indexes})["ok"] == 1.0


def find(ask: Ask, **fields: Any) -> list[dict[str, Any]]:
    reply = ask({"find": "stock", **fields})
    assert reply["ok"] == 1.0, reply
    batch: list[dict[str, Any]] = reply["cursor"]["firstBatch"]
    return batch


def ids(batch: list[dict[str, Any]]) -> list[Any]:
    return [document["_id"] for document in batch]


HINTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("by name, in the index's order", {"hint": "n_1"}, [5, 3, 2, 4, 1]),
    ("by key pattern", {"hint": {"n": 1.0}}, [5, 3, 2, 4, 1]),
    ("descending", {"hint": "n_s"}, [1, 4, 3, 2, 5]),
    ("sparse", {"hint": {"s": 1}}, [1, 3]),
    ("partial", {"hint": "large"}, [1, 3, 4]),
    ("with a filter", {"hint": "n_1", "filter": {"n": {"$gte": 10}}}, [2, 3, 4, 1]),
    ("with a filter on the `_id`", {"hint": "s_1", "filter": {"_id": 2}}, []),
    ("with a sort", {"hint": "n_1", "sort": {"_id": -1}}, [5, 4, 3, 2, 1]),
    ("with skip and limit", {"hint": "n_1", "skip": 1, "limit": 2}, [3, 2]),
    ("of a kind without an order", {"hint": "s_hashed", "sort": {"_id": 1}}, [1, 2, 3, 4, 5]),
    ("natural", {"hint": {"$natural": 1}}, [1, 2, 3, 4, 5]),
    ("natural, backwards", {"hint": {"$natural": Decimal128("-1")}}, [5, 4, 3, 2, 1]),
    ("sorted naturally, backwards", {"sort": {"$natural": -1.0}}, [5, 4, 3, 2, 1]),
    ("min", {"hint": "n_1", "min": {"n": 20}}, [3, 4, 1]),
    ("max", {"hint": "n_1", "max": {"n": 20}}, [5, 3, 2]),
    ("min and max", {"hint": "n_1", "min": {"n": 6}, "max": {"n": 20}}, [2]),
    ("on the `_id`", {"hint": "_id_", "min": {"_id": 2}, "max": {"_id": 4}}, [2, 3]),
    ("of a descending index", {"hint": "n_s", "min": {"n": 25, "s": MinKey()}}, [4, 3, 2, 5]),
    ("bounds of nothing", {"hint": "n_1", "min": {}, "max": {}}, [5, 3, 2, 4, 1]),
]


@pytest.mark.parametrize(("fields", "expected"), [case[1:] for case in HINTS], ids=[case[0] for case in HINTS])
def test_hints_and_bounds(ask: Ask, stock: None, fields: dict[str, Any], expected: list[int]) -> None:
    assert ids(find(ask, **fields)) == expected


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("a filter of null", {"filter": None}, 14),
    ("a hint of another type", {"hint": 1}, 9),
    ("a hint of null", {"hint": None}, 9),
    ("a hint of no index", {"hint": "none"}, 2),
    ("a hint of a hidden index", {"hint": "hidden"}, 2),
    ("a natural hint of another number", {"hint": {"$natural": 2}}, 2),
    ("a natural hint of a string", {"hint": {"$natural": "x"}}, 2),
    ("a natural sort of another number", {"sort": {"$natural": 2}}, 2),
    ("bounds without a hint", {"min": {"n": 1}}, 51173),
    ("bounds in natural order", {"hint": {"$natural": 1}, "min": {"n": 1}}, 291),
    ("bounds of other fields", {"hint": "n_1", "max": {"s": 1}}, 51174),
    ("bounds of fewer fields", {"hint": "n_s", "max": {"n": 1}}, 51174),
    ("bounds of different fields", {"hint": "n_1", "min": {"n": 1}, "max": {"s": 1}}, 51176),
    ("bounds the wrong way round", {"hint": "n_1", "min": {"n": 2}, "max": {"n": 2}}, 51175),
    ("a negative skip", {"skip": -1}, 2),
    ("a negative limit", {"limit": -1}, 2),
    ("a negative batch size", {"batchSize": -1}, 2),
    ("a token without a natural scan", {"$_requestResumeToken": True}, 2),
    ("a token and a sort", {"$_requestResumeToken": True, "hint": {"$natural": 1}, "sort": {"n": 1}}, 2),
    ("resuming without asking for a token", {"$_resumeAfter": {"$recordId": Int64(1)}}, 2),
    (
        "resuming behind something else",
        {"$_requestResumeToken": True, "hint": {"$natural": 1}, "$_resumeAfter": {"x": 1}},
        2,
    ),
    (
        "resuming behind a record that is gone",
        {"$_requestResumeToken": True, "hint": {"$natural": 1}, "$_resumeAfter": {"$recordId": Int64(99)}},
        211,
    ),
    ("metadata by a number", {"projection": {"x": {"$meta": 1}}}, 17307),
    ("metadata of no name", {"projection": {"x": {"$meta": "none"}}}, 17308),
    ("the sort key of no sort", {"projection": {"x": {"$meta": "sortKey"}}}, 2),
    ("the score of no search", {"projection": {"x": {"$meta": "textScore"}}}, 40218),
    ("the distance of no place", {"projection": {"x": {"$meta": "geoNearDistance"}}}, 40218),
    ("an unknown option", {"noSuchOption": 1}, 40415),
]


@pytest.mark.parametrize(("fields", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused(ask: Ask, stock: None, fields: dict[str, Any], code: int) -> None:
    assert ask({"find": "stock", **fields}).get("code") == code


SHAPES: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    ("record ids", {"showRecordId": True}, [{"_id": 4, "n": 20, "$recordId": Int64(4)}]),
    ("record ids and a projection", {"showRecordId": 1, "projection": {"_id": 1}}, [{"_id": 4, "$recordId": 4}]),
    ("record ids and an exclusion", {"showRecordId": 1, "projection": {"n": 0}}, [{"_id": 4, "$recordId": 4}]),
    ("the key of no index", {"returnKey": True, "hint": {"$natural": 1}}, [{}]),
    ("the key", {"returnKey": True, "hint": "n_1"}, [{"n": 20}]),
    ("the key of several fields", {"returnKey": True, "hint": "n_s"}, [{"n": 20, "s": None}]),
    ("the key of the `_id`", {"returnKey": True, "filter": {"_id": 4}}, [{"_id": 4}]),
    (
        "the key, no projection but of the sort key",
        {"returnKey": True, "hint": "n_1", "sort": {"s": 1}, "projection": {"z": 1, "k": {"$meta": "sortKey"}}},
        [{"n": 20, "k": [None]}],
    ),
    (
        "metadata",
        {
            "projection": {
                "_id": 0,
                "r": {"$meta": "recordId"},
                "a": {"k": {"$meta": "sortKey"}},
                "i": {"$meta": "indexKey"},
                "n": 0,
            },
            "sort": {"n": 1, "_id": -1},
            "hint": "n_1",
        },
        [{"r": 4, "a": {"k": [20, 4]}, "i": {"n": 20}}],
    ),
    ("what nobody knows", {"projection": {"n": 1, "x": {"$meta": "searchScore"}}}, [{"_id": 4, "n": 20}]),
]


@pytest.mark.parametrize(("fields", "expected"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_what_is_shown(ask: Ask, stock: None, fields: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert find(ask, **{"filter": {"n": 20, "s": None}, **fields}) == expected


def test_a_record_id_is_a_long(ask: Ask, stock: None) -> None:
    assert type(find(ask, showRecordId=True)[0]["$recordId"]) is Int64


def test_a_scan_goes_on_where_another_ended(ask: Ask, stock: None) -> None:
    natural = {"hint": {"$natural": 1}, "$_requestResumeToken": True}
    cursor = ask({"find": "stock", "batchSize": 2, **natural})["cursor"]
    assert cursor["postBatchResumeToken"] == {"$recordId": 2}
    ask({"delete": "stock", "deletes": [{"q": {"_id": 3}, "limit": 1}]})
    resumed = ask({"find": "stock", "$_resumeAfter": cursor["postBatchResumeToken"], **natural})["cursor"]
    assert ids(resumed["firstBatch"]) == [4, 5]
    assert resumed["postBatchResumeToken"] == {"$recordId": 5}
    more = ask({"getMore": cursor["id"], "collection": "stock", "batchSize": 1})["cursor"]
    assert more["postBatchResumeToken"] == {"$recordId": 3}
    ask({"create": "empty"})
    empty = ask({"find": "empty", **natural})["cursor"]
    assert empty["postBatchResumeToken"] == {"$recordId": None}
    assert ids(ask({"find": "stock", "$_resumeAfter": {"$recordId": None}, **natural})["cursor"]["firstBatch"])[0] == 1


def test_a_single_batch(ask: Ask, stock: None, instance: Instance) -> None:
    cursor = ask({"find": "stock", "batchSize": 2, "singleBatch": True})["cursor"]
    assert (len(cursor["firstBatch"]), cursor["id"]) == (2, 0)
    cursor = ask({"find": "stock", "batchSize": 0, "singleBatch": True})["cursor"]
    assert (cursor["firstBatch"], cursor["id"]) == ([], 0)
    assert len(instance.cursors) == 0


@pytest.mark.parametrize("huge", [2**31, 2**63 - 1, 1e300, Decimal128("1E+30")], ids=str)
def test_huge_numbers(ask: Ask, stock: None, huge: Any) -> None:
    assert len(find(ask, limit=huge)) == 5
    assert find(ask, skip=huge) == []
    assert len(find(ask, batchSize=huge)) == 5
    assert len(find(ask, skip=1, limit=huge)) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"allowPartialResults": True},
        {"oplogReplay": True},
        {"noCursorTimeout": 1},
        {"allowDiskUse": False},
        {"readOnce": True},
        {"comment": {"any": ["thing"]}},
        {"maxTimeMS": 60_000},
        {"let": {}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_options_that_change_nothing(ask: Ask, stock: None, fields: dict[str, Any]) -> None:
    assert ids(find(ask, **fields)) == [1, 2, 3, 4, 5]


def test_the_position_that_matched(ask: Ask, stock: None) -> None:
    assert find(ask, filter={"n": {"$lt": 6}}, projection={"n.$": 1}) == [{"_id": 3, "n": [5]}]
    reply = ask({"findAndModify": "stock", "query": {"n": 5}, "update": {"$set": {"n.$": 6}}, "fields": {"n.$": 1}})
    assert reply["value"] == {"_id": 3, "n": [5]}


def test_no_position_without_a_condition(ask: Ask, stock: None) -> None:
    assert ask({"find": "stock", "filter": {"_id": 3}, "projection": {"n.$": 1}})["code"] == 51246
    assert ask({"find": "stock", "projection": {"n.$": 1}})["code"] == 51246
    assert find(ask, filter={"_id": 1}, projection={"n.$": 1}) == [{"_id": 1, "n": 30}]
