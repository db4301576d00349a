"""The Gregorian calendar, extended to every date that BSON can hold (about 292 million years either way)."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.errors import expression as errors

MILLIS_PER_DAY = 86_400_000
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def is_leap(year: int) -> bool:
    """Whether a year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """28 to 31."""
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date; months and days outside their range carry over."""
    carried, month_index = divmod(month - 1, 12)
    year += carried
    before = year - 1
    whole = before * 365 + before // 4 - before // 100 + before // 400
    leap_day = 1 if month_index > 1 and is_leap(year) else 0
    return whole + _DAYS_BEFORE_MONTH[month_index] + leap_day + day - 719163


def civil_from_days(days: int) -> tuple[int, int, int]:
    """(year, month, day) of the date so many days after 1970-01-01."""
    era, day_of_era = divmod(days + 719468, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + 3 if month_index < 10 else month_index - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, day


@dataclass(frozen=True, slots=True)
class Moment:
    """Wall time taken apart: year, month 1-12, day 1-31, hour, minute, second, millisecond."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int

    @staticmethod
    def of(millis: int) -> Moment:
        """The wall time so many milliseconds after 1970-01-01 00:00 of the same clock."""
        days, rest = divmod(millis, MILLIS_PER_DAY)
        hour, rest = divmod(rest, 3_600_000)
        minute, rest = divmod(rest, 60_000)
        second, millisecond = divmod(rest, 1000)
        return Moment(*civil_from_days(days), hour, minute, second, millisecond)

    @property
    def days(self) -> int:
        """Days since 1970-01-01."""
        return days_from_civil(self.year, self.month, self.day)

    @property
    def millis(self) -> int:
        """Milliseconds since 1970-01-01 00:00 of the same clock."""
        clock = (self.hour * 60 + self.minute) * 60 + self.second
        return self.days * MILLIS_PER_DAY + clock * 1000 + self.millisecond

    @property
    def day_of_year(self) -> int:
        """1 to 366."""
        return self.days - days_from_civil(self.year, 1, 1) + 1

    @property
    def iso_weekday(self) -> int:
        """1 (Monday) to 7 (Sunday)."""
        return (self.days + 3) % 7 + 1

    @property
    def sunday_week(self) -> int:
        """0 to 53; week 1 begins with the first Sunday."""
        return (self.day_of_year + 6 - self.iso_weekday % 7) // 7

    @property
    def iso_year_and_week(self) -> tuple[int, int]:
        """ISO 8601: the week's year, and 1 to 53."""
        thursday = self.days - self.iso_weekday + 4
        year = civil_from_days(thursday)[0]
        return year, (thursday - days_from_civil(year, 1, 1)) // 7 + 1


def days_from_iso(year: int, week: int, weekday: int) -> int:
    """Days from 1970-01-01 to a date of the ISO calendar; weeks and days outside their range carry over."""
    fourth = days_from_civil(year, 1, 4)
    monday = fourth - (fourth + 3) % 7
    return monday + (week - 1) * 7 + weekday - 1


def iso_text(millis: int) -> str:
    """`2024-01-31T12:00:00.000Z`.

    errors   YEAR_OUT_OF_RANGE outside the years 0 to 9999
    """
    moment = Moment.of(millis)
    if not 0 <= moment.year <= 9999:
        raise errors.YEAR_OUT_OF_RANGE(year=moment.year)
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}T"
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}.{moment.millisecond:03}Z"
    )
