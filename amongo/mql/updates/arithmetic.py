"""Operators that compute with a number: `$inc`, `$mul`, `$bit`."""

from __future__ import annotations

from collections.abc import Callable
from operator import and_, or_, xor
from typing import Any

from bson import Int64

from amongo.errors import ServerError
from amongo.errors import update as errors
from amongo.mql.updates.registry import UNCHANGED, Plain, Scene, UpdateContext, operator
from amongo.mql.updates.sameness import is_same
from amongo.mql.updates.wording import identity, typed_number
from amongo.values.missing import MISSING
from amongo.values.numbers import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, add, is_nan, multiply
from amongo.values.order import equal
from amongo.values.types import NUMERIC_CLASSES, alias
from amongo.values.wording import element


def _numeric(verb: str) -> Callable[[str, Any, UpdateContext], Any]:
    def parse(path: str, operand: Any, context: UpdateContext) -> Any:
        if type(operand) not in NUMERIC_CLASSES:
            raise errors.ARITHMETIC_ARGUMENT(verb=verb, argument=element(path, operand))
        return operand

    return parse


def _compute(name: str, function: Callable[[Any, Any], Any], current: Any, operand: Any, scene: Scene) -> Any:
    if type(current) not in NUMERIC_CLASSES:
        raise errors.ARITHMETIC_TARGET(
            operator=name, document=identity(scene.document), name=scene.name, kind=alias(current)
        )
    try:
        result = function(current, operand)
    except ServerError:
        raise errors.ARITHMETIC_OVERFLOW(
            operator=name, current=typed_number(current), document=identity(scene.document)
        ) from None
    # The server compares by value within a type: -0.0 + 0.0 leaves -0.0 as it is, and NaN equals nothing.
    is_unchanged = type(result) is type(current) and equal(result, current) and not is_nan(result)
    return UNCHANGED if is_unchanged else result


@operator("$inc", parse=_numeric("increment"), plain=Plain.COMPUTE)
def increment(current: Any, operand: Any, scene: Scene) -> Any:
    """Add the operand to the field; an absent field becomes the operand.

    operand   a number
    result    the wider of the two types; int grows to long
    errors    ARITHMETIC_ARGUMENT, ARITHMETIC_TARGET, ARITHMETIC_OVERFLOW past 64 bits
    source    manual, $inc
    """
    if type(operand) is int:
        if type(current) is int:
            total = current + operand
            if INT_MIN <= total <= INT_MAX:
                return total if operand else UNCHANGED
        elif type(current) is Int64:
            total = current + operand
            if LONG_MIN <= total <= LONG_MAX:
                return Int64(total) if operand else UNCHANGED
    if current is MISSING:
        return operand
    return _compute("$inc", add, current, operand, scene)


@operator("$mul", parse=_numeric("multiply"), plain=Plain.COMPUTE)
def scale(current: Any, operand: Any, scene: Scene) -> Any:
    """Multiply the field by the operand; an absent field becomes zero of the operand's type.

    operand   a number
    result    the wider of the two types; int grows to long
    errors    ARITHMETIC_ARGUMENT, ARITHMETIC_TARGET, ARITHMETIC_OVERFLOW past 64 bits
    source    manual, $mul
    """
    if current is MISSING:
        return multiply(operand, 0)
    return _compute("$mul", multiply, current, operand, scene)


_BITWISE: dict[str, Callable[[int, int], int]] = {"and": and_, "or": or_, "xor": xor}
_Steps = tuple[tuple[Callable[[int, int], int], int | Int64], ...]


def _parse_bit(path: str, operand: Any, context: UpdateContext) -> _Steps:
    if type(operand) is not dict:
        raise errors.BIT_ARGUMENT(kind=alias(operand))
    steps = []
    for name, mask in operand.items():
        function = _BITWISE.get(name)
        if function is None:
            raise errors.BIT_OPERATION(name=name, argument=element(name, mask))
        if type(mask) is not int and type(mask) is not Int64:
            raise errors.BIT_NOT_INTEGER(kind=alias(mask), argument=element(name, mask))
        steps.append((function, mask))
    if not steps:
        raise errors.BIT_EMPTY()
    return tuple(steps)


@operator("$bit", parse=_parse_bit)
def combine_bits(current: Any, operand: _Steps, scene: Scene) -> Any:
    """Combine the bits of an integer field with masks, one after the other; an absent field starts as int 0.

    operand   {and | or | xor: int or long, ...}
    result    a long if the field or a mask is one, else an int
    errors    BIT_ARGUMENT, BIT_EMPTY, BIT_OPERATION, BIT_NOT_INTEGER, BIT_TARGET
    source    manual, $bit
    """
    value = 0 if current is MISSING else current
    if type(value) is not int and type(value) is not Int64:
        raise errors.BIT_TARGET(document=identity(scene.document), name=scene.name, kind=alias(value))
    for function, mask in operand:
        bits = function(int(value), int(mask))
        value = Int64(bits) if type(value) is Int64 or type(mask) is Int64 else bits
    return UNCHANGED if is_same(value, current) else value
