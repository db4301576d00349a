"""Whole numbers written in base 2, 8, 10 or 16: what `base` of $convert does. Source: manual, $convert."""

from __future__ import annotations

import re
from typing import Any, Final

from bson import Int64

from amongo.errors import convert as errors
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer
from amongo.values.types import alias
from amongo.values.wording import shown

_DIGITS: Final = {
    2: re.compile("[+-]?[01]+"),
    8: re.compile("[+-]?[0-7]+"),
    10: re.compile("[+-]?[0-9]+"),
    16: re.compile("[+-]?[0-9a-fA-F]+"),
}
_WRITTEN: Final = {2: "b", 8: "o", 10: "d", 16: "X"}
_MOST_DIGITS: Final = 64  # of a long, in base 2


def read_base(base: Any) -> int:
    """The base that was asked for.

    errors   BASE_NOT_WHOLE, UNKNOWN_BASE
    """
    number = exact_integer(base)
    if number is None:
        raise errors.BASE_NOT_WHOLE(kind=alias(base), value=shown(base))
    if number not in _DIGITS:
        raise errors.UNKNOWN_BASE(value=number)
    return number


def number_of(text: str, base: int) -> Int64:
    """The long that a text stands for; signs are allowed, prefixes such as 0x are not.

    errors   UNREADABLE_NUMBER, also for one that needs more than 64 bits
    """
    if not _DIGITS[base].fullmatch(text):
        raise errors.UNREADABLE_NUMBER(text=text[:100], reason=f"it is no whole number in base {base}")
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits, base) if len(digits) <= _MOST_DIGITS else LONG_MAX + 1
    if text[0] == "-":
        number = -number
    if not LONG_MIN <= number <= LONG_MAX:
        raise errors.UNREADABLE_NUMBER(text=text[:100], reason="Overflow")
    return Int64(number)


def text_of(number: Any, base: int) -> str:
    """A whole number as digits, letters in upper case.

    errors   CONVERSION_OVERFLOW for one with a fraction or of more than 64 bits
    """
    whole = exact_integer(number)
    if whole is None:
        raise errors.CONVERSION_OVERFLOW(value=shown(number))
    return format(whole, _WRITTEN[base])
