"""Arithmetic, rounding, powers, comparison and truth: values, BSON types and error codes."""

import math
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from evaluating import evaluate, failure_code, same
from hypothesis import given
from hypothesis import strategies as st

INT_MAX, LONG_MAX, LONG_MIN = 2**31 - 1, 2**63 - 1, -(2**63)

VALUES: list[tuple[str, Any, Any]] = [
    ("add of nothing", {"$add": []}, 0),
    ("int and int", {"$add": [1, 2]}, 3),
    ("int overflow gives a long", {"$add": [INT_MAX, 1]}, Int64(INT_MAX + 1)),
    ("int and long", {"$add": [1, Int64(2)]}, Int64(3)),
    ("long overflow gives a double", {"$add": [Int64(LONG_MAX), 1]}, float(2**63)),
    ("int and double", {"$add": [1, 2.0]}, 3.0),
    ("int and decimal", {"$add": [1, Decimal128("2.50")]}, Decimal128("3.50")),
    ("null among numbers", {"$add": [1, None]}, None),
    ("compensated doubles", {"$add": [1e100, 1.0, -1e100]}, 1.0),
    ("date and milliseconds", {"$add": [DatetimeMS(1000), 500]}, DatetimeMS(1500)),
    ("date and a fraction", {"$add": [DatetimeMS(0), 1.5]}, DatetimeMS(2)),
    ("difference of dates", {"$subtract": [DatetimeMS(5), DatetimeMS(2)]}, Int64(3)),
    ("date minus number", {"$subtract": [DatetimeMS(5), 2]}, DatetimeMS(3)),
    ("multiply of nothing", {"$multiply": []}, 1),
    ("long times long overflows", {"$multiply": [Int64(LONG_MAX), Int64(2)]}, float(LONG_MAX) * 2),
    ("divide gives a double", {"$divide": [6, 3]}, 2.0),
    ("divide decimals", {"$divide": [Decimal128("1"), 4]}, Decimal128("0.25")),
    ("mod keeps the dividend's sign", {"$mod": [-7, 3]}, -1),
    ("mod of doubles", {"$mod": [5.5, 2]}, 1.5),
    ("abs", {"$abs": -1}, 1),
    ("abs of the least int", {"$abs": -(2**31)}, Int64(2**31)),
    ("ceil keeps the type", {"$ceil": 1.2}, 2.0),
    ("ceil of a negative fraction is -0.0", {"$ceil": -0.5}, -0.0),
    ("floor of an int", {"$floor": 3}, 3),
    ("round half to even", [{"$round": 0.5}, {"$round": 1.5}, {"$round": 2.5}], [0.0, 2.0, 2.0]),
    ("round at a place", {"$round": [19.25, 1]}, 19.2),
    ("round an int at tens", {"$round": [15, -1]}, 20),
    ("trunc", {"$trunc": [19.29, 1]}, 19.2),
    ("pow of ints", {"$pow": [2, 10]}, 1024),
    ("pow beyond 64 bits", {"$pow": [2, 64]}, float(2**64)),
    ("pow with a negative exponent", {"$pow": [2, -1]}, 0.5),
    ("sqrt", {"$sqrt": 25}, 5.0),
    ("sqrt of a decimal that is no number", {"$toString": {"$sqrt": Decimal128("NaN")}}, "NaN"),
    ("ln", {"$ln": 1}, 0.0),
    ("log", {"$log": [100, 10]}, 2.0),
    ("bits", {"$bitAnd": [7, Int64(5)]}, Int64(5)),
    ("bit not", {"$bitNot": 5}, -6),
    ("sin", {"$sin": 0}, 0.0),
    ("equal across types", {"$eq": [1, Decimal128("1.0")]}, True),
    ("order across types", {"$lt": [5, "a"]}, True),
    ("missing below null", {"$lt": ["$a", None]}, True),
    ("cmp", {"$cmp": [3, 2.5]}, 1),
    ("and of nothing", {"$and": []}, True),
    ("or of nothing", {"$or": []}, False),
    ("truth of values", {"$and": ["", [], {}, math.nan]}, True),
    ("zero decimal is false", {"$not": [Decimal128("-0.00")]}, True),
    ("and stops at the first false", {"$and": ["$a", {"$divide": [1, "$a"]}]}, False),
    ("if null", {"$ifNull": ["$a", None, 3]}, 3),
    ("cond without its other branch", {"$cond": [False, {"$divide": [1, "$zero"]}, "no"]}, "no"),
    ("switch", {"$switch": {"branches": [{"case": False, "then": 1}, {"case": True, "then": 2}]}}, 2),
]


@pytest.mark.parametrize(("name", "spec", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_value(name: str, spec: Any, expected: Any) -> None:
    assert same(evaluate(spec, {"zero": 0}), expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("add takes numbers", {"$add": [1, "a"]}, 14),
    ("add takes one date", {"$add": [DatetimeMS(1), DatetimeMS(2)]}, 16612),
    ("date overflow", {"$add": [DatetimeMS(LONG_MAX), 1]}, 15),
    ("number minus date", {"$subtract": [1, DatetimeMS(1)]}, 14),
    ("divide by zero", {"$divide": [1, 0]}, 2),
    ("mod by zero", {"$mod": [1, 0]}, 16610),
    ("mod by a decimal zero", {"$mod": [1, Decimal128("0")]}, 5733415),
    ("abs of the least long", {"$abs": Int64(LONG_MIN)}, 28680),
    ("sqrt of a negative", {"$sqrt": -1}, 28714),
    ("ln of zero", {"$ln": 0}, 28766),
    ("zero to a negative power", {"$pow": [0, -1]}, 28764),
    ("place out of range", {"$round": [1.5, 101]}, 51083),
    ("too few arguments", {"$divide": [1]}, 16020),
    ("too many arguments", {"$round": [1, 2, 3]}, 28667),
    ("if null of one", {"$ifNull": [1]}, 1257300),
    ("no branch", {"$switch": {"branches": [{"case": "$a", "then": 1}]}}, 40066),
    ("cond without else", {"$cond": {"if": 1, "then": 2}}, 17082),
    ("sin of infinity", {"$sin": math.inf}, 50989),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, spec: Any, code: int) -> None:
    assert failure_code(spec) == code


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_int_arithmetic_is_exact_and_widens(left: int, right: int) -> None:
    for name, exact in (("$add", left + right), ("$subtract", left - right), ("$multiply", left * right)):
        result = evaluate({name: [left, right]})
        assert result == exact
        assert type(result) is (int if -(2**31) <= exact < 2**31 else Int64)


@given(st.lists(st.one_of(st.integers(-100, 100), st.floats(-1e6, 1e6)), max_size=6))
def test_folded_and_evaluated_sums_are_the_same(numbers: list[float]) -> None:
    document = {f"f{index}": number for index, number in enumerate(numbers)}
    assert same(evaluate({"$add": numbers}), evaluate({"$add": [f"${name}" for name in document]}, document))
