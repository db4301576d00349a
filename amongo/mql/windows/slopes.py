"""$derivative and $integral: how a value changes with what the documents are sorted by, and the area below it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.errors import date as date_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Expression
from amongo.mql.expressions.arithmetic import add, multiply, subtract
from amongo.mql.expressions.date.units import DAYS, FIXED_MS, UNITS
from amongo.mql.expressions.nodes import ArrayExpression
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.windows.bounds import WHOLE, Bounds
from amongo.mql.windows.folds import begins_with_partition, parse_bounded, ranged
from amongo.mql.windows.frames import bind_frames
from amongo.mql.windows.moving import grow, slide
from amongo.mql.windows.registry import Partition, Run, Setting, WindowFunction, window_function
from amongo.mql.windows.sums import SlidingSum
from amongo.values.numbers import divide, is_nan
from amongo.values.order import compare
from amongo.values.types import alias, is_number
from amongo.values.wording import shown

_DAY_MS: Final = 24 * FIXED_MS["hour"]


@dataclass(frozen=True, slots=True)
class Slope(WindowFunction):
    """$derivative: the difference of the values at both ends of the window over the difference of what they sort by.

    unit_ms   the unit of time in milliseconds; None for documents that sort by numbers
    """

    input: Expression
    sorted_by: Expression
    bounds: Bounds
    unit_ms: int | None

    def bind(self) -> Run:
        height, width, unit_ms = self.input.bind(), self.sorted_by.bind(), self.unit_ms
        frames = bind_frames(self.bounds, self.sorted_by)

        def run(partition: Partition) -> Iterator[Any]:
            documents, variables = partition.documents, partition.variables
            for start, end in partition.interrupt.watch(frames(partition)):
                if start == end:
                    yield None
                    continue
                left, right = documents[start], documents[end - 1]
                distance = _distance(width(left, variables), width(right, variables), unit_ms)
                difference = subtract(height(right, variables), height(left, variables))
                if is_nullish(difference):
                    raise errors.DERIVATIVE_NULL()
                if compare(distance, 0) == 0:
                    yield None
                    continue
                slope = divide(difference, distance)
                yield slope if unit_ms is None else multiply([slope, Int64(unit_ms)])

        return run


def _distance(left: Any, right: Any, unit_ms: int | None) -> Any:
    """How far apart two documents are: a number, or milliseconds.

    errors   DERIVATIVE_NOT_DATE, DERIVATIVE_DATE, DERIVATIVE_NOT_NUMBER
    """
    are_dates = [type(value) is DatetimeMS for value in (left, right)]
    if unit_ms is not None:
        if not all(are_dates):
            raise errors.DERIVATIVE_NOT_DATE()
    elif any(are_dates):
        raise errors.DERIVATIVE_DATE()
    elif not (is_number(left) and is_number(right)):
        raise errors.DERIVATIVE_NOT_NUMBER()
    return subtract(right, left)


class Area:
    """The integral of the points in the window, by the trapezoidal rule; NaN while a point has one."""

    __slots__ = ("_area", "_nan", "_points", "_unit_ms")

    def __init__(self, unit_ms: int | None) -> None:
        self._unit_ms = unit_ms
        self._area = SlidingSum()
        self._points: deque[Any] = deque()
        self._nan = 0

    def add(self, value: Any) -> None:
        """Take in a point.

        errors   INTEGRAL_INPUT, INTEGRAL_NOT_DATE, INTEGRAL_NOT_NUMBER
        """
        self._check(value)
        self._nan += _has_nan(value)
        if self._points:
            self._area.add(_trapezoid(self._points[-1], value))
        self._points.append(value)

    def remove(self, value: Any) -> None:
        """Give back the oldest point."""
        self._nan -= _has_nan(value)
        self._points.popleft()
        if self._points:
            self._area.remove(_trapezoid(value, self._points[0]))

    def _check(self, value: Any) -> None:
        place, height = value
        is_date = type(place) is DatetimeMS
        if not is_number(height) or not (is_date or is_number(place)):
            raise errors.INTEGRAL_INPUT()
        if self._unit_ms is not None and not is_date:
            raise errors.INTEGRAL_NOT_DATE()
        if self._unit_ms is None and is_date:
            raise errors.INTEGRAL_NOT_NUMBER()

    def result(self) -> Any:
        """The area; None for no points, 0 for one."""
        if not self._points:
            return None
        if self._nan:
            return math.nan
        area = self._area.result()
        return area if self._unit_ms is None else divide(area, Int64(self._unit_ms))


def _has_nan(point: Any) -> bool:
    return any(is_nan(part) for part in point)


def _trapezoid(left: Any, right: Any) -> Any:
    """The area between two points; none next to a NaN, or between a date and a number."""
    if _has_nan(left) or _has_nan(right) or (type(left[0]) is DatetimeMS) != (type(right[0]) is DatetimeMS):
        return 0
    return divide(multiply([add([right[1], left[1]]), subtract(right[0], left[0])]), 2.0)


@dataclass(frozen=True, slots=True)
class AreaBelow(WindowFunction):
    """$integral."""

    point: Expression
    sorted_by: Expression | None
    bounds: Bounds
    unit_ms: int | None

    def bind(self) -> Run:
        evaluate, frames, unit_ms = self.point.bind(), bind_frames(self.bounds, self.sorted_by), self.unit_ms
        keeps_all = begins_with_partition(self.bounds)

        def run(partition: Partition) -> Iterator[Any]:
            if keeps_all:
                return grow(partition, frames, evaluate, Area(unit_ms))
            return slide(partition, frames, evaluate, lambda: Area(unit_ms))

        return run


@window_function("$derivative")
def parse_derivative(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """The average rate of change within the window.

    argument   {input: number, unit: "week" or smaller, if the documents sort by dates}; bounds have to be given
    result     double or decimal, per unit; null for an empty window and where both ends sort alike
    errors     the SLOPE_ and DERIVATIVE_ conditions, UNEXPECTED_ARGUMENT, those of the bounds and of $subtract
    source     manual, $derivative
    """
    _check_sort("$derivative", setting)
    argument, bounds = parse_bounded("$derivative", spec, setting, lambda value: value)
    value, unit_ms = _parse_argument("$derivative", argument, setting)
    if bounds is None:
        raise errors.DERIVATIVE_WINDOW()
    return Slope(value, setting.sorted_by(), bounds, unit_ms)


@window_function("$integral")
def parse_integral(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """The area below the values, by the trapezoidal rule.

    argument   {input: number, unit: "week" or smaller, if the documents sort by dates}
    result     a number, by unit; 0 for one document, null for an empty window, NaN where a NaN is in the window
    errors     the SLOPE_ and INTEGRAL_ conditions, UNEXPECTED_ARGUMENT, those of the bounds
    source     manual, $integral
    """
    _check_sort("$integral", setting)
    argument, bounds = parse_bounded("$integral", spec, setting, lambda value: value)
    value, unit_ms = _parse_argument("$integral", argument, setting)
    bounds = bounds or WHOLE
    point = ArrayExpression((setting.sorted_by(), value))
    return AreaBelow(point, ranged(bounds, setting), bounds, unit_ms)


def _check_sort(name: str, setting: Setting) -> None:
    if setting.sort is None:
        raise errors.SLOPE_SORT(name=name)
    if not setting.has_single_sort:
        raise errors.SLOPE_COMPOUND_SORT(name=name)
    if setting.is_sort_by_metadata:
        raise errors.SLOPE_EXPRESSION_SORT(name=name)


def _parse_argument(name: str, argument: Any, setting: Setting) -> tuple[Expression, int | None]:
    """(input, the unit in milliseconds or None)."""
    if type(argument) is not dict:
        raise errors.SLOPE_NOT_OBJECT(name=name, kind=alias(argument), value=f"{name}: {shown(argument)}")
    value: Expression | None = None
    unit_ms: int | None = None
    for field, given in argument.items():
        if field == "input":
            value = setting.parse(given)
        elif field == "unit":
            unit_ms = _parse_unit(given)
        else:
            raise errors.UNEXPECTED_ARGUMENT(name=name, field=field)
    if value is None:
        raise errors.SLOPE_WITHOUT_INPUT(name=name)
    return value, unit_ms


def _parse_unit(value: Any) -> int:
    if type(value) is not str:
        raise errors.SLOPE_UNIT_TYPE(kind=alias(value))
    if value not in UNITS:
        raise date_errors.UNKNOWN_UNIT(unit=value)
    unit_ms = FIXED_MS.get(value) or DAYS.get(value, 0) * _DAY_MS
    if not unit_ms:
        raise errors.SLOPE_UNIT_SIZE()
    return unit_ms
