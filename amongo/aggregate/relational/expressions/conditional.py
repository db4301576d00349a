"""$cond, $ifNull, $switch: CASE over values, each branch knowing what the condition before it says."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.expressions.boolean import truth
from amongo.aggregate.relational.expressions.narrowing import narrowing
from amongo.aggregate.relational.registry import lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, all_of, negated
from amongo.aggregate.relational.values import NULLISH, NotLowered, Value, without
from amongo.mql.expressions.conditional import Cond, IfNull, Switch

_MOST_BRANCHES: Final = 100


@lowers_node(Cond, "$cond")
def lower_cond(node: Cond, scope: Scope) -> Value:
    """One of two values."""
    condition = scope.kept_condition(truth(scope.value(node.test)))
    if condition in (TRUE, FALSE):
        return scope.value(node.then if condition == TRUE else node.otherwise)
    with narrowing(node.test, True, condition, scope):
        then = scope.value(node.then)
    with narrowing(node.test, False, negated(condition), scope):
        otherwise = scope.value(node.otherwise)
    return either([(condition, then)], otherwise)


@lowers_node(IfNull, "$ifNull")
def lower_if_null(node: IfNull, scope: Scope) -> Value:
    """The first argument that is something, else the last."""
    *tried, last = node.arguments
    branches: list[tuple[Sql, Value]] = []
    for argument in tried:
        value = scope.value(argument)
        if value.kinds <= NULLISH:
            continue
        if not value.kinds & NULLISH:
            return either(branches, value)
        branches.append((negated(value.is_nullish), without(value, *NULLISH)))
    return either(branches, scope.value(last))


@lowers_node(Switch, "$switch")
def lower_switch(node: Switch, scope: Scope) -> Value:
    """The value of the first branch whose case is true, else the default."""
    if len(node.branches) > _MOST_BRANCHES:
        raise NotLowered(f"a $switch with more than {_MOST_BRANCHES} branches")
    branches: list[tuple[Sql, Value]] = []
    reached = TRUE
    with ExitStack() as failed:
        for test, then in node.branches:
            condition = scope.kept_condition(truth(scope.value(test)))
            if condition == FALSE:
                continue
            if condition == TRUE:
                return either(branches, scope.value(then))
            with narrowing(test, True, all_of([reached, condition]), scope):
                branches.append((condition, scope.value(then)))
            reached = scope.kept_condition(all_of([reached, negated(condition)]))
            failed.enter_context(narrowing(test, False, reached, scope))
        if node.default is None:
            raise NotLowered("a $switch without a default")
        return either(branches, scope.value(node.default))
