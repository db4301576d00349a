"""Arrays: elements, parts, searching, joining, turning. None of these looks into elements."""

from __future__ import annotations

from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Call, Expression, Operator
from amongo.mql.expressions.registry import check_arity, operator, parse_operand, register
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.string_search import check_index
from amongo.mql.expressions.truth import is_nullish
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_int
from amongo.values.order import Collator, equal
from amongo.values.types import alias, is_number


@operator("$arrayElemAt", arity=2)
def element_at(array: Any, index: Any) -> Any:
    """The element at a position, from the end if negative.

    args     an array; a whole number of 32 bits
    result   the element, missing past the ends; null if either is null or missing
    errors   ELEM_AT_TAKES_ARRAY, ELEM_AT_INDEX_NUMBER, ELEM_AT_INDEX_WHOLE
    source   manual, $arrayElemAt
    """
    if is_nullish(array) or is_nullish(index):
        return None
    if type(array) is not list:
        raise errors.ELEM_AT_TAKES_ARRAY(kind=alias(array))
    if not is_number(index):
        raise errors.ELEM_AT_INDEX_NUMBER(kind=alias(index))
    position = exact_int(index)
    if position is None:
        raise errors.ELEM_AT_INDEX_WHOLE(value=index)
    return array[position] if -len(array) <= position < len(array) else MISSING


@operator("$concatArrays", arity=(0, None))
def concat_arrays(args: list[Any]) -> list[Any] | None:
    """Join arrays, left to right.

    args     any number of arrays
    result   array; null at the first null or missing argument
    errors   CONCAT_ARRAYS_TYPE at the first argument of another type
    source   manual, $concatArrays
    """
    joined: list[Any] = []
    for arg in args:
        if is_nullish(arg):
            return None
        if type(arg) is not list:
            raise errors.CONCAT_ARRAYS_TYPE(kind=alias(arg))
        joined.extend(arg)
    return joined


@operator("$size", arity=1)
def size(array: Any) -> int:
    """How many elements.

    args     an array
    result   int
    errors   SIZE_TAKES_ARRAY at anything else, null and missing included
    source   manual, $size (aggregation)
    """
    if type(array) is not list:
        raise errors.SIZE_TAKES_ARRAY(kind=alias(array))
    return len(array)


@operator("$reverseArray", arity=1)
def reverse(array: Any) -> list[Any] | None:
    """The elements from the last to the first.

    args     an array
    result   array; null for null or missing
    errors   REVERSE_TAKES_ARRAY
    source   manual, $reverseArray
    """
    if is_nullish(array):
        return None
    if type(array) is not list:
        raise errors.REVERSE_TAKES_ARRAY(kind=alias(array))
    return array[::-1]


@operator("$slice", arity=(2, 3))
def cut(args: list[Any]) -> list[Any] | None:
    """A part of an array.

    args     an array; how many from the front, or from the end if negative. With three: an array; where to begin,
             from the end if negative; how many, above zero
    result   array; null if one is null or missing
    errors   SLICE_TAKES_ARRAY, SLICE_SECOND_NUMBER, SLICE_SECOND_WHOLE, SLICE_THIRD_NUMBER, SLICE_THIRD_WHOLE,
             SLICE_THIRD_POSITIVE
    source   manual, $slice (aggregation)
    """
    array, second = args[0], args[1]
    if is_nullish(array) or is_nullish(second):
        return None
    if type(array) is not list:
        raise errors.SLICE_TAKES_ARRAY(kind=alias(array))
    if not is_number(second):
        raise errors.SLICE_SECOND_NUMBER(kind=alias(second))
    position = exact_int(second)
    if position is None:
        raise errors.SLICE_SECOND_WHOLE(value=second)
    if len(args) == 2:
        return array[:position] if position >= 0 else array[position:]
    third = args[2]
    if is_nullish(third):
        return None
    if not is_number(third):
        raise errors.SLICE_THIRD_NUMBER(kind=alias(third))
    count = exact_int(third)
    if count is None:
        raise errors.SLICE_THIRD_WHOLE(value=third)
    if count <= 0:
        raise errors.SLICE_THIRD_POSITIVE(value=count)
    begin = max(len(array) + position, 0) if position < 0 else position
    return array[begin : begin + count]


@operator("$range", arity=(2, 3))
def number_range(args: list[Any]) -> list[int]:
    """Whole numbers from one up (or down) to, and without, another.

    args     the first; the end; the step, 1 if not given, not zero: all whole numbers of 32 bits
    result   array of int
    errors   RANGE_START_NUMBER, RANGE_START_WHOLE, RANGE_END_NUMBER, RANGE_END_WHOLE, RANGE_STEP_NUMBER,
             RANGE_STEP_WHOLE, RANGE_STEP_ZERO, RANGE_TOO_LARGE
    source   manual, $range
    """
    rules = (
        (errors.RANGE_START_NUMBER, errors.RANGE_START_WHOLE),
        (errors.RANGE_END_NUMBER, errors.RANGE_END_WHOLE),
        (errors.RANGE_STEP_NUMBER, errors.RANGE_STEP_WHOLE),
    )
    numbers = []
    for arg, (wrong_type, not_whole) in zip(args, rules, strict=False):
        if not is_number(arg):
            raise wrong_type(kind=alias(arg))
        whole = exact_int(arg)
        if whole is None:
            raise not_whole(value=arg)
        numbers.append(whole)
    if len(numbers) == 3 and numbers[2] == 0:
        raise errors.RANGE_STEP_ZERO()
    span = range(*numbers)
    if len(span) * 16 > 100 * 1024 * 1024:
        raise errors.RANGE_TOO_LARGE()
    return list(span)


def collated(name: str, arity: int | tuple[int, int | None], function: Any) -> None:
    """Register an operator whose function `(args, collator)` compares under the collation in scope."""

    def parse(operand: Any, scope: Scope) -> Expression:
        specs = operand if type(operand) is list else [operand]
        check_arity(name, arity, len(specs))
        collator = scope.collator
        call = Operator(name, lambda args: function(args, collator), True)
        return Call(call, tuple(parse_operand(spec, scope) for spec in specs))

    register(name, parse, function.__doc__)


def contains(args: list[Any], collator: Collator | None) -> bool:
    """Whether a value equals some element.

    args     any value; an array
    result   bool
    errors   IN_TAKES_ARRAY, null and missing included
    source   manual, $in (aggregation)
    """
    value, array = args
    if type(array) is not list:
        raise errors.IN_TAKES_ARRAY(kind=alias(array))
    return any(equal(value, element, collator) for element in array)


def index_of(args: list[Any], collator: Collator | None) -> int | None:
    """Where a value first occurs in an array.

    args     an array; any value; where to begin; where to end (left out)
    result   int, -1 for nowhere; null if the array is null or missing
    errors   INDEX_OF_ARRAY_TYPE, INDEX_OF_ARRAY_WHOLE, INDEX_OF_ARRAY_NEGATIVE
    source   manual, $indexOfArray
    """
    array, value = args[0], args[1]
    if is_nullish(array):
        return None
    if type(array) is not list:
        raise errors.INDEX_OF_ARRAY_TYPE(kind=alias(array))
    conditions = (errors.INDEX_OF_ARRAY_WHOLE, errors.INDEX_OF_ARRAY_NEGATIVE)
    begin = check_index("$indexOfArray", "starting", args[2], *conditions) if len(args) > 2 else 0
    end = check_index("$indexOfArray", "ending", args[3], *conditions) if len(args) > 3 else len(array)
    for position in range(begin, min(end, len(array))):
        if equal(array[position], value, collator):
            return position
    return -1


collated("$in", 2, contains)
collated("$indexOfArray", (2, 4), index_of)
