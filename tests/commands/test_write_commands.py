"""insert, update, delete: counts, errors of statements, what is written and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Regex

from amongo.commands.instance import Instance
from amongo.engine.store import Store


def contents(ask: Ask, collection: str = "fruit") -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = ask({"find": collection, "batchSize": 1000})["cursor"]["firstBatch"]
    return batch


def insert(ask: Ask, *documents: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ask({"insert": "c", "documents": list(documents), **options})


def test_an_insert_puts_the_id_first_and_gives_one_where_there_is_none(ask: Ask) -> None:
    assert insert(ask, {"a": 1, "_id": 7}, {"b": 2})["n"] == 2
    first, second = contents(ask, "c")
    assert list(first.items()) == [("_id", 7), ("a", 1)]
    assert list(second) == ["_id", "b"]


@pytest.mark.parametrize(
    ("ordered", "n", "indexes"), [(True, 2, [2]), (False, 3, [2, 3])], ids=["ordered", "unordered"]
)
def test_duplicates(ask: Ask, ordered: bool, n: int, indexes: list[int]) -> None:
    reply = insert(ask, {"_id": 1}, {"_id": 2}, {"_id": 1.0}, {"_id": 2, "x": 1}, {"_id": 3}, ordered=ordered)
    assert reply["n"] == n
    assert [error["index"] for error in reply["writeErrors"]] == indexes
    error = reply["writeErrors"][0]
    assert error["code"] == 11000
    assert error["keyPattern"] == {"_id": 1}
    assert error["keyValue"] == {"_id": 1.0}
    assert error["errmsg"].startswith("E11000 duplicate key error collection: shop.c index: _id_ dup key: { _id: 1")
    assert len(contents(ask, "c")) == n


@pytest.mark.parametrize("bad", [[1], Regex("a")], ids=["array", "regex"])
@pytest.mark.parametrize("ordered", [True, False])
def test_an_id_that_cannot_be_one(ask: Ask, bad: Any, ordered: bool) -> None:
    reply = insert(ask, {"_id": 1}, {"_id": bad}, {"_id": 2}, ordered=ordered)
    assert [(error["index"], error["code"]) for error in reply["writeErrors"]] == [(1, 53)]
    assert [document["_id"] for document in contents(ask, "c")] == ([1] if ordered else [1, 2])


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"insert": "c", "documents": []}, 16),
        ({"insert": "c", "documents": [1]}, 14),
        ({"insert": "c"}, 40414),
        ({"insert": "", "documents": [{}]}, 73),
        ({"insert": "a$b", "documents": [{}]}, 73),
        ({"update": "c", "updates": []}, 16),
        ({"update": "c", "updates": [{"q": {}}]}, 40414),
        ({"update": "c", "updates": [{"q": {}, "u": 1}]}, 9),
        ({"update": "c", "updates": [{"q": {}, "u": {}, "nonsense": 1}]}, 40415),
        ({"delete": "c", "deletes": [{"q": {}, "limit": 2}]}, 9),
        ({"delete": "c", "deletes": [{"q": {}}]}, 40414),
    ],
    ids=str,
)
def test_refused_whole(ask: Ask, command: dict[str, Any], code: int) -> None:
    assert ask(command)["code"] == code
    assert "c" not in {each["name"] for each in ask({"listCollections": 1})["cursor"]["firstBatch"]}


def update(ask: Ask, *updates: dict[str, Any], **options: Any) -> dict[str, Any]:
    return ask({"update": "fruit", "updates": list(updates), **options})


@pytest.mark.parametrize(
    ("statement", "matched", "modified"),
    [
        ({"q": {"_id": 1}, "u": {"$set": {"n": 5}}}, 1, 1),
        ({"q": {"_id": 1}, "u": {"$set": {"n": 4}}}, 1, 0),
        ({"q": {"n": 4}, "u": {"$inc": {"n": 1}}}, 1, 1),
        ({"q": {"n": 4}, "u": {"$inc": {"n": 1}}, "multi": True}, 2, 2),
        ({"q": {"n": 9}, "u": {"$inc": {"n": 1}}, "multi": True}, 0, 0),
        ({"q": {}, "u": [{"$set": {"twice": {"$multiply": ["$n", 2]}}}], "multi": True}, 5, 5),
        ({"q": {"tags": "soft"}, "u": {"$set": {"tags.$": "hard"}}}, 1, 1),
        ({"q": {"_id": 2}, "u": {"name": "quince"}}, 1, 1),
    ],
    ids=str,
)
def test_update_counts(ask: Ask, fruit: None, statement: dict[str, Any], matched: int, modified: int) -> None:
    reply = update(ask, statement)
    assert (reply["n"], reply["nModified"]) == (matched, modified)


def test_an_update_with_a_sort_takes_the_first_in_order(ask: Ask, fruit: None) -> None:
    update(ask, {"q": {"n": 4}, "u": {"$set": {"hit": True}}, "sort": {"name": 1}})
    assert [document["name"] for document in contents(ask) if "hit" in document] == ["fig"]


@pytest.mark.parametrize("identity", [None, 0, "x"], ids=repr)
def test_upserts_tell_their_ids(ask: Ask, fruit: None, identity: Any) -> None:
    reply = update(
        ask,
        {"q": {"_id": identity}, "u": {"$set": {"a": 1}}, "upsert": True},
        {"q": {"_id": 1}, "u": {"$set": {"a": 1}}},
    )
    assert reply["upserted"] == [{"index": 0, "_id": identity}]
    assert (reply["n"], reply["nModified"]) == (2, 1)


def test_statements_fail_one_by_one(ask: Ask, fruit: None) -> None:
    statements = [
        {"q": {"_id": 1}, "u": {"$set": {"a": 1}}},
        {"q": {"_id": 2}, "u": {"$inc": {"name": 1}}},
        {"q": {"_id": 3}, "u": {"$set": {"a": 1}}},
    ]
    reply = update(ask, *statements, ordered=False)
    assert (reply["n"], reply["nModified"]) == (2, 2)
    assert [(error["index"], error["code"]) for error in reply["writeErrors"]] == [(1, 14)]
    assert update(ask, *statements)["n"] == 1


def test_an_update_that_fails_on_one_document_leaves_those_before_it_updated(ask: Ask, fruit: None) -> None:
    reply = update(ask, {"q": {}, "u": {"$push": {"tags": "new"}}, "multi": True})
    assert reply["writeErrors"][0]["code"] == 2
    assert [document["_id"] for document in contents(ask) if "new" in document["tags"]] == [1, 2, 3]


def test_let_and_now_in_an_update_pipeline(ask: Ask, fruit: None) -> None:
    stages = [{"$set": {"sum": {"$add": ["$n", "$$more"]}, "at": "$$NOW"}}]
    reply = update(ask, {"q": {"$expr": {"$eq": ["$_id", "$$which"]}}, "u": stages}, let={"more": 6, "which": 1})
    assert reply["nModified"] == 1
    changed = contents(ask)[0]
    assert (changed["sum"], "at" in changed) == (10, True)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ({"q": {"n": 4}, "limit": 1}, [2, 3, 4, 5]),
        ({"q": {"n": 4}, "limit": 0}, [2, 4, 5]),
        ({"q": {}, "limit": 0}, []),
        ({"q": {"_id": 9}, "limit": 1}, [1, 2, 3, 4, 5]),
        ({"q": {"_id": {"$gt": 3}}, "limit": 1}, [1, 2, 3, 5]),
    ],
    ids=str,
)
def test_delete(ask: Ask, fruit: None, statement: dict[str, Any], left: list[int]) -> None:
    assert ask({"delete": "fruit", "deletes": [statement]})["n"] == 5 - len(left)
    assert [document["_id"] for document in contents(ask)] == left


def test_an_update_sees_what_another_has_written_meanwhile(
    ask: Ask, instance: Instance, fruit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer comes between the look and the commit, once for every document."""
    original = Store.update
    disturbed: set[int] = set()

    def disturbing(store: Store, collection: Any, changes: Any, *others: Any) -> Any:
        for change in changes:
            if change.record_id not in disturbed:
                disturbed.add(change.record_id)
                update(ask, {"q": {"_id": change.record_id}, "u": {"$inc": {"m": 10}}})
        return original(store, collection, changes, *others)

    monkeypatch.setattr(Store, "update", disturbing)
    reply = update(ask, {"q": {}, "u": {"$inc": {"m": 1}}, "multi": True})
    assert (reply["n"], reply["nModified"]) == (5, 5)
    assert [document["m"] for document in contents(ask)] == [11] * 5


def test_a_replacement_that_is_the_document_changes_nothing(ask: Ask, instance: Instance) -> None:
    """If it begins with the `_id`: the server compares the two before it puts in an `_id`."""
    insert(ask, {"_id": 1, "a": 1})
    before = instance.store.last_sequence
    steps: list[tuple[dict[str, Any], int]] = [
        ({"_id": 1, "a": 1}, 0),
        ({"_id": 1, "a": 1.0}, 1),
        ({"_id": 1, "a": 1.0}, 0),
        ({"a": 1.0}, 1),
        ({"a": 1.0, "_id": 1}, 1),
    ]
    for replacement, modified in steps:
        reply = ask({"update": "c", "updates": [{"q": {"_id": 1}, "u": replacement}]})
        assert (reply["n"], reply["nModified"]) == (1, modified), replacement
    assert instance.store.last_sequence == before + 3


@pytest.mark.parametrize(
    ("pipeline", "code"),
    [([{"$nothing": 1}], 40324), ([{"$set": {"n": 1}, "$unset": "n"}], 40323)],
)
def test_an_update_with_what_is_no_stage_fails_whole(ask: Ask, fruit: None, pipeline: list[Any], code: int) -> None:
    statements = [{"q": {"_id": 1}, "u": {"$set": {"n": 9}}}, {"q": {}, "u": pipeline}]
    assert ask({"update": "fruit", "updates": statements})["code"] == code
    assert ask({"find": "fruit", "filter": {"n": 9}})["cursor"]["firstBatch"] == []
