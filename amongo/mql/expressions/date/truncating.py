"""$dateTrunc: the beginning of the bin of time that a date falls into."""

from __future__ import annotations

from typing import Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.errors import date as errors
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, Moment, days_from_civil
from amongo.mql.expressions.date.units import DAYS, FIXED_MS, MONTHS, read_unit, read_week_start
from amongo.mql.expressions.date.zones import UTC_ZONE, Zone, as_millis, read_zone
from amongo.mql.expressions.registry import ABSENT, named
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer
from amongo.values.types import alias
from amongo.values.wording import shown

_REFERENCE_DAYS: Final = days_from_civil(2000, 1, 1)  # bins are counted from here, in the zone's own time
_REFERENCE_MS: Final = _REFERENCE_DAYS * MILLIS_PER_DAY
_LARGEST_BIN: Final = 100_000_000_000  # server: the largest bin of days and more


def _of_constants(date: Any, unit: Any, bin_size: Any, timezone: Any, week_start: Any) -> DatetimeMS | None:
    """$dateTrunc of constants: a server computes it beforehand, and looks at startOfWeek for weeks alone."""
    truncated: DatetimeMS | None = date_trunc(date, unit, bin_size, timezone, week_start if unit == "week" else ABSENT)
    return truncated


@named(
    "$dateTrunc",
    required={"date": errors.TRUNC_WITHOUT_DATE, "unit": errors.TRUNC_WITHOUT_UNIT},
    optional=("binSize", "timezone", "startOfWeek"),
    not_object=errors.TRUNC_NEEDS_OBJECT,
    unknown=errors.TRUNC_UNKNOWN_FIELD,
    constant=_of_constants,
)
def date_trunc(date: Any, unit: Any, bin_size: Any, timezone: Any, week_start: Any) -> DatetimeMS | None:
    """The beginning of the bin that a date falls into.

    args     {date, unit, binSize: whole number above zero, timezone, startOfWeek: day, Sunday if not given};
             bins are counted from 2000-01-01 in the zone (weeks from the first such day)
    result   date; null if an argument is null or missing (but startOfWeek of constants, if the unit is no week)
    errors   TRUNC_NEEDS_OBJECT, TRUNC_UNKNOWN_FIELD, TRUNC_WITHOUT_DATE, TRUNC_WITHOUT_UNIT, TRUNC_DATE_TYPE,
             TRUNC_BIN_TYPE, TRUNC_BIN_POSITIVE, TRUNC_BIN_OVERFLOW, TRUNC_OVERFLOW, UNIT_TYPE, UNKNOWN_UNIT,
             WEEK_START_TYPE, UNKNOWN_WEEK_START, ZONE_TYPE, UNKNOWN_ZONE
    source   manual, $dateTrunc
    """
    if is_nullish(date) or is_nullish(unit):
        return None
    if any(value is not ABSENT and is_nullish(value) for value in (bin_size, timezone, week_start)):
        return None
    millis = as_millis(date)
    if millis is None:
        raise errors.TRUNC_DATE_TYPE(kind=alias(date))
    unit = read_unit("$dateTrunc", unit)
    count = 1 if bin_size is ABSENT else exact_integer(bin_size)
    if count is None:
        raise errors.TRUNC_BIN_TYPE(value=shown(bin_size))
    if count <= 0:
        raise errors.TRUNC_BIN_POSITIVE(value=count)
    zone = UTC_ZONE if timezone is ABSENT else read_zone(timezone)
    first_day = 7
    if unit == "week" and week_start is not ABSENT:
        first_day = read_week_start("$dateTrunc", week_start)
    if unit not in FIXED_MS and count > _LARGEST_BIN:
        raise errors.TRUNC_BIN_OVERFLOW(value=count, unit=unit)
    if unit in FIXED_MS and count * FIXED_MS[unit] > LONG_MAX:
        raise errors.TRUNC_OVERFLOW()
    truncated = truncate(millis, unit, count, zone, first_day)
    if not LONG_MIN <= truncated <= LONG_MAX:
        raise errors.TRUNC_OVERFLOW()
    return DatetimeMS(truncated)


def truncate(millis: int, unit: str, count: int, zone: Zone, first_day: int) -> int:
    """The moment when the bin of `count` units around a moment begins."""
    if unit in FIXED_MS:
        step = FIXED_MS[unit] * count
        offset = zone.offset_at(millis) if unit in ("hour", "minute") else 0
        return (millis + offset - _REFERENCE_MS) // step * step + _REFERENCE_MS - offset
    wall = zone.to_local(millis)
    if unit in DAYS:
        reference = _REFERENCE_DAYS
        if unit == "week":
            reference += (first_day - 6) % 7  # 2000-01-01 was a Saturday
        step = DAYS[unit] * count
        day = (wall // MILLIS_PER_DAY - reference) // step * step + reference
        return zone.from_local(day * MILLIS_PER_DAY)
    moment = Moment.of(wall)
    step = MONTHS[unit] * count
    months = ((moment.year - 2000) * 12 + moment.month - 1) // step * step
    return zone.from_local(days_from_civil(2000, 1 + months, 1) * MILLIS_PER_DAY)
