"""$dateAdd, $dateSubtract and $dateDiff: moving dates and counting between them."""

from __future__ import annotations

import functools
from typing import Any

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.errors import date as errors
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, Moment, days_from_civil, days_in_month
from amongo.mql.expressions.date.units import DAYS, FIXED_MS, MONTHS, read_unit, read_week_start
from amongo.mql.expressions.date.zones import UTC_ZONE, Zone, as_millis, read_zone
from amongo.mql.expressions.registry import ABSENT, named
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer
from amongo.values.types import alias

_shifting = functools.partial(
    named,
    required={
        "startDate": errors.ADD_INCOMPLETE,
        "unit": errors.ADD_INCOMPLETE,
        "amount": errors.ADD_INCOMPLETE,
    },
    optional=("timezone",),
    not_object=errors.ADD_NEEDS_OBJECT,
    unknown=errors.ADD_UNKNOWN_FIELD,
)


@_shifting("$dateAdd")
def date_add(start: Any, unit: Any, amount: Any, timezone: Any) -> DatetimeMS | None:
    """A date moved forward by so many units.

    args     {startDate, unit, amount: whole number, timezone}
    result   date; months and years keep the day, or take the last of the month; days and more keep the zone's
             clock; null if an argument is null or missing
    errors   ADD_NEEDS_OBJECT, ADD_UNKNOWN_FIELD, ADD_INCOMPLETE, ADD_START_TYPE, UNIT_TYPE, UNKNOWN_UNIT,
             ADD_AMOUNT_TYPE, ADD_AMOUNT_RANGE, ADD_RESULT_RANGE, ZONE_TYPE, UNKNOWN_ZONE
    source   manual, $dateAdd
    """
    return _shift("$dateAdd", start, unit, amount, timezone, 1)


@_shifting("$dateSubtract")
def date_subtract(start: Any, unit: Any, amount: Any, timezone: Any) -> DatetimeMS | None:
    """A date moved back by so many units.

    args     {startDate, unit, amount: whole number, timezone}
    result   as for $dateAdd
    errors   as for $dateAdd, SUBTRACT_LEAST_LONG
    source   manual, $dateSubtract
    """
    return _shift("$dateSubtract", start, unit, amount, timezone, -1)


def _shift(name: str, start: Any, unit: Any, amount: Any, timezone: Any, sign: int) -> DatetimeMS | None:
    if is_nullish(start):
        return None
    if is_nullish(unit) or is_nullish(amount) or (timezone is not ABSENT and is_nullish(timezone)):
        return None
    unit = read_unit(name, unit)
    count = exact_integer(amount)
    millis = as_millis(start)
    if millis is None:
        raise errors.ADD_START_TYPE(name=name)
    if count is None:
        raise errors.ADD_AMOUNT_TYPE(name=name)
    if sign < 0 and count == LONG_MIN:
        raise errors.SUBTRACT_LEAST_LONG(name=name, amount=count)
    zone = UTC_ZONE if timezone is ABSENT else read_zone(timezone)
    _check_amount(name, unit, count)
    moved = shift_millis(millis, unit, sign * count, zone)
    if not LONG_MIN <= moved <= LONG_MAX:
        raise errors.ADD_RESULT_RANGE(name=name)
    return DatetimeMS(moved)


def _check_amount(name: str, unit: str, count: int) -> None:
    """Refuse amounts that no pair of dates can lie apart.

    errors   ADD_AMOUNT_RANGE
    """
    in_days = {"year": 366, "quarter": 92, "month": 31, "week": 7, "day": 1}
    span_ms = in_days[unit] * MILLIS_PER_DAY if unit in in_days else FIXED_MS[unit]
    if abs(count) * span_ms >= 2**64:
        raise errors.ADD_AMOUNT_RANGE(name=name, amount=count, unit=unit)


def shift_millis(millis: int, unit: str, count: int, zone: Zone) -> int:
    """A moment moved by so many units; units of a day and more move the zone's clock."""
    if unit in FIXED_MS:
        return millis + count * FIXED_MS[unit]
    wall = zone.to_local(millis)
    if unit in DAYS:
        return zone.from_local(wall + count * DAYS[unit] * MILLIS_PER_DAY)
    moment = Moment.of(wall)
    carried, month_index = divmod(moment.month - 1 + count * MONTHS[unit], 12)
    year, month = moment.year + carried, month_index + 1
    day = min(moment.day, days_in_month(year, month))
    days = days_from_civil(year, month, day)
    return zone.from_local(days * MILLIS_PER_DAY + wall % MILLIS_PER_DAY)


@named(
    "$dateDiff",
    required={
        "startDate": errors.DIFF_WITHOUT_START,
        "endDate": errors.DIFF_WITHOUT_END,
        "unit": errors.DIFF_WITHOUT_UNIT,
    },
    optional=("timezone", "startOfWeek"),
    not_object=errors.DIFF_NEEDS_OBJECT,
    unknown=errors.DIFF_UNKNOWN_FIELD,
)
def date_diff(start: Any, end: Any, unit: Any, timezone: Any, week_start: Any) -> Int64 | None:
    """How many boundaries of a unit lie between two dates.

    args     {startDate, endDate, unit, timezone, startOfWeek: day, Sunday if not given}
    result   long, negative backwards; null if an argument is null or missing
    errors   DIFF_NEEDS_OBJECT, DIFF_UNKNOWN_FIELD, DIFF_WITHOUT_START, DIFF_WITHOUT_END, DIFF_WITHOUT_UNIT,
             DIFF_DATE_TYPE, DIFF_OVERFLOW, UNIT_TYPE, UNKNOWN_UNIT, WEEK_START_TYPE, UNKNOWN_WEEK_START, ZONE_TYPE,
             UNKNOWN_ZONE
    source   manual, $dateDiff
    """
    if any(is_nullish(value) for value in (start, end, unit)):
        return None
    if any(value is not ABSENT and is_nullish(value) for value in (timezone, week_start)):
        return None
    moments = []
    for field, value in (("startDate", start), ("endDate", end)):
        millis = as_millis(value)
        if millis is None:
            raise errors.DIFF_DATE_TYPE(field=field, kind=alias(value))
        moments.append(millis)
    unit = read_unit("$dateDiff", unit)
    first_day = 7
    if unit == "week" and week_start is not ABSENT:
        first_day = read_week_start("$dateDiff", week_start)
    zone = UTC_ZONE if timezone is ABSENT else read_zone(timezone)
    difference = _boundaries(moments[0], moments[1], unit, zone, first_day)
    if not LONG_MIN <= difference <= LONG_MAX:
        raise errors.DIFF_OVERFLOW()
    return Int64(difference)


def _boundaries(start: int, end: int, unit: str, zone: Zone, first_day: int) -> int:
    start_offset, end_offset = zone.offset_at(start), zone.offset_at(end)
    start_wall, end_wall = start + start_offset, end + end_offset
    if unit in FIXED_MS:
        step = FIXED_MS[unit]
        walls = end_wall // step - start_wall // step
        return walls - (end_offset - start_offset) // step
    if unit == "day":
        return end_wall // MILLIS_PER_DAY - start_wall // MILLIS_PER_DAY
    if unit == "week":
        shift = 4 - first_day  # 1970-01-01 was a Thursday
        weeks = [(wall // MILLIS_PER_DAY + shift) // 7 for wall in (start_wall, end_wall)]
        return weeks[1] - weeks[0]
    months = MONTHS[unit]
    counts = [(moment.year * 12 + moment.month - 1) // months for moment in map(Moment.of, (start_wall, end_wall))]
    return counts[1] - counts[0]
