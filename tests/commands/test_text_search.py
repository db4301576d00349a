"""`$text` in commands: what is found, its scores, where it may stand."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask

ARTICLES = [
    {"_id": 1, "subject": "coffee", "author": "xyz"},
    {"_id": 2, "subject": "Coffee Shopping", "author": "efg"},
    {"_id": 3, "subject": "Baking a cake", "author": "abc"},
    {"_id": 4, "subject": "baking", "author": "xyz"},
    {"_id": 5, "subject": "Café Con Leche", "author": "abc"},
    {"_id": 6, "other": "coffee", "author": "abc"},
]
INDEX = {"key": {"subject": "text"}, "name": "subject_text"}


@pytest.fixture(autouse=True)
def articles(ask: Ask) -> None:
    ask({"insert": "c", "documents": ARTICLES})
    assert ask({"createIndexes": "c", "indexes": [INDEX, {"key": {"author": 1}, "name": "author_1"}]})["ok"] == 1.0


def text(search: str, **options: Any) -> dict[str, Any]:
    return {"$text": {"$search": search, **{f"${name}": value for name, value in options.items()}}}


def ids(reply: dict[str, Any]) -> list[Any]:
    return [each["_id"] for each in reply["cursor"]["firstBatch"]]


# (case, find options, the _ids)
FOUND: list[tuple[str, dict[str, Any], list[int]]] = [
    ("word", {"filter": text("coffee")}, [2, 1]),
    ("words", {"filter": text("bake coffee cake")}, [2, 1, 3, 4]),
    ("and more", {"filter": {**text("bake coffee"), "author": "xyz"}}, [1, 4]),
    ("in $and", {"filter": {"$and": [text("bake"), {"author": "abc"}]}}, [3]),
    ("phrase", {"filter": text('"coffee shop"')}, [2]),
    ("negation", {"filter": text("coffee -shop")}, [1]),
    ("language", {"filter": text("leche", language="es")}, [5]),
    ("case", {"filter": text("Coffee", caseSensitive=True)}, [2]),
    ("diacritics", {"filter": text("CAFÉ", diacriticSensitive=True)}, [5]),
    ("nothing", {"filter": text("")}, []),
    ("sorted", {"filter": text("coffee baking"), "sort": {"_id": -1}}, [4, 3, 2, 1]),
    ("by score", {"filter": text("coffee baking"), "sort": {"x": {"$meta": "textScore"}, "_id": 1}}, [1, 4, 2, 3]),
    ("in $or with what is indexed", {"filter": {"$or": [text("leche"), {"author": "efg"}]}}, [2, 5]),
    ("in $or alone", {"filter": {"$or": [text("leche")]}}, [5]),
]

# (case, find options, code)
REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("twice", {"filter": {"$and": [text("a"), text("b")]}}, 2),
    ("in $nor", {"filter": {"$nor": [text("a")]}}, 2),
    ("in $elemMatch", {"filter": {"a": {"$elemMatch": text("a")}}}, 2),
    ("below a field", {"filter": {"a": text("a")}}, 2),
    ("with a hint", {"filter": text("a"), "hint": "subject_text"}, 2),
    ("in natural order", {"filter": text("a"), "sort": {"$natural": 1}}, 2),
    ("in $or with what is not indexed", {"filter": {"$or": [text("a"), {"b": 1}]}}, 291),
    ("no search", {"filter": {"$text": {}}}, 4),
    ("no document", {"filter": {"$text": "a"}}, 2),
    ("unknown option", {"filter": text("a", depth=1)}, 2),
    ("unknown language", {"filter": text("a", language="klingon")}, 2),
    ("search of another type", {"filter": {"$text": {"$search": 1}}}, 14),
    ("score without a search", {"projection": {"s": {"$meta": "textScore"}}}, 40218),
    ("order by score without a search", {"sort": {"s": {"$meta": "textScore"}}}, 40218),
]


@pytest.mark.parametrize(("options", "expected"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND])
def test_found(ask: Ask, options: dict[str, Any], expected: list[int]) -> None:
    assert ids(ask({"find": "c", **options})) == expected


@pytest.mark.parametrize(("options", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(ask: Ask, options: dict[str, Any], code: int) -> None:
    assert ask({"find": "c", **options})["code"] == code


def test_an_index_is_needed(ask: Ask) -> None:
    assert ask({"find": "nothing", "filter": text("a")})["code"] == 27
    assert ask({"count": "nothing", "query": text("a")})["code"] == 27
    ask({"collMod": "c", "index": {"name": "subject_text", "hidden": True}})
    assert ask({"find": "c", "filter": text("coffee")})["code"] == 291
    ask({"dropIndexes": "c", "index": "subject_text"})
    assert ask({"find": "c", "filter": text("coffee")})["code"] == 27


def test_scores_are_shown(ask: Ask) -> None:
    reply = ask({"find": "c", "filter": text("coffee"), "projection": {"_id": 1, "s": {"$meta": "textScore"}}})
    assert reply["cursor"]["firstBatch"] == [{"_id": 2, "s": 0.75}, {"_id": 1, "s": 1.0}]


def test_writes_and_counts_search_too(ask: Ask) -> None:
    assert ask({"count": "c", "query": text("coffee")})["n"] == 2
    assert ask({"distinct": "c", "key": "author", "query": text("coffee")})["values"] == ["efg", "xyz"]
    change = {"q": text("coffee"), "u": {"$set": {"subject": "tea"}}, "multi": True}
    assert ask({"update": "c", "updates": [change]})["nModified"] == 2
    assert ask({"count": "c", "query": text("coffee")})["n"] == 0
    assert ask({"delete": "c", "deletes": [{"q": text("tea"), "limit": 0}]})["n"] == 2
    assert ask({"findAndModify": "c", "query": text("cake"), "remove": True})["value"]["_id"] == 3


def test_pipelines_search_at_their_beginning(ask: Ask) -> None:
    def aggregate(*stages: dict[str, Any]) -> dict[str, Any]:
        return ask({"aggregate": "c", "pipeline": list(stages), "cursor": {}})

    match = {"$match": text("coffee")}
    score = {"$meta": "textScore"}
    assert aggregate(match, {"$count": "n"})["cursor"]["firstBatch"] == [{"n": 2}]
    assert ids(aggregate(match, {"$sort": {"score": score}})) == [1, 2]
    shown = aggregate(match, {"$project": {"x": score}}, {"$match": {"x": {"$gt": 0.9}}}, {"$set": {"y": score}})
    assert shown["cursor"]["firstBatch"] == [{"_id": 1, "x": 1.0, "y": 1.0}]
    assert aggregate({"$limit": 1}, match)["code"] == 17313
    assert aggregate(match, match)["code"] == 17313
    assert aggregate({"$project": {"x": score}})["code"] == 40218
    assert aggregate(match, {"$project": {"x": {"$meta": ["textScore"]}}})["code"] == 17307


def test_fields_before_the_text_must_be_given(ask: Ask) -> None:
    ask({"dropIndexes": "c", "index": "subject_text"})
    ask({"createIndexes": "c", "indexes": [{"key": {"author": 1, "subject": "text", "_id": -1}, "name": "x"}]})
    assert ids(ask({"find": "c", "filter": {**text("coffee"), "author": "efg"}})) == [2]
    assert ask({"find": "c", "filter": text("coffee")})["code"] == 291
    assert ask({"find": "c", "filter": {**text("coffee"), "author": {"$gt": "a"}}})["code"] == 291
    reply = ask({"insert": "c", "documents": [{"author": ["a"], "subject": "x"}]})
    assert reply["writeErrors"][0]["code"] == 201


def test_filters_that_are_no_queries_do_not_search(ask: Ask) -> None:
    pull = {"q": {}, "u": {"$pull": {"a": text("x")}}}
    assert ask({"update": "c", "updates": [pull]})["writeErrors"][0]["code"] == 2
    assert ask({"create": "d", "validator": text("x")})["code"] == 2
