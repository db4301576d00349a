"""Units of time and days of the week, as date expressions name them."""

from __future__ import annotations

from typing import Any, Final

from amongo.errors import date as errors
from amongo.values.types import alias

UNITS: Final = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond")

FIXED_MS: Final = {"hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1}
"""Units of one length everywhere."""

MONTHS: Final = {"year": 12, "quarter": 3, "month": 1}
DAYS: Final = {"week": 7, "day": 1}

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_unit(name: str, value: Any) -> str:
    """The unit that an evaluated `unit` argument names.

    errors   UNIT_TYPE, UNKNOWN_UNIT
    """
    if type(value) is not str:
        raise errors.UNIT_TYPE(name=name, kind=alias(value))
    if value not in UNITS:
        raise errors.UNKNOWN_UNIT(unit=value)
    return str(value)


def read_week_start(name: str, value: Any) -> int:
    """The day that an evaluated `startOfWeek` argument names: 1 (Monday) to 7 (Sunday). Case does not count.

    errors   WEEK_START_TYPE, UNKNOWN_WEEK_START
    """
    if type(value) is not str:
        raise errors.WEEK_START_TYPE(name=name, kind=alias(value))
    wanted = value.lower()
    for number, day in enumerate(_WEEKDAYS, 1):
        if wanted in (day, day[:3]):
            return number
    raise errors.UNKNOWN_WEEK_START(name=name, value=value)
