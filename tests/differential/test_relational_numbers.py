"""Numbers, conditions and conversions of the columnar path against the interpreter, bit by bit."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential.expression_cases import (
    assert_computed,
    assert_expression_refused,
    assert_same_or_refused,
)
from tests.differential.relational_cases import assert_same

INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1


def of(*values: Any, **fields: list[Any]) -> list[dict[str, Any]]:
    """Documents with `a` for each value; ... for none; other fields by name."""
    documents: list[dict[str, Any]] = [{} if value is ... else {"a": value} for value in values]
    for name, column in fields.items():
        for document, value in zip(documents, column, strict=True):
            if value is not ...:
                document[name] = value
    return documents


INTS = of(1, -7, INT_MAX, -(2**31), 0, b=[3, 2, 1, 1, 9])
LONGS = of(Int64(1), Int64(2**40), Int64(-(2**53) - 1), b=[1, Int64(5), 7])
DOUBLES = of(1.5, -0.0, 0.0, 2.5, -0.1, 1e300, b=[0.1, 0.2, -0.0, 3.0, 0.3, 1e-300])
HOLES = of(1, None, ..., 5, b=[None, 2, 3, 4])
MIXED = of(1, 2.5, Int64(7), None, -3, b=[2.0, 2, 0.5, 1, ...])
ODD = of(math.nan, math.inf, -math.inf, 1.0, b=[1.0, 1.0, math.inf, 1.0])

LOWERED: dict[str, tuple[list[dict[str, Any]], Any]] = {
    "ints that become longs": (INTS, {"$add": ["$a", "$b"]}),
    "a difference of ints": (INTS, {"$subtract": ["$a", "$b"]}),
    "a product of ints": (INTS, {"$multiply": ["$a", "$b"]}),
    "three ints": (INTS, {"$add": ["$a", "$b", 5]}),
    "longs stay longs": (LONGS, {"$add": ["$a", 1]}),
    "longs and ints in one field": (LONGS, {"$multiply": ["$b", 2]}),
    "doubles": (DOUBLES, {"$add": ["$a", "$b"]}),
    "a sum of negative zeros": (of(-0.0, -0.0), {"$add": ["$a", "$a"]}),
    "a negative zero alone": (of(-0.0, 1.0), {"$add": ["$a"]}),
    "a difference that is a negative zero": (of(-0.0, 0.0, b=[0.0, 0.0]), {"$subtract": ["$a", "$b"]}),
    "three doubles are compensated": (
        of(1e100, 0.1, 1.0, b=[1.0, 0.2, 1e-17], c=[-1e100, 0.3, -1.0]),
        {"$add": ["$a", "$b", "$c"]},
    ),
    "many numbers of all kinds": (MIXED, {"$add": ["$a", "$b", 0.1, "$a", Int64(3)]}),
    "null wins": (HOLES, {"$add": ["$a", "$b"]}),
    "null constants": (INTS, {"$add": ["$a", None]}),
    "whole and double in one field": (MIXED, {"$multiply": ["$a", "$b"]}),
    "NaN and infinities": (ODD, {"$add": ["$a", "$b"]}),
    "NaN and infinities, compensated": (ODD, {"$add": ["$a", "$b", 0.1]}),
    "an overflow to infinity": (of(1e308, -1e308), {"$multiply": ["$a", 10]}),
    "a quotient is a double": (INTS, {"$divide": ["$a", "$b"]}),
    "a quotient of longs past 53 bits": (LONGS, {"$divide": ["$a", 7]}),
    "a remainder has the dividend's sign": (INTS, {"$mod": ["$a", 5]}),
    "a remainder of doubles": (of(-7.5, 6.0, -6.0, 0.3), {"$mod": ["$a", 2]}),
    "the magnitude of the least int": (INTS, {"$abs": "$a"}),
    "the magnitude of doubles": (DOUBLES, {"$abs": "$a"}),
    "a date and milliseconds": (of(DatetimeMS(0), DatetimeMS(-5), None), {"$add": ["$a", 86_400_000]}),
    "a date and whole doubles": (of(DatetimeMS(0), b=[1000.0]), {"$add": ["$b", "$a"]}),
    "dates apart": (of(DatetimeMS(0), None, b=[DatetimeMS(-5), DatetimeMS(9)]), {"$subtract": ["$a", "$b"]}),
    "a date less milliseconds": (of(DatetimeMS(7), b=[3]), {"$subtract": ["$a", "$b"]}),
    "floor": (DOUBLES, {"$floor": "$a"}),
    "ceil of NaN": (ODD, {"$ceil": "$a"}),
    "round half to even": (of(0.5, 1.5, 2.5, -0.5, -1.5, -0.3, 2.0**52 + 1, 3, None), {"$round": "$a"}),
    "round of ints at hundreds": (of(150, 250, -150, -250, 49, 51, INT_MAX), {"$round": ["$a", -2]}),
    "trunc of ints at hundreds": (of(150, -250, 99), {"$trunc": ["$a", -2]}),
    "round at cents": (of(2.675, 1.005, 0.125, 0.375, -0.005, -0.001, 1e17, 0.285), {"$round": ["$a", 2]}),
    "trunc at cents": (of(2.675, -1.005, 0.29, 1.1, 4.35, -0.001), {"$trunc": ["$a", 2]}),
    "round of NaN at cents": (ODD, {"$round": ["$a", 2]}),
    "round at a null place": (DOUBLES, {"$round": ["$a", None]}),
    "a square of ints": (INTS, {"$pow": ["$a", 2]}),
    "a cube of small ints": (of(-1000, 1000, 0, None), {"$pow": ["$a", 3]}),
    "anything to the power of zero": (LONGS, {"$pow": ["$a", 0]}),
    "a square of doubles": (of(1.1, -3.3, 1e200), {"$pow": ["$a", 2]}),
    "square root": (of(2.0, 0.0, -0.0, 9, None), {"$sqrt": "$a"}),
    "logarithm of positive numbers": (of(1.0, 0.3, 17, Int64(2**60)), {"$ln": "$a"}),
    "logarithm to a base": (of(1.0, 0.3, 17, Int64(2**60)), {"$log": ["$a", 2]}),
    "bits": (of(5, -9, None, Int64(2**40), b=[3, 3, 3, -1]), {"$bitXor": ["$a", "$b"]}),
    "no bits": (of(5, -9, Int64(2**40)), {"$bitNot": "$a"}),
    "types": (
        of(1, Int64(1), 1.0, "s", None, ..., True, DatetimeMS(0), ObjectId(), [1], {"b": 1}, Decimal128("1"), b"x"),
        {"$type": "$a"},
    ),
    "numbers": (of(1, Int64(1), 1.0, "s", None, ..., Decimal128("1")), {"$isNumber": "$a"}),
    "bytes of strings": (of("", "é", "a\0\U0001f600", None, ...), {"$binarySize": "$a"}),
    "a document without what is missing": (HOLES, {"x": "$a", "y": {"z": {"$add": ["$a", "$b"]}, "w": "$b"}}),
    "a literal": (HOLES, {"$literal": {"$add": [1, 2]}}),
    "variables do not see each other": (
        INTS,
        {"$let": {"vars": {"x": {"$add": ["$a", 1]}, "y": "$b"}, "in": {"$subtract": ["$$x", "$$y"]}}},
    ),
    "a condition": (MIXED, {"$cond": ["$a", {"$add": ["$a", 1]}, "none"]}),
    "a division guarded by equality": (
        of(1, 2, 3, 4, b=[0, 2, None, 0.0]),
        {"$cond": [{"$eq": ["$b", 0]}, None, {"$divide": ["$a", "$b"]}]},
    ),
    "a division guarded by truth": (
        of(1, 2, 3, 4, b=[0, 2, None, ...]),
        {"$cond": {"if": "$b", "then": {"$divide": ["$a", "$b"]}, "else": "$$REMOVE"}},
    ),
    "a division guarded by a comparison": (
        of(1, 2, 3, b=[0.0, 2.5, -1.0]),
        {"$cond": [{"$gt": ["$b", 0]}, {"$divide": ["$a", "$b"]}, 0]},
    ),
    "a logarithm guarded within $and": (
        of(1, -2, 0, None),
        {"$and": [{"$gt": ["$a", 0]}, {"$gte": [{"$ln": "$a"}, 0]}]},
    ),
    "a variable guarded": (
        of(1, 2, 3, b=[1, 2, 3]),
        {
            "$let": {
                "vars": {"d": {"$subtract": ["$a", 2]}},
                "in": {"$cond": [{"$ne": ["$$d", 0]}, {"$divide": ["$b", "$$d"]}, None]},
            }
        },
    ),
    "an overflow guarded by a range": (
        of(Int64(LONG_MAX), Int64(5), -3),
        {"$cond": [{"$lte": ["$a", 1000]}, {"$cond": [{"$gt": ["$a", -9]}, {"$multiply": ["$a", 1000]}, 0]}, "$a"]},
    ),
    "an addition guarded by the type": (
        of(1, "s", None, 2.5, ...),
        {"$cond": [{"$isNumber": "$a"}, {"$add": ["$a", 1]}, {"$type": "$a"}]},
    ),
    "the first that is something": (HOLES, {"$ifNull": ["$a", "$b", "neither"]}),
    "the last even if it is missing": (HOLES, {"$ifNull": ["$c", "$a"]}),
    "a switch": (
        MIXED,
        {
            "$switch": {
                "branches": [
                    {"case": {"$eq": ["$a", None]}, "then": "null"},
                    {"case": {"$lt": ["$a", 0]}, "then": {"$abs": "$a"}},
                ],
                "default": {"$divide": ["$b", 2]},
            }
        },
    ),
    "doubles to ints": (of(1.9, -1.9, 0.5, None), {"$toInt": "$a"}),
    "bools to longs": (of(True, False, None, ..., 5), {"$toLong": "$a"}),
    "longs to doubles": (LONGS, {"$toDouble": "$a"}),
    "doubles to strings": (of(1.0, 0.1, 1e16, 1e-5, -0.0, 123456789.125, math.nan, math.inf), {"$toString": "$a"}),
    "several kinds to strings": (of(1, Int64(5), True, "é", ObjectId(), DatetimeMS(-1), None), {"$toString": "$a"}),
    "everything to bools": (of(1, 0, 0.0, "", None, ..., math.nan, DatetimeMS(0), [0]), {"$toBool": "$a"}),
    "ObjectIds to dates": (of(ObjectId(b"\xff" * 12), ObjectId(b"\0" * 12), None), {"$toDate": "$a"}),
    "longs to dates": (LONGS, {"$toDate": "$a"}),
    "texts to ints, or else": (
        of("12", "-0007", "+3", "1.5", "", "99999999999", "9" * 60, "٣", "1\n", None),
        {"$convert": {"input": "$a", "to": "int", "onError": "bad", "onNull": "null"}},
    ),
    "texts to ObjectIds, or else": (
        of("0123456789abcdefABCDEF01", "0123", "g" * 24, 5),
        {"$convert": {"input": "$a", "to": "objectId", "onError": {"$type": "$a"}}},
    ),
    "doubles to longs, or else": (
        of(math.nan, math.inf, 9.3e18, -(2.0**63), 2.0**63, 1.5),
        {"$convert": {"input": "$a", "to": 18, "onError": None}},
    ),
}


@pytest.mark.parametrize("name", LOWERED)
def test_columns_compute_what_the_interpreter_computes(name: str) -> None:
    documents, spec = LOWERED[name]
    assert_computed(documents, spec)


REFUSED: dict[str, tuple[list[dict[str, Any]], Any, str]] = {
    "a sum past 64 bits": (of(Int64(LONG_MAX), 1), {"$add": ["$a", "$a"]}, "64 bits"),
    "a product past 64 bits": (of(Int64(2**40)), {"$multiply": ["$a", "$a"]}, "64 bits"),
    "strings": (of("x", 1), {"$add": ["$a", 1]}, "string"),
    "decimals": (of(Decimal128("1"), 1), {"$add": ["$a", 1]}, "decimal"),
    "a divisor that may be zero": (of(0, 1), {"$divide": [1, "$a"]}, "zero"),
    "a divisor that is zero elsewhere": (of(0.0, 1.0), {"$mod": [1, "$a"]}, "zero"),
    "the magnitude of the least long": (of(Int64(-(2**63))), {"$abs": "$a"}, "least long"),
    "doubles and wholes past 53 bits": (of(Int64(2**60), b=[0.5]), {"$add": ["$a", "$b"]}, "53 bits"),
    "a root of negative numbers": (of(-1.0, 4.0), {"$sqrt": "$a"}, "range"),
    "two dates": (of(DatetimeMS(1)), {"$add": ["$a", "$a"]}, "two values that may be dates"),
    "fractions of a millisecond": (of(DatetimeMS(1), b=[0.5]), {"$add": ["$a", "$b"]}, "fractions"),
    "a place that is no constant": (of(1.5, b=[1]), {"$round": ["$a", "$b"]}, "no constant"),
    "a switch that may not match": (of(1), {"$switch": {"branches": [{"case": "$a", "then": 1}]}}, "default"),
    "texts that may be no numbers": (of("1"), {"$toInt": "$a"}, "may have no int"),
    "ints to dates": (of(1), {"$toDate": "$a"}, "may have no date"),
    "bits of doubles": (of(1.0), {"$bitAnd": ["$a", 1]}, "doubles"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_proved_is_left_to_the_interpreter(name: str) -> None:
    documents, spec, reason = REFUSED[name]
    assert_expression_refused(documents, spec, reason)


def test_a_count_is_a_divisor_behind_a_group() -> None:
    documents = [{"_id": number, "k": number % 3, "late": number % 4} for number in range(20)]
    share = {"$round": [{"$divide": [{"$multiply": [100, "$late"]}, "$n"]}, 1]}
    pipeline = [
        {"$group": {"_id": "$k", "n": {"$sum": 1}, "late": {"$sum": {"$cond": [{"$gt": ["$late", 1]}, 1, 0]}}}},
        {"$project": {"share": share}},
        {"$sort": {"share": 1, "_id": 1}},
    ]
    assert_same(documents, pipeline, stages=3)


# The same functions of the C library


FUNCTIONS: dict[str, tuple[float, float]] = {
    "$sqrt": (0, 1e300), "$exp": (-800, 800), "$ln": (1e-300, 1e300), "$log10": (1e-300, 1e300), "$sin": (-1e6, 1e6),
    "$cos": (-1e6, 1e6), "$tan": (-1e6, 1e6), "$asin": (-1, 1), "$acos": (-1, 1), "$atan": (-1e3, 1e3),
    "$sinh": (-800, 800), "$cosh": (-800, 800), "$tanh": (-30, 30), "$asinh": (-1e9, 1e9), "$acosh": (1, 1e9),
    "$atanh": (-0.999, 0.999), "$sigmoid": (-800, 800), "$degreesToRadians": (-1e6, 1e6),
    "$radiansToDegrees": (-1e6, 1e6),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_identical_to_the_last_bit(name: str) -> None:
    chance = random.Random(name)
    low, high = FUNCTIONS[name]
    values = [chance.uniform(low, high) for _ in range(1500)] + [chance.uniform(max(low, -2), 2) for _ in range(500)]
    values = [value for value in values if low <= value <= high]
    assert_computed([{"a": value} for value in values], {name: "$a"})


@pytest.mark.parametrize("exponent", [2, 3.0, 0.5, -1, 1.7])
def test_powers_are_identical_to_the_last_bit(exponent: float) -> None:
    chance = random.Random(str(exponent))
    assert_computed([{"a": chance.uniform(0.001, 1e5)} for _ in range(2000)], {"$pow": ["$a", exponent]})


@pytest.mark.parametrize("place", [0, 1, 2, 3, 8, 15])
@pytest.mark.parametrize("name", ["$round", "$trunc"])
def test_doubles_are_rounded_as_if_they_were_written_out(name: str, place: int) -> None:
    chance = random.Random(place)
    edges = [(chance.randrange(-(10**5), 10**5) + 0.5) / 10 ** chance.randrange(0, 5) for _ in range(1500)]
    values = edges + [chance.uniform(-2, 2) for _ in range(500)]
    values = [math.fmod(value, 4) for value in values] if place > 8 else values
    assert_computed([{"a": value} for value in values], {name: ["$a", place]})


# Anything


INTEGERS = st.one_of(
    st.integers(-5, 5), st.sampled_from([INT_MAX, -(2**31), 1000, -999, 10**6]), st.integers(-(2**31), INT_MAX)
)
LONG_VALUES = st.one_of(st.integers(-5, 5), st.integers(-(10**6), 10**6), st.integers(-(2**63), LONG_MAX)).map(Int64)
DOUBLE_VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, -1.5, 2.0, 1e-5, 1e16, -1e300, 2.0**53 + 2]),
    st.floats(-1000, 1000),
    st.floats(allow_nan=False, allow_infinity=False),
)
ODD_DOUBLES = st.sampled_from([math.nan, math.inf, -math.inf, 1.0])
OTHERS = st.sampled_from(
    ["", "x'\0\U0001f600", "12", True, False, DatetimeMS(0), DatetimeMS(253402300799999), DatetimeMS(-62135596800000),
     ObjectId(b"abcdefghijkl"), [1], {"b": 1}, Decimal128("1.5")]
)  # fmt: skip
NOTHING = st.sampled_from([None, ...])
KINDS = {
    "ints": INTEGERS,
    "small": st.integers(-20, 20),
    "positive": st.integers(1, 50),
    "longs": LONG_VALUES,
    "doubles": DOUBLE_VALUES,
    "odd": ODD_DOUBLES,
    "nothing": NOTHING,
    "others": OTHERS,
}


@st.composite
def documents_of_numbers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents in which each field is of one or two kinds of values."""
    size = draw(st.integers(1, 6))
    fields = {}
    for name in "abc":
        kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=2))
        fields[name] = draw(st.lists(st.one_of(*(KINDS[kind] for kind in kinds)), min_size=size, max_size=size))
    return [{name: values[at] for name, values in fields.items() if values[at] is not ...} for at in range(size)]


LEAVES = st.one_of(
    st.sampled_from(["$a", "$b", "$c", "$d"]),
    st.sampled_from([0, 1, 2, -3, 0.5, 2.0, -0.0, 10, Int64(7), None, True, "x"]),
)
UNARY = ["$abs", "$ceil", "$floor", "$round", "$trunc", "$sqrt", "$exp", "$bitNot", "$type", "$isNumber", "$not",
         "$toInt", "$toLong", "$toDouble", "$toString", "$toBool", "$toDate", "$ln"]  # fmt: skip
BINARY = ["$subtract", "$divide", "$mod", "$pow", "$add", "$multiply", "$bitAnd", "$ifNull", "$eq", "$gt", "$and"]


def expressions(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Expressions with others inside."""
    return st.one_of(
        st.tuples(st.sampled_from(UNARY), inner).map(lambda each: {each[0]: [each[1]]}),
        st.tuples(st.sampled_from(BINARY), inner, inner).map(lambda each: {each[0]: list(each[1:])}),
        st.tuples(st.sampled_from(["$add", "$multiply", "$cond", "$ifNull"]), inner, inner, inner).map(
            lambda each: {each[0]: list(each[1:])}
        ),
        st.tuples(st.sampled_from(["$round", "$trunc"]), inner, st.integers(-3, 6)).map(
            lambda each: {each[0]: list(each[1:])}
        ),
        st.tuples(inner, st.sampled_from(["int", "long", "double", "string", "date"]), inner).map(
            lambda each: {"$convert": {"input": each[0], "to": each[1], "onError": each[2]}}
        ),
        st.tuples(st.sampled_from("abc"), st.sampled_from(["$eq", "$ne", "$gt", "$lte"]), inner, inner).map(
            lambda each: {"$cond": [{each[1]: [f"${each[0]}", 0]}, each[2], each[3]]}
        ),
        st.tuples(inner, inner).map(
            lambda each: {"$let": {"vars": {"v": each[0]}, "in": {"$cond": [{"$gt": ["$$v", 0]}, each[1], "$$v"]}}}
        ),
        st.tuples(inner, inner).map(lambda each: {"x": each[0], "y": each[1]}),
    )


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(documents_of_numbers(), st.recursive(LEAVES, expressions, max_leaves=6))
def test_any_expression_is_the_same_or_refused(documents: list[dict[str, Any]], spec: Any) -> None:
    assert_same_or_refused(documents, spec)


def test_most_expressions_on_plain_numbers_are_lowered() -> None:
    """The test above would pass if nothing were lowered."""
    documents = of(1, 2, 3, b=[2.5, 1.5, 3.5], c=[Int64(4), Int64(5), Int64(6)])
    for name in ("$add", "$subtract", "$multiply", "$divide", "$mod", "$pow"):
        assert assert_same_or_refused(documents, {name: ["$a", "$b"]})
        assert assert_same_or_refused(documents, {name: ["$b", 2]})
    for name in UNARY:
        assert assert_same_or_refused(documents, {name: "$a"}) is (name != "$toDate")
