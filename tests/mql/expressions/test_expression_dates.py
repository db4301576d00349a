"""Date expressions, and the calendar below them."""

from datetime import date, timedelta
from typing import Any

import pytest
from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS
from evaluating import evaluate, failure_code, same
from hypothesis import given
from hypothesis import strategies as st

from amongo.mql.expressions.calendar import Moment, civil_from_days, days_from_civil

LEAP = DatetimeMS(1709208000123)  # 2024-02-29T12:00:00.123Z, a Thursday
NEW_YORK = "America/New_York"
BEFORE_SPRING = DatetimeMS(1710050400000)  # 2024-03-10T06:00:00Z, an hour before New York's clocks went forward

VALUES: list[tuple[str, Any, Any]] = [
    ("year", {"$year": LEAP}, 2024),
    ("in a zone", {"$hour": {"date": LEAP, "timezone": NEW_YORK}}, 7),
    ("at an offset", {"$minute": {"date": LEAP, "timezone": "+05:30"}}, 30),
    ("day of year", {"$dayOfYear": LEAP}, 60),
    ("days of the week", [{"$dayOfWeek": LEAP}, {"$isoDayOfWeek": LEAP}], [5, 4]),
    ("weeks", [{"$week": LEAP}, {"$isoWeek": LEAP}], [8, 9]),
    ("ISO year is a long", {"$isoWeekYear": DatetimeMS(1704067200000)}, Int64(2024)),
    ("of a timestamp", {"$second": Timestamp(61, 1)}, 1),
    ("of null", {"$year": None}, None),
    (
        "parts",
        {"$dateToParts": {"date": LEAP, "iso8601": True}},
        {
            "isoWeekYear": 2024,
            "isoWeek": 9,
            "isoDayOfWeek": 4,
            "hour": 12,
            "minute": 0,
            "second": 0,
            "millisecond": 123,
        },
    ),
    ("from parts, carried over", {"$dateFromParts": {"year": 2023, "month": 14, "day": 29, "hour": 12}}, 1709208000000),
    ("from ISO parts", {"$dateFromParts": {"isoWeekYear": 2024, "isoWeek": 9, "isoDayOfWeek": 4}}, 1709164800000),
    ("to text", {"$dateToString": {"date": LEAP}}, "2024-02-29T12:00:00.123Z"),
    ("format", {"$dateToString": {"date": LEAP, "format": "%d %b %Y %j %U %V %u %%"}}, "29 Feb 2024 060 08 09 4 %"),
    ("zone in text", {"$dateToString": {"date": LEAP, "format": "%H:%M%z", "timezone": NEW_YORK}}, "07:00-0500"),
    ("from text", {"$dateFromString": {"dateString": "2024-02-29 12:00"}}, 1709208000000),
    (
        "from text in a format and a zone",
        {"$dateFromString": {"dateString": "29/02/2024", "format": "%d/%m/%Y", "timezone": NEW_YORK}},
        1709182800000,
    ),
    ("from bad text", {"$dateFromString": {"dateString": "2023-02-29", "onError": "bad"}}, "bad"),
    ("month keeps to its end", {"$dateAdd": {"startDate": LEAP, "unit": "year", "amount": 1}}, 1740744000123),
    (
        "a day across the change of clocks",
        {"$dateAdd": {"startDate": BEFORE_SPRING, "unit": "day", "amount": 1, "timezone": NEW_YORK}},
        1710133200000,
    ),
    ("back by hours", {"$dateSubtract": {"startDate": LEAP, "unit": "hour", "amount": 12}}, 1709164800123),
    (
        "boundaries, not durations",
        {"$dateDiff": {"startDate": DatetimeMS(-1), "endDate": DatetimeMS(0), "unit": "year"}},
        Int64(1),
    ),
    (
        "weeks from Monday",
        {"$dateDiff": {"startDate": LEAP, "endDate": DatetimeMS(1709467200000), "unit": "week", "startOfWeek": "mon"}},
        Int64(0),
    ),
    ("trunc to a month", {"$dateTrunc": {"date": LEAP, "unit": "month"}}, 1706745600000),
    ("trunc to seven minutes", {"$dateTrunc": {"date": LEAP, "unit": "minute", "binSize": 7}}, 1709207820000),
    ("trunc to a week", {"$dateTrunc": {"date": LEAP, "unit": "week"}}, 1708819200000),
    ("timestamp", [{"$tsSecond": Timestamp(5, 6)}, {"$tsIncrement": Timestamp(5, 6)}], [Int64(5), Int64(6)]),
]


@pytest.mark.parametrize(("name", "spec", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_value(name: str, spec: Any, expected: Any) -> None:
    actual = evaluate(spec)
    if type(expected) is int and type(actual) is DatetimeMS:
        expected = DatetimeMS(expected)
    assert same(actual, expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("no date", {"$year": "2024"}, 16006),
    ("unknown option", {"$year": {"date": LEAP, "zone": "UTC"}}, 40535),
    ("unknown zone", {"$year": {"date": LEAP, "timezone": "america/new_york"}}, 40485),
    ("zone that is no string", {"$year": {"date": LEAP, "timezone": 5}}, 40517),
    ("year zero", {"$dateFromParts": {"year": 0}}, 40523),
    ("mixed calendars", {"$dateFromParts": {"year": 2024, "isoWeek": 1}}, 40489),
    ("unknown specifier", {"$dateToString": {"date": LEAP, "format": "%q"}}, 18536),
    ("unreadable text", {"$dateFromString": {"dateString": "soon"}}, 241),
    ("zone twice", {"$dateFromString": {"dateString": "2024-01-01T00:00Z", "timezone": NEW_YORK}}, 241),
    ("unknown unit", {"$dateAdd": {"startDate": LEAP, "unit": "days", "amount": 1}}, 9),
    ("fractional amount", {"$dateAdd": {"startDate": LEAP, "unit": "day", "amount": 1.5}}, 5166405),
    ("bin of nothing", {"$dateTrunc": {"date": LEAP, "unit": "day", "binSize": 0}}, 5439018),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, spec: Any, code: int) -> None:
    assert failure_code(spec) == code


@given(st.dates())
def test_the_calendar_agrees_with_datetime(day: date) -> None:
    days = (day - date(1970, 1, 1)) // timedelta(days=1)
    assert days_from_civil(day.year, day.month, day.day) == days
    moment = Moment.of(days * 86_400_000)
    assert (moment.year, moment.month, moment.day) == (day.year, day.month, day.day)
    year, week, weekday = day.isocalendar()
    assert (moment.iso_year_and_week, moment.iso_weekday) == ((year, week), weekday)
    assert moment.sunday_week == int(day.strftime("%U"))


@given(st.integers(-(2**63) // 86_400_000, 2**63 // 86_400_000))
def test_the_calendar_goes_there_and_back(days: int) -> None:
    assert days_from_civil(*civil_from_days(days)) == days


@given(st.integers(-(2**55), 2**55), st.sampled_from(["UTC", NEW_YORK, "Asia/Kolkata", "+03:45"]))
def test_parts_put_together_again(millis: int, zone: str) -> None:
    parts = evaluate({"$dateToParts": {"date": DatetimeMS(millis), "timezone": zone}})
    if 1 <= parts["year"] <= 9999:
        again = evaluate({"$dateFromParts": {**parts, "timezone": zone}})
        assert evaluate({"$dateToParts": {"date": again, "timezone": zone}}) == parts
