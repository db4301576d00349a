"""Sorting on a worker thread without keeping the event loop from running.

`list.sort` holds the interpreter from its begin to its end: a tenth of a second for some hundred thousand documents.
Here the items are dealt out to buckets by keys sampled from them, and each bucket is sorted for itself; between two
buckets other threads run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final, TypeVar

from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import SORT_BUCKET_COUNT, SORT_BUCKETS

T = TypeVar("T")

_SAMPLES: Final = 8  # a bucket: so that buckets come out of about one size
_key_of: Callable[[tuple[bytes, T]], bytes] = itemgetter(0)


def in_order(keyed: Iterable[tuple[bytes, T]], interrupt: Interrupt) -> Iterator[T]:
    """The items of (key, item) pairs, ascending by key; ties keep the order in which they came.

    interrupt   checked every 64 items and between two buckets
    """
    buckets = _dealt(list(interrupt.watch(keyed)), interrupt)
    while buckets:  # each is given back when it is done with: to free all at once would take as long as sorting
        bucket = buckets.popleft()
        bucket.sort(key=_key_of)
        interrupt.check()
        for _, item in bucket:
            yield item


def _dealt(keyed: list[tuple[bytes, T]], interrupt: Interrupt) -> deque[list[tuple[bytes, T]]]:
    """The pairs in buckets: all keys of one are less than all keys of the next, equal keys are in the same."""
    count = min(len(keyed) // SORT_BUCKET_COUNT, SORT_BUCKETS)
    if count < 2:
        return deque([keyed])
    samples = sorted(map(_key_of, keyed[:: max(1, len(keyed) // (count * _SAMPLES))]))
    bounds = samples[_SAMPLES::_SAMPLES]
    buckets: list[list[tuple[bytes, T]]] = [[] for _ in range(len(bounds) + 1)]
    for pair in interrupt.watch(keyed):
        buckets[bisect_right(bounds, pair[0])].append(pair)
    return deque(buckets)
