"""Accumulators as expressions: $sum, $avg, $min, $max, $first, $last, $stdDevPop, $stdDevSamp over values or arrays."""

from __future__ import annotations

from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.arrays import collated
from amongo.mql.expressions.number_sum import NumberSum, Spread
from amongo.mql.expressions.registry import operator
from amongo.mql.expressions.truth import is_nullish
from amongo.values.missing import MISSING
from amongo.values.order import Collator, compare
from amongo.values.types import alias


def _values(args: list[Any]) -> list[Any]:
    """What is folded: the elements of a single array argument, else the arguments; arrays in there are no numbers."""
    return args[0] if len(args) == 1 and type(args[0]) is list else args


@operator("$sum", arity=(0, None))
def add_up(args: list[Any]) -> Any:
    """The sum of the numbers.

    args     values, or one array of values; whatever is no number counts for nothing
    result   int, long, double or decimal; 0 for no numbers
    source   manual, $sum (aggregation)
    """
    total = NumberSum()
    for value in _values(args):
        total.add(value)
    return total.total()


@operator("$avg", arity=(0, None))
def average(args: list[Any]) -> Any:
    """The mean of the numbers.

    args     values, or one array of values; whatever is no number is left out
    result   double or decimal; null for no numbers
    source   manual, $avg (aggregation)
    """
    total = NumberSum()
    for value in _values(args):
        total.add_rounded(value)
    return total.mean()


@operator("$stdDevPop", arity=(0, None))
def deviation_of_population(args: list[Any]) -> float | None:
    """The standard deviation of the numbers as a whole population.

    args     values, or one array of values; whatever is no number is left out
    result   double; null for no numbers
    source   manual, $stdDevPop (aggregation)
    """
    spread = Spread()
    for value in _values(args):
        spread.add(value)
    return spread.deviation(spread.count)


@operator("$stdDevSamp", arity=(0, None))
def deviation_of_sample(args: list[Any]) -> float | None:
    """The standard deviation of the numbers as a sample.

    args     values, or one array of values; whatever is no number is left out
    result   double; null for fewer than two numbers
    source   manual, $stdDevSamp (aggregation)
    """
    spread = Spread()
    for value in _values(args):
        spread.add(value)
    return spread.deviation(spread.count - 1)


def _extreme(args: list[Any], sign: int, collator: Collator | None) -> Any:
    best: Any = None
    for value in _values(args):
        if not is_nullish(value) and (best is None or compare(value, best, collator) == sign):
            best = value
    return best


def smallest(args: list[Any], collator: Collator | None) -> Any:
    """The smallest value in the order across types.

    args     values, or one array of values; null and missing are left out
    result   the first of the smallest; null for nothing
    source   manual, $min (aggregation)
    """
    return _extreme(args, -1, collator)


def largest(args: list[Any], collator: Collator | None) -> Any:
    """The largest value in the order across types.

    args     values, or one array of values; null and missing are left out
    result   the first of the largest; null for nothing
    source   manual, $max (aggregation)
    """
    return _extreme(args, 1, collator)


collated("$min", (0, None), smallest)
collated("$max", (0, None), largest)


@operator("$first", arity=1)
def first(array: Any) -> Any:
    """The first element.

    args     an array
    result   the element, missing for []; null for null or missing
    errors   FIRST_TAKES_ARRAY
    source   manual, $first (aggregation)
    """
    return _end("$first", array, 0)


@operator("$last", arity=1)
def last(array: Any) -> Any:
    """The last element.

    args     an array
    result   the element, missing for []; null for null or missing
    errors   FIRST_TAKES_ARRAY
    source   manual, $last (array expression operator)
    """
    return _end("$last", array, -1)


def _end(name: str, array: Any, index: int) -> Any:
    if is_nullish(array):
        return None
    if type(array) is not list:
        raise errors.FIRST_TAKES_ARRAY(name=name, kind=alias(array))
    return array[index] if array else MISSING
