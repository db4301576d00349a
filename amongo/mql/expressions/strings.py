"""Strings: joining, cutting, case, length. Lengths and positions count bytes of UTF-8 or code points, by the name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from bson import Decimal128

from amongo.errors import Condition
from amongo.errors import expression as errors
from amongo.mql.expressions.registry import ABSENT, named, operator
from amongo.mql.expressions.text import coerce_text
from amongo.mql.expressions.truth import is_nullish
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer, to_decimal
from amongo.values.types import alias, is_number

_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


@operator("$concat", arity=(0, None))
def concat(args: list[Any]) -> str | None:
    """Join strings, left to right.

    args     any number of strings
    result   string; null at the first null or missing argument
    errors   CONCAT_TAKES_STRINGS at the first argument of another type
    order    the two rules race: [null, 1] is null, [1, null] is an error
    source   manual, $concat
    """
    for arg in args:
        if is_nullish(arg):
            return None
        if type(arg) is not str:
            raise errors.CONCAT_TAKES_STRINGS(kind=alias(arg))
    return "".join(args)


@operator("$toLower", arity=1)
def to_lower(value: Any) -> str:
    """ASCII letters in lower case.

    args     a string, or a value that has a text
    result   string; "" for null or missing
    errors   NO_TEXT
    source   manual, $toLower
    """
    return coerce_text(value).translate(_LOWER)


@operator("$toUpper", arity=1)
def to_upper(value: Any) -> str:
    """ASCII letters in upper case.

    args     a string, or a value that has a text
    result   string; "" for null or missing
    errors   NO_TEXT
    source   manual, $toUpper
    """
    return coerce_text(value).translate(_UPPER)


@operator("$strcasecmp", arity=2)
def compare_without_case(left: Any, right: Any) -> int:
    """Compare two strings, ASCII letters without their case.

    args     two strings, or values that have a text
    result   -1, 0 or 1, by the bytes of the upper-case strings
    errors   NO_TEXT
    source   manual, $strcasecmp
    """
    first, second = coerce_text(left).translate(_UPPER), coerce_text(right).translate(_UPPER)
    return (first > second) - (first < second)


@operator("$strLenBytes", arity=1)
def length_in_bytes(value: Any) -> int:
    """How many bytes of UTF-8.

    args     a string
    result   int
    errors   LENGTH_TAKES_STRING_BYTES at anything else, null and missing included
    source   manual, $strLenBytes
    """
    if type(value) is not str:
        raise errors.LENGTH_TAKES_STRING_BYTES(kind=alias(value))
    return len(value) if value.isascii() else len(value.encode())


@operator("$strLenCP", arity=1)
def length_in_code_points(value: Any) -> int:
    """How many code points.

    args     a string
    result   int
    errors   LENGTH_TAKES_STRING at anything else, null and missing included
    source   manual, $strLenCP
    """
    if type(value) is not str:
        raise errors.LENGTH_TAKES_STRING(kind=alias(value))
    return len(value)


@operator("$split", arity=2)
def split(text: Any, delimiter: Any) -> list[str] | None:
    """Cut a string at each delimiter.

    args     a string, a string that is not empty
    result   array of strings; null if either is null or missing
    errors   SPLIT_TAKES_STRING, SPLIT_TAKES_DELIMITER, SPLIT_EMPTY_DELIMITER
    order    null in either place first
    source   manual, $split
    """
    if is_nullish(text) or is_nullish(delimiter):
        return None
    if type(text) is not str:
        raise errors.SPLIT_TAKES_STRING(kind=alias(text))
    if type(delimiter) is not str:
        raise errors.SPLIT_TAKES_DELIMITER(kind=alias(delimiter))
    if not delimiter:
        raise errors.SPLIT_EMPTY_DELIMITER()
    return list(text.split(delimiter))


@operator("$substrBytes", "$substr", arity=3)
def cut_bytes(value: Any, start: Any, length: Any) -> str:
    """A part of a string, by bytes of UTF-8.

    args     a string, or a value that has a text; where to begin; how many bytes, all of the rest if negative
    result   string; "" past the end
    errors   NO_TEXT, SUBSTR_START_TYPE, SUBSTR_LENGTH_TYPE, NUMBER_OUT_OF_LONG, SUBSTR_NEGATIVE_START,
             SUBSTR_SPLITS_START, SUBSTR_SPLITS_END
    source   manual, $substrBytes
    """
    text = coerce_text(value)
    if not is_number(start):
        raise errors.SUBSTR_START_TYPE(kind=alias(start))
    if not is_number(length):
        raise errors.SUBSTR_LENGTH_TYPE(kind=alias(length))
    begin, count = as_long(start), as_long(length)
    if begin < 0:
        raise errors.SUBSTR_NEGATIVE_START(start=begin)
    data = text.encode()
    end = len(data) if count < 0 else min(begin + count, len(data))
    if begin < len(data) and data[begin] & 0xC0 == 0x80:
        raise errors.SUBSTR_SPLITS_START()
    if begin < end < len(data) and data[end] & 0xC0 == 0x80:
        raise errors.SUBSTR_SPLITS_END()
    return data[begin:end].decode()


def as_long(value: Any) -> int:
    """A number as a whole one: a double is cut, a decimal rounded half to even; a decimal beyond 64 bits, or that is
    no number, is the smallest long, as the server's decimal library has it.

    errors   NUMBER_OUT_OF_LONG for a double that is NaN, infinite or past 64 bits
    """
    if type(value) is Decimal128:
        exact = to_decimal(value)
        rounded = round(exact) if exact.is_finite() and exact.adjusted() < 20 else LONG_MIN
        return rounded if LONG_MIN <= rounded <= LONG_MAX else LONG_MIN
    if type(value) is float and not (math.isfinite(value) and -(2.0**63) <= value < 2.0**63):
        raise errors.NUMBER_OUT_OF_LONG(value=value)
    return int(value)


@operator("$substrCP", arity=3)
def cut_code_points(value: Any, start: Any, length: Any) -> str:
    """A part of a string, by code points.

    args     a string, or a value that has a text; where to begin; how many code points
    result   string; "" past the end
    errors   NO_TEXT, SUBSTR_CP_START_TYPE, SUBSTR_CP_START_WHOLE, SUBSTR_CP_LENGTH_TYPE, SUBSTR_CP_LENGTH_WHOLE,
             SUBSTR_CP_NEGATIVE_LENGTH, SUBSTR_CP_NEGATIVE_START
    source   manual, $substrCP
    """
    text = coerce_text(value)
    begin = _as_int(start, errors.SUBSTR_CP_START_TYPE, errors.SUBSTR_CP_START_WHOLE)
    count = _as_int(length, errors.SUBSTR_CP_LENGTH_TYPE, errors.SUBSTR_CP_LENGTH_WHOLE)
    if count < 0:
        raise errors.SUBSTR_CP_NEGATIVE_LENGTH(length=count)
    if begin < 0:
        raise errors.SUBSTR_CP_NEGATIVE_START(start=begin)
    return text[begin : begin + count]


def _as_int(value: Any, wrong_type: Condition, not_whole: Condition) -> int:
    if not is_number(value):
        raise wrong_type(kind=alias(value))
    whole = exact_integer(value)
    if whole is None or not -(2**31) <= whole < 2**31:
        raise not_whole(value=value)
    return whole


WHITESPACE: Final = "\0\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"


def _trim(name: str, strip: Callable[[str, str], str]) -> None:
    """Register a trim operator.

    args     {input: string, chars: string}; whitespace (and NUL) if `chars` is not given
    result   the input without these characters at the side or sides; null if either is null or missing
    errors   TRIM_NEEDS_OBJECT, TRIM_UNKNOWN_FIELD, TRIM_WITHOUT_INPUT, TRIM_TAKES_STRING, TRIM_TAKES_CHARS
    source   manual, $trim
    """

    def trim(value: Any, chars: Any) -> str | None:
        if is_nullish(value):
            return None
        if type(value) is not str:
            raise errors.TRIM_TAKES_STRING(name=name, kind=alias(value))
        if chars is ABSENT:
            return strip(value, WHITESPACE)
        if is_nullish(chars):
            return None
        if type(chars) is not str:
            raise errors.TRIM_TAKES_CHARS(name=name, kind=alias(chars))
        return strip(value, chars) if chars else value

    trim.__doc__ = _trim.__doc__
    named(
        name,
        required={"input": errors.TRIM_WITHOUT_INPUT},
        optional=("chars",),
        not_object=errors.TRIM_NEEDS_OBJECT,
        unknown=errors.TRIM_UNKNOWN_FIELD,
    )(trim)


_trim("$trim", str.strip)
_trim("$ltrim", str.lstrip)
_trim("$rtrim", str.rstrip)
