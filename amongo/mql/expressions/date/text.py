"""Dates as text and back: $dateToString, $dateFromString, and the free form that $toDate reads too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.errors import ServerError
from amongo.errors import date as errors
from amongo.errors import expression as expression_errors
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, days_from_civil, days_from_iso, days_in_month
from amongo.mql.expressions.date.zones import UTC_ZONE, Zone, read_millis, read_zone, zone_named
from amongo.mql.expressions.fallbacks import NOTHING, WithFallbacks
from amongo.mql.expressions.nodes import Call, Expression, Literal, Operator
from amongo.mql.expressions.registry import ABSENT, form, named, parse_operand, read_fields
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.types import alias

MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_PATTERNS: Final = {
    "d": r"(?P<day>\d{1,2})",
    "G": r"(?P<iso_year>\d{4})",
    "H": r"(?P<hour>\d{1,2})",
    "j": r"(?P<day_of_year>\d{1,3})",
    "L": r"(?P<milli>\d{1,3})",
    "m": r"(?P<month>\d{1,2})",
    "M": r"(?P<minute>\d{1,2})",
    "S": r"(?P<second>\d{1,2})",
    "u": r"(?P<iso_day>\d)",
    "V": r"(?P<iso_week>\d{1,2})",
    "Y": r"(?P<year>\d{4})",
    "z": r"(?P<offset>[+-]\d{2}:?(?:\d{2})?)",
    "Z": r"(?P<minutes>[+-]\d+)",
    "b": r"(?P<month_name>[A-Za-z]{3})",
    "B": r"(?P<month_name>[A-Za-z]+)",
    "%": "%",
}
_FREE: Final = re.compile(
    r"(?P<year>-?\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:(?:T|t|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?:(?P<offset>[+-]\d{1,2}:?(?:\d{2})?)|(?P<zone>[A-Za-z][A-Za-z_]*(?:/[A-Za-z_]+)*)))?)?"
)
_BLANKS: Final = "\0\t\n\v\f\r \u00a0"
_ABBREVIATIONS: Final = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480,
                         "PDT": -420}  # fmt: skip


def format_pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a format: (True, letter after %) or (False, text).

    errors   FORMAT_ENDS_IN_PERCENT
    """
    position = 0
    while position < len(text):
        if text[position] != "%":
            end = text.find("%", position)
            end = len(text) if end < 0 else end
            yield False, text[position:end]
            position = end
            continue
        if position + 1 == len(text):
            raise errors.FORMAT_ENDS_IN_PERCENT()
        yield True, text[position + 1]
        position += 2


def format_date(millis: int, text: str, zone: Zone) -> str:
    """A date in a format of % specifiers.

    errors   FORMAT_SPECIFIER, FORMAT_ENDS_IN_PERCENT, YEAR_OUT_OF_RANGE
    """
    offset_minutes = zone.offset_at(millis) // 60_000
    moment = zone.local(millis)
    written = []
    for is_specifier, piece in format_pieces(text):
        if not is_specifier:
            written.append(piece)
        elif piece == "Y" or piece == "G":
            year = moment.year if piece == "Y" else moment.iso_year_and_week[0]
            if not 0 <= year <= 9999:
                raise expression_errors.YEAR_OUT_OF_RANGE(year=year)
            written.append(f"{year:04}")
        elif piece == "z":
            hours, minutes = divmod(abs(offset_minutes), 60)
            written.append(f"{'-' if offset_minutes < 0 else '+'}{hours:02}{minutes:02}")
        elif piece == "Z":
            written.append(str(offset_minutes))
        elif piece in _WRITERS:
            written.append(_WRITERS[piece](moment))
        else:
            raise errors.FORMAT_SPECIFIER(character=piece)
    return "".join(written)


_WRITERS: Final[dict[str, Any]] = {
    "d": lambda moment: f"{moment.day:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "j": lambda moment: f"{moment.day_of_year:03}",
    "L": lambda moment: f"{moment.millisecond:03}",
    "m": lambda moment: f"{moment.month:02}",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "w": lambda moment: str(moment.iso_weekday % 7 + 1),
    "u": lambda moment: str(moment.iso_weekday),
    "U": lambda moment: f"{moment.sunday_week:02}",
    "V": lambda moment: f"{moment.iso_year_and_week[1]:02}",
    "b": lambda moment: MONTH_NAMES[moment.month - 1][:3],
    "B": lambda moment: MONTH_NAMES[moment.month - 1],
    "%": lambda moment: "%",
}


@named(
    "$dateToString",
    required={"date": errors.TO_STRING_WITHOUT_DATE},
    optional=("format", "timezone", "onNull"),
    not_object=errors.TO_STRING_NEEDS_OBJECT,
    unknown=errors.TO_STRING_UNKNOWN_FIELD,
)
def date_to_string(date: Any, text: Any, timezone: Any, on_null: Any) -> Any:
    """A date as text.

    args     {date, format: %d %G %H %j %L %m %M %S %u %U %V %w %Y %z %Z %b %B %%, timezone, onNull}
    result   string, ISO 8601 with milliseconds if no format is given (with Z in UTC); `onNull` for a date that is
             null or missing; null if the format or the time zone is
    errors   TO_STRING_NEEDS_OBJECT, TO_STRING_UNKNOWN_FIELD, TO_STRING_WITHOUT_DATE, FORMAT_TYPE, FORMAT_SPECIFIER,
             FORMAT_ENDS_IN_PERCENT, YEAR_OUT_OF_RANGE, NOT_A_DATE, ZONE_TYPE, UNKNOWN_ZONE
    source   manual, $dateToString
    """
    if text is not ABSENT and not is_nullish(text):
        if type(text) is not str:
            raise errors.FORMAT_TYPE(kind=alias(text))
        for is_specifier, piece in format_pieces(text):
            if is_specifier and piece not in _WRITERS and piece not in "YGzZ":
                raise errors.FORMAT_SPECIFIER(character=piece)
    if timezone is not ABSENT and is_nullish(timezone):
        return None
    zone = UTC_ZONE if timezone is ABSENT else read_zone(timezone)
    if is_nullish(date):
        return None if on_null is ABSENT else on_null
    if text is ABSENT:
        text = "%Y-%m-%dT%H:%M:%S.%LZ" if zone.is_utc else "%Y-%m-%dT%H:%M:%S.%L"
    elif is_nullish(text):
        return None
    return format_date(read_millis(date), text, zone)


# From text


def parse_date(text: str, zone: Zone | None = None) -> int:
    """The moment that a text in free form names: ISO 8601 and close to it.

    zone     the time zone of a text without one of its own; None for UTC
    errors   NOT_A_DATE_TEXT, also for a text with a zone of its own where `zone` is another than UTC
    source   manual, $dateFromString, $toDate
    """
    match = _FREE.fullmatch(text.strip(_BLANKS))
    if match is None:
        raise errors.NOT_A_DATE_TEXT(text=text, reason="an incomplete or unreadable date/time string")
    return _moment(text, match.groupdict(), zone)


def parse_formatted_date(text: str, pattern: str, zone: Zone | None = None) -> int:
    """The moment that a text in a format of % specifiers names; parameters as for `parse_date`.

    errors   NOT_A_DATE_TEXT, FORMAT_SPECIFIER, FORMAT_ENDS_IN_PERCENT
    """
    expression = []
    for is_specifier, piece in format_pieces(pattern):
        if is_specifier and piece not in _PATTERNS:
            raise errors.FORMAT_SPECIFIER(character=piece)
        expression.append(_PATTERNS[piece] if is_specifier else re.escape(piece))
    try:
        match = re.fullmatch("".join(expression), text)
    except re.error:
        raise errors.NOT_A_DATE_TEXT(text=text, reason="the format names a part twice") from None
    if match is None:
        raise errors.NOT_A_DATE_TEXT(text=text, reason="it does not match the format")
    return _moment(text, match.groupdict(), zone)


def _moment(text: str, parts: dict[str, str | None], zone: Zone | None) -> int:
    def number(name: str, default: int) -> int:
        found = parts.get(name)
        return default if found is None else int(found)

    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    if hour > 24 or minute > 59 or second > 60:
        raise errors.NOT_A_DATE_TEXT(text=text, reason="the parsed time was invalid")
    fraction = parts.get("fraction") or parts.get("milli") or "0"
    millisecond = int(fraction.ljust(3, "0")[:3]) if parts.get("fraction") else int(fraction)
    clock = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond
    wall = _days(text, parts, number) * MILLIS_PER_DAY + clock
    own = _own_zone(text, parts)
    if own is not None and zone is not None and not zone.is_utc:
        raise errors.NOT_A_DATE_TEXT(
            text=text, reason="you cannot pass in a date/time string with GMT offset together with a timezone argument"
        )
    return (own or zone or UTC_ZONE).from_local(wall)


def _days(text: str, parts: dict[str, str | None], number: Any) -> int:
    if parts.get("iso_year") is not None:
        return days_from_iso(number("iso_year", 0), number("iso_week", 1), number("iso_day", 1))
    year = number("year", 1970)
    if parts.get("day_of_year") is not None:
        return days_from_civil(year, 1, number("day_of_year", 1))
    month = number("month", 1)
    if (name := parts.get("month_name")) is not None:
        month = _month_number(text, name)
    day = number("day", 1)
    if not 1 <= month <= 12 or not 1 <= day <= days_in_month(year, month):
        raise errors.NOT_A_DATE_TEXT(text=text, reason="the parsed date was invalid")
    return days_from_civil(year, month, day)


def _month_number(text: str, name: str) -> int:
    for number, full in enumerate(MONTH_NAMES, 1):
        if name.lower() in (full.lower(), full[:3].lower()):
            return number
    raise errors.NOT_A_DATE_TEXT(text=text, reason="the name of the month is unknown")


def _own_zone(text: str, parts: dict[str, str | None]) -> Zone | None:
    if (offset := parts.get("offset")) is not None:
        digits = offset[1:].replace(":", "").rjust(2, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
        return Zone(offset, (-minutes if offset[0] == "-" else minutes) * 60_000)
    if (minutes_text := parts.get("minutes")) is not None:
        return Zone(minutes_text, int(minutes_text) * 60_000)
    name = parts.get("zone")
    if name is None:
        return None
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC_ZONE
    if name.upper() in _ABBREVIATIONS:
        return Zone(name, _ABBREVIATIONS[name.upper()] * 60_000)
    try:
        return zone_named(name)
    except ServerError:
        raise errors.NOT_A_DATE_TEXT(text=text, reason="the time zone could not be found") from None


def _date_from_string(text: Any, pattern: Any, timezone: Any) -> Any:
    if timezone is not ABSENT and is_nullish(timezone):
        return None
    zone = None if timezone is ABSENT else read_zone(timezone)
    if pattern is not ABSENT and not is_nullish(pattern):
        if type(pattern) is not str:
            raise errors.PARSE_FORMAT_TYPE(kind=alias(pattern))
        for is_specifier, piece in format_pieces(pattern):
            if is_specifier and piece not in _PATTERNS:
                raise errors.FORMAT_SPECIFIER(character=piece)
    if is_nullish(text):
        return NOTHING
    if type(text) is not str:
        raise errors.DATE_TEXT_TYPE(kind=alias(text))
    if pattern is ABSENT:
        return DatetimeMS(parse_date(text, zone))
    return None if is_nullish(pattern) else DatetimeMS(parse_formatted_date(text, pattern, zone))


_FROM_STRING: Final = Operator("$dateFromString", _date_from_string, False)


@form("$dateFromString")
def parse_date_from_string(operand: Any, scope: Scope) -> Expression:
    """A date from text.

    args     {dateString, format: % specifiers, timezone, onError, onNull}
    result   date; `onNull` for a text that is null or missing; `onError` for one that is no date; null if the
             format or the time zone is null or missing
    errors   FROM_STRING_NEEDS_OBJECT, FROM_STRING_UNKNOWN_FIELD, FROM_STRING_WITHOUT_TEXT, PARSE_FORMAT_TYPE,
             FORMAT_SPECIFIER, FORMAT_ENDS_IN_PERCENT, ZONE_TYPE, UNKNOWN_ZONE, DATE_TEXT_TYPE, NOT_A_DATE_TEXT
    source   manual, $dateFromString
    """
    if type(operand) is not dict:
        raise errors.FROM_STRING_NEEDS_OBJECT(kind=alias(operand))
    fields = read_fields(
        "$dateFromString",
        operand,
        {"dateString": errors.FROM_STRING_WITHOUT_TEXT},
        ("format", "timezone", "onError", "onNull"),
        errors.FROM_STRING_NEEDS_OBJECT,
        errors.FROM_STRING_UNKNOWN_FIELD,
    )
    parsed = {field: parse_operand(value, scope) for field, value in fields.items()}
    absent = Literal(ABSENT)
    arguments = (parsed["dateString"], parsed.get("format", absent), parsed.get("timezone", absent))
    return WithFallbacks(Call(_FROM_STRING, arguments), parsed.get("onNull"), parsed.get("onError"))
