"""Folds over frames: a frame that only grows takes values in; one that slides gives the oldest back as well.

Either way each document is taken in once and given back once: the time is that of the partition, not that of the
partition times the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from amongo.mql.accumulators import Accumulator
from amongo.mql.expressions import Evaluate
from amongo.mql.windows.frames import Frames
from amongo.mql.windows.registry import Partition

_MANY: Final = 64
_WIDE: Final = 1000  # a frame whose result may take long to make


class Sliding(Protocol):
    """The state of a fold that can give values back, in the order in which it took them in."""

    def add(self, value: Any) -> None:
        """Take in a value, or MISSING."""
        ...

    def remove(self, value: Any) -> None:
        """Give back the oldest value, which this is."""
        ...

    def result(self) -> Any:
        """The fold of the values that are in."""
        ...


def grow(partition: Partition, frames: Frames, evaluate: Evaluate, fold: Accumulator) -> Iterator[Any]:
    """The fold of each frame, where frames begin at the beginning.

    result   one value for each document; the same object for frames that hold the same documents
    """
    taken, result = 0, fold.result()
    documents, variables = partition.documents, partition.variables
    for _, end in partition.interrupt.watch(frames(partition)):
        if end > taken:
            for place in _places(taken, end, partition):
                fold.add(evaluate(documents[place], variables))
            if end > _WIDE:
                partition.interrupt.check()
            taken, result = end, fold.result()
        yield result


def slide(partition: Partition, frames: Frames, evaluate: Evaluate, make: Callable[[], Sliding]) -> Iterator[Any]:
    """The fold of each frame, where both ends move.

    order    what comes in is added before what falls out is removed, as in the server: rounding shows it
    """
    fold = make()
    result = fold.result()
    documents, variables = partition.documents, partition.variables
    inside: deque[Any] = deque()
    start = end = 0
    for new_start, new_end in partition.interrupt.watch(frames(partition)):
        if (new_start, new_end) == (start, end):
            yield result
            continue
        if new_start >= new_end:
            for _ in _places(0, len(inside), partition):
                fold.remove(inside.popleft())
            start = end = new_start
        else:
            if not inside:
                start = end = new_start
            for place in _places(end, new_end, partition):
                value = evaluate(documents[place], variables)
                inside.append(value)
                fold.add(value)
            for _ in _places(start, new_start, partition):
                fold.remove(inside.popleft())
            start, end = new_start, new_end
            if end - start > _WIDE:
                partition.interrupt.check()
        result = fold.result()
        yield result


def _places(first: int, end: int, partition: Partition) -> Iterable[int]:
    """The places from one to before another, with checks in between where they are many."""
    places = range(first, end)
    return places if end - first < _MANY else partition.interrupt.watch(places)
