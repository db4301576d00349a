"""Logical, element, array, evaluation and bitwise operators."""

import random
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, Regex

from amongo.mql.matcher import parse_filter
from amongo.values.deprecated import Undefined

CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("and", {"$and": [{"a": 1}, {"b": 2}]}, {"a": 1, "b": 2}, True),
    ("and of four, last fails", {"$and": [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]}, {"a": 1, "b": 2, "c": 3}, False),
    ("or first", {"$or": [{"a": 1}, {"b": 2}]}, {"a": 1}, True),
    ("or of three, none", {"$or": [{"a": 1}, {"b": 2}, {"c": 3}]}, {"a": 2}, False),
    ("or with empty filter", {"$or": [{"a": 1}, {}]}, {"z": 1}, True),
    ("nor", {"$nor": [{"a": 1}, {"b": 2}]}, {"a": 2}, True),
    ("nor one matches", {"$nor": [{"a": 1}, {"b": 2}]}, {"b": 2}, False),
    ("not passes missing", {"a": {"$not": {"$gt": 5}}}, {}, True),
    ("not of two", {"a": {"$not": {"$gt": 5, "$lt": 9}}}, {"a": 7}, False),
    ("not regex", {"a": {"$not": Regex("^x")}}, {"a": "xy"}, False),
    ("not over array", {"a": {"$not": {"$gt": 5}}}, {"a": [1, 9]}, False),
    ("always false", {"$alwaysFalse": 1}, {}, False),
    ("always true", {"$alwaysTrue": 1.0}, {}, True),
    ("comment says nothing", {"a": 1, "$comment": {"x": 1}}, {"a": 1}, True),
    ("exists null", {"a": {"$exists": True}}, {"a": None}, True),
    ("exists undefined argument", {"a": {"$exists": None}}, {}, True),
    ("exists zero argument", {"a": {"$exists": 0.0}}, {"a": 1}, False),
    ("exists string argument", {"a": {"$exists": ""}}, {"a": 1}, True),
    ("type by alias", {"a": {"$type": "long"}}, {"a": Int64(1)}, True),
    ("type int is not long", {"a": {"$type": "int"}}, {"a": Int64(1)}, False),
    ("type number", {"a": {"$type": "number"}}, {"a": Decimal128("1")}, True),
    ("type bool is no number", {"a": {"$type": "number"}}, {"a": True}, False),
    ("type array of an array", {"a": {"$type": "array"}}, {"a": [1]}, True),
    ("type of an element", {"a": {"$type": "string"}}, {"a": [1, "x"]}, True),
    ("type list", {"a": {"$type": [2, "int"]}}, {"a": 1}, True),
    ("type null is not missing", {"a": {"$type": "null"}}, {}, False),
    ("type undefined", {"a": {"$type": 6}}, {"a": Undefined()}, True),
    ("size", {"a": {"$size": 2}}, {"a": [1, 2]}, True),
    ("size of decimal", {"a": {"$size": Decimal128("2")}}, {"a": [1, 2]}, True),
    ("size of no array", {"a": {"$size": 1}}, {"a": 1}, False),
    ("size of nested array is the outer one's", {"a": {"$size": 2}}, {"a": [[1, 2]]}, False),
    ("all over elements", {"a": {"$all": [1, 2]}}, {"a": [2, 3, 1]}, True),
    ("all of a scalar", {"a": {"$all": [1]}}, {"a": 1}, True),
    ("all of nothing", {"a": {"$all": []}}, {"a": []}, False),
    ("all with regex", {"a": {"$all": [Regex("^x")]}}, {"a": ["ax", "xa"]}, True),
    ("all null finds missing", {"a": {"$all": [None]}}, {}, True),
    (
        "all elemMatch",
        {"a": {"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"x": 2}}]}},
        {"a": [{"x": 2}, {"x": 1}]},
        True,
    ),
    ("elemMatch one element for all", {"a": {"$elemMatch": {"x": 1, "y": 2}}}, {"a": [{"x": 1}, {"y": 2}]}, False),
    ("elemMatch document", {"a": {"$elemMatch": {"x": 1, "y": 2}}}, {"a": [{"x": 1, "y": 2}]}, True),
    ("elemMatch value", {"a": {"$elemMatch": {"$gt": 1, "$lt": 4}}}, {"a": [0, 2, 5]}, True),
    ("elemMatch value needs one element", {"a": {"$elemMatch": {"$gt": 3, "$lt": 2}}}, {"a": [1, 5]}, False),
    ("elemMatch value enters no nested array", {"a": {"$elemMatch": {"$gt": 1}}}, {"a": [[2]]}, False),
    ("elemMatch of elemMatch", {"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}}, {"a": [[2]]}, True),
    ("elemMatch with or", {"a": {"$elemMatch": {"$or": [{"x": 1}, {"y": 2}]}}}, {"a": [{"y": 2}]}, True),
    ("elemMatch not", {"a": {"$elemMatch": {"$not": {"$gt": 1}}}}, {"a": [5, 0]}, True),
    ("elemMatch nin", {"a": {"$elemMatch": {"$nin": [5]}}}, {"a": [5]}, False),
    ("elemMatch array as document", {"a": {"$elemMatch": {"1": 7}}}, {"a": [[5, 7]]}, True),
    ("elemMatch scalar", {"a": {"$elemMatch": {"$gt": 1}}}, {"a": 5}, False),
    ("elemMatch empty filter takes documents alone", {"a": {"$elemMatch": {}}}, {"a": [1]}, False),
    ("elemMatch empty filter", {"a": {"$elemMatch": {}}}, {"a": [{}]}, True),
    ("elemMatch dbref", {"a": {"$elemMatch": {"$id": 1}}}, {"a": [{"$ref": "c", "$id": 1}]}, True),
    ("mod", {"a": {"$mod": [4, 1]}}, {"a": 9}, True),
    ("mod cuts the value", {"a": {"$mod": [4, 1]}}, {"a": 9.9}, True),
    ("mod cuts the operand", {"a": {"$mod": [4.7, 1.2]}}, {"a": 9}, True),
    ("mod sign of the value", {"a": {"$mod": [4, -1]}}, {"a": -9}, True),
    ("mod negative divisor", {"a": {"$mod": [-4, 1]}}, {"a": 9}, True),
    ("mod decimal", {"a": {"$mod": [4, 1]}}, {"a": Decimal128("9.5")}, True),
    ("mod infinity", {"a": {"$mod": [4, 0]}}, {"a": float("inf")}, False),
    ("mod beyond 64 bits", {"a": {"$mod": [4, 0]}}, {"a": 2.0**63}, False),
    ("mod string", {"a": {"$mod": [4, 0]}}, {"a": "4"}, False),
    ("expr compares fields", {"$expr": {"$gt": ["$a", "$b"]}}, {"a": 2, "b": 1}, True),
    ("expr truth of a value", {"$expr": "$a"}, {"a": 0}, False),
    ("expr truth of missing", {"$expr": "$a"}, {}, False),
    ("all set by mask", {"a": {"$bitsAllSet": 5}}, {"a": 7}, True),
    ("all set by positions", {"a": {"$bitsAllSet": [0, 3]}}, {"a": 1}, False),
    ("sign goes on", {"a": {"$bitsAllSet": [200]}}, {"a": -1}, True),
    ("all clear", {"a": {"$bitsAllClear": [1]}}, {"a": 5}, True),
    ("any set", {"a": {"$bitsAnySet": [1, 2]}}, {"a": 4.0}, True),
    ("any clear of all ones", {"a": {"$bitsAnyClear": [0, 63]}}, {"a": Int64(-1)}, False),
    ("fraction has no bits", {"a": {"$bitsAllClear": [0]}}, {"a": 1.5}, False),
    ("binary from the lowest bit", {"a": {"$bitsAllSet": [8]}}, {"a": b"\x00\x01"}, True),
    ("binary ends in zeros", {"a": {"$bitsAllClear": [99]}}, {"a": b"\xff"}, True),
    ("binary mask", {"a": {"$bitsAllSet": Binary(b"\x03", 128)}}, {"a": 3}, True),
    ("subtype 2 stores its length first", {"a": {"$bitsAnySet": [1]}}, {"a": Binary(b"\x00\x00", 2)}, True),
    ("no bits asked, all", {"a": {"$bitsAllSet": 0}}, {"a": 5}, True),
    ("no bits asked, any", {"a": {"$bitsAnySet": 0}}, {"a": 5}, False),
]


@pytest.mark.parametrize(("filter", "document", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_operator(filter: dict[str, Any], document: dict[str, Any], expected: bool) -> None:
    assert parse_filter(filter).bind()(document) is expected


def test_expr_reads_the_variables_of_the_operation() -> None:
    match = parse_filter({"$expr": {"$eq": ["$a", "$$wanted"]}}, variables={"wanted": 3}).bind()
    assert match({"a": 3})
    assert not match({"a": 4})


def test_sample_rate_draws_from_the_given_source() -> None:
    def count(seed: int) -> int:
        match = parse_filter({"$sampleRate": 0.3}, chance=random.Random(seed)).bind()
        return sum(match({}) for _ in range(1000))

    assert count(1) == count(1)
    assert 200 < count(1) < 400
    assert parse_filter({"$sampleRate": 1}).bind()({})
    assert not parse_filter({"$sampleRate": 0}).bind()({})
