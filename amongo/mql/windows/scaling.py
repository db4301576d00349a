"""$minMaxScaler: where a value stands between the smallest and the largest of its window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import command as command_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Expression, Literal
from amongo.mql.expressions.arithmetic import add, multiply, subtract
from amongo.mql.windows.bounds import WHOLE, Bounds, Edge, parse_bounds
from amongo.mql.windows.folds import begins_with_partition, ranged
from amongo.mql.windows.frames import bind_frames
from amongo.mql.windows.held import SlidingRange
from amongo.mql.windows.moving import grow, slide
from amongo.mql.windows.registry import Partition, Run, Setting, WindowFunction, window_function
from amongo.values.numbers import divide, to_double
from amongo.values.order import compare
from amongo.values.types import alias, is_number


@dataclass(frozen=True, slots=True)
class Scaled(WindowFunction):
    """A value moved and stretched so that the window reaches from `least` to `most`."""

    input: Expression
    bounds: Bounds
    sorted_by: Expression | None
    least: Any
    most: Any

    def bind(self) -> Run:
        evaluate, frames = self.input.bind(), bind_frames(self.bounds, self.sorted_by)
        least, span = self.least, subtract(self.most, self.least)
        keeps_all = begins_with_partition(self.bounds)

        def number(document: dict[str, Any], variables: Any) -> Any:
            value = evaluate(document, variables)
            if not is_number(value):
                raise errors.SCALER_INPUT(kind=alias(value))
            return value

        def run(partition: Partition) -> Iterator[Any]:
            if keeps_all:
                ranges = grow(partition, frames, number, SlidingRange())
            else:
                ranges = slide(partition, frames, number, SlidingRange)
            for document, (smallest, largest) in zip(partition.documents, ranges, strict=True):
                if compare(smallest, largest) == 0:
                    yield least
                    continue
                value = number(document, partition.variables)
                share = divide(subtract(value, smallest), subtract(largest, smallest))
                yield add([multiply([share, span]), least])

        return run


@window_function("$minMaxScaler")
def parse_min_max_scaler(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """Where a value stands between the smallest and the largest of the window, from 0 to 1.

    argument   {input: number}; with {min, max}, two constants, from the one to the other instead; the window has to
               hold the current document
    result     double or decimal; the lower end where the window has one value only
    errors     the SCALER_ conditions, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, those of the bounds
    source     manual, $minMaxScaler
    """
    for field, value in spec.items():
        if field not in ("$minMaxScaler", "window"):
            raise command_errors.UNKNOWN_FIELD(command="root", field=field)
        if type(value) is not dict:
            raise command_errors.WRONG_TYPE(command="root", field=field, actual=alias(value), expected="type 'object'")
        for name in value if field == "$minMaxScaler" else ():
            if name not in ("input", "min", "max"):
                raise command_errors.UNKNOWN_FIELD(command="root.$minMaxScaler", field=name)
    argument = spec["$minMaxScaler"]
    if "input" not in argument:
        raise command_errors.MISSING_FIELD(command="root.$minMaxScaler", field="input")
    bounds = parse_bounds(spec["window"], setting) if "window" in spec else WHOLE
    _check_bounds(bounds)
    value = setting.parse(argument["input"])
    if ("min" in argument) != ("max" in argument):
        raise errors.SCALER_HALF()
    least, most = 0, 1
    if "min" in argument:
        least, most = (_parse_constant(name, argument[name], setting) for name in ("min", "max"))
        if compare(least, most) >= 0:
            raise errors.SCALER_ORDER()
    return Scaled(value, bounds, ranged(bounds, setting), least, most)


def _check_bounds(bounds: Bounds) -> None:
    """Refuse a window without the current document.

    errors   SCALER_BOUND
    """
    lower, upper = bounds.lower, bounds.upper
    if lower is not None and not isinstance(lower, Edge) and to_double(lower) > 0:
        raise errors.SCALER_BOUND(side="Lower", relation="greater", value=f"{to_double(lower):.6f}")
    if upper is not None and not isinstance(upper, Edge) and to_double(upper) < 0:
        raise errors.SCALER_BOUND(side="Upper", relation="less", value=f"{to_double(upper):.6f}")


def _parse_constant(field: str, spec: Any, setting: Setting) -> Any:
    folded = setting.parse(spec).fold()
    if not isinstance(folded, Literal):
        raise errors.SCALER_NOT_CONSTANT(field=field)
    if not is_number(folded.value):
        raise errors.SCALER_NOT_NUMBER(field=field)
    return folded.value
