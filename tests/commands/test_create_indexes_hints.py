"""Hinted indexes: which documents they have, in which order; which hints are refused."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

DOCUMENTS = [
    {"_id": 1, "a": 3, "b": 1},
    {"_id": 2, "a": 1},
    {"_id": 3},
    {"_id": 4, "a": [5, 0], "b": 2},
    {"_id": 5, "a": 3, "b": 3},
    {"_id": 6, "a": None, "s": {"t": 1}},
]
INDEXES = [
    {"key": {"a": 1}, "name": "up"},
    {"key": {"a": -1}, "name": "down"},
    {"key": {"a": 1}, "name": "sparse", "sparse": True},
    {"key": {"b": 1}, "name": "partial", "partialFilterExpression": {"b": {"$gt": 1}}},
    {"key": {"b": "hashed"}, "name": "hashed"},
    {"key": {"$**": 1}, "name": "all"},
    {"key": {"s.$**": 1}, "name": "below"},
    {"key": {"b": 1, "a": 1}, "name": "hidden", "hidden": True},
]

# (case, find options, the _ids in their order)
FOUND: list[tuple[str, dict[str, Any], list[int]]] = [
    ("in the order of the index", {"hint": "up"}, [3, 6, 4, 2, 1, 5]),
    ("backward index", {"hint": {"a": -1}}, [4, 1, 5, 2, 3, 6]),
    ("sparse leaves out", {"hint": "sparse"}, [6, 4, 2, 1, 5]),
    ("partial leaves out", {"hint": "partial"}, [4, 5]),
    ("partial leaves out matches", {"hint": "partial", "filter": {"b": {"$gte": 1}}}, [4, 5]),
    ("filter", {"hint": "up", "filter": {"a": {"$gt": 0}}}, [2, 1, 5, 4]),
    ("filter, backward index", {"hint": "down", "filter": {"a": {"$lte": 3, "$gte": 0}}}, [1, 5, 2, 4]),
    ("sort by another field", {"hint": "up", "sort": {"_id": -1}}, [6, 5, 4, 3, 2, 1]),
    ("backwards, ties too", {"hint": "partial", "sort": {"b": -1}}, [5, 4]),
    ("natural", {"hint": {"$natural": -1}}, [6, 5, 4, 3, 2, 1]),
    ("wildcard on a path", {"hint": "all", "filter": {"a": {"$gte": 1}}}, [2, 1, 5, 4]),
    ("wildcard below a path", {"hint": "below", "filter": {"s.t": 1}}, [6]),
    ("limit", {"hint": "up", "limit": 2, "skip": 1}, [6, 4]),
]

# (case, hint, filter, code)
REFUSED: list[tuple[str, Any, dict[str, Any], int]] = [
    ("no such name", "none", {}, 2),
    ("no such key", {"c": 1}, {}, 2),
    ("hidden", "hidden", {}, 2),
    ("key of several", {"a": 1}, {}, 27),
    ("wildcard without filter", "all", {}, 291),
    ("wildcard on another path", "below", {"a": 1}, 291),
    ("wildcard for null", "all", {"a": None}, 291),
    ("wildcard on _id", "all", {"_id": 1}, 291),
]


@pytest.fixture(autouse=True)
def indexed(ask: Ask) -> None:
    ask({"insert": "c", "documents": DOCUMENTS})
    assert ask({"createIndexes": "c", "indexes": INDEXES})["ok"] == 1.0


@pytest.mark.parametrize(("options", "ids"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
def test_found(ask: Ask, options: dict[str, Any], ids: list[int]) -> None:
    assert [each["_id"] for each in ask({"find": "c", **options})["cursor"]["firstBatch"]] == ids


@pytest.mark.parametrize(("hint", "filter", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(ask: Ask, hint: Any, filter: dict[str, Any], code: int) -> None:
    assert ask({"find": "c", "hint": hint, "filter": filter})["code"] == code


def test_the_key_of_a_wildcard_has_the_path(ask: Ask) -> None:
    found = ask({"find": "c", "hint": "all", "filter": {"a": {"$gt": 3}}, "returnKey": True})["cursor"]["firstBatch"]
    assert found == [{"$_path": "a", "a": 5}]


def test_other_commands_go_by_the_hint_too(ask: Ask) -> None:
    assert ask({"count": "c", "query": {}, "hint": "sparse"})["n"] == 5
    assert ask({"distinct": "c", "key": "_id", "hint": "partial"})["values"] == [4, 5]
    pipeline = [{"$match": {}}, {"$project": {"_id": 1}}]
    found = ask({"aggregate": "c", "pipeline": pipeline, "cursor": {}, "hint": "partial"})["cursor"]["firstBatch"]
    assert found == [{"_id": 4}, {"_id": 5}]
    assert (
        ask({"update": "c", "updates": [{"q": {}, "u": {"$set": {"x": 1}}, "hint": "sparse", "multi": True}]})["n"] == 5
    )
    assert ask({"findAndModify": "c", "query": {}, "update": {"$set": {"y": 1}}, "hint": "down"})["value"]["_id"] == 4
    assert ask({"delete": "c", "deletes": [{"q": {}, "limit": 0, "hint": "partial"}]})["n"] == 2
