"""What is known of the values in the documents that a $match lets through.

{$match: {delay: {$gt: 0}}} leaves numbers above zero: the stages behind need not reckon with null, with strings, or
with a division by zero. Only what is said of plain paths, all of which have to hold, is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bson import Decimal128, Int64

from amongo.aggregate.relational.scope import Scope, is_of
from amongo.aggregate.relational.values import NULLISH, Value, tag_of, without
from amongo.engine.columns import CROSSED, Facts, Path
from amongo.mql.matcher import MatchExpression
from amongo.values.missing import MISSING
from amongo.values.types import BsonType, bson_type

Narrowed = Mapping[Path, Value]
"""Path -> the value as it was found there, with what is known of it now."""

_NUMBERS: Final = frozenset(map(int, (BsonType.INT, BsonType.LONG, BsonType.DOUBLE, BsonType.DECIMAL)))
_ABOVE: Final = frozenset({"$gt", "$gte", "$eq"})
_BELOW: Final = frozenset({"$lt", "$lte", "$eq"})
_NEVER_BRACKETED: Final = frozenset(
    map(int, (BsonType.MIN_KEY, BsonType.MAX_KEY, BsonType.REGEX, BsonType.OBJECT, BsonType.ARRAY, BsonType.UNDEFINED))
)


def surviving(expression: MatchExpression, scope: Scope) -> Narrowed:
    """What is known of values where the expression holds, beside what was known before."""
    found: dict[Path, Value] = dict(scope.frame.narrowed)
    for each in _conjuncts(expression):
        positive = each
        is_negated = each.operator in ("$not", "$nor") and len(each.children) == 1
        if is_negated:
            (positive,) = each.children
        if positive.path is None or positive.children:
            continue
        path: Path = tuple(positive.path.split("."))
        value = scope.located(path)
        value = found[path] if path in found and is_of(found[path], value) else value
        if value.kinds & {CROSSED, BsonType.ARRAY} or value.fields is not None or value.listing is not None:
            continue
        narrow = _negated(value, positive) if is_negated else _narrowed(value, positive)
        if narrow is not value:
            found[path] = narrow
    return found


def _conjuncts(expression: MatchExpression) -> Iterator[MatchExpression]:
    if expression.operator == "$and":
        for child in expression.children:
            yield from _conjuncts(child)
    else:
        yield expression


def _narrowed(value: Value, expression: MatchExpression) -> Value:
    operator, operand = expression.operator, expression.operand
    if operator == "$exists":
        return _without(value, {BsonType.MISSING})
    if operator == "$type":
        return _only(value, map(int, operand))
    if operator == "$in":
        return _only(value, {kind for each in operand for kind in _kinds_equal_to(each)})
    if operator not in _ABOVE | _BELOW:
        return value
    kinds = _kinds_equal_to(operand)
    if kinds & _NEVER_BRACKETED:
        return value
    value = _only(value, kinds)
    if type(operand) in (int, Int64, float) and math.isfinite(operand):
        return _in_range(value, operator, operand)
    return value


def _negated(value: Value, expression: MatchExpression) -> Value:
    if expression.operator == "$exists":
        return _only(value, {BsonType.MISSING})
    if expression.operator == "$eq" and expression.operand is None:
        return _without(value, NULLISH - {BsonType.UNDEFINED})
    return value


def _kinds_equal_to(operand: Any) -> frozenset[int]:
    """The kinds of the values that may equal an operand, or lie on its side of the bracket."""
    if operand is None:
        return NULLISH
    kind = int(bson_type(operand)) if operand is not MISSING else int(BsonType.MISSING)
    if kind == BsonType.REGEX:  # in an `$in` it matches strings
        return frozenset(map(int, BsonType))
    return _NUMBERS if kind in _NUMBERS or type(operand) is Decimal128 else frozenset({kind})


def _only(value: Value, kinds: Iterable[int]) -> Value:
    return _without(value, value.kinds - frozenset(kinds))


def _without(value: Value, kinds: Iterable[int]) -> Value:
    gone = value.kinds & frozenset(map(int, kinds))
    if not gone or gone == value.kinds:  # nothing survives: nothing is known of it
        return value
    narrow = without(value, *gone)
    return replace(narrow, tag=tag_of(min(narrow.kinds))) if len(narrow.kinds) == 1 else narrow


def _in_range(value: Value, operator: str, operand: float) -> Value:
    facts = replace(value.facts, has_nan=False)
    if operator in _ABOVE:
        least = math.floor(operand) + 1 if operator == "$gt" else math.ceil(operand)
        low = math.nextafter(operand, math.inf) if operator == "$gt" else float(operand)
        facts = replace(facts, least=_most(facts.least, least), low=_most(facts.low, low))
    if operator in _BELOW:
        most = math.ceil(operand) - 1 if operator == "$lt" else math.floor(operand)
        high = math.nextafter(operand, -math.inf) if operator == "$lt" else float(operand)
        facts = replace(facts, most=_least(facts.most, most), high=_least(facts.high, high))
    if _is_empty(facts):
        return value
    return replace(value, facts=facts)


def _is_empty(facts: Facts) -> bool:
    """Whether no whole number, or no finite double, is left, so that their bounds would cross."""
    no_whole = facts.least is not None and facts.most is not None and facts.least > facts.most
    no_double = facts.low is not None and facts.high is not None and facts.low > facts.high
    return no_whole or no_double


def _most(known: Any, bound: Any) -> Any:
    return None if known is None else max(known, bound)


def _least(known: Any, bound: Any) -> Any:
    return None if known is None else min(known, bound)
