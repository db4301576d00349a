"""Parts of a date: $year, $month, $dayOfMonth, … and $dateToParts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson import Int64

from amongo.errors import date as errors
from amongo.mql.expressions.calendar import Moment
from amongo.mql.expressions.date.zones import UTC_ZONE, read_millis, read_zone
from amongo.mql.expressions.nodes import Call, Expression, Literal, Operator
from amongo.mql.expressions.registry import ABSENT, named, parse_operand, register
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.types import alias
from amongo.values.wording import shown


def _part(name: str, read: Callable[[Moment], Any], what: str) -> None:
    """Register one part of a date."""

    def part(date: Any, timezone: Any) -> Any:
        if is_nullish(date):
            return None
        millis = read_millis(date)
        if timezone is ABSENT:
            return read(Moment.of(millis))
        if is_nullish(timezone):
            return None
        return read(read_zone(timezone).local(millis))

    call = Operator(name, part, False)

    def parse(operand: Any, scope: Scope) -> Expression:
        if type(operand) is list:
            if len(operand) != 1:
                raise errors.PART_ARGUMENT_COUNT(name=name, count=len(operand))
            (operand,) = operand
        if type(operand) is not dict or next(iter(operand), "").startswith("$"):
            return Call(call, (parse_operand(operand, scope), Literal(ABSENT)))
        for field in operand:
            if field not in ("date", "timezone"):
                raise errors.PART_UNKNOWN_FIELD(name=name, field=field)
        if "date" not in operand:
            raise errors.PART_WITHOUT_DATE(name=name, spec=shown(operand))
        zone = parse_operand(operand["timezone"], scope) if "timezone" in operand else Literal(ABSENT)
        return Call(call, (parse_operand(operand["date"], scope), zone))

    documentation = f"""{what}

    args     a date, or {{date, timezone}}; a timestamp or an ObjectId counts as the date it holds
    result   number; null if the date or the time zone is null or missing
    errors   PART_UNKNOWN_FIELD, PART_WITHOUT_DATE, PART_ARGUMENT_COUNT, NOT_A_DATE, ZONE_TYPE, UNKNOWN_ZONE
    source   manual, {name}
    """
    register(name, parse, documentation)


_part("$year", lambda moment: moment.year, "The year.")
_part("$month", lambda moment: moment.month, "The month, 1 to 12.")
_part("$dayOfMonth", lambda moment: moment.day, "The day of the month, 1 to 31.")
_part("$hour", lambda moment: moment.hour, "The hour, 0 to 23.")
_part("$minute", lambda moment: moment.minute, "The minute, 0 to 59.")
_part("$second", lambda moment: moment.second, "The second, 0 to 59.")
_part("$millisecond", lambda moment: moment.millisecond, "The millisecond, 0 to 999.")
_part("$dayOfYear", lambda moment: moment.day_of_year, "The day of the year, 1 to 366.")
_part("$dayOfWeek", lambda moment: moment.iso_weekday % 7 + 1, "The day of the week, 1 (Sunday) to 7 (Saturday).")
_part("$week", lambda moment: moment.sunday_week, "The week of the year, 0 to 53; weeks begin on Sundays.")
_part("$isoDayOfWeek", lambda moment: moment.iso_weekday, "The day of the week, 1 (Monday) to 7 (Sunday).")
_part("$isoWeek", lambda moment: moment.iso_year_and_week[1], "The week of ISO 8601, 1 to 53.")
_part("$isoWeekYear", lambda moment: Int64(moment.iso_year_and_week[0]), "The year of the ISO 8601 week, a long.")


@named(
    "$dateToParts",
    required={"date": errors.TO_PARTS_WITHOUT_DATE},
    optional=("timezone", "iso8601"),
    not_object=errors.TO_PARTS_NEEDS_OBJECT,
    unknown=errors.TO_PARTS_UNKNOWN_FIELD,
)
def date_to_parts(date: Any, timezone: Any, iso8601: Any) -> dict[str, int] | None:
    """A date taken apart.

    args     {date, timezone, iso8601: bool}
    result   {year, month, day, hour, minute, second, millisecond}, or with isoWeekYear, isoWeek, isoDayOfWeek in
             the place of the first three; null if an argument is null or missing
    errors   TO_PARTS_NEEDS_OBJECT, TO_PARTS_UNKNOWN_FIELD, TO_PARTS_WITHOUT_DATE, TO_PARTS_ISO_TYPE, NOT_A_DATE,
             ZONE_TYPE, UNKNOWN_ZONE
    source   manual, $dateToParts
    """
    if is_nullish(date):
        return None
    if timezone is not ABSENT and is_nullish(timezone):
        return None
    zone = UTC_ZONE if timezone is ABSENT else read_zone(timezone)
    if iso8601 is not ABSENT and is_nullish(iso8601):
        return None
    if iso8601 is not ABSENT and type(iso8601) is not bool:
        raise errors.TO_PARTS_ISO_TYPE(kind=alias(iso8601))
    moment = zone.local(read_millis(date))
    clock = {
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
        "millisecond": moment.millisecond,
    }
    if iso8601 is True:
        year, week = moment.iso_year_and_week
        return {"isoWeekYear": year, "isoWeek": week, "isoDayOfWeek": moment.iso_weekday, **clock}
    return {"year": moment.year, "month": moment.month, "day": moment.day, **clock}
