"""$dateToString in a constant format: what DuckDB's strftime writes the same way, and a few pieces of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.expressions.dates.moments import (
    Moments,
    constant,
    kept,
    may_be_null,
    moments,
    offset,
    read_zone,
    text,
    to_local,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, joined, sql
from amongo.aggregate.relational.values import (
    NULL_VALUE,
    NULLISH,
    NotLowered,
    Value,
    literal,
    of_kind,
    or_null,
    without,
)
from amongo.errors import ServerError
from amongo.mql.expressions.calendar import MILLIS_PER_DAY, days_from_civil
from amongo.mql.expressions.date.text import format_pieces
from amongo.mql.expressions.date.zones import Zone
from amongo.mql.expressions.registry import ABSENT
from amongo.values.types import BsonType

_SAME: Final = {
    "d": "%d", "H": "%H", "j": "%j", "L": "%g", "m": "%m", "M": "%M", "S": "%S", "u": "%u", "U": "%U",
    "V": "%V", "G": "%G", "Y": "%Y", "b": "%b", "B": "%B", "%": "%%",
}  # fmt: skip
"""Specifier -> the one of strftime that writes the same, in years 1 to 9999."""

_OWN: Final = frozenset("wzZ")
_FIRST_MS: Final = days_from_civil(1, 1, 1) * MILLIS_PER_DAY
_END_MS: Final = days_from_civil(10000, 1, 1) * MILLIS_PER_DAY
_WEEK_MS: Final = 7 * MILLIS_PER_DAY
_WIDEST: Final = 9  # bytes of a specifier, "September"

Piece = tuple[bool, str]
"""(whether strftime writes it, a format or one of our own letters)."""


@lowers_call("$dateToString")
def lower_date_to_string(arguments: list[Value], scope: Scope) -> Value:
    """A date as text; `onNull` where there is none."""
    name = "$dateToString"
    date, format_argument, timezone, on_null = arguments
    pattern, zone = constant(name, format_argument), read_zone(name, timezone)
    if pattern is not ABSENT and pattern is not None and type(pattern) is not str:
        raise NotLowered(f"{name} in a format that is no string")
    if zone is None:
        return NULL_VALUE
    pieces = [] if pattern is ABSENT or pattern is None else list(_pieces(pattern))
    absent = literal(None) if on_null.constant is ABSENT else on_null
    found = moments(name, date)
    if found is None:
        return absent
    if pattern is None:
        written = NULL_VALUE
    else:
        if pattern is ABSENT:
            pieces = list(_pieces("%Y-%m-%dT%H:%M:%S.%LZ" if zone.is_utc else "%Y-%m-%dT%H:%M:%S.%L"))
        written = _written(kept(found, scope), pieces, zone, may_be_null([date]), scope)
    if on_null.constant is ABSENT and written is not NULL_VALUE:
        return written
    if not date.kinds & NULLISH:
        return written
    return either([(date.is_nullish, absent)], without(written, BsonType.NULL) if pattern is not None else written)


def _pieces(pattern: str) -> Iterator[Piece]:
    """The pieces of a format, neighbours that strftime writes taken together.

    errors   NotLowered for a format that is an error
    """
    gathered = ""
    try:
        for is_specifier, piece in format_pieces(pattern):
            if not is_specifier:
                gathered += piece.replace("%", "%%")
            elif piece in _SAME:
                gathered += _SAME[piece]
            elif piece in _OWN:
                if gathered:
                    yield True, gathered
                gathered = ""
                yield False, piece
            else:
                raise NotLowered(f"$dateToString with %{piece}")
    except ServerError as failure:
        raise NotLowered("$dateToString in a format that is an error") from failure
    if gathered:
        yield True, gathered


def iso_text(found: Moments) -> Sql:
    """`2024-01-31T12:00:00.000Z`.

    errors   NotLowered for years that are written otherwise, or not at all
    """
    return _formatted(found, "%Y-%m-%dT%H:%M:%S.%gZ")


def _written(found: Moments, pieces: list[Piece], zone: Zone, is_null: bool, scope: Scope) -> Value:
    wall = to_local(found, zone, scope)
    parts = []
    for is_strftime, piece in pieces:
        if is_strftime:
            parts.append(_formatted(wall, piece))
        elif piece == "w":
            parts.append(sql("CAST(dayofweek({}) + 1 AS VARCHAR)", wall.stamp))
        else:
            parts.append(_zone_text(found, zone, piece))
    if not parts:
        parts = [sql("CASE WHEN {} IS NOT NULL THEN '' END", found.expression)]
    expression = sql("({})", joined(" || ", parts))
    known = {
        "is_ascii": all(piece.isascii() for _, piece in pieces),
        "string_bytes": sum(len(piece.encode()) + piece.count("%") * _WIDEST + _WIDEST for _, piece in pieces),
    }
    return (or_null if is_null else of_kind)(int(BsonType.STRING), expression, **known)


def _formatted(wall: Moments, pattern: str) -> Sql:
    margin = _WEEK_MS if "%G" in pattern else 0  # the year of the week may be the one before or after
    if wall.first < _FIRST_MS + margin or wall.last >= _END_MS - margin:
        raise NotLowered("dates as text in years before 1 or after 9999")
    if pattern == "%Y-%m-%d":
        return sql("CAST(CAST({} AS DATE) AS VARCHAR)", wall.stamp)
    return sql("strftime({}, {})", wall.stamp, text(pattern))


def _zone_text(found: Moments, zone: Zone, piece: str) -> Sql:
    """The offset from UTC: +hhmm, or minutes."""
    _, least, most = offset(found, zone)
    if least == most:
        constant_text = text(_offset_text(least // 60_000, piece))
        return case([(sql("({} IS NULL)", found.expression), sql("CAST(NULL AS VARCHAR)"))], constant_text)
    raise NotLowered("$dateToString with the offset of a zone in which it changes")


def _offset_text(minutes: int, piece: str) -> str:
    if piece == "Z":
        return str(minutes)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{rest:02}"
