"""Projections: what is shown, hidden, computed, cut, and in which order."""

import copy
from typing import Any

import pytest
from bson import Decimal128, Int64

from amongo.errors import ServerError
from amongo.mql.matcher import array_match_index, parse_filter
from amongo.mql.projections import parse_projection

DOCUMENT: dict[str, Any] = {
    "_id": 1,
    "a": {"b": 1, "c": 2},
    "l": [{"x": 1, "y": 2}, 3, [{"x": 5, "z": 6}]],
    "n": [1, 2, 3, 4],
    "s": 9,
}

CASES: list[tuple[str, dict[str, Any], list[tuple[str, Any]]]] = [
    # name, projection, the fields of DOCUMENT that are left, in order
    ("inclusion has _id", {"s": 1}, [("_id", 1), ("s", 9)]),
    ("order is the document's", {"s": True, "a": 1}, [("_id", 1), ("a", {"b": 1, "c": 2}), ("s", 9)]),
    ("inclusion without _id", {"s": Int64(1), "_id": 0}, [("s", 9)]),
    ("only _id", {"_id": 1}, [("_id", 1)]),
    ("dotted", {"a.b": 1, "_id": 0}, [("a", {"b": 1})]),
    ("nested form", {"a": {"b": 1}, "_id": 0}, [("a", {"b": 1})]),
    ("nested and dotted", {"a": {"b": 1}, "a.c": 1, "_id": 0}, [("a", {"b": 1, "c": 2})]),
    ("dotted inside nested", {"l": {"x": 1}, "_id": 0}, [("l", [{"x": 1}, [{"x": 5}]])]),
    ("through a scalar", {"s.x": 1}, [("_id", 1)]),
    ("nothing there", {"zz": 1}, [("_id", 1)]),
    ("part of _id", {"_id.x": 1}, []),
    (
        "exclusion",
        {"l": 0, "n": False, "s": 0.0},
        [("_id", 1), ("a", {"b": 1, "c": 2})],
    ),
    ("exclusion of _id alone keeps the rest", {"_id": 0, "l": 0, "a": 0, "n": 0}, [("s", 9)]),
    ("exclusion names _id as shown", {"_id": 1, "l": 0, "a": 0, "n": 0}, [("_id", 1), ("s", 9)]),
    (
        "exclusion through arrays",
        {"l.x": 0, "n": 0, "a": 0},
        [("_id", 1), ("l", [{"y": 2}, 3, [{"z": 6}]]), ("s", 9)],
    ),
    ("decimal zero hides", {"_id": Decimal128("0"), "s": 1}, [("s", 9)]),
    ("computed follows", {"s": 1, "z": "$a.b", "n2": {"$literal": 5}}, [("_id", 1), ("s", 9), ("z", 1), ("n2", 5)]),
    ("computed from nothing is left out", {"z": "$zz"}, [("_id", 1)]),
    ("literal string", {"z": "text"}, [("_id", 1), ("z", "text")]),
    ("array of expressions", {"z": ["$s", "$zz"]}, [("_id", 1), ("z", [9, None])]),
    ("computed inside a document", {"a": {"b": 1, "d": "$s"}, "_id": 0}, [("a", {"b": 1, "d": 9})]),
    ("computed below a scalar replaces it", {"s.t": "$a.b", "_id": 0}, [("s", {"t": 1})]),
    ("computed below array elements", {"l.t": "$s", "_id": 0}, [("l", [{"t": 9}, {"t": 9}, [{"t": 9}]])]),
    ("computed below nothing", {"q.t": "$s", "_id": 0}, [("q", {"t": 9})]),
    ("slice alone keeps the rest", {"n": {"$slice": 2}, "a": 0, "l": 0}, [("_id", 1), ("n", [1, 2]), ("s", 9)]),
    ("slice with inclusion", {"n": {"$slice": -1}, "s": 1}, [("_id", 1), ("n", [4]), ("s", 9)]),
    ("slice with _id is an inclusion", {"n": {"$slice": 1}, "_id": 1}, [("_id", 1), ("n", [1])]),
    ("slice of nothing", {"n": {"$slice": 0}, "_id": 1}, [("_id", 1), ("n", [])]),
    ("slice past the start", {"n": {"$slice": [-9, 2]}, "_id": 1}, [("_id", 1), ("n", [1, 2])]),
    ("slice past the end", {"n": {"$slice": [9, 2]}, "_id": 1}, [("_id", 1), ("n", [])]),
    ("slice cuts a fraction", {"n": {"$slice": 1.9}, "_id": 1}, [("_id", 1), ("n", [1])]),
    ("slice of a scalar", {"s": {"$slice": 1}, "_id": 1}, [("_id", 1), ("s", 9)]),
    ("elemMatch is an inclusion", {"n": {"$elemMatch": {"$gt": 2}}}, [("_id", 1), ("n", [3])]),
    ("elemMatch of documents", {"l": {"$elemMatch": {"x": 1}}}, [("_id", 1), ("l", [{"x": 1, "y": 2}])]),
    ("elemMatch without a match", {"n": {"$elemMatch": {"$gt": 9}}}, [("_id", 1)]),
    ("elemMatch follows what is shown", {"n": {"$elemMatch": {"$gt": 2}}, "s": 1}, [("_id", 1), ("s", 9), ("n", [3])]),
]


@pytest.mark.parametrize(("spec", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_projection(spec: dict[str, Any], expected: list[tuple[str, Any]]) -> None:
    before = copy.deepcopy(DOCUMENT)
    result = parse_projection(spec).apply(DOCUMENT)
    assert list(result.items()) == expected
    assert before == DOCUMENT


def test_empty_projection_shows_everything() -> None:
    assert parse_projection({}).apply(DOCUMENT) == DOCUMENT


def test_is_inclusion() -> None:
    assert parse_projection({"a": 1}).is_inclusion
    assert not parse_projection({"a": 0}).is_inclusion
    assert not parse_projection({"a": {"$slice": 1}}).is_inclusion
    assert parse_projection({"_id": 0, "a": {"$elemMatch": {"x": 1}}}).is_inclusion


POSITIONAL: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # name, filter, projection, document, result
    ("element", {"a": {"$gt": 1}}, {"a.$": 1}, {"a": [1, 5, 7], "b": 1}, {"a": [5]}),
    ("with others", {"a": 7}, {"a.$": 1, "b": 1}, {"a": [1, 5, 7], "b": 1}, {"a": [7], "b": 1}),
    ("whole element", {"a.x": 2}, {"a.$": 1}, {"a": [{"x": 1}, {"x": 2, "y": 3}]}, {"a": [{"x": 2, "y": 3}]}),
    ("nested", {"d.a": 5}, {"d.a.$": 1}, {"d": {"a": [1, 5], "z": 1}}, {"d": {"a": [5]}}),
    ("no array there", {"a": 5}, {"a.$": 1}, {"a": 5}, {"a": 5}),
]


@pytest.mark.parametrize(
    ("filter", "spec", "document", "expected"), [case[1:] for case in POSITIONAL], ids=[c[0] for c in POSITIONAL]
)
def test_positional(
    filter: dict[str, Any], spec: dict[str, Any], document: dict[str, Any], expected: dict[str, Any]
) -> None:
    tree = parse_filter(filter)
    projection = parse_projection(spec)
    assert projection.is_positional
    assert projection.apply(document, array_match_index(tree, document)) == expected


def test_positional_failures() -> None:
    projection = parse_projection({"b.$": 1})
    with pytest.raises(ServerError) as caught:
        projection.apply({"a": [1, 2, 5], "b": [1]}, 2)
    assert caught.value.code == 51247
    with pytest.raises(ServerError) as caught:
        projection.apply({"a": 5, "b": [1]}, None)
    assert caught.value.code == 51246


ERRORS: list[tuple[str, dict[str, Any], int]] = [
    ("inclusion in exclusion", {"a": 0, "b": 1}, 31253),
    ("exclusion in inclusion", {"a": 1, "b": 0}, 31254),
    ("exclusion in inclusion, nested", {"a": {"x": 1, "y": 0}}, 31254),
    ("literal in exclusion", {"a": 0, "b": "x"}, 31310),
    ("expression in exclusion", {"a": 0, "b": {"$literal": 1}}, 31252),
    ("collision below", {"a": 1, "a.b": 1}, 31249),
    ("collision above", {"a.b": 1, "a": 1}, 31250),
    ("empty sub-projection", {"a": {}}, 51270),
    ("empty path", {"": 1}, 40352),
    ("path ends with a dot", {"a.": 1}, 40353),
    ("empty part", {"a..b": 1}, 15998),
    ("dollar", {"$a": 1}, 16410),
    ("dollar alone", {"$": 1}, 16410),
    ("unknown expression", {"a": {"$bogus": 1}}, 31325),
    ("two operators", {"a": {"$literal": 1, "$add": [1]}}, 16410),
    ("elemMatch scalar", {"a": {"$elemMatch": 1}}, 31274),
    ("elemMatch below", {"a.b": {"$elemMatch": {"x": 1}}}, 31275),
    ("elemMatch nested", {"a": {"b": {"$elemMatch": {"x": 1}}}}, 31275),
    ("elemMatch bad filter", {"a": {"$elemMatch": {"$foo": 1}}}, 2),
    ("positional twice", {"a.$": 1, "b.$": 1}, 31276),
    ("positional in the middle", {"a.$.b": 1}, 31394),
    ("positional after elemMatch", {"b": {"$elemMatch": {"x": 1}}, "a.$": 1}, 31256),
    ("elemMatch after positional", {"a.$": 1, "b": {"$elemMatch": {"x": 1}}}, 31255),
    ("positional literal", {"a.$": "x"}, 31308),
    ("positional object", {"a.$": {"x": 1}}, 31271),
    ("slice and positional", {"a": {"$slice": 1}, "a.$": 1}, 31250),
    ("meta of a number", {"a": {"$meta": 1}}, 17307),
    ("meta of no name", {"a": {"$meta": "none"}}, 17308),
    ("collision with meta", {"a": {"$meta": "recordId"}, "a.b": 1}, 31249),
]


@pytest.mark.parametrize(("spec", "code"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_refused(spec: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_projection(spec)
    assert caught.value.code == code


STAGE_ERRORS: list[tuple[str, dict[str, Any], int]] = [
    ("empty", {}, 51272),
    ("elemMatch", {"a": {"$elemMatch": {"x": 1}}}, 168),
    ("positional", {"a.$": 1}, 31324),
    ("meta of a number", {"a": {"$meta": 1}}, 17307),
    ("meta of no name", {"a": {"$meta": "none"}}, 17308),
]


@pytest.mark.parametrize(("spec", "code"), [case[1:] for case in STAGE_ERRORS], ids=[c[0] for c in STAGE_ERRORS])
def test_stage_refuses_what_is_of_find(spec: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_projection(spec, is_stage=True)
    assert caught.value.code == code


META: list[tuple[str, dict[str, Any], list[tuple[str, Any]]]] = [
    # name, projection, the fields of DOCUMENT that are left, in order
    ("alone keeps the rest", {"r": {"$meta": "recordId"}}, [*DOCUMENT.items(), ("r", 7)]),
    ("with an inclusion", {"r": {"$meta": "recordId"}, "s": 1}, [("_id", 1), ("s", 9), ("r", 7)]),
    (
        "with an exclusion",
        {"l": 0, "n": 0, "a": {"b": 0, "c": {"$meta": "recordId"}}},
        [("_id", 1), ("a", {"c": 7}), ("s", 9)],
    ),
    ("in place of a field", {"s": {"$meta": "recordId"}, "_id": 1}, [("_id", 1), ("s", 7)]),
    ("inside a document", {"a.r": {"$meta": "recordId"}, "_id": 0, "s": 1}, [("a", {"r": 7}), ("s", 9)]),
    ("what is not known", {"x": {"$meta": "searchScore"}, "s": 1}, [("_id", 1), ("s", 9)]),
    (
        "the name of the record id",
        {"$recordId": {"$meta": "recordId"}, "s": 1},
        [("_id", 1), ("s", 9), ("$recordId", 7)],
    ),
]


@pytest.mark.parametrize(("spec", "expected"), [case[1:] for case in META], ids=[case[0] for case in META])
def test_metadata(spec: dict[str, Any], expected: list[tuple[str, Any]]) -> None:
    projection = parse_projection(spec)
    assert sorted(projection.keywords) in (["recordId"], ["searchScore"])
    assert list(projection.apply(DOCUMENT, metadata={"recordId": 7}).items()) == expected


def test_variables() -> None:
    assert parse_projection({"z": "$$v"}, variables={"v": 7}).apply({"_id": 1}) == {"_id": 1, "z": 7}
