"""dropIndexes: by name, by key pattern, by list, all."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

from amongo.engine.indexes import Build

INDEXES = [
    {"key": {"a": 1}, "name": "a_1"},
    {"key": {"b": 1, "a": -1}, "name": "b_1_a_-1"},
    {"key": {"c": 1}, "name": "c"},
    {"key": {"c": 1}, "name": "c_unique", "unique": True},
]

# (case, index, names that are left, or the code)
CASES: list[tuple[str, Any, Any]] = [
    ("name", "a_1", ["b_1_a_-1", "c", "c_unique"]),
    ("key pattern", {"b": 1, "a": -1}, ["a_1", "c", "c_unique"]),
    ("names", ["c", "a_1"], ["b_1_a_-1", "c_unique"]),
    ("no names", [], ["a_1", "b_1_a_-1", "c", "c_unique"]),
    ("all", "*", []),
    ("all in a list", ["*"], []),
    ("all among others", ["*", "c"], 27),
    ("unknown name", "x", 27),
    ("unknown among others", ["c", "x"], 27),
    ("a name twice", ["c", "c"], 27),
    ("key pattern in another order", {"a": -1, "b": 1}, 27),
    ("part of a key pattern", {"b": 1}, 27),
    ("key pattern of two", {"c": 1}, 181),
    ("the index on _id", "_id_", 72),
    ("the index on _id by its key", {"_id": 1}, 72),
    ("a number", 1, 14),
    ("a number among names", ["c", 1], 14),
    ("null", None, 14),
]


@pytest.mark.parametrize(("index", "left"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_drop(ask: Ask, index: Any, left: Any) -> None:
    ask({"createIndexes": "c", "indexes": INDEXES})
    reply = ask({"dropIndexes": "c", "index": index})
    names = [each["name"] for each in ask({"listIndexes": "c"})["cursor"]["firstBatch"]]
    if isinstance(left, list):
        assert (reply["nIndexesWas"], names) == (5, ["_id_", *left])
    else:
        assert (reply["code"], names) == (left, ["_id_", *(each["name"] for each in INDEXES)])


def test_all_are_announced(ask: Ask) -> None:
    ask({"create": "c"})
    reply = ask({"dropIndexes": "c", "index": "*"})
    assert reply == {"nIndexesWas": 1, "msg": "non-_id indexes dropped for collection", "ok": 1.0}


def test_refused(ask: Ask) -> None:
    assert ask({"dropIndexes": "c", "index": "*"})["code"] == 26
    ask({"create": "c"})
    assert ask({"dropIndexes": "c"})["code"] == 40414
    assert ask({"deleteIndexes": "c", "index": "x"})["code"] == 27


def test_what_a_unique_index_refused_is_taken_when_it_is_gone(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [INDEXES[3]]})
    ask({"insert": "c", "documents": [{"c": 1}]})
    assert ask({"insert": "c", "documents": [{"c": 1}]})["n"] == 0
    ask({"dropIndexes": "c", "index": "c_unique"})
    assert ask({"insert": "c", "documents": [{"c": 1}]})["n"] == 1
    assert ask({"createIndexes": "c", "indexes": [INDEXES[3]]})["code"] == 11000


def test_to_drop_an_index_that_is_being_built_is_to_stop_its_build(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask({"insert": "c", "documents": [{"a": 1}]})
    replies: list[Any] = []
    catch_up = Build.catch_up

    def catch_up_and_drop(self: Build, *arguments: Any) -> int:
        if not replies:
            replies.append(ask({"dropIndexes": "c", "index": "a_1"}))
            replies.append(ask({"dropIndexes": "c", "index": "*"}))
        return catch_up(self, *arguments)

    monkeypatch.setattr(Build, "catch_up", catch_up_and_drop)
    reply = ask({"createIndexes": "c", "indexes": INDEXES[:2]})
    assert [each.get("code") for each in replies] == [12587, None]
    assert reply["code"] == 276
    assert [each["name"] for each in ask({"listIndexes": "c"})["cursor"]["firstBatch"]] == ["_id_"]
    assert ask({"createIndexes": "c", "indexes": INDEXES[:2]})["numIndexesAfter"] == 3
