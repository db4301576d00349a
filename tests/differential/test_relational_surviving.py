"""What a $match leaves is known to the stages behind it."""

from __future__ import annotations

from typing import Any

import pytest

from amongo.errors import ServerError
from tests.differential.relational_cases import assert_same

VALUES: list[Any] = [0, 1, -5, 7.5, 0.0, None, "text", True, 300]
DOCUMENTS = [{"_id": number, "a": value, "b": number} for number, value in enumerate(VALUES)] + [{"_id": 100, "b": 1}]

DIVIDE = {"$project": {"_id": 1, "q": {"$divide": ["$b", "$a"]}}}
PIPELINES: dict[str, list[dict[str, Any]]] = {
    "above zero": [{"$match": {"a": {"$gt": 0}}}, DIVIDE],
    "in a range": [{"$match": {"a": {"$gte": 1, "$lt": 100}}}, DIVIDE],
    "two matches": [{"$match": {"a": {"$type": "number"}, "b": {"$gte": 0}}}, {"$match": {"a": {"$gt": 0}}}, DIVIDE],
    "one of some": [{"$match": {"a": {"$in": ["text", None]}}}, {"$project": {"u": {"$toUpper": "$a"}}}],
    "there": [{"$match": {"a": {"$ne": None, "$type": "string"}}}, {"$project": {"u": {"$toUpper": "$a"}}}],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_more_is_known_behind_a_match(name: str) -> None:
    assert assert_same(DOCUMENTS, PIPELINES[name]).reason == ""


def test_an_or_says_nothing() -> None:
    match = {"$match": {"$or": [{"a": {"$gt": 0}}, {"b": {"$lt": 2}}]}}
    found = assert_same([each for each in DOCUMENTS if each.get("a") not in (0, "text", True)], [match, DIVIDE])
    assert found.stages == 1


def test_what_is_set_anew_is_another_value() -> None:
    pipeline = [{"$match": {"a": {"$gt": 0}}}, {"$set": {"a": {"$literal": "x"}}}, {"$group": {"_id": "$a"}}]
    assert_same(DOCUMENTS, pipeline, stages=3)


def test_what_comes_in_later_is_not_narrowed() -> None:
    pipeline = [
        {"$match": {"a": {"$gt": 0}}},
        {"$unionWith": "others"},
        {"$group": {"_id": "$a", "n": {"$sum": 1}}},
    ]
    assert_same(DOCUMENTS, pipeline, others={"others": DOCUMENTS})


def test_without_a_match_a_division_by_what_may_be_zero_is_left_to_the_interpreter() -> None:
    later = {"$match": {"q": {"$gt": 0}}}
    positive = [{"a": 1, "b": 1}, {"a": 2, "b": 1}]
    assert_same(positive, [DIVIDE, later], stages=2)
    with pytest.raises(ServerError):
        assert_same([*positive, {"a": 0, "b": 1}], [DIVIDE, later])
