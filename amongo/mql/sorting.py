"""Sorting on a worker thread without keeping the event loop from running.

`list.sort` holds the interpreter from its begin to its end: a tenth of a second for some hundred thousand documents.
Here the items are dealt out to buckets by keys sampled from them, and each bucket is sorted for itself; between two
buckets other threads run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final, TypeVar

from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import SORT_BUCKET_COUNT, SORT_BUCKETS

T = TypeVar("T")

_SAMPLES: Final = 8  # a bucket: so that buckets come out of about one size
_key_of: Callable[[tuple[bytes, T]], bytes] = itemgetter(0)


def in_order(items: Iterable[T], key: Callable[[T], bytes], interrupt: Interrupt) -> Iterator[T]:
    """The items by their keys, ascending; ties keep the order in which they came.

    interrupt   checked every 64 items and between two buckets
    """
    keyed = [(key(item), item) for item in interrupt.watch(items)]
    for bucket in _dealt(keyed, interrupt):
        bucket.sort(key=_key_of)
        interrupt.check()
        for _, item in bucket:
            yield item


def _dealt(keyed: list[tuple[bytes, T]], interrupt: Interrupt) -> list[list[tuple[bytes, T]]]:
    """The pairs in buckets: all keys of one are less than all keys of the next, equal keys are in the same."""
    count = min(len(keyed) // SORT_BUCKET_COUNT, SORT_BUCKETS)
    if count < 2:
        return [keyed]
    samples = sorted(map(_key_of, keyed[:: len(keyed) // (count * _SAMPLES)]))
    bounds = samples[_SAMPLES::_SAMPLES]
    buckets: list[list[tuple[bytes, T]]] = [[] for _ in range(len(bounds) + 1)]
    for pair in interrupt.watch(keyed):
        buckets[bisect_right(bounds, pair[0])].append(pair)
    return buckets
