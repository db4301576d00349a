"""Dates of the columnar path against the interpreter: leap years, years before 1 and after 9999, gaps of zones."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.aggregate.relational.expressions.dates.moments import SAFE_MS
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, days_from_civil
from tests.differential.expression_cases import (
    assert_computed,
    assert_expression_refused,
    assert_same_or_refused,
)

PARTS = ["$year", "$month", "$dayOfMonth", "$hour", "$minute", "$second", "$millisecond", "$dayOfYear", "$dayOfWeek",
         "$week", "$isoDayOfWeek", "$isoWeek", "$isoWeekYear"]  # fmt: skip
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"]
FIRST, LAST = -62135596800000, 253402300799999
"""The first and the last millisecond of the years 1 to 9999."""


def at(year: int, month: int, day: int, ms: int = 0) -> DatetimeMS:
    """A moment."""
    return DatetimeMS(days_from_civil(year, month, day) * MILLIS_PER_DAY + ms)


def of(*moments: Any, **fields: Any) -> list[dict[str, Any]]:
    """Documents with `d` for each moment; ... for none; other fields alike in all."""
    return [fields if moment is ... else {"d": moment, **fields} for moment in moments]


_DAYS = [(2, 28), (3, 1), (12, 31), (1, 1), (1, 3)]
EDGES = of(
    *(at(year, *day) for year in (1900, 1970, 2000, 2004, 2023, 2024, 2026, 2027) for day in _DAYS),
    *(at(year, *day, MILLIS_PER_DAY - 1) for year in (1900, 1969, 2000, 2024) for day in _DAYS),
    at(2024, 2, 29),
    DatetimeMS(-1),
    DatetimeMS(0),
    DatetimeMS(1),
    None,
    ...,
)
FAR = of(DatetimeMS(FIRST), DatetimeMS(FIRST - 1), DatetimeMS(LAST), DatetimeMS(LAST + 1), at(0, 2, 29), at(-4, 3, 1),
         at(-4000, 12, 31, 5), at(12024, 2, 29), DatetimeMS(SAFE_MS // 2), DatetimeMS(-SAFE_MS // 2))  # fmt: skip
NEW_YORK = of(*(at(2024, 3, 10, hour * 3_600_000 + step) for hour in range(4, 10) for step in (0, 1, 1_799_999)),
              *(at(2024, 11, 3, hour * 3_600_000 + step) for hour in range(4, 8) for step in (0, 1, 1_800_000)),
              at(2040, 7, 1))  # fmt: skip
LORD_HOWE = of(*(at(2024, 4, 6, 14 * 3_600_000 + step * 600_000) for step in range(12)),
               *(at(2024, 10, 5, 14 * 3_600_000 + step * 600_000) for step in range(12)))  # fmt: skip
SAO_PAULO = of(*(at(2017, 10, 15, hour * 3_600_000) for hour in range(8)), at(2018, 2, 18, 5_400_000))
"""The clocks went forward at midnight: days without one."""

PLACES = {
    "edges of months": (EDGES, {}),
    "far away": (FAR, {}),
    "ahead of UTC": (EDGES, {"timezone": "+05:45"}),
    "behind UTC": (FAR, {"timezone": "-0930"}),
    "New York": (NEW_YORK, {"timezone": "America/New_York"}),
    "half an hour of summer time": (LORD_HOWE, {"timezone": "Australia/Lord_Howe"}),
    "days without midnight": (SAO_PAULO, {"timezone": "America/Sao_Paulo"}),
}


@pytest.mark.parametrize("place", PLACES)
def test_parts(place: str) -> None:
    documents, zone = PLACES[place]
    assert_computed(documents, {part[1:]: {part: {"date": "$d", **zone}} for part in PARTS})


@pytest.mark.parametrize("place", PLACES)
def test_truncating(place: str) -> None:
    documents, zone = PLACES[place]
    cuts = {unit: {"$dateTrunc": {"date": "$d", "unit": unit, **zone}} for unit in UNITS}
    bins = {f"{unit} bins": {"$dateTrunc": {"date": "$d", "unit": unit, "binSize": 7, **zone}} for unit in UNITS}
    weeks = {
        day: {"$dateTrunc": {"date": "$d", "unit": "week", "startOfWeek": day, **zone}} for day in ("mon", "Friday")
    }
    assert_computed(documents, {**cuts, **bins, **weeks})


@pytest.mark.parametrize("place", PLACES)
def test_moving(place: str) -> None:
    documents, zone = PLACES[place]
    documents = [{**document, "n": number % 7 - 3} for number, document in enumerate(documents)]
    amounts: list[Any] = [-13, "$n"]
    moves = {
        f"{unit} {amount}": {"$dateAdd": {"startDate": "$d", "unit": unit, "amount": amount, **zone}}
        for unit in UNITS
        for amount in amounts
    }
    back = {"$dateSubtract": {"startDate": "$d", "unit": "month", "amount": "$n", **zone}}
    assert_computed(documents, {**moves, "back": back})


@pytest.mark.parametrize("place", PLACES)
def test_counting_between(place: str) -> None:
    documents, zone = PLACES[place]
    moments = [document.get("d") for document in documents]
    documents = [{"d": one, "e": two} for one, two in zip(moments, moments[3:] + moments[:3], strict=True)]
    spans = {unit: {"$dateDiff": {"startDate": "$d", "endDate": "$e", "unit": unit, **zone}} for unit in UNITS}
    weeks = {"$dateDiff": {"startDate": "$e", "endDate": "$d", "unit": "week", "startOfWeek": "wed", **zone}}
    assert_computed(documents, {**spans, "weeks": weeks})


CASES: dict[str, tuple[list[dict[str, Any]], Any]] = {
    "parts as a document": (of(at(2024, 2, 29, 5)), {"$dateToParts": {"date": "$d"}}),
    "parts of the ISO calendar": (
        of(at(2027, 1, 1)),
        {"$dateToParts": {"date": "$d", "iso8601": True, "timezone": "-01"}},
    ),
    "when zones were new": (
        of(at(1883, 11, 18, 61_000_000), at(1883, 11, 18, 61_202_000), at(1942, 2, 9, 28_800_000)),
        {"$dateTrunc": {"date": "$d", "unit": "day", "timezone": "America/New_York"}},
    ),
    "the year of an ObjectId": (of(ObjectId(b"\x80" + b"a" * 11), ObjectId(b"\x7f" + b"a" * 11)), {"$year": "$d"}),
    "a null time zone": (EDGES, {"$month": {"date": "$d", "timezone": None}}),
    "text as it is by default": (EDGES, {"$dateToString": {"date": "$d"}}),
    "text in a zone by default": (EDGES, {"$dateToString": {"date": "$d", "timezone": "Asia/Kolkata"}}),
    "text of a day": (EDGES, {"$dateToString": {"date": "$d", "format": "%Y-%m-%d"}}),
    "text with every specifier": (
        EDGES,
        {"$dateToString": {"date": "$d", "format": "%d %G %H %j %L %m %M %S %u %U %V %w %Y %z %Z %b %B %%é\0'"}},
    ),
    "text with an offset": (EDGES, {"$dateToString": {"date": "$d", "format": "%H %z %Z", "timezone": "-0330"}}),
    "text of nothing": (EDGES, {"$dateToString": {"date": "$d", "format": ""}}),
    "text in the years 1 and 9999": (
        of(DatetimeMS(FIRST), DatetimeMS(LAST)),
        {"$dateToString": {"date": "$d", "format": "%Y-%m-%d %j %b"}},
    ),
    "something else for no date": (EDGES, {"$dateToString": {"date": "$d", "format": "%Y", "onNull": ["none"]}}),
    "from parts": (
        [{"y": 1, "m": -5, "s": 10**6}, {"y": 9999, "m": 40, "s": -1}, {"y": 2024, "m": 2}],
        {"$dateFromParts": {"year": "$y", "month": "$m", "day": 31, "second": "$s", "timezone": "-05"}},
    ),
    "from parts in a zone": (
        [{"y": 2020, "m": 3, "s": 10**6}, {"y": 2021, "m": 15, "s": -1}, {"y": 2024, "m": 10}],
        {"$dateFromParts": {"year": "$y", "month": "$m", "day": 31, "second": "$s", "timezone": "Europe/Dublin"}},
    ),
    "from a year": ([{"y": 1}, {"y": 2000}, {"y": None}], {"$dateFromParts": {"year": "$y"}}),
}


@pytest.mark.parametrize("name", CASES)
def test_columns_compute_what_the_interpreter_computes(name: str) -> None:
    documents, spec = CASES[name]
    assert_computed(documents, spec)


REFUSED: dict[str, tuple[list[dict[str, Any]], Any, str]] = {
    "a string": (of("2024-01-01"), {"$year": "$d"}, "string"),
    "a timestamp": (of(Timestamp(1, 1)), {"$year": "$d"}, "timestamp"),
    "a date at the end of time": (of(DatetimeMS(2**63 - 1)), {"$year": "$d"}, "hundred thousand years"),
    "a zone of the document": (of(at(2024, 1, 1), z="UTC"), {"$year": {"date": "$d", "timezone": "$z"}}, "constant"),
    "a zone that is not known": (of(at(2024, 1, 1)), {"$year": {"date": "$d", "timezone": "Nowhere"}}, "not known"),
    "centuries in a zone": (
        of(DatetimeMS(FIRST), DatetimeMS(LAST)),
        {"$year": {"date": "$d", "timezone": "Europe/Dublin"}},
        "centuries apart",
    ),
    "a unit of the document": (of(at(2024, 1, 1), u="day"), {"$dateTrunc": {"date": "$d", "unit": "$u"}}, "constants"),
    "an amount that may be a fraction": (
        of(at(2024, 1, 1), n=0.5),
        {"$dateAdd": {"startDate": "$d", "unit": "day", "amount": "$n"}},
        "fractions",
    ),
    "a year that is no text": (of(at(10000, 1, 1)), {"$dateToString": {"date": "$d"}}, "years"),
    "a year out of range": ([{"y": 0}], {"$dateFromParts": {"year": "$y"}}, "out of its range"),
    "parts of what may be null": (of(at(2024, 1, 1), None), {"$dateToParts": {"date": "$d"}}, "null"),
    "a text": (of("2024-01-01"), {"$dateFromString": {"dateString": "$d"}}, "not lowered"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_proved_is_left_to_the_interpreter(name: str) -> None:
    documents, spec, reason = REFUSED[name]
    assert_expression_refused(documents, spec, reason)


ZONES = [None, "UTC", "+02:00", "-0930", "+14", "America/New_York", "Europe/Dublin", "Africa/Casablanca",
         "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Asia/Gaza"]  # fmt: skip
SPANS = [
    (0, 2 * 10**12),
    (-2 * 10**12, 3 * 10**12),
    (FIRST, LAST),
    (-SAFE_MS, SAFE_MS),
    (1_700_000_000_000, 1_735_000_000_000),
]
FORMATS = ["%Y-%m-%d", "%H:%M:%S.%L", "%G-W%V-%u", "%j %U %w", "%b %B %z %Z"]


@st.composite
def date_expressions(draw: st.DrawFn) -> Any:
    """An expression of `$d`, `$e` (dates) and `$n` (a whole number)."""
    zone = draw(st.sampled_from(ZONES))
    more: dict[str, Any] = {} if zone is None else {"timezone": zone}
    unit = draw(st.sampled_from(UNITS))
    size = draw(st.one_of(st.integers(1, 40), st.integers(1, 10**6)))
    start = {"startOfWeek": draw(st.sampled_from(["monday", "tue", "SAT"]))} if draw(st.booleans()) else {}
    inner: Any = draw(st.sampled_from(["$d", {"$dateTrunc": {"date": "$d", "unit": "month", **more}}]))
    return draw(
        st.sampled_from(
            [
                {draw(st.sampled_from(PARTS)): {"date": inner, **more}},
                {"$dateTrunc": {"date": inner, "unit": unit, "binSize": size, **start, **more}},
                {"$dateAdd": {"startDate": inner, "unit": unit, "amount": draw(st.sampled_from([size, "$n"])), **more}},
                {"$dateSubtract": {"startDate": inner, "unit": unit, "amount": "$n", **more}},
                {"$dateDiff": {"startDate": inner, "endDate": "$e", "unit": unit, **start, **more}},
                {"$dateToString": {"date": inner, "format": draw(st.sampled_from(FORMATS)), **more}},
                {"$dateToParts": {"date": inner, "iso8601": draw(st.booleans()), **more}},
                {"$dateFromParts": {"year": {"$year": inner}, "month": "$n", "day": "$n", "hour": "$n", **more}},
                {"$subtract": [inner, "$e"]},
                {"$add": [inner, "$n"]},
            ]
        )
    )


@st.composite
def documents_of_dates(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents with two dates of one span, and a number."""
    first, last = draw(st.sampled_from(SPANS))
    moments = st.integers(first, last).map(DatetimeMS)
    maybe = moments if draw(st.booleans()) else st.one_of(moments, st.none())
    return draw(
        st.lists(st.fixed_dictionaries({"d": maybe, "e": moments, "n": st.integers(-40, 500)}), min_size=1, max_size=8)
    )


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(documents_of_dates(), date_expressions())
def test_any_expression_of_dates_is_the_same_or_refused(documents: list[dict[str, Any]], spec: Any) -> None:
    assert_same_or_refused(documents, spec)


def test_zones_are_cut_into_steps_exactly() -> None:
    """Two years in zones that change often; the interpreter asks the zone for each."""
    for zone in ("Africa/Casablanca", "Asia/Gaza", "Pacific/Apia"):
        start = at(2010, 1, 1)
        documents = of(*(DatetimeMS(int(start) + minute * 60_000) for minute in range(0, 700 * 24 * 60, 165)))
        assert_computed(documents, {"$dateTrunc": {"date": "$d", "unit": "day", "timezone": zone}})
