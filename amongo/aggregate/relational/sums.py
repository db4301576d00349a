"""Sums and means that are the interpreter's to the last bit, in whatever order the values are added.

Whole numbers are summed as HUGEINT. Doubles, all of which are multiples of one power of two (`Facts.low_bit`), are
summed as doubles where every partial sum has 53 bits at most, so that nothing is ever rounded. Where that is not
enough, each double is cut into a high and a low part whose sums have 53 bits at most each; the sum is then rounded
once, when both are added. The interpreter (and the server) carries rounding errors along in a second double: by the
same bounds that one is exact as well, and the sum is rounded once there too. Where bounds of the whole collection do
not prove it, the statement checks each group by its own count and sum (`_checked`). Past that nothing is lowered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Protocol

from amongo.aggregate.relational.sql import NULL, TRUE, Sql, case, integer, parameter, sql
from amongo.aggregate.relational.values import NULL_VALUE, NUMBERS, NotLowered, Value, facts_of, literal, tag_of
from amongo.engine.columns import DOUBLE, WHOLE, Facts
from amongo.values.types import BsonType

INT_MOST: Final = 2**31 - 1
LONG_MOST: Final = 2**63 - 1
EXACT: Final = 53
"""Bits of a double: all whole numbers of so many bits are doubles."""

_LEAST_EXPONENT: Final = -1074
_MOST_EXPONENT: Final = 1000
_LEAST_SURE: Final = 4


class Folds(Protocol):
    """What folds columns of the values that are summed: the aggregates of a group, or of a window.

    is_few   whether there are few results: then the statement may check each of them
    """

    is_few: bool

    def fold(self, expression: Sql) -> Sql:
        """The column of an aggregate: "sum({})", "count({})", "bool_or({})" of a condition."""
        ...

    def computed(self, expression: Sql) -> Sql:
        """A column of the results, over those of aggregates and others before it."""
        ...

    def first(self, expression: Sql, condition: Sql) -> Sql:
        """The expression of the first row for which a condition holds."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Where finite doubles lie: multiples of 2**low_bit whose magnitude is less than 2**top."""

    low_bit: int
    top: int

    def with_whole(self, least: int, most: int) -> Span:
        """The span that takes in whole numbers too."""
        return Span(min(self.low_bit, 0), max(self.top, _bits(least, most)))


def _bits(least: int, most: int) -> int:
    return max(abs(least), abs(most)).bit_length()


def whole_range(value: Value) -> tuple[int, int]:
    """(least, most) of the whole numbers that a value may give."""
    facts = value.facts
    limit = LONG_MOST if BsonType.LONG in value.kinds else INT_MOST
    least = -limit - 1 if facts.least is None else facts.least
    return least, limit if facts.most is None else facts.most


def span_of(value: Value) -> Span:
    """The span of the doubles that a value may give.

    errors   NotLowered where it is not known
    """
    facts = value.facts
    if facts.low is None or facts.high is None:
        raise NotLowered("a sum of doubles of which too little is known")
    magnitude = max(abs(facts.low), abs(facts.high))
    if magnitude == 0:
        return Span(0, 0)
    if facts.low_bit is None:
        raise NotLowered("a sum of doubles of which too little is known")
    return Span(facts.low_bit, math.frexp(magnitude)[1])


def sum_of_doubles(doubles: Sql, counted: Sql, span: Span, most: int, folds: Folds, *, is_signed: bool = True) -> Sql:
    """The sum of finite doubles, rounded once; NULL of none.

    counted    the aggregate that counts them
    most       how many there are at most
    is_signed  whether some may be negative
    errors     NotLowered where it could be rounded more than once
    """
    spread = (most + 2).bit_length()
    top = span.top + spread
    if top > _MOST_EXPONENT:
        raise NotLowered("a sum of doubles that may not be finite")
    if top - span.low_bit <= EXACT:
        return folds.fold(sql("sum({})", doubles))
    step = top - EXACT
    high, low = _cut(doubles, step)
    parts = folds.fold(sql("sum({})", high)), folds.fold(sql("sum({})", low))
    bits = 2 * EXACT - 1 + span.low_bit
    sure = min(bits - top, (bits - span.top) // 2)  # the bits of so many values that nothing is rounded but the result
    if sure >= spread:
        return sql("({} + {})", *parts)
    if sure < _LEAST_SURE or not folds.is_few:
        raise NotLowered("a sum of doubles that cannot be proved to be rounded once")
    count = folds.fold(counted)
    bounds = _Bounds(math.ldexp(1.0, span.top) if is_signed else None, math.ldexp(1.0, step - 1))
    return _checked(*parts, count, 2**sure, bounds, folds)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What summed doubles keep to.

    largest  no value is larger, negative ones included; None where none is negative
    lowest   no low part is larger
    """

    largest: float | None
    lowest: float


def _cut(doubles: Sql, step: int) -> tuple[Sql, Sql]:
    """(the nearest multiple of 2**step, the rest): both are doubles."""
    shift = parameter(math.ldexp(1.5, step + EXACT - 1), "DOUBLE")
    high = sql("(({} + {}) - {})", doubles, shift, shift)
    return high, sql("({} - {})", doubles, high)


def _checked(high: Sql, low: Sql, count: Sql, sure: int, bounds: _Bounds, folds: Folds) -> Sql:
    """The sum of two parts, where that of the low parts, or the interpreter's carry, may be rounded itself.

    With so many values at most as are `sure` neither is. With more of them the statement itself looks whether what is
    lost in these roundings could reach half of a last place of the sum, and fails if so: the interpreter has to do it
    then. That is about once in a thousand groups of a million values each, and ever less often with fewer. (Each of
    `count` additions loses half of a last place of what it comes to at most: for the low parts that is `count` times
    the largest, for the carry `count` times half of a last place of the largest partial sum.)
    """
    total = sql("({} + {})", high, low)
    if bounds.largest is None:
        magnitude, reached = total, sql("{} * {}", total, parameter(1.25 * 2.0**-106, "DOUBLE"))
    else:
        magnitude = sql("abs({})", total)
        reached = sql("{} * {}", count, parameter(bounds.largest * 1.25 * 2.0**-106, "DOUBLE"))
    step = parameter(bounds.lowest * 1.25 * 2.0**-53, "DOUBLE")
    left = sql("abs(({} - {}) + {})", high, total, low)  # what the sum has lost, exactly, if the high part is larger
    lost = sql("CAST({} AS DOUBLE) * {} * ({} + {})", count, count, reached, step)
    half = sql("({} - nextafter({}, CAST(0 AS DOUBLE))) / 2", magnitude, magnitude)
    is_larger = sql("({} = 0 OR abs({}) >= abs({}))", high, high, low)
    is_sure = sql("({} <= {} OR ({} + {} < {} AND {}))", count, integer(sure), left, lost, half, is_larger)
    if bounds.largest is None:
        is_sure = sql("({} OR {} = 0)", is_sure, total)
    failure = sql("CAST(error('a sum of ' || {} || ' doubles is too close to call') AS DOUBLE)", count)
    return folds.computed(sql("(CASE WHEN {} IS NULL OR {} THEN {} ELSE {} END)", high, is_sure, total, failure))


@dataclass(frozen=True, slots=True)
class Whole:
    """The sum of whole numbers.

    total        BIGINT, or HUGEINT where it may pass 64 bits; 0 of none
    least, most  that it can be
    """

    total: Sql
    least: int
    most: int

    @property
    def fits(self) -> bool:
        """Whether it cannot pass 64 bits."""
        return self.least >= -LONG_MOST and self.most <= LONG_MOST

    def as_long(self) -> Sql:
        """The sum as BIGINT, NULL past 64 bits."""
        return self.total if self.fits else sql("TRY_CAST({} AS BIGINT)", self.total)

    def as_double(self) -> Sql:
        """The double nearest to the sum."""
        if self.fits:
            return sql("CAST({} AS DOUBLE)", self.total)
        high = sql("CAST(TRY_CAST(({} >> 52) AS BIGINT) AS DOUBLE)", self.total)
        low = sql("CAST(TRY_CAST(({} & CAST(4503599627370495 AS HUGEINT)) AS BIGINT) AS DOUBLE)", self.total)
        return sql("({} * CAST(4503599627370496 AS DOUBLE) + {})", high, low)


def sum_of_whole(value: Value, most: int, folds: Folds) -> Whole:
    """The sum of the whole numbers that a value gives.

    most     how many there are at most
    """
    least, highest = whole_range(value)
    found = Whole(Sql(""), min(0, most * least), max(0, most * highest))
    if value.is_constant:
        rows = folds.fold(Sql("count(*)"))
        total = rows if value.constant == 1 else sql("({} * {})", rows, integer(int(value.constant)))
        if not found.fits:
            raise NotLowered("a sum of a constant that may pass 64 bits")
        return replace(found, total=total)
    summed = folds.fold(sql("sum({})", value.slots[WHOLE]))
    total = sql("COALESCE(CAST({} AS BIGINT), 0)", summed) if found.fits else sql("COALESCE({}, 0)", summed)
    return replace(found, total=total)


def total(value: Value, most: int, folds: Folds) -> Value:
    """The sum of the numbers that a value gives: $sum.

    most     of how many values at most
    errors   NotLowered for decimals, and where the sum cannot be proved to be exact
    """
    numbers = _numbers(value)
    if not numbers:
        return literal(0)
    if BsonType.DOUBLE not in numbers:
        return total_of_whole(value, sum_of_whole(value, most, folds), folds)
    double, has_double, facts = _double_sum(value, most, folds)
    if numbers == {BsonType.DOUBLE}:
        if value.kinds == numbers:
            return Value(replace(facts, counts={int(BsonType.DOUBLE): 1}), tag_of(BsonType.DOUBLE), {DOUBLE: double})
        tag = case([(has_double, tag_of(BsonType.DOUBLE))], tag_of(BsonType.INT))
        slots = {
            DOUBLE: case([(has_double, double)], NULL),
            WHOLE: case([(has_double, NULL)], Sql("CAST(0 AS BIGINT)")),
        }
        counts = {int(BsonType.DOUBLE): 1, int(BsonType.INT): 1}
        return Value(replace(facts, counts=counts, least=0, most=0), tag, slots)
    whole = total_of_whole(value, sum_of_whole(value, most, folds), folds)
    tag = case([(has_double, tag_of(BsonType.DOUBLE))], whole.tag)
    slots = {
        DOUBLE: case([(has_double, double)], whole.slots.get(DOUBLE, NULL)),
        WHOLE: case([(has_double, NULL)], whole.slots[WHOLE]),
    }
    counts = {**whole.facts.counts, int(BsonType.DOUBLE): 1}
    return Value(replace(facts.and_(whole.facts), counts=counts), tag, slots)


def mean(value: Value, most: int, folds: Folds) -> Value:
    """The mean of the numbers that a value gives: $avg.

    most     of how many values at most
    errors   NotLowered for decimals, and where the sum cannot be proved to be exact
    """
    numbers = _numbers(value)
    if not numbers:
        return NULL_VALUE
    if BsonType.DOUBLE not in numbers:
        whole = sum_of_whole(value, most, folds)
        least, highest = map(float, whole_range(value))
        double, facts = whole.as_double(), Facts(low=least, high=highest, low_bit=0)
        counted = value.slots[WHOLE]
    else:
        double, _, facts = _double_sum(value, most, folds)
        low, high = value.facts.low, value.facts.high
        if WHOLE in value.slots and numbers != {BsonType.DOUBLE}:
            least, highest = map(float, whole_range(value))
            low, high = min(low or 0.0, least), max(high or 0.0, highest)
        facts = replace(facts, low=low, high=high)
        counted = _as_doubles(value)
    count = folds.fold(Sql("count(*)") if value.is_constant or value.only(*NUMBERS) else sql("count({})", counted))
    quotient = sql("({} / CAST({} AS DOUBLE))", double, count)
    low_bit = (facts.low_bit or 0) - most.bit_length() - EXACT
    assert facts.low is not None and facts.high is not None
    facts = replace(
        facts,
        counts={int(BsonType.DOUBLE): 1},
        low=facts.low - abs(facts.low) * 2.0**-50,
        high=facts.high + abs(facts.high) * 2.0**-50,
        low_bit=max(low_bit, _LEAST_EXPONENT),
        has_negative_zero=low_bit < _LEAST_EXPONENT,
    )
    if value.only(*NUMBERS):
        return Value(facts, tag_of(BsonType.DOUBLE), {DOUBLE: quotient})
    has_none = sql("({} = 0)", count)
    counts = {int(BsonType.DOUBLE): 1, int(BsonType.NULL): 1}
    tag = case([(has_none, tag_of(BsonType.NULL))], tag_of(BsonType.DOUBLE))
    return Value(replace(facts, counts=counts), tag, {DOUBLE: case([(has_none, NULL)], quotient)})


def total_of_whole(value: Value, whole: Whole, folds: Folds) -> Value:
    """A sum of whole numbers: an int where only ints were summed and it fits, a long, past 64 bits a double.

    value   what was summed
    """
    numbers = value.kinds & NUMBERS - {BsonType.DOUBLE}
    as_int = sized(whole)
    if BsonType.LONG not in numbers:
        found = as_int
    else:
        is_long = None
        if not value.only(BsonType.LONG):
            is_long = sql("COALESCE({}, FALSE)", folds.fold(sql("bool_or({})", value.is_kind(BsonType.LONG))))
        tag = tag_of(BsonType.LONG)
        found = Value(facts_of((BsonType.LONG,), least=whole.least, most=whole.most), tag, {WHOLE: whole.as_long()})
        if is_long is not None:
            facts = replace(as_int.facts, counts={int(BsonType.INT): 1, int(BsonType.LONG): 1})
            found = Value(facts, case([(is_long, tag)], as_int.tag), found.slots)
    if whole.fits:
        return found
    past = sql("(TRY_CAST({} AS BIGINT) IS NULL)", whole.total)
    facts = replace(
        found.facts,
        counts={**found.facts.counts, int(BsonType.DOUBLE): 1},
        least=max(whole.least, -LONG_MOST - 1),
        most=min(whole.most, LONG_MOST),
        low=float(whole.least) * (1 + 2.0**-50),
        high=float(whole.most) * (1 + 2.0**-50),
        low_bit=0,
    )
    tag = case([(past, tag_of(BsonType.DOUBLE))], found.tag)
    return Value(facts, tag, {**found.slots, DOUBLE: case([(past, whole.as_double())], NULL)})


def sized(whole: Whole) -> Value:
    """A whole number as BSON holds it: an int if it fits 32 bits, else a long."""
    known = {"least": whole.least, "most": whole.most}
    slots = {WHOLE: whole.as_long()}
    if whole.least >= -INT_MOST and whole.most <= INT_MOST:
        return Value(facts_of((BsonType.INT,), **known), tag_of(BsonType.INT), slots)
    is_int = sql("({} BETWEEN (-2147483648) AND 2147483647)", whole.total)
    tag = case([(is_int, tag_of(BsonType.INT))], tag_of(BsonType.LONG))
    return Value(facts_of((BsonType.INT, BsonType.LONG), **known), tag, slots)


def _numbers(value: Value) -> frozenset[int]:
    if BsonType.DECIMAL in value.kinds:
        raise NotLowered("a sum of decimals")
    return value.kinds & NUMBERS


def _as_doubles(value: Value) -> Sql:
    """The numbers as doubles, NULL where there is none.

    errors   NotLowered where a whole number is no double
    """
    if WHOLE not in value.slots:
        return value.slots[DOUBLE]
    if _bits(*whole_range(value)) > EXACT:
        raise NotLowered("a sum of doubles and of whole numbers past 53 bits")
    return sql("COALESCE({}, CAST({} AS DOUBLE))", value.slots[DOUBLE], value.slots[WHOLE])


def _double_sum(value: Value, most: int, folds: Folds) -> tuple[Sql, Sql, Facts]:
    """(the sum as a double, whether any double is in it, what is known of it) of numbers of which some are doubles."""
    facts, doubles = value.facts, value.slots[DOUBLE]
    has_double = TRUE if value.only(BsonType.DOUBLE) else sql("({} > 0)", folds.fold(sql("count({})", doubles)))
    span = span_of(value)
    summed = _as_doubles(value)
    if WHOLE in value.slots:
        span = span.with_whole(*whole_range(value))
    is_special = facts.has_nan or facts.has_infinity
    finite = case([(sql("isfinite({})", summed), summed)], NULL) if is_special else summed
    least = min(facts.low or 0.0, whole_range(value)[0] if WHOLE in value.slots else 0)
    is_all = value.only(*NUMBERS) and not is_special
    counted = Sql("count(*)") if is_all else sql("count({})", finite)
    double = sum_of_doubles(finite, counted, span, most, folds, is_signed=least < 0)
    if is_special:
        double = _with_special(sql("COALESCE({}, CAST(0 AS DOUBLE))", double), value, folds)
    limit = math.ldexp(1.0, span.top + most.bit_length())
    known = Facts(
        low=-limit if facts.low is None or facts.low < 0 or WHOLE in value.slots else 0.0,
        high=limit,
        low_bit=span.low_bit,
        has_nan=is_special,
        has_infinity=facts.has_infinity,
    )
    return double, has_double, known


def _with_special(double: Sql, value: Value, folds: Folds) -> Sql:
    """The sum where there may be a NaN or infinities: the first NaN, or what infinities come to."""
    facts, doubles = value.facts, value.slots[DOUBLE]
    if facts.has_nan and facts.has_infinity:
        raise NotLowered("a sum of doubles among which are NaN and infinities")
    if facts.has_nan:
        is_nan = sql("isnan({})", doubles)
        has_nan = sql("COALESCE({}, FALSE)", folds.fold(sql("bool_or({})", is_nan)))
        return case([(has_nan, folds.first(doubles, sql("COALESCE({}, FALSE)", is_nan)))], double)
    plain = folds.fold(sql("sum({})", doubles))
    return case([(sql("NOT COALESCE(isfinite({}), TRUE)", plain), plain)], double)
