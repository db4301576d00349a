"""The array position for the positional operator."""

from typing import Any

import pytest

from amongo.mql.matcher import array_match_index, parse_filter

CASES: list[tuple[str, dict[str, Any], dict[str, Any], int | None]] = [
    ("first equal element", {"a": 2}, {"a": [1, 2, 2]}, 1),
    ("whole array gives none", {"a": [1, 2]}, {"a": [1, 2]}, None),
    ("scalar gives none", {"a": 2}, {"a": 2}, None),
    ("through documents", {"a.b": 2}, {"a": [{"b": 1}, {"b": 2}]}, 1),
    ("outermost array counts", {"a.b": 2}, {"a": [{"b": [1]}, {"b": [5, 4, 2]}]}, 1),
    ("elemMatch", {"a": {"$elemMatch": {"x": 1, "y": 2}}}, {"a": [{"x": 1}, {"x": 1, "y": 2}]}, 1),
    ("elemMatch value", {"a": {"$elemMatch": {"$gt": 1}}}, {"a": [0, 5]}, 1),
    ("elemMatch below an array", {"a.b": {"$elemMatch": {"$gt": 1}}}, {"a": [{"b": [0]}, {"b": [0, 0, 5]}]}, 1),
    ("two fields: the later path", {"b": 5, "a": 2}, {"a": [1, 2], "b": [5, 6]}, 0),
    ("by operator, then by path", {"a": {"$gt": 1, "$lt": 5}}, {"a": [1, 2, 3]}, 1),
    ("or of equalities on one path", {"$or": [{"a": 9}, {"a": 3}]}, {"a": [1, 3, 9]}, 1),
    ("or of others gives none", {"$or": [{"a": {"$gt": 2}}, {"b": 1}]}, {"a": [1, 3]}, None),
    ("not gives none", {"a": {"$ne": 5}}, {"a": [1, 3]}, None),
    ("nor gives none", {"$nor": [{"a": 5}]}, {"a": [1, 3]}, None),
    ("no match", {"a": 5}, {"a": [1, 3]}, None),
    ("in", {"a": {"$in": [3, 9]}}, {"a": [1, 9]}, 1),
    ("all takes the last of equal rank", {"a": {"$all": [3, 1]}}, {"a": [1, 3]}, 0),
    ("a place that the path names gives none", {"a.0": 1}, {"a": [1]}, None),
    ("nor one on the way", {"a.0.b": 1}, {"a": [{"b": 1}]}, None),
    ("nor two of them", {"a.0.0": 1}, {"a": [[1]]}, None),
    ("nor with a field between", {"a.0.b.0": 1}, {"a": [{"b": [1]}]}, None),
    ("behind a named place, the array that was searched", {"a.0.b": 1}, {"a": [{"b": [0, 1]}]}, 1),
    ("before a named place, the array that was searched", {"a.b.1": 1}, {"a": [{"b": []}, {"b": [0, 1]}]}, 1),
    ("a named place does not hide another path's", {"a": 1, "b.0": 0}, {"a": [0, 1], "b": [0]}, 1),
    ("nor below it", {"a": 1, "b.0.c": 0}, {"a": [0, 1], "b": [{"c": 0}]}, 1),
    ("nor in two arrays", {"a": 1, "b.0.c.0": 0}, {"a": [0, 1], "b": [{"c": [0]}]}, 1),
    ("elemMatch behind a named place", {"a.0": {"$elemMatch": {"$gt": 0}}}, {"a": [[0, 1]]}, 1),
    ("expr gives none", {"$expr": True, "a": 3}, {"a": [1, 3]}, 1),
]


@pytest.mark.parametrize(("filter", "document", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_array_match_index(filter: dict[str, Any], document: dict[str, Any], expected: int | None) -> None:
    assert array_match_index(parse_filter(filter), document) == expected
