"""$first and $last of a group: the value of one document, missing as null."""

from __future__ import annotations

from amongo.aggregate.relational.accumulators.folding import Folding
from amongo.aggregate.relational.registry import lowers_fold
from amongo.aggregate.relational.values import Value
from amongo.mql.accumulators.registry import Unary


@lowers_fold("$first")
def lower_first(accumulation: Unary, folding: Folding) -> Value:
    """The value of the first document."""
    value = folding.value(accumulation.argument)
    return folding.picked(value, "arg_min_null({}, {})", folding.position)


@lowers_fold("$last")
def lower_last(accumulation: Unary, folding: Folding) -> Value:
    """The value of the last document."""
    value = folding.value(accumulation.argument)
    return folding.picked(value, "arg_max_null({}, {})", folding.position)
