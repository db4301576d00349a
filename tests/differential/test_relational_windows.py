"""$setWindowFields: the interpreter against columns."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.aggregate.relational.not_lowered import WINDOWS as NOT_LOWERED
from amongo.aggregate.relational.registry import WINDOWS
from amongo.mql.windows import WINDOW_FUNCTIONS
from tests.differential.relational_cases import assert_refused, assert_same, assert_same_or_failing

Document = dict[str, Any]
Pipeline = list[Document]

MIXED = [1, 2.5, None, Int64(2**40), "s", True, 1.0, -3]
DAY_MS = 86_400_000


def documents(count: int = 50) -> list[Document]:
    """Documents in a few partitions, with ties in what they sort by."""
    found = []
    for each in range(count):
        document = {
            "_id": each,
            "k": ["a", "b", None][each % 3],
            "n": each * 7 % 11,
            "l": Int64(2**40 * (each % 4)),
            "x": [0.01, 12.34, -7.7, 0.1][each % 4],
            "m": MIXED[each % 8],
            "d": DatetimeMS(each % 9 * DAY_MS),
            "b": each % 2 == 0,
        }
        if each % 6 == 0:
            del document["k"], document["m"]
        found.append(document)
    return found


DOCUMENTS = documents()


def windows(output: Document, *, by: Any = "$k", sort: Document | None = None) -> Document:
    """A stage of this output."""
    given_by = {} if by is None else {"partitionBy": by}
    given_sort = {} if sort is None else {"sortBy": sort}
    return {"$setWindowFields": {**given_by, **given_sort, "output": output}}


def over(name: str, argument: Any, lower: Any, upper: Any) -> Document:
    """A function over a window of documents."""
    return {name: argument, "window": {"documents": [lower, upper]}}


def ranged(name: str, argument: Any, lower: Any, upper: Any, **more: Any) -> Document:
    """A function over a window by value."""
    return {name: argument, "window": {"range": [lower, upper], **more}}


BOUNDS = [
    ("unbounded", "unbounded"),
    ("unbounded", "current"),
    ("unbounded", -2),
    ("unbounded", 2),
    ("current", "unbounded"),
    ("current", "current"),
    (-2, 1),
    (-3, "current"),
    (-4, -2),
    (2, 3),
    (-1, "unbounded"),
    (100, 200),
]
FIELDS = ["n", "l", "x", "m", "k", "d", "b", "none"]
RANKS = {"r": {"$rank": {}}, "d": {"$denseRank": {}}, "n2": {"$documentNumber": {}}}

PIPELINES: dict[str, Pipeline] = {
    "ranks": [windows(RANKS, sort={"n": 1})],
    "ranks descending": [windows(RANKS, sort={"k": -1}, by=None)],
    "ranks by numbers of several types": [windows(RANKS, sort={"l": 1}, by="$n")],
    "a field below another": [windows({"a.b": {"$rank": {}}}, sort={"n": 1}), {"$project": {"a": 1}}],
    "a field is replaced": [windows({"n": {"$rank": {}}}, sort={"n": 1}), {"$match": {"n": {"$lte": 3}}}],
    "a missing value takes a field away": [windows({"x": {"$first": "$m"}}, sort={"n": 1})],
    "no sort": [windows({"s": {"$sum": "$x"}, "p": {"$push": "$_id"}, "f": {"$first": "$_id"}, "c": {"$count": {}}})],
    "nothing at all": [windows({"s": {"$sum": "$n"}, "p": {"$push": "$_id"}}, by=None)],
    "no output": [windows({}, sort={"n": -1})],
    "a partition of a document": [windows({"c": {"$count": {}}}, by={"$mod": ["$n", 3]}, sort={"n": 1})],
    "behind a sort": [{"$sort": {"n": -1}}, windows({"p": {"$push": "$_id"}, "f": {"$first": "$_id"}})],
    "then a group": [
        windows({"r": {"$documentNumber": {}}}, sort={"n": 1}),
        {"$match": {"r": {"$lte": 3}}},
        {"$group": {"_id": "$b", "s": {"$sum": "$r"}, "p": {"$push": "$_id"}}},
    ],
    "behind a group": [
        {"$group": {"_id": {"k": "$k", "n": "$n"}, "s": {"$sum": "$x"}}},
        windows({"r": {"$rank": {}}, "t": {"$sum": "$s"}}, by="$_id.k", sort={"s": -1}),
        {"$match": {"r": 1}},
    ],
    "shifts": [
        windows(
            {
                "a": {"$shift": {"output": "$x", "by": 1}},
                "b": {"$shift": {"output": "$k", "by": -2, "default": "none"}},
                "c": {"$shift": {"output": "$m", "by": -1, "default": 7}},
                "d": {"$shift": {"output": "$m", "by": 0}},
                "e": {"$shift": {"output": "$b", "by": 1000}},
                "f": {"$shift": {"output": 5, "by": 1}},
            },
            sort={"n": -1, "x": 1},
        )
    ],
    "last observed": [windows({"k2": {"$locf": "$k"}, "n2": {"$locf": "$n"}}, by="$b", sort={"n": 1})],
    "ranges": [
        windows(
            {
                "s": ranged("$sum", "$x", -5, 5),
                "a": ranged("$avg", "$l", "unbounded", -3),
                "c": ranged("$count", {}, 2, 7),
                "m": ranged("$max", "$n", -2, "unbounded"),
            },
            sort={"n": 1},
        )
    ],
    "ranges of time": [
        windows(
            {"s": ranged("$sum", "$n", -2, 1, unit="day"), "c": ranged("$count", {}, 1, 3, unit="day")}, sort={"d": 1}
        )
    ],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_windows(name: str) -> None:
    assert_same(DOCUMENTS, PIPELINES[name], stages=len(PIPELINES[name]))


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
@pytest.mark.parametrize("name", ["$sum", "$avg", "$push", "$first", "$last"])
def test_bounds(name: str, lower: Any, upper: Any) -> None:
    output = {f"r{field}": over(name, f"${field}", lower, upper) for field in FIELDS}
    output["count"] = over("$count", {}, lower, upper)
    assert_same(DOCUMENTS, [windows(output, sort={"n": 1, "d": -1})], stages=1)


@pytest.mark.parametrize(("lower", "upper"), BOUNDS)
def test_extremes(lower: Any, upper: Any) -> None:
    output: Document = {}
    for field in ("n", "l", "x", "k", "d", "b", "none"):
        output[f"least{field}"] = over("$min", f"${field}", lower, upper)
        output[f"most{field}"] = over("$max", f"${field}", lower, upper)
    assert_same(DOCUMENTS, [windows(output, sort={"n": 1, "d": -1})], stages=1)


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (windows({"s": over("$stdDevPop", "$n", -1, 1)}, sort={"n": 1}), "$stdDevPop"),
        (windows({"s": ranged("$sum", "$n", -1, "current")}, sort={"n": 1}), "current document"),
        (windows({"s": ranged("$sum", "$n", -1, 1)}, sort={"w": 1}), "whole numbers"),
        (windows({"s": ranged("$sum", "$n", -1, 1, unit="month")}, sort={"d": 1}), "month"),
        (windows({"s": ranged("$push", "$n", -1, 1)}, sort={"n": 1}), "order"),
        (windows({"s": over("$sum", "$wild", -1, 1)}, sort={"n": 1}), "rounded once"),
        (windows({"s": over("$max", "$v", -1, 1)}, sort={"n": 1}), "several types"),
    ],
)
def test_what_cannot_be_proved_is_not_lowered(stage: Document, reason: str) -> None:
    found = [
        {"n": each, "w": each + 0.5, "v": each if each % 2 else "text"}
        | {"wild": 1e-300 if each % 2 else 1e300, "d": DatetimeMS(each)}
        for each in range(8)
    ]
    assert_refused(found, [stage], reason)


@pytest.mark.parametrize(
    "stage",
    [windows({"r": {"$rank": {}}}, by="$v", sort={"n": 1}), windows({"s": ranged("$sum", "$n", -1, 1)}, sort={"v": 1})],
)
def test_errors_are_the_interpreters(stage: Document) -> None:
    assert assert_same_or_failing([{"v": 1, "n": 1}, {"v": [], "n": 2}], [stage]).stages == 0


def test_every_function_is_lowered_or_has_a_reason() -> None:
    assert WINDOWS.keys() | NOT_LOWERED.keys() == WINDOW_FUNCTIONS.keys()
    assert not WINDOWS.keys() & NOT_LOWERED.keys()


# Random ones

POOLS = [
    [1, 2, 3],
    [1, Int64(1), 2.0, None],
    [0.1, 0.2, -0.3, 12.34, None],
    ["a", "b", "ü", None],
    [True, False],
    [DatetimeMS(0), DatetimeMS(5), DatetimeMS(-7)],
    [1, "a", None, 2.5, Int64(2**40)],
    [0.0, -0.0, 1.0, float("nan")],
    [Int64(2**62), Int64(-(2**62)), 1],
    [{"x": 1}, [1], 2],
]


@st.composite
def collections(draw: st.DrawFn) -> list[Document]:
    """Documents whose fields each draw from a few values; some are missing."""
    pools = {name: draw(st.sampled_from(POOLS)) for name in "abc"}
    may_be_missing = {name: draw(st.booleans()) for name in "abc"}
    found: list[Document] = []
    for number in range(draw(st.integers(0, 12))):
        document: Document = {"_id": number}
        for name, pool in pools.items():
            place = draw(st.integers(-1 if may_be_missing[name] else 0, len(pool) - 1))
            if place >= 0:
                document[name] = pool[place]
        found.append(document)
    return found


PATHS = st.sampled_from(["$a", "$b", "$c", "$_id"])
EDGES = st.integers(-3, 3)


@st.composite
def functions(draw: st.DrawFn) -> Document:
    """A window function over some window."""
    kind = draw(st.integers(0, 6))
    if kind == 0:
        return {draw(st.sampled_from(["$rank", "$denseRank", "$documentNumber"])): {}}
    if kind == 1:
        return {"$shift": {"output": draw(PATHS), "by": draw(EDGES), "default": draw(st.sampled_from([None, 0, "x"]))}}
    if kind == 2:
        return {"$locf": draw(PATHS)}
    name = draw(st.sampled_from(["$sum", "$avg", "$min", "$max", "$push", "$first", "$last", "$count"]))
    argument = {} if name == "$count" else draw(PATHS)
    lower, upper = sorted((draw(EDGES), draw(EDGES)))
    bounds = [draw(st.sampled_from([lower, "unbounded"])), draw(st.sampled_from([upper, "unbounded"]))]
    if kind == 3:
        return {name: argument}
    if kind == 4:
        return {name: argument, "window": {"range": bounds}}
    return {name: argument, "window": {"documents": bounds}}


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Perhaps a sort, windows, perhaps more behind them."""
    stages: Pipeline = []
    if draw(st.integers(0, 3)) == 0:
        stages.append({"$sort": {draw(st.sampled_from("abc")): draw(st.sampled_from([1, -1]))}})
    by = draw(st.one_of(st.none(), PATHS))
    output = {f"f{at}": draw(functions()) for at in range(draw(st.integers(1, 3)))}
    sort = {draw(st.sampled_from(["a", "b", "c", "_id"])): draw(st.sampled_from([1, 1, -1]))}
    if any("window" in each and "range" in each["window"] for each in output.values()):
        sort = dict.fromkeys(sort, 1)
    stages.append(windows(output, by=by, sort=sort))
    behind = draw(st.integers(0, 3))
    if behind == 1:
        stages.append({"$group": {"_id": "$f0", "n": {"$sum": 1}, "p": {"$push": "$_id"}}})
    elif behind == 2:
        stages.append({"$match": {"f0": {"$lte": 2}}})
    return stages


@given(collections(), pipelines())
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_windows(found: list[Document], pipeline: Pipeline) -> None:
    assert_same_or_failing(found, pipeline)
