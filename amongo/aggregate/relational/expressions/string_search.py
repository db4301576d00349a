"""Strings: finding and replacing. What is sought is a constant where an empty string would be a case of its own."""

from __future__ import annotations

from typing import Any

from bson import Regex

from amongo.aggregate.relational.expressions.strings import (
    MOST_BYTES,
    number_where,
    strings_or_null,
    text_where,
)
from amongo.aggregate.relational.matching.patterns import search
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, case, integer, sql
from amongo.aggregate.relational.values import NULL_VALUE, NULLISH, NotLowered, Value, boolean
from amongo.engine.columns import STRING
from amongo.mql.expressions.registry import ABSENT
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.patterns import FLAG_BITS
from amongo.runtime.limits import PATTERN_BYTES
from amongo.values.numbers import exact_int
from amongo.values.order import regex_parts
from amongo.values.types import BsonType


def _sought(arguments: list[Value]) -> tuple[int, int | None]:
    """(where to begin, where to end) of a search; what is sought is a string that is not empty.

    errors   NotLowered
    """
    text, part, *window = arguments
    strings_or_null([text, part])
    if not part.is_constant or not part.constant:
        raise NotLowered("a search for something that is no constant, or that is empty")
    bounds = [exact_int(each.constant) if each.is_constant else None for each in window]
    if any(each is None or each < 0 for each in bounds):
        raise NotLowered("a search between bounds that are no constants, or that are refused")
    return (bounds[0] or 0 if bounds else 0), bounds[1] if len(bounds) > 1 else None


@lowers_call("$indexOfCP")
def index_in_code_points(arguments: list[Value], scope: Scope) -> Value:
    """Where a string first occurs in another, in code points; -1 for nowhere, or not before the end of the window."""
    text, part, *_ = arguments
    if text.only(*NULLISH):
        return NULL_VALUE
    begin, end = _sought(arguments)
    searched = text.slots[STRING]
    if begin:
        searched = sql("substring({}, {}, {})", searched, integer(min(begin + 1, MOST_BYTES)), integer(MOST_BYTES))
    place = scope.kept_condition(sql("instr({}, {})", searched, part.slots[STRING]))
    found = sql("({} + {})", place, integer(begin - 1))
    nowhere = sql("({} = 0)", place) if end is None else sql("({} = 0 OR {} >= {})", place, found, integer(end))
    return number_where([text], case([(nowhere, integer(-1))], found), -1, max(0, text.facts.string_bytes))


@lowers_call("$indexOfBytes")
def index_in_bytes(arguments: list[Value], scope: Scope) -> Value:
    """Where a string first occurs in another, in bytes of UTF-8; -1 for nowhere in the window."""
    text, part, *_ = arguments
    if text.only(*NULLISH):
        return NULL_VALUE
    begin, end = _sought(arguments)
    searched = text.slots[STRING]
    if begin or end is not None:
        if not text.facts.is_ascii:
            raise NotLowered("a search between bounds in bytes of strings that are not ASCII")
        length = MOST_BYTES if end is None else max(0, min(end - begin, MOST_BYTES))
        searched = sql("substring({}, {}, {})", searched, integer(min(begin + 1, MOST_BYTES)), integer(length))
    place = scope.kept_condition(sql("instr({}, {})", searched, part.slots[STRING]))
    before = sql("({} - 1)", place)
    if not text.facts.is_ascii:
        before = sql("strlen(substring({}, 1, {} - 1))", searched, place)
    found = case([(sql("({} = 0)", place), integer(-1))], sql("({} + {})", before, integer(begin)))
    return number_where([text], found, -1, max(0, text.facts.string_bytes))


def _replaced(arguments: list[Value], template: str) -> Value:
    """errors: NotLowered"""
    text, find, replacement = arguments
    is_there = strings_or_null(arguments)
    if not is_there:
        return NULL_VALUE
    if not find.is_constant or not find.constant:
        raise NotLowered("a replacement of something that is no constant, or that is empty")
    most = text.facts.string_bytes // find.facts.string_bytes
    size = text.facts.string_bytes + most * replacement.facts.string_bytes
    is_ascii = text.facts.is_ascii and replacement.facts.is_ascii
    found = sql(template, *(value.slots[STRING] for value in arguments))
    return text_where(arguments, found, is_ascii=is_ascii, string_bytes=size)


@lowers_call("$replaceAll")
def replace_all(arguments: list[Value], scope: Scope) -> Value:
    """The string with every occurrence replaced, left to right."""
    return _replaced(arguments, "replace({}, {}, {})")


@lowers_call("$replaceOne")
def replace_one(arguments: list[Value], scope: Scope) -> Value:
    """The string with the first occurrence replaced."""
    text, find, replacement = arguments
    found = _replaced(arguments, "replace({}, {}, {})")
    if found is NULL_VALUE:
        return found
    subject, sought = text.slots[STRING], find.slots[STRING]
    place = scope.kept_condition(sql("instr({}, {})", subject, sought))
    before = sql("substring({}, 1, {} - 1)", subject, place)
    after = sql("substring({}, {} + {}, {})", subject, place, integer(len(find.constant)), integer(MOST_BYTES))
    put: Sql = sql("({} || {} || {})", before, replacement.slots[STRING], after)
    # a NULL replacement makes the result NULL, whether or not something is found
    kept = sql("({} || left({}, 0))", subject, replacement.slots[STRING])
    text_of = case([(sql("({} = 0)", place), kept)], put)
    known = {"is_ascii": found.facts.is_ascii, "string_bytes": found.facts.string_bytes}
    return text_where(arguments, text_of, **known)


@lowers_call("$regexMatch")
def regex_match(arguments: list[Value], scope: Scope) -> Value:
    """Whether a constant regular expression finds something; false for null."""
    text, regex, options = arguments
    strings_or_null([text])
    if not regex.is_constant or not options.is_constant:
        raise NotLowered("$regexMatch with a regular expression that is no constant")
    pattern, flags = _pattern_and_flags(regex.constant, options.constant)
    if pattern is None or STRING not in text.slots:
        return boolean(FALSE)
    found = search(text.slots[STRING], pattern, frozenset(flags), is_ascii=text.facts.is_ascii)
    return boolean(found if text.only(BsonType.STRING) else sql("COALESCE({}, FALSE)", found))


def _pattern_and_flags(regex: Any, options: Any) -> tuple[str | None, str]:
    """(the pattern, None where there is none; the flags). errors: NotLowered for what is refused."""
    if options is ABSENT or is_nullish(options):
        options = ""
    if type(options) is not str or not set(options) <= FLAG_BITS.keys():
        raise NotLowered("$regexMatch with options that are refused")
    if is_nullish(regex):
        return None, ""
    pattern = regex
    if type(regex) is Regex:
        raw_pattern, raw_flags = regex_parts(regex)
        pattern, flags = raw_pattern.decode(), raw_flags.decode()
        if flags and options:
            raise NotLowered("$regexMatch with options that are refused")
        options = flags or options
    if type(pattern) is not str or "\0" in pattern or len(pattern) > PATTERN_BYTES:
        raise NotLowered("$regexMatch with a regular expression that is refused")
    return pattern, options
