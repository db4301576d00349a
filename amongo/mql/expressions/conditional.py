"""Conditional: $cond, $ifNull, $switch. Only the chosen branch is evaluated for a document.

Constant parts are computed when the expression is bound, as on a server: a constant division by zero is an error even
in a branch that is never taken, but for the branches of a $switch that constant cases rule out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import check_arity, form, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish, is_true


@dataclass(frozen=True, slots=True)
class Cond(Expression):
    """One test and two branches."""

    test: Expression
    then: Expression
    otherwise: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.test, self.then, self.otherwise))

    def fold(self) -> Expression:
        test, then, otherwise = self.test.fold(), self.then.fold(), self.otherwise.fold()
        if isinstance(test, Literal):
            return then if is_true(test.value) else otherwise
        return Cond(test, then, otherwise)

    def compile(self) -> Evaluate:
        test, then, otherwise = self.test.compile(), self.then.compile(), self.otherwise.compile()

        def choose(document: Document, variables: Variables) -> Any:
            branch = then if is_true(test(document, variables)) else otherwise
            return branch(document, variables)

        return choose


@form("$cond")
def parse_cond(operand: Any, scope: Scope) -> Expression:
    """One of two values, by a test.

    args     [if, then, else] or {if, then, else}, any types
    result   the chosen branch's value
    errors   WRONG_ARGUMENT_COUNT, COND_WITHOUT_IF, COND_WITHOUT_THEN, COND_WITHOUT_ELSE, COND_UNKNOWN_FIELD
    order    the test, then the chosen branch alone
    source   manual, $cond
    """
    if type(operand) is dict:
        for field in operand:
            if field not in ("if", "then", "else"):
                raise errors.COND_UNKNOWN_FIELD(field=field)
        for field, absent in (
            ("if", errors.COND_WITHOUT_IF),
            ("then", errors.COND_WITHOUT_THEN),
            ("else", errors.COND_WITHOUT_ELSE),
        ):
            if field not in operand:
                raise absent()
        specs = [operand["if"], operand["then"], operand["else"]]
    else:
        specs = operand if type(operand) is list else [operand]
        check_arity("$cond", 3, len(specs))
    return Cond(*(parse_operand(spec, scope) for spec in specs))


@dataclass(frozen=True, slots=True)
class IfNull(Expression):
    """The first argument that is something."""

    arguments: tuple[Expression, ...]

    def children(self) -> Iterator[Expression]:
        return iter(self.arguments)

    def fold(self) -> Expression:
        *tried, last = (argument.fold() for argument in self.arguments)
        left = [argument for argument in tried if not (isinstance(argument, Literal) and is_nullish(argument.value))]
        if not left:
            return last
        if left[0].is_constant:
            return left[0]
        return IfNull((*left, last))

    def compile(self) -> Evaluate:
        *tried, last = (argument.compile() for argument in self.arguments)

        def choose(document: Document, variables: Variables) -> Any:
            for evaluate in tried:
                value = evaluate(document, variables)
                if not is_nullish(value):
                    return value
            return last(document, variables)

        return choose


@form("$ifNull")
def parse_if_null(operand: Any, scope: Scope) -> Expression:
    """The first value that is not null, missing or undefined; else the last argument, whatever it is.

    args     two or more values
    result   one of them
    errors   IF_NULL_NEEDS_TWO
    order    left to right, stops at the first hit
    source   manual, $ifNull
    """
    specs = operand if type(operand) is list else [operand]
    if len(specs) < 2:
        raise errors.IF_NULL_NEEDS_TWO(count=len(specs))
    return IfNull(tuple(parse_operand(spec, scope) for spec in specs))


@dataclass(frozen=True, slots=True)
class Switch(Expression):
    """Branches tried in order; `default` is None when there is none."""

    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None

    def children(self) -> Iterator[Expression]:
        for case, then in self.branches:
            yield case
            yield then
        if self.default is not None:
            yield self.default

    def fold(self) -> Expression:
        """Branches that cannot be taken go unread; the first whose case is constantly true becomes the default."""
        default = self.default.fold() if self.default is not None else None
        left = []
        for case, then in self.branches:
            folded = case.fold()
            if not isinstance(folded, Literal):
                left.append((folded, then.fold()))
            elif is_true(folded.value):
                default = then.fold()
                break
        if not left:
            if default is None:
                raise errors.SWITCH_NEVER_MATCHES()
            return default
        return Switch(tuple(left), default)

    def compile(self) -> Evaluate:
        branches = tuple((case.compile(), then.compile()) for case, then in self.branches)
        default = self.default.compile() if self.default is not None else None

        def choose(document: Document, variables: Variables) -> Any:
            for case, then in branches:
                if is_true(case(document, variables)):
                    return then(document, variables)
            if default is None:
                raise errors.SWITCH_NO_BRANCH()
            return default(document, variables)

        return choose


@form("$switch")
def parse_switch(operand: Any, scope: Scope) -> Expression:
    """The value of the first branch whose case is true.

    args     {branches: [{case, then}, …], default}; at least one branch
    result   the branch's value, else the default's
    errors   SWITCH_NEEDS_OBJECT, SWITCH_BRANCHES_ARRAY, SWITCH_UNKNOWN_FIELD, SWITCH_BRANCH_OBJECT,
             SWITCH_BRANCH_UNKNOWN_FIELD, SWITCH_BRANCH_WITHOUT_CASE, SWITCH_BRANCH_WITHOUT_THEN,
             SWITCH_WITHOUT_BRANCHES; when no branch matches and there is no default SWITCH_NO_BRANCH, or
             SWITCH_NEVER_MATCHES where all cases are constantly false
    order    cases in order, then the chosen branch alone
    source   manual, $switch
    """
    if type(operand) is not dict:
        raise errors.SWITCH_NEEDS_OBJECT()
    branches: list[tuple[Expression, Expression]] = []
    default = None
    for field, value in operand.items():
        if field == "branches":
            if type(value) is not list:
                raise errors.SWITCH_BRANCHES_ARRAY()
            branches = [_parse_branch(branch, scope) for branch in value]
        elif field == "default":
            default = parse_operand(value, scope)
        else:
            raise errors.SWITCH_UNKNOWN_FIELD(field=field)
    if not branches:
        raise errors.SWITCH_WITHOUT_BRANCHES()
    return Switch(tuple(branches), default)


def _parse_branch(branch: Any, scope: Scope) -> tuple[Expression, Expression]:
    if type(branch) is not dict:
        raise errors.SWITCH_BRANCH_OBJECT()
    for field in branch:
        if field not in ("case", "then"):
            raise errors.SWITCH_BRANCH_UNKNOWN_FIELD(field=field)
    if "case" not in branch:
        raise errors.SWITCH_BRANCH_WITHOUT_CASE()
    if "then" not in branch:
        raise errors.SWITCH_BRANCH_WITHOUT_THEN()
    return parse_operand(branch["case"], scope), parse_operand(branch["then"], scope)
