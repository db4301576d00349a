"""Element operators: `$exists`, `$type`."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.errors import query as errors
from amongo.mql.expressions.truth import is_true
from amongo.mql.matcher.joins import negation
from amongo.mql.matcher.registry import Clause, field_operator
from amongo.mql.matcher.tree import MatchExpression, Predicate, Test
from amongo.values.missing import MISSING
from amongo.values.types import BsonType, bson_type, type_from_alias_or_number


@dataclass(frozen=True, slots=True)
class Exists(Predicate):
    """The path leads to a value, be it null."""

    fans_out = False

    def value_test(self) -> Test:
        return lambda value: value is not MISSING


@field_operator("$exists")
def exists(clause: Clause) -> MatchExpression:
    """The field is there, or for a false operand is not.

    operand   any value; false, null, undefined and zero ask for the absence
    source    manual, $exists
    """
    node = Exists("$exists", clause.path, True)
    return node if is_true(clause.operand) else negation(node)


@dataclass(frozen=True, slots=True)
class OfType(Predicate):
    """The value is of one of some BSON types; the operand is their set."""

    operand: frozenset[BsonType]

    def value_test(self) -> Test:
        types = self.operand
        return lambda value: bson_type(value) in types


@field_operator("$type")
def type_(clause: Clause) -> MatchExpression:
    """The value, or an element of an array, or the array itself, is of one of the named BSON types.

    operand   a type's number or alias ("number" names four), or an array of these
    errors    TYPE_LIST_EMPTY, and UNKNOWN_TYPE_ALIAS, UNKNOWN_TYPE_NUMBER, TYPE_NUMBER_OF_MISSING,
              TYPE_IS_NUMBER_OR_STRING of `amongo.errors.value`
    source    manual, $type
    """
    named = clause.operand if type(clause.operand) is list else [clause.operand]
    if not named:
        raise errors.TYPE_LIST_EMPTY(path=clause.path)
    types = frozenset[BsonType]().union(*map(type_from_alias_or_number, named))
    return OfType("$type", clause.path, types)
