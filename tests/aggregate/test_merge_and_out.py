"""$merge and $out: what their specifications mean, and what is refused before anything is written."""

from typing import Any

import pytest

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.output import MergeTarget, OutTarget
from amongo.errors import ServerError
from amongo.values.paths import field_path

TARGETS: list[tuple[str, dict[str, Any], MergeTarget | OutTarget]] = [
    ("a name", {"$merge": "c"}, MergeTarget(None, "c")),
    ("into", {"$merge": {"into": "c"}}, MergeTarget(None, "c")),
    ("a database", {"$merge": {"into": {"db": "d", "coll": "c"}}}, MergeTarget("d", "c")),
    ("no database", {"$merge": {"into": {"db": "", "coll": "c"}}}, MergeTarget(None, "c")),
    (
        "fields",
        {"$merge": {"into": "c", "on": ["a.b", "_id"]}},
        MergeTarget(None, "c", (field_path("a.b"), field_path("_id"))),
    ),
    (
        "modes",
        {"$merge": {"into": "c", "whenMatched": "replace", "whenNotMatched": "fail"}},
        MergeTarget(None, "c", None, "replace", "fail"),
    ),
    (
        "a pipeline",
        {"$merge": {"into": "c", "whenMatched": [{"$x": 1}]}},
        MergeTarget(None, "c", None, "pipeline", "insert", [{"$x": 1}]),
    ),
    ("nothing said", {"$merge": {"into": "c", "whenNotMatched": None, "let": None}}, MergeTarget(None, "c")),
    ("out", {"$out": "c"}, OutTarget(None, "c")),
    (
        "out elsewhere",
        {"$out": {"db": "d", "coll": "c", "timeseries": {"timeField": "t"}}},
        OutTarget("d", "c", {"timeField": "t"}),
    ),
]


@pytest.mark.parametrize(("name", "stage", "target"), TARGETS, ids=[case[0] for case in TARGETS])
def test_target(name: str, stage: dict[str, Any], target: MergeTarget | OutTarget) -> None:
    assert parse_pipeline([{"$limit": 1}, stage]).output == target


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("merge a number", {"$merge": 1}, 14),
    ("into nothing", {"$merge": {"into": ""}}, 5786800),
    ("into a number", {"$merge": {"into": 1}}, 51178),
    ("into no collection", {"$merge": {"into": {"db": "d"}}}, 5786801),
    ("into something unknown", {"$merge": {"into": {"nope": 1}}}, 40415),
    ("no into", {"$merge": {}}, 40414),
    ("unknown", {"$merge": {"into": "c", "nope": 1}}, 40415),
    ("on null", {"$merge": {"into": "c", "on": None}}, 51186),
    ("on nothing", {"$merge": {"into": "c", "on": []}}, 51187),
    ("on a number", {"$merge": {"into": "c", "on": [1]}}, 51134),
    ("on one twice", {"$merge": {"into": "c", "on": ["a", "a"]}}, 31465),
    ("when matched null", {"$merge": {"into": "c", "whenMatched": None}}, 51191),
    ("when matched else", {"$merge": {"into": "c", "whenMatched": "pipeline"}}, 2),
    ("when not matched else", {"$merge": {"into": "c", "whenNotMatched": "merge"}}, 2),
    ("keep and discard", {"$merge": {"into": "c", "whenMatched": "keepExisting", "whenNotMatched": "discard"}}, 51181),
    ("fail and fail", {"$merge": {"into": "c", "whenMatched": "fail", "whenNotMatched": "fail"}}, 51181),
    ("variables without a pipeline", {"$merge": {"into": "c", "let": {}}}, 51199),
    ("another new", {"$merge": {"into": "c", "whenMatched": [], "let": {"new": 1}}}, 51273),
    ("variables of text", {"$merge": {"into": "c", "whenMatched": [], "let": "x"}}, 14),
    ("out a number", {"$out": 1}, 16990),
    ("out without a database", {"$out": {"coll": "c"}}, 40414),
    ("out to a number", {"$out": {"db": "d", "coll": 1}}, 14),
    ("out unknown", {"$out": {"db": "d", "coll": "c", "nope": 1}}, 40415),
    ("out not last", {"$facet": {"a": [{"$out": "c"}]}}, 40600),
]


@pytest.mark.parametrize(("name", "stage", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, stage: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_pipeline([stage])
    assert caught.value.code == code


def test_a_pipeline_without_an_output_writes_nothing() -> None:
    for stage in ({"$out": "c"}, {"$merge": "c"}):
        with pytest.raises(ServerError) as caught:
            list(parse_pipeline([stage]).run([{}], Environment("test", lambda database, collection: ())))
        assert caught.value.code == 115
