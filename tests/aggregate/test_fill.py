"""$fill: values and methods, partitions, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.aggregate import Environment, parse_pipeline
from amongo.errors import ServerError

SOURCE = [
    {"_id": 1, "p": "a", "t": 1, "v": 2},
    {"_id": 2, "p": "b", "t": 1, "v": None},
    {"_id": 3, "p": "a", "t": 3},
    {"_id": 4, "p": "b", "t": 2, "v": 7},
    {"_id": 5, "p": "a", "t": 5, "v": 6},
]


def run(spec: Any, source: list[dict[str, Any]] = SOURCE) -> list[dict[str, Any]]:
    """What the stage makes of the documents."""
    environment = Environment("test", lambda database, collection: [], {})
    return list(parse_pipeline([{"$fill": spec}]).run(source, environment))


def values(spec: Any) -> dict[int, Any]:
    """`v` of each document that comes out."""
    return {document["_id"]: document.get("v") for document in run(spec)}


FILLED: list[tuple[str, dict[str, Any], dict[int, Any]]] = [
    ("a value", {"output": {"v": {"value": "$t"}}}, {1: 2, 2: 1, 3: 3, 4: 7, 5: 6}),
    ("the last one as they come", {"output": {"v": {"method": "locf"}}}, {1: 2, 2: 2, 3: 2, 4: 7, 5: 6}),
    (
        "the last one of each partition",
        {"partitionByFields": ["p"], "sortBy": {"t": 1}, "output": {"v": {"method": "locf"}}},
        {1: 2, 2: None, 3: 2, 4: 7, 5: 6},
    ),
    (
        "on the line",
        {"partitionBy": {"p": "$p"}, "sortBy": {"t": 1}, "output": {"v": {"method": "linear"}}},
        {1: 2, 2: None, 3: 4.0, 4: 7, 5: 6},
    ),
    ("nothing is said", {"output": {"v": {}}}, {1: 2, 2: None, 3: None, 4: 7, 5: 6}),
]


@pytest.mark.parametrize(("name", "spec", "expected"), FILLED, ids=[case[0] for case in FILLED])
def test_filled(name: str, spec: dict[str, Any], expected: dict[int, Any]) -> None:
    assert values(spec) == expected


def test_values_do_not_sort() -> None:
    """Only methods need an order; missing becomes null when there is nothing to put in."""
    assert run({"sortBy": {"t": -1}, "output": {"v": {"value": None}}}, [{"t": 1}, {"t": 2}]) == [
        {"t": 1, "v": None},
        {"t": 2, "v": None},
    ]


def test_methods_and_values_together() -> None:
    spec = {"sortBy": {"t": 1}, "output": {"a.b": {"method": "locf"}, "c": {"value": "$a.b"}}}
    assert run(spec, [{"t": 2}, {"t": 1, "a": {"b": 1}}]) == [
        {"t": 1, "a": {"b": 1}, "c": 1},
        {"t": 2, "a": {"b": 1}, "c": 1},
    ]


ERRORS: list[tuple[str, Any, int]] = [
    ("no object", [], 9),
    ("no output", {}, 40414),
    ("another field", {"x": 1}, 40415),
    ("sort of another type", {"sortBy": 1, "output": {}}, 14),
    ("partition of another type", {"partitionBy": 1, "output": {}}, 14),
    ("partition fields of another type", {"partitionByFields": [1], "output": {}}, 14),
    ("an empty output", {"output": {}}, 6050203),
    ("no object to fill with", {"output": {"v": 1}}, 6050200),
    ("another field to fill with", {"output": {"v": {"x": 1}}}, 40415),
    ("a method of another type", {"output": {"v": {"method": 1}}}, 14),
    ("method and value", {"output": {"v": {"method": "locf", "value": 1}}}, 6050201),
    ("another method", {"output": {"v": {"method": "nearest"}}}, 6050202),
    ("two partitions", {"partitionBy": "$p", "partitionByFields": ["p"], "output": {"v": {"value": 1}}}, 6050204),
    ("a line without an order", {"output": {"v": {"method": "linear"}}}, 605001),
    ("a partition with a dot", {"partitionByFields": ["a.b"], "output": {"v": {"method": "locf"}}}, 16412),
    ("a variable to sort by", {"sortBy": {"$$NOW": 1}, "output": {"v": {"method": "linear"}}}, 16410),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors(name: str, spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run(spec, [])
    assert caught.value.code == code
