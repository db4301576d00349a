"""$year, $month, … and $dateToParts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from amongo.aggregate.relational.expressions.dates.moments import (
    DAY_MS,
    Moments,
    constant,
    kept,
    may_be_null,
    moments,
    quotient,
    read_zone,
    to_local,
    wholes,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope, of_fields
from amongo.aggregate.relational.sql import Sql, integer, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value, of_kind
from amongo.mql.expressions.calendar import Moment
from amongo.values.types import BsonType

Part = Callable[[Moments], tuple[Sql, int, int]]
"""Wall clock -> (the part, the least, the most)."""


def _stamped(template: str, low: int, high: int) -> Part:
    return lambda wall: (sql(template, wall.stamp), low, high)


def _year(wall: Moments) -> tuple[Sql, int, int]:
    return sql("year({})", wall.stamp), Moment.of(wall.first).year, Moment.of(wall.last).year


def _iso_year(wall: Moments) -> tuple[Sql, int, int]:
    return sql("isoyear({})", wall.stamp), Moment.of(wall.first).year - 1, Moment.of(wall.last).year + 1


def _millisecond(wall: Moments) -> tuple[Sql, int, int]:
    at = wall.expression
    return sql("({} - {} * 1000)", at, quotient(at, 1000)), 0, 999


def _hour(wall: Moments) -> tuple[Sql, int, int]:
    at = wall.expression
    return quotient(sql("({} - {} * {})", at, quotient(at, DAY_MS), integer(DAY_MS)), 3_600_000), 0, 23


def _sunday_week(wall: Moments) -> tuple[Sql, int, int]:
    return sql("((dayofyear({}) + 6 - dayofweek({})) // 7)", wall.stamp, wall.stamp), 0, 53


PARTS: Final[dict[str, Part]] = {
    "$year": _year,
    "$month": _stamped("month({})", 1, 12),
    "$dayOfMonth": _stamped("day({})", 1, 31),
    "$hour": _hour,
    "$minute": _stamped("minute({})", 0, 59),
    "$second": _stamped("second({})", 0, 59),
    "$millisecond": _millisecond,
    "$dayOfYear": _stamped("dayofyear({})", 1, 366),
    "$dayOfWeek": _stamped("(dayofweek({}) + 1)", 1, 7),
    "$week": _sunday_week,
    "$isoDayOfWeek": _stamped("isodow({})", 1, 7),
    "$isoWeek": _stamped("week({})", 1, 53),
    "$isoWeekYear": _iso_year,
}


def _register(name: str, part: Part) -> None:
    def lower(arguments: list[Value], scope: Scope) -> Value:
        date, timezone = arguments
        found, zone = moments(name, date), read_zone(name, timezone)
        if found is None or zone is None:
            return NULL_VALUE
        expression, low, high = part(to_local(kept(found, scope), zone, scope))
        kind = BsonType.LONG if name == "$isoWeekYear" else BsonType.INT
        return wholes(expression, low, high, [date], kind)

    lower.__doc__ = f"{name} of dates and ObjectIds."
    lowers_call(name)(lower)


for _name, _part in PARTS.items():
    _register(_name, _part)


_CIVIL: Final = (("year", "$year"), ("month", "$month"), ("day", "$dayOfMonth"))
_ISO: Final = (("isoWeekYear", "$isoWeekYear"), ("isoWeek", "$isoWeek"), ("isoDayOfWeek", "$isoDayOfWeek"))
_CLOCK: Final = (("hour", "$hour"), ("minute", "$minute"), ("second", "$second"), ("millisecond", "$millisecond"))


@lowers_call("$dateToParts")
def lower_date_to_parts(arguments: list[Value], scope: Scope) -> Value:
    """A date taken apart; of one that is never null, as a document otherwise is none."""
    date, timezone, iso8601 = arguments
    name = "$dateToParts"
    found, zone, is_iso = moments(name, date), read_zone(name, timezone), constant(name, iso8601, False)
    if found is None or zone is None or is_iso is None:
        return NULL_VALUE
    if type(is_iso) is not bool:
        raise NotLowered("$dateToParts with an iso8601 that is no bool")
    if may_be_null([date]):
        raise NotLowered("$dateToParts of dates that may be null")
    wall = to_local(kept(found, scope), zone, scope)
    fields = {}
    for field, part in (*(_ISO if is_iso else _CIVIL), *_CLOCK):
        expression, low, high = PARTS[part](wall)
        fields[field] = scope.kept(of_kind(BsonType.INT, expression, least=low, most=high))
    return of_fields(fields)
