"""$dateFromParts of the civil calendar, where ranges prove that no part is an error."""

from __future__ import annotations

from typing import Final

from amongo.aggregate.relational.expressions.dates.moments import (
    DAY_MS,
    dates,
    from_local,
    month_start,
    quotient,
    read_zone,
    within,
)
from amongo.aggregate.relational.expressions.dates.moving import whole_amount
from amongo.aggregate.relational.expressions.numeric import only_numbers
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, integer, parameter, sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value
from amongo.mql.expressions.calendar import days_from_civil
from amongo.mql.expressions.registry import ABSENT

_FIELDS: Final = ("year", "month", "day", "hour", "minute", "second", "millisecond")
_DEFAULTS: Final = (1, 1, 1, 0, 0, 0, 0)
_UNIT_MS: Final = (0, 0, DAY_MS, 3_600_000, 60_000, 1000, 1)
_MOST_MS: Final = 10**14


@lowers_call("$dateFromParts")
def lower_date_from_parts(arguments: list[Value], scope: Scope) -> Value:
    """A date from whole parts; a part outside its range carries over."""
    name = "$dateFromParts"
    *parts, timezone = arguments
    zone = read_zone(name, timezone)
    written = [part for part in parts if part.constant is not ABSENT]
    if zone is None or not only_numbers(name, written):
        return NULL_VALUE
    found: list[tuple[Sql, int, int]] = []
    for field, argument, default in zip(_FIELDS, parts, _DEFAULTS, strict=True):
        if argument.constant is ABSENT:
            expression, least, most = parameter(default, "BIGINT"), default, default
        else:
            expression, least, most = whole_amount(name, argument)
        limits = (1, 9999) if field == "year" else (-32768, 32767) if field in _FIELDS[:5] else (-_MOST_MS, _MOST_MS)
        if not limits[0] <= least <= most <= limits[1]:
            raise NotLowered(f"$dateFromParts of {field}s that may be out of its range")
        found.append((expression, least, most))
    (year, first_year, last_year), (month, first_month, last_month) = found[:2]
    carried = quotient(sql("({} - 1)", month), 12)
    expression = month_start(sql("({} + {})", year, carried), sql("({} - {} * 12)", month, carried))
    low = days_from_civil(first_year + (first_month - 1) // 12, 1, 1) * DAY_MS
    high = days_from_civil(last_year + (last_month - 1) // 12 + 1, 1, 1) * DAY_MS
    for (part, least, most), unit_ms, default in list(zip(found, _UNIT_MS, _DEFAULTS, strict=True))[2:]:
        if least == most == default:
            continue
        expression = sql("({} + ({} - {}) * {})", expression, part, integer(default), integer(unit_ms))
        low, high = low + (least - default) * unit_ms, high + (most - default) * unit_ms
    return dates(from_local(within(expression, low, high), zone, scope), written)
