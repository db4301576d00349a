"""$project, $addFields, $unset, $replaceRoot and $unwind on columns, and by the interpreter."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from bson import Int64
from hypothesis import assume, given, settings

from amongo.errors import ServerError
from amongo.values.codec import decode
from tests.differential.relational_cases import assert_same, run_both
from tests.differential.relational_pipelines import Document, collections, facets, pipelines

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "a": 1, "b": "x", "c": {"d": 1, "e": "u"}, "t": [1, 2]},
    {"b": "y", "a": 2, "_id": 2, "c": {"e": "v", "d": Int64(5)}, "t": []},
    {"_id": 3, "b": None, "c": {"d": None}, "t": ["p"]},
    {"_id": 4, "c": {}, "a": 4},
    {"_id": 5, "a": 5, "c": {"d": 2, "f": 1}, "t": None},
]

PROJECTED = {
    "inclusion": [{"$project": {"a": 1, "b": 1}}],
    "inclusion without _id": [{"$project": {"_id": 0, "b": 1, "a": 1}}],
    "_id alone": [{"$project": {"_id": 1}}],
    "one field": [{"$project": {"_id": 0, "a": 1}}],
    "exclusion": [{"$project": {"a": 0, "c.d": 0}}],
    "exclusion of _id": [{"$project": {"_id": 0}}],
    "nested inclusion": [{"$project": {"c.d": 1}}],
    "nested specification": [{"$project": {"c": {"d": 1, "e": 1}, "a": 1}}],
    "computed": [{"$project": {"x": "$a", "y": "$c.d", "z": {"$literal": 1}}}],
    "computed in place": [{"$project": {"a": "$b", "b": 1, "c": 1}}],
    "computed inside": [{"$project": {"c.g": "$a", "b": 1}}],
    "computed beside an included one": [{"$project": {"c.g": "$a", "c.d": 1, "t": 1}}],
    "computed inside nothing": [{"$project": {"n.m.o": "$a"}}],
    "computed inside an array": [{"$project": {"t.x": "$a"}}],
    "_id computed": [{"$project": {"_id": "$a", "b": 1}}],
    "missing values": [{"$project": {"x": "$nowhere", "y": "$a.z", "a": 1}}],
    "unset": [{"$unset": ["a", "c.e"]}],
    "set": [{"$set": {"x": "$a", "b": "$c.d"}}],
    "set nested": [{"$set": {"c.x": "$a", "c.d": 1, "n.m": "$b"}}],
    "set in an array": [{"$set": {"t.x": "$a"}}],
    "set what is missing away": [{"$set": {"b": "$a", "a": "$b"}}],
    "root of known fields": [{"$replaceWith": {"x": "$a", "y": {"z": "$b"}}}],
    "root inside": [{"$replaceRoot": {"newRoot": "$c"}}],
    "a projection of a projection": [{"$project": {"a": 1, "b": 1, "c": 1}}, {"$project": {"b": 0, "c.d": 0}}],
    "a computed field taken away again": [{"$set": {"x": "$a"}}, {"$unset": "a"}, {"$set": {"a": "$x"}}],
    "project, sort, limit": [{"$project": {"a": 1, "b": 1}}, {"$sort": {"a": -1}}, {"$limit": 3}],
    "fields below computed ones": [{"$set": {"n.m": "$a"}}, {"$project": {"q": "$n.m", "r": "$n.o"}}],
    "a root, and fields in it": [{"$replaceWith": "$c"}, {"$set": {"x": "$d"}}, {"$project": {"_id": 0, "x": 1}}],
    "known fields": [
        {"$project": {"_id": 0, "x": "$a", "y": "$b"}},
        {"$set": {"y": "$x", "z.w": "$y"}},
        {"$project": {"x": 0}},
        {"$project": {"z": 1, "y": 1}},
    ],
    "known fields set again": [{"$project": {"x": "$a", "y": "$b"}}, {"$set": {"z": 1}}, {"$set": {"y": "$x"}}],
    "known fields, nested": [
        {"$replaceWith": {"x": {"p": "$a", "q": {"r": "$b"}}, "y": "$a"}},
        {"$project": {"x.p": 1, "y": 1}},
        {"$set": {"x.z": "$y", "y.w": "$x.p"}},
        {"$unset": "x.p"},
    ],
    "closed behind": [{"$project": {"a": 1, "c": 1}}, {"$match": {"c.d": 1}}, {"$project": {"_id": "$a"}}],
}


@pytest.mark.parametrize("name", PROJECTED)
def test_fields(name: str) -> None:
    assert_same(DOCUMENTS, PROJECTED[name], stages=len(PROJECTED[name]))


ARRAYS: list[dict[str, Any]] = [
    {"_id": 1, "t": ["x", "y", "x"], "i": [{"p": 1, "q": {"r": "u"}}, {"p": 2}], "n": 1, "o": {"t": [1, 2]}},
    {"_id": 2, "i": [{"p": 5, "q": 1}], "t": [], "n": 2, "o": {"t": []}},
    {"_id": 3, "t": ["y"], "n": 3, "o": {"t": [3]}},
    {"_id": 4, "i": None, "t": ["z", "x"], "o": {"u": 1, "t": [4]}},
    {"t": ["x"], "_id": 5, "i": [], "n": 5},
]

UNWOUND = {
    "the documents": [{"$unwind": "$t"}],
    "the documents, preserved": [{"$unwind": {"path": "$i", "preserveNullAndEmptyArrays": True}}],
    "with the position": [{"$unwind": {"path": "$t", "includeArrayIndex": "at"}}],
    "with the position, preserved": [
        {"$unwind": {"path": "$i", "includeArrayIndex": "n", "preserveNullAndEmptyArrays": True}},
        {"$match": {"n": None}},
    ],
    "with a nested position": [{"$unwind": {"path": "$t", "includeArrayIndex": "n.at"}}],
    "nested arrays": [{"$unwind": "$o.t"}, {"$match": {"o.t": {"$gte": 2}}}],
    "elements": [{"$unwind": "$t"}, {"$project": {"x": "$t"}}],
    "fields of elements": [{"$unwind": "$i"}, {"$project": {"x": "$i.p", "n": 1}}],
    "fields of elements, preserved": [
        {"$unwind": {"path": "$i", "preserveNullAndEmptyArrays": True}},
        {"$project": {"x": "$i.p", "n": "$n"}},
    ],
    "two arrays": [{"$unwind": "$t"}, {"$unwind": "$i"}, {"$project": {"x": "$t", "y": "$i.p"}}],
    "two arrays, documents": [{"$unwind": "$t"}, {"$unwind": "$i"}, {"$match": {"t": "x"}}, {"$unset": "i.p"}],
    "nothing is read": [{"$unwind": "$t"}, {"$limit": 4}, {"$project": {"_id": 1}}],
    "sorted": [{"$sort": {"n": -1}}, {"$unwind": "$t"}, {"$project": {"t": 1, "n": 1}}],
    "sorted behind": [{"$unwind": "$t"}, {"$sort": {"t": 1}}, {"$project": {"t": 1}}],
    "no arrays": [{"$unwind": "$n"}, {"$project": {"n": 1}}],
    "no arrays, with the position": [{"$unwind": {"path": "$n", "includeArrayIndex": "at"}}],
    "nowhere": [{"$unwind": "$nowhere"}],
    "nowhere, preserved": [{"$unwind": {"path": "$nowhere", "preserveNullAndEmptyArrays": True}}],
    "a set element": [{"$unwind": "$i"}, {"$set": {"i.p": "$n"}}, {"$match": {"i.p": 1}}],
    "cut before": [{"$project": {"i": 1, "t": 1}}, {"$unwind": "$i"}, {"$set": {"x": "$i.p", "y": "$i.q"}}],
    "cut behind": [{"$unwind": "$i"}, {"$project": {"i.p": 1}}, {"$set": {"x": "$i.p", "y": "$i.q"}}],
}


@pytest.mark.parametrize("name", UNWOUND)
def test_unwind(name: str) -> None:
    assert_same(ARRAYS, UNWOUND[name], stages=len(UNWOUND[name]))


def test_unwind_of_values_that_are_no_arrays() -> None:
    documents = [*ARRAYS, {"_id": 6, "t": "x", "n": 6}, {"_id": 7, "t": {"u": 1}}, {"_id": 8, "t": 0}]
    for preserve in (False, True):
        unwind = {"path": "$t", "preserveNullAndEmptyArrays": preserve, "includeArrayIndex": "at"}
        assert_same(documents, [{"$unwind": unwind}], stages=1)
        assert_same(documents, [{"$unwind": unwind}, {"$project": {"x": "$t.u", "n": "$n"}}], stages=2)
        assert_same(documents, [{"$unwind": unwind}, {"$project": {"x": "$t"}}], stages=2)


def test_a_root_that_is_no_document_somewhere_is_left_to_the_interpreter() -> None:
    documents = [*ARRAYS, {"_id": 9, "n": {"a": 1}}]
    found = assert_same(documents, [{"$match": {"_id": 9}}, {"$replaceWith": "$n"}])
    assert found.stages == 1
    assert "not a document" in found.reason


def test_arrays_of_which_a_projection_has_left_a_part_are_left_to_the_interpreter() -> None:
    found = assert_same(ARRAYS, [{"$project": {"i.p": 1, "t": 1}}, {"$unwind": "$i"}])
    assert found.stages == 1
    assert "a part of i" in found.reason


FACETS = {
    "two pipelines": [
        {"$facet": {"s": [{"$sort": {"n": -1}}, {"$limit": 2}], "c": [{"$match": {"n": 1}}, {"$project": {"n": 1}}]}}
    ],
    "behind a filter": [
        {"$match": {"n": {"$gt": 1}}},
        {"$facet": {"all": [], "count": [{"$count": "n"}], "t": [{"$unwind": "$t"}, {"$match": {"t": "x"}}]}},
    ],
    "a part of it interpreted": [{"$facet": {"s": [{"$match": {"n": 1}}, {"$redact": "$$KEEP"}]}}],
    "and then": [{"$facet": {"s": [{"$match": {"n": 1}}]}}, {"$set": {"x": {"$size": "$s"}}}],
    "of nothing": [{"$match": {"n": 77}}, {"$facet": {"s": [{"$match": {"n": 1}}]}}],
}


@pytest.mark.parametrize("name", FACETS)
def test_facet(name: str) -> None:
    pipeline = FACETS[name]
    assert_same(ARRAYS, pipeline, stages=len(pipeline) - (name == "and then"))


def test_a_facet_of_which_a_pipeline_is_not_lowered_at_all_is_left_to_the_interpreter() -> None:
    found = assert_same(ARRAYS, [{"$facet": {"s": [{"$redact": "$$KEEP"}], "t": [{"$count": "n"}]}}])
    assert found.stages == 0
    assert "in a pipeline of a $facet" in found.reason


def test_sample_gives_documents_of_the_collection_each_once() -> None:
    documents = [{"_id": each, "n": each % 3} for each in range(50)]
    for size in (1, 7, 50, 80):
        _, actual, found = run_both(documents, [{"$match": {"n": {"$lt": 2}}}, {"$sample": {"size": size}}])
        drawn = [decode(each) for each in actual]
        assert found.stages == 2
        assert len(drawn) == min(size, 34)
        assert len({each["_id"] for each in drawn}) == len(drawn)
        assert all(each in documents and each["n"] < 2 for each in drawn)


def test_every_document_has_the_same_chance_in_a_sample() -> None:
    documents = [{"_id": each} for each in range(6)]
    random, firsts, counts = Random(5), Counter[int](), Counter[int]()
    for _ in range(200):
        _, actual, _ = run_both(documents, [{"$sample": {"size": 3}}], random=random)
        drawn = [decode(each)["_id"] for each in actual]
        firsts[drawn[0]] += 1
        counts.update(drawn)
    assert all(75 <= counts[each] <= 125 for each in range(6)), counts  # 100, and seven standard deviations at most
    assert all(15 <= firsts[each] <= 55 for each in range(6)), firsts


@settings(max_examples=60)
@given(collections(), pipelines(facets()))
def test_random_pipelines(documents: list[Document], pipeline: list[Document]) -> None:
    try:
        assert_same(documents, pipeline)
    except ServerError:
        assume(False)
