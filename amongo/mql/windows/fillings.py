"""$expMovingAvg, $locf and $linearFill: values smoothed, and values for the gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bson import Decimal128, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.errors import window as errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.expressions.arithmetic import add, multiply, quotient, subtract
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.windows.registry import WINDOW_FUNCTIONS, Partition, Run, Setting, WindowFunction, window_function
from amongo.values.missing import MISSING
from amongo.values.numbers import (
    Number,
    add_widening,
    divide,
    multiply_widening,
    pack_decimal,
    subtract_widening,
    to_decimal,
    to_double,
    truncated_integer,
)
from amongo.values.order import compare
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

_ONE: Final = Decimal128("1")


@dataclass(frozen=True, slots=True)
class MovingAverage(WindowFunction):
    """$expMovingAvg: in decimal arithmetic throughout, as the server reckons.

    weight   of each new value
    """

    input: Expression
    weight: Number

    def bind(self) -> Run:
        evaluate, weight = self.input.bind(), self.weight
        rest = subtract_widening(_ONE, weight)

        def run(partition: Partition) -> Iterator[Any]:
            average: Number | None = None
            is_decimal = False
            for document in partition.interrupt.watch(partition.documents):
                value = evaluate(document, partition.variables)
                if is_number(value):
                    is_decimal = is_decimal or type(value) is Decimal128
                    exact = pack_decimal(to_decimal(value))
                    if average is None:
                        average = exact
                    else:
                        average = add_widening(multiply_widening(exact, weight), multiply_widening(average, rest))
                yield average if average is None or is_decimal else to_double(average)

        return run


@window_function("$expMovingAvg")
def parse_moving_average(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """The mean of the values so far, where later ones weigh more.

    argument   {input: expression, N: whole number above zero} for a weight of 2 / (N + 1), or
               {input: expression, alpha: the weight, between 0 and 1}; no window
    result     double, or decimal once there was one; null before the first number; other values are passed over
    errors     the AVERAGE_ conditions
    source     manual, $expMovingAvg
    """
    argument = spec["$expMovingAvg"]
    if len(spec) != 1 or type(argument) is not dict:
        raise errors.AVERAGE_NOT_OBJECT()
    if len(argument) != 2 or "input" not in argument:
        raise errors.AVERAGE_FIELDS()
    if setting.sort is None:
        raise errors.AVERAGE_SORT()
    value = setting.parse(argument["input"])
    if "N" in argument:
        return MovingAverage(value, divide(Decimal128("2"), _parse_n(argument["N"]) + 1))
    if "alpha" not in argument:
        raise errors.AVERAGE_FIELDS()
    alpha = argument["alpha"]
    if not is_number(alpha):
        raise errors.AVERAGE_ALPHA_TYPE()
    weight = to_decimal(alpha)
    if weight.is_nan() or not 0 < weight < 1:
        raise errors.AVERAGE_ALPHA_RANGE(value=shown(alpha))
    return MovingAverage(value, pack_decimal(weight))


def _parse_n(value: Any) -> int:
    if not is_number(value):
        raise errors.AVERAGE_N_TYPE(kind=alias(value))
    double = to_double(value)
    if double != double or (abs(double) < 2**63 and not double.is_integer()):
        raise errors.AVERAGE_N_WHOLE(value=shown(value))
    count = truncated_integer(value)
    if count <= 0:
        raise errors.AVERAGE_N_POSITIVE(value=count)
    return count


def _parse_alone(name: str, spec: dict[str, Any], setting: Setting) -> Expression:
    """The argument of a function that takes an expression and no window.

    errors   TWO_FUNCTIONS, UNKNOWN_ARGUMENT, WINDOW_NOT_ALLOWED
    """
    value: Expression | None = None
    for field, given in spec.items():
        if field in WINDOW_FUNCTIONS:
            if value is not None:
                raise errors.TWO_FUNCTIONS()
            value = setting.parse(given)
        elif field != "window":
            raise errors.UNKNOWN_ARGUMENT(field=field)
    if "window" in spec:
        raise errors.WINDOW_NOT_ALLOWED(name=name)
    assert value is not None
    return value


@dataclass(frozen=True, slots=True)
class LastObserved(WindowFunction):
    """$locf."""

    input: Expression

    def bind(self) -> Run:
        evaluate = self.input.bind()

        def run(partition: Partition) -> Iterator[Any]:
            last: Any = None
            for document in partition.interrupt.watch(partition.documents):
                value = evaluate(document, partition.variables)
                if not is_nullish(value):
                    last = value
                yield last

        return run


@window_function("$locf")
def parse_last_observed(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """The last value that was not null or missing.

    argument   an expression; no window
    result     the value; null before the first one
    errors     TWO_FUNCTIONS, UNKNOWN_ARGUMENT, WINDOW_NOT_ALLOWED
    source     manual, $locf
    """
    return LastObserved(_parse_alone("$locf", spec, setting))


Point = tuple[Any, Any]
"""(what a document sorts by, its value)."""


@dataclass(frozen=True, slots=True)
class Interpolated(WindowFunction):
    """$linearFill."""

    input: Expression
    sorted_by: Expression

    def bind(self) -> Run:
        evaluate, place_of = self.input.bind(), self.sorted_by.bind()

        def run(partition: Partition) -> Iterator[Any]:
            before: Point | None = None
            behind: Point | None = None
            searched, last = 0, MISSING
            for current, document in enumerate(partition.interrupt.watch(partition.documents)):
                value = evaluate(document, partition.variables)
                place = place_of(document, partition.variables)
                _check_point(place, value, last)
                last = place
                if not is_nullish(value):
                    before, behind = (place, value), None
                    yield value
                    continue
                if before is not None and behind is None and searched <= current:
                    behind, searched = _next_point(partition, current + 1, evaluate, place_of)
                yield None if before is None or behind is None else _between(before, behind, place)

        return run


def _check_point(place: Any, value: Any, last: Any) -> None:
    """Refuse a document that no line can be drawn through.

    errors   FILL_INPUT_TYPE, FILL_SORT_TYPE, FILL_SORT_REPEATED, FILL_SORT_MIXED
    """
    if not is_number(value) and not is_nullish(value):
        raise errors.FILL_INPUT_TYPE(kind=alias(value))
    if not is_number(place) and not _is_moment(place):
        raise errors.FILL_SORT_TYPE(kind=alias(place))
    if last is MISSING:
        return
    if compare(place, last) == 0:
        raise errors.FILL_SORT_REPEATED()
    if is_number(place) != is_number(last):
        raise errors.FILL_SORT_MIXED(before=alias(last), kind=alias(place))


def _is_moment(value: Any) -> bool:
    """Whether a value can be read as a date."""
    return isinstance(value, DatetimeMS | Timestamp | ObjectId)


def _next_point(partition: Partition, first: int, evaluate: Evaluate, place_of: Evaluate) -> tuple[Point | None, int]:
    """The next document with a value, and where the search ended (it is not begun again before that)."""
    documents, variables = partition.documents, partition.variables
    for current in partition.interrupt.watch(range(first, len(documents))):
        value = evaluate(documents[current], variables)
        if not is_nullish(value):
            place = place_of(documents[current], variables)
            if not is_nullish(place):
                return (place, value), current
    return None, len(documents)


def _between(before: Point, behind: Point, place: Any) -> Any:
    """The value at a place on the line between two points."""
    slope = quotient(subtract(behind[1], before[1]), subtract(behind[0], before[0]))
    return add([before[1], multiply([subtract(place, before[0]), slope])])


@window_function("$linearFill")
def parse_linear_fill(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """Null and missing values replaced by those on the line between their neighbours.

    argument   an expression: a number, null or missing; no window
    result     the value where there is one; in between a double or decimal; null before the first and behind the last
    errors     the FILL_ conditions, TWO_FUNCTIONS, UNKNOWN_ARGUMENT, WINDOW_NOT_ALLOWED
    source     manual, $linearFill
    """
    value = _parse_alone("$linearFill", spec, setting)
    if not setting.has_single_sort:
        raise errors.FILL_SORT(name="$linearFill")
    return Interpolated(value, setting.sorted_by())
