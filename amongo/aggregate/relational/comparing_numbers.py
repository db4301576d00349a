"""Numbers compared exactly: int64 with double and Decimal128 operands with both, without rounding either.

DuckDB compares a BIGINT with a DOUBLE as doubles, so that beyond 2**53 neighbours become equal. Here an operand that is
known is turned into the bound that it is for each slot: `> 2.5` is `> 2` for whole numbers. Two columns are compared as
doubles where the facts say that the whole numbers fit; otherwise the double is cut to a whole number.

NaN needs care: in DuckDB it is above all numbers, in MongoDB's order below them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from bson import Decimal128

from amongo.aggregate.relational.sql import FALSE, NULL, TRUE, Sql, any_of, parameter, sql
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.engine.columns import DOUBLE, WHOLE, slot_of
from amongo.values.numbers import LONG_MAX, LONG_MIN, unpack_decimal
from amongo.values.types import BsonType

EXACT: Final = 2**53
"""Whole numbers up to here, either way, are doubles too."""

_SIGNS: Final = {"$eq": "({} = {})", "$gt": "({} > {})", "$gte": "({} >= {})", "$lt": "({} < {})", "$lte": "({} <= {})"}


def fills(value: Value, slot: str) -> bool:
    """Whether a value of this slot is there in every row."""
    return all(slot_of(kind) == slot for kind in value.kinds)


def never_null(condition: Sql, *values: tuple[Value, str], null_is_false: bool = False) -> Sql:
    """A condition on slots that is false where one of them is NULL.

    values          (value, slot) of each slot that it reads
    null_is_false   whether it may be NULL there instead
    """
    if null_is_false or all(fills(value, slot) for value, slot in values):
        return condition
    return sql("COALESCE({}, FALSE)", condition)


def whole_range(value: Value) -> tuple[int, int]:
    """(least, most) that the ints and longs of a value can be."""
    facts = value.facts
    if facts.least is not None and facts.most is not None:
        return facts.least, facts.most
    return (LONG_MIN, LONG_MAX) if BsonType.LONG in value.kinds else (-(2**31), 2**31 - 1)


def are_doubles(value: Value) -> bool:
    """Whether all ints and longs of a value are doubles exactly."""
    least, most = whole_range(value)
    return least >= -EXACT and most <= EXACT


# With a number that is known


def against_number(value: Value, operator: str, number: Any, *, nan_is_least: bool, null_is_false: bool = False) -> Sql:
    """Whether the value is a number for which the comparison with a known one holds.

    operator        "$eq", "$gt", "$gte", "$lt", "$lte"
    number          int, Int64, float or Decimal128
    nan_is_least    whether NaN is below all numbers, as in expressions; otherwise it is neither below nor above any
    null_is_false   whether it may be NULL where it is no number; otherwise it never is
    errors          NotLowered for decimals among the values
    """
    if BsonType.DECIMAL in value.kinds:
        raise NotLowered("a comparison with decimals")
    exact = exact_number(number)
    if exact is None:
        return _against_nan(value, operator, nan_is_least)
    parts = []
    if WHOLE in value.slots:
        condition = _whole_against(value, operator, exact)
        parts.append(
            never_null(condition, (value, WHOLE), null_is_false=null_is_false) if condition != FALSE else FALSE
        )
    if DOUBLE in value.slots:
        condition = _double_against(value, operator, exact, nan_is_least)
        parts.append(
            never_null(condition, (value, DOUBLE), null_is_false=null_is_false) if condition != FALSE else FALSE
        )
    return any_of(parts)


def exact_number(number: Any) -> Fraction | float | None:
    """A number exactly: a fraction, an infinity, or None for NaN."""
    if type(number) is Decimal128:
        decimal = unpack_decimal(number)
        if decimal.is_nan():
            return None
        if decimal.is_infinite():
            return math.inf if decimal > 0 else -math.inf
        if decimal and abs(decimal.adjusted()) > 400:  # beyond all doubles, and between all of them and zero
            small, great = Fraction(1, 2**1200), Fraction(2**1200)
            magnitude = great if decimal.adjusted() > 0 else small
            return magnitude if decimal > 0 else -magnitude
        return Fraction(decimal)
    if type(number) is float:
        if math.isnan(number):
            return None
        return number if math.isinf(number) else Fraction(number)
    return Fraction(int(number))


def _against_nan(value: Value, operator: str, nan_is_least: bool) -> Sql:
    doubles = value.slots.get(DOUBLE)
    has_nan = value.facts.has_nan and doubles is not None
    is_nan = never_null(sql("isnan({})", doubles or NULL), (value, DOUBLE)) if has_nan else FALSE
    if operator == "$eq" or (operator in ("$gte", "$lte") and not nan_is_least) or operator == "$lte":
        return is_nan
    if not nan_is_least or operator == "$lt":
        return FALSE
    numbers = value.is_kind(BsonType.INT, BsonType.LONG, BsonType.DOUBLE)
    if operator == "$gte" or not has_nan:
        return numbers
    return sql("({} AND NOT {})", numbers, is_nan)


def _whole_against(value: Value, operator: str, exact: Fraction | float) -> Sql:
    """The bound for whole numbers: above 2.5 is above 2; at least 2.5 is at least 3."""
    present = TRUE if fills(value, WHOLE) else sql("({} IS NOT NULL)", value.slots[WHOLE])
    if isinstance(exact, float):
        return present if operator in (("$lt", "$lte") if exact > 0 else ("$gt", "$gte")) else FALSE
    if operator == "$eq":
        if exact.denominator != 1 or not LONG_MIN <= exact <= LONG_MAX:
            return FALSE
        bound = int(exact)
    else:
        bound = math.floor(exact) if operator in ("$gt", "$lte") else math.ceil(exact)
        if not LONG_MIN <= bound <= LONG_MAX:
            return present if (bound > 0) == (operator in ("$lt", "$lte")) else FALSE
    return sql(_SIGNS[operator], value.slots[WHOLE], parameter(bound, "BIGINT"))


def _double_against(value: Value, operator: str, exact: Fraction | float, nan_is_least: bool) -> Sql:
    """The bound for doubles: the next one below or above where the number itself is none."""
    below, above = neighbours(exact)
    if operator == "$eq" and below != above:
        return FALSE
    bound = below if operator in ("$gt", "$lte", "$eq") else above
    doubles = value.slots[DOUBLE]
    condition = sql(_SIGNS[operator], doubles, parameter(bound, "DOUBLE"))
    if value.facts.has_nan:
        if operator in ("$gt", "$gte"):
            condition = sql("({} AND NOT isnan({}))", condition, doubles)
        elif operator in ("$lt", "$lte") and nan_is_least:
            condition = sql("({} OR isnan({}))", condition, doubles)
    return condition


def neighbours(exact: Fraction | float) -> tuple[float, float]:
    """(the greatest double that is not above, the least that is not below): the same where it is a double."""
    if isinstance(exact, float):
        return exact, exact
    try:
        nearest = float(exact)
    except OverflowError:
        nearest = math.inf if exact > 0 else -math.inf
    if math.isinf(nearest):
        return (math.nextafter(math.inf, 0), math.inf) if exact > 0 else (-math.inf, math.nextafter(-math.inf, 0))
    found = Fraction(nearest)
    if found == exact:
        return nearest, nearest
    return (
        (nearest, math.nextafter(nearest, math.inf)) if found < exact else (math.nextafter(nearest, -math.inf), nearest)
    )


# Two columns


def numbers_less(left: Value, right: Value) -> Sql:
    """Whether both are numbers and the left is below the right, NaN below all others; never NULL.

    errors   NotLowered for decimals
    """
    return _for_slots(left, right, _LESS)


def numbers_equal(left: Value, right: Value) -> Sql:
    """Whether both are numbers and equal, NaN equal to NaN; never NULL.

    errors   NotLowered for decimals
    """
    return _for_slots(left, right, _EQUAL)


_Pair = Callable[[Value, Value], Sql]


def _for_slots(left: Value, right: Value, pairs: dict[tuple[str, str], _Pair]) -> Sql:
    if BsonType.DECIMAL in left.kinds | right.kinds:
        raise NotLowered("a comparison with decimals")
    return any_of(
        compare(left, right)
        for (left_slot, right_slot), compare in pairs.items()
        if left_slot in left.slots and right_slot in right.slots
    )


def _same_slot(template: str, slot: str) -> _Pair:
    def compare(left: Value, right: Value) -> Sql:
        return never_null(sql(template, left.slots[slot], right.slots[slot]), (left, slot), (right, slot))

    return compare


def _doubles_less(left: Value, right: Value) -> Sql:
    low, high = left.slots[DOUBLE], right.slots[DOUBLE]
    if left.facts.has_nan or right.facts.has_nan:
        condition = sql("(NOT isnan({}) AND (isnan({}) OR {} < {}))", high, low, low, high)
    else:
        condition = sql("({} < {})", low, high)
    return never_null(condition, (left, DOUBLE), (right, DOUBLE))


def _whole_less_double(left: Value, right: Value) -> Sql:
    low, high = left.slots[WHOLE], right.slots[DOUBLE]
    is_number = sql(" AND NOT isnan({})", high) if right.facts.has_nan else Sql("")
    if are_doubles(left):
        condition = sql("(CAST({} AS DOUBLE) < {}{})", low, high, is_number)
        return never_null(condition, (left, WHOLE), (right, DOUBLE))
    beyond = sql("({} > 0{})", high, is_number)
    return sql("({} IS NOT NULL AND COALESCE({} < TRY_CAST(ceil({}) AS BIGINT), {}, FALSE))", low, low, high, beyond)


def _double_less_whole(left: Value, right: Value) -> Sql:
    low, high = left.slots[DOUBLE], right.slots[WHOLE]
    is_least = sql(" OR isnan({})", low) if left.facts.has_nan else Sql("")
    if are_doubles(right):
        condition = never_null(sql("({} < CAST({} AS DOUBLE){})", low, high, is_least), (left, DOUBLE))
        return condition if fills(right, WHOLE) else sql("({} IS NOT NULL AND {})", high, condition)
    beyond = sql("({} < 0{})", low, is_least)
    return sql("({} IS NOT NULL AND COALESCE(TRY_CAST(floor({}) AS BIGINT) < {}, {}, FALSE))", high, low, high, beyond)


def _whole_equals_double(left: Value, right: Value) -> Sql:
    whole, double = left.slots[WHOLE], right.slots[DOUBLE]
    if are_doubles(left):
        return never_null(sql("(CAST({} AS DOUBLE) = {})", whole, double), (left, WHOLE), (right, DOUBLE))
    return sql("COALESCE({} = TRY_CAST({} AS BIGINT) AND {} = floor({}), FALSE)", whole, double, double, double)


_LESS: Final[dict[tuple[str, str], _Pair]] = {
    (WHOLE, WHOLE): _same_slot("({} < {})", WHOLE),
    (DOUBLE, DOUBLE): _doubles_less,
    (WHOLE, DOUBLE): _whole_less_double,
    (DOUBLE, WHOLE): _double_less_whole,
}
_EQUAL: Final[dict[tuple[str, str], _Pair]] = {
    (WHOLE, WHOLE): _same_slot("({} = {})", WHOLE),
    (DOUBLE, DOUBLE): _same_slot("({} = {})", DOUBLE),
    (WHOLE, DOUBLE): _whole_equals_double,
    (DOUBLE, WHOLE): lambda left, right: _whole_equals_double(right, left),
}


# One form for equal numbers


def canonical_numbers(value: Value) -> list[Sql]:
    """Columns by which two numbers are equal as they are in MongoDB: 1, 1.0 and a long 1; -0.0 and 0; any two NaN.

    They are NULL in rows that hold no number, and only there some is not.
    """
    whole, double = value.slots.get(WHOLE), value.slots.get(DOUBLE)
    if whole is None or double is None:
        return [each for each in (whole, double) if each is not None]
    if are_doubles(value):
        return [sql("COALESCE({}, CAST({} AS DOUBLE))", double, whole)]
    is_whole = sql("({} = floor({}) AND TRY_CAST({} AS BIGINT) IS NOT NULL)", double, double, double)
    return [
        sql("COALESCE({}, CASE WHEN {} THEN TRY_CAST({} AS BIGINT) END)", whole, is_whole, double),
        sql("(CASE WHEN {} THEN NULL ELSE {} END)", is_whole, double),
    ]
