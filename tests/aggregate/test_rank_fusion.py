"""$rankFusion, $scoreFusion and $score: one list of several, and the scores that documents carry."""

import math
from typing import Any

import pytest

from amongo.aggregate import Environment, carried_keywords, parse_pipeline, run_with_metadata
from amongo.errors import ServerError

DOCUMENTS = [{"_id": 1, "a": 30, "b": 10}, {"_id": 2, "a": 20, "b": 30}, {"_id": 3, "a": 10, "b": 20}]
BY_A = [{"$sort": {"a": -1}}]
BY_B = [{"$sort": {"b": -1}}]


def run(stages: list[Any], source: list[dict[str, Any]] = DOCUMENTS) -> list[dict[str, Any]]:
    """What the pipeline makes of the documents."""
    environment = Environment("test", lambda database, collection: source)
    pipeline = parse_pipeline(stages)
    if carried_keywords(pipeline, stages):
        return list(run_with_metadata(pipeline, stages, source, environment))
    return list(pipeline.run(source, environment))


def fused(pipelines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"$rankFusion": {"input": {"pipelines": pipelines}, **more}}


SHOWN = {"$project": {"s": {"$meta": "score"}, "a": 1}}


def scores(stage: dict[str, Any], source: list[dict[str, Any]] = DOCUMENTS) -> list[tuple[Any, float]]:
    """(_id, score) of each document."""
    return [(each["_id"], each["s"]) for each in run([stage, SHOWN], source)]


def rank(*ranks: int) -> float:
    return math.fsum(1 / (60 + each) for each in ranks)


CASES: list[tuple[str, dict[str, Any], list[tuple[Any, float]]]] = [
    ("two orders", fused({"x": BY_A, "y": BY_B}), [(2, rank(2, 1)), (1, rank(1, 3)), (3, rank(3, 2))]),
    (
        "weights",
        fused({"x": BY_A, "y": BY_B}, combination={"weights": {"x": 0}}),
        [(2, rank(1)), (3, rank(2)), (1, rank(3))],
    ),
    (
        "what one has not found",
        fused({"x": [{"$match": {"_id": 3}}, *BY_A], "y": [*BY_B, {"$limit": 1}]}),
        [(2, rank(1)), (3, rank(1))],
    ),
    ("ties share a rank", fused({"x": [{"$sort": {"none": 1}}]}), [(1, rank(1)), (2, rank(1)), (3, rank(1))]),
    ("a rank counts what is skipped no more", fused({"x": [*BY_A, {"$skip": 1}]}), [(2, rank(1)), (3, rank(2))]),
]


@pytest.mark.parametrize(("name", "stage", "expected"), CASES, ids=[case[0] for case in CASES])
def test_scores(name: str, stage: dict[str, Any], expected: list[tuple[Any, float]]) -> None:
    found = scores(stage)
    assert [each[0] for each in found] == [each[0] for each in expected]
    assert [each[1] for each in found] == pytest.approx([each[1] for each in expected])


def test_a_draw_has_ranks_of_its_own() -> None:
    assert [each[1] for each in scores(fused({"x": [*BY_A, {"$sample": {"size": 2}}]}))] == [rank(1), rank(2)]


def test_the_documents_come_out_as_they_are() -> None:
    assert run([fused({"x": BY_B})]) == [DOCUMENTS[1], DOCUMENTS[2], DOCUMENTS[0]]


def test_details() -> None:
    stage = fused({"x": BY_A, "y": [{"$match": {"_id": 9}}, *BY_A]}, scoreDetails=True)
    (details,) = (each["d"] for each in run([stage, {"$limit": 1}, {"$project": {"d": {"$meta": "scoreDetails"}}}]))
    assert details["value"] == rank(1)
    assert details["details"] == [
        {"inputPipelineName": "x", "rank": 1, "weight": 1.0, "details": []},
        {"inputPipelineName": "y", "rank": "NA"},
    ]


REFUSED: list[tuple[str, list[Any], int]] = [
    ("no object", [{"$rankFusion": 1}], 9),
    ("no input", [{"$rankFusion": {}}], 40414),
    ("unknown", [fused({"x": BY_A}, nope=1)], 40415),
    ("not ranked", [fused({"x": [{"$match": {}}]})], 9191100),
    ("changes documents", [fused({"x": [*BY_A, {"$unset": "a"}]})], 9191103),
    (
        "near with a field for the distance",
        [fused({"x": [{"$geoNear": {"near": [0, 0], "distanceField": "d"}}]})],
        9191103,
    ),
    ("fusion in fusion", [fused({"x": [fused({"y": BY_A})]})], 10473002),
    ("fusion behind", [{"$match": {}}, fused({"x": BY_A})], 10170100),
    ("fusion behind in fusion", [fused({"x": [*BY_A, fused({"y": BY_A})]})], 10170100),
    ("unknown stage", [fused({"x": [{"$nope": 1}]})], 9191103),
    ("name with a dollar", [fused({"$x": BY_A})], 16410),
    ("empty pipeline", [fused({"x": []})], 9834300),
    ("weight of text", [fused({"x": BY_A}, combination={"weights": {"x": "1"}})], 13118),
    ("weight below zero", [fused({"x": BY_A}, combination={"weights": {"x": -1}})], 9460300),
    ("weight of another", [fused({"x": BY_A}, combination={"weights": {"y": 1}})], 9967500),
    ("weights too many", [fused({"x": BY_A}, combination={"weights": {"x": 1, "y": 1}})], 9460301),
    ("details that were not asked for", [fused({"x": BY_A}), {"$project": {"d": {"$meta": "scoreDetails"}}}], 40218),
    ("a score of nobody", [{"$project": {"d": {"$meta": "score"}}}], 40218),
    ("score of nothing", [{"$score": {}}], 40414),
    ("score unknown", [{"$score": {"score": 1, "nope": 1}}], 40415),
    ("normalization", [{"$score": {"score": 1, "normalization": "nope"}}], 2),
    ("score of text", [{"$score": {"score": "x"}}], 14),
    ("unscored", [{"$scoreFusion": {"input": {"pipelines": {"x": BY_A}, "normalization": "none"}}}], 9402500),
]


@pytest.mark.parametrize(("name", "stages", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, stages: list[Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run(stages)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"score": "$a"}, [30.0, 20.0, 10.0]),
        ({"score": "$a", "weight": 0.5}, [15.0, 10.0, 5.0]),
        ({"score": "$a", "normalization": "minMaxScaler"}, [1.0, 0.5, 0.0]),
        (
            {"score": {"$subtract": ["$a", 20]}, "normalization": "sigmoid"},
            [1 / (1 + math.exp(-10)), 0.5, 1 / (1 + math.exp(10))],
        ),
    ],
)
def test_a_score_of_an_expression(spec: dict[str, Any], expected: list[float]) -> None:
    stages = [{"$score": spec}, {"$sort": {"s": {"$meta": "score"}}}, {"$project": {"s": {"$meta": "score"}}}]
    assert [each["s"] for each in run(stages)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("combination", "expected"),
    [
        ({}, [(2, 0.75), (1, 0.5), (3, 0.25)]),
        ({"weights": {"y": 0}}, [(1, 0.5), (2, 0.25), (3, 0.0)]),
        (
            {"method": "expression", "expression": {"$max": ["$$x", {"$multiply": [3, "$$y"]}]}},
            [(2, 3.0), (3, 1.5), (1, 1.0)],
        ),
    ],
)
def test_fused_scores(combination: dict[str, Any], expected: list[tuple[Any, float]]) -> None:
    pipelines = {"x": [{"$score": {"score": "$a"}}], "y": [{"$score": {"score": "$b"}}]}
    stage = {
        "$scoreFusion": {
            "input": {"pipelines": pipelines, "normalization": "minMaxScaler"},
            "combination": combination,
            "scoreDetails": True,
        }
    }
    assert scores(stage) == expected
    details = run([stage, {"$project": {"d": {"$meta": "scoreDetails"}}}])
    assert [each["d"]["value"] for each in details] == [each[1] for each in expected]
