"""Sums over the four number types, as exact as the server's: $sum, $avg and $add share them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64
from bson.decimal128 import create_decimal128_context

from amongo.values.numbers import LONG_MAX, LONG_MIN, long, number, pack_decimal, to_double, unpack_decimal
from amongo.values.types import is_number

_EXACT_DOUBLE = 2**53
_DOUBLES = frozenset({float})
_WHOLE = frozenset({int, Int64})
_EXACT = create_decimal128_context()


class DoubleDouble:
    """A sum of doubles with about 106 bits: rounding errors are carried along (Knuth's TwoSum).

    source   manual, $sum: the server sums this way, and results show it
    """

    __slots__ = ("_carry", "_plain", "_sum")

    def __init__(self) -> None:
        self._sum = 0.0
        self._carry = 0.0
        self._plain = 0.0

    def add(self, value: float) -> None:
        """Add a double."""
        self._plain += value
        total = self._sum + value
        shadow = total - value
        self._carry += (self._sum - shadow) + (value - (total - shadow))
        self._sum = total

    def add_all(self, values: Iterable[float]) -> None:
        """Add doubles one after the other: `add`, several times faster."""
        total, carry, plain = self._sum, self._carry, self._plain
        for value in values:
            plain += value
            before, total = total, total + value
            shadow = total - value
            carry += (before - shadow) + (value - (total - shadow))
        self._sum, self._carry, self._plain = total, carry, plain

    def add_whole(self, value: int) -> None:
        """Add a whole number, exactly up to 106 bits."""
        high = float(value)
        self.add(high)
        rest = value - int(high)
        if rest:
            self.add(float(rest))

    def double(self) -> float:
        """The sum as a double."""
        return self._plain if math.isnan(self._sum + self._carry) else self._sum + self._carry

    def decimal(self) -> Decimal:
        """The sum as a decimal of 34 digits."""
        if not math.isfinite(self._sum):
            return Decimal(self.double())
        parts = [unpack_decimal(pack_decimal(Decimal(part))) for part in (self._sum, self._carry)]
        return unpack_decimal(pack_decimal(parts[0])) if parts[1] == 0 else _sum_decimals(*parts)


def _sum_decimals(left: Decimal, right: Decimal) -> Decimal:
    return unpack_decimal(pack_decimal(_EXACT.add(left, right)))


class NumberSum:
    """A sum over the four number types, each kept as exactly as the server does."""

    __slots__ = ("_decimals", "_doubles", "_has_long", "_whole", "count")

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._has_long = False
        self._doubles: DoubleDouble | None = None
        self._decimals: Decimal | None = None

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        kind = type(value)
        if kind is int:
            self._whole += value
        elif kind is float:
            if self._doubles is None:
                self._doubles = DoubleDouble()
            self._doubles.add(value)
        elif kind is Int64:
            self._whole += value
            self._has_long = True
        elif kind is Decimal128:
            exact = unpack_decimal(value)
            self._decimals = exact if self._decimals is None else _sum_decimals(self._decimals, exact)
        else:
            return
        self.count += 1

    def add_many(self, values: list[Any]) -> None:
        """Take in values in turn: `add`, several times faster where all are of one type."""
        kinds = set(map(type, values))
        if kinds == _DOUBLES:
            if self._doubles is None:
                self._doubles = DoubleDouble()
            self._doubles.add_all(values)
        elif kinds <= _WHOLE:
            self._whole += int(sum(values))
            self._has_long = self._has_long or Int64 in kinds
        else:
            for value in values:
                self.add(value)
            return
        self.count += len(values)

    def _without_decimals(self) -> DoubleDouble:
        total = DoubleDouble()
        if self._doubles is not None:
            total._sum, total._carry, total._plain = (
                self._doubles._sum,
                self._doubles._carry,
                self._doubles._plain,
            )
        if self._whole:
            total.add_whole(self._whole)
        return total

    def total(self, *, starts_at_zero: bool = True) -> Any:
        """The sum: an int if it fits and only ints came, a long, a double past 64 bits or for doubles, a decimal.

        starts_at_zero   whether decimals are added to a zero, which shows in -0 and in trailing zeros ($sum, not $add)
        """
        if self._decimals is not None:
            if not starts_at_zero and not self._whole and self._doubles is None:
                return pack_decimal(self._decimals)
            return pack_decimal(_sum_decimals(self._decimals, self._without_decimals().decimal()))
        if self._doubles is not None:
            return self._without_decimals().double()
        if not LONG_MIN <= self._whole <= LONG_MAX:
            return float(self._whole)
        return long(self._whole) if self._has_long else number(self._whole)

    def add_rounded(self, value: Any) -> None:
        """Take in a value as the double it is nearest to, for a mean; a decimal as it is."""
        self.add(int(float(value)) if type(value) is Int64 and abs(value) > _EXACT_DOUBLE else value)

    def mean(self) -> Any:
        """The sum over the count, a double or a decimal; None for no numbers."""
        if not self.count:
            return None
        if self._decimals is not None:
            total = _sum_decimals(self._decimals, self._without_decimals().decimal())
            return pack_decimal(_EXACT.divide(total, Decimal(self.count)))
        return self._without_decimals().double() / self.count


class Spread:
    """Count, mean and squared distance from the mean, in one pass (Welford)."""

    __slots__ = ("_mean", "_square", "count")

    def __init__(self) -> None:
        self.count = 0
        self._mean = 0.0
        self._square = 0.0

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        if not is_number(value):
            return
        double = to_double(value)
        self.count += 1
        delta = double - self._mean
        if delta != 0.0:
            self._mean += delta / self.count
            self._square += delta * (double - self._mean)

    def deviation(self, denominator: int) -> float | None:
        """The square root of the squared distance over the denominator; None if that is not positive."""
        if denominator <= 0:
            return None
        share = self._square / denominator
        return math.sqrt(share) if share >= 0 else math.nan
