"""Window functions of a document's place: $rank, $denseRank, $documentNumber, $shift, $first, $last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import window as errors
from amongo.mql.expressions import Expression, Literal
from amongo.mql.sort_keys import SortPattern
from amongo.mql.windows.bounds import WHOLE, Bounds, DocumentBounds
from amongo.mql.windows.folds import parse_bounded, ranged
from amongo.mql.windows.frames import bind_frames
from amongo.mql.windows.registry import (
    WINDOW_FUNCTIONS,
    Parse,
    Partition,
    Run,
    Setting,
    WindowFunction,
    window_function,
)
from amongo.values.numbers import exact_int, number
from amongo.values.order import Collator
from amongo.values.wording import shown

NextRank = Callable[[int, int], int]
"""(the rank before, the document's number) -> the rank of a document that sorts behind the one before."""


@dataclass(frozen=True, slots=True)
class Ranked(WindowFunction):
    """$rank, $denseRank: the same for documents that sort alike.

    next_rank   None counts every document
    """

    pattern: SortPattern
    collator: Collator | None
    next_rank: NextRank | None

    def bind(self) -> Run:
        pattern, collator, next_rank = self.pattern, self.collator, self.next_rank

        def run(partition: Partition) -> Iterator[Any]:
            rank, last = 0, None
            for place, document in enumerate(partition.interrupt.watch(partition.documents), 1):
                if next_rank is None:
                    rank = place
                else:
                    key = pattern.key(document, collator)
                    if key != last:
                        rank, last = next_rank(rank, place), key
                yield number(rank)

        return run


def _rank_parser(name: str, next_rank: NextRank | None) -> Parse:
    def parse(spec: dict[str, Any], setting: Setting) -> WindowFunction:
        """A document's place in its partition.

        argument   {}; no window
        result     int from 1; $rank leaves gaps behind documents that sort alike, $denseRank does not,
                   $documentNumber tells even those apart
        errors     RANK_ALONE, RANK_ARGUMENT, RANK_SORT
        source     manual, $rank, $denseRank, $documentNumber
        """
        if len(spec) != 1:
            raise errors.RANK_ALONE()
        if spec[name] != {} or type(spec[name]) is not dict:
            raise errors.RANK_ARGUMENT(name=name)
        if setting.sort is None or not setting.has_single_sort:
            raise errors.RANK_SORT(name=name)
        return Ranked(setting.sort, setting.scope.collator, next_rank)

    return parse


window_function("$rank")(_rank_parser("$rank", lambda rank, place: place))
window_function("$denseRank")(_rank_parser("$denseRank", lambda rank, place: rank + 1))
window_function("$documentNumber")(_rank_parser("$documentNumber", None))


@dataclass(frozen=True, slots=True)
class AtEnd(WindowFunction):
    """The value of the document at one end of the window.

    default   what there is for an empty window
    """

    output: Expression
    bounds: Bounds
    sorted_by: Expression | None
    is_last: bool = False
    default: Any = None

    def bind(self) -> Run:
        evaluate, frames = self.output.bind(), bind_frames(self.bounds, self.sorted_by)
        is_last, default = self.is_last, self.default

        def run(partition: Partition) -> Iterator[Any]:
            documents, variables = partition.documents, partition.variables
            for start, end in partition.interrupt.watch(frames(partition)):
                if start == end:
                    yield default
                else:
                    yield evaluate(documents[end - 1 if is_last else start], variables)

        return run


def _end_parser(name: str, is_last: bool) -> Parse:
    def parse(spec: dict[str, Any], setting: Setting) -> WindowFunction:
        """The value of the first (or last) document of the window.

        argument   an expression
        result     its value; missing where that is missing; null for an empty window
        errors     UNEXPECTED_ARGUMENT, those of the bounds
        source     manual, $first, $last (aggregation)
        """
        output, bounds = parse_bounded(name, spec, setting, setting.parse)
        bounds = bounds or WHOLE
        return AtEnd(output, bounds, ranged(bounds, setting), is_last)

    return parse


window_function("$first")(_end_parser("$first", False))
window_function("$last")(_end_parser("$last", True))


@window_function("$shift")
def parse_shift(spec: dict[str, Any], setting: Setting) -> WindowFunction:
    """The value of the document so many places on.

    argument   {output: expression, by: whole number, negative for before, default: constant}; no window
    result     the value; the default (null) outside the partition
    errors     the SHIFT_ conditions, TWO_FUNCTIONS, UNKNOWN_ARGUMENT
    source     manual, $shift
    """
    parsed: AtEnd | None = None
    for field, value in spec.items():
        if field == "window":
            raise errors.SHIFT_WINDOW()
        if field not in WINDOW_FUNCTIONS:
            raise errors.UNKNOWN_ARGUMENT(field=field)
        if parsed is not None:
            raise errors.TWO_FUNCTIONS()
        if type(value) is not dict:
            raise errors.SHIFT_NOT_OBJECT()
        parsed = _parse_shift_argument(value, setting)
    if setting.sort is None:
        raise errors.SHIFT_SORT()
    assert parsed is not None
    return parsed


def _parse_shift_argument(argument: dict[str, Any], setting: Setting) -> AtEnd:
    output: Expression | None = None
    by: int | None = None
    default: Any = None
    for field, value in argument.items():
        if field == "output":
            output = setting.parse(value)
        elif field == "default":
            folded = setting.parse(value).fold()
            if not isinstance(folded, Literal):
                raise errors.SHIFT_DEFAULT()
            default = folded.value
        elif field == "by":
            by = exact_int(value)
            if by is None:
                raise errors.SHIFT_BY(value=shown(value))
        else:
            raise errors.SHIFT_UNKNOWN_FIELD()
    if output is None:
        raise errors.SHIFT_WITHOUT_OUTPUT()
    if by is None:
        raise errors.SHIFT_WITHOUT_BY()
    return AtEnd(output, DocumentBounds(by, by), None, default=default)
