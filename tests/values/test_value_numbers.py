"""Promotion, overflow and conversion on the four number types."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import canonical_values as canonical
import pytest
from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ErrorCode, ServerError
from amongo.values import numbers

INT_MAX, LONG_MAX, LONG_MIN = 2**31 - 1, 2**63 - 1, -(2**63)


def dec(text: str) -> Decimal128:
    return Decimal128(text)


def assert_same(actual: Any, expected: Any) -> None:
    """The same type and the same value, down to NaN, the sign of zero and a decimal's trailing zeros."""
    assert type(actual) is type(expected)
    assert repr(actual) == repr(expected)


RESULTS: list[tuple[str, Any, tuple[Any, ...], Any]] = [
    ("int + int", numbers.add, (1, 2), 3),
    ("int + int past 32 bits", numbers.add, (INT_MAX, 1), Int64(2**31)),
    ("int + long", numbers.add, (1, Int64(2)), Int64(3)),
    ("long + double", numbers.add, (Int64(1), 0.5), 1.5),
    ("int + decimal", numbers.add, (1, dec("0.10")), dec("1.10")),
    ("double + decimal", numbers.add, (1.5, dec("1")), dec("2.50000000000000")),
    ("long + long past 64 bits, widening", numbers.add_widening, (Int64(LONG_MAX), 1), 2.0**63),
    ("int - int past 32 bits", numbers.subtract, (-INT_MAX, 2), Int64(-(2**31) - 1)),
    ("long - long past 64 bits, widening", numbers.subtract_widening, (Int64(LONG_MIN), 1), -(2.0**63)),
    ("double - int", numbers.subtract, (0.5, 1), -0.5),
    ("int * int", numbers.multiply, (3, -4), -12),
    ("int * int past 32 bits", numbers.multiply, (INT_MAX, INT_MAX), Int64(INT_MAX**2)),
    ("long * int past 64 bits, widening", numbers.multiply_widening, (Int64(LONG_MAX), 2), 2.0**64),
    ("double overflow", numbers.multiply, (1e308, 10), math.inf),
    ("decimal overflow", numbers.multiply, (dec("9E+6144"), 10), dec("Infinity")),
    ("decimal keeps 34 digits", numbers.add, (dec("1E+33"), dec("0.5")), dec("1000000000000000000000000000000000")),
    ("infinity - infinity", numbers.subtract, (math.inf, math.inf), math.nan),
    ("int / int is a double", numbers.divide, (6, 3), 2.0),
    ("int / decimal", numbers.divide, (1, dec("3")), dec("0.3333333333333333333333333333333333")),
    ("double / decimal", numbers.divide, (1.0, dec("4")), dec("0.25000000000000")),
    ("int % int, sign of the dividend", numbers.mod, (-7, 3), -1),
    ("int % negative", numbers.mod, (7, -3), 1),
    ("long % int", numbers.mod, (Int64(LONG_MIN), -1), Int64(0)),
    ("double % int", numbers.mod, (-7.5, 2), -1.5),
    ("infinity % int", numbers.mod, (math.inf, 2), math.nan),
    ("int % infinity", numbers.mod, (5, math.inf), 5.0),
    ("decimal % int", numbers.mod, (dec("7.5"), 2), dec("1.5")),
    ("negative decimal % int", numbers.mod, (dec("-7.5"), 2), dec("-1.5")),
    ("decimal % far smaller decimal", numbers.mod, (dec("1E+6000"), dec("7")), dec(str(pow(10, 6000, 7)))),
    ("decimal % far larger decimal", numbers.mod, (dec("7"), dec("1E+6000")), dec("7")),
    (
        "decimal of 34 digits % 34 digits",
        numbers.mod,
        (dec("9" * 34), dec("0.7")),
        dec(str(Fraction(int("9" * 34)) % Fraction(7, 10) * 10).join(("0.", ""))),
    ),
    ("-int", numbers.negate, (5,), -5),
    ("-smallest int", numbers.negate, (-(2**31),), Int64(2**31)),
    ("-long", numbers.negate, (Int64(5),), Int64(-5)),
    ("-smallest long, widening", numbers.negate_widening, (Int64(LONG_MIN),), 2.0**63),
    ("-0.0", numbers.negate, (0.0,), -0.0),
    ("-decimal zero", numbers.negate, (dec("0.0"),), dec("-0.0")),
    ("|int|", numbers.absolute, (-5,), 5),
    ("|smallest int|", numbers.absolute, (-(2**31),), Int64(2**31)),
    ("|decimal|", numbers.absolute, (dec("-1.50"),), dec("1.50")),
    ("|-infinity|", numbers.absolute, (-math.inf,), math.inf),
]


@pytest.mark.parametrize(("name", "operation", "operands", "expected"), RESULTS, ids=[each[0] for each in RESULTS])
def test_result_has_the_right_type_and_value(
    name: str, operation: Any, operands: tuple[Any, ...], expected: Any
) -> None:
    assert_same(operation(*operands), expected)


ERRORS: list[tuple[str, Any, tuple[Any, ...], ErrorCode]] = [
    ("long + past 64 bits", numbers.add, (Int64(LONG_MAX), 1), ErrorCode.Overflow),
    ("long - past 64 bits", numbers.subtract, (Int64(LONG_MIN), 1), ErrorCode.Overflow),
    ("long * past 64 bits", numbers.multiply, (Int64(LONG_MAX), 2), ErrorCode.Overflow),
    ("-smallest long", numbers.negate, (Int64(LONG_MIN),), ErrorCode.Overflow),
    ("|smallest long|", numbers.absolute, (Int64(LONG_MIN),), ErrorCode.Overflow),
    ("number past 64 bits", numbers.number, (2**63,), ErrorCode.Overflow),
    ("int / 0", numbers.divide, (1, 0), ErrorCode.BadValue),
    ("double / -0.0", numbers.divide, (1.0, -0.0), ErrorCode.BadValue),
    ("decimal / 0", numbers.divide, (dec("1"), dec("0.0")), ErrorCode.BadValue),
    ("int % 0", numbers.mod, (1, 0.0), ErrorCode.BadValue),
    ("decimal % 0", numbers.mod, (dec("1"), 0), ErrorCode.BadValue),
    ("bool is no number", numbers.add, (1, True), ErrorCode.TypeMismatch),
    ("string is no number", numbers.mod, ("1", 1), ErrorCode.TypeMismatch),
]


@pytest.mark.parametrize(("name", "operation", "operands", "code"), ERRORS, ids=[each[0] for each in ERRORS])
def test_error_has_the_right_code(name: str, operation: Any, operands: tuple[Any, ...], code: ErrorCode) -> None:
    with pytest.raises(ServerError) as raised:
        operation(*operands)
    assert raised.value.code == code


DOUBLES_AS_DECIMALS: list[tuple[float, str]] = [
    (0.1, "0.100000000000000"),
    (1.0, "1.00000000000000"),
    (2.5, "2.50000000000000"),
    (0.0, "0"),
    (-0.0, "-0"),
    (9.9999999999999999, "10.0000000000000"),
    (0.99999999999999994, "1.00000000000000"),
    (1e300, "1.00000000000000E+300"),
    (5e-324, "4.94065645841247E-324"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "expected"), DOUBLES_AS_DECIMALS)
def test_double_becomes_a_decimal_of_15_digits(value: float, expected: str) -> None:
    assert str(numbers.pack_decimal(numbers.to_decimal(value))) == expected


@settings(max_examples=300, deadline=None)
@given(canonical.decimals)
def test_unpack_is_what_bson_reads_and_pack_undoes_it(value: Decimal128) -> None:
    exact = numbers.unpack_decimal(value)
    assert repr(exact) == repr(value.to_decimal())
    assert numbers.pack_decimal(exact).bid == value.bid


@settings(max_examples=300, deadline=None)
@given(st.decimals(allow_nan=False) | st.integers(-(10**40), 10**40).map(Decimal))
def test_pack_rounds_half_to_even_as_decimal128_does(value: Decimal) -> None:
    assert numbers.pack_decimal(value).bid == Decimal128(create_decimal128_context().create_decimal(value)).bid


@pytest.mark.parametrize("special", ["NaN", "Infinity", "-Infinity", "-0", "1E+6144", "1E+7000", "1E-7000"])
def test_pack_special_values(special: str) -> None:
    expected = Decimal128(create_decimal128_context().create_decimal(special))
    assert numbers.pack_decimal(Decimal(special)).bid == expected.bid


def test_coefficient_past_34_digits_is_zero() -> None:
    assert numbers.unpack_decimal(Decimal128.from_bid(b"\xff" * 13 + b"\xff\x41\x30")) == 0


@settings(max_examples=300, deadline=None)
@given(canonical.ints | canonical.longs, canonical.ints | canonical.longs)
def test_whole_arithmetic_is_exact_or_refused(left: Any, right: Any) -> None:
    for operation, exact in (
        (numbers.add, int(left) + int(right)),
        (numbers.subtract, int(left) - int(right)),
        (numbers.multiply, int(left) * int(right)),
    ):
        if LONG_MIN <= exact <= LONG_MAX:
            result: Any = operation(left, right)
            assert int(result) == exact
            assert type(result) is (int if type(left) is type(right) is int and abs(exact + 0.5) < 2**31 else Int64)
        else:
            with pytest.raises(ServerError):
                operation(left, right)


@settings(max_examples=300, deadline=None)
@given(canonical.decimals, canonical.decimals)
def test_decimal_remainder_is_exact(left: Decimal128, right: Decimal128) -> None:
    dividend, divisor = numbers.unpack_decimal(left), numbers.unpack_decimal(right)
    if not dividend.is_finite() or not divisor.is_finite() or divisor == 0:
        return
    rest = abs(Fraction(dividend)) % abs(Fraction(divisor))
    result: Any = numbers.mod(left, right)
    assert Fraction(numbers.unpack_decimal(result)) == (-rest if dividend.is_signed() else rest)


EXACT: list[tuple[Any, int | None]] = [
    (1, 1),
    (Int64(2**62), 2**62),
    (2.0, 2),
    (2.5, None),
    (math.nan, None),
    (math.inf, None),
    (2.0**63, None),
    (-(2.0**63), LONG_MIN),
    (dec("1E+3"), 1000),
    (dec("1.0"), 1),
    (dec("1.5"), None),
    (dec("1E+6000"), None),
    (dec("9223372036854775808"), None),
    (dec("NaN"), None),
    (True, None),
    ("1", None),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), EXACT)
def test_exact_integer(value: Any, expected: int | None) -> None:
    assert numbers.exact_integer(value) == expected
    fits = expected is not None and -(2**31) <= expected <= INT_MAX
    assert numbers.exact_int(value) == (expected if fits else None)


@given(st.integers(-(2**65), 2**65))
def test_number_takes_the_smallest_type(value: int) -> None:
    if not LONG_MIN <= value <= LONG_MAX:
        with pytest.raises(ServerError):
            numbers.number(value)
    else:
        assert_same(numbers.number(value), value if -(2**31) <= value <= INT_MAX else Int64(value))


def test_to_double() -> None:
    assert [
        numbers.to_double(each) for each in (1, Int64(2**53 + 1), 0.5, dec("0.1"), dec("1E+6000"), dec("-1E-6000"))
    ] == [
        1.0,
        2.0**53,
        0.5,
        0.1,
        math.inf,
        -0.0,
    ]
    assert math.isnan(numbers.to_double(dec("NaN")))


@pytest.mark.parametrize(
    ("value", "expected"), [(math.nan, True), (dec("NaN"), True), (1.0, False), (dec("1"), False), ("NaN", False)]
)
def test_is_nan(value: Any, expected: bool) -> None:
    assert numbers.is_nan(value) is expected


TRUNCATED: list[tuple[Any, int]] = [
    (5, 5),
    (-1.9, -1),
    (Int64(LONG_MIN), LONG_MIN),
    (math.inf, LONG_MAX),
    (-1e300, LONG_MIN),
    (2.0**63, LONG_MAX),
    (math.nan, 0),
    (dec("NaN"), 0),
    (dec("-7.9"), -7),
    (dec("1E+6144"), LONG_MAX),
    (dec("-Infinity"), LONG_MIN),
]


@pytest.mark.parametrize(("value", "expected"), TRUNCATED)
def test_truncated_integer(value: Any, expected: int) -> None:
    assert numbers.truncated_integer(value) == expected
