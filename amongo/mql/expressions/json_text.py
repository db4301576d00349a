"""From JSON text to documents and arrays, as $convert, $toObject and $toArray read it.

The text has to be JSON by the letter: no comments, no trailing commas, no NaN. A number without fraction and exponent
is an int, a long, or past 64 bits a double; any other is a double. Extended JSON is not interpreted. Of fields with one
name the last counts.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from bson import Int64

from amongo.errors import convert as errors
from amongo.runtime.limits import BSON_DEPTH, DOCUMENT_BYTES
from amongo.values.codec import encode
from amongo.values.numbers import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN

_LONG_DIGITS: Final = 20  # of the smallest long, its sign included
_GROWTH: Final = 10  # BSON takes at most so many times the bytes of JSON: an array's elements have names


def parse_json(text: str) -> Any:
    """The document or array that a text stands for.

    errors   UNREADABLE_JSON: other text, a value outside a document or an array, nested too deep, too large, a NUL in
             a field's name
    """
    try:
        value = _DECODER.decode(text.removeprefix("\ufeff"))
    except RecursionError:
        raise errors.UNREADABLE_JSON(reason=f"more than {BSON_DEPTH} levels of nesting") from None
    except ValueError as failure:
        raise errors.UNREADABLE_JSON(reason=failure) from None
    if type(value) not in (dict, list):
        raise errors.UNREADABLE_JSON(reason="Unexpected standalone value")
    _check(value)
    if len(text) * _GROWTH >= DOCUMENT_BYTES and len(encode({"": value})) > DOCUMENT_BYTES:
        raise errors.UNREADABLE_JSON(reason="the result is larger than a document may be")
    return value


def _integer(text: str) -> Any:
    """An integer; `-0` is the int 0."""
    number = int(text) if len(text) <= _LONG_DIGITS else LONG_MAX + 1
    if INT_MIN <= number <= INT_MAX:
        return number
    return Int64(number) if LONG_MIN <= number <= LONG_MAX else _double(text)


def _double(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_double, parse_constant=_refuse)


def _check(value: Any) -> None:
    """Refuse what JSON can write and BSON cannot hold.

    errors   UNREADABLE_JSON
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > BSON_DEPTH:
            raise errors.UNREADABLE_JSON(reason=f"Result exceeds maximum depth limit of {BSON_DEPTH} levels of nesting")
        below = []
        for container in level:
            if type(container) is dict:
                for name in container:
                    if "\0" in name:
                        raise errors.UNREADABLE_JSON(reason="Illegal embedded null byte")
                    _check_text(name)
                below += _inspect(container.values())
            else:
                below += _inspect(container)
        level = below


def _inspect(values: Any) -> list[Any]:
    """Check the strings among values, and give the containers."""
    for value in values:
        if type(value) is str:
            _check_text(value)
    return [value for value in values if type(value) in (dict, list)]


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise errors.UNREADABLE_JSON(reason="half of a surrogate pair") from None
