"""Strings: joining, cutting, case, length. DuckDB counts code points where MongoDB does, and `strlen` counts bytes."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.relational.listing import array_of
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, integer, joined, parameter, sql
from amongo.aggregate.relational.sums import whole_range
from amongo.aggregate.relational.values import (
    NOT_WRITTEN,
    NULL_VALUE,
    NULLISH,
    Listing,
    NotLowered,
    Value,
    facts_of,
    literal,
    of_kind,
    or_null,
)
from amongo.engine.columns import STRING, WHOLE
from amongo.mql.expressions.strings import WHITESPACE
from amongo.values.types import BsonType

MOST_BYTES = 2**31 - 1
"""More than any string has; positions past it are cut, as DuckDB takes none past 32 bits."""

_LONG_DIGITS = 20
_LOWER = "translate({}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
_UPPER = "translate({}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"


def strings_or_null(arguments: list[Value]) -> bool:
    """Whether strings come at all, of arguments that are strings, or null or missing; False where one always is.

    errors   NotLowered where something else may come
    """
    for value in arguments:
        if value.kinds - NULLISH - {BsonType.STRING}:
            raise NotLowered("something that is no string may come here")
        check_unicode(value)
    return all(BsonType.STRING in value.kinds for value in arguments)


def check_unicode(value: Value) -> None:
    """Refuse strings that are no valid UTF-8. errors: NotLowered."""
    if STRING in value.slots and not value.facts.is_utf8:
        raise NotLowered("strings that are no valid Unicode")


def text_where(arguments: list[Value], text: Sql, **known: Any) -> Value:
    """A string, or null where one of the arguments is null or missing; the SQL is NULL there."""
    if all(value.only(BsonType.STRING) for value in arguments):
        return of_kind(BsonType.STRING, text, **known)
    return or_null(BsonType.STRING, text, **known)


def number_where(arguments: list[Value], number: Sql, least: int, most: int) -> Value:
    """An int, or null where one of the arguments is null or missing; the SQL is NULL there."""
    make = of_kind if all(value.only(BsonType.STRING) for value in arguments) else or_null
    return make(BsonType.INT, sql("CAST({} AS BIGINT)", number), least=least, most=most)


def coerced(value: Value) -> tuple[Sql, bool, int]:
    """(the string that $toLower and its like work on, never NULL; whether it is ASCII; how many bytes at most).

    errors   NotLowered for doubles, dates and other types
    """
    if value.kinds - NULLISH - {BsonType.STRING, BsonType.INT, BsonType.LONG}:
        raise NotLowered("a string of a value that is neither a string nor a whole number")
    check_unicode(value)
    parts = [value.slots[STRING]] if STRING in value.slots else []
    if WHOLE in value.slots:
        parts.append(sql("CAST({} AS VARCHAR)", value.slots[WHOLE]))
    if value.kinds & NULLISH:
        parts.append(parameter("", "VARCHAR"))
    text = parts[0] if len(parts) == 1 else sql("COALESCE({})", joined(", ", parts))
    is_ascii = value.facts.is_ascii or STRING not in value.slots
    return text, is_ascii, max(value.facts.string_bytes, _LONG_DIGITS if WHOLE in value.slots else 0)


@lowers_call("$concat")
def concat(arguments: list[Value], scope: Scope) -> Value:
    """Strings joined, left to right; null if one is null or missing."""
    if not arguments:
        return literal("")
    if not strings_or_null(arguments):
        return NULL_VALUE
    text = sql("({})", joined(" || ", [value.slots[STRING] for value in arguments]))
    is_ascii = all(value.facts.is_ascii for value in arguments)
    size = sum(value.facts.string_bytes for value in arguments)
    return text_where(arguments, text, is_ascii=is_ascii, string_bytes=size)


@lowers_call("$toLower")
def to_lower(arguments: list[Value], scope: Scope) -> Value:
    """ASCII letters in lower case."""
    text, is_ascii, size = coerced(arguments[0])
    found = sql("lower({})" if is_ascii else _LOWER, text)
    return of_kind(BsonType.STRING, found, is_ascii=is_ascii, string_bytes=size)


@lowers_call("$toUpper")
def to_upper(arguments: list[Value], scope: Scope) -> Value:
    """ASCII letters in upper case."""
    text, is_ascii, size = coerced(arguments[0])
    found = sql("upper({})" if is_ascii else _UPPER, text)
    return of_kind(BsonType.STRING, found, is_ascii=is_ascii, string_bytes=size)


@lowers_call("$strcasecmp")
def compare_without_case(arguments: list[Value], scope: Scope) -> Value:
    """-1, 0 or 1 by the bytes of the strings in upper case."""
    left, right = (scope.kept_condition(sql(_UPPER, coerced(value)[0])) for value in arguments)
    is_less, is_more = sql("({} < {})", left, right), sql("({} > {})", left, right)
    order = case([(is_less, integer(-1)), (is_more, integer(1))], integer(0))
    return of_kind(BsonType.INT, sql("CAST({} AS BIGINT)", order), least=-1, most=1)


def _length(arguments: list[Value], template: str) -> Value:
    (value,) = arguments
    if not value.only(BsonType.STRING):
        raise NotLowered("the length of something that may be no string")
    check_unicode(value)
    length = sql("CAST({} AS BIGINT)", sql(template, value.slots[STRING]))
    return of_kind(BsonType.INT, length, least=0, most=value.facts.string_bytes)


@lowers_call("$strLenBytes")
def length_in_bytes(arguments: list[Value], scope: Scope) -> Value:
    """How many bytes of UTF-8."""
    return _length(arguments, "strlen({})")


@lowers_call("$strLenCP")
def length_in_code_points(arguments: list[Value], scope: Scope) -> Value:
    """How many code points."""
    return _length(arguments, "strlen({})" if arguments[0].facts.is_ascii else "length({})")


@lowers_call("$split")
def split(arguments: list[Value], scope: Scope) -> Value:
    """The parts of a string between delimiters; the delimiter is a constant."""
    text, delimiter = arguments
    if delimiter.only(*NULLISH):
        strings_or_null(arguments)
        return NULL_VALUE
    if not delimiter.is_constant or not delimiter.constant:
        raise NotLowered("$split by something that is no constant, or that is empty")
    if not strings_or_null(arguments):
        return NULL_VALUE
    items = sql("string_split({}, {})", text.slots[STRING], delimiter.slots[STRING])
    known = {"is_ascii": text.facts.is_ascii, "string_bytes": text.facts.string_bytes}
    most = text.facts.string_bytes // delimiter.facts.string_bytes + 1
    found = Listing(items, facts_of((BsonType.STRING,), **known), True, None, most)
    return array_of(found, _array_where(text))


def _array_where(text: Value) -> Value:
    """A value that is an array where the text is a string, and null where it is null or missing."""
    if text.only(BsonType.STRING):
        return Value(facts_of((BsonType.ARRAY,)), integer(BsonType.ARRAY))
    tag = case([(text.is_kind(BsonType.STRING), integer(BsonType.ARRAY))], integer(BsonType.NULL))
    return Value(facts_of((BsonType.ARRAY, BsonType.NULL)), tag)


@lowers_call("$substrBytes", "$substr")
def cut_bytes(arguments: list[Value], scope: Scope) -> Value:
    """A part of an ASCII string: where to begin, and how many bytes, all of the rest if negative."""
    text, is_ascii, size = coerced(arguments[0])
    begin, count = arguments[1], arguments[2]
    _check_position(begin, least=0)
    _check_position(count, least=None)
    if begin.constant == 0 and count.is_constant and int(count.constant) < 0:
        return of_kind(BsonType.STRING, text, is_ascii=is_ascii, string_bytes=size)
    if not is_ascii:
        raise NotLowered("$substrBytes of strings that are not ASCII: it might cut a character")
    length = count.slots[WHOLE]
    if whole_range(count)[0] < 0:
        length = case([(sql("({} < 0)", length), integer(MOST_BYTES))], length)
    part = _substring(text, begin, sql("least({}, {})", length, integer(MOST_BYTES)))
    return of_kind(BsonType.STRING, part, is_ascii=True, string_bytes=size)


@lowers_call("$substrCP")
def cut_code_points(arguments: list[Value], scope: Scope) -> Value:
    """A part of a string: where to begin, and how many code points."""
    text, is_ascii, size = coerced(arguments[0])
    begin, count = arguments[1], arguments[2]
    for position in (begin, count):
        _check_position(position, least=0)
        if whole_range(position)[1] > MOST_BYTES:
            raise NotLowered("$substrCP with a position that may pass 32 bits")
    return of_kind(BsonType.STRING, _substring(text, begin, count.slots[WHOLE]), is_ascii=is_ascii, string_bytes=size)


def _check_position(value: Value, least: int | None) -> None:
    if value.kinds - {BsonType.INT, BsonType.LONG}:
        raise NotLowered("a position that may be no whole number")
    if least is not None and whole_range(value)[0] < least:
        raise NotLowered("a position that may be negative")


def _substring(text: Sql, begin: Value, length: Sql) -> Sql:
    start = sql("(least({}, {}) + 1)", begin.slots[WHOLE], integer(MOST_BYTES - 1))
    return sql("substring({}, {}, {})", text, start, length)


def _trimmed(arguments: list[Value], template: str) -> Value:
    text, chars = arguments
    if chars is NOT_WRITTEN:
        chars = literal(WHITESPACE)
    if not strings_or_null([text, chars]):
        return NULL_VALUE
    known = {"is_ascii": text.facts.is_ascii, "string_bytes": text.facts.string_bytes}
    return text_where([text, chars], sql(template, text.slots[STRING], chars.slots[STRING]), **known)


@lowers_call("$trim")
def trim(arguments: list[Value], scope: Scope) -> Value:
    """The string without certain characters at both sides."""
    return _trimmed(arguments, "trim({}, {})")


@lowers_call("$ltrim")
def trim_left(arguments: list[Value], scope: Scope) -> Value:
    """The string without certain characters at its beginning."""
    return _trimmed(arguments, "ltrim({}, {})")


@lowers_call("$rtrim")
def trim_right(arguments: list[Value], scope: Scope) -> Value:
    """The string without certain characters at its end."""
    return _trimmed(arguments, "rtrim({}, {})")
