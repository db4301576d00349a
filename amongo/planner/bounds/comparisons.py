"""The comparisons of a field with a constant in an `$expr`. Source: manual, $expr, "Index Use"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bson import MinKey

from amongo.mql.expressions.boolean import Junction
from amongo.mql.expressions.nodes import Call, Expression, FieldPath, Literal, Variable
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.comparison import Comparison
from amongo.values.deprecated import Undefined
from amongo.values.missing import MISSING, Missing
from amongo.values.order import Collator

_TURNED: Final = {"$eq": "$eq", "$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"}
_NOT_BOUNDING: Final = (list, Undefined, Missing)


def comparisons(node: MatchExpression, collator: Collator | None) -> Iterator[Comparison]:
    """The comparisons that must hold wherever an `$expr` does; in the total order of all types.

    collator   of the query
    """
    yield from _of_expression(node.operand.fold(), getattr(node, "variables", {}), collator)


def _of_expression(
    expression: Expression, variables: Mapping[str, Any], collator: Collator | None
) -> Iterator[Comparison]:
    if isinstance(expression, Junction):
        if expression.decider is False:
            for each in expression.arguments:
                yield from _of_expression(each, variables, collator)
    elif isinstance(expression, Call) and expression.operator.name in _TURNED:
        left, right = expression.arguments
        operator = expression.operator.name
        if not isinstance(left, FieldPath):
            left, right, operator = right, left, _TURNED[operator]
        value = _constant(right, variables)
        if isinstance(left, FieldPath) and type(value) not in _NOT_BOUNDING:
            yield Comparison(operator, left.path.text, value, collator)


def _constant(expression: Expression, variables: Mapping[str, Any]) -> Any:
    """The value of a constant, or of a variable of the whole query; MISSING for anything else."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Variable) and expression.path is None and expression.name in variables:
        return variables[expression.name]
    return MISSING


def finds_missing(node: MatchExpression) -> bool:
    """Whether a comparison in the total order finds what is missing, which comes directly before null."""
    is_least = type(node.operand) is MinKey
    return is_least if node.operator in ("$gt", "$gte") else not is_least and node.operator in ("$lt", "$lte")
