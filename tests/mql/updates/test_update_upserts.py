"""The document that an upsert inserts."""

from __future__ import annotations

from typing import Any

import pytest
from applying import CLOCK, NOW
from bson import Regex

from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.mql.updates import filter_fields, parse_update, upsert_document


def upsert(filter: dict[str, Any], update: Any) -> dict[str, Any]:
    return upsert_document(parse_filter(filter), parse_update(update), now=NOW, clock_timestamp=CLOCK)


FIELDS = [
    ("equality", {"a": 1, "b": {"$eq": 2}}, {"a": 1, "b": 2}),
    ("dotted", {"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
    ("null", {"a": None}, {"a": None}),
    ("document", {"a": {"b": 1}}, {"a": {"b": 1}}),
    ("$and", {"$and": [{"a": 1}, {"$and": [{"b": 2}]}]}, {"a": 1, "b": 2}),
    ("$or of one", {"$or": [{"a": 1}]}, {"a": 1}),
    ("$or of two", {"$or": [{"a": 1}, {"b": 1}]}, {}),
    ("$in of one", {"a": {"$in": [1]}}, {"a": 1}),
    ("$in of two", {"a": {"$in": [1, 2]}}, {}),
    ("$in of a regular expression", {"a": {"$in": [Regex("x")]}}, {}),
    ("a regular expression", {"a": Regex("x"), "b": {"$eq": Regex("x")}}, {"b": Regex("x")}),
    ("$all of one", {"a": {"$all": [1]}}, {"a": 1}),
    ("ranges and others", {"a": {"$gt": 1}, "b": {"$exists": True}, "c": {"$ne": 1}, "$nor": [{"d": 1}]}, {}),
    ("by path", {"b": 1, "a": 2}, {"a": 2, "b": 1}),
]


@pytest.mark.parametrize(("filter", "expected"), [c[1:] for c in FIELDS], ids=[c[0] for c in FIELDS])
def test_fields_of_a_filter(filter: dict[str, Any], expected: dict[str, Any]) -> None:
    document = filter_fields(parse_filter(filter))
    assert document == expected
    assert list(document) == list(expected)


UPSERTS = [
    (
        "filter and operators",
        {"b": 1, "n": {"$gt": 0}},
        {"$set": {"a": 2}, "$setOnInsert": {"c": 3}},
        {"b": 1, "a": 2, "c": 3},
    ),
    ("operators work on the filter's fields", {"n": 1}, {"$inc": {"n": 2}}, {"n": 3}),
    ("no change", {"a": 1}, {"$set": {}}, {"a": 1}),
    ("_id in front", {"b": 1, "a": 2}, {"$set": {"_id": 5}}, {"_id": 5, "a": 2, "b": 1}),
    ("_id of the filter", {"z": 1, "_id": 5}, {"$set": {"a": 1}}, {"_id": 5, "z": 1, "a": 1}),
    ("_id again", {"_id": 5}, {"$setOnInsert": {"_id": 5, "a": 1}}, {"_id": 5, "a": 1}),
    ("replacement takes the _id alone", {"_id": 5, "a": 1}, {"b": 1}, {"_id": 5, "b": 1}),
    ("replacement", {"a": 1}, {"b": 1}, {"b": 1}),
    ("dollar field", {"_id": 1}, {"$set": {"$a": 1}}, {"_id": 1, "$a": 1}),
]


@pytest.mark.parametrize(("filter", "update", "expected"), [c[1:] for c in UPSERTS], ids=[c[0] for c in UPSERTS])
def test_upserted_document(filter: dict[str, Any], update: Any, expected: dict[str, Any]) -> None:
    document = upsert(filter, update)
    assert document == expected
    assert list(document) == list(expected)


REFUSED = [
    ("two values", {"$and": [{"a": 1}, {"a": 2}]}, {"$set": {"x": 1}}, 54),
    ("$all of two", {"a": {"$all": [1, 2]}}, {"$set": {"x": 1}}, 54),
    ("a path and one below it", {"a": {"b": 1}, "a.c": 2}, {"$set": {"x": 1}}, 54),
    ("other _id", {"_id": 1}, {"$setOnInsert": {"_id": 2}}, 66),
    ("inside _id", {"_id.a": 1}, {"$setOnInsert": {"_id.b": 2}}, 66),
    ("replacement with other _id", {"_id": 1}, {"_id": 2}, 66),
    ("replacement with part of _id", {"_id.a": 1}, {"b": 2}, 111),
    ("positional", {"a": 1}, {"$set": {"a.$": 2}}, 2),
    ("array as _id", {}, {"$set": {"_id": [1]}}, 53),
]


@pytest.mark.parametrize(("filter", "update", "code"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_upsert_refused(filter: dict[str, Any], update: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        upsert(filter, update)
    assert caught.value.code == code


def test_the_document_is_the_callers_own() -> None:
    replacement = {"_id": 5, "a": 1}
    upsert({}, replacement).clear()
    assert replacement == {"_id": 5, "a": 1}
