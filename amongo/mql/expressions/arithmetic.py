"""Arithmetic: $add, $subtract, $multiply, $divide, $mod, $abs. Numbers keep the widest type; sums take dates."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP
from typing import Any, cast

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.errors import expression as errors
from amongo.mql.expressions.number_sum import NumberSum
from amongo.mql.expressions.registry import operator
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import (
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    LONG_MIN,
    Number,
    absolute,
    divide,
    mod,
    multiply_widening,
    subtract_widening,
    to_decimal,
)
from amongo.values.types import alias, is_number


@operator("$add", arity=(0, None))
def add(args: list[Any]) -> Any:
    """Add numbers, or milliseconds to one date.

    args     any number of numbers, and at most one date
    result   int, long, double or decimal, the widest type given (past 64 bits a double); a date if there is one;
             0 without arguments; null at the first null or missing argument
    errors   ADD_TAKES_NUMBERS, ADD_TAKES_ONE_DATE, DATE_OVERFLOW
    order    left to right, the first null or wrong type decides
    source   manual, $add
    """
    if len(args) == 2:
        left, right = args
        if type(left) is int and type(right) is int and INT_MIN <= left + right <= INT_MAX:
            return left + right
    total = NumberSum()
    date: DatetimeMS | None = None
    for arg in args:
        if is_number(arg):
            total.add(arg)
        elif type(arg) is DatetimeMS:
            if date is not None:
                raise errors.ADD_TAKES_ONE_DATE()
            date = arg
        elif is_nullish(arg):
            return None
        else:
            raise errors.ADD_TAKES_NUMBERS(kind=alias(arg))
    offset = total.total(starts_at_zero=False)
    return offset if date is None else _shift(int(date), offset, 1)


def _shift(millis: int, offset: Number, sign: int) -> DatetimeMS:
    """A date moved by a number of milliseconds; half of one rounds away from zero, of a decimal to even.

    errors   DATE_OVERFLOW outside 64 bits, and for NaN and infinities
    """
    exact = to_decimal(offset)
    if not exact.is_finite() or exact.adjusted() > 20:
        raise errors.DATE_OVERFLOW()
    rounding = ROUND_HALF_UP if type(offset) is float else ROUND_HALF_EVEN
    moved = millis + sign * int(exact.to_integral_value(rounding))
    if not LONG_MIN <= moved <= LONG_MAX:
        raise errors.DATE_OVERFLOW()
    return DatetimeMS(moved)


@operator("$subtract", arity=2)
def subtract(left: Any, right: Any) -> Any:
    """The difference of numbers, of dates, or of a date and milliseconds.

    args     two numbers; two dates; a date and a number
    result   the wider number type (past 64 bits a double); milliseconds as a long between dates; a date;
             null if either is null or missing
    errors   SUBTRACT_TYPES, DATE_OVERFLOW
    source   manual, $subtract
    """
    if is_number(left) and is_number(right):
        return subtract_widening(left, right)
    if is_nullish(left) or is_nullish(right):
        return None
    if type(left) is DatetimeMS:
        if type(right) is DatetimeMS:
            difference = int(left) - int(right)
            if not LONG_MIN <= difference <= LONG_MAX:
                raise errors.DATE_OVERFLOW()
            return Int64(difference)
        if is_number(right):
            return _shift(int(left), right, -1)
    raise errors.SUBTRACT_TYPES(left=alias(left), right=alias(right))


@operator("$multiply", arity=(0, None))
def multiply(args: list[Any]) -> Any:
    """Multiply numbers.

    args     any number of numbers
    result   the widest type given (past 64 bits a double); 1 without arguments; null at the first null or missing
    errors   MULTIPLY_TAKES_NUMBERS
    order    left to right, the first null or wrong type decides
    source   manual, $multiply
    """
    product: Number = 1
    for arg in args:
        if is_number(arg):
            product = multiply_widening(product, arg)
        elif is_nullish(arg):
            return None
        else:
            raise errors.MULTIPLY_TAKES_NUMBERS(kind=alias(arg))
    return product


@operator("$divide", arity=2)
def quotient(left: Any, right: Any) -> Any:
    """Divide numbers.

    args     two numbers
    result   double, or decimal if either is one; null if either is null or missing
    errors   DIVIDE_TAKES_NUMBERS, DIVIDE_BY_ZERO
    source   manual, $divide
    """
    if is_number(left) and is_number(right):
        if right == 0 or (type(right) not in (int, float, Int64) and to_decimal(right) == 0):
            raise errors.DIVIDE_BY_ZERO()
        return divide(left, right)
    if is_nullish(left) or is_nullish(right):
        return None
    raise errors.DIVIDE_TAKES_NUMBERS(left=alias(left), right=alias(right))


@operator("$mod", arity=2)
def remainder(left: Any, right: Any) -> Any:
    """The remainder of a division, with the dividend's sign.

    args     two numbers
    result   the wider type; null if either is null or missing
    errors   MOD_TAKES_NUMBERS, MOD_BY_ZERO, MOD_BY_DECIMAL_ZERO
    source   manual, $mod
    """
    if is_number(left) and is_number(right):
        if type(right) in (int, float, Int64):
            if right == 0:
                raise errors.MOD_BY_ZERO()
        elif to_decimal(right) == 0:
            raise errors.MOD_BY_DECIMAL_ZERO()
        return mod(left, right)
    if is_nullish(left) or is_nullish(right):
        return None
    raise errors.MOD_TAKES_NUMBERS(left=alias(left), right=alias(right))


@operator("$abs", arity=1)
def magnitude(value: Any) -> Any:
    """The value without its sign.

    args     a number
    result   of the same type (an int becomes a long if it must); null for null or missing
    errors   TAKES_NUMBER, ABS_OF_LEAST_LONG
    source   manual, $abs
    """
    if is_nullish(value):
        return None
    check_number("$abs", value)
    if type(value) is Int64 and value == LONG_MIN:
        raise errors.ABS_OF_LEAST_LONG()
    return absolute(cast(Number, value))


def check_number(name: str, value: Any) -> None:
    """Refuse what is no number.

    errors   TAKES_NUMBER
    """
    if not is_number(value):
        raise errors.TAKES_NUMBER(name=name, kind=alias(value))
