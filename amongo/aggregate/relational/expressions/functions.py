"""Functions of one or two numbers: roots, powers, logarithms, trigonometry.

Python and DuckDB call the same functions of the C library; the tests compare them bit by bit, so that a platform where
that is not so is found out. What would be an error for some argument is lowered only where ranges exclude it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from amongo.aggregate.relational.expressions.numeric import (
    LARGEST,
    LEAST_BIT,
    Doubles,
    Whole,
    as_double,
    double,
    doubles_of,
    may_be_double,
    may_be_whole,
    may_be_zero,
    numbers,
    only_numbers,
    some_long,
    whole_range,
    within_long,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value, of_kind
from amongo.engine.columns import WHOLE
from amongo.values.numbers import exact_integer
from amongo.values.types import BsonType

_LEAST_DOUBLE: Final = 5e-324
_MOST_EXPONENT: Final = 63


def _function(
    name: str,
    template: str,
    low: float = -math.inf,
    high: float = math.inf,
    results: tuple[float, float] = (-LARGEST, LARGEST),
    *,
    takes_infinity: bool = False,
) -> None:
    """Register a function of one number with doubles for results.

    low, high        arguments outside are not lowered
    results          the range of the finite ones
    takes_infinity   whether infinities are arguments like others
    """

    def lower(arguments: list[Value], scope: Scope) -> Value:
        if not only_numbers(name, arguments):
            return NULL_VALUE
        facts = doubles_of(arguments[0])
        if not low <= facts.low <= facts.high <= high or (facts.has_infinity and not takes_infinity):
            raise NotLowered(f"{name} of numbers that may be out of its range")
        known = Doubles(*results, LEAST_BIT, facts.has_nan, has_infinity=True)
        return numbers(None, (sql(template, as_double(arguments[0])), known), arguments)

    lower.__doc__ = f"{name}, where the arguments are proved to have a result."
    lowers_call(name)(lower)


_function("$sqrt", "sqrt({})", 0.0, results=(0.0, LARGEST))
_function("$exp", "exp({})", results=(0.0, LARGEST), takes_infinity=True)
_function("$ln", "ln({})", _LEAST_DOUBLE)
_function("$log10", "log10({})", _LEAST_DOUBLE)
_function("$sin", "sin({})", results=(-1.0, 1.0))
_function("$cos", "cos({})", results=(-1.0, 1.0))
_function("$tan", "tan({})")
_function("$asin", "asin({})", -1.0, 1.0)
_function("$acos", "acos({})", -1.0, 1.0)
_function("$atan", "atan({})", results=(-2.0, 2.0), takes_infinity=True)
_function("$sinh", "sinh({})", takes_infinity=True)
_function("$cosh", "cosh({})", takes_infinity=True)
_function("$tanh", "tanh({})", results=(-1.0, 1.0), takes_infinity=True)
_function("$asinh", "asinh({})", takes_infinity=True)
_function("$acosh", "acosh({})", 1.0)
_function("$atanh", "atanh({})", -1.0 + 2**-53, 1.0 - 2**-53)


def _scaling(name: str, factor: float) -> Callable[[list[Value], Scope], Value]:
    def lower(arguments: list[Value], scope: Scope) -> Value:
        if not only_numbers(name, arguments):
            return NULL_VALUE
        facts = doubles_of(arguments[0])
        known = Doubles.between(
            facts.low * factor,
            facts.high * factor,
            has_nan=facts.has_nan,
            has_infinity=facts.has_infinity,
        )
        return numbers(None, (sql("({} * {})", as_double(arguments[0]), double(factor)), known), arguments)

    lower.__doc__ = f"{name}."
    return lowers_call(name)(lower)


_scaling("$degreesToRadians", math.pi / 180)
_scaling("$radiansToDegrees", 180 / math.pi)


@lowers_call("$atan2")
def lower_atan2(arguments: list[Value], scope: Scope) -> Value:
    """The angle of a point, of finite numbers."""
    if not only_numbers("$atan2", arguments):
        return NULL_VALUE
    y, x = arguments
    if not all(doubles_of(argument).is_finite for argument in arguments):
        raise NotLowered("$atan2 of NaN or infinities")
    return numbers(None, (sql("atan2({}, {})", as_double(y), as_double(x)), Doubles(-4.0, 4.0)), arguments)


@lowers_call("$sigmoid")
def lower_sigmoid(arguments: list[Value], scope: Scope) -> Value:
    """1 / (1 + e to the power of -x)."""
    if not only_numbers("$sigmoid", arguments):
        return NULL_VALUE
    one = double(1.0)
    facts = doubles_of(arguments[0])
    found = sql("({} / ({} + exp(-{})))", one, one, as_double(arguments[0]))
    return numbers(None, (found, Doubles(0.0, 1.0, has_nan=facts.has_nan)), arguments)


@lowers_call("$log")
def lower_log(arguments: list[Value], scope: Scope) -> Value:
    """The logarithm to a base, of finite numbers above zero; the base away from 1."""
    if not only_numbers("$log", arguments):
        return NULL_VALUE
    value, base = (doubles_of(argument) for argument in arguments)
    is_near_one = base.low < 1.001 and base.high > 0.999
    if not (value.is_finite and base.is_finite) or value.low <= 0 or base.low <= 0 or is_near_one:
        raise NotLowered("$log of numbers that may be out of its range")
    quotient = sql("(ln({}) / ln({}))", *map(as_double, arguments))
    return numbers(None, (quotient, Doubles(-LARGEST, LARGEST)), arguments)


@lowers_call("$pow")
def lower_pow(arguments: list[Value], scope: Scope) -> Value:
    """A power: a whole one of whole numbers while it fits 64 bits, or that of doubles by the C library."""
    base, exponent = arguments
    if not only_numbers("$pow", arguments):
        return NULL_VALUE
    whole_exponent = exact_integer(exponent.constant) if exponent.is_constant else None
    if may_be_whole(base) and may_be_whole(exponent):
        if may_be_double(base) or whole_exponent is None or not 0 <= whole_exponent <= _MOST_EXPONENT:
            raise NotLowered("$pow of whole numbers to a power that is no small constant")
        return _whole_power(base, whole_exponent, some_long(arguments), arguments, scope)
    one, two = doubles_of(base), doubles_of(exponent)
    if not (one.is_finite and two.is_finite):
        raise NotLowered("$pow of NaN or infinities")
    if one.low < 0 and whole_exponent is None:
        raise NotLowered("$pow of negative numbers to powers that may be fractions")
    if may_be_zero(base) and two.low < 0:
        raise NotLowered("$pow of what may be zero to a negative power")
    known = Doubles(-LARGEST if one.low < 0 else 0.0, LARGEST, has_infinity=True)
    return numbers(None, (sql("pow({}, {})", as_double(base), as_double(exponent)), known), arguments)


def _whole_power(base: Value, exponent: int, is_long: Sql, arguments: list[Value], scope: Scope) -> Value:
    least, most = whole_range(base)
    ends = [least**exponent, most**exponent]
    low = min(0 if exponent % 2 == 0 and least <= 0 <= most else min(ends), *ends)
    low, high = within_long(low, max(ends), "$pow")
    if exponent == 0:
        return numbers(Whole(sql("({} * 0 + 1)", _safe(base)), 1, 1, is_long), None, arguments)
    factor, left, product = base.slots[WHOLE], exponent, None
    while True:
        if left & 1:
            product = factor if product is None else _kept(sql("({} * {})", product, factor), scope)
        left >>= 1
        if not left:
            break
        factor = _kept(sql("({} * {})", factor, factor), scope)
    assert product is not None
    return numbers(Whole(product, low, high, is_long), None, arguments)


def _safe(base: Value) -> Sql:
    """Whole numbers in whose place the sign stands: times zero none of them overflows."""
    return sql("sign({})", base.slots[WHOLE])


def _kept(expression: Sql, scope: Scope) -> Sql:
    return scope.kept(of_kind(BsonType.LONG, expression)).slots[WHOLE]
