"""Timing two things side by side: rounds that alternate, and the median over the rounds.

A ratio is taken inside each round, between two timings that lie a millisecond or so apart, and the order within a round
alternates; what slows the machine down hits both sides, and what hits one of them alone (the scheduler took the core
away) is an outlier that the median leaves out. The garbage collector stays on, as it is in a user's program; a
collection before each round lets both sides begin alike.
"""

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Timings of an operation and of its limit, one pair a round, in nanoseconds for one unit of work."""

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
    before_round: Callable[[], object],
    units: int,
    rounds: int,
) -> Comparison:
    """Time `operation` and `limit` in alternating rounds; one round more is run first and dropped.

    operation      does `units` units of work through the store; its result lives until it is timed
    limit          does the same units with the codec alone
    before_round   untimed preparation of what both consume
    units          units of work in one timing
    rounds         rounds that count, at least 2
    """
    operation_ns: list[float] = []
    limit_ns: list[float] = []
    gc.collect()
    gc.freeze()  # what the program has loaded so far is none of the rounds' business
    for turn in range(rounds + 1):
        before_round()
        gc.collect()
        if turn % 2:
            least = _timed(limit)
            mine = await _timed_async(operation)
        else:
            mine = await _timed_async(operation)
            least = _timed(limit)
        if turn:
            operation_ns.append(mine / units)
            limit_ns.append(least / units)
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
