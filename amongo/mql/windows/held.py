"""Folds that hold the values of the window: extremes, lists, sets and percentiles, with the oldest taken out."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from amongo.errors import expression as expression_errors
from amongo.mql.expressions.quantiles import Quantiles, as_sample, rank_of
from amongo.mql.expressions.truth import is_nullish
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.types import alias


class SlidingExtreme:
    """$min and $max: a queue of those values that may still become the extreme; null and missing are left out."""

    __slots__ = ("_collator", "_is_max", "_queue", "_removed", "_taken")

    def __init__(self, collator: Collator | None, *, is_max: bool) -> None:
        self._collator = collator
        self._is_max = is_max
        self._queue: deque[tuple[bytes, int, Any]] = deque()
        self._taken = 0
        self._removed = 0

    def add(self, value: Any) -> None:
        """Take in a value."""
        if is_nullish(value):
            return
        key = key_bytes(value, self._collator)
        queue = self._queue
        # of equal values $min keeps the oldest in front, $max the newest
        while queue and (queue[-1][0] <= key if self._is_max else queue[-1][0] > key):
            queue.pop()
        queue.append((key, self._taken, value))
        self._taken += 1

    def remove(self, value: Any) -> None:
        """Give back the oldest value."""
        if is_nullish(value):
            return
        if self._queue[0][1] == self._removed:
            self._queue.popleft()
        self._removed += 1

    def result(self) -> Any:
        """The extreme; None for nothing."""
        return self._queue[0][2] if self._queue else None


class Ordered:
    """Values in the order of their keys, equal ones in the order in which they came."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[tuple[bytes, Any]] = []

    def add(self, key: bytes, value: Any) -> None:
        """Take in a value."""
        insort(self.entries, (key, value), key=itemgetter(0))

    def remove(self, key: bytes) -> None:
        """Give back the oldest value with this key."""
        del self.entries[bisect_left(self.entries, key, key=itemgetter(0))]


class SlidingExtremes:
    """$minN and $maxN: null and missing are left out; of equal values $minN has the oldest first, $maxN the newest."""

    __slots__ = ("_collator", "_count", "_is_max", "_ordered")

    def __init__(self, count: int, collator: Collator | None, *, is_max: bool) -> None:
        self._count = count
        self._collator = collator
        self._is_max = is_max
        self._ordered = Ordered()

    def add(self, value: Any) -> None:
        """Take in a value."""
        if not is_nullish(value):
            self._ordered.add(key_bytes(value, self._collator), value)

    def remove(self, value: Any) -> None:
        """Give back the oldest value."""
        if not is_nullish(value):
            self._ordered.remove(key_bytes(value, self._collator))

    def result(self) -> list[Any]:
        """The extremes, the furthest first."""
        entries = self._ordered.entries
        chosen = reversed(entries[-self._count :]) if self._is_max else entries[: self._count]
        return [value for _, value in chosen]


class SlidingTop:
    """$top, $topN, $bottom and $bottomN: pairs of a sort key and an output."""

    __slots__ = ("_count", "_is_bottom", "_is_single", "_ordered")

    def __init__(self, count: int, *, is_bottom: bool, is_single: bool) -> None:
        self._count = count
        self._is_bottom = is_bottom
        self._is_single = is_single
        self._ordered = Ordered()

    def add(self, value: Any) -> None:
        """Take in a pair."""
        self._ordered.add(*value)

    def remove(self, value: Any) -> None:
        """Give back the oldest pair."""
        self._ordered.remove(value[0])

    def result(self) -> Any:
        """The output, or the outputs in the order of the pattern."""
        entries = self._ordered.entries
        chosen = [output for _, output in (entries[-self._count :] if self._is_bottom else entries[: self._count])]
        return chosen if not self._is_single else chosen[0] if chosen else None


class SlidingList:
    """$push: missing is left out."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: deque[Any] = deque()

    def add(self, value: Any) -> None:
        """Take in a value."""
        if value is not MISSING:
            self._values.append(value)

    def remove(self, value: Any) -> None:
        """Give back the oldest value."""
        if value is not MISSING:
            self._values.popleft()

    def result(self) -> list[Any]:
        """The values."""
        return list(self._values)


class SlidingEnds:
    """$firstN and $lastN: missing counts as null."""

    __slots__ = ("_count", "_is_last", "_values")

    def __init__(self, count: int, *, is_last: bool) -> None:
        self._count = count
        self._is_last = is_last
        self._values: deque[Any] = deque()

    def add(self, value: Any) -> None:
        """Take in a value."""
        self._values.append(None if value is MISSING else value)

    def remove(self, value: Any) -> None:
        """Give back the oldest value."""
        self._values.popleft()

    def result(self) -> list[Any]:
        """The values at the end of the window that is asked for, in their order."""
        if self._is_last:
            return list(islice(reversed(self._values), self._count))[::-1]
        return list(islice(self._values, self._count))


class SlidingArrays:
    """$concatArrays: missing is left out."""

    __slots__ = ("_arrays",)

    def __init__(self) -> None:
        self._arrays: deque[list[Any]] = deque()

    def add(self, value: Any) -> None:
        """Take in an array.

        errors   ARRAY_ACCUMULATOR_TYPE
        """
        if value is not MISSING:
            self._arrays.append(checked_array("$concatArrays", value))

    def remove(self, value: Any) -> None:
        """Give back the oldest array."""
        if value is not MISSING:
            self._arrays.popleft()

    def result(self) -> list[Any]:
        """The elements of all arrays."""
        return list(chain.from_iterable(self._arrays))


def checked_array(name: str, value: Any) -> list[Any]:
    """The value, which has to be an array.

    errors   ARRAY_ACCUMULATOR_TYPE
    """
    if type(value) is not list:
        raise expression_errors.ARRAY_ACCUMULATOR_TYPE(name=name, kind=alias(value))
    return value


class SlidingSet:
    """$addToSet, and with arrays $setUnion: the different values in their order, of equal ones the oldest."""

    __slots__ = ("_collator", "_held", "_name", "_sorted_keys")

    def __init__(self, collator: Collator | None, *, of_arrays: bool = False) -> None:
        self._collator = collator
        self._name = "$setUnion" if of_arrays else ""
        self._held: dict[bytes, deque[Any]] = {}
        self._sorted_keys: list[bytes] = []

    def add(self, value: Any) -> None:
        """Take in a value, or the elements of an array.

        errors   ARRAY_ACCUMULATOR_TYPE
        """
        for element in self._elements(value):
            key = key_bytes(element, self._collator)
            held = self._held.get(key)
            if held is None:
                insort(self._sorted_keys, key)
                self._held[key] = deque((element,))
            else:
                held.append(element)

    def remove(self, value: Any) -> None:
        """Give back the oldest value, or array."""
        for element in self._elements(value):
            key = key_bytes(element, self._collator)
            held = self._held[key]
            held.popleft()
            if not held:
                del self._held[key]
                del self._sorted_keys[bisect_left(self._sorted_keys, key)]

    def _elements(self, value: Any) -> list[Any]:
        if value is MISSING:
            return []
        return checked_array(self._name, value) if self._name else [value]

    def result(self) -> list[Any]:
        """The values."""
        return [self._held[key][0] for key in self._sorted_keys]


class SlidingQuantiles:
    """$median and $percentile: exact, as the window's numbers are all here."""

    __slots__ = ("_quantiles", "_samples")

    def __init__(self, quantiles: Quantiles) -> None:
        self._quantiles = quantiles
        self._samples: list[float] = []

    def add(self, value: Any) -> None:
        """Take in a value; whatever is no number, and NaN, changes nothing."""
        sample = as_sample(value)
        if sample is not None:
            insort(self._samples, sample)

    def remove(self, value: Any) -> None:
        """Give back a value."""
        sample = as_sample(value)
        if sample is not None:
            del self._samples[bisect_left(self._samples, sample)]

    def result(self) -> Any:
        """The percentiles."""
        samples = self._samples
        if not samples:
            return self._quantiles.shape(None)
        return self._quantiles.shape([samples[rank_of(share, len(samples))] for share in self._quantiles.shares])


class SlidingRange:
    """The smallest and the largest value, both at hand: $minMaxScaler."""

    __slots__ = ("_largest", "_smallest")

    def __init__(self) -> None:
        self._smallest = SlidingExtreme(None, is_max=False)
        self._largest = SlidingExtreme(None, is_max=True)

    def add(self, value: Any) -> None:
        """Take in a value."""
        self._smallest.add(value)
        self._largest.add(value)

    def remove(self, value: Any) -> None:
        """Give back the oldest value."""
        self._smallest.remove(value)
        self._largest.remove(value)

    def result(self) -> tuple[Any, Any]:
        """(smallest, largest)."""
        return self._smallest.result(), self._largest.result()
