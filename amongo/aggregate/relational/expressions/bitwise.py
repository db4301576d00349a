"""$bitAnd, $bitOr, $bitXor, $bitNot of ints and longs."""

from __future__ import annotations

from amongo.aggregate.relational.expressions.numeric import (
    Whole,
    may_be_whole,
    numbers,
    only_numbers,
    some_long,
    whole_range,
)
from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import sql
from amongo.aggregate.relational.values import NULL_VALUE, NotLowered, Value
from amongo.engine.columns import WHOLE
from amongo.values.numbers import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from amongo.values.types import BsonType


def _register(name: str, template: str) -> None:
    def lower(arguments: list[Value], scope: Scope) -> Value:
        if not _only_whole(name, arguments):
            return NULL_VALUE
        combined = arguments[0].slots[WHOLE]
        for argument in arguments[1:]:
            combined = sql(template, combined, argument.slots[WHOLE])
        low, high = _range(arguments)
        return numbers(Whole(combined, low, high, some_long(arguments)), None, arguments)

    lower.__doc__ = f"{name} of whole numbers."
    lowers_call(name)(lower)


def _only_whole(name: str, arguments: list[Value]) -> bool:
    """Whether the result may be something else than null.

    errors   NotLowered where a double may come, which is an error
    """
    is_something = only_numbers(name, arguments)
    if any(BsonType.DOUBLE in argument.kinds for argument in arguments):
        raise NotLowered(f"{name} of doubles")
    return is_something and all(map(may_be_whole, arguments))


def _range(arguments: list[Value]) -> tuple[int, int]:
    """Bits that ints do not have stay those of the sign."""
    ranges = list(map(whole_range, arguments))
    if all(least >= INT_MIN and most <= INT_MAX for least, most in ranges):
        return INT_MIN, INT_MAX
    return LONG_MIN, LONG_MAX


_register("$bitAnd", "({} & {})")
_register("$bitOr", "({} | {})")
_register("$bitXor", "xor({}, {})")


@lowers_call("$bitNot")
def lower_bit_not(arguments: list[Value], scope: Scope) -> Value:
    """The bits that are not set."""
    if not _only_whole("$bitNot", arguments):
        return NULL_VALUE
    (value,) = arguments
    least, most = whole_range(value)
    return numbers(Whole(sql("(~{})", value.slots[WHOLE]), ~most, ~least, some_long(arguments)), None, arguments)
