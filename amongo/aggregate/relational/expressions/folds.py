"""Accumulators as expressions: $sum, $avg, $min, $max over values, or over the elements of one array."""

from __future__ import annotations

import re
from dataclasses import replace

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.comparing import less
from amongo.aggregate.relational.each import Elements
from amongo.aggregate.relational.expressions.arrays import list_of
from amongo.aggregate.relational.listing import elements_of, length_of
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, sql
from amongo.aggregate.relational.sums import mean, total, whole_range
from amongo.aggregate.relational.values import (
    NULL_VALUE,
    NULLISH,
    Listing,
    NotLowered,
    Value,
    facts_of,
    literal,
    or_null,
)
from amongo.engine.columns import STRING, slot_of
from amongo.values.types import BsonType

_EXACT_DOUBLE = 2**53
_AGGREGATE = re.compile(r"(sum|count|bool_or)\((.*)\)\Z", re.DOTALL)
_IN_ORDER = frozenset({BsonType.INT, BsonType.LONG, BsonType.STRING, BsonType.BOOL, BsonType.DATE, BsonType.OBJECT_ID})


class ListFolds:
    """The folds of `sums` over the elements of an array instead of the rows of a group."""

    is_few = False

    def __init__(self, elements: Elements, listing: Listing, scope: Scope) -> None:
        self._elements = elements
        self._listing = listing
        self._scope = scope

    def fold(self, expression: Sql) -> Sql:
        """An aggregate of the elements: never NULL for count and bool_or."""
        found = _AGGREGATE.match(expression.text)
        assert found is not None, expression.text
        name, argument = found.groups()
        if argument == "*":
            return sql("COALESCE({}, 0)", length_of(self._listing))
        each = self._elements.mapped(replace(expression, text=argument))
        template = {
            "sum": "list_sum({})",
            "count": "COALESCE(list_count({}), 0)",
            "bool_or": "COALESCE(list_bool_or({}), FALSE)",
        }[name]
        return self._scope.kept_condition(sql(template, each))

    def computed(self, expression: Sql) -> Sql:
        """A column over those of aggregates."""
        return self._scope.kept_condition(expression)

    def first(self, expression: Sql, condition: Sql) -> Sql:
        """The first element for which a condition holds: not needed where NaN is refused."""
        raise NotLowered("a sum over an array with a NaN")


def _folded(arguments: list[Value]) -> tuple[Listing, Value | None]:
    """(what is folded, the array that it comes from): the elements of a single array, else the values.

    errors   NotLowered where a single value may be an array and may be a number
    """
    if len(arguments) == 1 and BsonType.ARRAY in arguments[0].kinds:
        (array,) = arguments
        if array.kinds - NULLISH - {BsonType.ARRAY}:
            raise NotLowered("a fold over what may be an array or something else")
        return elements_of(array), array
    for value in arguments:
        if value.listing is not None or value.fields is not None:
            raise NotLowered("a fold over computed arrays or documents")
    return list_of(arguments), None


def _numbers(arguments: list[Value], scope: Scope) -> tuple[Value, int, ListFolds]:
    """What `sums` needs: a value for each element, how many there are at most, the folds; there may be none."""
    listing, _ = _folded(arguments)
    if listing.most is None:
        raise NotLowered("a sum over arrays of any length")
    elements = Elements(listing, scope)
    value = elements.element
    if value.facts.has_nan:
        raise NotLowered("a sum over an array with a NaN")
    facts = value.facts.and_(facts_of((BsonType.MISSING,)))
    return replace(value, facts=facts, constant=...), listing.most, ListFolds(elements, listing, scope)


@lowers_call("$sum")
def add_up(arguments: list[Value], scope: Scope) -> Value:
    """The sum of the numbers; 0 for none."""
    return literal(0) if _has_none(arguments) else total(*_numbers(arguments, scope))


@lowers_call("$avg")
def average(arguments: list[Value], scope: Scope) -> Value:
    """The mean of the numbers; null for none."""
    if _has_none(arguments):
        return NULL_VALUE
    value, most, folds = _numbers(arguments, scope)
    if BsonType.LONG in value.kinds and max(map(abs, whole_range(value))) > _EXACT_DOUBLE:
        raise NotLowered("a mean of whole numbers past 53 bits, each of which is rounded")
    return mean(value, most, folds)


def _has_none(arguments: list[Value]) -> bool:
    if len(arguments) == 1 and arguments[0].only(BsonType.ARRAY, *NULLISH):
        return BsonType.ARRAY not in arguments[0].kinds or not elements_of(arguments[0]).element.tags
    return all(value.only(*NULLISH) for value in arguments)


@lowers_call("$min")
def smallest(arguments: list[Value], scope: Scope) -> Value:
    """The first of the smallest values; null for nothing."""
    return _extreme(arguments, scope, "list_min({})", is_least=True)


@lowers_call("$max")
def largest(arguments: list[Value], scope: Scope) -> Value:
    """The first of the largest values; null for nothing."""
    return _extreme(arguments, scope, "list_max({})", is_least=False)


def _extreme(arguments: list[Value], scope: Scope, template: str, *, is_least: bool) -> Value:
    if len(arguments) == 1 and BsonType.ARRAY in arguments[0].kinds:
        return _extreme_of_elements(arguments, scope, template)
    best = NULL_VALUE
    for value in arguments:
        best = scope.kept(_better(best, value, scope, is_least=is_least))
    return best


def _better(best: Value, value: Value, scope: Scope, *, is_least: bool) -> Value:
    if value.only(*NULLISH):
        return best
    if value.fields is not None or value.listing is not None:
        raise NotLowered("the least or the greatest of documents or arrays")
    is_better = less(value, best, scope) if is_least else less(best, value, scope)
    return either([(value.is_nullish, best), (best.is_nullish, value), (is_better, value)], best)


def _extreme_of_elements(arguments: list[Value], scope: Scope, template: str) -> Value:
    listing, _ = _folded(arguments)
    kinds = listing.element.tags - NULLISH
    if not kinds:
        return NULL_VALUE
    facts = listing.element
    is_exact = not (facts.has_nan or facts.has_negative_zero)
    if len(kinds) > 1 or not kinds <= _IN_ORDER | ({BsonType.DOUBLE} if is_exact else frozenset()):
        raise NotLowered("the least or the greatest of elements of these types")
    (kind,) = kinds
    slot = slot_of(kind)
    assert slot is not None
    if slot == STRING and (scope.lowering.collates or not facts.is_utf8):
        raise NotLowered("the order of strings under a collation")
    elements = Elements(listing, scope)
    values = elements.mapped(elements.element.slots[slot]) if not listing.is_plain else listing.items
    found = or_null(kind, scope.kept_condition(sql(template, values)))
    counts = {kind: 1, int(BsonType.NULL): 1}
    return replace(found, facts=replace(facts, counts=counts, most_elements=0))
