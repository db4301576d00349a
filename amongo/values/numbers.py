"""Arithmetic as MongoDB does it on its four number types.

int + int is an int, or a long when it does not fit 32 bits; with a long it is a long; with a double a double; with a
decimal a decimal. When 64 bits are not enough, either the operation fails (update operators) or the result is a
double (aggregation): `add`, `subtract`, `multiply` and `negate` fail, their twins `…_widening` give the double.

A double that meets a decimal first becomes a decimal of 15 significant digits, as the server converts it. Decimals
have 34 digits and round half to even.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypeAlias

from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context

from amongo.errors import value as errors
from amongo.values.types import NUMERIC_CLASSES, alias

Number: TypeAlias = int | Int64 | float | Decimal128

INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1

_CONTEXT: Final = create_decimal128_context()
_DOUBLE_DIGITS: Final = 15
_LARGEST_COEFFICIENT: Final = 10**34 - 1
_EXPONENT_BIAS: Final = 6176


# Between Python and BSON numbers


def number(value: int) -> int | Int64:
    """A whole number as BSON holds it: an int in the 32-bit range, else a long.

    errors   LONG_OVERFLOW outside the 64-bit range
    """
    if INT_MIN <= value <= INT_MAX:
        return int(value)
    return long(value)


def long(value: int) -> Int64:
    """A whole number as a long.

    errors   LONG_OVERFLOW outside the 64-bit range
    """
    if not LONG_MIN <= value <= LONG_MAX:
        raise errors.LONG_OVERFLOW()
    return Int64(value)


def is_nan(value: Any) -> bool:
    """Whether the value is the NaN of a double or of a decimal."""
    if type(value) is float:
        return value != value
    return type(value) is Decimal128 and unpack_decimal(value).is_nan()


def exact_integer(value: Any) -> int | None:
    """The value as a Python int when it is a number, whole and within 64 bits; else None (also for NaN)."""
    kind = type(value)
    if kind is int or kind is Int64:
        return int(value)
    if kind is float:
        if not -9.3e18 < value < 9.3e18 or not value.is_integer():
            return None
        whole = int(value)
    elif kind is Decimal128:
        exact = unpack_decimal(value)
        if not exact.is_finite() or exact.adjusted() > 19:
            return None
        whole = int(exact)
        if whole != exact:
            return None
    else:
        return None
    return whole if LONG_MIN <= whole <= LONG_MAX else None


def exact_int(value: Any) -> int | None:
    """Like `exact_integer`, within 32 bits."""
    whole = exact_integer(value)
    return whole if whole is not None and INT_MIN <= whole <= INT_MAX else None


def truncated_integer(value: Any) -> int:
    """A number cut towards zero and held to the 64-bit range; NaN is 0: how the server reads a count that may be a
    double.

    errors   NOT_A_NUMBER
    """
    _check(value, value)
    if is_nan(value):
        return 0
    exact = unpack_decimal(value) if type(value) is Decimal128 else value
    return LONG_MIN if exact < LONG_MIN else LONG_MAX if exact > LONG_MAX else int(exact)


def to_integer(value: Any) -> int:
    """A number of an option as a 64-bit integer (the server's `safeNumberLong`).

    A double is cut towards zero, a decimal rounded half to even; both are held within 64 bits, and NaN is 0.
    """
    if type(value) is Decimal128:
        decimal = value.to_decimal()
        if decimal.is_finite() and abs(decimal) <= LONG_MAX:
            return int(decimal.to_integral_value(ROUND_HALF_EVEN))
        value = float(decimal)
    if value != value:
        return 0
    return LONG_MIN if value < LONG_MIN else LONG_MAX if value > LONG_MAX else int(value)


def to_double(value: Any) -> float:
    """The nearest double; a decimal beyond the largest double becomes infinite."""
    if type(value) is Decimal128:
        exact = unpack_decimal(value)
        return math.nan if exact.is_nan() else float(exact)
    return float(value)


def unpack_decimal(value: Decimal128) -> Decimal:
    """The exact value of a Decimal128, trailing zeros kept; a coefficient past 34 digits counts as zero (IEEE 754)."""
    low, high = struct.unpack("<QQ", value.bid)
    sign = "-" if high >> 63 else ""
    if (high >> 61) & 3 == 3:
        if (high >> 58) & 31 == 31:
            return Decimal(sign + "NaN")
        if (high >> 58) & 31 == 30:
            return Decimal(sign + "Infinity")
        exponent = (high >> 47) & 0x3FFF
        coefficient = 0
    else:
        exponent = (high >> 49) & 0x3FFF
        coefficient = (high & 0x1FFFFFFFFFFFF) << 64 | low
        if coefficient > _LARGEST_COEFFICIENT:
            coefficient = 0
    return Decimal(f"{sign}{coefficient}E{exponent - _EXPONENT_BIAS}")


def pack_decimal(value: Decimal) -> Decimal128:
    """The Decimal128 of a Decimal, rounded to 34 digits, half to even; infinite past the largest exponent."""
    sign, digits, exponent = _CONTEXT.create_decimal(value).as_tuple()
    if isinstance(exponent, str):
        high, low = (0x7800000000000000 if exponent == "F" else 0x7C00000000000000), 0
    else:
        coefficient = int("".join(map(str, digits)))
        high, low = (exponent + _EXPONENT_BIAS) << 49 | coefficient >> 64, coefficient & 0xFFFFFFFFFFFFFFFF
    return Decimal128((high | sign << 63, low))  # type: ignore[arg-type]  # bson takes (high, low) but does not say so


def to_decimal(value: Any) -> Decimal:
    """A number as a Decimal within Decimal128's range: int, long and decimal exactly, a double with 15 digits."""
    kind = type(value)
    if kind is Decimal128:
        return unpack_decimal(value)
    if kind is float:
        return _double_to_decimal(value)
    return Decimal(value)


def _double_to_decimal(value: float) -> Decimal:
    """15 significant digits, trailing zeros kept; rounded from the 34-digit value, as the server does in two steps."""
    if value == 0 or not math.isfinite(value):
        return Decimal.from_float(value)
    near = _CONTEXT.create_decimal_from_float(value)
    last_digit = near.adjusted() - _DOUBLE_DIGITS + 1
    rounded = near.quantize(Decimal((0, (1,), last_digit)), context=_CONTEXT)
    if rounded.adjusted() > near.adjusted():
        rounded = near.quantize(Decimal((0, (1,), last_digit + 1)), context=_CONTEXT)
    return rounded


# Addition, subtraction, multiplication


def add(left: Number, right: Number) -> Number:
    """left + right.

    errors   LONG_OVERFLOW past 64 bits; NOT_A_NUMBER for any other value
    """
    return _combine(left, right, _ADD, _overflow)


def add_widening(left: Number, right: Number) -> Number:
    """left + right; a double past 64 bits.

    errors   NOT_A_NUMBER
    """
    return _combine(left, right, _ADD, float)


def subtract(left: Number, right: Number) -> Number:
    """left - right.

    errors   LONG_OVERFLOW past 64 bits; NOT_A_NUMBER for any other value
    """
    return _combine(left, right, _SUBTRACT, _overflow)


def subtract_widening(left: Number, right: Number) -> Number:
    """left - right; a double past 64 bits.

    errors   NOT_A_NUMBER
    """
    return _combine(left, right, _SUBTRACT, float)


def multiply(left: Number, right: Number) -> Number:
    """left * right.

    errors   LONG_OVERFLOW past 64 bits; NOT_A_NUMBER for any other value
    """
    return _combine(left, right, _MULTIPLY, _overflow)


def multiply_widening(left: Number, right: Number) -> Number:
    """left * right; a double past 64 bits.

    errors   NOT_A_NUMBER
    """
    return _combine(left, right, _MULTIPLY, float)


def _overflow(whole: int) -> float:
    raise errors.LONG_OVERFLOW()


_Operation: TypeAlias = tuple[Callable[[Any, Any], Any], Callable[[Decimal, Decimal], Decimal]]
_ADD: Final[_Operation] = (lambda left, right: left + right, _CONTEXT.add)
_SUBTRACT: Final[_Operation] = (lambda left, right: left - right, _CONTEXT.subtract)
_MULTIPLY: Final[_Operation] = (lambda left, right: left * right, _CONTEXT.multiply)


def _combine(left: Any, right: Any, operation: _Operation, past_64_bits: Callable[[int], float]) -> Number:
    kinds = (type(left), type(right))
    if kinds[0] not in NUMERIC_CLASSES or kinds[1] not in NUMERIC_CLASSES:
        raise errors.NOT_A_NUMBER(alias=alias(right if kinds[0] in NUMERIC_CLASSES else left))
    if Decimal128 in kinds:
        return pack_decimal(operation[1](to_decimal(left), to_decimal(right)))
    if float in kinds:
        return float(operation[0](float(left), float(right)))
    whole = operation[0](int(left), int(right))
    if Int64 not in kinds and INT_MIN <= whole <= INT_MAX:
        return int(whole)
    if LONG_MIN <= whole <= LONG_MAX:
        return Int64(whole)
    return past_64_bits(whole)


# Division, remainder, sign


def divide(left: Any, right: Any) -> float | Decimal128:
    """left / right: a double, or a decimal if either is one.

    errors   DIVISION_BY_ZERO; NOT_A_NUMBER
    source   manual, $divide
    """
    _check(left, right)
    if type(left) is Decimal128 or type(right) is Decimal128:
        divisor = to_decimal(right)
        if divisor == 0:
            raise errors.DIVISION_BY_ZERO()
        return pack_decimal(_CONTEXT.divide(to_decimal(left), divisor))
    if right == 0:
        raise errors.DIVISION_BY_ZERO()
    return float(left) / float(right)


def mod(left: Any, right: Any) -> Number:
    """The remainder of left / right with the sign of `left`, in the wider of the two types.

    errors   DIVISION_BY_ZERO; NOT_A_NUMBER
    source   manual, $mod
    """
    _check(left, right)
    if type(left) is Decimal128 or type(right) is Decimal128:
        return _mod_decimal(to_decimal(left), to_decimal(right))
    if right == 0:
        raise errors.DIVISION_BY_ZERO()
    if type(left) is float or type(right) is float:
        dividend, divisor = float(left), float(right)
        return math.nan if math.isinf(dividend) else math.fmod(dividend, divisor)
    whole = abs(left) % abs(right)
    signed = -whole if left < 0 else whole
    return Int64(signed) if Int64 in (type(left), type(right)) else int(signed)


def _mod_decimal(left: Decimal, right: Decimal) -> Decimal128:
    """The remainder, exact however far the exponents lie apart."""
    if right == 0 and not right.is_nan():
        raise errors.DIVISION_BY_ZERO()
    if left.is_nan() or right.is_nan() or left.is_infinite():
        return Decimal128("NaN")
    if right.is_infinite() or left == 0:
        return pack_decimal(left)
    if left.adjusted() < right.adjusted():
        return pack_decimal(left)
    dividend, left_exponent = _coefficient(left)
    divisor, right_exponent = _coefficient(right)
    exponent = min(left_exponent, right_exponent)
    if left_exponent >= right_exponent:
        rest = dividend * pow(10, left_exponent - right_exponent, divisor) % divisor
    else:
        rest = dividend % (divisor * 10 ** (right_exponent - left_exponent))
    return pack_decimal(Decimal(f"{'-' if left.is_signed() else ''}{rest}E{exponent}"))


def _coefficient(value: Decimal) -> tuple[int, int]:
    """(digits without sign, exponent)."""
    _, digits, exponent = value.as_tuple()
    return int("".join(map(str, digits))), int(exponent)


def negate(value: Number) -> Number:
    """-value.

    errors   LONG_OVERFLOW for the smallest long; NOT_A_NUMBER
    """
    return _negate(value, _overflow)


def negate_widening(value: Number) -> Number:
    """-value; a double for the smallest long.

    errors   NOT_A_NUMBER
    """
    return _negate(value, float)


def absolute(value: Any) -> Number:
    """The magnitude, in the value's type; an int of -2**31 gives a long.

    errors   LONG_OVERFLOW for the smallest long; NOT_A_NUMBER
    source   manual, $abs
    """
    _check(value, value)
    if type(value) is Decimal128:
        return pack_decimal(unpack_decimal(value).copy_abs())
    if type(value) is float:
        return abs(value)
    return negate(value) if value < 0 else value


def _negate(value: Any, past_64_bits: Callable[[int], float]) -> Number:
    _check(value, value)
    if type(value) is Decimal128:
        return pack_decimal(unpack_decimal(value).copy_negate())
    if type(value) is float:
        return -value
    return _combine(0, value, _SUBTRACT, past_64_bits)


def _check(left: Any, right: Any) -> None:
    for value in (left, right):
        if type(value) not in NUMERIC_CLASSES:
            raise errors.NOT_A_NUMBER(alias=alias(value))
