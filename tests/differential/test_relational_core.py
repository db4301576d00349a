"""The core of the columnar path: a few pipelines that need every part of it."""

from __future__ import annotations

import pytest

from tests.differential.relational_cases import assert_refused, assert_same

DOCUMENTS = [{"_id": each, "c": "abc"[each % 3] if each % 7 else None, "n": each % 10} for each in range(50)]

PIPELINES = {
    "match": [{"$match": {"n": {"$gt": 3}}}],
    "group": [{"$group": {"_id": "$c", "s": {"$sum": "$n"}, "count": {"$sum": 1}}}],
    "match, group, sort": [
        {"$match": {"n": {"$gt": 3}}},
        {"$group": {"_id": "$c", "s": {"$sum": "$n"}}},
        {"$sort": {"s": -1}},
    ],
    "sort, skip, limit": [{"$sort": {"n": -1}}, {"$skip": 3}, {"$limit": 5}],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_columns_give_what_the_interpreter_gives(name: str) -> None:
    assert_same(DOCUMENTS, PIPELINES[name], stages=1)


def test_the_reason_says_why_nothing_is_lowered() -> None:
    assert_refused([{"a": [1]}], [{"$redact": "$$KEEP"}], "edact")
