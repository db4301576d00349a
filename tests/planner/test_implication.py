"""When a filter surely lies within that of a partial index."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Regex
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.mql.matcher import parse_filter
from amongo.planner.implication import implies
from amongo.values.collation import Options
from amongo.values.collation import collator as collator_of

# name, the filter of the query, that of the index, whether the first implies the second
CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("the same", {"a": {"$gt": 5}}, {"a": {"$gt": 5}}, True),
    ("narrower", {"a": {"$gt": 6}}, {"a": {"$gt": 5}}, True),
    ("wider", {"a": {"$gt": 4}}, {"a": {"$gt": 5}}, False),
    ("closed in open", {"a": {"$gte": 5}}, {"a": {"$gt": 5}}, False),
    ("open in closed", {"a": {"$gt": 5}}, {"a": {"$gte": 5}}, True),
    ("another side", {"a": {"$lt": 5}}, {"a": {"$gt": 1}}, False),
    ("another type", {"a": {"$gt": "x"}}, {"a": {"$gt": 5}}, False),
    ("value in range", {"a": 7}, {"a": {"$gt": 5}}, True),
    ("value of another type", {"a": "x"}, {"a": {"$gt": 5}}, False),
    ("values in range", {"a": {"$in": [6, 7]}}, {"a": {"$gt": 5}}, True),
    ("a value out of range", {"a": {"$in": [4, 7]}}, {"a": {"$gt": 5}}, False),
    ("a pattern among values", {"a": {"$in": [6, Regex("x")]}}, {"a": {"$gt": 5}}, False),
    ("one of some", {"a": 6}, {"a": {"$in": [6, 7]}}, True),
    ("existence", {"a": 6}, {"a": {"$exists": True}}, True),
    ("existence of null", {"a": None}, {"a": {"$exists": True}}, False),
    ("existence of what is not null", {"a": {"$ne": None}}, {"a": {"$exists": True}}, True),
    ("existence below an array", {"a.b": {"$ne": None}}, {"a.b": {"$exists": True}}, False),
    ("true is not one", {"a": True}, {"a": 1}, False),
    ("more conditions", {"a": 6, "b": 1}, {"a": {"$gt": 5}}, True),
    ("fewer conditions", {"a": 6}, {"a": {"$gt": 5}, "b": 1}, False),
    ("all branches", {"$or": [{"a": 6}, {"a": 7}]}, {"a": {"$gt": 5}}, True),
    ("some branches", {"$or": [{"a": 6}, {"b": 7}]}, {"a": {"$gt": 5}}, False),
    ("a branch of the index", {"a": 6}, {"$or": [{"a": {"$gt": 5}}, {"b": 1}]}, True),
    ("null and what is missing", {"a": None}, {"a": {"$lte": None}}, True),
]


@pytest.mark.parametrize(("query", "wanted", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_implication(query: dict[str, Any], wanted: dict[str, Any], expected: bool) -> None:
    assert implies(parse_filter(query), parse_filter(wanted)) is expected


def test_strings_compare_by_one_collation() -> None:
    caseless = collator_of(Options("en", strength=2).document())
    query, wanted = {"a": "x"}, {"a": {"$gte": "a"}}
    assert implies(parse_filter(query, collator=caseless), parse_filter(wanted, collator=caseless))
    assert not implies(parse_filter(query, collator=caseless), parse_filter(wanted))


_VALUES = st.sampled_from([None, 1, 2, True, "a", [], [1], [1, "a"], {"b": 1}, 1.5])
_CONDITIONS = st.one_of(
    _VALUES,
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]), _VALUES).map(lambda each: dict([each])),
    st.lists(_VALUES, max_size=2).map(lambda values: {"$in": values}),
    st.booleans().map(lambda value: {"$exists": value}),
)
_FILTERS = st.dictionaries(st.sampled_from(["a", "a.b"]), _CONDITIONS, min_size=1, max_size=2)


@settings(max_examples=300)
@given(_FILTERS, _FILTERS, st.lists(st.dictionaries(st.just("a"), _VALUES), max_size=5))
def test_what_is_implied_holds(query: Any, wanted: Any, documents: list[dict[str, Any]]) -> None:
    one, other = parse_filter(query), parse_filter(wanted)
    if implies(one, other):
        matches, has = one.bind(), other.bind()
        assert all(has(document) for document in documents if matches(document))
