"""Kinds of updates, the registry, and the short way of parsing against the general one."""

from __future__ import annotations

from typing import Any

import pytest
from applying import CLOCK, NOW, apply, code_of
from bson import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.updates import OPERATORS, parse_update
from amongo.mql.updates.paths import in_order, parse_path
from amongo.mql.updates.plain import apply_plain, plain_shape
from amongo.mql.updates.registry import operator
from amongo.mql.updates.sameness import is_same, nesting
from amongo.values.codec import decode, encode


def test_the_registry_refuses_a_double() -> None:
    with pytest.raises(RuntimeError, match="defined twice"):
        operator("$set")(lambda current, operand, scene: operand)


def test_every_operator_has_its_manual_page() -> None:
    for name, entry in OPERATORS.items():
        assert f"manual, {name}" in (entry.apply.__doc__ or ""), name


def test_kinds() -> None:
    assert parse_update({"$set": {"a": 1}}).kind == "operators"
    assert parse_update({"a": 1}).kind == "replacement"
    assert parse_update({}).kind == "replacement"
    assert parse_update([{"$set": {"a": 1}}]).kind == "pipeline"


def test_replacement_keeps_the_id_in_front() -> None:
    for replacement, before in (({"a": 1}, {"x": 1, "_id": 5}), ({"a": 1, "_id": 5}, {"_id": 5})):
        after = apply(replacement, before).document
        assert after is not None
        assert list(after.items()) == [("_id", 5), ("a", 1)]
    assert apply({}, {"_id": 5, "a": 1}).document == {"_id": 5}


def test_an_identical_replacement_counts_as_a_change() -> None:
    assert apply({"a": 1}, {"_id": 5, "a": 1}).document == {"_id": 5, "a": 1}


def test_empty_timestamps_of_a_replacement_are_filled() -> None:
    empty = Timestamp(0, 0)
    after = apply({"a": empty, "b": {"c": empty}, "d": [empty]}, {"_id": 1}).document
    assert after == {"_id": 1, "a": CLOCK, "b": {"c": empty}, "d": [empty]}
    assert apply({"$set": {"a": empty}}, {}).document == {"a": empty}


def test_pipeline_is_run_by_the_caller() -> None:
    def run(document: dict[str, Any]) -> dict[str, Any]:
        return {"n": document["n"] + 1, "a": ["*" * 100]}

    outcome = apply([{"$set": {}}], {"_id": 1, "n": 1, "a": ["*" * 100, 2]}, run_pipeline=run)
    assert outcome.document == {"_id": 1, "n": 2, "a": ["*" * 100]}
    assert outcome.description == {
        "updatedFields": {"n": 2},
        "removedFields": [],
        "truncatedArrays": [{"field": "a", "newSize": 1}],
    }
    assert apply([], {"_id": 1}, run_pipeline=dict) == (None, None)
    assert code_of([], {"_id": 1}, run_pipeline=lambda document: {"_id": 2}) == 66


def test_an_update_can_be_applied_again() -> None:
    update = parse_update({"$push": {"a": {"$each": [1]}}, "$inc": {"n": 1}})
    one = update.apply({}, now=NOW, clock_timestamp=CLOCK).document
    assert update.apply({}, now=NOW, clock_timestamp=CLOCK).document == one == {"a": [1], "n": 1}
    assert update.apply(one, now=NOW, clock_timestamp=CLOCK).document == {"a": [1, 1], "n": 2}


def test_paths_are_ordered_by_name_and_numbers_by_value() -> None:
    assert in_order(["b", "10", "9", "a"]) == ["9", "10", "a", "b"]
    assert in_order(["x10", "x9"]) == ["x10", "x9"]
    assert parse_path("a.$[x].0") == ("a", "$[x]", "0")


SAME = [
    ("documents with other field order", {"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
    ("int and bool", 1, True, False),
    ("int and double", 1, 1.0, False),
    ("zeros", 0.0, -0.0, False),
    ("NaNs", float("nan"), float("nan"), True),
    ("null", None, None, True),
    ("nested", {"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}, True),
    ("bytes and string", b"x", "x", False),
]


@pytest.mark.parametrize(("one", "other", "expected"), [c[1:] for c in SAME], ids=[c[0] for c in SAME])
def test_sameness(one: Any, other: Any, expected: bool) -> None:
    assert is_same(one, other) is expected


def test_nesting_counts_levels() -> None:
    assert [nesting(value) for value in (1, {}, [1], {"a": [{}], "b": 1})] == [0, 1, 1, 3]


fields = st.sampled_from(["a", "b", "c", "9", "10", "_id", "$x"])
operands = st.one_of(st.integers(-5, 5), st.just("x"), st.lists(st.integers(0, 2), max_size=2), st.just({"$each": [1]}))
plain_updates = st.dictionaries(
    st.sampled_from(sorted(set(OPERATORS) | {"$unknown"})),
    st.dictionaries(fields, operands, max_size=3),
    min_size=1,
    max_size=3,
)


@given(plain_updates, st.dictionaries(fields, operands, max_size=4))
def test_plain_and_general_updates_agree(update: dict[str, Any], document: dict[str, Any]) -> None:
    shape = plain_shape(update)
    if shape is None:
        return
    applied = apply_plain(shape, update, encode(document))
    try:
        general = parse_update(update).apply(document, now=NOW, clock_timestamp=CLOCK)
    except ServerError:
        assert applied is None
        return
    if applied is None:
        return
    changed, description = applied
    if not description:
        assert general.document is None
    else:
        assert general.description is not None
        assert general.document is not None
        assert changed == encode(general.document)
        said = decode(description)
        assert said["updatedPaths"] == list(general.description["updatedFields"])
        assert said.get("removedFields", []) == general.description["removedFields"]
