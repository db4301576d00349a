"""$let and $literal: giving a value a name, and taking text as it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, parse_operand
from amongo.mql.expressions.scope import Scope, check_write_name


@form("$literal", "$const")
def parse_literal(operand: Any, scope: Scope) -> Expression:
    """A value as it is written: no paths, no operators.

    args     one value of any type
    result   that value
    source   manual, $literal
    """
    return Literal(operand)


@dataclass(frozen=True, slots=True)
class Let(Expression):
    """Values bound to names for one expression; all of them are computed in the outer scope."""

    bindings: tuple[tuple[str, Expression], ...]
    body: Expression

    def children(self) -> Iterator[Expression]:
        for _, expression in self.bindings:
            yield expression
        yield self.body

    def fold(self) -> Expression:
        body = self.body.fold()
        if body.is_constant:
            for _, expression in self.bindings:
                expression.fold()
            return body
        return Let(tuple((name, expression.fold()) for name, expression in self.bindings), body)

    def compile(self) -> Evaluate:
        compiled = tuple((name, expression.compile()) for name, expression in self.bindings)
        body = self.body.compile()

        def run(document: Document, variables: Variables) -> Any:
            inner = dict(variables)
            for name, evaluate in compiled:
                inner[name] = evaluate(document, variables)
            return body(document, inner)

        return run


@form("$let")
def parse_let(operand: Any, scope: Scope) -> Expression:
    """Bind variables for one expression.

    args     {vars: {name: value, …}, in: expression}
    result   the value of `in`; a missing value binds the name to missing
    errors   LET_NEEDS_OBJECT, LET_UNKNOWN_FIELD, LET_WITHOUT_VARS, LET_WITHOUT_IN, LET_VARS_OBJECT, name errors
    order    every value is computed in the outer scope: the variables do not see each other
    source   manual, $let
    """
    if type(operand) is not dict:
        raise errors.LET_NEEDS_OBJECT()
    for field in operand:
        if field not in ("vars", "in"):
            raise errors.LET_UNKNOWN_FIELD(field=field)
    if "vars" not in operand:
        raise errors.LET_WITHOUT_VARS()
    if "in" not in operand:
        raise errors.LET_WITHOUT_IN()
    names = operand["vars"]
    if type(names) is not dict:
        raise errors.LET_VARS_OBJECT()
    bindings = []
    for name, value in names.items():
        check_write_name(name)
        bindings.append((name, parse_operand(value, scope)))
    return Let(tuple(bindings), parse_operand(operand["in"], scope.with_names(names)))
