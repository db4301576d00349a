"""$dateFromParts and $tsSecond, $tsIncrement: dates put together, timestamps taken apart."""

from __future__ import annotations

from typing import Any, Final

from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import Condition
from amongo.errors import date as errors
from amongo.errors import expression as expression_errors
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, days_from_civil, days_from_iso
from amongo.mql.expressions.date.zones import UTC_ZONE, read_zone
from amongo.mql.expressions.nodes import Call, Expression, Literal, Operator
from amongo.mql.expressions.registry import ABSENT, form, operator, parse_operand
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer
from amongo.values.types import alias
from amongo.values.wording import shown

_CIVIL: Final = ("year", "month", "day")
_ISO: Final = ("isoWeekYear", "isoWeek", "isoDayOfWeek")
_CLOCK: Final = ("hour", "minute", "second", "millisecond", "timezone")
_UNBOUNDED: Final = frozenset({"second", "millisecond"})


@form("$dateFromParts")
def parse_date_from_parts(operand: Any, scope: Scope) -> Expression:
    """A date from its parts.

    args     {year, month, day} or {isoWeekYear, isoWeek, isoDayOfWeek}, with {hour, minute, second, millisecond,
             timezone}: whole numbers; a part outside its range carries over
    result   date; null if a part is null or missing
    errors   FROM_PARTS_NEEDS_OBJECT, FROM_PARTS_UNKNOWN_FIELD, FROM_PARTS_WITHOUT_YEAR, FROM_PARTS_MIXED,
             FROM_PARTS_TYPE, FROM_PARTS_YEAR_RANGE, FROM_PARTS_RANGE, ZONE_TYPE, UNKNOWN_ZONE
    source   manual, $dateFromParts
    """
    if type(operand) is not dict:
        raise errors.FROM_PARTS_NEEDS_OBJECT()
    for field in operand:
        if field not in _CIVIL + _ISO + _CLOCK:
            raise errors.FROM_PARTS_UNKNOWN_FIELD(field=field)
    if "year" not in operand and "isoWeekYear" not in operand:
        raise errors.FROM_PARTS_WITHOUT_YEAR()
    is_iso = "isoWeekYear" in operand
    if any(field in operand for field in (_CIVIL if is_iso else _ISO)):
        raise errors.FROM_PARTS_MIXED()
    fields = (*(_ISO if is_iso else _CIVIL), *_CLOCK)
    arguments = tuple(parse_operand(operand[field], scope) if field in operand else Literal(ABSENT) for field in fields)
    return Call(_ISO_CALL if is_iso else _CIVIL_CALL, arguments)


def _from_parts(fields: tuple[str, ...], args: list[Any]) -> DatetimeMS | None:
    if any(value is not ABSENT and is_nullish(value) for value in args):
        return None
    zone = UTC_ZONE if args[-1] is ABSENT else read_zone(args[-1])
    numbers = [_number(field, value) for field, value in zip(fields, args[:-1], strict=True)]
    first, second, third, hour, minute, seconds, milliseconds = numbers
    days = (days_from_iso if fields is _ISO_FIELDS else days_from_civil)(first, second, third)
    clock = ((hour * 60 + minute) * 60 + seconds) * 1000 + milliseconds
    millis = zone.from_local(days * MILLIS_PER_DAY + clock)
    if not LONG_MIN <= millis <= LONG_MAX:
        raise expression_errors.DATE_OVERFLOW()
    return DatetimeMS(millis)


_CIVIL_FIELDS: Final = (*_CIVIL, *_CLOCK[:-1])
_ISO_FIELDS: Final = (*_ISO, *_CLOCK[:-1])
_CIVIL_CALL: Final = Operator("$dateFromParts", lambda args: _from_parts(_CIVIL_FIELDS, args), True)
_ISO_CALL: Final = Operator("$dateFromParts of ISO weeks", lambda args: _from_parts(_ISO_FIELDS, args), True)


def _number(field: str, value: Any) -> int:
    if value is ABSENT:
        return 0 if field in _CLOCK else 1
    whole = exact_integer(value)
    if whole is None:
        raise errors.FROM_PARTS_TYPE(field=field, kind=alias(value), value=shown(value))
    if field in ("year", "isoWeekYear"):
        if not 1 <= whole <= 9999:
            raise errors.FROM_PARTS_YEAR_RANGE(field=field, value=whole)
    elif field not in _UNBOUNDED and not -32768 <= whole <= 32767:
        raise errors.FROM_PARTS_RANGE(field=field, value=whole)
    return whole


def _timestamp(value: Any, failure: Condition) -> Timestamp:
    if type(value) is not Timestamp:
        raise failure(kind=alias(value))
    return value


@operator("$tsSecond", arity=1)
def seconds_of(value: Any) -> Int64 | None:
    """The seconds of a timestamp.

    args     a timestamp
    result   long; null for null or missing
    errors   TS_SECOND_TYPE
    source   manual, $tsSecond
    """
    return None if is_nullish(value) else Int64(_timestamp(value, expression_errors.TS_SECOND_TYPE).time)


@operator("$tsIncrement", arity=1)
def increment_of(value: Any) -> Int64 | None:
    """The ordinal of a timestamp within its second.

    args     a timestamp
    result   long; null for null or missing
    errors   TS_INCREMENT_TYPE
    source   manual, $tsIncrement
    """
    return None if is_nullish(value) else Int64(_timestamp(value, expression_errors.TS_INCREMENT_TYPE).inc)
