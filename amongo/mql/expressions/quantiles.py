"""$median and $percentile as expressions, and what all their forms share: the argument, the rank of a percentile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from amongo.errors import Condition
from amongo.errors import command as command_errors
from amongo.errors import window as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.values.numbers import to_double
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

_MEDIAN: Final = (0.5,)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The parsed argument of $median or $percentile.

    shares      the percentiles asked for, from 0 to 1
    is_median   one value is the result, not an array
    """

    input: Expression
    shares: tuple[float, ...]
    is_median: bool

    def shape(self, values: list[float] | None) -> Any:
        """The result for the values found; None for no numbers at all."""
        if self.is_median:
            return None if values is None else values[0]
        return [None] * len(self.shares) if values is None else values


def parse_quantiles(name: str, spec: Any, scope: Scope, not_object: Condition) -> Quantiles:
    """Parse the argument of $median ({input, method}) or $percentile ({input, p, method}).

    not_object   the error for an argument that is no object; gaps: name, value
    errors       the QUANTILE_ conditions, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE of `amongo.errors.command`
    source       manual, $median, $percentile
    """
    if type(spec) is not dict:
        raise not_object(name=name, value=shown(spec))
    known = ("input", "method") if name == "$median" else ("input", "p", "method")
    for field, value in spec.items():
        if field not in known:
            raise command_errors.UNKNOWN_FIELD(command=name, field=field)
        if field == "method":
            if type(value) is not str:
                raise command_errors.WRONG_TYPE(
                    command=name, field=field, actual=alias(value), expected="type 'string'"
                )
            if value != "approximate":
                raise errors.QUANTILE_METHOD()
    for field in known:
        if field not in spec:
            raise command_errors.MISSING_FIELD(command=name, field=field)
    argument = parse_operand(spec["input"], scope)
    return Quantiles(argument, _MEDIAN if name == "$median" else _parse_shares(spec["p"], scope), name == "$median")


def _parse_shares(spec: Any, scope: Scope) -> tuple[float, ...]:
    folded = parse_operand(spec, scope).fold()
    if not isinstance(folded, Literal):
        raise errors.QUANTILE_P_NOT_CONSTANT(value=shown(spec))
    values = folded.value
    if type(values) is not list or not values:
        raise errors.QUANTILE_P_NOT_ARRAY(value=shown(values))
    shares = []
    for value in values:
        if not is_number(value):
            raise errors.QUANTILE_P_TYPE(value=shown(value))
        share = to_double(value)
        if share < 0 or share > 1:
            raise errors.QUANTILE_P_RANGE(value=shown(share))
        shares.append(share)
    return tuple(shares)


def rank_of(share: float, count: int) -> int:
    """The place of a percentile among so many ordered values: the smallest value with that share at or below it."""
    return count - 1 if share >= 1.0 else max(0, math.ceil(count * share) - 1)


def as_sample(value: Any) -> float | None:
    """A value as the double that is counted; None for NaN and whatever is no number."""
    if not is_number(value):
        return None
    double = to_double(value)
    return None if double != double else double


@dataclass(frozen=True, slots=True)
class QuantilesOf(Expression):
    """$median or $percentile of one value or of the elements of an array."""

    quantiles: Quantiles

    def children(self) -> Iterator[Expression]:
        return iter((self.quantiles.input,))

    def fold(self) -> Expression:
        given = self.quantiles
        folded = QuantilesOf(Quantiles(given.input.fold(), given.shares, given.is_median))
        if folded.quantiles.input.is_constant:
            return Literal(folded.compile()({}, {}))
        return folded

    def compile(self) -> Evaluate:
        quantiles, evaluate = self.quantiles, self.quantiles.input.compile()

        def run(document: Document, variables: Variables) -> Any:
            value = evaluate(document, variables)
            if is_number(value):
                return quantiles.shape([to_double(value)] * len(quantiles.shares))
            if type(value) is not list:
                return quantiles.shape(None)
            samples = sorted(sample for element in value if (sample := as_sample(element)) is not None)
            if not samples:
                return quantiles.shape(None)
            return quantiles.shape([samples[rank_of(share, len(samples))] for share in quantiles.shares])

        return run


@form("$median")
def parse_median(operand: Any, scope: Scope) -> Expression:
    """The middle one of the numbers: the smallest that half of them do not exceed.

    args     {input: a number or an array, method: "approximate"}; whatever is no number is left out, NaN too
    result   double, one of the numbers; null for none
    errors   MEDIAN_NOT_OBJECT, QUANTILE_METHOD, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE
    source   manual, $median
    """
    return QuantilesOf(parse_quantiles("$median", operand, scope, errors.MEDIAN_NOT_OBJECT))


@form("$percentile")
def parse_percentile(operand: Any, scope: Scope) -> Expression:
    """For each percentile the smallest of the numbers that this share of them does not exceed.

    args     {input: a number or an array, p: constant array of numbers from 0 to 1, method: "approximate"}
    result   array of doubles in the order of p; of null for no numbers
    errors   QUANTILE_NOT_OBJECT, QUANTILE_METHOD, QUANTILE_P_NOT_CONSTANT, QUANTILE_P_NOT_ARRAY, QUANTILE_P_TYPE,
             QUANTILE_P_RANGE, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE
    source   manual, $percentile
    """
    return QuantilesOf(parse_quantiles("$percentile", operand, scope, errors.QUANTILE_NOT_OBJECT))
