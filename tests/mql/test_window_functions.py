"""Each window function: its values and types, and what it refuses, in which order."""

from __future__ import annotations

import math
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.mql.expressions import Scope
from amongo.mql.sort_keys import parse_sort
from amongo.mql.windows import DOCUMENTATION, WINDOW_FUNCTIONS, Partition, Setting, parse_window_function
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import encode
from amongo.values.missing import MISSING

WHOLE = {"documents": ["unbounded", "unbounded"]}
SO_FAR = {"documents": ["unbounded", "current"]}
TWO = {"documents": [-1, 0]}
ONE = {"documents": [0, 0]}
DAY_MS = 86_400_000


def run(spec: Any, documents: list[dict[str, Any]], sort: dict[str, Any] | None = None) -> list[Any]:
    """What a window function gives for each document of a partition in this order."""
    setting = Setting(Scope(), None if sort is None else parse_sort(sort))
    return list(parse_window_function("f", spec, setting).bind()(Partition(documents, {}, NEVER)))


def rows(*values: Any) -> list[dict[str, Any]]:
    """Documents `{t: 1, v: value}`, `{t: 2, …}`; without `v` for `...`."""
    return [{"t": place} if value is ... else {"t": place, "v": value} for place, value in enumerate(values, 1)]


def at(*points: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Documents at places of their own."""
    return [{"t": place, "v": value} for place, value in points]


def days(*values: Any) -> list[dict[str, Any]]:
    """Documents a day apart."""
    return [{"t": DatetimeMS(day * DAY_MS), "v": value} for day, value in enumerate(values)]


VALUES: list[tuple[str, dict[str, Any], list[dict[str, Any]], list[Any]]] = [
    ("sum of two", {"$sum": "$v", "window": TWO}, rows(1, 2, "x", 4), [1, 3, 2, 4]),
    ("sliding sums narrow longs", {"$sum": "$v", "window": ONE}, rows(Int64(7)), [7]),
    ("growing sums keep longs", {"$sum": "$v", "window": SO_FAR}, rows(Int64(7)), [Int64(7)]),
    ("a double that is gone is forgotten", {"$sum": "$v", "window": TWO}, rows(1.5, 1, 1), [1.5, 2.5, 2]),
    (
        "a decimal that is gone is forgotten",
        {"$sum": "$v", "window": TWO},
        rows(Decimal128("1.5"), 1, 1),
        [Decimal128("1.5"), Decimal128("2.5"), 2],
    ),
    ("infinity goes as it came", {"$sum": "$v", "window": TWO}, rows(math.inf, 1, 1), [math.inf, math.inf, 2]),
    ("average", {"$avg": "$v", "window": TWO}, rows(1, 2, None, "x"), [1.0, 1.5, 2.0, None]),
    ("count", {"$count": {}, "window": TWO}, rows(1, ..., 3), [1, 2, 2]),
    ("deviation of one is an int", {"$stdDevPop": "$v", "window": ONE}, rows(4.0), [0]),
    (
        "sliding deviation over infinity",
        {"$stdDevPop": "$v", "window": TWO},
        rows(1, math.inf, 3, 5),
        [0, None, None, 1.0],
    ),
    ("growing deviation over infinity", {"$stdDevPop": "$v", "window": SO_FAR}, rows(1, math.inf), [0.0, math.nan]),
    ("covariance", {"$covariancePop": ["$t", "$v"], "window": SO_FAR}, rows(2, 4), [0.0, 0.5]),
    ("covariance of no pairs", {"$covarianceSamp": "$v"}, rows(1, 2), [None, None]),
    ("min slides", {"$min": "$v", "window": TWO}, rows(3, None, 2, 1.0, 1), [3, 3, 2, 1.0, 1.0]),
    ("max keeps the newest of equals", {"$max": "$v", "window": TWO}, rows(1, 1.0, 0), [1, 1.0, 1.0]),
    ("push", {"$push": "$v", "window": TWO}, rows(1, ..., 3), [[1], [1], [3]]),
    ("sets are ordered", {"$addToSet": "$v", "window": TWO}, rows(3, 1, 3.0), [[3], [1, 3], [1, 3.0]]),
    ("arrays", {"$concatArrays": "$v", "window": TWO}, rows([1], [2, 1], ...), [[1], [1, 2, 1], [2, 1]]),
    ("union", {"$setUnion": "$v", "window": TWO}, rows([2], [1, 2]), [[2], [1, 2]]),
    ("first n", {"$firstN": {"input": "$v", "n": 2}, "window": TWO}, rows(1, ..., 3), [[1], [1, None], [None, 3]]),
    ("last n", {"$lastN": {"input": "$v", "n": 1}, "window": TWO}, rows(1, 2), [[1], [2]]),
    ("min n", {"$minN": {"input": "$v", "n": 1}, "window": TWO}, rows(2, None, 1), [[2], [2], [1]]),
    ("max n", {"$maxN": {"input": "$v", "n": 5}, "window": TWO}, rows(1, 2), [[1], [2, 1]]),
    ("top", {"$top": {"sortBy": {"v": -1}, "output": "$t"}, "window": TWO}, rows(5, 1, 0), [1, 1, 2]),
    (
        "bottom n",
        {"$bottomN": {"sortBy": {"v": 1}, "output": "$t", "n": 2}, "window": TWO},
        rows(5, 1, 7),
        [[1], [2, 1], [2, 3]],
    ),
    (
        "median slides",
        {"$median": {"input": "$v", "method": "approximate"}, "window": TWO},
        rows(4, "x", 8, 2),
        [4.0, 4.0, 8.0, 2.0],
    ),
    (
        "percentiles so far",
        {"$percentile": {"input": "$v", "p": [0.5, 1.0], "method": "approximate"}, "window": SO_FAR},
        rows("x", 4, 8),
        [[None, None], [4.0, 4.0], [4.0, 8.0]],
    ),
    ("first of an empty frame", {"$first": "$v", "window": {"documents": [1, 2]}}, rows(1, 2), [2, None]),
    ("last", {"$last": "$v", "window": TWO}, rows(1, ...), [1, MISSING]),
    ("rank leaves gaps", {"$rank": {}}, at((1, 0), (1.0, 0), (2, 0)), [1, 1, 3]),
    ("dense rank does not", {"$denseRank": {}}, at((1, 0), (1.0, 0), (2, 0)), [1, 1, 2]),
    ("null and missing rank alike", {"$rank": {}}, [{"t": None}, {}, {"t": 0}], [1, 1, 3]),
    ("arrays rank by their smallest", {"$denseRank": {}}, [{"t": 1}, {"t": [5, 1]}, {"t": 5}], [1, 1, 2]),
    ("document number", {"$documentNumber": {}}, at((1, 0), (1, 0)), [1, 2]),
    ("shift ahead", {"$shift": {"output": "$v", "by": 1}}, rows(1, 2), [2, None]),
    ("shift back", {"$shift": {"output": "$v", "by": -1, "default": {"$add": [1, 1]}}}, rows(1, ...), [2, 1]),
    ("slope", {"$derivative": {"input": "$v"}, "window": TWO}, at((1, 2), (3, 8), (3, 9)), [None, 3.0, None]),
    (
        "slope by the day",
        {"$derivative": {"input": "$v", "unit": "day"}, "window": TWO},
        days(1, 3),
        [None, 2.0],
    ),
    ("area", {"$integral": {"input": "$v"}, "window": SO_FAR}, at((0, 1), (2, 3), (3, 3)), [0, 4.0, 7.0]),
    ("area slides", {"$integral": {"input": "$v"}, "window": TWO}, at((0, 1), (2, 3), (3, 3)), [0, 4.0, 3.0]),
    ("area by the day", {"$integral": {"input": "$v", "unit": "day"}}, days(2, 4), [3.0, 3.0]),
    (
        "area next to a NaN",
        {"$integral": {"input": "$v"}, "window": TWO},
        rows(1, math.nan, 1, 1),
        [0, math.nan, math.nan, 1.0],
    ),
    (
        "moving average",
        {"$expMovingAvg": {"input": "$v", "N": 3}},
        rows("x", 1, 3, None, 2),
        [None, 1.0, 2.0, 2.0, 2.0],
    ),
    (
        "moving average of decimals",
        {"$expMovingAvg": {"input": "$v", "alpha": 0.5}},
        rows(1, Decimal128("2")),
        [1.0, Decimal128("1.500000000000000")],
    ),
    ("last observed", {"$locf": "$v"}, rows(..., 1, None, ..., 2), [None, 1, 1, 1, 2]),
    (
        "on the line",
        {"$linearFill": "$v"},
        at((1, None), (2, 10), (3, None), (6, 30), (9, None)),
        [None, 10, 15.0, 30, None],
    ),
    ("on the line of days", {"$linearFill": "$v"}, days(1, None, 3), [1, 2.0, 3]),
    ("scaled", {"$minMaxScaler": {"input": "$v"}}, rows(1, 2, 3), [0.0, 0.5, 1.0]),
    (
        "scaled between",
        {"$minMaxScaler": {"input": "$v", "min": -1, "max": 1}, "window": TWO},
        rows(1, 2, 2),
        [-1, 1.0, -1],
    ),
    ("range", {"$sum": "$v", "window": {"range": [-1, 1]}}, at((1, 1), (2, 2), (4, 4)), [3, 3, 4]),
    (
        "range up to the current",
        {"$sum": "$v", "window": {"range": ["unbounded", "current"]}},
        at((1, 1), (1, 2)),
        [1, 3],
    ),
    (
        "range up to the current value",
        {"$sum": "$v", "window": {"range": ["unbounded", 0]}},
        at((1, 1), (1, 2)),
        [3, 3],
    ),
    (
        "range of months",
        {"$count": {}, "window": {"range": [-1, 0], "unit": "month"}},
        at((DatetimeMS(0), 0), (DatetimeMS(31 * DAY_MS), 0), (DatetimeMS(59 * DAY_MS), 0)),
        [1, 2, 2],
    ),
]


@pytest.mark.parametrize(("name", "spec", "documents", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_values(name: str, spec: dict[str, Any], documents: list[dict[str, Any]], expected: list[Any]) -> None:
    results = run(spec, documents, {"t": 1})
    assert [result is MISSING for result in results] == [value is MISSING for value in expected]
    shown = [[None if value is MISSING else value for value in values] for values in (results, expected)]
    assert encode({"": shown[0]}) == encode({"": shown[1]})  # types count, and NaN is itself


def test_names() -> None:
    assert "$mergeObjects" not in WINDOW_FUNCTIONS  # the server has it for groups alone
    assert all(DOCUMENTATION[name] for name in WINDOW_FUNCTIONS)


SORT: dict[str, Any] = {"t": 1}
BOTH: dict[str, Any] = {"t": 1, "v": 1}
QUANTILE = {"input": "$v", "p": [0.5], "method": "approximate"}
ERRORS: list[tuple[str, Any, dict[str, Any] | None, int]] = [
    ("no object", 1, SORT, 9),
    ("no function", {"window": WHOLE}, SORT, 9),
    ("nothing", {}, SORT, 9),
    ("an accumulator for groups alone", {"$mergeObjects": "$v"}, SORT, 9),
    ("two functions", {"$sum": "$v", "$avg": "$v"}, SORT, 9),
    ("another field", {"$sum": "$v", "x": 1}, SORT, 9),
    ("another field of first", {"$first": "$v", "x": 1}, SORT, 9),
    ("the argument is read before the next field", {"$sum": {"$nope": 1}, "x": 1}, SORT, 168),
    ("fields are read in order", {"x": 1, "$sum": {"$nope": 1}}, SORT, 9),
    ("window of another type", {"$sum": "$v", "window": 1}, SORT, 9),
    ("documents and range", {"$sum": "$v", "window": {"documents": [0, 0], "range": [0, 0]}}, SORT, 9),
    ("a unit for documents", {"$sum": "$v", "window": {"documents": [0, 0], "unit": "day"}}, SORT, 9),
    ("a unit alone", {"$sum": "$v", "window": {"unit": "day"}}, SORT, 9),
    ("another bound", {"$sum": "$v", "window": {"other": [0, 0]}}, SORT, 9),
    ("more than a range", {"$sum": "$v", "window": {"range": [0, 0], "x": 1}}, SORT, 9),
    ("three bounds", {"$sum": "$v", "window": {"documents": [0, 0, 0]}}, SORT, 9),
    ("a word", {"$sum": "$v", "window": {"documents": ["here", 0]}}, SORT, 9),
    ("a bound that is not whole", {"$sum": "$v", "window": {"documents": [-0.5, 0]}}, SORT, 9),
    ("a bound of 64 bits", {"$sum": "$v", "window": {"documents": [Int64(-(2**40)), 0]}}, SORT, 9),
    (
        "a bound that is not constant",
        {"$sum": "$v", "window": {"documents": ["current", {"$add": ["$v", 1]}]}},
        SORT,
        9,
    ),
    ("a range of words", {"$sum": "$v", "window": {"range": [None, 0]}}, SORT, 9),
    ("a range of units that is not whole", {"$sum": "$v", "window": {"range": [0, 1.5], "unit": "day"}}, SORT, 9),
    ("bounds reversed", {"$sum": "$v", "window": {"documents": [1, -1]}}, SORT, 5339900),
    ("bounds reversed around the current", {"$sum": "$v", "window": {"range": [1, "current"]}}, SORT, 5339900),
    ("order comes before the unit", {"$sum": "$v", "window": {"range": [1, 0], "unit": "eon"}}, SORT, 5339900),
    ("an unknown unit", {"$sum": "$v", "window": {"range": [0, 1], "unit": "eon"}}, SORT, 9),
    ("documents without sort", {"$sum": "$v", "window": SO_FAR}, None, 5339901),
    ("range without sort", {"$sum": "$v", "window": {"range": [0, 1]}}, None, 5339902),
    ("range with two fields", {"$sum": "$v", "window": {"range": [0, 1]}}, BOTH, 5339902),
    ("range descending", {"$sum": "$v", "window": {"range": [0, 1]}}, {"t": -1}, 8947401),
    ("count takes nothing", {"$count": 1}, SORT, 9),
    ("n is missing", {"$minN": {"input": "$v"}}, SORT, 5787906),
    ("n is checked when it runs", {"$minN": {"input": "$v", "n": 0}}, SORT, 5787908),
    ("n of a sliding window", {"$maxN": {"input": "$v", "n": "x"}, "window": TWO}, SORT, 5787902),
    ("n may not know the partition", {"$topN": {"sortBy": SORT, "output": "$v", "n": "$v"}}, SORT, 5787902),
    ("percentile takes an object", {"$percentile": "$v"}, SORT, 7429703),
    ("percentile with more", {"$percentile": QUANTILE, "x": 1}, SORT, 9),
    ("rank with a window", {"$rank": {}, "window": WHOLE}, SORT, 5371601),
    ("rank with an argument", {"$rank": {"a": 1}}, SORT, 5371603),
    ("rank without sort", {"$denseRank": {}}, None, 5371602),
    ("rank by two fields", {"$documentNumber": {}}, BOTH, 5371602),
    ("shift with a window", {"$shift": {"output": "$v", "by": 1}, "window": WHOLE}, SORT, 9),
    ("shift without by", {"$shift": {"output": "$v"}}, SORT, 9),
    ("shift without output", {"$shift": {"by": 1}}, SORT, 9),
    ("shift by half", {"$shift": {"output": "$v", "by": 0.5}}, SORT, 9),
    ("shift to another default", {"$shift": {"output": "$v", "by": 1, "default": "$v"}}, SORT, 9),
    ("shift with more", {"$shift": {"output": "$v", "by": 1, "x": 1}}, SORT, 9),
    ("shift without sort", {"$shift": {"output": "$v", "by": 1}}, None, 9),
    ("derivative without sort", {"$derivative": {"input": "$v"}, "window": TWO}, None, 9),
    ("derivative by two fields", {"$derivative": {"input": "$v"}, "window": TWO}, BOTH, 9),
    ("derivative without window", {"$derivative": {"input": "$v"}}, SORT, 9),
    ("derivative by the year", {"$derivative": {"input": "$v", "unit": "year"}, "window": TWO}, SORT, 5490710),
    (
        "derivative by numbers with a unit",
        {"$derivative": {"input": "$v", "unit": "day"}, "window": TWO},
        SORT,
        5624900,
    ),
    ("derivative of null", {"$derivative": {"input": "$w"}, "window": TWO}, SORT, 5624903),
    ("integral of null", {"$integral": {"input": "$w"}}, SORT, 5423900),
    ("integral with more", {"$integral": {"input": "$v", "x": 1}}, SORT, 9),
    ("integral by numbers with a unit", {"$integral": {"input": "$v", "unit": "day"}}, SORT, 5423901),
    ("moving average without sort", {"$expMovingAvg": {"input": "$v", "N": 2}}, None, 9),
    ("moving average with both", {"$expMovingAvg": {"input": "$v", "N": 2, "alpha": 0.5}}, SORT, 9),
    ("moving average of half", {"$expMovingAvg": {"input": "$v", "N": 2.5}}, SORT, 9),
    ("moving average of none", {"$expMovingAvg": {"input": "$v", "N": 0}}, SORT, 9),
    ("moving average of all", {"$expMovingAvg": {"input": "$v", "alpha": 1}}, SORT, 9),
    ("locf with a window", {"$locf": "$v", "window": WHOLE}, SORT, 9),
    ("linear without sort", {"$linearFill": "$v"}, None, 605001),
    ("linear by two fields", {"$linearFill": "$v"}, BOTH, 605001),
    ("scaler without the current", {"$minMaxScaler": {"input": "$v"}, "window": {"documents": [1, 2]}}, SORT, 9),
    ("scaler with one end", {"$minMaxScaler": {"input": "$v", "min": 1}}, SORT, 9),
    ("scaler upside down", {"$minMaxScaler": {"input": "$v", "min": 1, "max": 1}}, SORT, 9),
    ("scaler with more", {"$minMaxScaler": {"input": "$v", "x": 1}}, SORT, 40415),
    ("scaler without input", {"$minMaxScaler": {}}, SORT, 40414),
]


@pytest.mark.parametrize(("name", "spec", "sort", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors(name: str, spec: Any, sort: dict[str, Any] | None, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run(spec, rows(1, 2), sort)
    assert caught.value.code == code


FILL_ERRORS: list[tuple[str, list[dict[str, Any]], int]] = [
    ("a string to fill", rows("x"), 14),
    ("sorted by strings", at(("x", 1)), 14),
    ("a place twice", at((1, 1), (1.0, 2)), 6050106),
    ("numbers and dates", at((1, 1), (DatetimeMS(0), 2)), 14),
]


@pytest.mark.parametrize(("name", "documents", "code"), FILL_ERRORS, ids=[case[0] for case in FILL_ERRORS])
def test_lines_need_points(name: str, documents: list[dict[str, Any]], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run({"$linearFill": "$v"}, documents, SORT)
    assert caught.value.code == code
