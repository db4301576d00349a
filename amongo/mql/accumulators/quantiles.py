"""$median and $percentile as accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amongo.errors import window as errors
from amongo.mql.accumulators.digest import Digest
from amongo.mql.accumulators.registry import Accumulation, Accumulator, accumulator_form
from amongo.mql.expressions import Evaluate, Scope
from amongo.mql.expressions.quantiles import Quantiles, as_sample, parse_quantiles


class QuantileFold:
    """The numbers of a group in a digest."""

    __slots__ = ("_digest", "_quantiles")

    def __init__(self, quantiles: Quantiles) -> None:
        self._quantiles = quantiles
        self._digest = Digest()

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number, and NaN, changes nothing."""
        sample = as_sample(value)
        if sample is not None:
            self._digest.add(sample)

    def result(self) -> Any:
        """The percentiles so far."""
        values = [value for share in self._quantiles.shares if (value := self._digest.percentile(share)) is not None]
        return self._quantiles.shape(values or None)


@dataclass(frozen=True, slots=True)
class QuantileAccumulation(Accumulation):
    """$median or $percentile of a group."""

    quantiles: Quantiles

    @property
    def grows(self) -> bool:
        return False

    def bind(self) -> Evaluate:
        return self.quantiles.input.bind()

    def create(self, key: Any, variables: Mapping[str, Any]) -> Accumulator:
        return QuantileFold(self.quantiles)


@accumulator_form("$median")
def parse_median(argument: Any, scope: Scope) -> Accumulation:
    """The middle one of the numbers, about.

    argument   {input: expression, method: "approximate"}; whatever is no number is left out, NaN too
    result     double; exact for fewer than 2000 numbers; null for none
    errors     MEDIAN_FOLD_NOT_OBJECT, QUANTILE_METHOD, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE
    source     manual, $median
    """
    return QuantileAccumulation(parse_quantiles("$median", argument, scope, errors.MEDIAN_FOLD_NOT_OBJECT))


@accumulator_form("$percentile")
def parse_percentile(argument: Any, scope: Scope) -> Accumulation:
    """Percentiles of the numbers, about.

    argument   {input: expression, p: constant array of numbers from 0 to 1, method: "approximate"}
    result     array of doubles in the order of p; of null for no numbers
    errors     QUANTILE_FOLD_NOT_OBJECT and those of $percentile as an expression
    source     manual, $percentile
    """
    return QuantileAccumulation(parse_quantiles("$percentile", argument, scope, errors.QUANTILE_FOLD_NOT_OBJECT))
