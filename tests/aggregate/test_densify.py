"""$densify: which documents are made, where they stand, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from bson import Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import DENSIFY_COUNT

DAY_MS = 86_400_000


def run(spec: Any, source: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """What the stage makes of the documents."""
    environment = Environment("test", lambda database, collection: [], {}, **options)
    return list(parse_pipeline([{"$densify": spec}]).run(source, environment))


def points(*values: Any) -> list[dict[str, Any]]:
    """Documents with `x` and an `_id`."""
    return [{"_id": place, "x": value} for place, value in enumerate(values)]


def date(day: int) -> DatetimeMS:
    return DatetimeMS(day * DAY_MS)


PLACES: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("full", {"step": 2, "bounds": "full"}, [5, 0], [0, 2, 4, 5]),
    ("off the step", {"step": 2, "bounds": "full"}, [0, 3, 7], [0, 2, 3, 4, 6, 7]),
    ("halves", {"step": 0.5, "bounds": "full"}, [1, 2], [1, 1.5, 2]),
    ("explicit bounds", {"step": 3, "bounds": [0, 7]}, [-4, 1, 9], [-4, 0, 1, 3, 6, 9]),
    ("explicit bounds below all", {"step": 3, "bounds": [0, 7]}, [8], [0, 3, 6, 8]),
    ("explicit bounds above all", {"step": 3, "bounds": [0, 7]}, [-5], [-5, 0, 3, 6]),
    ("the end is left out", {"step": 1, "bounds": [0, 2]}, [1], [0, 1]),
    ("from nothing", {"step": 3, "bounds": [0, 7]}, [], [0, 3, 6]),
    ("full of nothing", {"step": 3, "bounds": "full"}, [], []),
    ("null passes", {"step": 1, "bounds": "full"}, [None, 1, 3], [None, 1, 2, 3]),
    ("twice the same", {"step": 1, "bounds": "full"}, [1, 1, 3, 3], [1, 1, 2, 3, 3]),
    ("days", {"step": 1, "unit": "day", "bounds": "full"}, [date(0), date(2)], [date(0), date(1), date(2)]),
    (
        "months keep the day where they can",
        {"step": 1, "unit": "month", "bounds": "full"},
        [date(30), date(91)],
        [date(30), date(58), date(86), date(91)],
    ),
    ("types follow the sum", {"step": Int64(1), "bounds": "full"}, [1, 3], [1, Int64(2), 3]),
]


@pytest.mark.parametrize(("name", "wanted", "values", "expected"), PLACES, ids=[case[0] for case in PLACES])
def test_values(name: str, wanted: dict[str, Any], values: list[Any], expected: list[Any]) -> None:
    result = [document["x"] for document in run({"field": "x", "range": wanted}, points(*values))]
    assert result == expected
    assert [type(value) for value in result] == [type(value) for value in expected]


def test_made_documents_hold_the_field_alone() -> None:
    result = run({"field": "a.x", "range": {"step": 1, "bounds": "full"}}, [{"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}])
    assert result == [{"a": {"x": 1, "y": 2}}, {"a": {"x": 2}}, {"a": {"x": 3}}]


PARTED = [{"p": 1, "x": 0}, {"p": 2, "x": 1}, {"p": 1, "x": 2}, {"x": 3}]
PARTITIONS: list[tuple[str, Any, dict[Any, list[int]]]] = [
    ("each between its own ends", "partition", {1: [0, 1, 2], 2: [1], None: [3]}),
    ("all between the ends of all", "full", {1: [0, 1, 2, 3], 2: [0, 1, 2, 3], None: [0, 1, 2, 3]}),
    ("all within bounds", [1, 3], {1: [0, 1, 2], 2: [1, 2], None: [1, 2, 3]}),
]


@pytest.mark.parametrize(("name", "bounds", "expected"), PARTITIONS, ids=[case[0] for case in PARTITIONS])
def test_partitions(name: str, bounds: Any, expected: dict[Any, list[int]]) -> None:
    result = run({"field": "x", "partitionByFields": ["p"], "range": {"step": 1, "bounds": bounds}}, PARTED)
    by_partition: dict[Any, list[int]] = {}
    for document in result:
        by_partition.setdefault(document.get("p"), []).append(document["x"])
    assert {part: sorted(values) for part, values in by_partition.items()} == expected


def test_partitions_come_one_after_the_other_within_bounds() -> None:
    spec = {"field": "x", "partitionByFields": ["p.q"], "range": {"step": 1, "bounds": "partition"}}
    source = [{"p": {"q": 2}, "x": 5}, {"p": {"q": 1}, "x": 3}, {"p": {"q": 1, "r": 0}, "x": 1}]
    assert run(spec, source) == [
        {"p": {"q": 1, "r": 0}, "x": 1},
        {"p": {"q": 1}, "x": 2},
        {"p": {"q": 1}, "x": 3},
        {"p": {"q": 2}, "x": 5},
    ]


@settings(max_examples=40)
@given(st.lists(st.integers(-20, 20), max_size=8), st.integers(1, 5))
def test_a_full_series_has_no_gap(values: list[int], step: int) -> None:
    """Nothing is lost, nothing is out of order, and no two neighbours lie further apart than a step."""
    result = [
        document["x"] for document in run({"field": "x", "range": {"step": step, "bounds": "full"}}, points(*values))
    ]
    assert result == sorted(result)
    assert all(behind - before <= step for before, behind in pairwise(result))
    made = [
        document["x"]
        for document in run({"field": "x", "range": {"step": step, "bounds": "full"}}, points(*values))
        if "_id" not in document
    ]
    assert sorted([*values, *made]) == result
    assert all((value - min(values)) % step == 0 for value in made)


ERRORS: list[tuple[str, Any, int]] = [
    ("no object", 1, 9),
    ("no field", {"range": {"step": 1, "bounds": "full"}}, 40414),
    ("no range", {"field": "x"}, 40414),
    ("no step", {"field": "x", "range": {"bounds": "full"}}, 40414),
    ("another field", {"field": "x", "y": 1}, 40415),
    ("another field of the range", {"field": "x", "range": {"step": 1, "bounds": "full", "y": 1}}, 40415),
    ("a step of another type", {"field": "x", "range": {"step": "1", "bounds": "full"}}, 14),
    ("partitions of another type", {"field": "x", "partitionByFields": [1], "range": {}}, 14),
    ("no way forward", {"field": "x", "range": {"step": 0, "bounds": "full"}}, 5733401),
    ("half a day", {"field": "x", "range": {"step": 0.5, "unit": "day", "bounds": "full"}}, 6586400),
    ("an unknown unit", {"field": "x", "range": {"step": 1, "unit": "eon", "bounds": "full"}}, 9),
    ("a word", {"field": "x", "range": {"step": 1, "bounds": "all"}}, 5946802),
    ("bounds of another type", {"field": "x", "range": {"step": 1, "bounds": 1}}, 5733404),
    ("one bound", {"field": "x", "range": {"step": 1, "bounds": [1]}}, 5733403),
    ("bounds reversed", {"field": "x", "range": {"step": 1, "bounds": [2, 1]}}, 5733402),
    ("numbers with a unit", {"field": "x", "range": {"step": 1, "unit": "day", "bounds": [1, 2]}}, 5733409),
    ("a number and a date", {"field": "x", "range": {"step": 1, "bounds": [1, date(1)]}}, 5733406),
    ("types that differ", {"field": "x", "range": {"step": 1, "bounds": [1, 2.0]}}, 5876900),
    ("dates without a unit", {"field": "x", "range": {"step": 1, "bounds": [date(1), date(2)]}}, 5733410),
    ("strings", {"field": "x", "range": {"step": 1, "bounds": ["a", "b"]}}, 5946800),
    ("partition without fields", {"field": "x", "range": {"step": 1, "bounds": "partition"}}, 5733408),
    (
        "the field in a partition",
        {"field": "x", "partitionByFields": ["x.y"], "range": {"step": 1, "bounds": "full"}},
        8993000,
    ),
    (
        "a partition in the field",
        {"field": "x.y", "partitionByFields": ["x"], "range": {"step": 1, "bounds": "full"}},
        9554500,
    ),
    ("a path with a dollar", {"field": "$x", "range": {"step": 1, "bounds": "full"}}, 16410),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors(name: str, spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run(spec, [])
    assert caught.value.code == code


VALUE_ERRORS: list[tuple[str, dict[str, Any], list[dict[str, Any]], int]] = [
    ("a string", {"step": 1, "bounds": "full"}, points("a"), 5733201),
    ("a date without a unit", {"step": 1, "bounds": "full"}, points(date(1)), 6053600),
    ("a number with a unit", {"step": 1, "unit": "day", "bounds": "full"}, points(1), 6053600),
]


@pytest.mark.parametrize(("name", "wanted", "source", "code"), VALUE_ERRORS, ids=[case[0] for case in VALUE_ERRORS])
def test_values_are_checked(name: str, wanted: dict[str, Any], source: list[dict[str, Any]], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run({"field": "x", "range": wanted}, source)
    assert caught.value.code == code


def test_what_is_there_is_not_overwritten() -> None:
    """The field cannot be made inside what a partition holds already."""
    spec = {"field": "a.x", "partitionByFields": ["a"], "range": {"step": 1, "bounds": "full"}}
    with pytest.raises(ServerError) as caught:
        run(spec, [])
    assert caught.value.code == 9554500
    spec = {"field": "a.b.x", "partitionByFields": ["a.c"], "range": {"step": 1, "bounds": "full"}}
    source = [{"a": [{"c": 1}], "n": 1}, {"a": {"b": {"x": 1}, "c": 2}}, {"a": {"b": {"x": 3}, "c": 2}}]
    assert len(run(spec, source)) == 4


def test_documents_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.aggregate.stages.densify.DENSIFY_COUNT", 100)
    with pytest.raises(ServerError) as caught:
        run({"field": "x", "range": {"step": 1, "bounds": "full"}}, points(0, 1000))
    assert caught.value.code == 5897900
    assert DENSIFY_COUNT == 500_000


def test_a_stopped_operation_ends_between_two_documents() -> None:
    interrupt = Interrupt()
    environment = Environment("test", lambda database, collection: [], interrupt=interrupt)
    stages = [{"$densify": {"field": "x", "range": {"step": 1, "bounds": "full"}}}]
    running = parse_pipeline(stages).run(points(0, 100_000), environment)
    next(running)
    interrupt.stop()
    with pytest.raises(OperationInterrupted):
        list(running)
