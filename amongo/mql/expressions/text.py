"""Values as text: what $toString gives, and what the string operators make of a value that is no string."""

from __future__ import annotations

import math
from typing import Any

from bson import Code, Decimal128, Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import expression as errors
from amongo.mql.expressions.calendar import Moment, iso_text
from amongo.mql.expressions.truth import is_nullish
from amongo.values.deprecated import Symbol
from amongo.values.types import alias


def number_text(value: Any) -> str:
    """A number as the server writes it: the shortest digits that give the double back, no `.0`, `1e+16` from there."""
    if type(value) is float:
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(value).removesuffix(".0")
    return str(value) if type(value) is Decimal128 else str(int(value))


def coerce_text(value: Any) -> str:
    """The string that $toLower, $substr and their like work on: numbers and dates are written out, null is empty.

    errors   NO_TEXT for booleans, arrays, documents and other types
    """
    kind = type(value)
    if kind is str:
        return str(value)
    if is_nullish(value):
        return ""
    if kind is float:
        return f"{value:g}"  # six digits, as C++ streams write it
    if kind in (int, Int64, Decimal128):
        return number_text(value)
    if kind is DatetimeMS:
        return iso_text(int(value))
    if kind is Timestamp:
        return timestamp_text(value)
    if kind is Code and value.scope is None:
        return str(value)
    if kind is Symbol:
        return str(value.text)
    raise errors.NO_TEXT(kind=alias(value))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def timestamp_text(value: Timestamp) -> str:
    """A timestamp as the server writes it in a string operator: `Jan  1 00:00:00:5`."""
    moment = Moment.of(value.time * 1000)
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return f"{_MONTHS[moment.month - 1]} {moment.day:2} {clock}:{value.inc}"
