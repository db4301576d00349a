"""Comparison: $cmp, $eq, $gt, $gte, $lt, $lte, $ne. They follow the total order across BSON types."""

from collections.abc import Callable
from typing import Any

from amongo.mql.expressions.nodes import Call, Expression, Operator
from amongo.mql.expressions.registry import check_arity, parse_operand, register
from amongo.mql.expressions.scope import Scope
from amongo.values.order import compare


def _comparison(name: str, verdict: Callable[[int], Any]) -> None:
    """Register a comparison: two arguments of any type, compared in the total order (missing sorts below null).

    args     two values
    result   bool; for $cmp -1, 0 or 1
    errors   WRONG_ARGUMENT_COUNT
    order    both are evaluated; 1, 1.0, NumberLong(1) and NumberDecimal("1") are equal
    source   manual, Comparison Expression Operators; Comparison/Sort Order
    """

    def parse(operand: Any, scope: Scope) -> Expression:
        specs = operand if type(operand) is list else [operand]
        check_arity(name, 2, len(specs))
        collator = scope.collator
        call = Operator(name, lambda left, right: verdict(compare(left, right, collator)), False)
        return Call(call, tuple(parse_operand(spec, scope) for spec in specs))

    register(name, parse, _comparison.__doc__)


_comparison("$cmp", lambda order: order)
_comparison("$eq", lambda order: order == 0)
_comparison("$ne", lambda order: order != 0)
_comparison("$gt", lambda order: order > 0)
_comparison("$gte", lambda order: order >= 0)
_comparison("$lt", lambda order: order < 0)
_comparison("$lte", lambda order: order <= 0)
