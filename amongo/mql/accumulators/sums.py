"""Folds of numbers: $sum, $avg, $stdDevPop, $stdDevSamp. Whatever is no number is passed over."""

from __future__ import annotations

import math
from typing import Any

from amongo.mql.accumulators.registry import accumulator
from amongo.mql.expressions.number_sum import NumberSum
from amongo.values.numbers import to_double
from amongo.values.types import is_number


@accumulator("$sum")
class Sum(NumberSum):
    """The sum of the numbers.

    argument   an expression; other values than numbers count for nothing
    result     int, long, double or decimal, the widest type seen; past 64 bits a double; 0 for no numbers
    source     manual, $sum (aggregation)
    """

    __slots__ = ()

    def result(self) -> Any:
        """The sum so far."""
        return self.total()


@accumulator("$avg")
class Average(NumberSum):
    """The mean of the numbers.

    argument   an expression; other values than numbers are left out
    result     double or decimal; null for no numbers
    source     manual, $avg (aggregation)
    """

    __slots__ = ()

    def result(self) -> Any:
        """The mean so far."""
        return self.mean()


class Spread:
    """Count, mean and squared distance from the mean, in one pass (Welford)."""

    __slots__ = ("_count", "_mean", "_square")

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._square = 0.0

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number changes nothing."""
        if not is_number(value):
            return
        double = to_double(value)
        self._count += 1
        delta = double - self._mean
        if delta != 0.0:
            self._mean += delta / self._count
            self._square += delta * (double - self._mean)

    def deviation(self, denominator: int) -> float | None:
        """The square root of the squared distance over the denominator; None if that is not positive."""
        if denominator <= 0:
            return None
        share = self._square / denominator
        return math.sqrt(share) if share >= 0 else math.nan


@accumulator("$stdDevPop")
class DeviationOfPopulation(Spread):
    """The standard deviation of the numbers as a whole population.

    argument   an expression; other values than numbers are left out
    result     double; null for no numbers
    source     manual, $stdDevPop (aggregation)
    """

    __slots__ = ()

    def result(self) -> float | None:
        """The deviation so far."""
        return self.deviation(self._count)


@accumulator("$stdDevSamp")
class DeviationOfSample(Spread):
    """The standard deviation of the numbers as a sample.

    argument   an expression; other values than numbers are left out
    result     double; null for fewer than two numbers
    source     manual, $stdDevSamp (aggregation)
    """

    __slots__ = ()

    def result(self) -> float | None:
        """The deviation so far."""
        return self.deviation(self._count - 1)
