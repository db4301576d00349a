"""Dates as operands: milliseconds in a range, their wall clock in a zone, and floor division on them.

Moments are milliseconds since 1970 as BIGINT. Only dates within SAFE_MS of 1970 are lowered (the years -124000 to
128000): there DuckDB's timestamps hold them, and a quotient of doubles, floored, is the floor of the exact quotient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.relational.expressions.dates.zones import Steps, offsets, wall_offsets
from amongo.aggregate.relational.expressions.numeric import double, shown_kinds
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, integer, parameter, sql
from amongo.aggregate.relational.values import NULLISH, NotLowered, Value, of_kind, or_null
from amongo.engine.columns import DATE, OBJECT_ID
from amongo.errors import ServerError
from amongo.mql.expressions.calendar import MILLIS_PER_DAY
from amongo.mql.expressions.date.zones import UTC_ZONE, Zone, zone_named
from amongo.mql.expressions.registry import ABSENT
from amongo.values.types import BsonType

SAFE_MS: Final = 4 * 10**15
DAY_MS: Final = MILLIS_PER_DAY


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments, or times on a wall clock, as milliseconds.

    expression   BIGINT; NULL where there is no date
    first, last  their range, within SAFE_MS
    """

    expression: Sql
    first: int
    last: int

    @property
    def stamp(self) -> Sql:
        """As a TIMESTAMP."""
        return sql("make_timestamp_ms({})", self.expression)

    def moved(self, by: Sql, least: int, most: int) -> Moments:
        """Later by so many milliseconds."""
        return within(sql("({} + {})", self.expression, by), self.first + least, self.last + most)


def within(expression: Sql, first: int, last: int) -> Moments:
    """Moments of a range.

    errors   NotLowered where that is not within SAFE_MS
    """
    if not -SAFE_MS <= first <= last <= SAFE_MS:
        raise NotLowered("dates further than a hundred thousand years away")
    return Moments(expression, first, last)


def moments(name: str, value: Value) -> Moments | None:
    """The moments of dates, or of ObjectIds; None where the value is always null or missing.

    errors   NotLowered for other kinds, which are errors but for timestamps
    """
    kinds = value.kinds - NULLISH
    if not kinds:
        return None
    if kinds == {BsonType.DATE}:
        facts = value.facts
        first = -(2**63) if facts.first_ms is None else facts.first_ms
        return within(value.slots[DATE], first, 2**63 if facts.last_ms is None else facts.last_ms)
    if kinds == {BsonType.OBJECT_ID}:
        seconds = sql("CAST('0x' || left(hex({}), 8) AS BIGINT)", value.slots[OBJECT_ID])
        signed = sql("(({} + {}) % {} - {})", seconds, integer(2**31), integer(2**32), integer(2**31))
        return within(sql("({} * 1000)", signed), -(2**31) * 1000, (2**31 - 1) * 1000)
    raise NotLowered(f"{name} of {shown_kinds(kinds)}")


def kept(found: Moments, scope: Scope) -> Moments:
    """The same moments, computed once."""
    if found.expression.is_simple:
        return found
    return Moments(scope.kept(of_kind(BsonType.DATE, found.expression)).slots[DATE], found.first, found.last)


# Zones


def read_zone(name: str, argument: Value) -> Zone | None:
    """The zone that a constant argument names; None for null.

    errors   NotLowered, also where it names none
    """
    if argument.constant is ABSENT:
        return UTC_ZONE
    if argument.kinds <= NULLISH:
        return None
    if not argument.is_constant or type(argument.constant) is not str:
        raise NotLowered(f"{name} in a time zone that is no constant")
    try:
        return zone_named(argument.constant)
    except ServerError as failure:
        raise NotLowered(f"{name} in a time zone that is not known") from failure


def to_local(found: Moments, zone: Zone, scope: Scope) -> Moments:
    """The zone's wall clock at moments."""
    if zone.is_utc:
        return found
    steps = offsets(zone, found.first, found.last)
    return kept(found.moved(stepped(found.expression, steps), steps.least, steps.most), scope)


def from_local(wall: Moments, zone: Zone, scope: Scope) -> Moments:
    """The moments when the zone's wall clock shows these times."""
    if zone.is_utc:
        return wall
    wall = kept(wall, scope)
    steps = wall_offsets(zone, wall.first, wall.last)
    back = sql("(-{})", stepped(wall.expression, steps))
    return wall.moved(back, -steps.most, -steps.least)


def offset(found: Moments, zone: Zone) -> tuple[Sql, int, int]:
    """(milliseconds that local time is ahead of UTC, the least, the most)."""
    if zone.is_utc:
        return integer(0), 0, 0
    steps = offsets(zone, found.first, found.last)
    return stepped(found.expression, steps), steps.least, steps.most


def stepped(at: Sql, steps: Steps) -> Sql:
    """The value of a step function, by halving."""

    def part(low: int, high: int) -> Sql:
        if high - low == 1:
            return integer(steps.values[low])
        middle = (low + high) // 2
        is_before = sql("({} < {})", at, integer(steps.starts[middle]))
        return case([(is_before, part(low, middle))], part(middle, high))

    return part(0, len(steps.values))


# Arithmetic


def quotient(value: Sql, step: int) -> Sql:
    """value // step as Python has it, of values and steps within SAFE_MS."""
    assert 0 < step <= SAFE_MS
    return sql("CAST(floor(CAST({} AS DOUBLE) / {}) AS BIGINT)", value, double(float(step)))


def floored(value: Sql, step: int) -> Sql:
    """value // step * step."""
    return sql("({} * {})", quotient(value, step), integer(step))


def month_start(year: Sql, month: Sql) -> Sql:
    """Midnight on the first day of a month, as milliseconds."""
    return sql("epoch_ms({})", month_date(year, month))


def month_date(year: Sql, month: Sql) -> Sql:
    """The first day of a month, as a DATE."""
    return sql("make_date({}, {}, 1)", year, month)


# Results


def dates(found: Moments, arguments: Iterable[Value]) -> Value:
    """Dates; null where an argument is null."""
    build = or_null if may_be_null(arguments) else of_kind
    return build(int(BsonType.DATE), found.expression, first_ms=found.first, last_ms=found.last)


def wholes(expression: Sql, low: int, high: int, arguments: Iterable[Value], kind: int = BsonType.INT) -> Value:
    """Ints or longs in a range; null where an argument is null."""
    build = or_null if may_be_null(arguments) else of_kind
    return build(int(kind), expression, least=low, most=high)


def may_be_null(arguments: Iterable[Value]) -> bool:
    """Whether an argument that was written may be null."""
    return any(argument.kinds & NULLISH for argument in arguments if argument.constant is not ABSENT)


def constant(name: str, argument: Value, default: Any = ABSENT) -> Any:
    """The value of an argument that has to be a constant; None for null.

    errors   NotLowered
    """
    if argument.constant is ABSENT:
        return default
    if argument.kinds <= NULLISH:
        return None
    if not argument.is_constant:
        raise NotLowered(f"{name} with options that are no constants")
    return argument.constant


def text(value: str) -> Sql:
    """A text of a constant argument."""
    return parameter(value, "VARCHAR")
