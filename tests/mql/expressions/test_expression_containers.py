"""Arrays, sets and documents."""

from typing import Any

import pytest
from bson import Int64
from evaluating import MISSING, evaluate, failure_code, same
from hypothesis import given
from hypothesis import strategies as st

DOCUMENT = {"a": [3, 1, 2], "d": {"x": 1, "y.z": 2}, "n": None}

VALUES: list[tuple[str, Any, Any]] = [
    ("element", {"$arrayElemAt": ["$a", -1]}, 2),
    ("element past the end", {"$arrayElemAt": ["$a", 3]}, MISSING),
    ("first and last", [{"$first": "$a"}, {"$last": "$a"}], [3, 2]),
    ("concat arrays with null", {"$concatArrays": ["$a", "$n"]}, None),
    ("size", {"$size": "$a"}, 3),
    ("in", {"$in": [2.0, "$a"]}, True),
    ("index", {"$indexOfArray": ["$a", Int64(2)]}, 2),
    ("slice from the front", {"$slice": ["$a", 2]}, [3, 1]),
    ("slice from the end", {"$slice": ["$a", -2]}, [1, 2]),
    ("slice before the beginning", {"$slice": ["$a", -9, 2]}, [3, 1]),
    ("range down", {"$range": [3, 0, -1]}, [3, 2, 1]),
    ("reverse", {"$reverseArray": "$a"}, [2, 1, 3]),
    ("map", {"$map": {"input": "$a", "as": "e", "in": {"$add": ["$$e", 1]}}}, [4, 2, 3]),
    ("map to missing", {"$map": {"input": "$a", "in": "$nope"}}, [None, None, None]),
    ("filter with a limit", {"$filter": {"input": "$a", "cond": {"$gt": ["$$this", 1]}, "limit": 1}}, [3]),
    ("reduce", {"$reduce": {"input": "$a", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}}, 6),
    ("zip", {"$zip": {"inputs": [[1, 2], ["a"]]}}, [[1, "a"]]),
    ("zip to the longest", {"$zip": {"inputs": [[1, 2], ["a"]], "useLongestLength": True}}, [[1, "a"], [2, None]]),
    ("sort", {"$sortArray": {"input": "$a", "sortBy": -1}}, [3, 2, 1]),
    ("sort documents", {"$sortArray": {"input": [{"k": 2}, {"k": 1}], "sortBy": {"k": 1}}}, [{"k": 1}, {"k": 2}]),
    ("first and last n", [{"$firstN": {"n": 2, "input": "$a"}}, {"$lastN": {"n": 2, "input": "$a"}}], [[3, 1], [1, 2]]),
    ("largest n", {"$maxN": {"n": 2, "input": [1, None, 5, 3]}}, [5, 3]),
    ("union", {"$setUnion": [[2, 1], [1.0, 3]]}, [1, 2, 3]),
    ("intersection", {"$setIntersection": [[1, 2], [2.0]]}, [2]),
    ("difference keeps the order", {"$setDifference": [[3, 1, 3], [1]]}, [3]),
    ("equal sets", {"$setEquals": [[1, 2, 1], [2, 1]]}, True),
    ("subset", {"$setIsSubset": [[1], "$a"]}, True),
    ("all and any", [{"$allElementsTrue": [[1, "a"]]}, {"$anyElementTrue": [[0, None]]}], [True, False]),
    ("merge", {"$mergeObjects": ["$d", {"x": 5}, "$n"]}, {"x": 5, "y.z": 2}),
    ("object to array", {"$objectToArray": {"x": 1}}, [{"k": "x", "v": 1}]),
    ("array to object", {"$arrayToObject": [[["x", 1], ["y", 2]]]}, {"x": 1, "y": 2}),
    ("get a field with a dot", {"$getField": {"field": "y.z", "input": "$d"}}, 2),
    ("get a field of nothing", {"$getField": {"field": "q", "input": "$d"}}, MISSING),
    ("set a field", {"$setField": {"field": "x", "input": "$d", "value": 9}}, {"x": 9, "y.z": 2}),
    ("unset a field", {"$unsetField": {"field": "y.z", "input": "$d"}}, {"x": 1}),
    ("sum of an array", {"$sum": "$a"}, 6),
    ("sum of arguments passes arrays over", {"$sum": ["$a", 1]}, 1),
    ("average", {"$avg": [1, 2]}, 1.5),
    ("smallest across types", {"$min": ["b", 5, None]}, 5),
    ("deviation", {"$stdDevPop": [[1, 3]]}, 1.0),
]


@pytest.mark.parametrize(("name", "spec", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_value(name: str, spec: Any, expected: Any) -> None:
    assert same(evaluate(spec, DOCUMENT), expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("size of no array", {"$size": "$n"}, 17124),
    ("in no array", {"$in": [1, 2]}, 40081),
    ("fractional index", {"$arrayElemAt": ["$a", 1.5]}, 28691),
    ("slice to nothing", {"$slice": ["$a", 0, 0]}, 28729),
    ("step zero", {"$range": [0, 1, 0]}, 34449),
    ("map without in", {"$map": {"input": []}}, 16882),
    ("map over a number", {"$map": {"input": 1, "in": 1}}, 16883),
    ("filter with a strange field", {"$filter": {"input": [], "cond": 1, "x": 1}}, 28647),
    ("zip defaults unused", {"$zip": {"inputs": [[1]], "defaults": [1]}}, 34466),
    ("sort order", {"$sortArray": {"input": [], "sortBy": 2}}, 2942506),
    ("n is not positive", {"$firstN": {"n": 0, "input": []}}, 5787908),
    ("constant that is no set", {"$setEquals": [[1], 1]}, 5887502),
    ("field that is no set", {"$setEquals": [[1], "$n"]}, 17044),
    ("merge of a number", {"$mergeObjects": [1, {}]}, 40400),
    ("pairs and documents mixed", {"$arrayToObject": [[["x", 1], {"k": "y", "v": 1}]]}, 40396),
    ("computed name", {"$setField": {"field": {"$concat": ["a", "b"]}, "input": {}, "value": 1}}, 4161106),
    ("path as a name", {"$setField": {"field": "$a", "input": {}, "value": 1}}, 4161108),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, spec: Any, code: int) -> None:
    assert failure_code(spec, DOCUMENT) == code


_elements = st.lists(st.one_of(st.integers(-3, 3), st.none(), st.sampled_from(["a", "b", 1.0])), max_size=6)


@given(_elements, _elements)
def test_sets_obey_their_laws(left: list[Any], right: list[Any]) -> None:
    document = {"l": left, "r": right}
    union = evaluate({"$setUnion": ["$l", "$r"]}, document)
    shared = evaluate({"$setIntersection": ["$l", "$r"]}, document)
    without = evaluate({"$setDifference": ["$l", "$r"]}, document)
    assert evaluate({"$setEquals": [{"$setUnion": [without, shared]}, "$l"]}, document)
    assert evaluate({"$setIsSubset": ["$r", {"$literal": union}]}, document)
    assert len(union) + len(shared) == len(evaluate({"$setUnion": ["$l"]}, document)) + len(
        evaluate({"$setUnion": ["$r"]}, document)
    )


@given(_elements)
def test_sorting_twice_is_sorting_once(array: list[Any]) -> None:
    once = evaluate({"$sortArray": {"input": "$a", "sortBy": 1}}, {"a": array})
    assert same(evaluate({"$sortArray": {"input": {"$literal": once}, "sortBy": 1}}), once)
