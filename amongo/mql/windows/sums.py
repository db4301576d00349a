"""Sums that numbers can be taken out of again: $sum, $avg, $stdDevPop, $stdDevSamp, $covariancePop, $covarianceSamp.

They go step by step as the server's do: what rounding leaves behind of numbers that are gone is part of the answer.
"""

from __future__ import annotations

import math
from typing import Any, Final

from bson import Decimal128, Int64

from amongo.mql.expressions.arithmetic import multiply, subtract
from amongo.mql.expressions.number_sum import NumberSum
from amongo.values.numbers import (
    LONG_MAX,
    LONG_MIN,
    divide,
    is_nan,
    number,
    pack_decimal,
    to_decimal,
    to_double,
    unpack_decimal,
)
from amongo.values.types import is_number

_DECIMAL_NAN: Final = Decimal128("NaN")


class SlidingSum:
    """$sum. Types follow what is in the window: no double left, no double out; a long that fits is an int."""

    __slots__ = ("_decimals", "_doubles", "_high", "_low", "_nan", "_sum", "count")

    def __init__(self) -> None:
        self._sum = NumberSum()
        self.count = 0  # of numbers
        self._doubles = 0
        self._decimals = 0
        self._nan = 0
        self._high = 0
        self._low = 0

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        self._update(value, 1)

    def remove(self, value: Any) -> None:
        """Give back a value."""
        self._update(value, -1)

    def _update(self, value: Any, sign: int) -> None:
        kind = type(value)
        if kind is int or kind is Int64:
            self._sum.add(value if sign > 0 else kind(-value))
        elif kind is float:
            self._doubles += sign
            if math.isfinite(value):
                self._sum.add(value * sign)
            else:
                self._count_special(value, sign)
        elif kind is Decimal128:
            self._decimals += sign
            exact = unpack_decimal(value)
            if exact.is_finite():
                self._sum.add(value if sign > 0 else pack_decimal(exact.copy_negate()))
            else:
                self._count_special(float(exact.copy_abs()) * (-1 if exact.is_signed() else 1), sign)
        else:
            return
        self.count += sign

    def _count_special(self, value: float, sign: int) -> None:
        if value != value:
            self._nan += sign
        elif value > 0:
            self._high += sign
        else:
            self._low += sign

    def result(self) -> Any:
        """The sum of the numbers in the window."""
        if self._nan or (self._high and self._low):
            return _DECIMAL_NAN if self._decimals else math.nan
        if self._high or self._low:
            special = math.inf if self._high else -math.inf
            return Decimal128(str(special)) if self._decimals else special
        total = self._sum.total()
        kind = type(total)
        if kind is Decimal128 and not self._decimals:
            return self._narrowed(total)
        if kind is float and not self._doubles and LONG_MIN <= total < LONG_MAX:
            return number(_rounded(total))
        return number(int(total)) if kind is Int64 else total

    def _narrowed(self, total: Decimal128) -> Any:
        """A decimal sum when the decimals are gone."""
        if self._doubles:
            return to_double(total)
        exact = unpack_decimal(total)
        whole = int(exact) if exact.is_finite() and exact.adjusted() < 20 else None
        if whole is not None and whole == exact and LONG_MIN <= whole <= LONG_MAX:
            return number(whole)
        return to_double(total)


def _rounded(value: float) -> int:
    """The nearest whole number, half away from zero."""
    whole = math.floor(abs(value) + 0.5) if abs(value) < 2**52 else int(abs(value))
    return -whole if value < 0 else whole


class SlidingAverage:
    """$avg."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = SlidingSum()

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        self._sum.add(value)

    def remove(self, value: Any) -> None:
        """Give back a value."""
        self._sum.remove(value)

    def result(self) -> Any:
        """The mean of the numbers in the window; None for none."""
        if not self._sum.count:
            return None
        total = self._sum.result()
        if type(total) is Decimal128:
            return divide(total, self._sum.count) if unpack_decimal(total).is_finite() else total
        return float(total) / self._sum.count


class SlidingDeviation:
    """$stdDevPop and $stdDevSamp: null while there is a NaN or an infinity in the window."""

    __slots__ = ("_count", "_is_sample", "_special", "_square", "_sum")

    def __init__(self, *, is_sample: bool) -> None:
        self._is_sample = is_sample
        self._count = 0
        self._special = 0
        self._sum = NumberSum()
        self._square = NumberSum()

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        self._update(value, 1)

    def remove(self, value: Any) -> None:
        """Give back a value."""
        self._update(value, -1)

    def _update(self, value: Any, sign: int) -> None:
        if not is_number(value):
            return
        if _is_special(value):
            self._special += sign
            return
        before, after = self._count, self._count + sign
        self._count = after
        if not before:
            self._sum.add(value)
        elif not after:
            self._sum, self._square = NumberSum(), NumberSum()
        else:
            double = to_double(value)
            distance = before * double - to_double(self._sum.total())
            self._sum.add(double * sign)
            self._square.add(distance * distance * sign / (after * before))

    def result(self) -> Any:
        """The deviation; 0 (an int) for one number as a population; None for too few."""
        denominator = self._count - 1 if self._is_sample else self._count
        if self._special or denominator <= 0:
            return None
        square = to_double(self._square.total())
        if square < 0 or (self._count == 1 and not self._is_sample):
            self._square = NumberSum()
            return 0
        return math.sqrt(square / denominator)


class SlidingCovariance:
    """$covariancePop and $covarianceSamp: of pairs of numbers; anything else is passed over."""

    __slots__ = ("_count", "_is_sample", "_left", "_product", "_right")

    def __init__(self, *, is_sample: bool) -> None:
        self._is_sample = is_sample
        self._count = 0
        self._left = SlidingAverage()
        self._right = SlidingAverage()
        self._product = SlidingSum()

    def add(self, value: Any) -> None:
        """Take in a pair."""
        if not _is_pair(value):
            return
        left, right = value
        if _is_special(left) or _is_special(right):
            self._product.add(_special_of(left, right))
            return
        self._count += 1
        left_distance = subtract(left, self._left.result())
        self._left.add(left)
        self._right.add(right)
        self._product.add(multiply([left_distance, subtract(right, self._right.result())]))

    def remove(self, value: Any) -> None:
        """Give back a pair."""
        if not _is_pair(value):
            return
        left, right = value
        if _is_special(left) or _is_special(right):
            self._product.remove(_special_of(left, right))
            return
        self._count -= 1
        if not self._count:
            self._left, self._right, self._product = SlidingAverage(), SlidingAverage(), SlidingSum()
            return
        self._left.remove(left)
        left_distance = subtract(left, self._left.result())
        self._product.remove(multiply([left_distance, subtract(right, self._right.result())]))
        self._right.remove(right)

    def result(self) -> Any:
        """The covariance, a double or a decimal; None for too few pairs."""
        if self._count == 1 and not self._is_sample:
            return 0.0
        denominator = self._count - 1 if self._is_sample else self._count
        if denominator <= 0:
            return None
        total = self._product.result()
        return divide(total, float(denominator)) if type(total) is Decimal128 else float(total) / denominator


def _is_pair(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and is_number(value[0]) and is_number(value[1])


def _is_special(value: Any) -> bool:
    """Whether a number is NaN or infinite."""
    return not (unpack_decimal(value).is_finite() if type(value) is Decimal128 else math.isfinite(value))


def _special_of(left: Any, right: Any) -> Any:
    """What a pair with a NaN or an infinity counts for: NaN for NaN or infinities of both signs; else the infinity."""
    is_decimal = any(type(each) is Decimal128 and not is_nan(each) for each in (left, right))
    infinities = {to_decimal(each).is_signed() for each in (left, right) if to_decimal(each).is_infinite()}
    if is_nan(left) or is_nan(right) or len(infinities) == 2:
        return _DECIMAL_NAN if is_decimal else math.nan
    value = -math.inf if True in infinities else math.inf
    return Decimal128(str(value)) if is_decimal else value
