"""Timing two things side by side: short rounds, and the median over the rounds.

A round times the operation, the limit, the limit again and the operation again, one right after the other, and takes
its ratio of the sums: what slows the machine down for a while hits both sides, and being first or second evens out.
What hits one side alone (the scheduler took the core away) is an outlier that the median leaves out. The garbage
collector stays on, as it is in a user's program; a collection before each operation lets them begin alike.
"""

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Timings of an operation and of its limit, one of each a round, in nanoseconds for one unit of work."""

    operation_ns: Sequence[float]
    limit_ns: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Operation over limit, one number a round."""
        return [mine / least for mine, least in zip(self.operation_ns, self.limit_ns, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios: what is held against the budget."""
        return statistics.median(self.ratios)

    def note(self, what: str = "codec") -> str:
        """The figures behind the ratio: both medians in microseconds, and the middle half of the ratios."""
        mine = statistics.median(self.operation_ns) / 1000
        least = statistics.median(self.limit_ns) / 1000
        quarter, _, three_quarters = statistics.quantiles(self.ratios, n=4)
        return f"{mine:.2f} µs, {what} {least:.2f} µs, half of the rounds {quarter:.3g} to {three_quarters:.3g}"


async def compare(
    *,
    operation: Callable[[], Awaitable[object]],
    limit: Callable[[], object],
    before_operation: Callable[[], object],
    units: int,
    rounds: int,
) -> Comparison:
    """Time `operation` and `limit` in rounds; one round more is run first and dropped.

    operation          does `units` units of work through the store; its result lives until it is timed
    limit              does the same units with the codec alone
    before_operation   untimed preparation of what both consume
    units              units of work in one timing
    rounds             rounds that count, at least 2
    """

    async def timed_limit() -> int:
        return _timed(limit)

    return await _in_rounds(operation, timed_limit, before_operation, units, rounds)


async def compare_operations(
    *,
    operation: Callable[[], Awaitable[object]],
    other: Callable[[], Awaitable[object]],
    before_operation: Callable[[], object],
    units: int,
    rounds: int,
) -> Comparison:
    """Like `compare`, with another operation through the store in the place of the limit."""

    async def timed_other() -> int:
        return await _timed_async(other)

    return await _in_rounds(operation, timed_other, before_operation, units, rounds)


async def _in_rounds(
    operation: Callable[[], Awaitable[object]],
    timed_limit: Callable[[], Awaitable[int]],
    before_operation: Callable[[], object],
    units: int,
    rounds: int,
) -> Comparison:
    operation_ns: list[float] = []
    limit_ns: list[float] = []
    gc.collect()
    gc.freeze()  # what the program has loaded so far is none of the rounds' business
    try:
        for turn in range(rounds + 1):
            before_operation()
            gc.collect()
            mine = await _timed_async(operation)
            least = await timed_limit() + await timed_limit()
            before_operation()
            gc.collect()
            mine += await _timed_async(operation)
            if turn:
                operation_ns.append(mine / units / 2)
                limit_ns.append(least / units / 2)
    finally:
        gc.unfreeze()
    return Comparison(operation_ns, limit_ns)


def _timed(work: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    kept = work()
    elapsed = time.perf_counter_ns() - start
    del kept
    return elapsed


async def _timed_async(work: Callable[[], Awaitable[object]]) -> int:
    start = time.perf_counter_ns()
    kept = await work()
    elapsed = time.perf_counter_ns() - start
    del kept
    return elapsed
