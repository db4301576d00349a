"""$and, $or, $not, and what counts as true."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from amongo.aggregate.relational.expressions.narrowing import narrowing
from amongo.aggregate.relational.registry import lowers_call, lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, all_of, any_of, negated, sql
from amongo.aggregate.relational.values import NULLISH, NotLowered, Value, boolean
from amongo.engine.columns import BOOL, DOUBLE, WHOLE, slot_of
from amongo.mql.expressions.boolean import Junction
from amongo.mql.expressions.truth import is_true
from amongo.values.types import BsonType

_MOST_READ: Final = 32
"""Of so many arguments each tells those behind it what it says."""


def truth(value: Value) -> Sql:
    """Whether a value counts as true: all but false, zero, null, undefined and missing do; never NULL.

    errors   NotLowered for decimals
    """
    if value.is_constant:
        return TRUE if is_true(value.constant) else FALSE
    if BsonType.DECIMAL in value.kinds:
        raise NotLowered("the truth of decimals")
    parts = []
    told = set(NULLISH)
    for slot, template in ((BOOL, "{}"), (WHOLE, "({} <> 0)"), (DOUBLE, "({} <> 0)")):
        if slot not in value.slots:
            continue
        kinds = {kind for kind in value.kinds if slot_of(kind) == slot}
        told |= kinds
        condition = sql(template, value.slots[slot])
        parts.append(condition if kinds == value.kinds else sql("COALESCE({}, FALSE)", condition))
    return any_of([*parts, value.is_kind(*value.kinds - told)])


@lowers_node(Junction, "$and", "$or")
def junction(node: Junction, scope: Scope) -> Value:
    """Every argument is true, or some argument is; each is looked at only where those before it leave that open."""
    conditions: list[Sql] = []
    reached = TRUE
    with ExitStack() as before:
        for argument in node.arguments:
            condition = scope.kept_condition(truth(scope.value(argument)))
            conditions.append(condition)
            if len(node.arguments) > _MOST_READ:
                continue
            reached = all_of([reached, negated(condition) if node.decider else condition])
            before.enter_context(narrowing(argument, not node.decider, reached, scope))
    return boolean(any_of(conditions) if node.decider else all_of(conditions))


@lowers_call("$not")
def negation(arguments: list[Value], scope: Scope) -> Value:
    """The opposite of a value's truth."""
    return boolean(negated(truth(arguments[0])))
