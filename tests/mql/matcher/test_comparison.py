"""Comparison operators: type brackets, null and missing, NaN, numbers of all types, arrays."""

import math
from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex
from bson.datetime_ms import DatetimeMS

from amongo.mql.matcher import parse_filter
from amongo.values.deprecated import Symbol, Undefined

NAN = math.nan
OID = ObjectId("0123456789abcdef01234567")

CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    # name, filter, document, expected
    ("int equals double", {"a": 1}, {"a": 1.0}, True),
    ("int equals long", {"a": 1}, {"a": Int64(1)}, True),
    ("int equals decimal", {"a": 1}, {"a": Decimal128("1.0")}, True),
    ("decimal equals int", {"a": Decimal128("1")}, {"a": 1}, True),
    ("one is not true", {"a": 1}, {"a": True}, False),
    ("true is not one", {"a": True}, {"a": 1}, False),
    ("negative zero equals zero", {"a": -0.0}, {"a": 0}, True),
    ("long beyond 2**53 is not the near double", {"a": Int64(2**53 + 1)}, {"a": float(2**53)}, False),
    ("null equals null", {"a": None}, {"a": None}, True),
    ("null equals missing", {"a": None}, {}, True),
    ("null is not undefined", {"a": None}, {"a": Undefined()}, False),
    ("null in an array", {"a": None}, {"a": [1, None]}, True),
    ("null is no empty array", {"a": None}, {"a": []}, False),
    ("gte null finds missing", {"a": {"$gte": None}}, {}, True),
    ("gt null finds nothing", {"a": {"$gt": None}}, {"a": None}, False),
    ("string below string", {"a": {"$lt": "b"}}, {"a": "a"}, True),
    ("number not below string", {"a": {"$lt": "b"}}, {"a": 1}, False),
    ("symbol equals string", {"a": "x"}, {"a": Symbol("x")}, True),
    ("false below true", {"a": {"$lt": True}}, {"a": False}, True),
    ("date range", {"a": {"$gte": DatetimeMS(0), "$lt": DatetimeMS(9)}}, {"a": DatetimeMS(5)}, True),
    ("object id equality", {"a": OID}, {"a": ObjectId(OID.binary)}, True),
    ("object id order", {"a": {"$gt": OID}}, {"a": OID}, False),
    ("NaN equals NaN", {"a": NAN}, {"a": NAN}, True),
    ("NaN equals decimal NaN", {"a": NAN}, {"a": Decimal128("NaN")}, True),
    ("NaN is not below a number", {"a": {"$lt": 5}}, {"a": NAN}, False),
    ("decimal NaN is not below a number", {"a": {"$lt": 5}}, {"a": Decimal128("NaN")}, False),
    ("NaN gte NaN", {"a": {"$gte": NAN}}, {"a": NAN}, True),
    ("number not gte NaN", {"a": {"$gte": NAN}}, {"a": 1}, False),
    ("NaN not gt NaN", {"a": {"$gt": NAN}}, {"a": NAN}, False),
    ("any element above", {"a": {"$gt": 3}}, {"a": [1, 5]}, True),
    ("two elements satisfy two bounds", {"a": {"$gt": 3, "$lt": 2}}, {"a": [1, 5]}, True),
    ("array equals array", {"a": [1, 2]}, {"a": [1, 2]}, True),
    ("array equals an element", {"a": [1, 2]}, {"a": [[1, 2]]}, True),
    ("array above array", {"a": {"$gt": [1]}}, {"a": [1, 0]}, True),
    ("document field order matters", {"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, False),
    ("document numbers by value", {"a": {"x": 1}}, {"a": {"x": 1.0}}, True),
    ("gt MinKey takes every type", {"a": {"$gt": MinKey()}}, {"a": "x"}, True),
    ("lt MaxKey takes every type", {"a": {"$lt": MaxKey()}}, {"a": None}, True),
    ("MaxKey equals itself alone", {"a": MaxKey()}, {"a": 5}, False),
    ("lte MinKey", {"a": {"$lte": MinKey()}}, {"a": MinKey()}, True),
    ("regex equals regex", {"a": {"$eq": Regex("x", 2)}}, {"a": Regex("x", 2)}, True),
    ("regex in $eq is no search", {"a": {"$eq": Regex("x")}}, {"a": "x"}, False),
    ("ne of missing", {"a": {"$ne": 1}}, {}, True),
    ("ne null of missing", {"a": {"$ne": None}}, {}, False),
    ("ne in array", {"a": {"$ne": 1}}, {"a": [1, 2]}, False),
    ("in by value", {"a": {"$in": [1, "x"]}}, {"a": 1.0}, True),
    ("in decimal list", {"a": {"$in": [Decimal128("1")]}}, {"a": 1}, True),
    ("in finds decimal value", {"a": {"$in": [1]}}, {"a": Decimal128("1.0")}, True),
    ("in does not take true for 1", {"a": {"$in": [1]}}, {"a": True}, False),
    ("in NaN", {"a": {"$in": [NAN]}}, {"a": NAN}, True),
    ("in null finds missing", {"a": {"$in": [None]}}, {}, True),
    ("in regex", {"a": {"$in": [Regex("^b")]}}, {"a": ["a", "bc"]}, True),
    ("in regex finds the regex itself", {"a": {"$in": [Regex("^b")]}}, {"a": Regex("^b")}, True),
    ("in whole array", {"a": {"$in": [[1, 2]]}}, {"a": [1, 2]}, True),
    ("in of nothing", {"a": {"$in": []}}, {"a": 1}, False),
    ("in with a document", {"a": {"$in": [{"x": 1}]}}, {"a": {"x": 1}}, True),
    ("in with dbref", {"a": {"$in": [{"$ref": "c", "$id": 1}]}}, {"a": {"$ref": "c", "$id": 1}}, True),
    ("nin of missing", {"a": {"$nin": [1]}}, {}, True),
    ("nin null of missing", {"a": {"$nin": [None]}}, {}, False),
    ("nin in array", {"a": {"$nin": [2]}}, {"a": [1, 2]}, False),
    ("dbref is a value", {"a": {"$ref": "c", "$id": 1}}, {"a": {"$ref": "c", "$id": 1}}, True),
    ("empty document is a value", {"a": {}}, {"a": {}}, True),
    ("empty filter", {}, {"a": 1}, True),
    ("empty field name", {"": 1}, {"": 1}, True),
]


@pytest.mark.parametrize(("filter", "document", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_comparison(filter: dict[str, Any], document: dict[str, Any], expected: bool) -> None:
    assert parse_filter(filter).bind()(document) is expected


def test_collator_applies_to_every_comparison() -> None:
    def fold(text: str) -> bytes:
        return text.lower().encode()

    for filter in ({"a": "X"}, {"a": {"$in": ["X"]}}, {"a": {"$gte": "X"}}, {"a": ["X"]}):
        document = {"a": ["x"]} if filter["a"] == ["X"] else {"a": "x"}
        assert parse_filter(filter, collator=fold).bind()(document)
    assert not parse_filter({"a": "X"}).bind()({"a": "x"})
    assert not parse_filter({"a": {"$ne": "X"}}, collator=fold).bind()({"a": "x"})


def test_the_tree_is_what_a_planner_reads() -> None:
    tree = parse_filter({"a": 5, "b": {"$gt": 3, "$ne": 4}, "$and": [{"c": 1}, {"d": 2}]})
    shape = [(child.operator, child.path, child.operand) for child in tree.children if child.operator != "$not"]
    assert tree.operator == "$and"
    assert shape == [("$eq", "a", 5), ("$gt", "b", 3), ("$eq", "c", 1), ("$eq", "d", 2)]
    (negated,) = [child for child in tree.children if child.operator == "$not"]
    assert (negated.children[0].operator, negated.children[0].operand) == ("$eq", 4)
