"""The rewrite passes: before and after, and both ways on random documents and pipelines."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.plan import PASSES, rewrite, steps_of
from amongo.aggregate.plan.effects import EFFECTS, UNKNOWN
from amongo.aggregate.stages import NOT_YET, STAGES
from amongo.errors import ServerError
from amongo.values.codec import encode_in_order

Pipeline = list[dict[str, Any]]

_LOOKUP = {"from": "o", "localField": "b", "foreignField": "b", "as": "f"}

# (pass, what it does, before, after); after None: unchanged
CASES: list[tuple[str, str, Pipeline, Pipeline | None]] = [
    ("idle_stages", "an empty match goes", [{"$match": {}}, {"$skip": 0}, {"$limit": 1}], [{"$limit": 1}]),
    ("idle_stages", "others stay", [{"$match": {"a": 1}}, {"$skip": 1}], None),
    (
        "match_first",
        "before computed fields it does not ask for",
        [{"$addFields": {"b": {"$add": ["$a", 1]}}}, {"$match": {"c.d": 1, "b": 2}}],
        [{"$match": {"c.d": 1}}, {"$addFields": {"b": {"$add": ["$a", 1]}}}, {"$match": {"b": 2}}],
    ),
    (
        "match_first",
        "follows a rename",
        [{"$project": {"x": "$a", "b": 1}}, {"$match": {"x.y": {"$gt": 1}, "b": 1, "_id": 2}}],
        [{"$match": {"a.y": {"$gt": 1}, "b": 1, "_id": 2}}, {"$project": {"x": "$a", "b": 1}}],
    ),
    ("match_first", "not past a rename of a path", [{"$project": {"x": "$a.b"}}, {"$match": {"x": 1}}], None),
    ("match_first", "not past a field below the one it asks for", [{"$set": {"a.b": 1}}, {"$match": {"a.c": 1}}], None),
    ("match_first", "not past a field that is not shown", [{"$project": {"a": 1}}, {"$match": {"b": None}}], None),
    ("match_first", "not past a hidden id", [{"$project": {"a": 1, "_id": 0}}, {"$match": {"_id": 1}}], None),
    (
        "match_first",
        "past an exclusion",
        [{"$project": {"a": 0, "c": {"d": 0}}}, {"$match": {"b": 1}}],
        [{"$match": {"b": 1}}, {"$project": {"a": 0, "c": {"d": 0}}}],
    ),
    ("match_first", "not past a nested exclusion", [{"$project": {"c": {"d": 0}}}, {"$match": {"c.d": 1}}], None),
    (
        "match_first",
        "past $unwind and $lookup",
        [
            {"$unwind": "$a"},
            {"$lookup": {"from": "o", "localField": "b", "foreignField": "b", "as": "f"}},
            {"$match": {"a": 1, "b": 2, "f": []}},
        ],
        [
            {"$match": {"b": 2}},
            {"$unwind": "$a"},
            {"$match": {"a": 1}},
            {"$lookup": {"from": "o", "localField": "b", "foreignField": "b", "as": "f"}},
            {"$match": {"f": []}},
        ],
    ),
    (
        "match_first",
        "past $sort, and into the match before it",
        [{"$match": {"a": 1}}, {"$sort": {"b": 1}}, {"$match": {"c": 1}}],
        [{"$match": {"a": 1, "c": 1}}, {"$sort": {"b": 1}}],
    ),
    ("match_first", "not past a $limit", [{"$limit": 2}, {"$match": {"a": 1}}], None),
    (
        "match_first",
        "past $replaceRoot, which fails as it would have",
        [{"$replaceRoot": {"newRoot": "$a"}}, {"$match": {"b": 1}}],
        [
            {"$match": {"$or": [{"a.b": 1}, {"$expr": {"$ne": [{"$type": "$a"}, "object"]}}]}},
            {"$replaceRoot": {"newRoot": "$a"}},
        ],
    ),
    (
        "match_first",
        "of a group's key",
        [{"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$match": {"_id": {"$gt": 3}, "n": 1}}],
        [{"$match": {"a": {"$gt": 3}}}, {"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$match": {"n": 1}}],
    ),
    ("match_first", "null is missing to a group", [{"$group": {"_id": "$a"}}, {"$match": {"_id": None}}], None),
    (
        "match_first",
        "an expression that may fail stays",
        [{"$unwind": "$a"}, {"$match": {"$expr": {"$divide": [1, "$b"]}}}],
        None,
    ),
    (
        "match_first",
        "an expression that cannot fail goes",
        [{"$unwind": "$a"}, {"$match": {"$expr": {"$gt": ["$b", "$c"]}}}],
        [{"$match": {"$expr": {"$gt": ["$b", "$c"]}}}, {"$unwind": "$a"}],
    ),
    ("match_first", "chance stays", [{"$unwind": "$a"}, {"$match": {"$sampleRate": 0.5}}], None),
    (
        "merged_matches",
        "neighbours",
        [{"$match": {"a": 1}}, {"$match": {"b": 1}}, {"$match": {"a": {"$gt": 0}}}],
        [{"$match": {"$and": [{"a": 1}, {"b": 1}, {"a": {"$gt": 0}}]}}],
    ),
    (
        "limit_first",
        "before what is computed for each",
        [{"$project": {"a": 1}}, {"$set": {"b": {"$divide": [1, "$a"]}}}, {"$limit": 3}],
        [{"$limit": 3}, {"$project": {"a": 1}}, {"$set": {"b": {"$divide": [1, "$a"]}}}],
    ),
    (
        "limit_first",
        "a skip past no stage that may fail",
        [{"$set": {"b": {"$divide": [1, "$a"]}}}, {"$skip": 3}],
        None,
    ),
    ("limit_first", "not past $unwind", [{"$unwind": "$a"}, {"$limit": 3}], None),
    (
        "sort_first",
        "with its limit, under the name the field had",
        [{"$project": {"x": "$a", "y": 1}}, {"$sort": {"x.z": -1, "y": 1}}, {"$skip": 1}, {"$limit": 2}],
        [{"$sort": {"a.z": -1, "y": 1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"x": "$a", "y": 1}}],
    ),
    (
        "sort_first",
        "not of computed fields",
        [{"$set": {"a": {"$not": "$b"}}}, {"$sort": {"a": 1}}, {"$limit": 1}],
        None,
    ),
    ("sort_first", "not of one field twice", [{"$set": {"b": "$a"}}, {"$sort": {"a": 1, "b": 1}}, {"$limit": 1}], None),
    ("sort_first", "not without a limit", [{"$project": {"a": 1}}, {"$sort": {"a": 1}}], None),
    (
        "merged_windows",
        "limits and skips",
        [{"$limit": 5}, {"$limit": 3}, {"$skip": 1}, {"$skip": 2}],
        [{"$limit": 3}, {"$skip": 3}],
    ),
    (
        "merged_windows",
        "not past 64 bits",
        [{"$skip": Int64(2**63 - 1)}, {"$skip": 2}],
        None,
    ),
    (
        "top_documents",
        "a limit behind a skip",
        [{"$sort": {"a": 1}}, {"$skip": 2}, {"$limit": 3}],
        [{"$sort": {"sortKey": {"a": 1}, "limit": 5}}, {"$skip": 2}, {"$limit": 3}],
    ),
    (
        "unwound_lookups",
        "an $unwind of the array",
        [{"$lookup": _LOOKUP}, {"$unwind": "$f"}],
        [{"$lookup": {**_LOOKUP, "unwinding": {"preserveNullAndEmptyArrays": False}}}],
    ),
    (
        "unwound_lookups",
        "with its options",
        [
            {"$lookup": _LOOKUP},
            {"$unwind": {"path": "$f", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}},
            {"$match": {"f.c": 1}},
        ],
        [
            {
                "$lookup": {
                    **_LOOKUP,
                    "unwinding": {"preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"},
                }
            },
            {"$match": {"f.c": 1}},
        ],
    ),
    (
        "unwound_lookups",
        "what is asked of the partner, of the other collection",
        [
            {"$lookup": _LOOKUP},
            {"$unwind": "$f"},
            {"$match": {"f.c": 1, "d": 2, "$or": [{"f.d": 1}, {"f.e.g": {"$gt": 2}}], "$nor": [{"f.x": 1}, {"a": 1}]}},
        ],
        [
            {
                "$lookup": {
                    **_LOOKUP,
                    "let": {},
                    "pipeline": [{"$match": {"c": 1, "$or": [{"d": 1}, {"e.g": {"$gt": 2}}]}}],
                    "unwinding": {"preserveNullAndEmptyArrays": False},
                }
            },
            {"$match": {"d": 2, "$nor": [{"f.x": 1}, {"a": 1}]}},
        ],
    ),
    (
        "unwound_lookups",
        "behind the pipeline that there is",
        [
            {"$lookup": {"from": "o", "let": {"x": "$a"}, "pipeline": [{"$limit": 1}], "as": "f.g"}},
            {"$unwind": {"path": "$f.g"}},
            {"$match": {"f.g.c": {"$ne": 1}}},
        ],
        [
            {
                "$lookup": {
                    "from": "o",
                    "let": {"x": "$a"},
                    "pipeline": [{"$limit": 1}, {"$match": {"c": {"$ne": 1}}}],
                    "as": "f.g",
                    "unwinding": {"preserveNullAndEmptyArrays": False},
                }
            },
        ],
    ),
    ("unwound_lookups", "not of another array", [{"$lookup": _LOOKUP}, {"$unwind": "$f.g"}], None),
    ("unwound_lookups", "not past a stage", [{"$lookup": _LOOKUP}, {"$match": {"f": []}}, {"$unwind": "$f"}], None),
    ("top_documents", "not past others", [{"$sort": {"a": 1}}, {"$unwind": "$b"}, {"$limit": 3}], None),
    (
        "match_first",
        "in sub-pipelines",
        [{"$facet": {"f": [{"$unwind": "$a"}, {"$match": {"b": 1}}]}}],
        [{"$facet": {"f": [{"$match": {"b": 1}}, {"$unwind": "$a"}]}}],
    ),
]
_NAMES = [each.__name__ for each in PASSES]


def _alone(name: str) -> set[str]:
    return set(_NAMES) - {name}


@pytest.mark.parametrize(("name", "what", "before", "after"), CASES, ids=[f"{case[0]}: {case[1]}" for case in CASES])
def test_case(name: str, what: str, before: Pipeline, after: Pipeline | None) -> None:
    steps, passes = rewrite(steps_of(before), _alone(name))
    assert [step.document() for step in steps] == (before if after is None else after)
    assert passes == (() if after is None else (name,))
    assert rewrite(steps_of(before), _NAMES) == (steps_of(before), ())


def test_every_pass_has_cases() -> None:
    for name in _NAMES:
        changed = {case[3] is not None for case in CASES if case[0] == name}
        assert True in changed, name


def test_every_stage_is_named() -> None:
    assert EFFECTS.keys() & UNKNOWN == set()
    assert set(STAGES) <= EFFECTS.keys() | UNKNOWN
    assert EFFECTS.keys() | UNKNOWN <= STAGES.keys() | NOT_YET.keys()


# Both ways

_SCALARS = st.one_of(
    st.integers(-2, 3),
    st.sampled_from([None, True, 1.0, -0.0, float("nan"), Int64(2), Decimal128("1.0"), "x", "y"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
    max_leaves=4,
)
_FIELDS = st.sampled_from(["a", "b", "c", "_id"])
_PATHS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "_id", "c.0"])
_DOCUMENTS = st.lists(st.dictionaries(_FIELDS, _VALUES, max_size=4), max_size=8)
_CONDITIONS = st.one_of(
    _SCALARS,
    st.builds(lambda name, value: {name: value}, st.sampled_from(["$gt", "$lte", "$ne", "$eq"]), _SCALARS),
    st.builds(lambda values: {"$in": values}, st.lists(_SCALARS, max_size=2)),
    st.builds(lambda is_there: {"$exists": is_there}, st.booleans()),
)
_EXPRESSIONS = st.one_of(
    st.sampled_from(["$a", "$b", "$a.b", "$$ROOT", "$$REMOVE", "$c"]),
    st.builds(lambda left, right: {"$gt": [left, right]}, st.sampled_from(["$a", "$b.c"]), _SCALARS),
    st.builds(lambda left: {"$ifNull": [left, 7]}, st.sampled_from(["$a", "$c"])),
)
_FILTERS = st.one_of(
    st.dictionaries(_PATHS, _CONDITIONS, max_size=2),
    st.builds(lambda path, one, other: {"$or": [{path: one}, {"b": other}]}, _PATHS, _CONDITIONS, _CONDITIONS),
    st.builds(lambda expression: {"$expr": expression}, _EXPRESSIONS),
)
_STAGES = st.one_of(
    st.builds(lambda filter: {"$match": filter}, _FILTERS),
    st.builds(lambda filter: {"$match": filter}, _FILTERS),
    st.builds(lambda name, value: {"$addFields": {name: value}}, st.sampled_from(["a", "b", "c.d"]), _EXPRESSIONS),
    st.builds(lambda name, value: {"$project": {name: value}}, st.sampled_from(["a", "b"]), _EXPRESSIONS),
    st.builds(lambda names: {"$project": dict.fromkeys(names, 1)}, st.sets(_FIELDS, min_size=1)),
    st.builds(lambda name: {"$project": {name: 1, "_id": 0}}, st.sampled_from(["a", "b", "a.b"])),
    st.builds(lambda name: {"$unset": name}, st.sampled_from(["a", "b.c"])),
    st.builds(lambda name, keep: {"$unwind": {"path": name, "preserveNullAndEmptyArrays": keep}},
              st.sampled_from(["$a", "$b", "$b.c"]), st.booleans()),
    st.builds(lambda path, order: {"$sort": {path: order}}, _PATHS, st.sampled_from([1, -1])),
    st.builds(lambda count: {"$limit": count}, st.integers(1, 4)),
    st.builds(lambda count: {"$skip": count}, st.integers(0, 2)),
    st.builds(lambda name: {"$group": {"_id": name, "n": {"$sum": 1}, "all": {"$push": "$b"}}},
              st.sampled_from(["$a", "$b", "$a.b"])),
    st.builds(lambda name: {"$replaceRoot": {"newRoot": name}}, st.sampled_from(["$a", "$b"])),
    st.builds(lambda one, other: {"$replaceWith": {"a": one, "b": other}}, _EXPRESSIONS, _EXPRESSIONS),
    st.builds(lambda path: {"$lookup": {"from": "o", "localField": path, "foreignField": "a", "as": "b"}}, _PATHS),
    st.builds(lambda path: {"$lookup": {"from": "o", "let": {"v": path}, "as": "a", "pipeline":
                                        [{"$match": {"$expr": {"$gte": ["$_id", "$$v"]}}}, {"$project": {"b": 1}}]}},
              st.sampled_from(["$a", "$b.c"])),
    st.just({"$count": "a"}),
    st.builds(lambda filter: {"$facet": {"a": [{"$sort": {"b": 1}}, {"$match": filter}, {"$limit": 2}]}}, _FILTERS),
)  # fmt: skip
_OTHERS: list[dict[str, Any]] = [{"_id": 1, "a": 1, "b": 2}, {"_id": 2, "a": [1, 2]}, {"_id": 3}]


def _outcome(pipeline: Pipeline, documents: list[dict[str, Any]], without: set[str]) -> list[bytes] | int:
    environment = Environment("d", lambda database, name: _OTHERS)
    try:
        parsed = parse_pipeline(pipeline).optimized(without)
        return [encode_in_order(each) for each in parsed.run(documents, environment)]
    except ServerError as failure:
        return failure.code


_JOINED = st.builds(
    lambda lookup, preserve, index, filter: [
        {"$lookup": {**lookup, "from": "o"}},
        {"$unwind": {"path": "$" + lookup["as"], "preserveNullAndEmptyArrays": preserve, **index}},
        *([{"$match": filter}] if filter else []),
    ],
    st.sampled_from([
        {"localField": "a", "foreignField": "a", "as": "b"},
        {"localField": "a.b", "foreignField": "_id", "as": "b.c"},
        {"localField": "c", "foreignField": "b", "as": "a", "pipeline": [{"$match": {"a": {"$ne": 1}}}]},
        {"let": {"v": "$a"}, "pipeline": [{"$match": {"$expr": {"$gte": ["$_id", "$$v"]}}}], "as": "b"},
        {"pipeline": [{"$skip": 1}], "as": "c"},
        {"localField": "b", "foreignField": "a", "as": "c", "pipeline": [{"$project": {"b": 1}}, {"$limit": 1}]},
    ]),
    st.booleans(),
    st.sampled_from([{}, {}, {"includeArrayIndex": "b"}, {"includeArrayIndex": "c.d"}]),
    st.dictionaries(
        st.sampled_from(["a", "b", "b.a", "b.b", "a._id", "b.c.a", "c.b", "c.a.0"]), _CONDITIONS, max_size=2
    ),
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_JOINED, st.lists(_STAGES, max_size=1), _DOCUMENTS)
def test_joins_both_ways(joined: Pipeline, behind: Pipeline, documents: list[dict[str, Any]]) -> None:
    documents = [bson.decode(bson.encode(each), _CODEC) for each in documents]
    plain = _outcome(joined + behind, documents, set(_NAMES))
    if type(plain) is not int:
        assert _outcome(joined + behind, documents, set()) == plain
        assert _outcome(joined + behind, documents, _alone("unwound_lookups")) == plain


def test_sub_pipelines_are_joined_too() -> None:
    inner = [{"$lookup": _LOOKUP}, {"$unwind": "$f"}, {"$sort": {"f.a": 1}}, {"$limit": 2}]
    pipeline = parse_pipeline([{"$facet": {"x": inner}}]).optimized()
    assert pipeline.passes == ("unwound_lookups", "top_documents")
    assert parse_pipeline([{"$facet": {"x": inner}}]).optimized(_NAMES).passes == ()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_STAGES, min_size=2, max_size=5), _DOCUMENTS)
def test_both_ways(pipeline: Pipeline, documents: list[dict[str, Any]]) -> None:
    documents = [bson.decode(bson.encode(each), _CODEC) for each in documents]
    plain = _outcome(pipeline, documents, set(_NAMES))
    if type(plain) is int:
        return  # a document that fails may be left out earlier
    assert _outcome(pipeline, documents, set()) == plain
    for name in _NAMES:
        assert _outcome(pipeline, documents, _alone(name)) == plain


_CODEC: Any = bson.codec_options.CodecOptions(datetime_conversion=bson.codec_options.DatetimeConversion.DATETIME_MS)
