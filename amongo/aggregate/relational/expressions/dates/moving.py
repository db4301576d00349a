"""$dateAdd, $dateSubtract, $dateDiff."""

from __future__ import annotations

from amongo.aggregate.relational.expressions.dates.moments import (
    DAY_MS,
    Moments,
    constant,
    dates,
    floored,
    from_local,
    kept,
    moments,
    month_date,
    offset,
    quotient,
    read_zone,
    to_local,
    wholes,
    within,
)
from amongo.aggregate.relational.expressions.dates.truncating import first_day_of_week
from amongo.aggregate.relational.expressions.numeric import only_numbers, whole_range
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, integer, parameter, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value, of_kind
from amongo.engine.columns import DATE, WHOLE
from amongo.mql.expressions.date.units import DAYS, FIXED_MS, MONTHS, UNITS
from amongo.mql.expressions.date.zones import Zone
from amongo.values.numbers import exact_integer
from amongo.values.types import BsonType


@lowers_call("$dateAdd")
def lower_date_add(arguments: list[Value], scope: Scope) -> Value:
    """A date moved forward."""
    return _moved("$dateAdd", arguments, 1, scope)


@lowers_call("$dateSubtract")
def lower_date_subtract(arguments: list[Value], scope: Scope) -> Value:
    """A date moved back."""
    return _moved("$dateSubtract", arguments, -1, scope)


def _moved(name: str, arguments: list[Value], sign: int, scope: Scope) -> Value:
    start, unit_argument, amount, timezone = arguments
    unit = constant(name, unit_argument)
    found, zone = moments(name, start), read_zone(name, timezone)
    if found is None or zone is None or unit is None or not only_numbers(name, [amount]):
        return NULL_VALUE
    if unit not in UNITS:
        raise NotLowered(f"{name} with options that are an error")
    count, least, most = whole_amount(name, amount)
    if sign < 0:
        count, least, most = sql("(-{})", count), -most, -least
    found = kept(found, scope)
    if unit in FIXED_MS or (unit in DAYS and zone.rules is None):
        step = FIXED_MS[unit] if unit in FIXED_MS else DAYS[unit] * DAY_MS
        moved = _by_steps(found, count, least, most, step)
    elif unit in DAYS:
        wall = to_local(found, zone, scope)
        moved = from_local(_by_steps(wall, count, least, most, DAYS[unit] * DAY_MS), zone, scope)
    else:
        wall = to_local(found, zone, scope)
        moved = from_local(_by_months(wall, count, least, most, MONTHS[unit], scope), zone, scope)
    return dates(moved, [start, amount])


def whole_amount(name: str, amount: Value) -> tuple[Sql, int, int]:
    """(a whole number, the least, the most).

    errors   NotLowered for doubles that are no constant: fractions are an error
    """
    if amount.is_constant:
        found = exact_integer(amount.constant)
        if found is None:
            raise NotLowered(f"{name} of an amount that is not whole")
        return parameter(found, "BIGINT"), found, found
    if BsonType.DOUBLE in amount.kinds:
        raise NotLowered(f"{name} of doubles, which may be fractions")
    return amount.slots[WHOLE], *whole_range(amount)


def _by_steps(found: Moments, count: Sql, least: int, most: int, step: int) -> Moments:
    return found.moved(sql("({} * {})", count, integer(step)), least * step, most * step)


def _by_months(wall: Moments, count: Sql, least: int, most: int, months: int, scope: Scope) -> Moments:
    """Moved by months; the day is the last of the month where the month has none such."""
    far = max(abs(least), abs(most)) * months * 31 * DAY_MS
    limits = within(wall.expression, wall.first - far - 62 * DAY_MS, wall.last + far + 62 * DAY_MS)
    stamp = wall.stamp
    index = sql("(year({}) * 12 + month({}) - 1 + {} * {})", stamp, stamp, count, integer(months))
    index = scope.kept(of_kind(BsonType.LONG, index)).slots[WHOLE]
    year = quotient(index, 12)
    begin = month_date(year, sql("({} - {} * 12 + 1)", index, year))
    day = sql("(least(day({}), day(last_day({}))) - 1)", stamp, begin)
    midnight = sql("(epoch_ms({}) + {} * {})", begin, day, integer(DAY_MS))
    clock = sql("({} - {})", wall.expression, floored(wall.expression, DAY_MS))
    moved = scope.kept(of_kind(BsonType.DATE, sql("({} + {})", midnight, clock))).slots[DATE]
    low = wall.first + min(least * months * 28, least * months * 31) * DAY_MS - 3 * DAY_MS
    high = wall.last + max(most * months * 28, most * months * 31) * DAY_MS + 3 * DAY_MS
    assert limits.first <= low <= high <= limits.last
    return within(moved, low, high)


@lowers_call("$dateDiff")
def lower_date_diff(arguments: list[Value], scope: Scope) -> Value:
    """How many boundaries of a unit lie between two dates, a long."""
    name = "$dateDiff"
    start, end, unit_argument, timezone, week_argument = arguments
    unit, week_start = constant(name, unit_argument), constant(name, week_argument, "sunday")
    first, last, zone = moments(name, start), moments(name, end), read_zone(name, timezone)
    if first is None or last is None or zone is None or unit is None or week_start is None:
        return NULL_VALUE
    if unit not in UNITS:
        raise NotLowered(f"{name} with options that are an error")
    first_day = first_day_of_week(name, unit, week_start)
    first, last = kept(first, scope), kept(last, scope)
    expression = _boundaries(first, last, str(unit), zone, first_day, scope)
    low, high = (last.first - first.last) - 4 * DAY_MS, (last.last - first.first) + 4 * DAY_MS
    step = FIXED_MS.get(unit) or DAYS.get(unit, 0) * DAY_MS or MONTHS[unit] * 28 * DAY_MS
    return wholes(expression, min(low, 0) // step - 2, max(high, 0) // step + 2, [start, end], BsonType.LONG)


def _boundaries(start: Moments, end: Moments, unit: str, zone: Zone, first_day: int, scope: Scope) -> Sql:
    """As `mql.expressions.date.moving._boundaries`."""
    walls = [to_local(each, zone, scope) for each in (start, end)]
    if unit in FIXED_MS:
        step = FIXED_MS[unit]
        counts = [quotient(wall.expression, step) for wall in walls]
        difference = sql("({} - {})", counts[1], counts[0])
        if zone.rules is None:
            return difference
        ahead = [offset(each, zone)[0] for each in (start, end)]
        return sql("({} - {})", difference, quotient(sql("({} - {})", ahead[1], ahead[0]), step))
    if unit in DAYS:
        shift = (4 - first_day) * DAY_MS if unit == "week" else 0
        step = DAYS[unit] * DAY_MS
        counts = [quotient(sql("({} + {})", wall.expression, integer(shift)), step) for wall in walls]
    else:
        months = [sql("(year({}) * 12 + month({}) - 1)", wall.stamp, wall.stamp) for wall in walls]
        counts = [each if MONTHS[unit] == 1 else quotient(each, MONTHS[unit]) for each in months]
    return sql("({} - {})", counts[1], counts[0])
