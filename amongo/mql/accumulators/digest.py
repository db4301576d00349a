"""Percentiles of more numbers than are kept: a t-digest.

The numbers are gathered, and from time to time merged into centroids, each the mean and the count of neighbours. How
many a centroid may stand for depends on its place: few at both ends, many in the middle. With fewer than `COMPRESSION`
numbers no two may share one, and the percentiles are exact.

Source: Dunning and Ertl, Computing Extremely Accurate Quantiles Using t-Digests; manual, $percentile. Scale,
compression and buffer are the server's, so that its approximations come out.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator
from heapq import merge
from typing import Final

from amongo.mql.expressions.quantiles import rank_of

COMPRESSION: Final = 2000
_BUFFER_COUNT: Final = 5 * COMPRESSION
_ROOT_HALF: Final = 1 / math.sqrt(2.0)

Centroid = tuple[float, float]
"""(mean, weight)."""


def _limit(share: float) -> float:
    """Up to which share of all numbers a centroid may reach that begins at this one."""
    if share <= 0.5:
        place = COMPRESSION * _ROOT_HALF * math.sqrt(share)
    else:
        place = COMPRESSION - COMPRESSION * _ROOT_HALF * math.sqrt(1 - share)
    ahead = (1 + place) / COMPRESSION
    if ahead <= 0.5:
        return 2 * ahead * ahead
    rest = 1 - ahead
    return 1 - 2 * rest * rest


class Digest:
    """Numbers, and their percentiles at any time."""

    __slots__ = ("_buffer", "_centroids", "_count", "_exact", "_high", "_low", "_max", "_min")

    def __init__(self) -> None:
        self._exact: list[float] = []  # all numbers in order, as long as no two may share a centroid
        self._buffer: list[float] = []
        self._centroids: list[Centroid] = []
        self._count = 0
        self._low = 0  # how many -inf
        self._high = 0  # and inf
        self._min = math.inf
        self._max = -math.inf

    def add(self, value: float) -> None:
        """Take in a number; NaN is passed over."""
        if math.isfinite(value):
            self._buffer.append(value)
            if len(self._buffer) >= _BUFFER_COUNT:
                self._flush()
        elif value > 0:
            self._high += 1
        elif value < 0:
            self._low += 1

    def percentile(self, share: float) -> float | None:
        """The number that this share of all does not exceed, about; None for no numbers."""
        self._flush()
        total = self._count + self._low + self._high
        if not total:
            return None
        rank = rank_of(share, total)
        if rank < self._low:
            return -math.inf
        if rank >= self._low + self._count:
            return math.inf
        if share <= 0:
            return self._min
        if share >= 1:
            return self._max
        rank -= self._low
        return self._exact[rank] if self._exact else self._at(rank)

    def _flush(self) -> None:
        if not self._buffer:
            return
        added, self._buffer = self._buffer, []
        added.sort()
        self._count += len(added)
        self._min, self._max = min(self._min, added[0]), max(self._max, added[-1])
        if self._count < COMPRESSION and not self._centroids:
            if len(added) == 1:
                insort(self._exact, added[0])
            else:
                self._exact = list(merge(self._exact, added))
            return
        held = [(value, 1.0) for value in self._exact] if self._exact else self._centroids
        self._exact = []
        self._centroids = list(_compressed(held, added, self._count))

    def _at(self, rank: int) -> float:
        """The number of a rank: that of a centroid of its own, or a place between the means of two neighbours."""
        centroids, reached, place = self._centroids, 0.0, 0
        for place, (_, weight) in enumerate(centroids):  # noqa: B007 - the place is used below
            reached += weight
            if reached > rank:
                break
        mean, weight = centroids[place]
        if weight == 1:
            return mean
        behind = reached - 1 - rank
        if reached - rank >= weight / 2:
            left, left_weight = centroids[place - 1] if place else (self._min, 0.0)
            right, right_weight = mean, weight
            doubled = left_weight + 2 * right_weight - 2 * behind
        else:
            left, left_weight = mean, weight
            right, right_weight = centroids[place + 1] if place + 1 < len(centroids) else (self._max, 0.0)
            doubled = left_weight - 2 * behind
        return min(right, left + (right - left) * (doubled / (left_weight + right_weight)))


def _compressed(held: list[Centroid], added: list[float], count: int) -> Iterator[Centroid]:
    """Centroids and numbers merged in order, neighbours put together as far as the scale lets them.

    order   of equal ones the centroid comes first; where one of the two lists ends, a new centroid begins
    """
    place = at = 0
    before = 0.0
    while place < len(held) or at < len(added):
        is_mixed = place < len(held) and at < len(added)
        if at == len(added) or (is_mixed and not held[place][0] > added[at]):
            mean, weight = held[place]
            place += 1
        else:
            mean, weight = added[at], 1.0
            at += 1
        limit = count * _limit(before / count)
        while not is_mixed or (place < len(held) and at < len(added)):
            if at < len(added) and (place == len(held) or held[place][0] > added[at]):
                if before + weight + 1 > limit:
                    break
                weight += 1
                mean += (added[at] - mean) / weight
                at += 1
            elif place < len(held) and before + weight + held[place][1] <= limit:
                mean, weight = _together(mean, weight, *held[place])
                place += 1
            else:
                break
        yield mean, weight
        before += weight


def _together(mean: float, weight: float, other: float, other_weight: float) -> Centroid:
    """Two centroids as one; counted from the heavier one, so that the mean stays between both."""
    total = weight + other_weight
    if other_weight < weight:
        return mean + (other - mean) * (other_weight / total), total
    return other + (mean - other) * (weight / total), total
