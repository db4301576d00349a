"""Pipelines as wholes: parsing, positions, limits, laziness, interruption, memory, splitting for the planner."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.stages import DOCUMENTATION, NOT_YET, STAGES
from amongo.aggregate.stages.positions import POSITIONS
from amongo.aggregate.stages.registry import stage
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt, OperationInterrupted


def nowhere(database: str, collection: str) -> list[dict[str, Any]]:
    """No other collections."""
    raise AssertionError("nothing else is read")


HERE = Environment("test", nowhere)


def failure_code(stages: Any, **options: Any) -> int | None:
    """The code with which the pipeline is refused, or None."""
    try:
        parse_pipeline(stages, **options)
    except ServerError as failure:
        return failure.code
    return None


DEEP: dict[str, Any] = {"$match": {}}
for _ in range(25):
    DEEP = {"$unionWith": {"coll": "c", "pipeline": [DEEP]}}

REFUSED: list[tuple[str, Any, int]] = [
    ("no array", {}, 14),
    ("no object", [1], 14),
    ("two fields", [{"$match": {}, "$limit": 1}], 40323),
    ("no field", [{}], 40323),
    ("unknown", [{"$nope": 1}], 40324),
    ("without a dollar", [{"match": {}}], 40324),
    ("splitting what is no stream", [{"$changeStreamSplitLargeEvent": {}}], 20),
    ("too long", [{"$match": {}}] * 1001, 7749501),
    ("too deep", [DEEP], 232),
    ("out in the middle", [{"$out": "x"}, {"$match": {}}], 40601),
    ("source in the middle", [{"$match": {}}, {"$collStats": {}}], 40602),
    ("documents on a collection", [{"$documents": []}], 73),
    ("facet in a facet", [{"$facet": {"a": [{"$facet": {"b": []}}]}}], 40600),
    ("source in a facet", [{"$facet": {"a": [{"$collStats": {}}]}}], 40600),
    ("out in a lookup", [{"$lookup": {"from": "c", "as": "x", "pipeline": [{"$out": "y"}]}}], 51047),
    ("merge in a union", [{"$unionWith": {"coll": "c", "pipeline": [{"$merge": "y"}]}}], 31441),
    ("change stream in a lookup", [{"$lookup": {"from": "c", "as": "x", "pipeline": [{"$changeStream": {}}]}}], 40573),
    ("constant failure", [{"$addFields": {"a": {"$divide": [1, 0]}}}], 2),
]


@pytest.mark.parametrize(("name", "stages", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, stages: Any, code: int) -> None:
    assert failure_code(stages) == code


def test_documents_need_no_collection_and_match_needs_one() -> None:
    assert failure_code([{"$documents": [{"a": 1}]}], has_collection=False) is None
    assert failure_code([{"$match": {}}], has_collection=False) == 73
    assert parse_pipeline([{"$documents": []}], has_collection=False).makes_documents


def test_stages_are_lazy() -> None:
    read = 0

    def source() -> Iterator[dict[str, Any]]:
        nonlocal read
        for number in range(1_000_000):
            read += 1
            yield {"n": number}

    stages = [{"$match": {"n": {"$gte": 5}}}, {"$addFields": {"m": {"$add": ["$n", 1]}}}, {"$limit": 3}]
    assert [each["m"] for each in parse_pipeline(stages).run(source(), HERE)] == [6, 7, 8]
    assert read <= 9


def test_a_pipeline_runs_again_from_the_start() -> None:
    pipeline = parse_pipeline([{"$group": {"_id": None, "n": {"$sum": "$n"}}}])
    for _ in range(2):
        assert list(pipeline.run([{"n": 1}, {"n": 2}], HERE)) == [{"_id": None, "n": 3}]


BLOCKING = [
    [{"$sort": {"n": 1}}],
    [{"$sort": {"n": 1}}, {"$limit": 3}],
    [{"$group": {"_id": "$n"}}],
    [{"$sample": {"size": 3}}],
    [{"$count": "n"}],
    [{"$facet": {"all": [{"$match": {}}]}}],
]


@pytest.mark.parametrize("stages", BLOCKING, ids=[next(iter(stages[0])) for stages in BLOCKING])
def test_blocking_stages_stop_when_they_are_told_to(stages: list[Any]) -> None:
    interrupt = Interrupt()
    read = 0

    def source() -> Iterator[dict[str, Any]]:
        nonlocal read
        for number in range(1_000_000):
            read += 1
            if read == 1000:
                interrupt.stop("enough")
            yield {"n": number}

    with pytest.raises(OperationInterrupted, match="enough"):
        list(parse_pipeline(stages).run(source(), replace(HERE, interrupt=interrupt)))
    assert read < 1000 + 65


@pytest.mark.parametrize(
    "stages",
    [
        [{"$sort": {"n": 1}}],
        [{"$group": {"_id": None, "all": {"$push": "$text"}}}],
        [{"$group": {"_id": "$text"}}],
        [{"$facet": {"a": [{"$limit": 1}]}}],
    ],
)
def test_blocking_stages_have_a_bound_on_memory(stages: list[Any]) -> None:
    source = ({"n": number, "text": f"{number}" * 200} for number in range(5000))
    with pytest.raises(ServerError) as failure:
        list(parse_pipeline(stages).run(source, replace(HERE, memory_bytes=200_000)))
    assert failure.value.code == 292
    assert failure.value.code_name == "QueryExceededMemoryLimitNoDiskUseAllowed"


def test_what_the_planner_takes_off_the_front() -> None:
    stages = [{"$match": {"a": 1}}, {"$sort": {"b": 1}}, {"$skip": 2}, {"$limit": 5}, {"$limit": 4}, {"$count": "n"}]
    match, rest = parse_pipeline(stages).optimized().leading_match()
    assert match is not None
    assert match.spec == {"a": 1}
    sort, rest = rest.leading_sort()
    assert sort is not None
    assert (sort.spec, sort.limit) == ({"b": 1}, 6)
    skip, limit, rest = rest.leading_window()
    assert (skip, limit, rest.names) == (2, 4, ("$count",))
    nothing, same = rest.leading_match()
    assert nothing is None
    assert same is rest


@given(
    st.lists(st.integers(-3, 3), max_size=30),
    st.integers(0, 6),
    st.integers(1, 6),
)
def test_top_k_is_sorting_and_cutting(numbers: list[int], skip: int, limit: int) -> None:
    source = [{"_id": index, "n": number} for index, number in enumerate(numbers)]
    stages = [{"$sort": {"n": 1}}, {"$skip": skip}, {"$limit": limit}]
    whole = list(parse_pipeline(stages[:1]).run(source, HERE))
    assert list(parse_pipeline(stages).run(source, HERE)) == whole[skip : skip + limit]


def test_positions_are_of_stages() -> None:
    assert set(POSITIONS) <= set(STAGES) | set(NOT_YET)


def test_every_stage_says_what_it_takes_and_where_it_is_described() -> None:
    for name, text in DOCUMENTATION.items():
        for part in ("spec", "result", "source"):
            assert f"    {part} " in text, (name, part)


def test_a_second_definition_is_refused() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        stage("$match")(STAGES["$match"])
