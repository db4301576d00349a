"""Accumulators: folds, their types, what they pass over, and how they are written."""

import math
from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.accumulators import DOCUMENTATION, parse_accumulation
from amongo.mql.expressions import Scope


def fold(spec: dict[str, Any], documents: list[dict[str, Any]], key: Any = None) -> Any:
    """The accumulator's result for a group of documents."""
    accumulation = parse_accumulation("f", spec, Scope())
    evaluate, state = accumulation.bind(), accumulation.create(key, {})
    for document in documents:
        state.add(evaluate(document, {}))
    return state.result()


def values(*items: Any) -> list[dict[str, Any]]:
    """A document with `v` for each item; a document without it for `...`."""
    return [{} if item is ... else {"v": item} for item in items]


VALUES: list[tuple[str, dict[str, Any], list[dict[str, Any]], Any]] = [
    ("sum of nothing", {"$sum": "$v"}, [], 0),
    ("sum of ints", {"$sum": "$v"}, values(1, 2, "x", None, ...), 3),
    ("sum past 32 bits", {"$sum": "$v"}, values(2**31 - 1, 1), Int64(2**31)),
    ("sum past 64 bits", {"$sum": "$v"}, values(Int64(2**63 - 1), Int64(2**63 - 1)), float(2**64)),
    ("sum of a double", {"$sum": "$v"}, values(1, 2.0), 3.0),
    ("sum of a decimal", {"$sum": "$v"}, values(1, Decimal128("2.50")), Decimal128("3.50")),
    ("sums carry what rounding loses", {"$sum": "$v"}, values(1e100, 1.0, -1e100), 1.0),
    ("average of nothing", {"$avg": "$v"}, values(None, "x"), None),
    ("average is a double", {"$avg": "$v"}, values(1, 2), 1.5),
    ("deviation of one as a sample", {"$stdDevSamp": "$v"}, values(1), None),
    ("deviation as a population", {"$stdDevPop": "$v"}, values(1, 3), 1.0),
    ("min passes null over", {"$min": "$v"}, values(None, 3, 2.0, 2), 2.0),
    ("max across types", {"$max": "$v"}, values(5, "a", ...), "a"),
    ("min of nothing", {"$min": "$v"}, values(None, ...), None),
    ("first of missing is null", {"$first": "$v"}, values(..., 1), None),
    ("last", {"$last": "$v"}, values(1, 2), 2),
    ("count", {"$count": {}}, values(1, ...), 2),
    ("push keeps null and leaves missing out", {"$push": "$v"}, values(1, None, ..., 1), [1, None, 1]),
    ("set keeps the first of equals", {"$addToSet": "$v"}, values(1, 1.0, 2, ...), [1, 2]),
    ("merge", {"$mergeObjects": "$v"}, values({"a": 1, "b": 1}, None, {"a": 2}), {"a": 2, "b": 1}),
    ("concat", {"$concatArrays": "$v"}, values([1], [2, 1], ...), [1, 2, 1]),
    ("union", {"$setUnion": "$v"}, values([1], [2, 1.0]), [1, 2]),
    ("first n", {"$firstN": {"input": "$v", "n": 2}}, values(..., 1, 2), [None, 1]),
    ("last n", {"$lastN": {"input": "$v", "n": 2}}, values(1, 2, ...), [2, None]),
    ("min n", {"$minN": {"input": "$v", "n": 2}}, values(3, None, 1, 2), [1, 2]),
    ("max n", {"$maxN": {"input": "$v", "n": 2}}, values(3, 1, 2), [3, 2]),
    ("top", {"$top": {"sortBy": {"v": -1}, "output": "$v"}}, values(3, 9, 2), 9),
    ("top n", {"$topN": {"sortBy": {"v": 1}, "output": "$v", "n": 2}}, values(3, 9, 2), [2, 3]),
    ("bottom", {"$bottom": {"sortBy": {"v": 1}, "output": "$w"}}, values(3), None),
    ("bottom n", {"$bottomN": {"sortBy": {"v": 1}, "output": "$v", "n": 2}}, values(3, 9, 2), [3, 9]),
]


@pytest.mark.parametrize(("name", "spec", "documents", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_fold(name: str, spec: dict[str, Any], documents: list[dict[str, Any]], expected: Any) -> None:
    actual = fold(spec, documents)
    assert actual == expected
    assert type(actual) is type(expected)


ERRORS: list[tuple[str, str, Any, int]] = [
    ("no object", "f", 1, 40234),
    ("no operator", "f", {"a": 1}, 40234),
    ("two operators", "f", {"$sum": 1, "$avg": 1}, 40238),
    ("array argument", "f", {"$sum": [1]}, 40237),
    ("unknown", "f", {"$nope": 1}, 15952),
    ("not an accumulator", "f", {"$add": 1}, 15952),
    ("dot in the field", "a.b", {"$sum": 1}, 40235),
    ("dollar in the field", "$a", {"$sum": 1}, 40236),
    ("count of something", "f", {"$count": {"a": 1}}, 14),
    ("without n", "f", {"$firstN": {"input": 1}}, 5787906),
    ("n is not positive", "f", {"$firstN": {"input": 1, "n": 0}}, 7548606),
    ("top without a pattern", "f", {"$top": {"output": 1}}, 5788005),
]


@pytest.mark.parametrize(("name", "field", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, field: str, spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as failure:
        parse_accumulation(field, spec, Scope()).bind()
    assert failure.value.code == code


@pytest.mark.parametrize(
    ("spec", "value", "code"),
    [
        ({"$mergeObjects": "$v"}, 1, 5911200),
        ({"$concatArrays": "$v"}, None, 14),
        ({"$setUnion": "$v"}, 1, 14),
    ],
)
def test_a_value_of_the_wrong_type(spec: dict[str, Any], value: Any, code: int) -> None:
    with pytest.raises(ServerError) as failure:
        fold(spec, values(value))
    assert failure.value.code == code


def test_n_may_depend_on_the_key_of_the_group() -> None:
    spec = {"$firstN": {"input": "$v", "n": {"$cond": [{"$eq": ["$big", True]}, 3, 1]}}}
    assert fold(spec, values(1, 2, 3, 4), key={"big": True}) == [1, 2, 3]
    assert fold(spec, values(1, 2, 3, 4), key={"big": False}) == [1]


@given(st.lists(st.integers(-50, 50), max_size=60), st.integers(1, 5))
def test_keeping_n_is_sorting_and_cutting(numbers: list[int], count: int) -> None:
    documents = values(*numbers)
    assert fold({"$minN": {"input": "$v", "n": count}}, documents) == sorted(numbers)[:count]
    assert fold({"$maxN": {"input": "$v", "n": count}}, documents) == sorted(numbers, reverse=True)[:count]
    pattern = {"sortBy": {"v": 1}, "output": "$v", "n": count}
    assert fold({"$topN": pattern}, documents) == sorted(numbers)[:count]
    assert fold({"$bottomN": pattern}, documents) == sorted(numbers)[-count:]


@given(st.lists(st.floats(-1e9, 1e9), max_size=40))
def test_the_sum_of_doubles_is_the_rounded_exact_sum(numbers: list[float]) -> None:
    assert math.isclose(fold({"$sum": "$v"}, values(*numbers)), math.fsum(numbers), rel_tol=1e-15, abs_tol=1e-9)


def test_every_accumulator_says_what_it_takes_and_where_it_is_described() -> None:
    for name, text in DOCUMENTATION.items():
        for part in ("argument", "result", "source"):
            assert f"\n    {part} " in text or f"        {part} " in text, (name, part)
