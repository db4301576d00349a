"""The `_id` index in order, at one moment."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from operator import lt
from typing import Final

from amongo.engine.indexes import entry_of, record_id_of
from amongo.engine.records.layers import IdLayer

_BEHIND_ALL: Final = b"\xff"  # no key begins with this byte


@dataclass(frozen=True, slots=True)
class IdOrder:
    """The `_id` index in order, at one moment.

    Where there are layers, it has the entries of records that were deleted since as well: who looks for the records
    finds none under their ids.

    version      (next record id, count): what tells that moment from any other; ids only grow, deletions lower the
                 count
    keys         those in memory, ascending
    record_ids   of the keys
    layers       what lies below, the newest first
    """

    version: tuple[int, int]
    keys: list[bytes]
    record_ids: list[int]
    layers: tuple[IdLayer, ...] = ()

    def between(self, low: bytes, high: bytes) -> Iterable[int]:
        """The record ids of the keys with low <= key < high, in their order."""
        if self.layers:
            return map(record_id_of, self.entries_between(low, high))
        return self.record_ids[bisect_left(self.keys, low) : bisect_left(self.keys, high)]

    def between_backward(self, low: bytes, high: bytes) -> Iterable[int]:
        """The record ids of the keys with low <= key < high, in the reverse of their order."""
        if self.layers:
            return map(record_id_of, self.entries_between_backward(low, high))
        return reversed(self.record_ids[bisect_left(self.keys, low) : bisect_left(self.keys, high)])

    def entries_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries, each a key and its record id, with low <= entry < high, ascending."""
        start, end = bisect_left(self.keys, low), bisect_left(self.keys, high)
        own = map(entry_of, islice(self.keys, start, end), islice(self.record_ids, start, end))
        return merge(own, *(layer.between(low, high) for layer in self.layers)) if self.layers else own

    def entries_between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries, each a key and its record id, with low <= entry < high, descending."""
        start, end = bisect_left(self.keys, low), bisect_left(self.keys, high)
        own = map(entry_of, reversed(self.keys[start:end]), reversed(self.record_ids[start:end]))
        if not self.layers:
            return own
        return merge(own, *(layer.between_backward(low, high) for layer in self.layers), reverse=True)

    def count_between(self, low: bytes, high: bytes) -> int:
        """About how many keys there are with low <= key < high: with those of records that were deleted since."""
        below = sum(layer.count_between(low, high) for layer in self.layers)
        return bisect_left(self.keys, high) - bisect_left(self.keys, low) + below

    def __iter__(self) -> Iterator[int]:
        """All record ids, in the order of their keys."""
        return iter(self.between(b"", _BEHIND_ALL))

    def __reversed__(self) -> Iterator[int]:
        """All record ids, in the reverse of the order of their keys."""
        return iter(self.between_backward(b"", _BEHIND_ALL))


def id_order(version: tuple[int, int], by_id: Mapping[bytes, int], layers: tuple[IdLayer, ...]) -> IdOrder:
    """The order of the `_id`s in memory and in the layers below."""
    keys, record_ids = list(by_id), list(by_id.values())
    if not all(map(lt, keys, islice(keys, 1, None))):
        order = sorted(zip(keys, record_ids, strict=True))
        keys, record_ids = [key for key, _ in order], [record_id for _, record_id in order]
    return IdOrder(version, keys, record_ids, layers)


NO_ORDER: Final = IdOrder((0, 0), [], [])


class OrderedIds:
    """A layer of the `_id` index whose entries are put in order when somebody asks for it; once, for they stay."""

    __slots__ = ("_order",)

    def __init__(self, order: IdOrder | None = None) -> None:
        """order   of the entries, if it is at hand"""
        self._order = order

    @property
    def is_in_order(self) -> bool:
        """Whether the order of its entries is at hand."""
        return self._order is not None

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        return self._in_order().entries_between(low, high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        return self._in_order().entries_between_backward(low, high)

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many entries there are with low <= entry < high."""
        return self._in_order().count_between(low, high)

    def _in_order(self) -> IdOrder:
        order = self._order
        if order is None:
            order = self._order = self._sorted()
        return order

    def _sorted(self) -> IdOrder:
        raise NotImplementedError
