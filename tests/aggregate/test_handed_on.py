"""What becomes of MinKey, MaxKey and code behind a $group that other stages follow."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Code, MaxKey, MinKey

from amongo.aggregate import Environment, parse_pipeline

SOURCE = [{"_id": 1, "v": MinKey()}, {"_id": 2, "v": Code("f")}]
FIRST = {"$group": {"_id": None, "v": {"$first": "$v"}}}
CROSSED: list[tuple[str, list[Any], list[dict[str, Any]]]] = [
    ("at the end nothing crosses", [FIRST], [{"_id": None, "v": MinKey()}]),
    ("behind it", [FIRST, {"$limit": 5}], [{"_id": None, "v": {"": MinKey()}}]),
    ("with a filter before", [{"$match": {"_id": 2}}, FIRST, {"$limit": 5}], [{"_id": None, "v": "f"}]),
    ("not behind other stages", [{"$unset": "x"}, FIRST, {"$limit": 5}], [{"_id": None, "v": MinKey()}]),
    ("keys cross as well", [{"$sortByCount": "$v"}], [{"_id": {"": MinKey()}, "count": 1}, {"_id": "f", "count": 1}]),
    (
        "arrays that the group made",
        [{"$group": {"_id": 0, "v": {"$push": "$v"}}}, {"$unset": "_id"}],
        [{"v": [{"": MinKey()}, "f"]}],
    ),
    (
        "the default of a bucket",
        [{"$bucket": {"groupBy": "$_id", "boundaries": [5, 6], "default": MaxKey()}}],
        [{"_id": {"": MaxKey()}, "count": 2}],
    ),
    (
        "only behind the last of several groups",
        [FIRST, {"$group": {"_id": {"$type": "$v"}}}, {"$limit": 1}],
        [{"_id": "minKey"}],
    ),
]


@pytest.mark.parametrize(("name", "stages", "expected"), CROSSED, ids=[case[0] for case in CROSSED])
def test_crossing(name: str, stages: list[Any], expected: list[dict[str, Any]]) -> None:
    environment = Environment("test", lambda database, collection: [], {})
    assert list(parse_pipeline(stages).run(SOURCE, environment)) == expected
