"""How a dotted path reads documents and arrays."""

from typing import Any

import pytest

from amongo.mql.matcher import parse_filter

CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("through a document", {"a.b": 1}, {"a": {"b": 1}}, True),
    ("through an array", {"a.b": 1}, {"a": [{"b": 2}, {"b": 1}]}, True),
    ("through an array to an array", {"a.b": 1}, {"a": [{"b": [3, 1]}]}, True),
    ("not through an array in an array", {"a.b": 1}, {"a": [[{"b": 1}]]}, False),
    ("by position", {"a.1": 2}, {"a": [1, 2]}, True),
    ("position is not another", {"a.0": 2}, {"a": [1, 2]}, False),
    ("an element by position is taken whole", {"a.0": 1}, {"a": [[1, 2]]}, False),
    ("an element by position equals an array", {"a.0": [1, 2]}, {"a": [[1, 2]]}, True),
    ("position into a nested array", {"a.0.1": 2}, {"a": [[1, 2]]}, True),
    ("position then name", {"a.0.b": 1}, {"a": [{"b": 1}]}, True),
    ("a number as a name", {"a.0": 1}, {"a": {"0": 1}}, True),
    ("a number as a name inside an array", {"a.0": 5}, {"a": [{"0": 5}]}, True),
    ("leading zero is a name", {"a.01": 2}, {"a": [1, 2]}, False),
    ("null where a document lacks it", {"a.b": None}, {"a": [{"b": 1}, {}]}, True),
    ("null below a scalar", {"a.b": None}, {"a": 5}, True),
    ("null below an array of scalars", {"a.b": None}, {"a": [1]}, False),
    ("null below an empty array", {"a.b": None}, {"a": []}, False),
    ("not-exists below an empty array", {"a.b": {"$exists": False}}, {"a": []}, True),
    ("exists through an array", {"a.b": {"$exists": True}}, {"a": [{"c": 1}, {"b": None}]}, True),
    ("size is of the array at the end", {"a.b": {"$size": 1}}, {"a": [{"b": [1, 2]}, {"b": [3]}]}, True),
]


@pytest.mark.parametrize(("filter", "document", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_path(filter: dict[str, Any], document: dict[str, Any], expected: bool) -> None:
    assert parse_filter(filter).bind()(document) is expected
    assert parse_filter(filter).locate(document)[0] is expected
