"""Strings: finding and replacing, by text and by regular expression."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from bson import Regex

from amongo.errors import Condition, ServerError
from amongo.errors import expression as errors
from amongo.errors import query as query_errors
from amongo.mql.expressions.registry import ABSENT, named, operator
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.patterns import FLAG_BITS, compile_regex
from amongo.runtime.limits import PATTERN_BYTES, SEARCH_S
from amongo.values.numbers import exact_int
from amongo.values.order import regex_parts
from amongo.values.types import alias


@operator("$indexOfBytes", arity=(2, 4))
def index_in_bytes(args: list[Any]) -> int | None:
    """Where a string first occurs in another, in bytes of UTF-8.

    args     a string; the string to find; where to begin; where to end (left out)
    result   int, -1 for nowhere; null if the first is null or missing
    errors   INDEX_OF_BYTES_STRING, INDEX_OF_BYTES_PART, INDEX_WHOLE, INDEX_NEGATIVE
    source   manual, $indexOfBytes
    """
    text, part = args[0], args[1]
    if is_nullish(text):
        return None
    if type(text) is not str:
        raise errors.INDEX_OF_BYTES_STRING(kind=alias(text))
    if type(part) is not str:
        raise errors.INDEX_OF_BYTES_PART(kind=alias(part))
    data = text.encode()
    begin, end = _window("$indexOfBytes", args, len(data))
    return -1 if begin > len(data) or end < begin else data.find(part.encode(), begin, end)


@operator("$indexOfCP", arity=(2, 4))
def index_in_code_points(args: list[Any]) -> int | None:
    """Where a string first occurs in another, in code points.

    args     a string; the string to find; where to begin; before which position it has to begin
    result   int, -1 for nowhere; null if the first is null or missing
    errors   INDEX_OF_CP_STRING, INDEX_OF_CP_PART, INDEX_WHOLE, INDEX_NEGATIVE
    source   manual, $indexOfCP
    """
    text, part = args[0], args[1]
    if is_nullish(text):
        return None
    if type(text) is not str:
        raise errors.INDEX_OF_CP_STRING(kind=alias(text))
    if type(part) is not str:
        raise errors.INDEX_OF_CP_PART(kind=alias(part))
    begin, end = _window("$indexOfCP", args, len(text))
    found = text.find(part, begin) if begin < len(text) or not text else -1
    return found if found < end or not text else -1


def _window(name: str, args: list[Any], length: int) -> tuple[int, int]:
    begin = check_index(name, "starting", args[2]) if len(args) > 2 else 0
    end = min(check_index(name, "ending", args[3]), length) if len(args) > 3 else length
    return begin, end


def check_index(
    name: str,
    which: str,
    value: Any,
    not_whole: Condition = errors.INDEX_WHOLE,
    negative: Condition = errors.INDEX_NEGATIVE,
) -> int:
    """A position: a whole number of 32 bits, not below zero.

    errors   INDEX_WHOLE, INDEX_NEGATIVE, or those given
    """
    index = exact_int(value)
    if index is None:
        raise not_whole(name=name, which=which, kind=alias(value), value=value)
    if index < 0:
        raise negative(name=name, which=which, value=index)
    return index


def _check_replace(text: Any, find: Any, replacement: Any) -> bool:
    """Whether all three are strings; False if one is nothing.

    errors   REPLACE_INPUT, REPLACE_FIND, REPLACE_REPLACEMENT
    """
    for value, failure in (
        (text, errors.REPLACE_INPUT),
        (find, errors.REPLACE_FIND),
        (replacement, errors.REPLACE_REPLACEMENT),
    ):
        if type(value) is not str and not is_nullish(value):
            raise failure(kind=alias(value))
    return not (is_nullish(text) or is_nullish(find) or is_nullish(replacement))


_replacing = functools.partial(
    named,
    required={
        "input": errors.REPLACE_WITHOUT_INPUT,
        "find": errors.REPLACE_WITHOUT_FIND,
        "replacement": errors.REPLACE_WITHOUT_REPLACEMENT,
    },
    not_object=errors.REPLACE_NEEDS_OBJECT,
    unknown=errors.REPLACE_UNKNOWN_FIELD,
)


@_replacing("$replaceOne")
def replace_one(text: Any, find: Any, replacement: Any) -> str | None:
    """Replace the first occurrence.

    args     {input, find, replacement}: strings
    result   string; null if one is null or missing
    errors   REPLACE_NEEDS_OBJECT, REPLACE_UNKNOWN_FIELD, REPLACE_WITHOUT_INPUT, REPLACE_WITHOUT_FIND,
             REPLACE_WITHOUT_REPLACEMENT, REPLACE_INPUT, REPLACE_FIND, REPLACE_REPLACEMENT
    order    all types are checked before null counts
    source   manual, $replaceOne
    """
    return text.replace(find, replacement, 1) if _check_replace(text, find, replacement) else None


@_replacing("$replaceAll")
def replace_all(text: Any, find: Any, replacement: Any) -> str | None:
    """Replace every occurrence, left to right, without looking into what was put in.

    args     {input, find, replacement}: strings; an empty `find` occurs before every character and at the end
    result   string; null if one is null or missing
    errors   as for $replaceOne
    order    all types are checked before null counts
    source   manual, $replaceAll
    """
    return text.replace(find, replacement) if _check_replace(text, find, replacement) else None


_searching = functools.partial(
    named,
    required={"input": errors.REGEX_WITHOUT_INPUT, "regex": errors.REGEX_WITHOUT_REGEX},
    optional=("options",),
    not_object=errors.REGEX_NEEDS_OBJECT,
    unknown=errors.REGEX_UNKNOWN_FIELD,
)


_SPECIAL = frozenset("\\^$.|?*+()[]{}#")


@dataclass(frozen=True, slots=True)
class LiteralMatch:
    """Where a pattern without any special character was found; speaks like a match of the regex module."""

    text: str
    position: int

    def group(self) -> str:
        """What was found."""
        return self.text

    def groups(self) -> tuple[str, ...]:
        """No captures."""
        return ()

    def start(self) -> int:
        """Where it begins."""
        return self.position

    def end(self) -> int:
        """Where it ends."""
        return self.position + len(self.text)


@dataclass(frozen=True, slots=True)
class LiteralPattern:
    """A pattern without any special character needs no engine."""

    text: str

    def search(self, subject: str, position: int, timeout: float) -> LiteralMatch | None:
        """The first occurrence at or after a position."""
        found = subject.find(self.text, position)
        return None if found < 0 else LiteralMatch(self.text, found)


@functools.lru_cache(maxsize=512)
def _compile(pattern: str, flags: str) -> Any:
    if not _SPECIAL.intersection(pattern) and not set(flags) & {"i", "x"}:
        return LiteralPattern(pattern)
    return compile_regex(pattern, flags)


class Search:
    """One input and one compiled pattern; `pattern` is None where one of them is nothing."""

    __slots__ = ("name", "pattern", "text")

    def __init__(self, name: str, text: Any, regex: Any, options: Any) -> None:
        """Check the arguments and compile.

        errors   REGEX_OPTIONS_TYPE, REGEX_TYPE, REGEX_INPUT_TYPE, REGEX_PATTERN_NUL, REGEX_OPTIONS_NUL,
                 REGEX_BAD_OPTION, REGEX_OPTIONS_TWICE, REGEX_BAD_PATTERN
        """
        self.name = name
        self.text = text
        self.pattern = None
        if options is not ABSENT and not is_nullish(options) and type(options) is not str:
            raise errors.REGEX_OPTIONS_TYPE(name=name)
        if not is_nullish(regex) and type(regex) not in (str, Regex):
            raise errors.REGEX_TYPE(name=name)
        pattern, flags = _pattern_and_flags(name, regex, options)
        if not is_nullish(text) and type(text) is not str:
            raise errors.REGEX_INPUT_TYPE(name=name)
        if is_nullish(regex):
            return
        if len(pattern) > PATTERN_BYTES:
            raise errors.REGEX_BAD_PATTERN(name=name, reason="pattern is too long")
        try:
            compiled = _compile(pattern, flags)
        except ServerError as failure:
            raise errors.REGEX_BAD_PATTERN(name=name, reason=failure.message) from None
        self.pattern = None if is_nullish(text) else compiled

    def at(self, position: int) -> Any:
        """The match that begins at or after a position, or None.

        errors   REGEX_LIMIT
        """
        if self.pattern is None:
            return None
        try:
            return self.pattern.search(self.text, position, timeout=SEARCH_S)
        except (TimeoutError, MemoryError):
            raise query_errors.REGEX_LIMIT() from None


def _pattern_and_flags(name: str, regex: Any, options: Any) -> tuple[str, str]:
    flags = "" if options is ABSENT or is_nullish(options) else options
    if is_nullish(regex):
        return "", ""
    if type(regex) is Regex:
        raw_pattern, raw_flags = regex_parts(regex)
        pattern, own_flags = raw_pattern.decode(), raw_flags.decode()
        if own_flags and options is not ABSENT and not is_nullish(options):
            raise errors.REGEX_OPTIONS_TWICE(name=name)
        flags = own_flags or flags
    else:
        pattern = regex
        if "\0" in pattern:
            raise errors.REGEX_PATTERN_NUL(name=name)
    if "\0" in flags:
        raise errors.REGEX_OPTIONS_NUL(name=name)
    for flag in flags:
        if flag not in FLAG_BITS:
            raise errors.REGEX_BAD_OPTION(name=name, flag=flag)
    return pattern, flags


def _found(match: Any) -> dict[str, Any]:
    return {"match": match.group(), "idx": match.start(), "captures": list(match.groups())}


@_searching("$regexMatch")
def regex_match(text: Any, regex: Any, options: Any) -> bool:
    """Whether a regular expression finds something.

    args     {input: string, regex: string or regular expression, options: string of imsux}
    result   bool; false if the input or the regular expression is null or missing
    errors   those of `Search`, REGEX_NEEDS_OBJECT, REGEX_UNKNOWN_FIELD, REGEX_WITHOUT_INPUT, REGEX_WITHOUT_REGEX
    source   manual, $regexMatch
    """
    return Search("$regexMatch", text, regex, options).at(0) is not None


@_searching("$regexFind")
def regex_find(text: Any, regex: Any, options: Any) -> dict[str, Any] | None:
    """What a regular expression finds first.

    args     {input: string, regex: string or regular expression, options: string of imsux}
    result   {match, idx in code points, captures: strings or null}; null for nothing
    errors   as for $regexMatch
    source   manual, $regexFind
    """
    match = Search("$regexFind", text, regex, options).at(0)
    return None if match is None else _found(match)


@_searching("$regexFindAll")
def regex_find_all(text: Any, regex: Any, options: Any) -> list[dict[str, Any]]:
    """All that a regular expression finds, without overlaps.

    args     {input: string, regex: string or regular expression, options: string of imsux}
    result   array of {match, idx in code points, captures: strings or null}
    errors   as for $regexMatch
    source   manual, $regexFindAll
    """
    search = Search("$regexFindAll", text, regex, options)
    found = []
    position = 0
    while (match := search.at(position)) is not None:
        found.append(_found(match))
        position = match.end() if match.end() > match.start() else match.end() + 1
        if position >= len(text):
            break
    return found
