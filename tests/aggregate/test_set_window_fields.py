"""$setWindowFields: partitions, order, where the fields go, and what is refused."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from amongo.aggregate import Environment, parse_pipeline
from amongo.engine.files import DiskTemporaryFiles
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt, OperationInterrupted

SALES = [
    {"_id": 1, "shop": "b", "day": 2, "sold": 5},
    {"_id": 2, "shop": "a", "day": 1, "sold": 1},
    {"_id": 3, "shop": "b", "day": 1, "sold": 2},
    {"_id": 4, "shop": "a", "day": 2, "sold": 3},
]
SO_FAR = {"documents": ["unbounded", "current"]}


def run(
    spec: Any, source: list[dict[str, Any]] = SALES, behind: tuple[Any, ...] = (), **options: Any
) -> list[dict[str, Any]]:
    """What the stage makes of the documents."""
    environment = Environment("test", lambda database, collection: [], {}, random=Random(1), **options)
    return list(parse_pipeline([{"$setWindowFields": spec}, *behind]).run(source, environment))


RESULTS: list[tuple[str, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        "one partition after the other, each in order",
        {"partitionBy": "$shop", "sortBy": {"day": 1}, "output": {"total": {"$sum": "$sold", "window": SO_FAR}}},
        SALES,
        [
            {"_id": 2, "shop": "a", "day": 1, "sold": 1, "total": 1},
            {"_id": 4, "shop": "a", "day": 2, "sold": 3, "total": 4},
            {"_id": 3, "shop": "b", "day": 1, "sold": 2, "total": 2},
            {"_id": 1, "shop": "b", "day": 2, "sold": 5, "total": 7},
        ],
    ),
    (
        "without order the documents stay as they come",
        {"output": {"n": {"$count": {}}}},
        [{"_id": 2}, {"_id": 1}],
        [{"_id": 2, "n": 2}, {"_id": 1, "n": 2}],
    ),
    (
        "missing and null are one partition",
        {"partitionBy": "$p", "sortBy": {"_id": 1}, "output": {"n": {"$count": {}}}},
        [{"_id": 1}, {"_id": 2, "p": None}, {"_id": 3, "p": 1}, {"_id": 4, "p": 1.0}],
        [{"_id": 1, "n": 2}, {"_id": 2, "p": None, "n": 2}, {"_id": 3, "p": 1, "n": 2}, {"_id": 4, "p": 1.0, "n": 2}],
    ),
    (
        "fields inside documents and arrays",
        {"sortBy": {"_id": 1}, "output": {"a.n": {"$documentNumber": {}}, "_id": {"$sum": 7}}},
        [{"_id": 1, "a": [{"b": 1}]}, {"_id": 2, "a": {"n": 0, "c": 1}}],
        [{"_id": 14, "a": [{"b": 1, "n": 1}]}, {"_id": 14, "a": {"n": 2, "c": 1}}],
    ),
    (
        "a missing value takes the field away",
        {"output": {"v": {"$last": "$nope"}}},
        [{"_id": 1, "v": 1}],
        [{"_id": 1}],
    ),
    ("nothing to compute", {"output": {}}, [{"_id": 1}], [{"_id": 1}]),
    (
        "an order of nothing is an order",
        {"sortBy": {}, "output": {"n": {"$sum": 1, "window": SO_FAR}}},
        [{}],
        [{"n": 1}],
    ),
    (
        "a constant is one partition",
        {"partitionBy": 5, "output": {"n": {"$count": {}}}},
        [{}, {}],
        [{"n": 2}, {"n": 2}],
    ),
]


@pytest.mark.parametrize(("name", "spec", "source", "expected"), RESULTS, ids=[case[0] for case in RESULTS])
def test_results(name: str, spec: dict[str, Any], source: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert run(spec, source) == expected


def test_functions_see_the_documents_as_they_came() -> None:
    """One function does not see what another one sets."""
    spec = {"sortBy": {"_id": 1}, "output": {"sold": {"$sum": "$sold"}, "other": {"$sum": "$sold"}}}
    assert {(document["sold"], document["other"]) for document in run(spec)} == {(11, 11)}


def test_partitions_under_a_collation() -> None:
    stages = [{"$setWindowFields": {"partitionBy": "$p", "output": {"n": {"$count": {}}}}}]
    environment = Environment("test", lambda database, collection: [])
    documents = [{"p": "a"}, {"p": "A"}, {"p": "b"}]
    counted = parse_pipeline(stages, collator=lambda text: text.lower().encode()).run(documents, environment)
    assert [document["n"] for document in counted] == [2, 2, 1]


def test_stages_behind_see_the_fields() -> None:
    spec = {"partitionBy": "$shop", "output": {"total": {"$sum": "$sold"}}}
    behind = ({"$match": {"total": 7}}, {"$group": {"_id": "$shop", "all": {"$first": "$total"}}})
    assert run(spec, behind=behind) == [{"_id": "b", "all": 7}]


ERRORS: list[tuple[str, Any, int]] = [
    ("no object", 1, 9),
    ("no output", {"sortBy": {"a": 1}}, 40414),
    ("another field", {"output": {}, "x": 1}, 40415),
    ("sort of another type", {"sortBy": "a", "output": {}}, 14),
    ("output of another type", {"output": [1]}, 14),
    ("types come before what is missing", {"sortBy": 1}, 14),
    ("a direction", {"sortBy": {"a": 2}, "output": {}}, 15975),
    ("a partition of a constant array", {"partitionBy": [1], "output": {}}, 14),
    ("the partition is read first", {"partitionBy": {"$nope": 1}, "sortBy": {"a": 2}, "output": {}}, 168),
    ("the same path twice", {"output": {"a": {"$sum": 1}, "a.b": {"$sum": 1}}}, 6307900),
    ("a conflict comes before the function", {"output": {"a": {"$sum": 1}, "a.b": 1}}, 6307900),
    ("a path with a dollar", {"output": {"$a": {"$sum": 1}}}, 16410),
    ("a path with a gap", {"output": {"a..b": {"$sum": 1}}}, 15998),
    ("a function that is none", {"output": {"a": {"$nope": 1}}}, 9),
    ("a field that is no object", {"output": {"a": 1}}, 9),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors(name: str, spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run(spec, [])
    assert caught.value.code == code


def test_arrays_tell_no_partitions_apart() -> None:
    with pytest.raises(ServerError) as caught:
        run({"partitionBy": "$p", "output": {}}, [{"p": [1]}])
    assert caught.value.code == 14


def test_null_is_no_option() -> None:
    assert run({"sortBy": None, "output": {"n": {"$count": {}}}}, [{"_id": 2}, {"_id": 1}])[0]["_id"] == 2


def test_memory_is_bounded() -> None:
    documents = [{"_id": n, "text": "x" * 1000} for n in range(200)]
    with pytest.raises(ServerError) as caught:
        run({"sortBy": {"_id": 1}, "output": {}}, documents, memory_bytes=50_000)
    assert caught.value.code == 292


def test_a_stopped_operation_ends() -> None:
    interrupt = Interrupt()
    interrupt.stop()
    with pytest.raises(OperationInterrupted):
        run({"sortBy": {"_id": 1}, "output": {"n": {"$count": {}}}}, interrupt=interrupt)


def test_what_does_not_fit_is_put_aside(tmp_path: Path) -> None:
    """Sorting spills; each partition has to fit."""
    documents = [{"_id": n, "p": n % 50, "text": "x" * 500} for n in reversed(range(1000))]
    spec = {"partitionBy": "$p", "sortBy": {"_id": 1}, "output": {"n": {"$documentNumber": {}}}}
    spilled = run(spec, documents, memory_bytes=50_000, spill_bytes=20_000, temporary=DiskTemporaryFiles(tmp_path))
    assert spilled == run(spec, documents)
    assert [document["n"] for document in spilled] == [*range(1, 21)] * 50
