"""Array operators by columns: lists of elements, plain and of several types, documents in arrays, lambdas, sets."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from tests.differential.expression_cases import (
    assert_computed,
    assert_expression_refused,
    assert_same_or_refused,
)
from tests.differential.relational_cases import assert_same

DOCUMENTS: list[dict[str, Any]] = [
    {
        "x": place,
        "y": place / 4,
        "i": [3, 1, place, 2, 1][: place % 6],
        "j": [2, place][: place % 3],
        "d": [0.5 * each - place for each in range(place % 4)],
        "s": ["b", "a", "\u00e9", "a"][: place % 5],
        "n": [None, place, 3, None, 1][: place % 6],
        "m": [1, 2.5, Int64(3), "s", None, {"a": 1}, [1]][: place % 8],
        "b": [True, 1, 0, None][: place % 5],
        "o": {"p": place, "q": "z"},
        "items": [{"p": place * 1.25, "q": place, "name": "n"}, {"p": 2.5, "q": 2}, {"q": 5}, {"p": None, "q": 1}][
            : place % 5
        ],
        "deep": {"list": [{"a": {"b": place}}, {"a": 1}, 7, None][: place % 5]},
    }
    for place in range(14)
]
WITH_NULL = [*DOCUMENTS, {}, dict.fromkeys(["x", "y", "i", "j", "d", "s", "n", "m", "b", "o", "items", "deep"])]

_ITEM_FILTER = {"$filter": {"input": "$items", "as": "z", "cond": {"$gt": ["$$z.p", 2]}}}

NULLABLE: dict[str, Any] = {
    "isArray": {"$isArray": "$i"},
    "arrayElemAt": {"$arrayElemAt": ["$i", 1]},
    "arrayElemAt from the end": {"$arrayElemAt": ["$s", -1]},
    "arrayElemAt by a field": {"$arrayElemAt": ["$i", "$x"]},
    "arrayElemAt of several types": {"$arrayElemAt": ["$m", 5]},
    "arrayElemAt by null": {"$arrayElemAt": ["$m", None]},
    "first": {"$first": "$s"},
    "last document": {"$last": "$items"},
    "a path in the first document": {"$let": {"vars": {"f": {"$first": "$items"}}, "in": "$$f.p"}},
    "slice": {"$slice": ["$s", 2]},
    "slice of none": {"$slice": ["$s", 0]},
    "slice from the end": {"$slice": ["$i", -2]},
    "slice from the end of documents": {"$slice": ["$items", -9]},
    "slice between": {"$slice": ["$i", 1, 1]},
    "slice between from the end": {"$slice": ["$i", -2, 1]},
    "reverseArray": {"$reverseArray": "$m"},
    "concatArrays": {"$concatArrays": ["$s", "$i", ["x"]]},
    "concatArrays of null": {"$concatArrays": ["$s", None]},
    "indexOfArray": {"$indexOfArray": ["$s", "a"]},
    "indexOfArray of several types": {"$indexOfArray": ["$m", 3]},
    "indexOfArray between": {"$indexOfArray": ["$i", 1, 2, 5]},
    "a path through an array": "$items.p",
    "a longer path through an array": "$deep.list.a",
    "a path of which some elements have no document": "$deep.list.a.b",
    "map": {"$map": {"input": "$i", "in": {"$add": ["$$this", 1]}}},
    "map of a path": {"$map": {"input": "$items", "as": "z", "in": "$$z.p"}},
    "map of two paths": {"$map": {"input": "$items", "in": {"$multiply": ["$$this.p", "$$this.q"]}}},
    "map to documents": {"$map": {"input": "$items", "in": {"p": "$$this.p", "x": "$x", "in": {"a": "$$this.zz"}}}},
    "map to the element and more": {"$map": {"input": "$items", "in": {"all": "$$this", "q": "$$this.q"}}},
    "map to constants": {"$map": {"input": "$items", "in": 7}},
    "map of a map": {"$map": {"input": {"$map": {"input": "$i", "in": {"v": "$$this"}}}, "in": "$$this.v"}},
    "arrays in arrays": {"$map": {"input": "$i", "in": ["$$this", "$x"]}},
    "arrays in arrays, some of them stored": ["$i", [1, "$x"], {"$slice": ["$s", 1]}, "$x", []],
    "arrays in documents in arrays": {
        "$map": {"input": "$items", "in": {"q": "$$this.q", "list": {"$slice": ["$i", 2]}, "two": ["$x", 1]}}
    },
    "lists in mapped documents": {
        "$map": {
            "input": "$items",
            "in": {"big": {"$filter": {"input": "$i", "as": "v", "cond": {"$gt": ["$$v", "$$this.q"]}}}},
        }
    },
    "the first of arrays in arrays": {"$first": {"$map": {"input": "$i", "in": ["$$this"]}}},
    "sizes of arrays in arrays": {
        "$map": {"input": {"$map": {"input": "$i", "in": ["$$this"]}}, "in": {"$size": "$$this"}}
    },
    "a path to arrays in mapped documents": {
        "$let": {"vars": {"v": {"$map": {"input": "$i", "in": {"l": ["$$this", 1]}}}}, "in": "$$v.l"}
    },
    "arrays by objectToArray": {"$objectToArray": {"a": {"$slice": ["$i", 1]}, "b": ["$x"], "c": "$nothing"}},
    "map in a map": {
        "$map": {"input": "$items", "in": {"$sum": {"$map": {"input": "$i", "as": "v", "in": "$$this.q"}}}}
    },
    "filter": {"$filter": {"input": "$i", "cond": {"$gt": ["$$this", 1]}}},
    "filter of several types": {"$filter": {"input": "$m", "cond": {"$eq": ["$$this", 1]}}},
    "filter of documents": _ITEM_FILTER,
    "filter with a limit": {"$filter": {"input": "$i", "cond": {"$gt": ["$$this", 1]}, "limit": 1}},
    "filter by a field of the document": {"$filter": {"input": "$i", "cond": {"$lt": ["$$this", "$x"]}}},
    "filter, then map": {"$map": {"input": _ITEM_FILTER, "in": "$$this.q"}},
    "filter, then a sum": {"$sum": {"$map": {"input": _ITEM_FILTER, "in": "$$this.q"}}},
    "filter of mapped documents": {
        "$filter": {"input": {"$map": {"input": "$items", "in": {"a": "$$this.p"}}}, "cond": {"$gt": ["$$this.a", 3]}}
    },
    "filter of what may be null": {
        "$filter": {"input": {"$ifNull": ["$items", []]}, "cond": {"$gte": ["$$this.q", 2]}}
    },
    "reduce to a sum": {"$reduce": {"input": "$i", "initialValue": 10, "in": {"$add": ["$$value", "$$this"]}}},
    "reduce to a string": {"$reduce": {"input": "$s", "initialValue": "", "in": {"$concat": ["$$value", "$$this"]}}},
    "an array expression": ["$x", "$s", "$nothing"],
    "an array of strings": ["$o.q", "k"],
    "ifNull with an array": {"$ifNull": ["$s", ["none"]]},
    "cond between arrays": {"$cond": [{"$gt": ["$x", 3]}, _ITEM_FILTER, []]},
    "sum": {"$sum": "$i"},
    "sum of doubles": {"$sum": "$d"},
    "sum of a path": {"$sum": "$items.p"},
    "sum of several": {"$sum": ["$x", "$y", "$i"]},
    "avg": {"$avg": "$n"},
    "avg of several": {"$avg": ["$x", "$y", 3]},
    "min": {"$min": "$i"},
    "max of strings": {"$max": "$s"},
    "max among null": {"$max": "$n"},
    "max of several": {"$max": ["$x", 5, "$y"]},
    "min of several": {"$min": ["$o.q", "$x", "y"]},
    "setUnion": {"$setUnion": ["$i", "$j", [9, 9]]},
    "setUnion of strings": {"$setUnion": ["$s", ["q"]]},
    "setIntersection": {"$setIntersection": ["$i", "$j"]},
    "setDifference": {"$setDifference": ["$i", "$j"]},
    "setDifference of nothing": {"$setDifference": ["$s", []]},
    "sortArray": {"$sortArray": {"input": "$i", "sortBy": -1}},
    "sortArray with null": {"$sortArray": {"input": "$n", "sortBy": 1}},
    "sortArray of documents": {"$sortArray": {"input": "$items", "sortBy": {"p": -1}}},
    "sortArray of documents by two paths": {"$sortArray": {"input": "$items", "sortBy": {"p": 1, "q": 1}}},
    "the first of sortArray": {"$first": {"$sortArray": {"input": "$items", "sortBy": {"q": -1}}}},
    "getField": {"$getField": {"field": "p", "input": "$o"}},
    "getField of an array": {"$getField": {"field": "p", "input": "$items"}},
    "getField of the document": {"$getField": "x"},
    "mergeObjects": {"$mergeObjects": [{"a": "$x", "b": 2}, {"b": "$y", "c": "$nothing"}]},
    "setField": {"$setField": {"field": "a.b", "input": {"c": 1}, "value": "$x"}},
    "unsetField": {"$unsetField": {"field": "c", "input": {"c": 1, "d": "$x"}}},
    "objectToArray": {"$objectToArray": {"a": "$x", "b": "$nothing", "c": "s"}},
}

ARRAYS_ONLY: dict[str, Any] = {
    "size": {"$size": "$m"},
    "size of a filter": {"$size": _ITEM_FILTER},
    "in": {"$in": ["a", "$s"]},
    "in with a field": {"$in": ["$x", "$i"]},
    "in with several types": {"$in": [3.0, "$m"]},
    "in a constant": {"$in": ["$x", [1, 2.0, "a", None]]},
    "in a long constant": {"$in": ["$x", list(range(0, 60, 2))]},
    "firstN": {"$firstN": {"n": 2, "input": "$s"}},
    "lastN": {"$lastN": {"n": 2, "input": "$items"}},
    "minN": {"$minN": {"n": 2, "input": "$n"}},
    "maxN": {"$maxN": {"n": 2, "input": "$i"}},
    "range": {"$range": [0, "$x", 3]},
    "range down": {"$range": ["$x", 0, -2]},
    "setEquals": {"$setEquals": ["$i", "$j"]},
    "setEquals with nothing": {"$setEquals": ["$s", []]},
    "setIsSubset": {"$setIsSubset": ["$j", "$i"]},
    "setIsSubset of a constant": {"$setIsSubset": [["a"], "$s"]},
    "allElementsTrue": {"$allElementsTrue": "$b"},
    "anyElementTrue": {"$anyElementTrue": "$b"},
    "anyElementTrue of a map": {"$anyElementTrue": {"$map": {"input": "$i", "in": {"$gt": ["$$this", 2]}}}},
    "size of what may be null": {"$size": {"$ifNull": ["$nothing", "$s"]}},
}

REFUSED: dict[str, tuple[Any, str]] = {
    "the size of null": ({"$size": "$i"}, "no array may come here"),
    "a map of numbers": ({"$map": {"input": "$x", "in": 1}}, "no array may come here"),
    "a sum of decimals": ({"$sum": ["$x", "$decimal"]}, "decimals"),
    "the least of several types": ({"$min": "$m"}, "of these types"),
    "sets of several types": ({"$setUnion": ["$i", "$s"]}, "of these types"),
    "reduce with another body": (
        {"$reduce": {"input": "$i", "initialValue": 1, "in": {"$multiply": ["$$value", "$$this"]}}},
        "$reduce with another body",
    ),
    "sortArray in two directions": ({"$sortArray": {"input": "$items", "sortBy": {"p": 1, "q": -1}}}, "directions"),
    "an index that is no whole number": ({"$arrayElemAt": ["$i", "$y"]}, "whole number"),
}


@pytest.mark.parametrize("name", NULLABLE)
def test_arrays_and_null(name: str) -> None:
    assert_computed(DOCUMENTS, NULLABLE[name])
    assert_computed(WITH_NULL, NULLABLE[name])


@pytest.mark.parametrize("name", ARRAYS_ONLY)
def test_arrays_only(name: str) -> None:
    assert_computed(DOCUMENTS, ARRAYS_ONLY[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_proved_is_refused(name: str) -> None:
    spec, reason = REFUSED[name]
    assert_expression_refused([{**each, "decimal": Decimal128("1")} for each in WITH_NULL], spec, reason)


_TOP = {"output": "$r", "sortBy": {"_id": -1}}
_WINDOW = {"window": {"documents": ["unbounded", "current"]}}


@pytest.mark.parametrize("name", ["$sum", "$avg", "$min", "$max"])
def test_a_fold_of_arrays_without_elements_and_of_a_number_is_no_constant(name: str) -> None:
    assert assert_same_or_refused([{"a": []}, {"a": 0}], {name: "$a"}) is False


PIPELINES: dict[str, list[dict[str, Any]]] = {
    "a filtered array is read again": [
        {"$addFields": {"items": _ITEM_FILTER}},
        {"$project": {"total": {"$sum": "$items.p"}, "count": {"$size": {"$ifNull": ["$items", []]}}}},
    ],
    "mapped documents are read again": [
        {"$project": {"z": {"$map": {"input": "$items", "in": {"a": "$$this.p", "b": "$x"}}}}},
        {"$project": {"a": "$z.a", "n": {"$size": {"$ifNull": ["$z", []]}}}},
    ],
    "arrays are folded in groups": [
        {"$group": {"_id": {"$mod": ["$x", 3]}, "n": {"$sum": {"$sum": "$i"}}, "m": {"$max": {"$max": "$i"}}}},
        {"$sort": {"_id": 1}},
    ],
    "a match on a computed array": [
        {"$match": {"$expr": {"$gt": [{"$size": {"$ifNull": ["$items", []]}}, 2]}}},
        {"$project": {"s": 1}},
    ],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_arrays_go_from_stage_to_stage(name: str) -> None:
    documents = [{"_id": place, **each} for place, each in enumerate(WITH_NULL)]
    assert_same(documents, PIPELINES[name], stages=1)


# Any arrays, any operators

numbers = st.one_of(
    st.integers(-3, 5),
    st.integers(-3, 5).map(Int64),
    st.sampled_from(
        [0.5, -0.0, 2.0, 1e300, float("nan"), float("inf"), 0.1, 2**31 - 1, Int64(2**53 + 1), Int64(2**63 - 1)]
    ),
)
texts = st.sampled_from(["", "a", "b", "\u00e9", "a\0", "\U0001f600"])
scalars = st.one_of(
    numbers,
    texts,
    st.none(),
    st.booleans(),
    st.sampled_from(
        [DatetimeMS(-62135596800000), DatetimeMS(0), ObjectId(bytes(12)), ObjectId(bytes(11) + b"\1"), Decimal128("2")]
    ),
)
inner_documents = st.fixed_dictionaries(
    {}, optional={"p": st.one_of(st.integers(0, 3), st.none(), texts), "q": st.integers(0, 9)}
)
OF_ONE_KIND = [
    st.integers(-3, 5),
    st.one_of(st.integers(-3, 5), st.integers(-3, 5).map(Int64)),
    st.sampled_from([0.5, 2.0, -1.25, 0.0]),
    st.sampled_from([0.5, 0.1, -0.0, float("nan"), float("-inf")]),
    texts,
    st.booleans(),
    st.one_of(st.integers(0, 3), st.none()),
    inner_documents,
    st.one_of(inner_documents, st.none(), st.integers(0, 2)),
    scalars,
    st.one_of(scalars, inner_documents, st.lists(st.integers(0, 2), max_size=2)),
]


@st.composite
def documents_of_arrays(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents whose arrays are of one kind each, in all of them; some have none."""
    fields = {}
    for name in ("a", "b"):
        arrays = st.lists(draw(st.sampled_from(OF_ONE_KIND)), max_size=4)
        fields[name] = draw(st.sampled_from([arrays, st.one_of(arrays, st.none()), st.one_of(arrays, scalars)]))
    fields["x"] = draw(st.sampled_from([st.integers(-2, 4), texts, scalars]))
    one = st.fixed_dictionaries({}, optional=fields) if draw(st.booleans()) else st.fixed_dictionaries(fields)
    return draw(st.lists(one, min_size=1, max_size=5))


array_paths = st.sampled_from(["$a", "$b", "$a", "$b", "$a.p", "$b.q"])
element_paths = st.sampled_from(["$$this", "$$this", "$$this.p", "$$this.q", "$x"])
constants = st.one_of(numbers, texts, st.none())
small = st.integers(-3, 3)


def _call(names: list[str], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(names), *parts).map(lambda each: {each[0]: list(each[1:])})


def _bodies() -> st.SearchStrategy[Any]:
    return st.one_of(
        element_paths,
        _call(
            ["$add", "$multiply", "$eq", "$lt", "$gte", "$ifNull", "$max"],
            element_paths,
            st.one_of(element_paths, constants),
        ),
        st.fixed_dictionaries({"u": element_paths, "v": st.one_of(element_paths, constants)}),
        _call(["$in"], element_paths, array_paths),
    )


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(inner, _bodies()).map(lambda each: {"$map": {"input": each[0], "in": each[1]}}),
        st.tuples(inner, _bodies()).map(lambda each: {"$filter": {"input": each[0], "cond": each[1]}}),
        st.tuples(inner, _bodies(), st.integers(1, 2)).map(
            lambda each: {"$filter": {"input": each[0], "cond": each[1], "limit": each[2]}}
        ),
        _call(["$slice"], inner, small),
        _call(["$slice"], inner, small, st.integers(1, 3)),
        inner.map(lambda each: {"$reverseArray": each}),
        _call(["$concatArrays", "$setUnion", "$setIntersection", "$setDifference"], inner, inner),
        st.tuples(inner, st.sampled_from([1, -1, {"p": 1}, {"q": -1}, {"q": 1, "p": 1}])).map(
            lambda each: {"$sortArray": {"input": each[0], "sortBy": each[1]}}
        ),
        st.tuples(st.sampled_from(["$firstN", "$lastN", "$minN", "$maxN"]), inner, st.integers(1, 3)).map(
            lambda each: {each[0]: {"input": each[1], "n": each[2]}}
        ),
        inner.map(lambda each: {"$ifNull": [each, []]}),
        st.tuples(st.sampled_from(["$x", True]), inner, inner).map(lambda each: {"$cond": list(each)}),
        st.lists(st.one_of(st.just("$x"), constants), max_size=3),
    )


arrays = st.recursive(array_paths, _arrays, max_leaves=3)
specs = st.one_of(
    arrays,
    st.tuples(
        st.sampled_from(
            [
                "$size",
                "$isArray",
                "$first",
                "$last",
                "$sum",
                "$avg",
                "$min",
                "$max",
                "$anyElementTrue",
                "$allElementsTrue",
            ]
        ),
        arrays,
    ).map(lambda each: {each[0]: each[1]}),
    _call(["$sum", "$avg", "$min", "$max"], st.sampled_from(["$x", "$a"]), constants, st.just("$x")),
    _call(["$arrayElemAt"], arrays, small),
    _call(["$in"], st.one_of(st.just("$x"), constants), arrays),
    _call(["$indexOfArray"], arrays, st.one_of(st.just("$x"), constants)),
    _call(["$indexOfArray"], arrays, constants, st.integers(0, 3), st.integers(0, 3)),
    _call(["$setEquals", "$setIsSubset"], arrays, arrays),
    _call(["$range"], st.one_of(st.just("$x"), small), st.one_of(st.just("$x"), small)),
    st.tuples(arrays, element_paths, st.sampled_from(["$add", "$concat"]), constants).map(
        lambda each: {"$reduce": {"input": each[0], "initialValue": each[3], "in": {each[2]: ["$$value", each[1]]}}}
    ),
    arrays.map(lambda each: {"$let": {"vars": {"v": {"$first": each}}, "in": "$$v.p"}}),
    arrays.map(lambda each: {"$let": {"vars": {"v": each}, "in": "$$v.q"}}),
    _call(["$eq", "$ne", "$lt", "$cmp", "$and", "$ifNull"], arrays, st.one_of(arrays, constants)),
    st.tuples(st.sampled_from(["$type", "$not", "$isNumber", "$literal"]), arrays).map(
        lambda each: {each[0]: [each[1]]}
    ),
    st.fixed_dictionaries({"u": arrays, "v": arrays}),
)


@settings(max_examples=90)
@given(documents_of_arrays(), specs)
def test_any_array_expression(documents: list[dict[str, Any]], spec: Any) -> None:
    assert_same_or_refused(documents, spec)


later_stages = st.sampled_from(
    [
        [],
        [{"$sort": {"r": 1}}],
        [{"$sort": {"r.p": -1}}],
        [{"$match": {"r": 1}}],
        [{"$match": {"r": {"$in": ["a", None, []]}}}],
        [{"$match": {"r": {"$size": 2}}}],
        [{"$match": {"r.p": {"$gte": 1}}}],
        [{"$match": {"r.p": {"$exists": True}}}],
        [{"$unwind": "$r"}],
        [{"$unwind": {"path": "$r", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}}],
        [{"$group": {"_id": "$r", "n": {"$sum": 1}}}],
        [{"$group": {"_id": None, "r": {"$push": "$r"}, "f": {"$first": "$r"}}}],
        [{"$group": {"_id": "$x", "n": {"$sum": {"$size": {"$ifNull": ["$r", []]}}}, "m": {"$max": "$r"}}}],
        [{"$group": {"_id": "$x", "n": {"$addToSet": "$r"}, "l": {"$last": "$r"}, "t": {"$top": _TOP}}}],
        [{"$addFields": {"r.z": 1}}],
        [{"$addFields": {"z": "$r.p", "w": {"$first": "$r"}}}],
        [{"$project": {"r.p": 1}}],
        [{"$sort": {"x": 1, "_id": -1}}, {"$limit": 2}],
        [{"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"w": {"$push": "$r", **_WINDOW}}}}],
        [{"$replaceWith": {"u": "$r"}}, {"$project": {"u": 1, "p": "$u.p"}}],
    ]
)


@settings(max_examples=60)
@given(documents_of_arrays(), specs, st.sampled_from(["$project", "$addFields"]), later_stages)
def test_any_array_in_later_stages(
    documents: list[dict[str, Any]], spec: Any, stage: str, later: list[dict[str, Any]]
) -> None:
    documents = [{"_id": place, **each} for place, each in enumerate(documents)]
    pipeline = [{stage: {"r": spec, **({"x": "$x"} if stage == "$project" else {})}}, *later]
    try:
        assert_same(documents, pipeline)
    except ServerError:
        pass  # the interpreter refuses it, and what would be lowered is not asked
