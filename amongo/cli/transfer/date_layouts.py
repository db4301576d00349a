"""Dates in the columns of a CSV file, read by a layout. Source: manual, mongoimport, `--columnsHaveTypes`.

Three ways to say it, all made a row of parts and a regular expression of them:

date, date_go   Go's: how `Mon Jan 2 15:04:05 2006 -0700` looks, `2006-01-02`
date_ms         Microsoft's: `yyyy-MM-dd HH:mm:ss`
date_oracle     Oracle's: `YYYY-MM-DD HH24:MI:SS`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONG_MONTHS: Final = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_DAYS: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_LONG_DAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _names(names: list[str]) -> str:
    return "|".join(names)


# A part: what it is, and the regular expression of its text.
_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "year": ("year", r"\d{4}"),
    "year2": ("year2", r"\d\d"),
    "month2": ("month", r"\d\d"),
    "month": ("month", r"\d{1,2}"),
    "month_name": ("month_name", _names(_MONTHS)),
    "long_month": ("long_month", _names(_LONG_MONTHS)),
    "day2": ("day", r"\d\d"),
    "day": ("day", r"\d{1,2}"),
    "padded_day": ("day", r" \d|\d\d"),
    "weekday": ("", _names(_DAYS)),
    "long_weekday": ("", _names(_LONG_DAYS)),
    "hour2": ("hour", r"\d\d"),
    "hour": ("hour", r"\d{1,2}"),
    "hour12": ("hour12", r"\d{1,2}"),
    "minute2": ("minute", r"\d\d"),
    "minute": ("minute", r"\d{1,2}"),
    "second2": ("second", r"\d\d"),
    "second": ("second", r"\d{1,2}"),
    "fraction": ("fraction", r"\d{1,9}"),
    "half": ("half", r"am|pm"),
    "zone_name": ("", r"UTC|GMT|Z"),
    "offset": ("offset", r"[+-]\d\d:?\d\d|[+-]\d\d"),
    "offset_or_z": ("offset", r"Z|[+-]\d\d:?\d\d|[+-]\d\d"),
}

# The tokens of each way, longer ones first.
GO: Final = {
    "January": "long_month", "Monday": "long_weekday", "Z07:00": "offset_or_z", "-07:00": "offset",
    "Z0700": "offset_or_z", "-0700": "offset", "2006": "year", "Jan": "month_name", "Mon": "weekday",
    "MST": "zone_name",
    "Z07": "offset_or_z", "-07": "offset", "01": "month2", "02": "day2", "_2": "padded_day", "15": "hour2",
    "03": "hour12", "04": "minute2", "05": "second2", "06": "year2", "PM": "half", "pm": "half", "1": "month",
    "2": "day", "3": "hour12", "4": "minute", "5": "second",
}  # fmt: skip
MICROSOFT: Final = {
    "yyyy": "year", "MMMM": "long_month", "dddd": "long_weekday", "MMM": "month_name", "ddd": "weekday",
    "zzz": "offset", "yy": "year2", "MM": "month2", "dd": "day2", "HH": "hour2", "hh": "hour12", "mm": "minute2",
    "ss": "second2", "tt": "half", "zz": "offset", "M": "month", "d": "day", "H": "hour", "h": "hour12", "m": "minute",
    "s": "second", "K": "offset_or_z", "z": "offset",
}  # fmt: skip
ORACLE: Final = {
    "TZH:TZM": "offset", "MONTH": "long_month", "TZHTZM": "offset", "YYYY": "year", "HH24": "hour2", "HH12": "hour12",
    "A.M.": "half", "P.M.": "half", "MON": "month_name", "DAY": "long_weekday", "TZH": "offset", "TZD": "zone_name",
    "YY": "year2", "MM": "month2", "DD": "day2", "DY": "weekday", "HH": "hour12", "MI": "minute2", "SS": "second2",
    "AM": "half", "PM": "half",
}  # fmt: skip
_FRACTIONS: Final = {"go": r"[.,](0+|9+)", "ms": r"[fF]+", "oracle": r"FF\d?"}


def go_dates(layout: str) -> Callable[[str], int]:
    """Reads dates of a layout of Go. See `_reader`."""
    return _reader(_parts(layout, GO, re.compile(_FRACTIONS["go"])))


def microsoft_dates(layout: str) -> Callable[[str], int]:
    """Reads dates of a layout of Microsoft. See `_reader`."""
    return _reader(_parts(layout, MICROSOFT, re.compile(_FRACTIONS["ms"])))


def oracle_dates(layout: str) -> Callable[[str], int]:
    """Reads dates of a layout of Oracle. See `_reader`."""
    return _reader(_parts(layout.upper(), ORACLE, re.compile(_FRACTIONS["oracle"])))


def _parts(layout: str, tokens: Mapping[str, str], fraction: re.Pattern[str]) -> list[tuple[str, str]]:
    """(what, regular expression) of each part of a layout; literal text is nothing."""
    parts: list[tuple[str, str]] = []
    at = 0
    while at < len(layout):
        if found := fraction.match(layout, at):
            if layout[at] in ".,":  # Go: the point belongs to it, and may be missing with nines
                parts.append(("", r"[.,]"))
            parts.append(_PARTS["fraction"])
            at = found.end()
            continue
        token = next((each for each in tokens if layout.startswith(each, at)), None)
        if token is None:
            parts.append(("", re.escape(layout[at])))
            at += 1
        else:
            parts.append(_PARTS[tokens[token]])
            at += len(token)
    return parts


def _reader(parts: list[tuple[str, str]]) -> Callable[[str], int]:
    """What gives the milliseconds since 1970 of a text of exactly these parts, and raises ValueError for others."""
    kinds = [kind for kind, _ in parts]
    pattern = re.compile("".join(f"({expression})" for _, expression in parts), re.IGNORECASE | re.ASCII)

    def read(text: str) -> int:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no date of this layout")
        told: dict[str, str] = {}
        for number, kind in enumerate(kinds, 1):
            if kind:
                told[kind] = found[number].strip().lower()
        return _milliseconds(told)

    return read


def _milliseconds(told: Mapping[str, str]) -> int:
    year = int(told.get("year", 0))
    if "year2" in told:
        short = int(told["year2"])
        year = short + (1900 if short >= 69 else 2000)
    month = int(told.get("month", 1))
    if "month_name" in told:
        month = _MONTHS.index(told["month_name"]) + 1
    if "long_month" in told:
        month = _LONG_MONTHS.index(told["long_month"]) + 1
    hour = int(told.get("hour", 0))
    if "hour12" in told:
        hour = int(told["hour12"])
        if not 1 <= hour <= 12 and "half" in told:
            raise ValueError(f"no hour of twelve: {hour}")
        if "half" in told:
            hour = hour % 12 + (12 if told["half"] == "pm" else 0)
    offset = told.get("offset", "z")
    minutes = 0
    if offset != "z":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        minutes = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if offset[0] == "-" else 1)
    fraction = int(told.get("fraction", "0").ljust(3, "0")[:3])
    moment = datetime(
        year, month, int(told.get("day", 1)), hour, int(told.get("minute", 0)), int(told.get("second", 0)), tzinfo=UTC
    )
    return (moment - _EPOCH) // timedelta(milliseconds=1) - minutes * 60_000 + fraction
