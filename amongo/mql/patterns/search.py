"""Compiled patterns: the search in one string, with a clock where it may need one."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

import regex

from amongo.errors import query as errors
from amongo.mql.patterns.pieces import WILD
from amongo.mql.patterns.translation import translate
from amongo.runtime.limits import PATTERN_BYTES, QUICK_SEARCH_STEPS, SEARCH_S

FLAG_BITS: Final = {"i": 2, "m": 8, "s": 16, "u": 32, "x": 64}
"""The flags that MongoDB takes, and the bit that `bson.Regex` keeps each in. u changes nothing: text is always UTF."""

Find = Callable[[str], bool]

_PLAIN: Final = re.compile(r"(\^?)([A-Za-z0-9 _,:;@%&=<>'\"!~/-]*)")


@functools.lru_cache(maxsize=512)
def compile_pattern(pattern: str, flags: str = "") -> Find:
    """Compile a regular expression to a search in a string.

    pattern   PCRE2 syntax
    flags     letters of `FLAG_BITS`
    errors    REGEX_BAD_FLAG, REGEX_INVALID; at the search: REGEX_LIMIT
    source    manual, $regex
    """
    for flag in flags:
        if flag not in FLAG_BITS:
            raise errors.REGEX_BAD_FLAG(flag=flag)
    _check_length(pattern)
    plain = _PLAIN.fullmatch(pattern)
    if plain is not None and not set(flags) & set("imx"):
        return _find_plain(plain[2], is_prefix=bool(plain[1]))
    compiled, degree = _compiled(pattern, flags)
    search, quick_length = compiled.search, _quick_length(degree)

    def find(text: str) -> bool:
        if len(text) <= quick_length:
            return search(text) is not None
        try:
            return search(text, timeout=SEARCH_S) is not None
        except (TimeoutError, MemoryError):
            raise errors.REGEX_LIMIT() from None

    return find


def compile_regex(pattern: str, flags: str = "") -> regex.Pattern[str]:
    """The translated pattern, compiled by the `regex` module; groups keep their numbers.

    errors   REGEX_INVALID
    """
    _check_length(pattern)
    return _compiled(pattern, flags)[0]


def may_run_away(pattern: str, flags: str = "") -> bool:
    """Whether a search may take more than the square of a text's length, so that it must not run on an event loop."""
    plain = _PLAIN.fullmatch(pattern)
    if plain is not None and not set(flags) & set("imx"):
        return False
    return _compiled(pattern, flags)[1] > 1


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str, flags: str) -> tuple[regex.Pattern[str], int]:
    try:
        translated = translate(pattern, flags)
        return regex.compile(translated.text, regex.VERSION0), translated.degree
    except (regex.error, OverflowError, RecursionError, UnicodeEncodeError) as failure:
        raise errors.REGEX_INVALID(reason=failure) from None


def _check_length(pattern: str) -> None:
    if len(pattern) > PATTERN_BYTES or len(pattern.encode("utf-8", "surrogatepass")) > PATTERN_BYTES:
        raise errors.REGEX_INVALID(reason="pattern string is longer than the limit set by the application")


def _quick_length(degree: int) -> int:
    """Up to which text length a search needs no clock, which costs five times the search of a short string."""
    return -1 if degree >= WILD else int(QUICK_SEARCH_STEPS ** (1 / (1 + degree)))


def _find_plain(text: str, is_prefix: bool) -> Find:
    """A pattern without any special character needs no engine."""
    if is_prefix:
        return lambda subject: subject.startswith(text)
    return lambda subject: text in subject
