"""Arithmetic: $add, $subtract, $multiply, $divide, $mod, $abs, on ints, longs and doubles; dates and milliseconds.

Whole numbers are lowered where their ranges prove that 64 bits are enough. Doubles: DuckDB's + - * / and fmod are
those of the machine, as Python's are. $add of more than two numbers is the interpreter's compensated sum, step by step.
"""

from __future__ import annotations

from collections.abc import Sequence

from amongo.aggregate.relational.expressions.numeric import (
    EXACT_WHOLE,
    LARGEST,
    Doubles,
    Whole,
    as_double,
    as_it_is,
    double,
    doubles_of,
    may_be_double,
    may_be_whole,
    may_be_zero,
    numbers,
    only_numbers,
    shown_kinds,
    some_long,
    whole_range,
    within_long,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import (
    NULL,
    Sql,
    all_of,
    any_of,
    case,
    joined,
    negated,
    sql,
)
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NotLowered, Value, of_kind, or_null
from amongo.engine.columns import DATE, DOUBLE, WHOLE
from amongo.values.numbers import LONG_MAX, LONG_MIN
from amongo.values.types import BsonType

_DATE_OR_NULL = NULLISH | {int(BsonType.DATE)}
_SAFE_MS = 10**15  # doubles of so many milliseconds are moments of 15 digits, and so are themselves as decimals


# $add


@lowers_call("$add")
def lower_add(arguments: list[Value], scope: Scope) -> Value:
    """A sum: whole numbers exactly, doubles as the interpreter adds them, a date moved by whole milliseconds."""
    dates = [argument for argument in arguments if BsonType.DATE in argument.kinds]
    if dates:
        (first, *more) = dates
        if more:
            raise NotLowered("$add of two values that may be dates")
        return _date_sum(first, [argument for argument in arguments if argument is not first], 1, "$add")
    if not only_numbers("$add", arguments):
        return NULL_VALUE
    if len(arguments) == 1:
        (only,) = arguments
        plain = (sql("({} + {})", double(0.0), only.slots[DOUBLE]), doubles_of(only)) if may_be_double(only) else None
        return numbers(as_it_is(only), plain, arguments)
    whole = None
    if all(map(may_be_whole, arguments)):
        low, high = _sum_range(arguments, "$add")
        added = sql("({})", joined(" + ", [argument.slots[WHOLE] for argument in arguments]))
        whole = Whole(added, low, high, some_long(arguments))
    if not any(map(may_be_double, arguments)):
        return numbers(whole, None, arguments)
    return numbers(whole, _double_sum(arguments, scope), arguments)


def _sum_range(arguments: Sequence[Value], name: str) -> tuple[int, int]:
    """The range of a sum of whole numbers, of which every beginning stays within 64 bits."""
    low = high = 0
    for argument in arguments:
        least, most = whole_range(argument)
        low, high = within_long(low + least, high + most, name)
    return low, high


def _double_sum(arguments: Sequence[Value], scope: Scope) -> tuple[Sql, Doubles]:
    """(the sum in rows in which a double is among the numbers, what is known of it)."""
    parts = [doubles_of(argument) for argument in arguments]
    wholes = [whole_range(argument) for argument in arguments if may_be_whole(argument)]
    if sum(max(abs(least), abs(most)) for least, most in wholes) > EXACT_WHOLE:
        raise NotLowered("$add of doubles and of whole numbers past 53 bits")
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    low_bit = min(part.low_bit for part in parts)
    known = Doubles.between(
        low,
        high,
        low_bit=low_bit,
        has_nan=not all(part.is_finite for part in parts),
        has_infinity=any(part.has_infinity for part in parts),
        has_negative_zero=False,
    )
    most = sum(part.most for part in parts)
    is_exact = not known.has_nan and most < LARGEST and most <= 2.0 ** min(53 + low_bit, 1000)
    if len(arguments) > 2 and not is_exact:
        return _compensated(arguments, scope), known
    terms = [as_double(argument) for argument in arguments]
    if all(part.has_negative_zero for part in parts):
        terms = [double(0.0), *terms]
    added = terms[0]
    for term in terms[1:]:
        added = sql("({} + {})", added, term)
    return added, known


def _compensated(arguments: Sequence[Value], scope: Scope) -> Sql:
    """Knuth's TwoSum, doubles first and then the whole numbers, as `mql.expressions.number_sum` does it."""
    if any(part.columns & scope.bound for argument in arguments for part in argument.slots.values()):
        raise NotLowered("$add of several doubles for each element")
    terms = []
    for argument in arguments:
        if may_be_double(argument):
            slot = argument.slots[DOUBLE]
            is_alone = len(argument.kinds) == 1
            terms.append(slot if is_alone else sql("COALESCE({}, {})", slot, double(0.0)))
    wholes = [argument.slots[WHOLE] for argument in arguments if may_be_whole(argument)]
    if wholes:
        added = joined(" + ", [sql("COALESCE({}, 0)", whole) for whole in wholes])
        terms.append(sql("CAST({} AS DOUBLE)", added))
    total, carry = _kept(sql("({} + {})", double(0.0), terms[0]), scope), double(0.0)
    for term in terms[1:]:
        term = _kept(term, scope)
        before, total = total, _kept(sql("({} + {})", total, term), scope)
        shadow = sql("({} - {})", total, term)
        lost = sql("(({} - {}) + ({} - ({} - {})))", before, shadow, term, total, shadow)
        carry = _kept(sql("({} + {})", carry, lost), scope)
    summed = sql("({} + {})", total, carry)
    chosen = case([(sql("isnan({})", summed), total)], summed)
    has_double = any_of(argument.is_kind(BsonType.DOUBLE) for argument in arguments)
    is_null = any_of(argument.is_nullish for argument in arguments)
    return case([(all_of([has_double, negated(is_null)]), chosen)], NULL)


def _kept(expression: Sql, scope: Scope) -> Sql:
    return scope.kept(of_kind(BsonType.DOUBLE, expression)).slots[DOUBLE]


# Dates


def _date_sum(date: Value, offsets: Sequence[Value], sign: int, name: str) -> Value:
    """A date moved by whole milliseconds.

    errors   NotLowered also for fractions of milliseconds: rounding them takes decimals
    """
    if not date.kinds <= _DATE_OR_NULL:
        raise NotLowered(f"{name} of {shown_kinds(date.kinds)}")
    if not only_numbers(name, offsets):
        return NULL_VALUE
    first, last = date_range(date)
    moved = date.slots[DATE]
    for offset in offsets:
        millis, least, most = _whole_millis(offset, name)
        first, last = within_long(first + min(sign * least, sign * most), last + max(sign * least, sign * most), name)
        moved = sql("({} + {})" if sign > 0 else "({} - {})", moved, millis)
    return dates(moved, first, last, [date, *offsets])


def dates(expression: Sql, first: int, last: int, arguments: Sequence[Value]) -> Value:
    """A date within a range; null where an argument is."""
    build = or_null if any(argument.kinds & NULLISH for argument in arguments) else of_kind
    return build(int(BsonType.DATE), expression, first_ms=first, last_ms=last)


def date_range(value: Value) -> tuple[int, int]:
    """(first, last) of the dates."""
    facts = value.facts
    return LONG_MIN if facts.first_ms is None else facts.first_ms, LONG_MAX if facts.last_ms is None else facts.last_ms


def _whole_millis(offset: Value, name: str) -> tuple[Sql, int, int]:
    """(a number as whole milliseconds, the least, the most)."""
    parts: list[Sql] = []
    least = most = None
    if may_be_whole(offset):
        least, most = whole_range(offset)
        parts.append(offset.slots[WHOLE])
    if may_be_double(offset):
        facts = offset.facts
        if (
            facts.has_nan
            or facts.has_infinity
            or facts.low is None
            or facts.high is None
            or (facts.low_bit is None and facts.low != facts.high)
            or (facts.low_bit or 0) < 0
            or max(abs(facts.low), abs(facts.high)) > _SAFE_MS
        ):
            raise NotLowered(f"{name} of a date and doubles that may be fractions")
        parts.append(sql("CAST({} AS BIGINT)", offset.slots[DOUBLE]))
        least = int(facts.low) if least is None else min(least, int(facts.low))
        most = int(facts.high) if most is None else max(most, int(facts.high))
    assert least is not None and most is not None
    return parts[0] if len(parts) == 1 else sql("COALESCE({}, {})", *parts), least, most


# $subtract, $multiply


@lowers_call("$subtract")
def lower_subtract(arguments: list[Value], scope: Scope) -> Value:
    """A difference of numbers, of dates, or of a date and whole milliseconds."""
    left, right = arguments
    if BsonType.DATE in left.kinds:
        if BsonType.DATE not in right.kinds:
            return _date_sum(left, [right], -1, "$subtract")
        if not left.kinds | right.kinds <= _DATE_OR_NULL:
            raise NotLowered(f"$subtract of {shown_kinds(left.kinds | right.kinds)}")
        (first, last), (earliest, latest) = date_range(left), date_range(right)
        low, high = within_long(first - latest, last - earliest, "$subtract")
        span = sql("({} - {})", left.slots[DATE], right.slots[DATE])
        build = or_null if (left.kinds | right.kinds) & NULLISH else of_kind
        return build(int(BsonType.LONG), span, least=low, most=high)
    if not only_numbers("$subtract", arguments):
        return NULL_VALUE
    whole = doubles = None
    if all(map(may_be_whole, arguments)):
        (least, most), (fewest, greatest) = whole_range(left), whole_range(right)
        low, high = within_long(least - greatest, most - fewest, "$subtract")
        whole = Whole(sql("({} - {})", left.slots[WHOLE], right.slots[WHOLE]), low, high, some_long(arguments))
    if any(map(may_be_double, arguments)):
        one, two = doubles_of(left), doubles_of(right)
        known = Doubles.between(
            one.low - two.high,
            one.high - two.low,
            low_bit=min(one.low_bit, two.low_bit),
            has_nan=not (one.is_finite and two.is_finite),
            has_infinity=one.has_infinity or two.has_infinity,
            has_negative_zero=one.has_negative_zero,
        )
        doubles = (sql("({} - {})", as_double(left), as_double(right)), known)
    return numbers(whole, doubles, arguments)


@lowers_call("$multiply")
def lower_multiply(arguments: list[Value], scope: Scope) -> Value:
    """A product, from left to right."""
    if not only_numbers("$multiply", arguments):
        return NULL_VALUE
    product = arguments[0]
    if len(arguments) == 1:
        doubles = (product.slots[DOUBLE], doubles_of(product)) if may_be_double(product) else None
        return numbers(as_it_is(product), doubles, arguments)
    for argument in arguments[1:]:
        product = scope.kept(_product(product, argument))
    return product


def _product(left: Value, right: Value) -> Value:
    both = (left, right)
    whole = doubles = None
    if all(map(may_be_whole, both)):
        (least, most), (fewest, greatest) = whole_range(left), whole_range(right)
        corners = [one * two for one in (least, most) for two in (fewest, greatest)]
        low, high = within_long(min(corners), max(corners), "$multiply")
        whole = Whole(sql("({} * {})", left.slots[WHOLE], right.slots[WHOLE]), low, high, some_long(both))
    if any(map(may_be_double, both)):
        one, two = doubles_of(left), doubles_of(right)
        ends = [first * second for first in (one.low, one.high) for second in (two.low, two.high)]
        is_positive = one.low >= 0 and two.low >= 0 and not (one.has_negative_zero or two.has_negative_zero)
        known = Doubles.between(
            min(ends),
            max(ends),
            low_bit=max(one.low_bit + two.low_bit, -1074),
            has_nan=not (one.is_finite and two.is_finite),
            has_infinity=one.has_infinity or two.has_infinity,
            has_negative_zero=not is_positive,
        )
        doubles = (sql("({} * {})", as_double(left), as_double(right)), known)
    return numbers(whole, doubles, both)


# $divide, $mod, $abs


@lowers_call("$divide")
def lower_divide(arguments: list[Value], scope: Scope) -> Value:
    """A quotient, always a double, where the divisor is proved not to be zero."""
    left, right = arguments
    if not only_numbers("$divide", arguments):
        return NULL_VALUE
    if may_be_zero(right):
        raise NotLowered("$divide by what may be zero")
    one, two = doubles_of(left), doubles_of(right)
    is_finite = one.is_finite and two.is_finite
    known = Doubles.between(*_quotients(one, two), has_nan=not is_finite, has_infinity=one.has_infinity)
    if left.is_constant and right.is_constant:
        raise NotLowered("$divide of constants")
    return numbers(None, (sql("({} / {})", as_double(left), as_double(right)), known), arguments)


def _quotients(one: Doubles, two: Doubles) -> tuple[float, float]:
    """(low, high) of quotients; infinite where that is not bounded."""
    if two.low <= 0 <= two.high or min(abs(two.low), abs(two.high)) < 1e-300:
        return -float("inf"), float("inf")
    ends = [first / second for first in (one.low, one.high) for second in (two.low, two.high)]
    low, high = min(ends), max(ends)
    return (min(low, 0.0), max(high, 0.0)) if two.has_infinity else (low, high)


@lowers_call("$mod")
def lower_mod(arguments: list[Value], scope: Scope) -> Value:
    """A remainder with the dividend's sign, where the divisor is proved not to be zero."""
    left, right = arguments
    if not only_numbers("$mod", arguments):
        return NULL_VALUE
    if may_be_zero(right):
        raise NotLowered("$mod by what may be zero")
    whole = doubles = None
    if all(map(may_be_whole, arguments)):
        (least, most), (fewest, greatest) = whole_range(left), whole_range(right)
        if least == LONG_MIN:
            raise NotLowered("$mod of the least long")
        limit = max(abs(fewest), abs(greatest)) - 1
        low, high = max(min(least, 0), -limit), min(max(most, 0), limit)
        whole = Whole(sql("({} % {})", left.slots[WHOLE], right.slots[WHOLE]), low, high, some_long(arguments))
    if any(map(may_be_double, arguments)):
        one, two = doubles_of(left), doubles_of(right)
        if not (one.is_finite and two.is_finite):
            raise NotLowered("$mod of NaN or infinities")
        least_double, most_double = max(min(one.low, 0.0), -two.most), min(max(one.high, 0.0), two.most)
        known = Doubles(least_double, most_double, min(one.low_bit, two.low_bit))
        doubles = (sql("({} % {})", as_double(left), as_double(right)), known)
    return numbers(whole, doubles, arguments)


@lowers_call("$abs")
def lower_abs(arguments: list[Value], scope: Scope) -> Value:
    """A magnitude."""
    (value,) = arguments
    if not only_numbers("$abs", arguments):
        return NULL_VALUE
    whole = doubles = None
    if may_be_whole(value):
        least, most = whole_range(value)
        if least == LONG_MIN:
            raise NotLowered("$abs of the least long")
        low = 0 if least <= 0 <= most else min(abs(least), abs(most))
        whole = Whole(sql("abs({})", value.slots[WHOLE]), low, max(abs(least), abs(most)), some_long(arguments))
    if may_be_double(value):
        one = doubles_of(value)
        low_end = 0.0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        known = Doubles(low_end, one.most, one.low_bit, one.has_nan, one.has_infinity, has_negative_zero=False)
        doubles = (sql("abs({})", value.slots[DOUBLE]), known)
    return numbers(whole, doubles, arguments)
