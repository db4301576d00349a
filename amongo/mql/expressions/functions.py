"""Functions of one or two numbers: rounding, powers, logarithms. A double stays a double, a decimal has 34 digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context

from amongo.errors import expression as errors
from amongo.mql.expressions.arithmetic import check_number
from amongo.mql.expressions.nodes import Call, Expression, Operator
from amongo.mql.expressions.registry import form, operator, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import (
    LONG_MAX,
    LONG_MIN,
    exact_integer,
    is_nan,
    long,
    number,
    pack_decimal,
    to_decimal,
    to_double,
    unpack_decimal,
)
from amongo.values.types import alias, is_number


def _quiet() -> Context:
    context = create_decimal128_context()
    context.traps = dict.fromkeys(context.traps, False)
    return context


QUIET = _quiet()
"""Decimal128 arithmetic in which nothing raises: infinities and NaN come out instead."""


def _whole_numbers(name: str, rounding: str, double: Callable[[float], int]) -> Callable[[Any], Any]:
    def to_whole(value: Any) -> Any:
        if is_nullish(value):
            return None
        check_number(name, value)
        if type(value) is float:
            return math.copysign(float(double(value)), value) if math.isfinite(value) else value
        if type(value) is Decimal128:
            return pack_decimal(_quantize(unpack_decimal(value), 0, rounding))
        return value

    return to_whole


@operator("$ceil", arity=1)
def ceil(value: Any) -> Any:
    """The next whole number up.

    args     a number
    result   of the same type; null for null or missing
    errors   TAKES_NUMBER
    source   manual, $ceil
    """
    return _ceil(value)


@operator("$floor", arity=1)
def floor(value: Any) -> Any:
    """The next whole number down.

    args     a number
    result   of the same type; null for null or missing
    errors   TAKES_NUMBER
    source   manual, $floor
    """
    return _floor(value)


_ceil = _whole_numbers("$ceil", ROUND_CEILING, math.ceil)
_floor = _whole_numbers("$floor", ROUND_FLOOR, math.floor)


@operator("$round", arity=(1, 2))
def round_to_place(args: list[Any]) -> Any:
    """Round half to even at a decimal place.

    args     a number; the place, -20 to 100, 0 if not given
    result   of the same type (an int becomes a long if it must); null if either is null or missing
    errors   ROUND_TAKES_NUMBER, PLACE_TYPE, PLACE_OVERFLOW, PLACE_NOT_WHOLE, PLACE_OUT_OF_RANGE, ROUND_OVERFLOW
    source   manual, $round
    """
    return _at_place("$round", args, ROUND_HALF_EVEN)


@operator("$trunc", arity=(1, 2))
def truncate(args: list[Any]) -> Any:
    """Cut off at a decimal place.

    args     a number; the place, -20 to 100, 0 if not given
    result   of the same type; null if either is null or missing
    errors   ROUND_TAKES_NUMBER, PLACE_TYPE, PLACE_OVERFLOW, PLACE_NOT_WHOLE, PLACE_OUT_OF_RANGE
    source   manual, $trunc
    """
    return _at_place("$trunc", args, ROUND_DOWN)


def _at_place(name: str, args: list[Any], rounding: str) -> Any:
    value = args[0]
    if is_nullish(value):
        return None
    if not is_number(value):
        raise errors.ROUND_TAKES_NUMBER(name=name)
    place = 0
    if len(args) == 2:
        if is_nullish(args[1]):
            return None
        place = _parse_place(name, args[1])
    if type(value) is Decimal128:
        exact = unpack_decimal(value)
        at_place = _quantize(exact, place, rounding)
        return value if not exact.is_finite() or at_place.is_nan() else pack_decimal(at_place)
    if type(value) is float:
        at_place = _quantize(QUIET.create_decimal_from_float(value), place, rounding)
        return value if not math.isfinite(value) or at_place.is_nan() else float(at_place)
    if place >= 0:
        return value
    rounded = int(_quantize(Decimal(int(value)), place, rounding))
    if not LONG_MIN <= rounded <= LONG_MAX:
        raise errors.ROUND_OVERFLOW()
    return long(rounded) if type(value) is Int64 else number(rounded)


def _quantize(value: Decimal, place: int, rounding: str) -> Decimal:
    """The value with its last digit at a place; NaN for an infinity, and where that takes more than 34 digits."""
    return value.quantize(Decimal((0, (1,), -place)), rounding=rounding, context=QUIET)


def _parse_place(name: str, place: Any) -> int:
    if not is_number(place):
        raise errors.PLACE_TYPE()
    if type(place) is float and not math.isfinite(place):
        raise errors.PLACE_OVERFLOW()
    whole = exact_integer(place)
    if whole is None:
        raise errors.PLACE_NOT_WHOLE(name=name)
    if not -20 <= whole <= 100:
        raise errors.PLACE_OUT_OF_RANGE(name=name, place=whole)
    return whole


@operator("$exp", arity=1)
def exp(value: Any) -> Any:
    """e to the power of a number.

    args     a number
    result   double or decimal; null for null or missing
    errors   TAKES_NUMBER
    source   manual, $exp
    """
    if is_nullish(value):
        return None
    check_number("$exp", value)
    if type(value) is Decimal128:
        return pack_decimal(QUIET.exp(unpack_decimal(value)))
    try:
        return math.exp(to_double(value))
    except OverflowError:
        return math.inf


@operator("$sqrt", arity=1)
def sqrt(value: Any) -> Any:
    """The square root.

    args     a number, not below zero
    result   double or decimal; null for null or missing
    errors   TAKES_NUMBER, SQRT_OF_NEGATIVE
    source   manual, $sqrt
    """
    if is_nullish(value):
        return None
    check_number("$sqrt", value)
    if type(value) is Decimal128:
        exact = unpack_decimal(value)
        if not exact.is_nan() and exact < 0:
            raise errors.SQRT_OF_NEGATIVE()
        return pack_decimal(QUIET.sqrt(exact))
    double = to_double(value)
    if double < 0:
        raise errors.SQRT_OF_NEGATIVE()
    return math.sqrt(double)


@operator("$ln", arity=1)
def ln(value: Any) -> Any:
    """The natural logarithm.

    args     a number above zero
    result   double or decimal; null for null or missing
    errors   TAKES_NUMBER, LN_OF_NOT_POSITIVE
    source   manual, $ln
    """
    if is_nullish(value):
        return None
    check_number("$ln", value)
    if not _is_positive(value):
        raise errors.LN_OF_NOT_POSITIVE(value=value)
    if type(value) is Decimal128 and not is_nan(value):
        return pack_decimal(QUIET.ln(unpack_decimal(value)))
    return math.log(to_double(value))


@operator("$log10", arity=1)
def log10(value: Any) -> Any:
    """The logarithm to the base 10.

    args     a number above zero
    result   double or decimal; null for null or missing
    errors   TAKES_NUMBER, LOG10_OF_NOT_POSITIVE
    source   manual, $log10
    """
    if is_nullish(value):
        return None
    check_number("$log10", value)
    if not _is_positive(value):
        raise errors.LOG10_OF_NOT_POSITIVE(value=value)
    if type(value) is Decimal128 and not is_nan(value):
        found = QUIET.log10(unpack_decimal(value))
        is_whole = found.is_finite() and found == found.to_integral_value()
        return pack_decimal(found.quantize(Decimal(1)) if is_whole else found)
    return math.log10(to_double(value))


@operator("$log", arity=2)
def log(value: Any, base: Any) -> Any:
    """The logarithm to any base.

    args     a number above zero; a base above zero that is not 1
    result   double, or decimal if either is one; null if either is null or missing
    errors   LOG_TAKES_NUMBER, LOG_BASE_NUMBER, LOG_OF_NOT_POSITIVE, LOG_BASE_RANGE
    source   manual, $log
    """
    if is_nullish(value) or is_nullish(base):
        return None
    if not is_number(value):
        raise errors.LOG_TAKES_NUMBER()
    if not is_number(base):
        raise errors.LOG_BASE_NUMBER()
    if not _is_positive(value):
        raise errors.LOG_OF_NOT_POSITIVE(value=value)
    if not _is_positive(base) or to_decimal(base) == 1:
        raise errors.LOG_BASE_RANGE(value=base)
    if is_nan(value) or is_nan(base):
        return math.nan
    if type(value) is Decimal128 or type(base) is Decimal128:
        return pack_decimal(QUIET.divide(QUIET.ln(to_decimal(value)), QUIET.ln(to_decimal(base))))
    return math.log(to_double(value)) / math.log(to_double(base))


def _is_positive(value: Any) -> bool:
    """Above zero, or NaN."""
    exact = unpack_decimal(value) if type(value) is Decimal128 else value
    if type(exact) is Decimal:
        return bool(exact.is_nan() or exact > 0)
    return not exact <= 0


@operator("$pow", arity=2)
def power(base: Any, exponent: Any) -> Any:
    """A number to the power of another.

    args     two numbers
    result   int or long for whole numbers while it fits 64 bits, else double; decimal if either is one;
             null if either is null or missing
    errors   POW_BASE_NUMBER, POW_EXPONENT_NUMBER, POW_ZERO_TO_NEGATIVE
    source   manual, $pow
    """
    if is_nullish(base) or is_nullish(exponent):
        return None
    if not is_number(base):
        raise errors.POW_BASE_NUMBER(kind=alias(base))
    if not is_number(exponent):
        raise errors.POW_EXPONENT_NUMBER(kind=alias(exponent))
    kinds = (type(base), type(exponent))
    if Decimal128 in kinds:
        return _decimal_power(to_decimal(base), to_decimal(exponent))
    if float in kinds:
        return _double_power(to_double(base), to_double(exponent))
    whole_base, whole_exponent = int(base), int(exponent)
    if whole_base == 0 and whole_exponent < 0:
        raise errors.POW_ZERO_TO_NEGATIVE()
    wrap = long if Int64 in kinds else number
    if whole_base in (0, 1):
        return wrap(1 if whole_exponent == 0 else whole_base)
    if whole_base == -1:
        return wrap(-1 if whole_exponent % 2 else 1)
    if 0 <= whole_exponent <= 63 and LONG_MIN <= (result := whole_base**whole_exponent) <= LONG_MAX:
        return wrap(result)
    return _double_power(float(whole_base), float(whole_exponent))


def _double_power(base: float, exponent: float) -> float:
    if base == 0 and exponent < 0:
        raise errors.POW_ZERO_TO_NEGATIVE()
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.nan


def _decimal_power(base: Decimal, exponent: Decimal) -> Decimal128:
    if base == 0 and exponent < 0:
        raise errors.POW_ZERO_TO_NEGATIVE()
    if base == 1 or exponent == 0:
        return Decimal128("1")
    result = QUIET.power(base, exponent)
    if result == 0:
        return Decimal128("0E-6176")  # whatever its sign
    if result.is_finite():
        padded = result.quantize(Decimal((0, (1,), result.adjusted() - 33)), context=QUIET)
        result = result if padded.is_nan() else padded
    return pack_decimal(result)


def sigmoid(value: Any) -> Any:
    """The sigmoid of an evaluated value; see `parse_sigmoid`.

    errors   SIGMOID_TAKES_NUMBER
    """
    if is_nullish(value):
        return None
    if not is_number(value):
        raise errors.SIGMOID_TAKES_NUMBER(kind=alias(value))
    if type(value) is Decimal128:
        exact = unpack_decimal(value)
        if exact.is_nan():
            return value
        grown = QUIET.add(Decimal(1), QUIET.exp(exact.copy_negate()))
        return pack_decimal(QUIET.divide(Decimal(1), grown))
    double = to_double(value)
    try:
        return 1.0 / (1.0 + math.exp(-double))
    except OverflowError:
        return 0.0


_SIGMOID = Operator("$sigmoid", sigmoid, False)


@form("$sigmoid")
def parse_sigmoid(operand: Any, scope: Scope) -> Expression:
    """1 / (1 + e to the power of -x).

    args     a number; an array is no list of arguments here
    result   double or decimal between 0 and 1; null for null or missing
    errors   SIGMOID_TAKES_NUMBER
    source   manual, $sigmoid
    """
    return Call(_SIGMOID, (parse_operand(operand, scope),))
