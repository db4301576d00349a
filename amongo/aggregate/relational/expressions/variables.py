"""$let: names for values, for one expression."""

from __future__ import annotations

from amongo.aggregate.relational.registry import lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.values import Value
from amongo.mql.expressions.binding import Let


@lowers_node(Let, "$let")
def lower_let(node: Let, scope: Scope) -> Value:
    """The value of the body; the variables do not see each other."""
    values = {name: scope.value(expression) for name, expression in node.bindings}
    with scope.binding(values):
        return scope.value(node.body)
