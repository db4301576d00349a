"""Logical match operators: `$and`, `$or`, `$nor`, `$not`, and the constants."""

from __future__ import annotations

from amongo.aggregate.relational.matching.values import TESTS
from amongo.aggregate.relational.registry import lowers_match
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, all_of, any_of, negated
from amongo.aggregate.relational.values import Value
from amongo.mql.matcher import MatchExpression


@lowers_match("$and")
def and_(expression: MatchExpression, scope: Scope) -> Sql:
    """Every child holds."""
    return all_of([scope.condition(child) for child in expression.children])


@lowers_match("$or")
def or_(expression: MatchExpression, scope: Scope) -> Sql:
    """Some child holds."""
    return any_of([scope.condition(child) for child in expression.children])


@lowers_match("$nor", "$not")
def nor(expression: MatchExpression, scope: Scope) -> Sql:
    """No child holds."""
    with scope.telling_null():
        return negated(any_of([scope.condition(child) for child in expression.children]))


@lowers_match("$alwaysTrue", "$alwaysFalse")
def constant(expression: MatchExpression, scope: Scope) -> Sql:
    """All documents, or none."""
    return TRUE if expression.operator == "$alwaysTrue" else FALSE


def constant_test(expression: MatchExpression, value: Value, scope: Scope) -> Sql:
    """All values, or none."""
    return constant(expression, scope)


TESTS.update(dict.fromkeys(("$alwaysTrue", "$alwaysFalse"), constant_test))
