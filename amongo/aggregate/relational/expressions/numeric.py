"""Numbers in expressions: what is known of operands, and how results are put together by their kinds.

A number of an expression is whole (int or long) or a double, row by row. A result has a slot for each that may come;
the tag follows from the slots, and from whether a whole result is an int or a long. Null comes out wherever an operand
is null or missing: SQL's NULL of a slot does that by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from amongo.aggregate.relational.sql import FALSE, NULL, TRUE, Sql, any_of, case, integer, parameter, sql
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NUMBERS, NotLowered, Value, facts_of, tag_of
from amongo.engine.columns import DOUBLE, WHOLE
from amongo.values.numbers import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from amongo.values.types import BsonType

LARGEST: Final = 1.7976931348623157e308
LEAST_BIT: Final = -1074
"""Every finite double is a multiple of 2**LEAST_BIT."""
EXACT_WHOLE: Final = 2**53
"""Whole numbers up to this are doubles without rounding."""

_WHOLE_KINDS: Final = frozenset({int(BsonType.INT), int(BsonType.LONG)})
_EVEN_BIT: Final = 2000  # of zero, which is a multiple of everything


def only_numbers(name: str, arguments: Iterable[Value]) -> bool:
    """Whether the result may be something else than null.

    errors   NotLowered where an argument may be of a kind that is an error, or a decimal
    """
    is_something = True
    for argument in arguments:
        others = argument.kinds - NUMBERS - NULLISH
        if others:
            raise NotLowered(f"{name} of {shown_kinds(others)}")
        is_something = is_something and not argument.kinds <= NULLISH
    return is_something


def shown_kinds(kinds: Iterable[int]) -> str:
    """Names of kinds, as reasons show them."""
    return ", ".join(sorted(BsonType(kind).alias for kind in kinds if kind in BsonType._value2member_map_))


def may_be_whole(value: Value) -> bool:
    """Whether ints or longs may come."""
    return not value.kinds.isdisjoint(_WHOLE_KINDS)


def may_be_double(value: Value) -> bool:
    """Whether doubles may come."""
    return BsonType.DOUBLE in value.kinds


def whole_range(value: Value) -> tuple[int, int]:
    """(least, most) of the ints and longs."""
    widest = (LONG_MIN, LONG_MAX) if BsonType.LONG in value.kinds else (INT_MIN, INT_MAX)
    facts = value.facts
    return widest[0] if facts.least is None else facts.least, widest[1] if facts.most is None else facts.most


def within_long(low: int, high: int, name: str) -> tuple[int, int]:
    """The range, if it is one of longs.

    errors   NotLowered
    """
    if low < LONG_MIN or high > LONG_MAX:
        raise NotLowered(f"{name} may pass 64 bits")
    return low, high


@dataclass(frozen=True, slots=True)
class Doubles:
    """What is known of doubles; fields as in `Facts`, but `low` and `high` are always there."""

    low: float
    high: float
    low_bit: int = LEAST_BIT
    has_nan: bool = False
    has_infinity: bool = False
    has_negative_zero: bool = True

    @property
    def is_finite(self) -> bool:
        """Whether neither NaN nor an infinity comes."""
        return not (self.has_nan or self.has_infinity)

    @property
    def most(self) -> float:
        """The largest magnitude of a finite one."""
        return max(abs(self.low), abs(self.high))

    @staticmethod
    def between(low: float, high: float, **known: Any) -> Doubles:
        """Of a range that may have passed the largest double."""
        if not (low >= -LARGEST and high <= LARGEST):
            known["has_infinity"] = True
        return Doubles(max(low, -LARGEST), min(high, LARGEST), **known)

    def facts(self) -> dict[str, Any]:
        """As keyword arguments of `Facts`."""
        is_even = self.low == self.high == 0 or self.low_bit > 1023
        return {**asdict(self), "low_bit": None if is_even else self.low_bit}


def doubles_of(value: Value) -> Doubles:
    """What is known of the numbers as doubles: the doubles as they are, whole numbers rounded to doubles."""
    facts = value.facts
    parts: list[Doubles] = []
    if may_be_double(value):
        low = -LARGEST if facts.low is None else facts.low
        high = LARGEST if facts.high is None else facts.high
        low_bit = _EVEN_BIT if low == high == 0 else LEAST_BIT if facts.low_bit is None else facts.low_bit
        parts.append(Doubles(low, high, low_bit, facts.has_nan, facts.has_infinity, facts.has_negative_zero))
    if may_be_whole(value):
        least, most = whole_range(value)
        parts.append(Doubles(float(least), float(most), 0, has_negative_zero=False))
    return Doubles(
        min(part.low for part in parts),
        max(part.high for part in parts),
        min(part.low_bit for part in parts),
        any(part.has_nan for part in parts),
        any(part.has_infinity for part in parts),
        any(part.has_negative_zero for part in parts),
    )


def may_be_zero(value: Value) -> bool:
    """Whether a number among the values may be zero."""
    if not value.has_zero:
        return False
    if may_be_whole(value):
        least, most = whole_range(value)
        if least <= 0 <= most:
            return True
    if may_be_double(value):
        low = -LARGEST if value.facts.low is None else value.facts.low
        return low <= 0 <= (LARGEST if value.facts.high is None else value.facts.high)
    return False


def as_double(value: Value) -> Sql:
    """The numbers as doubles, NULL in other rows."""
    if not may_be_whole(value):
        return value.slots.get(DOUBLE, NULL)
    whole = value.slots[WHOLE]
    if value.is_constant:
        return parameter(float(value.constant), "DOUBLE")
    converted = sql("CAST({} AS DOUBLE)", whole)
    return sql("COALESCE({}, {})", value.slots[DOUBLE], converted) if may_be_double(value) else converted


def double(value: float) -> Sql:
    """A double of our own."""
    return parameter(value, "DOUBLE")


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole results of an operator.

    expression  NULL in rows in which the result is no whole number
    low, high   its range
    is_long     whether the result is a long whatever its value, row by row; FALSE where it is an int as far as it fits
    """

    expression: Sql
    low: int
    high: int
    is_long: Sql


def some_long(arguments: Iterable[Value]) -> Sql:
    """Whether some argument is a long, in rows in which all are whole."""
    longs = [argument for argument in arguments if BsonType.LONG in argument.kinds]
    return any_of(TRUE if BsonType.INT not in each.kinds else each.is_kind(BsonType.LONG) for each in longs)


def as_it_is(value: Value) -> Whole | None:
    """The whole numbers of a value, unchanged."""
    if not may_be_whole(value):
        return None
    return Whole(value.slots[WHOLE], *whole_range(value), some_long([value]))


def numbers(whole: Whole | None, doubles: tuple[Sql, Doubles] | None, arguments: Sequence[Value]) -> Value:
    """The value of an operator on numbers.

    whole      its whole results
    doubles    (expression, what is known of it): its doubles; where there are whole ones too, these count first
    arguments  from which null comes
    """
    kinds: set[int] = set()
    slots: dict[str, Sql] = {}
    tags: list[tuple[Sql, Sql]] = []
    known: dict[str, Any] = {}
    if whole is not None:
        tag, found = _whole_tag(whole)
        kinds |= found
        slots[WHOLE] = whole.expression
        tags.append((sql("({} IS NOT NULL)", whole.expression), tag))
        known |= {"least": whole.low, "most": whole.high}
    if doubles is not None:
        expression, facts = doubles
        if whole is not None:
            expression = case([(sql("({} IS NULL)", whole.expression), expression)], NULL)
        kinds.add(int(BsonType.DOUBLE))
        slots[DOUBLE] = expression
        tags.append((sql("({} IS NOT NULL)", expression), tag_of(BsonType.DOUBLE)))
        known |= facts.facts()
    if not kinds:
        return NULL_VALUE
    if any(argument.kinds & NULLISH for argument in arguments):
        kinds.add(int(BsonType.NULL))
        tag = case(tags, tag_of(BsonType.NULL))
    else:
        tag = case(tags[:-1], tags[-1][1])
    return Value(facts_of(kinds, **known), tag, slots)


def _whole_tag(whole: Whole) -> tuple[Sql, set[int]]:
    """(the tag of a whole result, the kinds that may come)."""
    int_, long = tag_of(BsonType.INT), tag_of(BsonType.LONG)
    if whole.is_long == TRUE or whole.high < INT_MIN or whole.low > INT_MAX:
        return long, {int(BsonType.LONG)}
    if whole.low >= INT_MIN and whole.high <= INT_MAX:
        kinds = {int(BsonType.INT)} | (set() if whole.is_long == FALSE else {int(BsonType.LONG)})
        return case([(whole.is_long, long)], int_), kinds
    fits = sql("({} BETWEEN {} AND {})", whole.expression, integer(INT_MIN), integer(INT_MAX))
    return case([(whole.is_long, long), (fits, int_)], long), set(_WHOLE_KINDS)
