"""Comparison match operators: `$eq`, `$gt`, `$gte`, `$lt`, `$lte`, within the type bracket of the operand."""

from __future__ import annotations

from typing import Any, Final

from bson import MaxKey, MinKey

from amongo.aggregate.relational.comparing import BRACKETS, EQUAL_BY_BYTES, PLAIN, equal, is_empty
from amongo.aggregate.relational.comparing_numbers import against_number, never_null
from amongo.aggregate.relational.listing import elements_of, form_of, unpacked
from amongo.aggregate.relational.matching.values import tests
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, all_of, any_of, integer, sql
from amongo.aggregate.relational.values import NotLowered, Value, literal
from amongo.engine.columns import OTHER
from amongo.mql.matcher.comparison import Comparison
from amongo.values import order
from amongo.values.deprecated import Symbol
from amongo.values.key_bytes import has_strings
from amongo.values.types import BsonType

_SIGNS: Final = {"$eq": "({} = {})", "$gt": "({} > {})", "$gte": "({} >= {})", "$lt": "({} < {})", "$lte": "({} <= {})"}
_ADMITS_EQUAL: Final = frozenset({"$eq", "$gte", "$lte"})
_MOST_ELEMENTS: Final = 100


@tests("$eq", "$gt", "$gte", "$lt", "$lte")
def compare(expression: Comparison, value: Value, scope: Scope) -> Sql:
    """A comparison with a value that is known."""
    if expression.collator is not None and has_strings(expression.operand):
        raise NotLowered("a comparison of strings under a collation")
    return compared(value, expression.operator, expression.operand, scope)


def compared(value: Value, operator: str, operand: Any, scope: Scope) -> Sql:
    """Whether a comparison with a known operand holds, as filters have it.

    errors   NotLowered
    """
    if type(operand) is MinKey or type(operand) is MaxKey:
        return _against_extreme(value, operator, type(operand))
    if operand is None:
        return value.is_kind(BsonType.NULL, BsonType.MISSING) if operator in _ADMITS_EQUAL else FALSE
    bracket = order.canonical_class(operand)
    if not any(BRACKETS[kind] == bracket for kind in value.kinds):
        return FALSE
    if bracket == order.NUMBER:
        return against_number(value, operator, operand, nan_is_least=False, null_is_false=scope.null_is_false)
    if bracket in PLAIN:
        check_symbols(value, operand)
        slot = PLAIN[bracket]
        condition = sql(_SIGNS[operator], value.slots[slot], literal(operand).slots[slot])
        return never_null(condition, (value, slot), null_is_false=scope.null_is_false)
    if operand in ({}, []) and operator in ("$eq", "$lte"):  # nothing in the bracket is less
        return is_empty(value, bracket)
    if operand in ({}, []):
        present = value.is_kind(BsonType.OBJECT if bracket == order.OBJECT else BsonType.ARRAY)
        return present if operator == "$gte" else FALSE if operator == "$lt" else _not_empty(value, bracket, present)
    if bracket == order.ARRAY and operator == "$eq":
        return array_equals(value, operand, scope)
    if bracket == order.BINARY:
        return _against_binary(value, operator, operand)
    if operator != "$eq":
        raise NotLowered("an order of these types")
    return equal_in_bracket(value, operand, scope)


def _against_extreme(value: Value, operator: str, extreme: type) -> Sql:
    """MinKey and MaxKey compare with values of every type."""
    same = frozenset({BsonType.MIN_KEY if extreme is MinKey else BsonType.MAX_KEY})
    others = operator in (("$gt", "$gte") if extreme is MinKey else ("$lt", "$lte"))
    return any_of(
        [
            value.is_kind(*same) if operator in _ADMITS_EQUAL else FALSE,
            value.is_kind(*value.kinds - same) if others else FALSE,
        ]
    )


def check_symbols(value: Value, operand: Any) -> None:
    """Refuse a comparison of strings in which symbols, which compare as strings, come."""
    if type(operand) is Symbol or (type(operand) is str and BsonType.SYMBOL in value.kinds):
        raise NotLowered("a comparison with symbols")


def _not_empty(value: Value, bracket: int, present: Sql) -> Sql:
    return all_of([present, sql("(NOT {})", is_empty(value, bracket))])


def _against_binary(value: Value, operator: str, operand: Any) -> Sql:
    """Binary data compares by length, then subtype and bytes; length and subtype stand in front of the stored bytes."""
    present, stored, bound = value.is_kind(BsonType.BINARY), value.slots[OTHER], literal(operand).slots[OTHER]
    if operator == "$eq":
        return all_of([present, sql("({} = {})", stored, bound)])
    strict = "({} < {})" if operator in ("$lt", "$lte") else "({} > {})"
    size, size_bound = sql("octet_length({})", stored), sql("octet_length({})", bound)
    as_long = sql("({} AND {})", sql("({} = {})", size, size_bound), sql(_SIGNS[operator], stored, bound))
    return all_of([present, any_of([sql(strict, size, size_bound), as_long])])


def equal_in_bracket(value: Value, operand: Any, scope: Scope) -> Sql:
    """Whether the value equals an operand that has no slot of its own."""
    kind = literal(operand).kinds
    if not kind <= EQUAL_BY_BYTES and value.fields is None:
        raise NotLowered(f"an equality with a value of type {BsonType(min(kind)).alias}")
    return equal(value, literal(operand), scope)


def array_equals(value: Value, operand: list[Any], scope: Scope) -> Sql:
    """Whether the arrays among the values have the elements of the operand, in this order."""
    if len(operand) > _MOST_ELEMENTS:
        raise NotLowered("an equality with a long array")
    listing = elements_of(value)
    if not listing.element.tags:
        return FALSE
    parts = [value.is_kind(BsonType.ARRAY), sql("COALESCE(len({}) = {}, FALSE)", listing.items, integer(len(operand)))]
    for place, each in enumerate(operand):
        element = unpacked(form_of(listing), sql("{}[{}]", listing.items, integer(place + 1)))
        parts.append(sql("COALESCE({}, FALSE)", equal(element, literal(each), scope)))
    return all_of(parts)
