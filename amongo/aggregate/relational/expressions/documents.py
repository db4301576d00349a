"""Documents that are written down: {a: expression, …}."""

from __future__ import annotations

from amongo.aggregate.relational.registry import lowers_node
from amongo.aggregate.relational.scope import Scope, of_fields
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.mql.expressions.nodes import ObjectExpression


@lowers_node(ObjectExpression)
def lower_document(node: ObjectExpression, scope: Scope) -> Value:
    """A document of these fields; one whose value is missing is left out when the document is made."""
    names = [name for name, _ in node.fields]
    if len(set(names)) < len(names):
        raise NotLowered("a document that names a field twice")
    return of_fields({name: scope.value(expression) for name, expression in node.fields})
