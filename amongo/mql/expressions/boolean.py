"""Boolean: $and, $or, $not. They work on truth, not on the type bool, and stop at the first argument that decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, operator, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_true


@dataclass(frozen=True, slots=True)
class Junction(Expression):
    """$and (`decider` False) or $or (`decider` True): the first argument whose truth is `decider` decides."""

    decider: bool
    arguments: tuple[Expression, ...]

    def children(self) -> Iterator[Expression]:
        return iter(self.arguments)

    def fold(self) -> Expression:
        """A constant that decides makes the whole constant; other constants are left out."""
        left = []
        for argument in self.arguments:
            folded = argument.fold()
            if isinstance(folded, Literal):
                if is_true(folded.value) is self.decider:
                    return Literal(self.decider)
            else:
                left.append(folded)
        return Junction(self.decider, tuple(left)) if left else Literal(not self.decider)

    def compile(self) -> Evaluate:
        compiled = tuple(argument.compile() for argument in self.arguments)
        decider = self.decider

        def decide(document: Document, variables: Variables) -> bool:
            for evaluate in compiled:
                if is_true(evaluate(document, variables)) is decider:
                    return decider
            return not decider

        return decide


def _junction(decider: bool, operand: Any, scope: Scope) -> Expression:
    specs = operand if type(operand) is list else [operand]
    return Junction(decider, tuple(parse_operand(spec, scope) for spec in specs))


@form("$and")
def parse_and(operand: Any, scope: Scope) -> Expression:
    """True when every argument is true.

    args     any number of values of any type
    result   bool; true without arguments
    order    left to right, stops at the first false; a constant false anywhere decides before anything runs
    source   manual, $and
    """
    return _junction(False, operand, scope)


@form("$or")
def parse_or(operand: Any, scope: Scope) -> Expression:
    """True when some argument is true.

    args     any number of values of any type
    result   bool; false without arguments
    order    left to right, stops at the first true; a constant true anywhere decides before anything runs
    source   manual, $or
    """
    return _junction(True, operand, scope)


@operator("$not", arity=1)
def negate(value: Any) -> bool:
    """The opposite of a value's truth.

    args     one value of any type
    result   bool
    source   manual, $not
    """
    return not is_true(value)
