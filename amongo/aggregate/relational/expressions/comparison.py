"""Comparison: $cmp, $eq, $gt, $gte, $lt, $lte, $ne, in the total order across types."""

from __future__ import annotations

from amongo.aggregate.relational.comparing import equal, less, less_or_equal
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import case, integer, negated, sql
from amongo.aggregate.relational.values import Value, boolean, of_kind
from amongo.values.types import BsonType


@lowers_call("$eq")
def eq(arguments: list[Value], scope: Scope) -> Value:
    """Both are equal."""
    return boolean(equal(arguments[0], arguments[1], scope))


@lowers_call("$ne")
def ne(arguments: list[Value], scope: Scope) -> Value:
    """They differ."""
    return boolean(negated(equal(arguments[0], arguments[1], scope)))


@lowers_call("$lt")
def lt(arguments: list[Value], scope: Scope) -> Value:
    """The first is below the second."""
    return boolean(less(arguments[0], arguments[1], scope))


@lowers_call("$lte")
def lte(arguments: list[Value], scope: Scope) -> Value:
    """The first is not above the second."""
    return boolean(less_or_equal(arguments[0], arguments[1], scope))


@lowers_call("$gt")
def gt(arguments: list[Value], scope: Scope) -> Value:
    """The first is above the second."""
    left, right = arguments
    return boolean(less(right, left, scope))


@lowers_call("$gte")
def gte(arguments: list[Value], scope: Scope) -> Value:
    """The first is not below the second."""
    left, right = arguments
    return boolean(less_or_equal(right, left, scope))


@lowers_call("$cmp")
def cmp(arguments: list[Value], scope: Scope) -> Value:
    """-1, 0 or 1 as the first is below, equal to or above the second."""
    left, right = arguments
    order = case([(less(left, right, scope), integer(-1)), (less(right, left, scope), integer(1))], integer(0))
    return of_kind(BsonType.INT, sql("CAST({} AS BIGINT)", order), least=-1, most=1)
