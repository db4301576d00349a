"""Equality and order of two values as SQL, and columns by which equal values are one group.

Values of different brackets (numbers, strings, …) are never equal and sort by their bracket; within one bracket the
slots are compared. Documents compare by their fields where these are known. What the columns do not show (the inside
of stored documents and arrays, decimals, regular expressions) is not lowered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from amongo.aggregate.relational.comparing_numbers import (
    against_number,
    canonical_numbers,
    never_null,
    numbers_equal,
    numbers_less,
)
from amongo.aggregate.relational.listing import elements_of
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, TRUE, Sql, all_of, any_of, case, integer, negated, parameter, sql
from amongo.aggregate.relational.values import NUMBERS, NotLowered, Value
from amongo.engine.columns import BOOL, CROSSED, DATE, OBJECT_ID, OTHER, STRING, VALUELESS, slot_of
from amongo.values import order
from amongo.values.types import BsonType

BRACKETS: Final[Mapping[int, int]] = {
    BsonType.MIN_KEY: order.MIN_KEY,
    BsonType.MISSING: order.MISSING_CLASS,
    BsonType.UNDEFINED: order.MISSING_CLASS,
    BsonType.NULL: order.NULL,
    BsonType.INT: order.NUMBER,
    BsonType.LONG: order.NUMBER,
    BsonType.DOUBLE: order.NUMBER,
    BsonType.DECIMAL: order.NUMBER,
    BsonType.STRING: order.STRING,
    BsonType.SYMBOL: order.STRING,
    BsonType.OBJECT: order.OBJECT,
    BsonType.ARRAY: order.ARRAY,
    BsonType.BINARY: order.BINARY,
    BsonType.OBJECT_ID: order.OBJECT_ID,
    BsonType.BOOL: order.BOOL,
    BsonType.DATE: order.DATE,
    BsonType.TIMESTAMP: order.TIMESTAMP,
    BsonType.REGEX: order.REGEX,
    BsonType.DB_POINTER: order.DB_POINTER,
    BsonType.JAVASCRIPT: order.CODE,
    BsonType.JAVASCRIPT_WITH_SCOPE: order.CODE_WITH_SCOPE,
    BsonType.MAX_KEY: order.MAX_KEY,
}
"""The type bracket of each tag."""

EQUAL_BY_BYTES: Final = frozenset({BsonType.BINARY, BsonType.TIMESTAMP, BsonType.JAVASCRIPT, BsonType.DB_POINTER})
"""Kinds in OTHER whose values are equal if and only if their bytes are."""

PLAIN: Final[Mapping[int, str]] = {
    order.STRING: STRING,
    order.OBJECT_ID: OBJECT_ID,
    order.BOOL: BOOL,
    order.DATE: DATE,
}
"""Brackets of one kind of value whose slot compares as MongoDB does: bracket -> slot."""

_SINGLE: Final = frozenset({order.MIN_KEY, order.MISSING_CLASS, order.NULL, order.MAX_KEY})
"""Brackets whose values are all equal."""

_EMPTY: Final = b"\x05\x00\x00\x00\x00"


def equal(left: Value, right: Value, scope: Scope) -> Sql:
    """Whether two values are equal: 1, 1.0 and a long 1 are, null and missing are not; never NULL.

    errors   NotLowered
    """
    if left.is_constant and right.is_constant:
        return TRUE if order.equal(left.constant, right.constant) else FALSE
    brackets = _kinds_by_bracket(left).keys() & _kinds_by_bracket(right).keys()
    return any_of(_equal_within(bracket, left, right, scope) for bracket in sorted(brackets))


def less(left: Value, right: Value, scope: Scope) -> Sql:
    """Whether the left value sorts before the right one, across types; never NULL.

    errors   NotLowered
    """
    if left.is_constant and right.is_constant:
        return TRUE if order.compare(left.constant, right.constant) < 0 else FALSE
    brackets = (_kinds_by_bracket(left).keys() & _kinds_by_bracket(right).keys()) - _SINGLE
    within = [_less_within(bracket, left, right, scope) for bracket in sorted(brackets)]
    return any_of([_lower_bracket(left, right), *within])


def less_or_equal(left: Value, right: Value, scope: Scope) -> Sql:
    """Whether the left value does not sort behind the right one; never NULL.

    errors   NotLowered
    """
    return negated(less(right, left, scope))


def bracket_of(value: Value) -> Sql:
    """The number of the bracket of each row's value, never NULL."""
    branches = [
        (value.is_kind(*kinds), integer(bracket)) for bracket, kinds in sorted(_kinds_by_bracket(value).items())
    ]
    return case(branches[:-1], branches[-1][1])


def _kinds_by_bracket(value: Value) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for kind in value.kinds:
        if kind == CROSSED:
            raise NotLowered("an array stands on the way of a compared value")
        found.setdefault(BRACKETS[kind], set()).add(kind)
    return found


def _lower_bracket(left: Value, right: Value) -> Sql:
    """Whether the left value is of a lower bracket."""
    lefts, rights = _kinds_by_bracket(left), _kinds_by_bracket(right)
    if max(lefts) < min(rights):
        return TRUE
    if min(lefts) >= max(rights):
        return FALSE
    if len(rights) == 1:
        return left.is_kind(*(kind for bracket, kinds in lefts.items() if bracket < min(rights) for kind in kinds))
    if len(lefts) == 1:
        return right.is_kind(*(kind for bracket, kinds in rights.items() if bracket > min(lefts) for kind in kinds))
    return sql("({} < {})", bracket_of(left), bracket_of(right))


def _of_bracket(value: Value, bracket: int) -> Sql:
    return value.is_kind(*(kind for kind in value.kinds if BRACKETS[kind] == bracket))


# Within a bracket


def _equal_within(bracket: int, left: Value, right: Value, scope: Scope) -> Sql:
    """Whether both are of this bracket and equal."""
    if bracket in _SINGLE:
        return all_of([_of_bracket(left, bracket), _of_bracket(right, bracket)])
    if bracket == order.NUMBER:
        for value, constant in ((left, right), (right, left)):
            if constant.is_constant:
                return against_number(value, "$eq", constant.constant, nan_is_least=True)
        return numbers_equal(left, right)
    _check_strings(bracket, left, right, scope)
    if bracket in PLAIN:
        slot = PLAIN[bracket]
        return never_null(sql("({} = {})", left.slots[slot], right.slots[slot]), (left, slot), (right, slot))
    for value, constant in ((left, right), (right, left)):
        if constant.is_constant and constant.constant in ({}, []):
            return is_empty(value, bracket)
    if bracket == order.OBJECT:
        return _equal_documents(left, right, scope)
    if bracket == order.ARRAY:
        return _compared_lists("=", left, right, scope)
    kinds = {kind for kind in left.kinds | right.kinds if BRACKETS[kind] == bracket}
    if not kinds <= EQUAL_BY_BYTES:
        raise NotLowered("an equality of these types")
    same = sql("({} = {})", left.slots[OTHER], right.slots[OTHER])
    return all_of([_of_bracket(left, bracket), _of_bracket(right, bracket), same])


def _less_within(bracket: int, left: Value, right: Value, scope: Scope) -> Sql:
    """Whether both are of this bracket and the left is less."""
    if bracket == order.NUMBER:
        if right.is_constant:
            return against_number(left, "$lt", right.constant, nan_is_least=True)
        if left.is_constant:
            return against_number(right, "$gt", left.constant, nan_is_least=True)
        return numbers_less(left, right)
    _check_strings(bracket, left, right, scope)
    if bracket in PLAIN:
        slot = PLAIN[bracket]
        return never_null(sql("({} < {})", left.slots[slot], right.slots[slot]), (left, slot), (right, slot))
    if bracket == order.BINARY:
        first, second = left.slots[OTHER], right.slots[OTHER]
        shorter = sql("(octet_length({}) < octet_length({}))", first, second)
        as_long = sql("(octet_length({}) = octet_length({}) AND {} < {})", first, second, first, second)
        return all_of([_of_bracket(left, bracket), _of_bracket(right, bracket), any_of([shorter, as_long])])
    if bracket == order.ARRAY:
        return _compared_lists("<", left, right, scope)
    raise NotLowered("an order of these types")


def _check_strings(bracket: int, left: Value, right: Value, scope: Scope) -> None:
    if bracket == order.STRING:
        if scope.lowering.collates:
            raise NotLowered("a comparison of strings under a collation")
        if BsonType.SYMBOL in left.kinds | right.kinds:
            raise NotLowered("a comparison of symbols")


def is_empty(value: Value, bracket: int) -> Sql:
    """Whether the value is the empty document or, by the bracket, the empty array; never NULL."""
    present = _of_bracket(value, bracket)
    if bracket == order.ARRAY and value.listing is not None:
        return all_of([present, sql("COALESCE(len({}) = 0, FALSE)", value.listing.items)])
    if value.fields is not None:
        return all_of(each.is_kind(BsonType.MISSING) for each in value.fields.values())
    return all_of([present, sql("({} = {})", value.slots[OTHER], parameter(_EMPTY, "BLOB"))])


def _equal_documents(left: Value, right: Value, scope: Scope) -> Sql:
    """Documents of known fields are equal if they have the same names in the same order, with equal values."""
    if left.fields is None or right.fields is None:
        raise NotLowered("an equality of documents whose fields are not known")
    if list(left.fields) != list(right.fields):
        raise NotLowered("an equality of documents of different fields")
    parts = []
    for name, each in left.fields.items():
        other = right.fields[name]
        if BsonType.UNDEFINED in each.kinds | other.kinds:
            raise NotLowered("undefined in a compared document")
        parts.append(equal(each, other, scope))
    return all_of(parts)


def _compared_lists(sign: str, left: Value, right: Value, scope: Scope) -> Sql:
    """Arrays whose elements are at hand, all of one slot."""
    lefts, rights = elements_of(left), elements_of(right)
    slots = {slot_of(kind) for kind in lefts.element.tags | rights.element.tags}
    if not (lefts.is_plain and rights.is_plain and len(slots) == 1):
        raise NotLowered("a comparison of arrays of several types")
    if slots == {OTHER} or (sign == "<" and (lefts.element.has_nan or rights.element.has_nan)):
        raise NotLowered("a comparison of arrays of these types")
    if slots == {STRING} and scope.lowering.collates:
        raise NotLowered("a comparison of strings under a collation")
    template = "COALESCE({} = {}, FALSE)" if sign == "=" else "COALESCE({} < {}, FALSE)"
    are_arrays = [_of_bracket(left, order.ARRAY), _of_bracket(right, order.ARRAY)]
    return all_of([*are_arrays, sql(template, lefts.items, rights.items)])


# Groups


def group_columns(value: Value, scope: Scope, *, missing_is_null: bool = False) -> list[Sql]:
    """Columns by which GROUP BY has two values in one group if and only if they are equal; none for a constant.

    They may be NULL; NULL is a group of its own. What stands in a group's row is not the value of its first document:
    1 and 1.0 are one group, and so are 0.0 and -0.0.

    missing_is_null   as the key of $group has it; otherwise missing and null differ, as they do in a document
    errors            NotLowered
    """
    if value.is_constant:
        return []
    if value.fields is not None:
        return _field_columns(value.fields, scope)
    _check_groupable(value, scope)
    columns = [scope.kept_condition(each) for each in canonical_numbers(value)]
    columns += [value.slots[slot] for slot in (STRING, BOOL, DATE, OBJECT_ID) if slot in value.slots]
    if BsonType.ARRAY in value.kinds:
        columns.append(elements_of(value).items)
    if any(slot_of(kind) == OTHER and kind != BsonType.ARRAY for kind in value.kinds):
        columns.append(value.slots[OTHER])
    told = _kinds_to_tell(value.kinds, missing_is_null=missing_is_null)
    if told:
        number = case([(value.is_kind(*kinds), integer(place)) for place, kinds in enumerate(told)], integer(-1))
        columns.append(scope.kept_condition(number))
    return columns


def _kinds_to_tell(kinds: frozenset[int], *, missing_is_null: bool) -> list[frozenset[int]]:
    """The kinds that slots do not tell apart, those together that are equal; none where there is only one of them."""
    empty = {BRACKETS[kind]: frozenset[int]() for kind in kinds if kind in VALUELESS}
    for kind in kinds & VALUELESS:
        empty[BRACKETS[kind]] |= {kind}
    if missing_is_null and BsonType.MISSING in kinds:
        empty[order.NULL] = empty.get(order.NULL, frozenset()) | {BsonType.MISSING}
        empty[order.MISSING_CLASS] -= {BsonType.MISSING}
    groups = [each for each in empty.values() if each]
    told = groups if len(groups) > 1 else []
    if BsonType.ARRAY in kinds and len(kinds) > 1:  # where there is no array may be an empty list
        told.append(frozenset({BsonType.ARRAY}))
    others = [frozenset({kind}) for kind in sorted(kinds) if slot_of(kind) == OTHER and kind != BsonType.ARRAY]
    return told + (others if len(others) > 1 else [])


def _check_groupable(value: Value, scope: Scope) -> None:
    if CROSSED in value.kinds:
        raise NotLowered("an array stands on the way of a compared value")
    if STRING in value.slots and scope.lowering.collates:
        raise NotLowered("groups of strings under a collation")
    for kind in value.kinds:
        if slot_of(kind) == OTHER and kind not in EQUAL_BY_BYTES and kind != BsonType.ARRAY:
            raise NotLowered(f"groups of values of type {BsonType(kind).alias}")
    if BsonType.ARRAY in value.kinds:
        _check_list(value, scope)


def _check_list(value: Value, scope: Scope) -> None:
    if any(slot_of(kind) == OTHER and kind != BsonType.ARRAY for kind in value.kinds):
        raise NotLowered("groups of arrays and values of other types without slots")
    element = elements_of(value).element
    if element.has_negative_zero or element.has_nan:
        raise NotLowered("groups of arrays with -0.0 or NaN, of which the first would be lost")
    tags = element.tags
    if len(tags & NUMBERS) > 1 or any(slot_of(tag) == OTHER and tag not in EQUAL_BY_BYTES for tag in tags):
        raise NotLowered("groups of arrays of these types")
    if BsonType.STRING in tags and scope.lowering.collates:
        raise NotLowered("groups of strings under a collation")


def _field_columns(fields: Mapping[str, Value], scope: Scope) -> list[Sql]:
    columns = []
    for each in fields.values():
        if each.kinds >= {BsonType.MISSING, BsonType.UNDEFINED}:
            raise NotLowered("undefined in a compared document")
        columns += group_columns(each, scope)
    return columns
