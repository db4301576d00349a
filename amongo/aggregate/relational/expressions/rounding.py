"""$ceil, $floor, $round and $trunc of ints, longs and doubles, at a constant place.

A double is rounded at a decimal place exactly, as if it were written out: it is scaled by a power of ten, and where
the product comes to lie on the edge between two results, the rounding error of that product (Dekker's) tells on which
side of the edge the number lies. The division back gives the nearest double, since quotient and divisor are whole and
below 2**53.
"""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.relational.expressions.numeric import (
    LARGEST,
    LEAST_BIT,
    Doubles,
    Whole,
    as_it_is,
    double,
    doubles_of,
    may_be_double,
    numbers,
    only_numbers,
    within_long,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, integer, sql
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NotLowered, Value, of_kind
from amongo.engine.columns import DOUBLE
from amongo.values.numbers import exact_integer
from amongo.values.types import BsonType

_MOST_PLACES: Final = 15
"""With more, 34 digits of a double could not tell on which side of an edge it lies."""
_MOST_DIGITS: Final = 18
_NO_FRACTION: Final = 2.0**52
_WHOLE_DOUBLE: Final = 2.0**53
_SPLITTER: Final = 134217729.0


@lowers_call("$ceil")
def lower_ceil(arguments: list[Value], scope: Scope) -> Value:
    """The next whole number up."""
    return _whole_double("$ceil", arguments, "ceil({})")


@lowers_call("$floor")
def lower_floor(arguments: list[Value], scope: Scope) -> Value:
    """The next whole number down."""
    return _whole_double("$floor", arguments, "floor({})")


def _whole_double(name: str, arguments: list[Value], template: str) -> Value:
    (value,) = arguments
    if not only_numbers(name, arguments):
        return NULL_VALUE
    doubles = None
    if may_be_double(value):
        doubles = (sql(template, value.slots[DOUBLE]), _rounded(doubles_of(value), 1.0, 0))
    return numbers(as_it_is(value), doubles, arguments)


def _rounded(facts: Doubles, step: float, low_bit: int) -> Doubles:
    """What is known of doubles that have moved by no more than a step."""
    return Doubles(
        max(facts.low - step, -LARGEST),
        min(facts.high + step, LARGEST),
        low_bit,
        facts.has_nan,
        facts.has_infinity,
        has_negative_zero=facts.has_negative_zero or facts.low < 0,
    )


@lowers_call("$round")
def lower_round(arguments: list[Value], scope: Scope) -> Value:
    """A number rounded half to even at a place."""
    return _at_place("$round", arguments, scope)


@lowers_call("$trunc")
def lower_trunc(arguments: list[Value], scope: Scope) -> Value:
    """A number cut off at a place."""
    return _at_place("$trunc", arguments, scope)


def _at_place(name: str, arguments: list[Value], scope: Scope) -> Value:
    value = arguments[0]
    if not only_numbers(name, [value]):
        return NULL_VALUE
    place = _place(name, arguments)
    if place is None:
        return NULL_VALUE
    whole = as_it_is(value)
    if whole is not None and place < 0:
        whole = _whole_at_place(name, whole, place)
    doubles = None
    if may_be_double(value):
        if not 0 <= place <= _MOST_PLACES:
            raise NotLowered(f"{name} of doubles at place {place}")
        facts = doubles_of(value)
        known = _rounded(facts, 10.0**-place, 0 if place == 0 else LEAST_BIT)
        slot = value.slots[DOUBLE]
        if place == 0:
            found = _nearest(slot, facts) if name == "$round" else sql("trunc({})", slot)
        elif name == "$round":
            found = _rounded_at(slot, place, facts, scope)
        else:
            found = _cut_at(slot, place, facts, scope)
        doubles = (found, known)
    return numbers(whole, doubles, [value])


def _place(name: str, arguments: list[Value]) -> int | None:
    """The decimal place; None where it is null.

    errors   NotLowered, also for one that is an error
    """
    if len(arguments) == 1:
        return 0
    place = arguments[1]
    if not place.is_constant:
        raise NotLowered(f"{name} at a place that is no constant")
    if place.kinds <= NULLISH:
        return None
    found = exact_integer(place.constant)
    if found is None or BsonType.DECIMAL in place.kinds or not -20 <= found <= 100:
        raise NotLowered(f"{name} at a place that is no number between -20 and 100")
    return found


def _whole_at_place(name: str, whole: Whole, place: int) -> Whole:
    """Whole numbers at a place left of the point."""
    if -place > _MOST_DIGITS:
        raise NotLowered(f"{name} at place {place}")
    step = 10**-place
    rest = sql("({} % {})", whole.expression, integer(step))
    cut = sql("({} - {})", whole.expression, rest)
    if name == "$trunc":
        return Whole(cut, min(whole.low, 0), max(whole.high, 0), whole.is_long)
    low, high = within_long(whole.low - step, whole.high + step, name)
    half = integer(step // 2)
    is_odd = sql("((({} // {}) % 2) <> 0)", cut, integer(step))
    up = sql("(abs({}) > {} OR (abs({}) = {} AND {}))", rest, half, rest, half, is_odd)
    moved = sql("({} + (CASE WHEN {} < 0 THEN {} ELSE {} END))", cut, rest, integer(-step), integer(step))
    return Whole(case([(up, moved)], cut), low, high, whole.is_long)


def _nearest(value: Sql, facts: Doubles) -> Sql:
    """A double rounded half to even to a whole number, zero keeping its sign."""
    big = double(_NO_FRACTION)
    if facts.is_finite and facts.low >= 0 and facts.high <= _NO_FRACTION / 2 and not facts.has_negative_zero:
        return sql("(({} + {}) - {})", value, big, big)
    return sql(
        "(CASE WHEN abs({}) < {} AND {} <> 0 THEN "
        "(CASE WHEN {} < 0 THEN -((-{} + {}) - {}) ELSE ({} + {}) - {} END) ELSE {} END)",
        *(value, big, value, value, value, big, big, value, big, big, value),
    )


def _error(value: Sql, product: Sql, factor: float) -> Sql:
    """value * factor - product, exactly, where the product is neither tiny nor huge (Dekker)."""
    high_factor, low_factor = _split(factor)
    grown = sql("({} * {})", double(_SPLITTER), value)
    high = sql("({} - ({} - {}))", grown, grown, value)
    low = sql("({} - {})", value, high)
    return sql(
        "(((({} * {} - {}) + {} * {}) + {} * {}) + {} * {})",
        *(high, double(high_factor), product, high, double(low_factor)),
        *(low, double(high_factor), low, double(low_factor)),
    )


def _split(factor: float) -> tuple[float, float]:
    grown = _SPLITTER * factor
    high = grown - (grown - factor)
    return high, factor - high


def _kept(expression: Sql, scope: Scope) -> Sql:
    return scope.kept(of_kind(BsonType.DOUBLE, expression)).slots[DOUBLE]


def _rounded_at(value: Sql, place: int, facts: Doubles, scope: Scope) -> Sql:
    scale = 10.0**place
    product = _kept(sql("({} * {})", value, double(scale)), scope)
    near = _kept(_nearest(product, _scaled(facts, scale)), scope)
    error = _error(value, product, scale)
    half = sql("({} - {})", product, near)
    is_edge = sql("(abs({}) = {})", half, double(0.5))
    is_past = sql("({} * {} > 0)", half, error)  # written once, or DuckDB computes it for all rows
    beside = case([(is_past, sql("({} + {} * {})", near, double(2.0), half))], near)
    quotient = sql("({} / {})", case([(is_edge, beside)], near), double(scale))
    if facts.is_finite and facts.most * scale <= _WHOLE_DOUBLE / 2:
        return quotient
    return case([(sql("(abs({}) <= {})", product, double(_WHOLE_DOUBLE)), quotient)], value)


def _scaled(facts: Doubles, scale: float) -> Doubles:
    return Doubles.between(
        facts.low * scale,
        facts.high * scale,
        has_nan=facts.has_nan,
        has_infinity=facts.has_infinity,
        has_negative_zero=facts.has_negative_zero,
    )


def _cut_at(value: Sql, place: int, facts: Doubles, scope: Scope) -> Sql:
    scale = 10.0**place
    if facts.most * scale > _NO_FRACTION:
        raise NotLowered("$trunc of large doubles at a place")
    product = _kept(sql("({} * {})", value, double(scale)), scope)
    cut = sql("trunc({})", product)
    error = _error(value, product, scale)
    past: list[tuple[Any, Any]] = [
        (sql("({} > 0 AND {} < 0)", product, error), sql("({} - {})", cut, double(1.0))),
        (sql("({} < 0 AND {} > 0)", product, error), sql("({} + {})", cut, double(1.0))),
    ]
    is_edge = sql("({} = {} AND {} <> 0)", product, cut, product)
    quotient = sql("({} / {})", case([(is_edge, case(past, cut))], cut), double(scale))
    if facts.is_finite:
        return quotient
    return case([(sql("(abs({}) <= {})", product, double(_WHOLE_DOUBLE)), quotient)], value)
