"""Pipelines as long as MongoDB takes them, however deep Python would let its stages ask one another."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.aggregate.environment import Environment
from amongo.aggregate.pipeline import MAX_STAGES, parse_pipeline
from amongo.errors import ServerError
from amongo.runtime.limits import CHAINED_STAGES

STAGES: dict[str, dict[str, Any]] = {
    "set": {"$set": {"n": {"$add": ["$n", 1]}}},
    "unwind": {"$unwind": "$n"},
    "group": {"$group": {"_id": "$_id", "n": {"$max": "$n"}}},
    "sort": {"$sort": {"n": 1}},
    "facet": {"$facet": {"n": []}},
}


def run(stages: list[dict[str, Any]], documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(parse_pipeline(stages).run(documents, Environment("db", lambda database, collection: documents)))


@pytest.mark.parametrize("name", STAGES)
def test_the_longest_pipeline(name: str) -> None:
    stages = [STAGES[name]] * MAX_STAGES
    if name == "facet":
        stages = [STAGES["facet"], {"$project": {"n": {"$size": "$n"}}}] * 200
    (found,) = run(stages, [{"_id": 1, "n": 0}])
    assert found.get("n") == {"set": MAX_STAGES, "facet": 1}.get(name, 0)


@pytest.mark.parametrize("count", [CHAINED_STAGES, CHAINED_STAGES + 1, 3 * CHAINED_STAGES + 1])
def test_a_pipeline_in_parts_gives_what_a_short_one_gives(count: int) -> None:
    documents = [{"_id": each, "n": each % 7} for each in range(300)]
    changed = run([STAGES["set"]] * (count - 2) + [{"$sort": {"n": -1, "_id": 1}}, {"$limit": 20}], documents)
    plain = run(
        [{"$set": {"n": {"$add": ["$n", count - 2]}}}, {"$sort": {"n": -1, "_id": 1}}, {"$limit": 20}], documents
    )
    assert changed == plain
    assert documents[1] == {"_id": 1, "n": 1}


def test_an_error_in_a_later_part_is_the_stages() -> None:
    stages = [STAGES["set"]] * (CHAINED_STAGES + 3) + [{"$set": {"n": {"$divide": ["$n", 0]}}}]
    with pytest.raises(ServerError) as caught:
        run(stages, [{"_id": 1, "n": 0}])
    assert caught.value.code == 2
