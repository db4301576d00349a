"""Each stage: what comes out, in which order, and what is refused."""

from random import Random
from typing import Any

import pytest
from bson import Int64

from amongo.aggregate import Environment, parse_pipeline
from amongo.errors import ServerError

ORDERS = [
    {"_id": 1, "item": "a", "n": 2, "tags": ["x", "y"]},
    {"_id": 2, "item": "b", "n": 1, "tags": []},
    {"_id": 3, "item": "a", "n": 5},
]
ITEMS = [{"_id": 10, "name": "a"}, {"_id": 11, "name": ["b", "c"]}, {"_id": 12}]


def read(database: str, collection: str) -> list[dict[str, Any]]:
    """The other collections of these tests."""
    return {"items": ITEMS, "orders": ORDERS}.get(collection, [])


def run(stages: list[Any], source: list[dict[str, Any]] = ORDERS, **variables: Any) -> list[dict[str, Any]]:
    """What the pipeline makes of the documents."""
    environment = Environment("test", read, variables, random=Random(1))
    return list(parse_pipeline(stages, variables=variables).run(source, environment))


def ids(stages: list[Any], source: list[dict[str, Any]] = ORDERS) -> list[Any]:
    """The `_id` of each document that comes out."""
    return [document["_id"] for document in run(stages, source)]


RESULTS: list[tuple[str, list[Any], list[dict[str, Any]]]] = [
    ("nothing to do", [{"$match": {"_id": 1}}, {"$project": {"n": 1}}], [{"_id": 1, "n": 2}]),
    (
        "match sees variables",
        [{"$match": {"$expr": {"$eq": ["$n", "$$five"]}}}, {"$project": {"_id": 1}}],
        [{"_id": 3}],
    ),
    ("project computes", [{"$limit": 1}, {"$project": {"_id": 0, "m": {"$add": ["$n", "$$five"]}}}], [{"m": 7}]),
    (
        "fields are set where they are, and added behind",
        [{"$limit": 1}, {"$addFields": {"n": 9, "z.y": "$n"}}],
        [{"_id": 1, "item": "a", "n": 9, "tags": ["x", "y"], "z": {"y": 2}}],
    ),
    (
        "fields are set inside arrays",
        [{"$limit": 1}, {"$project": {"_id": 0, "a": [{"b": 1}, 2]}}, {"$set": {"a.c": 5}}],
        [{"a": [{"b": 1, "c": 5}, {"c": 5}]}],
    ),
    (
        "a missing value takes a field away",
        [{"$limit": 1}, {"$set": {"tags": "$nope", "n": "$$REMOVE"}}],
        [{"_id": 1, "item": "a"}],
    ),
    ("unset", [{"$limit": 1}, {"$unset": ["tags", "n"]}], [{"_id": 1, "item": "a"}]),
    ("count", [{"$match": {"item": "a"}}, {"$count": "many"}], [{"many": 2}]),
    ("count of nothing", [{"$match": {"item": "q"}}, {"$count": "many"}], []),
    (
        "group keeps the first key's type",
        [{"$set": {"k": {"$cond": [{"$eq": ["$_id", 1]}, {"$toLong": 1}, 1.0]}}}, {"$group": {"_id": "$k"}}],
        [{"_id": Int64(1)}],
    ),
    (
        "group by several fields",
        [{"$group": {"_id": {"i": "$item", "q": "$nope"}, "n": {"$sum": "$n"}}}],
        [{"_id": {"i": "a"}, "n": 7}, {"_id": {"i": "b"}, "n": 1}],
    ),
    ("group by a missing field", [{"$group": {"_id": "$nope", "n": {"$count": {}}}}], [{"_id": None, "n": 3}]),
    ("group of nothing", [{"$match": {"_id": 0}}, {"$group": {"_id": None, "n": {"$sum": 1}}}], []),
    ("sort by count", [{"$sortByCount": "$item"}], [{"_id": "a", "count": 2}, {"_id": "b", "count": 1}]),
    (
        "unwind",
        [{"$unwind": "$tags"}, {"$project": {"item": 0, "n": 0}}],
        [{"_id": 1, "tags": "x"}, {"_id": 1, "tags": "y"}],
    ),
    (
        "unwind keeps empty ones and says where",
        [
            {"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "at"}},
            {"$project": {"tags": 1, "at": 1}},
        ],
        [
            {"_id": 1, "tags": "x", "at": Int64(0)},
            {"_id": 1, "tags": "y", "at": Int64(1)},
            {"_id": 2, "at": None},
            {"_id": 3, "at": None},
        ],
    ),
    ("replace", [{"$limit": 1}, {"$replaceRoot": {"newRoot": {"only": "$n"}}}], [{"only": 2}]),
    ("replace with", [{"$limit": 1}, {"$replaceWith": {"$mergeObjects": [{"a": 1}, {"n": "$n"}]}}], [{"a": 1, "n": 2}]),
    (
        "lookup by equality: arrays on either side, missing is null",
        [
            {"$lookup": {"from": "items", "localField": "item", "foreignField": "name", "as": "found"}},
            {"$project": {"found._id": 1}},
        ],
        [{"_id": 1, "found": [{"_id": 10}]}, {"_id": 2, "found": [{"_id": 11}]}, {"_id": 3, "found": [{"_id": 10}]}],
    ),
    (
        "lookup of a missing field",
        [
            {"$limit": 1},
            {"$lookup": {"from": "items", "localField": "nope", "foreignField": "name", "as": "found"}},
            {"$project": {"found": 1}},
        ],
        [{"_id": 1, "found": [{"_id": 12}]}],
    ),
    (
        "lookup with a pipeline that sees the document",
        [
            {
                "$lookup": {
                    "from": "orders",
                    "let": {"mine": "$n"},
                    "pipeline": [{"$match": {"$expr": {"$gt": ["$n", "$$mine"]}}}, {"$project": {"_id": 1}}],
                    "as": "more.here",
                }
            },
            {"$project": {"more": 1}},
        ],
        [
            {"_id": 1, "more": {"here": [{"_id": 3}]}},
            {"_id": 2, "more": {"here": [{"_id": 1}, {"_id": 3}]}},
            {"_id": 3, "more": {"here": []}},
        ],
    ),
    (
        "lookup in a lookup sees both scopes",
        [
            {"$limit": 1},
            {
                "$lookup": {
                    "from": "items",
                    "let": {"outer": "$item"},
                    "pipeline": [
                        {"$limit": 1},
                        {
                            "$lookup": {
                                "from": "orders",
                                "let": {"inner": "$_id"},
                                "pipeline": [{"$limit": 1}, {"$project": {"_id": 0, "v": ["$$outer", "$$inner"]}}],
                                "as": "deep",
                            }
                        },
                    ],
                    "as": "j",
                }
            },
            {"$project": {"_id": 0, "j.deep": 1}},
        ],
        [{"j": [{"deep": [{"v": ["a", 10]}]}]}],
    ),
    (
        "facet",
        [{"$facet": {"n": [{"$count": "n"}], "first": [{"$limit": 1}, {"$project": {"_id": 1}}]}}],
        [{"n": [{"n": 3}], "first": [{"_id": 1}]}],
    ),
    (
        "bucket",
        [
            {
                "$bucket": {
                    "groupBy": "$n",
                    "boundaries": [0, 2, 4],
                    "default": "more",
                    "output": {"ids": {"$push": "$_id"}},
                }
            }
        ],
        [{"_id": 0, "ids": [2]}, {"_id": 2, "ids": [1]}, {"_id": "more", "ids": [3]}],
    ),
    ("union", [{"$limit": 1}, {"$project": {"_id": 1}}, {"$unionWith": "items"}], [{"_id": 1}, *ITEMS]),
    (
        "union with a pipeline of its own documents",
        [{"$limit": 1}, {"$project": {"_id": 1}}, {"$unionWith": {"pipeline": [{"$documents": [{"a": 1}]}]}}],
        [{"_id": 1}, {"a": 1}],
    ),
]


@pytest.mark.parametrize(("name", "stages", "expected"), RESULTS, ids=[case[0] for case in RESULTS])
def test_result(name: str, stages: list[Any], expected: list[dict[str, Any]]) -> None:
    actual = run(stages, five=5)
    assert actual == expected
    assert [list(document) for document in actual] == [list(document) for document in expected]


def test_input_documents_stay_as_they_are() -> None:
    before = repr((ORDERS, ITEMS))
    for _, stages, _ in RESULTS:
        run(stages, five=5)
    assert repr((ORDERS, ITEMS)) == before


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([{"$sort": {"n": -1}}], [3, 1, 2]),
        ([{"$sort": {"item": 1, "n": -1}}], [3, 1, 2]),
        ([{"$skip": 1}, {"$limit": 1}], [2]),
        ([{"$limit": 5.0}], [1, 2, 3]),
    ],
)
def test_order(stages: list[Any], expected: list[int]) -> None:
    assert ids(stages) == expected


def test_a_sample_is_drawn_without_putting_back() -> None:
    source = [{"_id": number} for number in range(50)]
    drawn = ids([{"$sample": {"size": 10}}], source)
    assert len(drawn) == len(set(drawn)) == 10
    assert drawn != sorted(drawn)
    assert sorted(ids([{"$sample": {"size": 99}}], source)) == list(range(50))


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("match", {"$match": 1}, 15959),
    ("limit of a string", {"$limit": "1"}, 5107201),
    ("limit zero", {"$limit": 0}, 15958),
    ("negative skip", {"$skip": -1}, 5107200),
    ("fractional skip", {"$skip": 1.5}, 5107200),
    ("sort by nothing", {"$sort": {}}, 15976),
    ("sort direction", {"$sort": {"a": 2}}, 15975),
    ("sample size", {"$sample": {"size": 0}}, 28747),
    ("sample without size", {"$sample": {}}, 28749),
    ("count with a dot", {"$count": "a.b"}, 40160),
    ("count of nothing", {"$count": ""}, 40157),
    ("unwind without a dollar", {"$unwind": "a"}, 28818),
    ("unwind a number", {"$unwind": 1}, 15981),
    ("unwind index", {"$unwind": {"path": "$a", "includeArrayIndex": "$b"}}, 28822),
    ("group without a key", {"$group": {}}, 15955),
    ("group by a string", {"$group": 1}, 15947),
    ("sort by count of a constant", {"$sortByCount": 1}, 40149),
    ("new root missing", {"$replaceRoot": {}}, 40231),
    ("project nothing", {"$project": {}}, 51272),
    ("project both ways", {"$project": {"a": 1, "b": 0}}, 31254),
    ("add nothing", {"$addFields": {}}, 40177),
    ("add to a collision", {"$set": {"a": 1, "a.b": 2}}, 31249),
    ("unset a number", {"$unset": [1]}, 31120),
    ("unset twice", {"$unset": ["a", "a"]}, 31250),
    ("facet of no array", {"$facet": {"a": 1}}, 40170),
    ("facet with a dot", {"$facet": {"a.b": []}}, 16412),
    ("bucket without boundaries", {"$bucket": {"groupBy": "$a"}}, 40198),
    ("bucket of one boundary", {"$bucket": {"groupBy": "$a", "boundaries": [1]}}, 40192),
    ("bucket boundaries of two types", {"$bucket": {"groupBy": "$a", "boundaries": [1, "b"]}}, 40193),
    ("bucket boundaries out of order", {"$bucket": {"groupBy": "$a", "boundaries": [2, 1]}}, 40194),
    ("bucket default in range", {"$bucket": {"groupBy": "$a", "boundaries": [1, 3], "default": 2}}, 40199),
    ("lookup without from", {"$lookup": {"localField": "a", "foreignField": "b", "as": "c"}}, 9),
    ("lookup with one field", {"$lookup": {"from": "c", "localField": "a", "as": "c"}}, 9),
    ("lookup with a strange field", {"$lookup": {"from": "c", "pipeline": [], "as": "c", "x": 1}}, 40415),
    ("lookup of no name", {"$lookup": {"from": "", "pipeline": [], "as": "c"}}, 73),
    ("union with a number", {"$unionWith": 1}, 9),
    ("undefined variable", {"$set": {"a": "$$nope"}}, 17276),
]


@pytest.mark.parametrize(("name", "spec", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, spec: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as failure:
        parse_pipeline([spec])
    assert failure.value.code == code


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ([{"$replaceWith": "$n"}], 40228),
        ([{"$replaceWith": "$nope"}], 40228),
        ([{"$bucket": {"groupBy": "$n", "boundaries": [0, 3]}}], 40066),
        ([{"$set": {"a": {"$divide": ["$n", 0]}}}], 2),
        (
            [
                {
                    "$group": {
                        "_id": None,
                        "a": {
                            "$sum": {
                                "$divide": [
                                    "$n",
                                    "$nope",
                                ]
                            }
                        },
                    }
                }
            ],
            None,
        ),
        ([{"$group": {"_id": None, "a": {"$sum": {"$divide": ["$n", {"$subtract": ["$n", "$n"]}]}}}}], 4848401),
    ],
)
def test_failure_of_a_document(stages: list[Any], code: int | None) -> None:
    if code is None:
        run(stages)
        return
    with pytest.raises(ServerError) as failure:
        run(stages)
    assert failure.value.code == code
