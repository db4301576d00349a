"""Which fields a pipeline needs of the documents that go in, and what is decoded of stored ones."""

from __future__ import annotations

from typing import Any

import bson
import pytest

import amongo.aggregate.stored as stored
from amongo.aggregate import parse_pipeline
from amongo.aggregate.plan.reading import expression_fields
from amongo.commands.instance import Instance

CASES: list[tuple[str, list[dict[str, Any]], set[str] | None]] = [
    ("whole documents come out", [{"$match": {"a": 1}}], None),
    ("a group", [{"$match": {"a.b": 1}}, {"$group": {"_id": "$c.d", "n": {"$sum": "$e"}}}], {"a", "c", "e"}),
    ("a sort pattern in an accumulator", [
        {"$group": {"_id": 1, "n": {"$top": {"sortBy": {"s.t": 1}, "output": "$o"}}}}
    ], {"s", "o"}),
    ("shown fields", [{"$project": {"a.b": 1, "c": {"d": "$e"}}}], {"_id", "a", "c", "e"}),
    ("hidden fields", [{"$project": {"a": 0}}], None),
    ("the root", [{"$group": {"_id": None, "all": {"$push": "$$ROOT"}}}], None),
    ("a field of the root", [{"$group": {"_id": "$$ROOT.a"}}], {"a"}),
    ("$getField", [{"$project": {"x": {"$getField": "a"}}}], None),
    ("$getField of a value", [{"$project": {"x": {"$getField": {"field": "a", "input": "$b"}}}}], {"_id", "b"}),
    ("nothing", [{"$count": "n"}], set()),
    ("a filter that joins", [{"$match": {"$or": [{"a": 1}, {"$expr": "$b"}]}}, {"$count": "n"}], {"a", "b"}),
    ("a filter on everything", [{"$match": {"$jsonSchema": {}}}, {"$count": "n"}], None),
    ("facets", [{"$facet": {"x": [{"$count": "n"}], "y": [{"$group": {"_id": "$a"}}]}}], {"a"}),
    ("a facet that gives documents", [{"$facet": {"x": [{"$limit": 1}]}}], None),
    ("joins", [
        {"$lookup": {"from": "o", "let": {"x": "$a"}, "pipeline": [{"$match": {"z": 1}}], "as": "f"}},
        {"$unwind": "$f"}, {"$group": {"_id": "$f.y"}},
    ], {"a", "f"}),
    ("an order", [{"$sort": {"a.b": 1}}, {"$group": {"_id": "$c"}}], {"a", "c"}),
    ("another root may fail", [{"$replaceRoot": {"newRoot": "$a"}}], None),
    ("a new root", [{"$replaceRoot": {"newRoot": {"x": "$a"}}}], {"a"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pipeline", "fields"), CASES, ids=[case[0] for case in CASES])
def test_needed(name: str, pipeline: list[dict[str, Any]], fields: set[str] | None) -> None:
    assert parse_pipeline(pipeline).needed_fields == fields


def test_text_that_looks_like_a_path_counts() -> None:
    assert expression_fields({"$literal": "$a"}) == {"a"}


def _answers(pipeline: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    asked: list[Any] = []

    def watch(name: str) -> None:
        reader = getattr(stored, name)

        def watched(names: frozenset[str] | None) -> Any:
            asked.append(None if names is None else set(names))
            return reader(names)

        monkeypatch.setattr(stored, name, watched)

    watch("_reader")
    watch("_reader_of_all")
    instance = Instance.open(None)
    documents = [{"_id": n, "a": n % 3, "b": [n], "c": {"d": n}, "e": float(n)} for n in range(300)]
    instance.run_command("d", bson.encode({"insert": "c", "documents": documents}))
    reply = instance.run_command("d", bson.encode({"aggregate": "c", "pipeline": pipeline, "cursor": {}}))
    instance.close()
    return [bson.decode(each.raw) for each in reply["cursor"]["firstBatch"]], asked


def test_decoded_for_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = _answers(
        [{"$match": {"a": {"$lt": 2}}}, {"$group": {"_id": "$a", "n": {"$sum": "$e"}}}], monkeypatch
    )
    assert found == [{"_id": 0, "n": 14850.0}, {"_id": 1, "n": 14950.0}]
    assert asked == [{"a", "e"}]


def test_decoded_for_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = [{"$match": {"a": 1}}, {"$project": {"x": "$c", "e": 1}}, {"$sort": {"e": -1}}, {"$limit": 2}]
    found, asked = _answers(pipeline, monkeypatch)
    assert found == [{"_id": 298, "e": 298.0, "x": {"d": 298}}, {"_id": 295, "e": 295.0, "x": {"d": 295}}]
    assert asked == [{"a", "e"}, {"_id", "c", "e"}]
