"""$lookup and $unionWith on columns, and by the interpreter."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import assume, given, settings

from amongo.errors import ServerError
from tests.differential.relational_cases import assert_refused, assert_same
from tests.differential.relational_pipelines import Document, collections, lookups, pipelines, unions

FLIGHTS: list[Document] = [
    {"_id": 1, "to": "JFK", "n": 3, "o": {"k": 1}},
    {"_id": 2, "to": "SFO", "n": Int64(1), "o": {"k": 2.0}},
    {"to": "JFK", "_id": 3, "n": 2, "o": 7},
    {"_id": 4, "to": None, "n": 5},
    {"_id": 5, "n": 1, "o": {"k": None}},
    {"_id": 6, "to": "LAX", "n": 9, "o": {"k": 3}},
]
AIRPORTS: list[Document] = [
    {"_id": "JFK", "name": "Kennedy", "k": 1.0, "z": "US"},
    {"_id": "SFO", "name": "San Francisco", "k": 2, "z": "US"},
    {"_id": "CDG", "name": "Paris", "z": None},
    {"name": "nowhere", "_id": "XXX", "k": Int64(1), "z": "US"},
]


def _lookup(local: str, foreign: str, into: str = "p", **more: Any) -> Document:
    return {"$lookup": {"from": "airports", "localField": local, "foreignField": foreign, "as": into, **more}}


LOOKUPS = {
    "by _id": [_lookup("to", "_id")],
    "by another field": [_lookup("n", "k")],
    "by a path": [_lookup("o.k", "k")],
    "null and missing": [_lookup("to", "z")],
    "into a path": [_lookup("to", "_id", "o.p")],
    "in place of the local field": [_lookup("to", "_id", "to")],
    "with a filter": [_lookup("n", "k", pipeline=[{"$match": {"z": "US"}}])],
    "different types": [_lookup("to", "k")],
    "unwound": [_lookup("to", "_id"), {"$unwind": "$p"}],
    "unwound, preserved": [_lookup("to", "_id"), {"$unwind": {"path": "$p", "preserveNullAndEmptyArrays": True}}],
    "unwound, fields": [_lookup("n", "k"), {"$unwind": "$p"}, {"$project": {"x": "$p.name", "n": 1}}],
    "unwound, fields, preserved": [
        _lookup("n", "k"),
        {"$unwind": {"path": "$p", "preserveNullAndEmptyArrays": True}},
        {"$project": {"x": "$p.name", "y": "$p.k", "n": "$n"}},
    ],
    "unwound, filtered": [_lookup("to", "z"), {"$unwind": "$p"}, {"$match": {"p.name": "Paris", "n": {"$gt": 1}}}],
    "unwound, sorted": [_lookup("n", "k"), {"$unwind": "$p"}, {"$sort": {"p.name": -1}}, {"$limit": 3}],
    "unwound, partners alone": [_lookup("n", "k"), {"$unwind": "$p"}, {"$replaceWith": "$p"}],
    "twice": [_lookup("to", "_id"), _lookup("n", "k", "q"), {"$project": {"p.name": 1, "q.name": 1}}],
    "twice, unwound": [
        _lookup("to", "_id"),
        {"$unwind": "$p"},
        _lookup("n", "k", "q"),
        {"$unwind": "$q"},
        {"$project": {"x": "$p.name", "y": "$q.name"}},
    ],
    "by a joined field": [
        _lookup("to", "_id"),
        {"$unwind": "$p"},
        _lookup("p.k", "k", "q"),
        {"$unwind": "$q"},
        {"$project": {"x": "$q.name"}},
    ],
    "behind known fields": [{"$project": {"_id": 0, "x": "$to", "y": "$n"}}, _lookup("x", "_id"), {"$unset": "x"}],
    "nothing is read": [_lookup("to", "_id"), {"$project": {"n": 1}}],
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_lookup(name: str) -> None:
    pipeline = LOOKUPS[name]
    count = len(pipeline) - sum("$unwind" in stage for stage in pipeline)
    if name == "unwound, filtered":
        count = 2
    assert_same(FLIGHTS, pipeline, stages=count, others={"airports": AIRPORTS})


REFUSED = {
    "arrays": ([{"_id": 1, "to": ["JFK"]}], "elements of arrays"),
    "decimals": ([{"_id": 1, "to": Decimal128("1")}], "these types"),
    "documents": ([{"_id": 1, "to": {"a": 1}}], None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_lookup_is_left_to_the_interpreter(name: str) -> None:
    documents, reason = REFUSED[name]
    if reason is None:
        assert_same(documents, [_lookup("to", "k")], stages=1, others={"airports": AIRPORTS})
    else:
        assert_refused(documents, [_lookup("to", "k")], reason, others={"airports": AIRPORTS})


def test_a_collection_that_is_not_stored_is_left_to_the_interpreter() -> None:
    assert_refused(FLIGHTS, [_lookup("to", "_id")], "no stored collection")


UNIONS = {
    "grouped": [
        {"$unionWith": "airports"},
        {"$group": {"_id": "$n", "s": {"$sum": 1}, "z": {"$max": "$z"}}},
    ],
    "known fields": [
        {"$project": {"_id": 0, "x": "$to", "y": "$n"}},
        {"$unionWith": {"coll": "airports", "pipeline": [{"$project": {"_id": 0, "x": "$name", "z": "$z"}}]}},
    ],
    "known fields in another order": [
        {"$project": {"_id": 0, "x": "$to", "y": "$n"}},
        {"$unionWith": {"coll": "airports", "pipeline": [{"$project": {"_id": 0, "y": "$k", "x": "$name"}}]}},
        {"$project": {"_id": 0, "x": 1}},
    ],
    "filtered": [
        {"$match": {"n": {"$gt": 1}}},
        {"$unionWith": {"coll": "airports", "pipeline": [{"$match": {"z": "US"}}]}},
        {"$sort": {"_id": 1}},
        {"$limit": 5},
        {"$project": {"x": "$_id", "_id": 0}},
    ],
    "sorted on both sides": [
        {"$sort": {"n": -1}},
        {"$unionWith": {"coll": "airports", "pipeline": [{"$sort": {"name": 1}}]}},
        {"$project": {"_id": 0, "x": "$n", "y": "$name"}},
    ],
    "counted": [{"$unionWith": "airports"}, {"$count": "n"}],
    "twice": [{"$unionWith": "airports"}, {"$unionWith": "airports"}, {"$group": {"_id": "$z", "n": {"$sum": 1}}}],
    "joined behind": [
        {"$unionWith": "airports"},
        _lookup("k", "k"),
        {"$unwind": "$p"},
        {"$project": {"_id": 0, "x": "$p.name", "y": "$n"}},
    ],
}


@pytest.mark.parametrize("name", UNIONS)
def test_union(name: str) -> None:
    pipeline = UNIONS[name]
    assert_same(FLIGHTS, pipeline, stages=len(pipeline) - (name == "joined behind"), others={"airports": AIRPORTS})


def test_documents_of_two_collections_do_not_come_out() -> None:
    pipeline = [{"$match": {"n": {"$gt": 1}}}, {"$unionWith": "airports"}, {"$limit": 3}]
    found = assert_same(FLIGHTS, pipeline, others={"airports": AIRPORTS})
    assert found.stages == 1
    assert "two collections" in found.reason


@settings(max_examples=60)
@given(collections(), collections(), pipelines(lookups(), unions(), most=3))
def test_random_pipelines(documents: list[Document], others: list[Document], pipeline: list[Document]) -> None:
    try:
        assert_same(documents, pipeline, others={"o": others})
    except ServerError:
        assume(False)


def test_sums_over_joined_and_unwound_rows_may_pass_32_bits() -> None:
    documents = [{"_id": each, "k": 1, "n": 2**30, "t": [1, 2, 3]} for each in range(3)]
    others = [{"_id": each, "k": 1} for each in range(4)]
    for pipeline in (
        [_lookup("k", "k"), {"$unwind": "$p"}, {"$unwind": "$t"}],
        [{"$unwind": "$t"}, _lookup("k", "k"), {"$unwind": "$p"}],
        [{"$unwind": "$t"}, {"$unionWith": {"coll": "airports", "pipeline": [{"$set": {"n": 2**31 - 1}}]}}],
    ):
        group = {"$group": {"_id": None, "s": {"$sum": "$n"}}}
        assert_same(documents, [*pipeline, group], others={"airports": others})
