"""Positional operators: `$` takes the element of the filter's match, `$[]` all, `$[id]` those of an array filter."""

from __future__ import annotations

from typing import Any

import pytest
from applying import apply, code_of

from amongo.mql.updates import parse_update

POSITIONAL = [
    ("element", {"a": 2}, {"$set": {"a.$": 9}}, {"a": [1, 2, 2]}, {"a": [1, 9, 2]}),
    (
        "field of an element",
        {"a.k": 2},
        {"$set": {"a.$.v": 9}},
        {"a": [{"k": 1}, {"k": 2}]},
        {"a": [{"k": 1}, {"k": 2, "v": 9}]},
    ),
    (
        "$elemMatch",
        {"a": {"$elemMatch": {"k": {"$gt": 1}}}},
        {"$inc": {"a.$.k": 1}},
        {"a": [{"k": 1}, {"k": 2}]},
        {"a": [{"k": 1}, {"k": 3}]},
    ),
    ("behind a named place", {"a.0.b": 1}, {"$set": {"a.0.b.$": 2}}, {"a": [{"b": [0, 1]}]}, {"a": [{"b": [0, 2]}]}),
    ("before a named place", {"a.b.1": 1}, {"$set": {"a.$.b.1": 2}}, {"a": [{"b": [0, 1]}]}, {"a": [{"b": [0, 2]}]}),
    ("unset leaves null", {"a": 2}, {"$unset": {"a.$": 1}}, {"a": [1, 2]}, {"a": [1, None]}),
    ("beside a numbered element", {"a": 2}, {"$set": {"a.$": 9, "a.0": 8}}, {"a": [1, 2]}, {"a": [8, 9]}),
    (
        "merged with a numbered element",
        {"a.k": 1},
        {"$set": {"a.$.x": 1, "a.0.y": 2}},
        {"a": [{"k": 1}]},
        {"a": [{"k": 1, "x": 1, "y": 2}]},
    ),
]


@pytest.mark.parametrize(
    ("filter", "update", "before", "after"), [c[1:] for c in POSITIONAL], ids=[c[0] for c in POSITIONAL]
)
def test_positional(
    filter: dict[str, Any], update: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert apply(update, before, filter=filter).document == after


def test_positional_may_meet_a_numbered_element_only_without_conflict() -> None:
    assert code_of({"$set": {"a.$": 9, "a.1": 8}}, {"a": [1, 2]}, filter={"a": 2}) == 40
    assert code_of({"$set": {"a.$.x": 9, "a.0": 8}}, {"a": [{"k": 1}]}, filter={"a.k": 1}) == 40


def test_a_place_that_the_filter_names_is_no_match_to_take() -> None:
    assert code_of({"$set": {"a.$": 1}}, {"a": [0]}, filter={"a.0": 0}) == 2
    assert code_of({"$set": {"a.$.b": 1}}, {"a": [{"b": 0}]}, filter={"a.0.b": 0}) == 2


def test_an_update_says_whether_it_needs_the_match() -> None:
    assert parse_update({"$set": {"a.$": 1}}).uses_positional
    assert not parse_update({"$set": {"a.$[]": 1, "b": 2}}).uses_positional
    assert not parse_update({"a": 1}).uses_positional


ELEMENTS = [
    ("all", {"$inc": {"a.$[]": 1}}, [], {"a": [1, 2]}, {"a": [2, 3]}),
    ("all, fields", {"$unset": {"a.$[].x": 1}}, [], {"a": [{"x": 1}, {"y": 1}]}, {"a": [{}, {"y": 1}]}),
    (
        "all of all",
        {"$set": {"a.$[].b.$[]": 0}},
        [],
        {"a": [{"b": [1]}, {"b": [2, 3]}]},
        {"a": [{"b": [0]}, {"b": [0, 0]}]},
    ),
    ("all of none", {"$set": {"a.$[]": 0}}, [], {"a": []}, None),
    ("chosen", {"$set": {"a.$[x]": 0}}, [{"x": {"$gte": 2}}], {"a": [1, 2, 3]}, {"a": [1, 0, 0]}),
    (
        "chosen by field",
        {"$inc": {"a.$[x].n": 1}},
        [{"x.k": "b"}],
        {"a": [{"k": "a", "n": 1}, {"k": "b", "n": 1}]},
        {"a": [{"k": "a", "n": 1}, {"k": "b", "n": 2}]},
    ),
    ("chosen by $or", {"$set": {"a.$[x]": 0}}, [{"$or": [{"x": 1}, {"x": 3}]}], {"a": [1, 2, 3]}, {"a": [0, 2, 0]}),
    (
        "two filters, one element",
        {"$set": {"a.$[x].p": 1, "a.$[y].q": 2}},
        [{"x.k": {"$gt": 0}}, {"y.k": {"$gt": 1}}],
        {"a": [{"k": 1}, {"k": 2}]},
        {"a": [{"k": 1, "p": 1}, {"k": 2, "p": 1, "q": 2}]},
    ),
    ("none chosen", {"$set": {"a.$[x]": 0}}, [{"x": 9}], {"a": [1]}, None),
    (
        "nested filters",
        {"$set": {"a.$[x].b.$[y]": 0}},
        [{"x.k": 1}, {"y": {"$gt": 1}}],
        {"a": [{"k": 1, "b": [1, 2]}, {"k": 2, "b": [2]}]},
        {"a": [{"k": 1, "b": [1, 0]}, {"k": 2, "b": [2]}]},
    ),
]


@pytest.mark.parametrize(
    ("update", "filters", "before", "after"), [c[1:] for c in ELEMENTS], ids=[c[0] for c in ELEMENTS]
)
def test_elements(
    update: dict[str, Any], filters: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any] | None
) -> None:
    assert apply(update, before, array_filters=filters).document == after


def test_two_filters_that_write_one_element_conflict_when_they_meet() -> None:
    update = {"$set": {"a.$[x]": 1, "a.$[y]": 2}}
    filters = [{"x": {"$lt": 3}}, {"y": {"$gt": 3}}]
    assert apply(update, {"a": [1, 5]}, array_filters=filters).document == {"a": [1, 2]}
    assert code_of(update, {"a": [2]}, array_filters=[{"x": 2}, {"y": {"$gt": 1}}]) == 40
