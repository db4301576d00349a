"""Bitwise: $bitAnd, $bitOr, $bitXor, $bitNot on ints and longs."""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import Any

from bson import Int64

from amongo.errors import expression as errors
from amongo.mql.expressions.registry import operator
from amongo.mql.expressions.truth import is_nullish
from amongo.values.types import alias


def _combined(name: str, args: list[Any], start: int, combine: Callable[[int, int], int]) -> Any:
    result, kind = start, int
    for arg in args:
        if is_nullish(arg):
            return None
        if type(arg) is Int64:
            kind = Int64
        elif type(arg) is not int:
            raise errors.BITS_TAKE_WHOLE_NUMBERS(name=name, kind=alias(arg))
        result = combine(result, int(arg))
    return kind(result)


@operator("$bitAnd", arity=(0, None))
def bit_and(args: list[Any]) -> Any:
    """The bits that are set in all.

    args     any number of ints and longs
    result   int, long if one is; -1 without arguments; null at the first null or missing argument
    errors   BITS_TAKE_WHOLE_NUMBERS
    source   manual, $bitAnd
    """
    return _combined("$bitAnd", args, -1, python.and_)


@operator("$bitOr", arity=(0, None))
def bit_or(args: list[Any]) -> Any:
    """The bits that are set in any.

    args     any number of ints and longs
    result   int, long if one is; 0 without arguments; null at the first null or missing argument
    errors   BITS_TAKE_WHOLE_NUMBERS
    source   manual, $bitOr
    """
    return _combined("$bitOr", args, 0, python.or_)


@operator("$bitXor", arity=(0, None))
def bit_xor(args: list[Any]) -> Any:
    """The bits that are set in an odd number of them.

    args     any number of ints and longs
    result   int, long if one is; 0 without arguments; null at the first null or missing argument
    errors   BITS_TAKE_WHOLE_NUMBERS
    source   manual, $bitXor
    """
    return _combined("$bitXor", args, 0, python.xor)


@operator("$bitNot", arity=1)
def bit_not(value: Any) -> Any:
    """The bits that are not set.

    args     an int or a long
    result   of the same type; null for null or missing
    errors   BIT_NOT_TAKES_WHOLE_NUMBER
    source   manual, $bitNot
    """
    if is_nullish(value):
        return None
    if type(value) not in (int, Int64):
        raise errors.BIT_NOT_TAKES_WHOLE_NUMBER(kind=alias(value))
    return type(value)(~value)
