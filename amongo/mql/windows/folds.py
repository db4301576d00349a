"""The accumulators as window functions.

A window that begins with its partition is folded by the accumulator itself; any other by a fold that can give values
back. The two differ in little things, as they do in the server: a standard deviation over an infinity is NaN in the
first and null in the second, and sets are ordered in the second alone. Percentiles are exact in both: the values of a
partition are at hand, and to approximate them for each document anew would take longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from amongo.errors import window as errors
from amongo.mql.accumulators import ACCUMULATORS, Accumulation, Accumulator
from amongo.mql.accumulators.quantiles import QuantileAccumulation
from amongo.mql.accumulators.registry import DOCUMENTATION as ACCUMULATOR_DOCUMENTATION
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.several import Several
from amongo.mql.expressions import Expression
from amongo.mql.expressions.first_n import read_count
from amongo.mql.windows.bounds import UNBOUNDED, WHOLE, Bounds, DocumentBounds, RangeBounds, parse_bounds
from amongo.mql.windows.frames import bind_frames
from amongo.mql.windows.held import (
    SlidingArrays,
    SlidingEnds,
    SlidingExtreme,
    SlidingExtremes,
    SlidingList,
    SlidingQuantiles,
    SlidingSet,
    SlidingTop,
)
from amongo.mql.windows.moving import Sliding, grow, slide
from amongo.mql.windows.registry import (
    WINDOW_FUNCTIONS,
    Parse,
    Partition,
    Run,
    Setting,
    WindowFunction,
    register,
    window_function,
)
from amongo.mql.windows.sums import SlidingAverage, SlidingCovariance, SlidingDeviation, SlidingSum
from amongo.values.order import Collator

Variables = Mapping[str, Any]
MakeSliding = Callable[[Accumulation, Collator | None, Variables], Sliding]


def begins_with_partition(bounds: Bounds) -> bool:
    """Whether no document ever falls out of the window."""
    return bounds.lower is None if isinstance(bounds, DocumentBounds) else bounds.lower is UNBOUNDED


@dataclass(frozen=True, slots=True)
class Folded(WindowFunction):
    """A fold of what the window holds.

    accumulation   the fold where nothing falls out
    make           begins the fold where something does
    sorted_by      what range bounds are about
    """

    accumulation: Accumulation
    make: MakeSliding
    bounds: Bounds
    sorted_by: Expression | None
    collator: Collator | None

    def bind(self) -> Run:
        accumulation, make, collator = self.accumulation, self.make, self.collator
        frames = bind_frames(self.bounds, self.sorted_by)
        # the own bind of an accumulator with a count checks it as a group does, with another error
        evaluate = accumulation.argument.bind() if isinstance(accumulation, Several) else accumulation.bind()
        keeps_all = begins_with_partition(self.bounds)

        def run(partition: Partition) -> Iterator[Any]:
            if keeps_all:
                return grow(partition, frames, evaluate, _begin(accumulation, partition.variables))
            return slide(partition, frames, evaluate, lambda: make(accumulation, collator, partition.variables))

        return run


def _begin(accumulation: Accumulation, variables: Variables) -> Accumulator:
    if isinstance(accumulation, Several):
        return accumulation.make(_count_of(accumulation, variables))
    if isinstance(accumulation, QuantileAccumulation):
        return SlidingQuantiles(accumulation.quantiles)
    return accumulation.create(None, variables)


def _count_of(accumulation: Accumulation, variables: Variables) -> int:
    """How many values an accumulator with a count keeps.

    errors   N_TYPE, N_NOT_WHOLE, N_NOT_POSITIVE
    """
    assert isinstance(accumulation, Several)
    return read_count(accumulation.count.bind()({}, variables))


def parse_bounded(
    name: str, spec: dict[str, Any], setting: Setting, read: Callable[[Any], Any], *, knows_functions: bool = False
) -> tuple[Any, Bounds | None]:
    """Read an output field with one function and perhaps a window, field by field.

    read              what the function's argument is made into
    knows_functions   whether a second function is told apart from other fields
    result            what was read, and the bounds or None
    errors            TWO_FUNCTIONS, UNKNOWN_ARGUMENT, UNEXPECTED_ARGUMENT, those of `parse_bounds` and of `read`
    """
    argument: Any = None
    bounds: Bounds | None = None
    for field, value in spec.items():
        if field == "window":
            bounds = parse_bounds(value, setting)
        elif field == name:
            argument = read(value)
        elif not knows_functions:
            raise errors.UNEXPECTED_ARGUMENT(name=name, field=field)
        elif field in WINDOW_FUNCTIONS:
            raise errors.TWO_FUNCTIONS()
        else:
            raise errors.UNKNOWN_ARGUMENT(field=field)
    return argument, bounds


def ranged(bounds: Bounds, setting: Setting) -> Expression | None:
    """The value that range bounds are about; None for others."""
    return setting.sorted_by() if isinstance(bounds, RangeBounds) else None


def _register_fold(name: str, make: MakeSliding, *, knows_functions: bool = True) -> None:
    """Register an accumulator as a window function.

    knows_functions   as for `parse_bounded`
    """
    parse_argument = ACCUMULATORS[name]

    def parse(spec: dict[str, Any], setting: Setting) -> WindowFunction:
        accumulation, bounds = parse_bounded(
            name, spec, setting, lambda value: parse_argument(value, setting.scope), knows_functions=knows_functions
        )
        bounds = bounds or WHOLE
        return Folded(accumulation, make, bounds, ranged(bounds, setting), setting.scope.collator)

    register(name, parse, ACCUMULATOR_DOCUMENTATION[name])


_register_fold("$sum", lambda accumulation, collator, variables: SlidingSum())
_register_fold("$avg", lambda accumulation, collator, variables: SlidingAverage())
_register_fold("$stdDevPop", lambda accumulation, collator, variables: SlidingDeviation(is_sample=False))
_register_fold("$stdDevSamp", lambda accumulation, collator, variables: SlidingDeviation(is_sample=True))
_register_fold("$min", lambda accumulation, collator, variables: SlidingExtreme(collator, is_max=False))
_register_fold("$max", lambda accumulation, collator, variables: SlidingExtreme(collator, is_max=True))
_register_fold("$push", lambda accumulation, collator, variables: SlidingList())
_register_fold("$addToSet", lambda accumulation, collator, variables: SlidingSet(collator))
_register_fold("$concatArrays", lambda accumulation, collator, variables: SlidingArrays())
_register_fold("$setUnion", lambda accumulation, collator, variables: SlidingSet(collator, of_arrays=True))


def _several(make: Callable[[int, Collator | None], Sliding]) -> MakeSliding:
    return lambda accumulation, collator, variables: make(_count_of(accumulation, variables), collator)


def _register_several(name: str, make: Callable[[int, Collator | None], Sliding]) -> None:
    _register_fold(name, _several(make), knows_functions=False)


_register_several("$minN", lambda count, collator: SlidingExtremes(count, collator, is_max=False))
_register_several("$maxN", lambda count, collator: SlidingExtremes(count, collator, is_max=True))
_register_several("$firstN", lambda count, collator: SlidingEnds(count, is_last=False))
_register_several("$lastN", lambda count, collator: SlidingEnds(count, is_last=True))
_register_several("$top", lambda count, collator: SlidingTop(count, is_bottom=False, is_single=True))
_register_several("$topN", lambda count, collator: SlidingTop(count, is_bottom=False, is_single=False))
_register_several("$bottom", lambda count, collator: SlidingTop(count, is_bottom=True, is_single=True))
_register_several("$bottomN", lambda count, collator: SlidingTop(count, is_bottom=True, is_single=False))


def _sliding_quantiles(accumulation: Accumulation, collator: Collator | None, variables: Variables) -> Sliding:
    assert isinstance(accumulation, QuantileAccumulation)
    return SlidingQuantiles(accumulation.quantiles)


_register_fold("$median", _sliding_quantiles, knows_functions=False)
_register_fold("$percentile", _sliding_quantiles, knows_functions=False)


@window_function("$count")
def parse_count(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """How many documents the window holds.

    argument   {}
    result     int
    errors     COUNT_ARGUMENT, TWO_FUNCTIONS, UNKNOWN_ARGUMENT, those of the bounds
    source     manual, $count (aggregation accumulator)
    """

    def read(argument: Any) -> Accumulation:
        if type(argument) is not dict or argument:
            raise errors.COUNT_ARGUMENT()
        return ACCUMULATORS["$sum"](1, setting.scope)

    ones, bounds = parse_bounded("$count", spec, setting, read, knows_functions=True)
    bounds = bounds or WHOLE
    return Folded(ones, lambda *_: SlidingSum(), bounds, ranged(bounds, setting), None)


def _covariance_parser(name: str, is_sample: bool) -> Parse:
    def parse(spec: dict[str, Any], setting: Setting) -> WindowFunction:
        """How two numbers vary together.

        argument   an expression that gives [number, number], both finite or not; other values are passed over
        result     double, or decimal if any was one; null for too few pairs
        errors     TWO_FUNCTIONS, UNKNOWN_ARGUMENT, those of the bounds
        source     manual, $covariancePop, $covarianceSamp
        """

        def begin() -> SlidingCovariance:
            return SlidingCovariance(is_sample=is_sample)

        pair, bounds = parse_bounded(name, spec, setting, setting.parse, knows_functions=True)
        bounds = bounds or WHOLE
        return Folded(Unary(begin, pair, False), lambda *_: begin(), bounds, ranged(bounds, setting), None)

    return parse


window_function("$covariancePop")(_covariance_parser("$covariancePop", False))
window_function("$covarianceSamp")(_covariance_parser("$covarianceSamp", True))
