"""Folds of numbers: $sum, $avg, $stdDevPop, $stdDevSamp. Whatever is no number is passed over."""

from __future__ import annotations

from typing import Any

from amongo.mql.accumulators.registry import accumulator
from amongo.mql.expressions.number_sum import NumberSum, Spread


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
        return self.deviation(self.count)


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
        return self.deviation(self.count - 1)
