"""Comparison operators: `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`.

All but `$ne` and `$nin` compare within the operand's type bracket: `{$gt: 5}` finds numbers alone. Null stands for a
missing field as well; NaN equals NaN and is neither below nor above anything; MinKey and MaxKey compare with all types.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex

from amongo.errors import query as errors
from amongo.mql.matcher.joins import negation
from amongo.mql.matcher.parse import is_operator_document
from amongo.mql.matcher.registry import Clause, Collator, field_operator, top_level_operator
from amongo.mql.matcher.regular_expressions import regex_test
from amongo.mql.matcher.tree import Match, MatchExpression, Predicate, Test
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import has_strings, key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import is_nan
from amongo.values.order import NUMBER, canonical_class, compare
from amongo.values.paths import bind_any, query_path

_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$eq": operator.eq,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_ADMITS_EQUAL: Final = frozenset({"$eq", "$gte", "$lte"})
_NUMBER_KINDS: Final = frozenset({int, Int64, float})
_STRING_KINDS: Final = frozenset({str})
_ALONE: Final[dict[type, frozenset[type]]] = {kind: frozenset({kind}) for kind in (ObjectId, bool, DatetimeMS)}


@dataclass(frozen=True, slots=True)
class Comparison(Predicate):
    """`$eq`, `$gt`, `$gte`, `$lt` or `$lte` against one value."""

    collator: Collator | None = None

    def value_test(self) -> Test:
        test = _comparison_test(self.operator, self.operand, self.collator)
        fast = _fast_kinds(self.operand, self.collator)
        if fast is None:
            return test
        (kinds, bound), holds = fast, _HOLDS[self.operator]

        def quick_test(value: Any) -> bool:
            kind = type(value)
            if kind in kinds:
                return holds(value, bound)
            return kind is not list and kind is not dict and test(value)

        return quick_test

    def bind(self) -> Match:
        fast = _fast_kinds(self.operand, self.collator)
        if fast is None or "." in self.path:
            return bind_any(query_path(self.path), self.value_test())
        kinds, bound = fast
        name, holds = self.path, _HOLDS[self.operator]
        any_value = bind_any(query_path(name), self.value_test())

        def match(document: dict[str, Any]) -> bool:
            value = document.get(name, MISSING)
            if type(value) in kinds:
                return holds(value, bound)
            return any_value(document)

        return match


@field_operator("$eq")
def eq(clause: Clause) -> MatchExpression:
    """Equal to the operand; null equals a missing field too.

    operand   any value but undefined; a regular expression equals the same regular expression alone
    errors    COMPARE_UNDEFINED
    source    manual, $eq
    """
    return _comparison(clause, "$eq")


@top_level_operator("$ref")
@top_level_operator("$id")
@top_level_operator("$db")
def reference_part(clause: Clause) -> MatchExpression:
    """A part of a DBRef equals the operand: these three names are fields, dollar sign and all.

    operand   any value but undefined
    errors    COMPARE_UNDEFINED
    source    manual, Database References
    """
    if type(clause.operand) is Undefined:
        raise errors.COMPARE_UNDEFINED()
    return Comparison("$eq", clause.operator, clause.operand, clause.scope.collator)


@field_operator("$ne")
def ne(clause: Clause) -> MatchExpression:
    """Not equal to the operand, and no element equal to it; also where the field is missing, unless it is null.

    operand   any value but undefined and regular expressions
    errors    COMPARE_UNDEFINED, NE_REGEX
    source    manual, $ne
    """
    if type(clause.operand) is Regex:
        raise errors.NE_REGEX()
    return negation(_comparison(clause, "$eq"))


@field_operator("$gt")
def gt(clause: Clause) -> MatchExpression:
    """Above the operand, within its type bracket.

    operand   any value but undefined and regular expressions
    errors    COMPARE_UNDEFINED, COMPARE_REGEX
    source    manual, $gt
    """
    return _inequality(clause)


@field_operator("$gte")
def gte(clause: Clause) -> MatchExpression:
    """Equal to the operand or above it, within its type bracket; operand, errors as for `$gt`. source: manual, $gte."""
    return _inequality(clause)


@field_operator("$lt")
def lt(clause: Clause) -> MatchExpression:
    """Below the operand, within its type bracket; operand, errors as for `$gt`. source: manual, $lt."""
    return _inequality(clause)


@field_operator("$lte")
def lte(clause: Clause) -> MatchExpression:
    """Equal to the operand or below it, within its type bracket; operand, errors as for `$gt`. source: manual, $lte."""
    return _inequality(clause)


def _inequality(clause: Clause) -> MatchExpression:
    if type(clause.operand) is Regex:
        raise errors.COMPARE_REGEX(path=clause.path)
    return _comparison(clause, clause.operator)


def _comparison(clause: Clause, name: str) -> Comparison:
    if type(clause.operand) is Undefined:
        raise errors.COMPARE_UNDEFINED()
    return Comparison(name, clause.path, clause.operand, clause.scope.collator)


def _fast_kinds(operand: Any, collator: Collator | None) -> tuple[frozenset[type], Any] | None:
    """The Python types whose values compare with the operand by Python's own operators, and the operand for that."""
    kind = type(operand)
    if kind is int or kind is float or kind is Int64:
        if operand != operand:
            return None
        return _NUMBER_KINDS, float(operand) if kind is float else int(operand)
    if kind is str and collator is None:
        return _STRING_KINDS, operand
    if kind in _ALONE:
        return _ALONE[kind], operand
    return None


def _comparison_test(name: str, operand: Any, collator: Collator | None) -> Test:
    kind = type(operand)
    if kind is MinKey or kind is MaxKey:
        return _extreme_test(name, kind)
    if operand is None:
        admits = name in _ADMITS_EQUAL
        return lambda value: admits and (value is None or value is MISSING)
    if is_nan(operand):
        admits = name in _ADMITS_EQUAL
        return lambda value: admits and is_nan(value)
    holds, bracket = _HOLDS[name], canonical_class(operand)
    if collator is not None and has_strings(operand):
        return _collated_test(holds, operand, bracket, collator)

    def test(value: Any) -> bool:
        return canonical_class(value) == bracket and holds(compare(value, operand), 0)

    if bracket == NUMBER:
        return lambda value: test(value) and not is_nan(value)
    return test


def _collated_test(holds: Callable[[Any, Any], bool], operand: Any, bracket: int, collator: Collator) -> Test:
    """The test of an operand that is a string, or holds one."""
    bound = key_bytes(operand, collator)
    string_bound = collator(operand) if type(operand) is str else None

    def test(value: Any) -> bool:
        if string_bound is not None and type(value) is str:
            return holds(collator(value), string_bound)
        return canonical_class(value) == bracket and holds(key_bytes(value, collator), bound)

    return test


def _extreme_test(name: str, extreme: type) -> Test:
    """MinKey and MaxKey compare with values of every type."""
    admits_same = name in _ADMITS_EQUAL
    admits_others = name in (("$gt", "$gte") if extreme is MinKey else ("$lt", "$lte"))
    return lambda value: admits_same if type(value) is extreme else admits_others


@dataclass(frozen=True, slots=True)
class In(Predicate):
    """One of a list of values and regular expressions."""

    operand: list[Any]
    collator: Collator | None = None

    def value_test(self) -> Test:
        collator = self.collator if has_strings(self.operand) else None
        has_null = None in self.operand
        patterns = [regex_test(each) for each in self.operand if type(each) is Regex]
        keys = {key_bytes(each, collator) for each in self.operand}
        numbers, strings = _hashed(self.operand)
        has_composites = any(type(each) in (dict, list) for each in self.operand)
        by_hash = numbers is not None and collator is None

        def test(value: Any) -> bool:
            kind = type(value)
            if value is None or value is MISSING:
                return has_null
            if by_hash and kind is str and not patterns:
                return value in strings
            if by_hash and (kind is int or kind is Int64):
                return value in numbers  # type: ignore[operator]
            if (kind is list or kind is dict) and not has_composites:
                return False
            if key_bytes(value, collator) in keys:
                return True
            return any(matches(value) for matches in patterns)

        return test


def _hashed(operands: list[Any]) -> tuple[frozenset[int | float] | None, frozenset[str]]:
    """The numbers and the strings of a list as sets; no set of numbers where a Decimal128 is among them."""
    strings = frozenset(each for each in operands if type(each) is str)
    if any(type(each) is Decimal128 for each in operands):
        return None, strings
    return frozenset(each for each in operands if type(each) in _NUMBER_KINDS), strings


@field_operator("$in")
def in_(clause: Clause) -> MatchExpression:
    """Equal to one value of a list, or matched by one of its regular expressions.

    operand   array of values other than undefined
    errors    IN_NEEDS_ARRAY, IN_NESTED_OPERATOR, IN_UNDEFINED, REGEX_INVALID, REGEX_BAD_FLAG
    source    manual, $in
    """
    return _in(clause)


@field_operator("$nin")
def nin(clause: Clause) -> MatchExpression:
    """Neither equal to a value of a list nor matched by one of its regular expressions.

    operand, errors   as for `$in`
    source            manual, $nin
    """
    return negation(_in(clause))


def _in(clause: Clause) -> In:
    if type(clause.operand) is not list:
        raise errors.IN_NEEDS_ARRAY(name=clause.operator)
    for each in clause.operand:
        if is_operator_document(each):
            raise errors.IN_NESTED_OPERATOR()
        if type(each) is Undefined:
            raise errors.IN_UNDEFINED()
        if type(each) is Regex:
            regex_test(each)
    return In("$in", clause.path, clause.operand, clause.scope.collator)
