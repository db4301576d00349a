"""Differences of an oplog: applied once they give the document after, applied again they change nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.updates.oplog_difference import apply_difference

Document = dict[str, Any]

CASES: list[tuple[str, Document, Document, Document]] = [
    ("away", {"a": 1, "b": 2}, {"d": {"a": False, "x": False}}, {"b": 2}),
    ("another value", {"a": 1, "b": 2}, {"u": {"a": 3}}, {"a": 3, "b": 2}),
    ("a new one comes last", {"a": 1, "b": 2}, {"i": {"a": 3}}, {"b": 2, "a": 3}),
    ("inside", {"a": {"b": {"c": 1}}}, {"sa": {"sb": {"u": {"c": 2}, "i": {"d": 1}}}}, {"a": {"b": {"c": 2, "d": 1}}}),
    ("inside what is not there", {"a": 1}, {"sb": {"u": {"c": 2}}}, {"a": 1}),
    ("inside what is no document", {"a": 1}, {"sa": {"u": {"c": 2}}}, {"a": 1}),
    ("an array", {"a": [1, {"b": 1}, 3]}, {"sa": {"a": True, "u0": 9, "s1": {"u": {"b": 2}}}}, {"a": [9, {"b": 2}, 3]}),
    ("a shorter array", {"a": [1, 2, 3]}, {"sa": {"a": True, "l": 1}}, {"a": [1]}),
    ("a longer array", {"a": [1]}, {"sa": {"a": True, "u3": 4}}, {"a": [1, None, None, 4]}),
    ("an array of what is none", {"a": 1}, {"sa": {"a": True, "u0": 4}}, {"a": 1}),
]


@pytest.mark.parametrize(("name", "before", "difference", "after"), CASES, ids=[case[0] for case in CASES])
def test_applied_once_and_again(name: str, before: Document, difference: Document, after: Document) -> None:
    kept = repr(before)
    changed = apply_difference(before, difference)
    assert changed == after and list(changed) == list(after)
    assert apply_difference(changed, difference) == after
    assert repr(before) == kept


@pytest.mark.parametrize("wrong", [{"x": {}}, {"u": 1}, {"sa": {"a": True, "x1": 1}}, {"sa": {"a": True, "uone": 1}}])
def test_refused(wrong: Document) -> None:
    with pytest.raises(ServerError) as failure:
        apply_difference({"a": [1]}, wrong)
    assert failure.value.code == 4770503


LEAVES = st.integers(0, 3) | st.text(max_size=2)
NAMES = st.sampled_from("abc")
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8).filter(
    lambda value: isinstance(value, dict)
)


def difference_of(before: Document, after: Document) -> Document:
    """A difference that leads from one document to another, whatever the order of fields."""
    made: Document = {"d": {name: False for name in before if name not in after}, "u": {}, "i": {}}
    for name, value in after.items():
        if name not in before:
            made["i"][name] = value
        elif type(value) is dict and type(before[name]) is dict:
            made[f"s{name}"] = difference_of(before[name], value)
        elif before[name] != value:
            made["u"][name] = value
    return made


@given(DOCUMENTS, DOCUMENTS)
def test_it_leads_from_any_document_to_any_other(before: Any, after: Any) -> None:
    assert apply_difference(before, difference_of(before, after)) == after
