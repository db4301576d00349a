"""Operators that join filters: `$and`, `$or`, `$nor`, `$not`, and the constants."""

from __future__ import annotations

from bson.regex import Regex

from amongo.errors import query as errors
from amongo.mql.matcher.joins import And, Nor, Or, conjunction, negation
from amongo.mql.matcher.parse import parse_document, parse_operators
from amongo.mql.matcher.registry import FIELD_OPERATORS, Clause, field_operator, top_level_operator
from amongo.mql.matcher.tree import ALWAYS_FALSE, ALWAYS_TRUE, MatchExpression
from amongo.values.numbers import exact_integer


@top_level_operator("$and")
def and_(clause: Clause) -> MatchExpression:
    """Every filter of a list matches.

    operand   array of one or more filters
    errors    LOGICAL_NEEDS_ARRAY, LOGICAL_EMPTY, LOGICAL_NEEDS_OBJECTS
    source    manual, $and
    """
    children = _filters(clause)
    return children[0] if len(children) == 1 else conjunction([And("$and", None, children)])


@top_level_operator("$or")
def or_(clause: Clause) -> MatchExpression:
    """Some filter of a list matches.

    operand   array of one or more filters
    errors    as for `$and`
    source    manual, $or
    """
    return Or("$or", None, _filters(clause))


@top_level_operator("$nor")
def nor(clause: Clause) -> MatchExpression:
    """No filter of a list matches.

    operand   array of one or more filters
    errors    as for `$and`
    source    manual, $nor
    """
    return Nor("$nor", None, _filters(clause))


def _filters(clause: Clause) -> tuple[MatchExpression, ...]:
    if type(clause.operand) is not list:
        raise errors.LOGICAL_NEEDS_ARRAY(name=clause.operator)
    if not clause.operand:
        raise errors.LOGICAL_EMPTY()
    scope = clause.scope.deeper()
    children = []
    for filter in clause.operand:
        if type(filter) is not dict:
            raise errors.LOGICAL_NEEDS_OBJECTS()
        children.append(parse_document(filter, scope))
    return tuple(children)


@field_operator("$not")
def not_(clause: Clause) -> MatchExpression:
    """The operators of a document do not all match; a path that leads nowhere passes.

    operand   document of operators, or a regular expression
    errors    NOT_NEEDS_DOCUMENT, NOT_EMPTY, and those of the operators
    source    manual, $not
    """
    operand = clause.operand
    if type(operand) is Regex:
        node = FIELD_OPERATORS["$regex"](Clause("$regex", clause.path, operand, {"$regex": operand}, clause.scope))
        assert node is not None
        return negation(node)
    if type(operand) is not dict:
        raise errors.NOT_NEEDS_DOCUMENT()
    if not operand:
        raise errors.NOT_EMPTY()
    return negation(conjunction(parse_operators(clause.path, operand, clause.scope.deeper())))


@top_level_operator("$alwaysTrue")
def always_true(clause: Clause) -> MatchExpression:
    """Every document matches. operand: the number 1. errors: CONSTANT_NEEDS_ONE. source: the server's own operator."""
    _check_one(clause)
    return ALWAYS_TRUE


@top_level_operator("$alwaysFalse")
def always_false(clause: Clause) -> MatchExpression:
    """No document matches. operand: the number 1. errors: CONSTANT_NEEDS_ONE. source: the server's own operator."""
    _check_one(clause)
    return ALWAYS_FALSE


def _check_one(clause: Clause) -> None:
    if exact_integer(clause.operand) != 1:
        raise errors.CONSTANT_NEEDS_ONE(name=clause.operator)


@top_level_operator("$comment")
def comment(clause: Clause) -> None:
    """A remark for logs and profiles; it says nothing about documents. operand: anything. source: manual, $comment."""
