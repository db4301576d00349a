"""$group and the stages that stand for one: the interpreter against columns."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.aggregate.relational import StatementFailed
from amongo.aggregate.relational.not_lowered import ACCUMULATORS as NOT_LOWERED
from amongo.aggregate.relational.registry import FOLDS
from amongo.mql.accumulators import ACCUMULATORS
from amongo.values.codec import decode
from amongo.values.missing import MISSING
from tests.differential.expression_cases import assert_facts
from tests.differential.relational_cases import assert_refused, assert_same, run_both

Document = dict[str, Any]
Pipeline = list[Document]

NAN = float("nan")
CENTS = [0.01, 0.1, 0.7, 12.34, 999.99, 0.0]
MIXED = [1, 2.5, None, Int64(2**40), "s", True, 1.0, Int64(1), -3]


def documents(count: int = 60) -> list[Document]:
    """Documents with fields of every kind."""
    found = []
    for each in range(count):
        document = {
            "_id": each,
            "k": ["a", "ü", "", None][each % 4],
            "i": each * 7 % 13,
            "l": Int64(2**40 + each % 5),
            "il": each % 3 if each % 2 else Int64(each % 3),
            "x": CENTS[each % 6] * (1 - each % 5),
            "h": float(each % 4),
            "id": each % 3 if each % 2 else float(each % 3),
            "m": MIXED[each % 9],
            "z": [0.0, -0.0, 1.5, -1.5][each // 3 % 4],
            "nan": [NAN, 1.0, -2.0][each % 3],
            "inf": [float("inf"), 3.0, 4.0][each % 3],
            "both": [float("inf"), float("-inf"), 4.0][each % 3],
            "d": DatetimeMS([-(10**13), 0, 253402300799999][each % 3]),
            "o": ObjectId(b"%012d" % (each % 5)),
            "b": each % 3 == 0,
            "big": Int64(2**62 + each),
            "tiny": 5e-324 * each,
        }
        if each % 5 == 0:
            del document["k"], document["m"], document["x"]
        found.append(document)
    return found


DOCUMENTS = documents()

FIELDS = ["k", "i", "l", "il", "x", "h", "id", "m", "z", "nan", "inf", "both", "d", "o", "b", "big", "missing"]

PIPELINES: dict[str, Pipeline] = {
    "sums": [{"$group": {"_id": "$k", **{name: {"$sum": f"${name}"} for name in FIELDS}}}],
    "means": [{"$group": {"_id": "$k", **{name: {"$avg": f"${name}"} for name in FIELDS}}}],
    "least": [{"$group": {"_id": "$k", **{name: {"$min": f"${name}"} for name in FIELDS}}}],
    "greatest": [{"$group": {"_id": "$k", **{name: {"$max": f"${name}"} for name in FIELDS}}}],
    "first": [{"$group": {"_id": "$k", **{name: {"$first": f"${name}"} for name in FIELDS}}}],
    "last": [{"$group": {"_id": "$k", **{name: {"$last": f"${name}"} for name in FIELDS}}}],
    "lists": [{"$group": {"_id": "$k", **{name: {"$push": f"${name}"} for name in FIELDS}}}],
    "sets": [{"$group": {"_id": "$k", **{name: {"$addToSet": f"${name}"} for name in FIELDS}}}],
    "first few": [{"$group": {"_id": "$k", **{n: {"$firstN": {"n": 3, "input": f"${n}"}} for n in FIELDS}}}],
    "last few": [{"$group": {"_id": "$k", **{n: {"$lastN": {"n": 3, "input": f"${n}"}} for n in FIELDS}}}],
    "counts": [
        {"$group": {"_id": "$k", "one": {"$sum": 1}, "two": {"$sum": 2}, "half": {"$sum": 0.5}, "n": {"$count": {}}}}
    ],
    "constants": [
        {
            "$group": {
                "_id": "$k",
                "sum": {"$sum": "text"},
                "avg": {"$avg": 3},
                "min": {"$min": None},
                "max": {"$max": 7},
                "push": {"$push": 1},
                "first": {"$first": {"a": 1}},
                "firstN": {"$firstN": {"n": 2, "input": "x"}},
            }
        }
    ],
    "one group": [{"$group": {"_id": None, "n": {"$sum": "$i"}, "all": {"$push": "$i"}}}],
    "constant key": [{"$group": {"_id": {"a": 1}, "n": {"$sum": "$i"}}}],
    "no documents": [{"$match": {"i": {"$gt": 100}}}, {"$group": {"_id": None, "n": {"$sum": "$i"}}}],
    "document key": [{"$group": {"_id": {"a": "$k", "b": "$m"}, "n": {"$sum": 1}}}],
    "nested key": [{"$group": {"_id": {"a": {"b": "$k", "c": "$id"}}, "n": {"$sum": 1}, "f": {"$first": {"u": "$k"}}}}],
    "behind a sort": [
        {"$sort": {"i": -1, "k": 1}},
        {"$group": {"_id": "$id", "f": {"$first": "$_id"}, "l": {"$last": "$_id"}, "p": {"$push": "$_id"}}},
    ],
    "twice": [
        {"$group": {"_id": {"k": "$k", "i": "$i"}, "s": {"$sum": "$x"}, "a": {"$avg": "$i"}}},
        {"$group": {"_id": "$_id.k", "s": {"$sum": "$s"}, "a": {"$avg": "$a"}, "m": {"$max": "$s"}}},
        {"$sort": {"s": -1}},
        {"$project": {"s": 1, "twice": {"$add": ["$a", "$a"]}}},
    ],
    "groups of groups are counted": [{"$group": {"_id": "$i"}}, {"$count": "n"}],
    "filtered groups": [
        {"$group": {"_id": "$i", "n": {"$sum": 1}}},
        {"$match": {"n": {"$gt": 4}}},
        {"$sort": {"_id": -1}},
    ],
    "count": [{"$match": {"i": {"$gte": 3}}}, {"$count": "how many"}],
    "count of nothing": [{"$match": {"i": {"$gte": 300}}}, {"$count": "n"}],
    "sortByCount": [{"$sortByCount": "$k"}],
    "sortByCount and a group": [{"$sortByCount": "$id"}, {"$group": {"_id": "$count", "p": {"$push": "$_id"}}}],
    "bucket": [{"$bucket": {"groupBy": "$i", "boundaries": [0, 3, 7.5, 13], "output": {"s": {"$sum": "$x"}}}}],
    "bucket with a default": [{"$bucket": {"groupBy": "$m", "boundaries": [0, 2, 50], "default": "others"}}],
    "bucket of strings": [{"$bucket": {"groupBy": "$k", "boundaries": ["", "b", "z"], "default": "zz"}}],
    "bucket of one": [{"$bucket": {"groupBy": "$i", "boundaries": [-1, 100]}}],
    "bucket with NaN": [{"$bucket": {"groupBy": "$nan", "boundaries": [-5, 0, 100], "default": None}}],
    "extremes": [
        {
            "$group": {
                "_id": "$k",
                "a": {"$minN": {"n": 3, "input": "$i"}},
                "b": {"$maxN": {"n": 2, "input": "$il"}},
                "c": {"$maxN": {"n": 2, "input": "$x"}},
                "d": {"$minN": {"n": 90, "input": "$z"}},
                "e": {"$minN": {"n": 4, "input": "$k"}},
            }
        }
    ],
    "by a pattern": [
        {
            "$group": {
                "_id": "$b",
                "t": {"$top": {"sortBy": {"i": 1, "k": -1}, "output": "$m"}},
                "u": {"$bottom": {"sortBy": {"i": 1}, "output": "$_id"}},
                "v": {"$topN": {"n": 3, "sortBy": {"k": -1, "x": 1}, "output": "$k"}},
                "w": {"$bottomN": {"n": 3, "sortBy": {"x": -1}, "output": "$_id"}},
                "x": {"$top": {"sortBy": {"i": -1}, "output": {"a": "$k", "b": "$i"}}},
            }
        }
    ],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_groups(name: str) -> None:
    assert_same(DOCUMENTS, PIPELINES[name], stages=len(PIPELINES[name]))


@pytest.mark.parametrize("name", FIELDS)
def test_keys(name: str) -> None:
    assert_same(DOCUMENTS, [{"$group": {"_id": f"${name}", "n": {"$sum": 1}, "i": {"$sum": "$i"}}}], stages=1)


@pytest.mark.parametrize("name", FIELDS)
def test_keys_in_documents(name: str) -> None:
    assert_same(DOCUMENTS, [{"$group": {"_id": {"a": f"${name}", "b": "$b"}, "n": {"$sum": 1}}}], stages=1)


@pytest.mark.parametrize("buckets", [1, 2, 3, 7, 60])
@pytest.mark.parametrize("name", [name for name in FIELDS if name != "missing"])
def test_buckets_of_one_size(name: str, buckets: int) -> None:
    output = {"n": {"$sum": 1}, "p": {"$push": "$_id"}, "f": {"$first": "$k"}, "least": {"$min": "$x"}}
    assert_same(DOCUMENTS, [{"$bucketAuto": {"groupBy": f"${name}", "buckets": buckets, "output": output}}], stages=1)


def test_buckets_of_one_size_of_no_documents() -> None:
    stage = {"$bucketAuto": {"groupBy": "$i", "buckets": 3}}
    assert_same(DOCUMENTS, [{"$match": {"i": 99}}, stage, {"$sort": {"_id.min": -1}}], stages=3)


def test_sums_past_64_bits_are_doubles() -> None:
    many = [{"g": each % 2, "n": Int64(2**62 - each * (each % 2) * 10**17)} for each in range(9)]
    assert_same(many, [{"$group": {"_id": "$g", "s": {"$sum": "$n"}, "a": {"$avg": "$n"}}}], stages=1)


def test_sums_past_32_bits_are_longs() -> None:
    many = [{"g": each % 2, "n": 2**31 - 1 if each % 2 else 1} for each in range(9)]
    assert_same(many, [{"$group": {"_id": "$g", "s": {"$sum": "$n"}}}], stages=1)


def test_sums_of_doubles_are_rounded_once() -> None:
    many = [{"g": each % 3, "x": (each * 0.1 - 20) * 1.05**-each} for each in range(400)]
    assert_same(many, [{"$group": {"_id": "$g", "s": {"$sum": "$x"}, "a": {"$avg": "$x"}}}], stages=1)


def many_bits(values: list[float]) -> list[Document]:
    """One group of these doubles, and one that makes the statement look at the sums of large groups."""
    return [{"g": 0, "x": value} for value in values] + [{"g": 1, "x": 31.0}, {"g": 1, "x": 2.0**-89}]


def test_sums_of_more_bits_are_checked_by_the_statement() -> None:
    many = many_bits([1 / (each + 3) for each in range(100)])
    assert_same(many, [{"$group": {"_id": "$g", "s": {"$sum": "$x"}, "a": {"$avg": "$x"}}}], stages=1)


def test_a_sum_halfway_between_two_doubles_is_left_to_the_interpreter() -> None:
    many = many_bits([1.0] * 40 + [2.0**-48])
    with pytest.raises(StatementFailed, match="too close to call"):
        assert_same(many, [{"$group": {"_id": "$g", "s": {"$sum": "$x"}}}])


def test_negative_zeros_are_not_sums() -> None:
    assert_same(
        [{"x": -0.0}, {"x": -0.0}], [{"$group": {"_id": None, "s": {"$sum": "$x"}, "a": {"$avg": "$x"}}}], stages=1
    )


@pytest.mark.parametrize(
    ("values", "accumulator", "reason"),
    [
        ([1e300, 1e-300], {"$sum": "$v"}, "rounded once"),
        ([2**62 + 1.0, Int64(2**60 + 1)], {"$sum": "$v"}, "53 bits"),
        ([NAN, float("inf"), 1.0], {"$avg": "$v"}, "infinities"),
        ([Decimal128("1"), 2], {"$sum": "$v"}, "decimals"),
        ([{"a": 1}, {"a": 2}], {"$min": "$v"}, "order"),
        ([MaxKey(), 1], {"$max": "$v"}, "order"),
        ([1, 2], {"$stdDevPop": "$v"}, "$stdDevPop"),
    ],
)
def test_what_cannot_be_proved_is_not_lowered(values: list[Any], accumulator: Document, reason: str) -> None:
    assert_refused([{"v": value} for value in values], [{"$group": {"_id": None, "r": accumulator}}], reason)


def test_a_bucket_without_a_default_is_lowered_only_where_no_value_is_outside() -> None:
    stage = {"$bucket": {"groupBy": "$v", "boundaries": [0, 10]}}
    assert_same([{"v": 0}, {"v": 9}], [stage], stages=1)
    assert_same([{"v": 0.5}, {"v": 9}], [stage], stages=1)


def test_every_accumulator_is_lowered_or_has_a_reason() -> None:
    assert FOLDS.keys() | NOT_LOWERED.keys() == ACCUMULATORS.keys()
    assert not FOLDS.keys() & NOT_LOWERED.keys()


# Random ones

NUMBERS = [
    0,
    1,
    -1,
    7,
    2**31 - 1,
    -(2**31),
    Int64(1),
    Int64(2**31),
    Int64(2**53 + 1),
    Int64(2**63 - 1),
    Int64(-(2**63)),
]
DOUBLES = [0.0, -0.0, 1.0, 0.1, -2.5, 2.0**53, 1e15, 1e300, 5e-324, NAN, float("inf"), float("-inf")]
OTHERS = [
    None,
    "",
    "a",
    "b'\"\0;--",
    "\U0001f600",
    True,
    False,
    DatetimeMS(-62135596800000),
    DatetimeMS(253402300799999),
    ObjectId(b"a" * 12),
    Decimal128("1.10"),
    Decimal128("NaN"),
    {"a": 1},
    {},
    [1, "x"],
    [],
    b"\x00\x01",
    MaxKey(),
]
POOLS = [
    [1, 2, 3],
    NUMBERS,
    DOUBLES,
    ["a", "b", "ü", ""],
    CENTS,
    MIXED,
    [*NUMBERS, *DOUBLES],
    [*NUMBERS, *DOUBLES, *OTHERS],
]


@st.composite
def collections(draw: st.DrawFn) -> list[Document]:
    """Documents whose fields each draw from a few values, so that groups have several documents."""
    pools = {
        name: draw(st.lists(st.sampled_from(draw(st.sampled_from(POOLS))), min_size=1, max_size=5)) for name in "abc"
    }
    rows = draw(st.integers(0, 14))
    found: list[Document] = []
    for number in range(rows):
        document: Document = {"_id": number}
        for name, pool in pools.items():
            place = draw(st.integers(-1, len(pool) - 1))
            if place >= 0:
                document[name] = pool[place]
        found.append(document)
    return found


PATHS = st.sampled_from(["$a", "$b", "$c"])
PATTERNS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, -1]), min_size=1, max_size=2)
COUNTS = st.integers(1, 3)
FOLDED = st.one_of(
    st.builds(
        lambda name, path: {name: path},
        st.sampled_from(["$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet"]),
        PATHS,
    ),
    st.builds(
        lambda name, n, path: {name: {"n": n, "input": path}},
        st.sampled_from(["$firstN", "$lastN", "$minN", "$maxN"]),
        COUNTS,
        PATHS,
    ),
    st.builds(
        lambda name, order, path: {name: {"sortBy": order, "output": path}},
        st.sampled_from(["$top", "$bottom"]),
        PATTERNS,
        PATHS,
    ),
    st.builds(
        lambda name, n, order, path: {name: {"n": n, "sortBy": order, "output": path}},
        st.sampled_from(["$topN", "$bottomN"]),
        COUNTS,
        PATTERNS,
        PATHS,
    ),
    st.just({"$count": {}}),
    st.just({"$sum": 1}),
)
KEYS = st.one_of(PATHS, st.none(), st.builds(lambda one, two: {"x": one, "y": two}, PATHS, PATHS))
GROUPS = st.builds(
    lambda key, folds: {"$group": {"_id": key, **{f"f{at}": each for at, each in enumerate(folds)}}},
    KEYS,
    st.lists(FOLDED, max_size=3),
)


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Perhaps a sort, a group or what stands for one, perhaps more behind it."""
    stages: Pipeline = []
    if draw(st.booleans()):
        stages.append({"$sort": draw(PATTERNS)})
    kind = draw(st.integers(0, 6))
    if kind == 0:
        stages.append({"$sortByCount": draw(PATHS)})
    elif kind == 1:
        limits = draw(st.sampled_from([[0, 1, 3], [0.5, 2], ["", "b"], [False, True], [Int64(-5), 2**40]]))
        output = {"f": draw(FOLDED)}
        stages.append({"$bucket": {"groupBy": draw(PATHS), "boundaries": limits, "default": "zz", "output": output}})
    elif kind == 2:
        output = {"f": draw(FOLDED)}
        stages.append({"$bucketAuto": {"groupBy": draw(PATHS), "buckets": draw(st.integers(1, 5)), "output": output}})
    else:
        stages.append(draw(GROUPS))
    behind = draw(st.integers(0, 4))
    if behind == 1:
        stages.append({"$sort": {draw(st.sampled_from(["_id", "f0"])): draw(st.sampled_from([1, -1]))}})
    elif behind == 2:
        stages.append({"$group": {"_id": "$f0", "n": {"$sum": 1}, "s": {"$sum": "$f1"}, "p": {"$push": "$_id"}}})
    elif behind == 3:
        stages.append({"$count": "n"})
    return stages


@given(collections(), pipelines())
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_groups(found: list[Document], pipeline: Pipeline) -> None:
    expected, actual, lowered = run_both(found, pipeline)
    assert actual == expected, lowered.reason
    if lowered.stages == len(pipeline):
        results = list(map(decode, expected))
        for name, value in lowered.frame.fields.items():
            assert_facts(value, [result.get(name, MISSING) for result in results])
