"""Sort patterns: order of values, arrays, nested arrays, and what is refused."""

import math
from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.sort_keys import parse_sort
from amongo.values.deprecated import Undefined
from amongo.values.order import compare

ASCENDING: list[Any] = [
    MinKey(), Undefined(), None, math.nan, -math.inf, -1, 0, Decimal128("0.5"), Int64(1), 2.5, math.inf,
    "", "a", "b", {}, {"x": 1}, b"", b"a", ObjectId("0" * 24), False, True, DatetimeMS(-1), DatetimeMS(5), MaxKey(),
]  # fmt: skip


def names(spec: dict[str, Any], documents: list[dict[str, Any]]) -> list[int]:
    """The `_id`s in sorted order."""
    return [document["_id"] for document in sorted(documents, key=parse_sort(spec).key)]


def test_total_order() -> None:
    documents: list[dict[str, Any]] = [{"_id": place, "a": value} for place, value in enumerate(ASCENDING)]
    assert names({"a": 1}, documents[::-1]) == list(range(len(ASCENDING)))
    assert names({"a": -1}, documents) == list(range(len(ASCENDING)))[::-1]


CASES: list[tuple[str, dict[str, Any], list[Any], list[int]]] = [
    # name, pattern, values of a, expected order
    ("smallest element ascending", {"a": 1}, [3, [5, 1], 2], [1, 2, 0]),
    ("largest element descending", {"a": -1}, [3, [5, 1], 4], [1, 2, 0]),
    ("empty array below null", {"a": 1}, [None, [], MinKey()], [2, 1, 0]),
    ("empty array last descending", {"a": -1}, [None, [], 1], [2, 0, 1]),
    ("nested array is an array", {"a": 1}, [[[1]], [{"x": 1}], "z"], [2, 1, 0]),
    ("dotted through documents", {"a.b": 1}, [{"b": 2}, {"b": 1}, {}], [2, 1, 0]),
    ("dotted through arrays", {"a.b": 1}, [[{"b": 9}, {"b": 2}], [{"b": 3}]], [0, 1]),
    ("scalar in the array counts as null", {"a.b": 1}, [[{"b": -5}], [{"b": 9}, 7]], [1, 0]),
    ("empty array on the way counts as null", {"a.b": 1}, [{"b": -1}, []], [1, 0]),
    ("by position", {"a.0": 1}, [[9, 0], [1, 5]], [1, 0]),
    ("position past the end counts as null", {"a.1": 1}, [[1, -5], [1]], [1, 0]),
    ("elements move together", {"a.b": 1, "a.c": 1}, [[{"b": 1, "c": 9}, {"b": 2, "c": 0}], {"b": 1, "c": 5}], [1, 0]),
    ("long way down", {"a.b.c": -1}, [{"b": [{"c": [1, 7]}]}, {"b": {"c": 5}}], [0, 1]),
]


@pytest.mark.parametrize(("spec", "values", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_order(spec: dict[str, Any], values: list[Any], expected: list[int]) -> None:
    assert names(spec, [{"_id": place, "a": value} for place, value in enumerate(values)]) == expected


def test_compound_directions() -> None:
    documents: list[dict[str, Any]] = [{"_id": 0, "a": 1, "b": 1}, {"_id": 1, "a": 1.0, "b": 2}, {"_id": 2, "a": 0}]
    assert names({"a": 1, "b": -1}, documents) == [2, 1, 0]
    assert names({"a": -1, "b": 1}, documents) == [0, 1, 2]


def test_array_beside_a_scalar() -> None:
    documents: list[dict[str, Any]] = [{"_id": 0, "a": [2, 3], "b": 1}, {"_id": 1, "a": 2, "b": 0}]
    assert names({"a": 1, "b": 1}, documents) == [1, 0]


def test_missing_equals_null() -> None:
    key = parse_sort({"a": 1}).key
    assert key({}) == key({"a": None})
    assert key({"a": 1}) == key({"a": 1.0}) == key({"a": [1, 5]})


def test_parallel_arrays_are_refused() -> None:
    with pytest.raises(ServerError) as caught:
        parse_sort({"a": 1, "b": 1}).key({"a": [1], "b": [2]})
    assert caught.value.code == 2
    shared = [1, 2]
    with pytest.raises(ServerError):
        parse_sort({"a": 1, "b": 1}).key({"a": shared, "b": shared})


def test_collator() -> None:
    key = parse_sort({"a": 1}).key
    assert key({"a": "B"}, lambda text: text.lower().encode()) == key({"a": "b"}, lambda text: text.lower().encode())


def test_natural() -> None:
    assert parse_sort({"$natural": -1}).natural == -1
    assert parse_sort({"$natural": 1.0}).natural == 1
    assert parse_sort({}).paths == ()


@pytest.mark.parametrize(
    ("order", "direction"),
    [(1.999, 1), (-1.999, -1), (Decimal128("0.51"), 1), (Decimal128("-1.49"), -1), (Int64(1), 1)],
)
def test_fractions_of_a_direction(order: Any, direction: int) -> None:
    assert parse_sort({"a": order}).directions == (direction,)


ERRORS: list[tuple[str, dict[str, Any], int]] = [
    ("string", {"a": "asc"}, 15974),
    ("bool", {"a": True}, 15974),
    ("zero", {"a": 0}, 15975),
    ("two", {"a": 2}, 15975),
    ("NaN", {"a": math.nan}, 15975),
    ("decimal that rounds to two", {"a": Decimal128("1.5")}, 15975),
    ("other expression", {"a": {"$foo": 1}}, 17312),
    ("meta with more", {"a": {"$meta": "randVal", "x": 1}}, 9),
    ("meta unknown", {"a": {"$meta": "nope"}}, 31138),
    ("dollar", {"$a": 1}, 16410),
    ("empty path", {"": 1}, 40352),
    ("empty part", {"a..b": 1}, 15998),
    ("natural beside others", {"$natural": 1, "a": 1}, 2),
    ("natural of two", {"$natural": 2}, 2),
]


@pytest.mark.parametrize(("spec", "code"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_refused(spec: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_sort(spec)
    assert caught.value.code == code


def test_metadata_is_sorted_by_its_keyword() -> None:
    assert parse_sort({"a": {"$meta": "textScore"}, "b": 1}).keywords == ("textScore",)
    assert parse_sort({"a": {"$meta": "randVal"}}).keywords == ("randVal",)


def test_stage_refuses_natural_and_nothing() -> None:
    for spec, code in (({}, 15976), ({"$natural": 1}, 16410)):
        with pytest.raises(ServerError) as caught:
            parse_sort(spec, is_stage=True)
        assert caught.value.code == code


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=2))


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=4))
def test_arrays_sort_by_their_extremes(left: list[Any], right: list[Any]) -> None:
    def extreme(values: list[Any], sign: int) -> Any:
        best = values[0]
        for value in values:
            if compare(value, best) * sign < 0:
                best = value
        return best

    for direction in (1, -1):
        key = parse_sort({"a": direction}).key
        order = compare(extreme(left, direction), extreme(right, direction)) * direction
        keys = key({"a": left}), key({"a": right})
        assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == order
