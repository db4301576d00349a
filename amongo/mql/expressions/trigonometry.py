"""Trigonometry on ints, longs and doubles; the 34-digit forms for decimals are refused for now."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from bson import Decimal128

from amongo.errors import expression as errors
from amongo.mql.expressions.arithmetic import check_number
from amongo.mql.expressions.registry import operator
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import to_double
from amongo.values.types import is_number

_DECIMALS: Final = "34-digit trigonometry comes with the aggregation issue"


def _checked_double(name: str, value: Any) -> float:
    check_number(name, value)
    if type(value) is Decimal128:
        raise errors.OPERATOR_NOT_YET(name=f"{name} of a decimal", reason=_DECIMALS)
    return to_double(value)


def _function(name: str, compute: Callable[[float], float], low: float, high: float, what: str) -> None:
    """Register a function of one number; outside [low, high] it has no value."""

    def apply(value: Any) -> float | None:
        if is_nullish(value):
            return None
        number = _checked_double(name, value)
        if math.isnan(number):
            return number
        if not low <= number <= high:
            raise errors.TRIGONOMETRY_RANGE(name=name, value=number)
        try:
            return compute(number)
        except OverflowError:
            return -math.inf if name == "$sinh" and number < 0 else math.inf

    apply.__doc__ = f"""{what}

    args     a number
    result   double; null for null or missing
    errors   TAKES_NUMBER, TRIGONOMETRY_RANGE
    source   manual, {name}
    """
    operator(name, arity=1)(apply)


def _atanh(number: float) -> float:
    return math.copysign(math.inf, number) if abs(number) == 1 else math.atanh(number)


_LARGEST: Final = 1.7976931348623157e308

_function("$sin", math.sin, -_LARGEST, _LARGEST, "The sine of an angle in radians.")
_function("$cos", math.cos, -_LARGEST, _LARGEST, "The cosine of an angle in radians.")
_function("$tan", math.tan, -_LARGEST, _LARGEST, "The tangent of an angle in radians.")
_function("$asin", math.asin, -1, 1, "The angle in radians with this sine.")
_function("$acos", math.acos, -1, 1, "The angle in radians with this cosine.")
_function("$atan", math.atan, -math.inf, math.inf, "The angle in radians with this tangent.")
_function("$sinh", math.sinh, -math.inf, math.inf, "The hyperbolic sine.")
_function("$cosh", math.cosh, -math.inf, math.inf, "The hyperbolic cosine.")
_function("$tanh", math.tanh, -math.inf, math.inf, "The hyperbolic tangent.")
_function("$asinh", math.asinh, -math.inf, math.inf, "The number with this hyperbolic sine.")
_function("$acosh", math.acosh, 1, math.inf, "The number with this hyperbolic cosine.")
_function("$atanh", _atanh, -1, 1, "The number with this hyperbolic tangent.")


@operator("$atan2", arity=2)
def atan2(y: Any, x: Any) -> float | None:
    """The angle in radians of the point (x, y).

    args     y, x: numbers
    result   double; null if either is null or missing
    errors   ATAN2_TAKES_NUMBERS
    source   manual, $atan2
    """
    if is_nullish(y) or is_nullish(x):
        return None
    for value in (y, x):
        if not is_number(value):
            raise errors.ATAN2_TAKES_NUMBERS()
        _checked_double("$atan2", value)
    return math.atan2(to_double(y), to_double(x))


@operator("$degreesToRadians", arity=1)
def to_radians(value: Any) -> float | None:
    """Degrees as radians.

    args     a number
    result   double; null for null or missing
    errors   TAKES_NUMBER
    source   manual, $degreesToRadians
    """
    return None if is_nullish(value) else _checked_double("$degreesToRadians", value) * (math.pi / 180)


@operator("$radiansToDegrees", arity=1)
def to_degrees(value: Any) -> float | None:
    """Radians as degrees.

    args     a number
    result   double; null for null or missing
    errors   TAKES_NUMBER
    source   manual, $radiansToDegrees
    """
    return None if is_nullish(value) else _checked_double("$radiansToDegrees", value) * (180 / math.pi)
