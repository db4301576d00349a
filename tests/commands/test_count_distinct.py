"""count and distinct."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64, encode

COUNTS = [
    ("all", {}, 5),
    ("by a filter", {"query": {"n": 4}}, 2),
    ("of null and missing", {"query": {"n": None}}, 2),
    ("by _id", {"query": {"_id": 3}}, 1),
    ("none", {"query": {"_id": 9}}, 0),
    ("skipped", {"skip": 2}, 3),
    ("skipped past the end", {"skip": 9}, 0),
    ("limited", {"limit": 2}, 2),
    ("limited below zero", {"limit": -2}, 2),
    ("limited to the least number of 64 bits", {"query": {"n": {"$exists": True}}, "limit": float("-inf")}, 4),
    ("limited beyond what can be counted", {"query": {"_id": {"$gt": 1}}, "skip": 1, "limit": Int64(2**63 - 1)}, 3),
    ("skipped and limited", {"query": {"_id": {"$gt": 1}}, "skip": 1, "limit": 2}, 2),
    ("skipped and limited near the end", {"query": {"_id": {"$gt": 1}}, "skip": 3, "limit": 2}, 1),
    ("a decimal rounded half to even", {"skip": Decimal128("2.5")}, 3),
    ("a double cut", {"skip": 2.9}, 3),
    ("by the index there is", {"query": {"n": 4}, "hint": "_id_"}, 2),
    ("by its key pattern", {"hint": {"_id": 1.0}}, 5),
    ("what old drivers send", {"fields": {"a": 1}}, 5),
    ("the simple collation", {"collation": {"locale": "simple"}}, 5),
]


@pytest.mark.parametrize(("name", "options", "expected"), COUNTS)
def test_count(ask: Ask, fruit: None, name: str, options: dict[str, Any], expected: int) -> None:
    reply = ask({"count": "fruit", **options})
    assert reply == {"n": expected, "ok": 1.0}
    assert type(reply["n"]) is int


@pytest.mark.parametrize("limit", [float("-inf"), Int64(-(2**63)), float("inf")])
def test_count_of_a_view_to_a_limit_beyond_what_can_be_counted(ask: Ask, fruit: None, limit: Any) -> None:
    ask({"create": "sight", "viewOn": "fruit", "pipeline": [{"$match": {"n": {"$exists": True}}}]})
    command = {"count": "sight", "limit": limit}
    assert ask(command)["n"] == 4
    assert encode(ask({"explain": command}))


def test_count_of_what_is_not_there(ask: Ask) -> None:
    assert ask({"count": "nowhere", "query": {"a": 1}, "hint": "any"}) == {"n": 0, "ok": 1.0}


WRONG = [
    ("a negative skip", {"skip": -1}, 51024),
    ("an unknown operator", {"query": {"a": {"$foo": 1}}}, 2),
    ("an unknown field", {"foo": 1}, 40415),
    ("a filter that is none", {"query": 1}, 14),
    ("an index that is not there", {"hint": "n_1"}, 2),
    ("an unknown collation", {"collation": {"locale": "xx"}}, 2),
    ("a limit in text", {"limit": "2"}, 14),
]


@pytest.mark.parametrize(("name", "options", "code"), WRONG)
def test_counts_that_are_wrong(ask: Ask, fruit: None, name: str, options: dict[str, Any], code: int) -> None:
    assert ask({"count": "fruit", **options})["code"] == code


def test_distinct_unwinds_one_array(ask: Ask, fruit: None) -> None:
    assert ask({"distinct": "fruit", "key": "tags"}) == {"values": ["green", "red", "soft", ["soft"]], "ok": 1.0}


def test_distinct_has_null_but_not_what_is_missing(ask: Ask, fruit: None) -> None:
    assert ask({"distinct": "fruit", "key": "n"})["values"] == [None, 2, 4]


def test_distinct_with_a_filter(ask: Ask, fruit: None) -> None:
    assert ask({"distinct": "fruit", "key": "name", "query": {"n": 4}})["values"] == ["fig", "pear"]


VALUES = [
    ("equal numbers are one, the first that was met", [1, 1.0, Int64(1), Decimal128("1")], [1]),
    ("numbers next to each other", [2**53, Int64(2**53 + 1)], [2**53, 2**53 + 1]),
    ("types in their order", ["a", 1, None, True, {"a": 1}], [None, 1, "a", {"a": 1}, True]),
    ("field order counts", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
    ("an array in an array stays", [[[1, 2]], [1]], [1, [1, 2]]),
    ("an empty array gives nothing", [[]], []),
]


@pytest.mark.parametrize(("name", "values", "expected"), VALUES)
def test_distinct_values(ask: Ask, name: str, values: list[Any], expected: list[Any]) -> None:
    ask({"insert": "a", "documents": [{"x": value} for value in values]})
    found = ask({"distinct": "a", "key": "x"})["values"]
    assert found == expected
    assert list(map(type, found)) == [type(value) if value != 2**53 + 1 else Int64 for value in expected] or name


PATHS = [
    ("a nested field", {"a": {"b": 1}}, "a.b", [1]),
    ("through an array of documents", {"a": [{"b": 1}, {"b": [2, 3]}, {}]}, "a.b", [1, 2, 3]),
    ("a position", {"a": [{"b": 1}, {"b": 2}]}, "a.1.b", [2]),
    ("an element", {"a": [7, 8]}, "a.0", [7]),
    ("past a scalar", {"a": 1}, "a.b", []),
]


@pytest.mark.parametrize(("name", "document", "key", "expected"), PATHS)
def test_distinct_paths(ask: Ask, name: str, document: dict[str, Any], key: str, expected: list[Any]) -> None:
    ask({"insert": "a", "documents": [document]})
    assert ask({"distinct": "a", "key": key})["values"] == expected


def test_distinct_of_what_is_not_there(ask: Ask) -> None:
    assert ask({"distinct": "nowhere", "key": "a"}) == {"values": [], "ok": 1.0}


DISTINCT_WRONG = [
    ("no key", {}, 40414),
    ("a key that is a number", {"key": 1}, 14),
    ("an unknown field", {"key": "a", "foo": 1}, 40415),
    ("an index that is not there", {"key": "a", "hint": {"a": 1}}, 2),
    ("a time that only a query has", {"key": "a", "query": {"$expr": {"$eq": ["$a", "$$NOW"]}}}, 51144),
]


@pytest.mark.parametrize(("name", "options", "code"), DISTINCT_WRONG)
def test_distincts_that_are_wrong(ask: Ask, fruit: None, name: str, options: dict[str, Any], code: int) -> None:
    assert ask({"distinct": "fruit", **options})["code"] == code


def test_distinct_holds_to_the_time_limit(ask: Ask, fruit: None) -> None:
    assert ask({"distinct": "fruit", "key": "n", "maxTimeMS": 60_000})["values"] == [None, 2, 4]
    assert ask({"distinct": "fruit", "key": "n", "maxTimeMS": 0.5})["code"] == 9
