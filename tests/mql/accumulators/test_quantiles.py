"""$median and $percentile, as expressions and as accumulators, and the digest behind the latter."""

from __future__ import annotations

import math
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.accumulators import parse_accumulation
from amongo.mql.accumulators.digest import COMPRESSION, Digest
from amongo.mql.expressions import Scope, parse_expression
from amongo.mql.expressions.quantiles import rank_of

MEDIAN: dict[str, Any] = {"input": "$v", "method": "approximate"}
QUARTERS: dict[str, Any] = {"input": "$v", "p": [0.25, 0.75], "method": "approximate"}


def evaluate(spec: dict[str, Any], value: Any) -> Any:
    """The expression for a document."""
    return parse_expression(spec).bind()({"v": value}, {})


def fold(spec: dict[str, Any], values: list[Any]) -> Any:
    """The accumulator for a group."""
    accumulation = parse_accumulation("f", spec, Scope())
    argument, state = accumulation.bind(), accumulation.create(None, {})
    for value in values:
        state.add(argument({"v": value}, {}))
    return state.result()


VALUES: list[tuple[str, Any, Any, Any]] = [
    ("the lower middle", [4, 1, 3, 2], 2.0, [1.0, 3.0]),
    ("one", [7], 7.0, [7.0, 7.0]),
    ("no numbers", ["x", None], None, [None, None]),
    ("nothing", [], None, [None, None]),
    ("other values and NaN are left out", [1, "x", math.nan, Decimal128("5")], 1.0, [1.0, 5.0]),
    ("infinities count", [math.inf, 1, -math.inf], 1.0, [-math.inf, math.inf]),
]


@pytest.mark.parametrize(("name", "values", "median", "quarters"), VALUES, ids=[case[0] for case in VALUES])
def test_values(name: str, values: list[Any], median: Any, quarters: list[Any]) -> None:
    for ask in (evaluate, fold):
        assert ask({"$median": MEDIAN}, values) == median
        assert ask({"$percentile": QUARTERS}, values) == quarters


def test_one_number_is_each_percentile() -> None:
    assert evaluate({"$median": MEDIAN}, 3) == 3.0
    assert evaluate({"$percentile": QUARTERS}, Decimal128("2")) == [2.0, 2.0]
    assert evaluate({"$percentile": QUARTERS}, "x") == [None, None]


ERRORS: list[tuple[str, dict[str, Any], int, int]] = [
    ("median of no object", {"$median": "$v"}, 7436201, 7436100),
    ("percentile of no object", {"$percentile": 1}, 7436200, 7429703),
    ("median with p", {"$median": QUARTERS}, 40415, 40415),
    ("no method", {"$percentile": {"input": 1, "p": [0.5]}}, 40414, 40414),
    ("no p", {"$percentile": MEDIAN}, 40414, 40414),
    ("method of another type", {"$median": {"input": 1, "method": 1}}, 14, 14),
    ("another method", {"$median": {"input": 1, "method": "exact"}}, 2, 2),
    ("p is not constant", {"$percentile": {**QUARTERS, "p": ["$v"]}}, 7750300, 7750300),
    ("p is no array", {"$percentile": {**QUARTERS, "p": 0.5}}, 7750301, 7750301),
    ("p is empty", {"$percentile": {**QUARTERS, "p": []}}, 7750301, 7750301),
    ("p holds a string", {"$percentile": {**QUARTERS, "p": ["x"]}}, 7750302, 7750302),
    ("p beyond one", {"$percentile": {**QUARTERS, "p": [1.5]}}, 7750303, 7750303),
]


@pytest.mark.parametrize(("name", "spec", "code", "fold_code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors(name: str, spec: dict[str, Any], code: int, fold_code: int) -> None:
    with pytest.raises(ServerError) as caught:
        evaluate(spec, [1])
    assert caught.value.code == code
    with pytest.raises(ServerError) as caught:
        fold(spec, [1])
    assert caught.value.code == fold_code


@settings(max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.0, 0.1, 0.5, 0.99, 1.0]))
def test_few_numbers_are_exact(values: list[float], share: float) -> None:
    """Whether asked in between or not: as many numbers as these are all kept."""
    digest, asked = Digest(), Digest()
    for value in values:
        digest.add(value)
        asked.add(value)
        asked.percentile(0.5)
    exact = sorted(values)[rank_of(share, len(values))]
    assert digest.percentile(share) == asked.percentile(share) == exact


def test_many_numbers_are_near() -> None:
    """Past what is kept the answer is near, nearest at both ends, and memory stays."""
    count = 40 * COMPRESSION
    digest = Digest()
    for number in range(count):
        digest.add(float(number * 7919 % count))
    assert digest.percentile(0) == 0
    assert digest.percentile(1) == count - 1
    for share in (0.0001, 0.01, 0.5, 0.9, 0.9999):
        found = digest.percentile(share)
        assert found is not None
        assert abs(found - rank_of(share, count)) <= count * 0.001
    assert len(digest._centroids) <= 2 * COMPRESSION
