"""What an update says about its changes: enough to make the new document from the old one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from applying import apply, patched
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.updates import describe
from amongo.mql.updates.sameness import is_same
from amongo.values.codec import encode

DESCRIPTIONS = [
    ("field", {"$set": {"a": 1}}, {}, {"a": 1}, []),
    ("dotted field", {"$set": {"a.b": 1}}, {"a": {"c": 1}}, {"a.b": 1}, []),
    ("created path", {"$set": {"a.b.c": 1, "a.d": 2}}, {}, {"a": {"b": {"c": 1}, "d": 2}}, []),
    ("created below what is there", {"$set": {"a.b.c": 1}}, {"a": {}}, {"a.b": {"c": 1}}, []),
    ("removed", {"$unset": {"a.b": 1, "c": 1}}, {"a": {"b": 1}}, {}, ["a.b"]),
    ("renamed", {"$rename": {"a": "b"}}, {"a": 1}, {"b": 1}, ["a"]),
    ("element", {"$set": {"a.1": 5}}, {"a": [1, 2]}, {"a.1": 5}, []),
    ("element that goes", {"$unset": {"a.0": 1}}, {"a": [1]}, {"a.0": None}, []),
    ("element past the end", {"$set": {"a.3": 5}}, {"a": [1]}, {"a.3": 5}, []),
    ("appended", {"$push": {"a": {"$each": [7, 8]}}}, {"a": [1]}, {"a.1": 7, "a.2": 8}, []),
    ("appended to nothing", {"$push": {"a": 7}}, {"a": []}, {"a": [7]}, []),
    ("appended to a nested array", {"$push": {"a.0": 7}}, {"a": [[1]]}, {"a.0.1": 7}, []),
    ("added to a set", {"$addToSet": {"a": {"$each": [1, 2]}}}, {"a": [1]}, {"a.1": 2}, []),
    ("inserted in front", {"$push": {"a": {"$each": [7], "$position": 0}}}, {"a": [1]}, {"a": [7, 1]}, []),
    ("popped", {"$pop": {"a": 1}}, {"a": [1, 2]}, {"a": [1]}, []),
    ("one of all elements", {"$max": {"a.$[]": 2}}, {"a": [1, 2]}, {"a.0": 2}, []),
    ("several elements", {"$inc": {"a.$[]": 1}}, {"a": [1, 2]}, {"a": [2, 3]}, []),
    ("one element whole", {"$set": {"a.$[].x": 1}}, {"a": [{"y": 1}]}, {"a.0": {"y": 1, "x": 1}}, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("update", "before", "updated", "removed"), [c[1:] for c in DESCRIPTIONS], ids=[c[0] for c in DESCRIPTIONS]
)
def test_description(update: dict[str, Any], before: dict[str, Any], updated: Any, removed: Any) -> None:
    assert apply(update, before).description == {
        "updatedFields": updated,
        "removedFields": removed,
        "truncatedArrays": [],
    }


def test_no_change_and_replacement_have_no_description() -> None:
    assert apply({"$set": {"a": 1}}, {"a": 1}) == (None, None)
    assert apply({"b": 1}, {"_id": 1, "a": 1}).description is None


FILLER = "*" * 200
DIFFERENCES = [
    ("set, removed", {"a": 1, "b": 2}, {"a": 2, "c": 3}, {"a": 2, "c": 3}, ["b"], []),
    ("inside", {"a": {"f": FILLER, "b": 1, "c": 1}}, {"a": {"f": FILLER, "b": 2}}, {"a.b": 2}, ["a.c"], []),
    ("inside what is small", {"a": {"b": 1, "c": 1}}, {"a": {"b": 2}}, {"a": {"b": 2}}, [], []),
    ("type", {"a": 1}, {"a": 1.0}, {"a": 1.0}, [], []),
    ("longer array", {"a": [FILLER]}, {"a": [FILLER, 2]}, {"a.1": 2}, [], []),
    ("shorter array", {"a": [FILLER, 2, 3]}, {"a": [FILLER, 4]}, {"a.1": 4}, [], [{"field": "a", "newSize": 2}]),
    ("emptied array", {"a": [1]}, {"a": []}, {"a": []}, [], []),
    ("inside an element", {"a": [{"f": FILLER, "b": 1}]}, {"a": [{"f": FILLER, "b": 2}]}, {"a.0.b": 2}, [], []),
]


@pytest.mark.parametrize(
    ("before", "after", "updated", "removed", "cut"), [c[1:] for c in DIFFERENCES], ids=[c[0] for c in DIFFERENCES]
)
def test_difference(before: Any, after: Any, updated: Any, removed: Any, cut: Any) -> None:
    told = describe({"filler": FILLER} | before, {"filler": FILLER} | after)
    assert told == {"updatedFields": updated, "removedFields": removed, "truncatedArrays": cut}


def test_a_field_that_moves_is_set_anew() -> None:
    assert describe({"f": FILLER, "a": 1, "b": 2}, {"f": FILLER, "b": 2, "a": 1, "c": 3}) == {
        "updatedFields": {"a": 1, "c": 3},
        "removedFields": [],
        "truncatedArrays": [],
        "movedFields": ["a"],
    }


def test_a_small_document_counts_as_replaced() -> None:
    """To tell that `n` is 2 takes 35 bytes: 15 and 5 for the frame, 8 for the section, 7 for the field."""
    length = 35 - len(encode({"_id": 1, "n": 1, "f": ""}))
    for missing, told in ((0, None), (1, {"updatedFields": {"n": 2}, "removedFields": [], "truncatedArrays": []})):
        before = {"_id": 1, "n": 1, "f": "*" * (length + missing)}
        assert describe(before, before | {"n": 2}) == told


def test_shallow_fields_come_first() -> None:
    before = {"a": {"f": FILLER, "x": 1}, "b": 1}
    after = {"a": {"f": FILLER, "x": 2}, "b": 2, "c": 3}
    told = describe(before, after)
    assert told is not None
    assert list(told["updatedFields"]) == ["b", "c", "a.x"]


AMBIGUOUS = [
    ("a name with a dot", {"a.b": 1}, {"a.b": 2}, {"a.b": 2}, {"a.b": ["a.b"]}),
    ("a number as name", {"a": {"f": FILLER, "0": 1}}, {"a": {"f": FILLER, "0": 2}}, {"a.0": 2}, {"a.0": ["a", "0"]}),
    ("a number at the top", {"0": 1}, {"0": 2}, {"0": 2}, None),
    ("an index", {"a": [FILLER, 1]}, {"a": [FILLER, 2]}, {"a.1": 2}, None),
    (
        "an index, then a name with a dot",
        {"a": [{"f": FILLER, "b.c": 1}]},
        {"a": [{"f": FILLER, "b.c": 2}]},
        {"a.0.b.c": 2},
        {"a.0.b.c": ["a", 0, "b.c"]},
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "updated", "named"), [c[1:] for c in AMBIGUOUS], ids=[c[0] for c in AMBIGUOUS]
)
def test_paths_that_can_be_read_in_two_ways(before: Any, after: Any, updated: Any, named: Any) -> None:
    told = describe({"filler": FILLER} | before, {"filler": FILLER} | after)
    assert told is not None
    assert (told["updatedFields"], told.get("disambiguatedPaths")) == (updated, named)


def test_two_paths_that_read_the_same_are_told_as_a_replacement() -> None:
    before = {"f": FILLER, "a.b": 1, "a": {"f": FILLER, "b": 1}}
    after = {"f": FILLER, "a.b": 2, "a": {"f": FILLER, "b": 2}}
    assert describe(before, after) is None


names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(st.integers(-3, 3), st.sampled_from([None, "x", 1.5, True]))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
documents = st.dictionaries(names, values, max_size=3)
paths = st.lists(names | st.sampled_from(["0", "1", "3", "$[]"]), max_size=2).flatmap(
    lambda inner: names.map(lambda first: ".".join([first, *inner]))
)
operations = st.one_of(
    st.tuples(st.just("$set"), paths, values),
    st.tuples(st.just("$unset"), paths, st.just("")),
    st.tuples(st.just("$max"), paths, scalars),
    st.tuples(st.just("$rename"), paths, paths),
    st.tuples(st.just("$push"), paths, values),
    st.tuples(
        st.just("$push"),
        paths,
        st.fixed_dictionaries(
            {"$each": st.lists(values, max_size=2)},
            optional={"$position": st.integers(-3, 3), "$slice": st.integers(-3, 3), "$sort": st.sampled_from([1, -1])},
        ),
    ),
    st.tuples(st.just("$addToSet"), paths, values),
    st.tuples(st.just("$pop"), paths, st.sampled_from([1, -1])),
    st.tuples(st.just("$pull"), paths, scalars),
    st.tuples(st.just("$inc"), paths, st.integers(-2, 2)),
)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    update: dict[str, Any] = {}
    for name, path, operand in draw(st.lists(operations, min_size=1, max_size=3)):
        update.setdefault(name, {})[path] = operand
    return update


@given(documents, updates())
def test_description_makes_the_new_document(before: dict[str, Any], update: dict[str, Any]) -> None:
    untouched = deepcopy(before)
    try:
        outcome = apply(update, before)
    except ServerError:
        outcome = None
    assert is_same(before, untouched), "an update never changes what it is given"
    if outcome is not None and outcome.document is not None:
        assert outcome.description is not None
        assert is_same(patched(before, outcome.description), outcome.document)


@given(st.integers(0, 100), documents, documents)
def test_difference_makes_the_new_document(length: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    """With fillers of all lengths, so that differences are told of values and of parts of them."""
    before, after = {"f": "*" * length} | before, {"f": "*" * length} | after
    told = describe(before, after)
    if told is not None:
        assert _unordered(patched(before, told)) == _unordered(after)


def _unordered(value: Any) -> Any:
    """A value with its type, field order left aside."""
    if isinstance(value, dict):
        return ("dict", frozenset((name, _unordered(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return ("list", tuple(_unordered(inner) for inner in value))
    return (type(value), value)
