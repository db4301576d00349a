"""Unique indexes in the write commands: messages, counts, what stays."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

UNIQUE = {"key": {"a": 1}, "name": "a_1", "unique": True}

# (case, index options, first document, second document, dup key in the message, keyValue); no message: both are taken
CLASHES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str | None, dict[str, Any]]] = [
    ("number", {}, {"a": 1}, {"a": 1.0}, "{ a: 1.0 }", {"a": 1.0}),
    ("text", {}, {"a": "x"}, {"a": "x"}, '{ a: "x" }', {"a": "x"}),
    ("missing is null", {}, {}, {"a": None}, "{ a: null }", {"a": None}),
    ("element", {}, {"a": [1, 2]}, {"a": [3, 2]}, "{ a: 2 }", {"a": 2}),
    ("same element twice", {}, {"a": [1, 1]}, {"a": 2}, None, {}),
    ("embedded", {"key": {"a.b": 1}}, {"a": {"b": 1}}, {"a": [{"b": 1}]}, "{ a.b: 1 }", {"a.b": 1}),
    ("compound", {"key": {"a": 1, "b": -1}}, {"a": 1, "b": 2}, {"a": 1, "b": 2}, "{ a: 1, b: 2 }", {"a": 1, "b": 2}),
    ("compound differs", {"key": {"a": 1, "b": -1}}, {"a": 1, "b": 2}, {"a": 1, "b": 3}, None, {}),
    ("sparse leaves out missing", {"sparse": True}, {}, {}, None, {}),
    ("sparse takes null", {"sparse": True}, {"a": None}, {"a": None}, "{ a: null }", {"a": None}),
    ("partial leaves out others", {"partialFilterExpression": {"b": 1}}, {"a": 1}, {"a": 1, "b": 1}, None, {}),
    ("partial", {"partialFilterExpression": {"b": 1}}, {"a": 1, "b": 1}, {"a": 1, "b": 1}, "{ a: 1 }", {"a": 1}),
]


@pytest.mark.parametrize(
    ("options", "first", "second", "shown", "value"), [case[1:] for case in CLASHES], ids=[case[0] for case in CLASHES]
)
def test_clash(
    ask: Ask,
    options: dict[str, Any],
    first: dict[str, Any],
    second: dict[str, Any],
    shown: str | None,
    value: dict[str, Any],
) -> None:
    index = {**UNIQUE, **options}
    ask({"createIndexes": "c", "indexes": [index]})
    assert ask({"insert": "c", "documents": [{"_id": 1, **first}]})["n"] == 1
    reply = ask({"insert": "c", "documents": [{"_id": 2, **second}]})
    if shown is None:
        assert reply["n"] == 1
        return
    (failure,) = reply["writeErrors"]
    assert failure["errmsg"] == f"E11000 duplicate key error collection: shop.c index: a_1 dup key: {shown}"
    assert (failure["code"], failure["keyPattern"], failure["keyValue"]) == (11000, index["key"], value)


def test_a_collated_clash_shows_the_collation_and_no_text(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [{**UNIQUE, "collation": {"locale": "en", "strength": 1}}]})
    ask({"insert": "c", "documents": [{"a": "Ärger"}]})
    (failure,) = ask({"insert": "c", "documents": [{"a": "arger"}]})["writeErrors"]
    assert failure["code"] == 11000
    assert 'index: a_1 collation: { locale: "en"' in failure["errmsg"]
    assert 'dup key: { a: "0x' in failure["errmsg"]
    assert failure["keyValue"]["a"].startswith("0x")


def test_counts_of_a_batch(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [UNIQUE]})
    documents = [
        {"_id": 1, "a": 1},
        {"_id": 2, "a": 1},
        {"_id": 3, "a": [[], {}]},
        {"_id": 3, "a": 5},
        {"_id": 4, "a": 6},
    ]
    unordered = ask({"insert": "c", "documents": documents, "ordered": False})
    assert (unordered["n"], [each["index"] for each in unordered["writeErrors"]]) == (3, [1, 3])
    ordered = ask({"insert": "c", "documents": [{"_id": 7, "a": 7}, {"_id": 8, "a": 7}, {"_id": 9, "a": 9}]})
    assert (ordered["n"], [each["index"] for each in ordered["writeErrors"]]) == (1, [1])
    assert ask({"count": "c"})["n"] == 4


def test_a_document_that_an_index_cannot_take_is_refused_alone(ask: Ask) -> None:
    ask(
        {
            "createIndexes": "c",
            "indexes": [{"key": {"a": 1, "b": 1}, "name": "ab"}, {"key": {"h": "hashed"}, "name": "h"}],
        }
    )
    documents = [{"a": [1], "b": [2]}, {"a": [1], "b": 2}, {"h": [1]}]
    reply = ask({"insert": "c", "documents": documents, "ordered": False})
    assert (reply["n"], [each["code"] for each in reply["writeErrors"]]) == (1, [171, 16766])
    assert reply["writeErrors"][0]["errmsg"] == "cannot index parallel arrays [b] [a]"


def test_updates(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [UNIQUE]})
    ask({"insert": "c", "documents": [{"_id": number, "a": number} for number in range(4)]})

    def update(filter: dict[str, Any], change: Any, **options: Any) -> dict[str, Any]:
        return ask({"update": "c", "updates": [{"q": filter, "u": change, **options}]})

    assert update({"_id": 0}, {"$set": {"a": 1}})["writeErrors"][0]["code"] == 11000
    assert update({"_id": 0}, {"a": 2})["writeErrors"][0]["keyValue"] == {"a": 2}
    assert update({"_id": 0}, [{"$set": {"a": 3}}])["writeErrors"][0]["code"] == 11000
    assert update({"_id": 0}, {"$set": {"a": 0, "b": 1}})["nModified"] == 1
    many = update({}, {"$inc": {"a": 2}}, multi=True)
    assert many["writeErrors"][0]["code"] == 11000
    assert [each["a"] for each in ask({"find": "c"})["cursor"]["firstBatch"]] == [0, 1, 2, 3]
    assert update({}, {"$inc": {"a": 4}}, multi=True)["nModified"] == 4
    assert update({"_id": 9}, {"$set": {"a": 4}}, upsert=True)["writeErrors"][0]["code"] == 11000
    found = ask({"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"a": 4}}})
    assert (found["code"], found["keyPattern"]) == (11000, {"a": 1})
    ask({"delete": "c", "deletes": [{"q": {"a": 4}, "limit": 1}]})
    assert update({"_id": 1}, {"$set": {"a": 4}})["nModified"] == 1


def test_a_failed_build_says_which(ask: Ask) -> None:
    ask({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}]})
    reply = ask({"createIndexes": "c", "indexes": [UNIQUE]})
    assert reply["errmsg"].startswith("Index build failed: ")
    assert reply["errmsg"].endswith("E11000 duplicate key error collection: shop.c index: a_1 dup key: { a: 1 }")
    assert (reply["code"], reply["keyPattern"], reply["keyValue"]) == (11000, {"a": 1}, {"a": 1})
    assert len(ask({"listIndexes": "c"})["cursor"]["firstBatch"]) == 1
