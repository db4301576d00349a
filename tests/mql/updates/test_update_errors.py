"""Updates that MongoDB refuses, by code: when they are parsed, or for a document."""

from __future__ import annotations

from typing import Any

import pytest
from applying import apply, code_of
from bson import Decimal128, Int64

from amongo.errors import ServerError
from amongo.mql.updates import parse_update
from amongo.runtime.limits import NESTING_DEPTH

PARSE = [
    ("unknown operator", {"$foo": {"a": 1}}, 9),
    ("plain field after operators", {"$set": {"a": 1}, "b": 1}, 9),
    ("operator without a document", {"$set": 1}, 9),
    ("neither document nor array", "x", 9),
    ("empty path", {"$set": {"": 1}}, 56),
    ("empty part", {"$set": {"a..b": 1}}, 56),
    ("trailing dot", {"$unset": {"a.": 1}}, 56),
    ("bare positional", {"$set": {"$": 1}}, 2),
    ("leading array filter", {"$set": {"$[].a": 1}}, 2),
    ("two positionals", {"$set": {"a.$.b.$": 1}}, 2),
    ("same path twice", {"$set": {"a": 1}, "$inc": {"a": 1}}, 40),
    ("path inside another", {"$set": {"a": 1, "a.b": 1}}, 40),
    ("path inside another, reversed", {"$set": {"a.b": 1}, "$inc": {"a": 1}}, 40),
    ("field and array filter", {"$set": {"a.b": 1, "a.$[]": 1}}, 40),
    ("array filter and field", {"$set": {"a.$[]": 1}, "$inc": {"a.b": 1}}, 40),
    ("same positional twice", {"$set": {"a.$": 1}, "$inc": {"a.$": 1}}, 40),
    ("rename onto a written path", {"$rename": {"a": "b"}, "$set": {"b": 1}}, 40),
    ("two renames to one path", {"$rename": {"a": "c", "b": "c"}}, 40),
    ("identifier without a filter", {"$set": {"a.$[x]": 1}}, 2),
    ("$inc by a string", {"$inc": {"a": "x"}}, 14),
    ("$inc by a bool", {"$inc": {"a": True}}, 14),
    ("$mul by null", {"$mul": {"a": None}}, 14),
    ("$bit without a document", {"$bit": {"a": 1}}, 2),
    ("$bit of nothing", {"$bit": {"a": {}}}, 2),
    ("$bit unknown", {"$bit": {"a": {"not": 1}}}, 2),
    ("$bit by a double", {"$bit": {"a": {"or": 1.0}}}, 2),
    ("$currentDate of a number", {"$currentDate": {"a": 1}}, 2),
    ("$currentDate unknown option", {"$currentDate": {"a": {"x": 1}}}, 2),
    ("$currentDate unknown type", {"$currentDate": {"a": {"$type": "time"}}}, 2),
    ("$rename to a number", {"$rename": {"a": 1}}, 2),
    ("$rename to itself", {"$rename": {"a": "a"}}, 2),
    ("$rename into itself", {"$rename": {"a": "a.b"}}, 2),
    ("$rename out of a positional", {"$rename": {"a.$[]": "b"}}, 2),
    ("$rename into a positional", {"$rename": {"a": "b.$"}}, 2),
    ("$rename to an empty name", {"$rename": {"a": ""}}, 56),
    ("$rename with a null byte", {"$rename": {"a": "b\0"}}, 9867600),
    ("$push unknown clause", {"$push": {"a": {"$each": [], "$x": 1}}}, 2),
    ("$push $each no array", {"$push": {"a": {"$each": 1}}}, 2),
    ("$push $slice of a string", {"$push": {"a": {"$each": [], "$slice": "1"}}}, 2),
    ("$push $slice of a fraction", {"$push": {"a": {"$each": [], "$slice": 1.5}}}, 2),
    ("$push $position null", {"$push": {"a": {"$each": [], "$position": None}}}, 2),
    ("$push $sort by zero", {"$push": {"a": {"$each": [], "$sort": 0}}}, 2),
    ("$push $sort by a string", {"$push": {"a": {"$each": [], "$sort": "x"}}}, 2),
    ("$push $sort by nothing", {"$push": {"a": {"$each": [], "$sort": {}}}}, 2),
    ("$push $sort by an empty part", {"$push": {"a": {"$each": [], "$sort": {"a.": 1}}}}, 2),
    ("$push $sort by an empty name", {"$push": {"a": {"$each": [], "$sort": {"": 1}}}}, 2),
    ("$addToSet $each no array", {"$addToSet": {"a": {"$each": 1}}}, 14),
    ("$addToSet more than $each", {"$addToSet": {"a": {"$each": [], "$sort": 1}}}, 2),
    ("$pop of a string", {"$pop": {"a": "x"}}, 9),
    ("$pop of a fraction", {"$pop": {"a": 1.5}}, 9),
    ("$pop by two", {"$pop": {"a": 2}}, 9),
    ("$pullAll without an array", {"$pullAll": {"a": 1}}, 2),
    ("$pull by an unknown operator", {"$pull": {"a": {"$badop": 1}}}, 2),
    ("$pull by $expr", {"$pull": {"a": {"$expr": True}}}, 224),
    ("pipeline with another stage", [{"$match": {}}], 72),
    ("pipeline stage of two fields", [{"$set": {}, "$unset": "a"}], 40323),
    ("pipeline stage of another type", [1], 14),
]

APPLY = [
    ("through a scalar", {"$set": {"a.b": 1}}, {"a": 1}, 28),
    ("through null", {"$set": {"a.b": 1}}, {"a": None}, 28),
    ("a name in an array", {"$set": {"a.b": 1}}, {"a": [1]}, 28),
    ("too far past the end", {"$set": {"a.2000000": 1}}, {"a": []}, 34),
    ("_id changes", {"$set": {"_id": 2}}, {"_id": 1}, 66),
    ("_id goes", {"$unset": {"_id": 1}}, {"_id": 1}, 66),
    ("inside _id", {"$set": {"_id.a": 2}}, {"_id": {"a": 1}}, 66),
    ("_id changes its type by $inc", {"$inc": {"_id": Int64(0)}}, {"_id": 1}, 66),
    ("rename to an equal _id", {"$rename": {"a": "_id"}}, {"_id": 1, "a": 1}, 66),
    ("rename of _id", {"$rename": {"_id": "a"}}, {"_id": 1}, 66),
    ("replacement changes _id", {"_id": 2}, {"_id": 1}, 66),
    ("dollar field", {"$set": {"$a": 1}}, {"_id": 1}, 52),
    ("dollar field by rename", {"$rename": {"a": "$a"}}, {"a": 1}, 52),
    ("dollar field in a replacement", {"a": 1, "$b": 1}, {"_id": 1}, 52),
    ("$inc of a string", {"$inc": {"a": 1}}, {"a": "x"}, 14),
    ("$inc of null", {"$inc": {"a": 1}}, {"a": None}, 14),
    ("$inc past 64 bits", {"$inc": {"a": 1}}, {"a": Int64(2**63 - 1)}, 2),
    ("$mul past 64 bits", {"$mul": {"a": Int64(2)}}, {"a": Int64(2**62)}, 2),
    ("$bit of a double", {"$bit": {"a": {"or": 1}}}, {"a": 1.0}, 2),
    ("$bit of a decimal", {"$bit": {"a": {"or": 1}}}, {"a": Decimal128("1")}, 2),
    ("$push onto a number", {"$push": {"a": 1}}, {"a": 1}, 2),
    ("$addToSet onto null", {"$addToSet": {"a": 1}}, {"a": None}, 2),
    ("$pop of a number", {"$pop": {"a": 1}}, {"a": 1}, 14),
    ("$pull from a document", {"$pull": {"a": 1}}, {"a": {}}, 2),
    ("$pullAll from null", {"$pullAll": {"a": [1]}}, {"a": None}, 2),
    ("rename of an element", {"$rename": {"a.0": "b"}}, {"a": [1]}, 2),
    ("rename below an element", {"$rename": {"a.0.b": "c"}}, {"a": [{"b": 1}]}, 2),
    ("rename to an element", {"$rename": {"a": "b.0"}}, {"a": 1, "b": [1]}, 2),
    ("rename through a scalar", {"$rename": {"a.b": "c"}}, {"a": 1}, 28),
    ("rename into a scalar", {"$rename": {"a": "b.c"}}, {"a": 1, "b": 2}, 28),
    ("positional without a match", {"$set": {"a.$": 1}}, {"a": [1]}, 2),
    ("every element of nothing", {"$set": {"a.$[]": 1}}, {}, 2),
    ("every element of a number", {"$set": {"a.$[]": 1}}, {"a": 1}, 2),
]  # fmt: skip


@pytest.mark.parametrize(("update", "code"), [c[1:] for c in PARSE], ids=[c[0] for c in PARSE])
def test_refused_when_parsed(update: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_update(update)
    assert caught.value.code == code


@pytest.mark.parametrize(("update", "document", "code"), [c[1:] for c in APPLY], ids=[c[0] for c in APPLY])
def test_refused_for_a_document(update: Any, document: dict[str, Any], code: int) -> None:
    assert code_of(update, document) == code
    assert apply({"$set": {"other": 1}}, document).document == {**document, "other": 1}, "the document is untouched"


ARRAY_FILTERS = [
    ("unused", [{"x": 1}, {"y": 1}], 9),
    ("twice", [{"x": 1}, {"x": 2}], 9),
    ("two names", [{"x": 1, "y": 1}], 9),
    ("two names inside $or", [{"$or": [{"x": 1}, {"y.z": 1}]}], 9),
    ("no name", [{}], 9),
    ("bad name", [{"X": 1}], 2),
    ("$near", [{"x": {"$near": [0, 0]}}], 5626500),
    ("$near below $not", [{"$or": [{"x": {"$not": {"$near": [0, 0]}}}]}], 5626500),
    ("$expr", [{"$expr": {"$eq": ["$x", 1]}}], 224),
    ("$where", [{"$where": "true"}], 2),
]


@pytest.mark.parametrize(("filters", "code"), [c[1:] for c in ARRAY_FILTERS], ids=[c[0] for c in ARRAY_FILTERS])
def test_array_filters_refused(filters: list[dict[str, Any]], code: int) -> None:
    assert code_of({"$set": {"a.$[x]": 1}}, {"a": [1]}, array_filters=filters) == code


def test_array_filters_belong_to_operators() -> None:
    assert code_of({"a": 1}, {}, array_filters=[{"x": 1}]) == 9
    assert code_of([{"$set": {"a": 1}}], {}, array_filters=[{"x": 1}]) == 9


def test_a_document_may_not_become_too_deep() -> None:
    path = ".".join("a" * (NESTING_DEPTH - 1))
    assert code_of({"$set": {path: 1}}, {}) is None
    assert code_of({"$set": {path: {"b": 1}}}, {}) is None
    assert code_of({"$set": {path: {"b": {}}}}, {}) == 15
    assert code_of({"$set": {path: [[]]}}, {}) == 15
    assert code_of({"$push": {path: 1}}, {}) is None
    assert code_of({"$push": {path: {}}}, {}) == 15
    assert code_of({"$rename": {"x": path}}, {"x": {"b": {}}}) == 15


def test_an_inserted_id_has_a_storable_type() -> None:
    assert code_of({"$set": {"_id": [1]}}, {}, is_insert=True) == 53
    assert code_of({"$set": {"_id": 1}}, {}, is_insert=True) is None


def test_messages_name_the_place() -> None:
    with pytest.raises(ServerError, match=r"Updating the path 'a.b' would create a conflict at 'a'"):
        parse_update({"$set": {"a": 1, "a.b": 2}})
    with pytest.raises(ServerError, match=r"Cannot create field 'b' in element {a: \"x\"}"):
        apply({"$set": {"a.b": 1}}, {"a": "x"})
    with pytest.raises(ServerError, match=r"{_id: 1} has the field 'n' of non-numeric type string"):
        apply({"$inc": {"n": 1}}, {"_id": 1, "n": "x"})
