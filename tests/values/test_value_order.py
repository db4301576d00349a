"""The total order, equality, and the key bytes that write both down."""

import math
from itertools import pairwise
from typing import Any

import canonical_values as canonical
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.key_bytes import bracket_bounds, compound, descending, id_key, key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import canonical_class, compare, equal

OID = ObjectId("0123456789abcdef01234567")

# Each line sorts before the next; the values of one line are equal.
ASCENDING: list[tuple[str, list[Any]]] = [
    ("min key", [MinKey()]),
    ("missing and undefined", [MISSING, UNDEFINED]),
    ("null", [None]),
    ("NaN", [math.nan, -math.nan, Decimal128("NaN"), Decimal128("-NaN"), Decimal128("sNaN")]),
    ("minus infinity", [-math.inf, Decimal128("-Infinity")]),
    ("decimal below every double", [Decimal128("-1E+400"), Decimal128("-10.0E+399")]),
    ("smallest double", [-1.7976931348623157e308]),
    ("smallest long", [Int64(-(2**63)), -(2.0**63), Decimal128("-9223372036854775808")]),
    ("smallest long and one", [Int64(-(2**63) + 1), Decimal128("-9223372036854775807")]),
    ("-1", [-1, -1.0, Int64(-1), Decimal128("-1.0")]),
    ("-0.1 decimal is above -0.1 double", [-0.1]),
    ("-0.1 decimal", [Decimal128("-0.1"), Decimal128("-0.100")]),
    ("zero", [0, 0.0, -0.0, Int64(0), Decimal128("0"), Decimal128("-0E+3")]),
    ("decimal below every positive double", [Decimal128("1E-6176")]),
    ("smallest positive double", [5e-324]),
    ("0.1 decimal is below 0.1 double", [Decimal128("0.1"), Decimal128("0.10")]),
    ("0.1 double", [0.1]),
    ("one", [1, 1.0, Int64(1), Decimal128("1.00")]),
    ("1.5", [1.5, Decimal128("1.50")]),
    ("2**53", [2.0**53, Int64(2**53), Decimal128("9007199254740992")]),
    ("2**53 + 1 is no double", [Int64(2**53 + 1), Decimal128("9007199254740993")]),
    ("2**53 + 2", [2.0**53 + 2, Int64(2**53 + 2)]),
    ("largest long", [Int64(2**63 - 1), Decimal128("9223372036854775807")]),
    ("2**63 as a double", [2.0**63, Decimal128("9223372036854775808")]),
    ("infinity", [math.inf, Decimal128("Infinity")]),
    ("empty string", ["", Symbol("")]),
    ("NUL", ["\0"]),
    ("a", ["a", Symbol("a")]),
    ("a NUL", ["a\0"]),
    ("a NUL a", ["a\0a"]),
    ("a 01", ["a\x01"]),
    ("ab", ["ab"]),
    ("above the surrogates, by UTF-8 and not by UTF-16", ["\uffff"]),
    ("beyond the first plane", ["\U0001f600"]),
    ("empty document", [{}]),
    ("bracket before name", [{"z": 1}]),
    ("bracket before name, string", [{"a": "x"}]),
    ("longer document", [{"a": "x", "b": 1}]),
    ("name before value", [{"b": "a"}]),
    ("field order", [{"b": "a", "a": "b"}]),
    ("document in a document", [{"a": {}}]),
    ("empty array", [[]]),
    ("one element", [[1], [1.0]]),
    ("longer array", [[1, 1]]),
    ("greater element", [[2]]),
    ("array in an array", [[[]]]),
    ("binary by length", [b"\xff", Binary(b"\xff", 0)]),
    ("then subtype", [Binary(b"\0", 5)]),
    ("user subtype", [Binary(b"\0", 128)]),
    ("two bytes", [b"\0\0"]),
    ("subtype 2 stores four bytes more", [Binary(b"\0", 2)]),
    ("ObjectId", [OID]),
    ("false", [False]),
    ("true", [True]),
    ("date before 1970", [DatetimeMS(-1)]),
    ("date", [DatetimeMS(0)]),
    ("timestamp", [Timestamp(1, 2**32 - 1)]),
    ("timestamp past the sign bit", [Timestamp(2**31, 0)]),
    ("regex", [Regex("a", "")]),
    ("regex flags", [Regex("a", "i"), Regex("a", 2)]),
    ("regex pattern", [Regex("aa", "")]),
    ("DBPointer by the length of its namespace", [DBPointer("z", OID)]),
    ("DBPointer", [DBPointer("aa", OID)]),
    ("code", [Code("a")]),
    ("code, longer", [Code("aa")]),
    ("code with scope", [Code("a", {})]),
    ("code with scope, by scope", [Code("a", {"x": 1})]),
    ("max key", [MaxKey()]),
]


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)), ids=[name for name, _ in ASCENDING[1:]])
def test_each_line_sorts_before_the_next(lower: tuple[str, list[Any]], higher: tuple[str, list[Any]]) -> None:
    for left in lower[1]:
        for right in higher[1]:
            assert (compare(left, right), compare(right, left)) == (-1, 1)
            assert not equal(left, right)
            assert key_bytes(left) < key_bytes(right)


@pytest.mark.parametrize("same", [line for _, line in ASCENDING], ids=[name for name, _ in ASCENDING])
def test_values_of_one_line_are_equal(same: list[Any]) -> None:
    for left in same:
        for right in same:
            assert compare(left, right) == 0
            assert equal(left, right)
            assert key_bytes(left) == key_bytes(right) == id_key(right)


def test_far_apart_lines_keep_their_order() -> None:
    lines = [key_bytes(line[0]) for _, line in ASCENDING]
    assert lines == sorted(lines)


def sign(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


@settings(max_examples=400, deadline=None)
@given(canonical.values, canonical.values)
def test_key_bytes_compare_as_the_values_do(left: Any, right: Any) -> None:
    expected = compare(left, right)
    assert compare(right, left) == -expected
    assert equal(left, right) == (expected == 0)
    assert sign(key_bytes(left), key_bytes(right)) == expected
    assert sign(descending(key_bytes(left)), descending(key_bytes(right))) == -expected


@settings(max_examples=600, deadline=None)
@given(canonical.numbers, canonical.numbers)
def test_number_keys_compare_by_exact_value(left: Any, right: Any) -> None:
    assert sign(key_bytes(left), key_bytes(right)) == compare(left, right)


@settings(max_examples=300, deadline=None)
@given(canonical.doubles)
def test_a_double_and_its_exact_decimal_neighbours(value: float) -> None:
    if not math.isfinite(value) or abs(value) > 1e300 or 0 < abs(value) < 1e-300:
        return
    rounded = Decimal128(f"{value:.33e}")
    assert sign(key_bytes(value), key_bytes(rounded)) == compare(value, rounded)


@settings(max_examples=300, deadline=None)
@given(canonical.values, canonical.values, canonical.values)
def test_order_is_total(first: Any, second: Any, third: Any) -> None:
    assert compare(first, first) == 0
    low, middle, high = sorted([first, second, third], key=key_bytes)
    assert compare(low, middle) <= 0
    assert compare(middle, high) <= 0
    assert compare(low, high) <= 0


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(canonical.values, canonical.values), min_size=2, max_size=2),
    st.tuples(*[st.sampled_from([1, -1])] * 2),
)
def test_compound_keys_compare_value_by_value(rows: list[tuple[Any, Any]], directions: tuple[int, int]) -> None:
    left, right = rows
    expected = 0
    for left_value, right_value, direction in zip(left, right, directions, strict=True):
        expected = expected or compare(left_value, right_value) * direction
    assert sign(compound(left, directions), compound(right, directions)) == expected


@settings(max_examples=300, deadline=None)
@given(canonical.values, canonical.values)
def test_no_key_begins_another(left: Any, right: Any) -> None:
    left_key, right_key = key_bytes(left), key_bytes(right)
    assert left_key == right_key or not right_key.startswith(left_key)


@settings(max_examples=200, deadline=None)
@given(canonical.values, canonical.values)
def test_bracket_bounds_hold_the_bracket_and_nothing_else(left: Any, right: Any) -> None:
    low, high = bracket_bounds(left)
    assert (low <= key_bytes(right) < high) == (canonical_class(left) == canonical_class(right))


@settings(max_examples=200, deadline=None)
@given(canonical.values)
def test_id_key_is_the_key(value: Any) -> None:
    assert id_key(value) == key_bytes(value)


def fold(text: str) -> bytes:
    return text.casefold().encode()


COLLATED: list[tuple[str, Any, Any, int]] = [
    ("strings fold", "ABC", "abc", 0),
    ("strings in arrays and documents fold", {"x": ["A"]}, {"x": ["a"]}, 0),
    ("symbols fold", Symbol("A"), "a", 0),
    ("names do not", {"X": 1}, {"x": 1}, -1),
    ("code does not", Code("A"), Code("a"), -1),
    ("scopes do not", Code("a", {"x": "A"}), Code("a", {"x": "a"}), -1),
    ("NUL in a collation key", "A\0", "a", 1),
]


@pytest.mark.parametrize(("name", "left", "right", "expected"), COLLATED)
def test_collation_reaches_string_values_only(name: str, left: Any, right: Any, expected: int) -> None:
    assert compare(left, right, fold) == expected
    assert equal(left, right, fold) == (expected == 0)
    assert sign(key_bytes(left, fold), key_bytes(right, fold)) == expected


@pytest.mark.parametrize("alien", [object(), (1,), {1}, 1j])
def test_what_is_no_bson_value_is_refused(alien: Any) -> None:
    with pytest.raises(TypeError, match="not a canonical BSON value"):
        key_bytes(alien)
    with pytest.raises(TypeError, match="not a canonical BSON value"):
        compare(alien, 1)


def test_huge_exponents_make_short_keys() -> None:
    assert (
        max(
            len(key_bytes(Decimal128(each)))
            for each in ("1E+6144", "-1E-6176", "9.999999999999999999999999999999999E+6144")
        )
        < 64
    )
