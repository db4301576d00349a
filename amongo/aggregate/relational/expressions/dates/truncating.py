"""$dateTrunc: the beginning of the bin that a date falls into."""

from __future__ import annotations

from typing import Final

from amongo.aggregate.relational.expressions.dates.moments import (
    DAY_MS,
    SAFE_MS,
    Moments,
    constant,
    dates,
    floored,
    from_local,
    kept,
    moments,
    month_start,
    offset,
    quotient,
    read_zone,
    to_local,
    within,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, integer, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value
from amongo.errors import ServerError
from amongo.mql.expressions.calendar import days_from_civil
from amongo.mql.expressions.date.truncating import truncate
from amongo.mql.expressions.date.units import DAYS, FIXED_MS, MONTHS, UNITS, read_week_start
from amongo.mql.expressions.date.zones import UTC_ZONE, Zone
from amongo.values.numbers import exact_integer

_REFERENCE_DAYS: Final = days_from_civil(2000, 1, 1)
_REFERENCE_MS: Final = _REFERENCE_DAYS * DAY_MS
_MOST_MONTHS: Final = 12 * 100_000


@lowers_call("$dateTrunc")
def lower_date_trunc(arguments: list[Value], scope: Scope) -> Value:
    """The beginning of the bin around each date; all but the date are constants."""
    name = "$dateTrunc"
    date, unit_argument, bin_argument, timezone, week_argument = arguments
    unit, size = constant(name, unit_argument), constant(name, bin_argument, 1)
    week_start = constant(name, week_argument, "sunday")
    found, zone = moments(name, date), read_zone(name, timezone)
    if found is None or zone is None or unit is None or size is None or week_start is None:
        return NULL_VALUE
    count = exact_integer(size)
    if unit not in UNITS or count is None or count <= 0:
        raise NotLowered(f"{name} with options that are an error")
    first_day = first_day_of_week(name, unit, week_start)
    found = kept(found, scope)
    return dates(_truncated(found, str(unit), count, zone, first_day, scope), [date])


def first_day_of_week(name: str, unit: object, week_start: object) -> int:
    """1 (Monday) to 7 (Sunday).

    errors   NotLowered where it is an error
    """
    if unit != "week":
        return 7
    try:
        return read_week_start(name, week_start)
    except ServerError as failure:
        raise NotLowered(f"{name} with options that are an error") from failure


def _truncated(found: Moments, unit: str, count: int, zone: Zone, first_day: int, scope: Scope) -> Moments:
    """As `mql.expressions.date.truncating.truncate`."""
    first = truncate(found.first - 2 * DAY_MS, unit, count, UTC_ZONE, first_day) - 2 * DAY_MS
    last = found.last + 3 * DAY_MS
    if unit in MONTHS:
        wall = to_local(found, zone, scope)
        expression = _months(wall, MONTHS[unit] * count)
        return from_local(within(expression, first, last), zone, scope)
    if unit in DAYS:
        wall, step = to_local(found, zone, scope), DAYS[unit] * count * DAY_MS
        reference = _REFERENCE_MS + ((first_day - 6) % 7 * DAY_MS if unit == "week" else 0)
        return from_local(_bins(wall, step, reference, first, last), zone, scope)
    if zone.rules is None and zone.offset_ms % 60_000 == 0 and FIXED_MS[unit] * count <= 60_000:
        zone = UTC_ZONE
    if zone.is_utc or unit not in ("hour", "minute"):
        return _bins(found, FIXED_MS[unit] * count, _REFERENCE_MS, first, last)
    ahead, least, most = offset(found, zone)
    moved = kept(found.moved(ahead, least, most), scope)
    back = sql("({} - {})", moved.expression, found.expression)
    begun = _bins(moved, FIXED_MS[unit] * count, _REFERENCE_MS, first, last).expression
    return within(sql("({} - {})", begun, back), first - most, last - least)


def _bins(at: Moments, step: int, reference: int, first: int, last: int) -> Moments:
    """The beginnings of bins of so many milliseconds, counted from a reference."""
    if step > SAFE_MS // 2:
        raise NotLowered("$dateTrunc with huge bins")
    reference %= step
    if reference == 0:
        return within(floored(at.expression, step), first, last)
    shifted = sql("({} - {})", at.expression, integer(reference))
    return within(sql("({} + {})", floored(shifted, step), integer(reference)), first, last)


def _months(wall: Moments, step: int) -> Sql:
    at, stamp = wall.expression, wall.stamp
    midnight = floored(at, DAY_MS)
    if step == 1:
        return sql("({} - (day({}) - 1) * {})", midnight, stamp, integer(DAY_MS))
    if step == 12:
        return sql("({} - (dayofyear({}) - 1) * {})", midnight, stamp, integer(DAY_MS))
    if step > _MOST_MONTHS:
        raise NotLowered("$dateTrunc with huge bins")
    count = sql("((year({}) - 2000) * 12 + month({}) - 1)", stamp, stamp)
    begun = floored(count, step)
    years = quotient(begun, 12)
    return month_start(sql("({} + 2000)", years), sql("({} - {} * 12 + 1)", begun, years))
