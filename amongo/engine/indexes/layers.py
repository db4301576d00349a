"""The layers of an index: what it was made of, newest first, and how they read as one.

An index is an LSM tree: the overlay in memory (`entries.Entries`), frozen overlays while a checkpoint writes them
(`FrozenLayer`), and run files (`engine.snapshots`). Each layer has *added* entries, and *removal marks* for entries of
older layers; a mark says nothing of its own layer's additions. An entry is in the index if the newest layer that knows
of it has added it.

A checkpoint writes `added()` and `removed()` of the layer that it makes a file of, and puts the file in its place. In
the oldest layer of all, marks mean nothing and are left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import gt, lt
from typing import Final, Protocol

from amongo.engine.indexes.chunks import ChunksView
from amongo.engine.indexes.entry import record_id_of

BEHIND_ALL: Final = b"\xff"
"""Greater than every entry: no key begins with this byte. Behind a key: greater than every entry of that key."""


class EntriesLayer(Protocol):
    """One layer: immutable, safe to read on any thread. Its length is the number of its added entries."""

    @property
    def removed_count(self) -> int:
        """How many removal marks it has."""
        ...

    def __len__(self) -> int: ...

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, ascending."""
        ...

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, descending."""
        ...

    def removed_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, ascending."""
        ...

    def removed_between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, descending."""
        ...

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first added entry that is not less than `low`; None if there is none."""
        ...

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many added entries have low <= entry < high; cheap, by position."""
        ...

    def has_key(self, key: bytes) -> Sequence[int]:
        """The records of the added entries with this very key, ascending: by hash in the layers of unique indexes."""
        ...

    def lacks_all(self, keys: Sequence[bytes]) -> bool:
        """Whether it has none of these keys, found out cheaply; False where that would take a look at each."""
        ...


class FrozenLayer:
    """An overlay that changes no more.

    keys   the keys of its entries, where the index is unique; None where it is not
    """

    __slots__ = ("_added", "_keys", "_removed")

    def __init__(self, added: ChunksView, removed: ChunksView, keys: set[bytes] | None) -> None:
        self._added, self._removed, self._keys = added, removed, keys

    def added(self) -> Iterator[bytes]:
        """Its entries, ascending: what a checkpoint writes."""
        return iter(self._added)

    def removed(self) -> Iterator[bytes]:
        """Its removal marks, ascending: what a checkpoint writes."""
        return iter(self._removed)

    def holdings(self) -> list[object]:
        """What holds its contents: who is alone with it can free it part by part."""
        held = [*self._added.pieces(), *self._removed.pieces()]
        return held if self._keys is None else [*held, self._keys]

    @property
    def removed_count(self) -> int:
        """How many removal marks it has."""
        return len(self._removed)

    def __len__(self) -> int:
        return len(self._added)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, ascending."""
        return self._added.between(low, high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, descending."""
        return self._added.between_backward(low, high)

    def removed_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, ascending."""
        return self._removed.between(low, high)

    def removed_between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, descending."""
        return self._removed.between_backward(low, high)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first added entry that is not less than `low`; None if there is none."""
        return self._added.at_or_after(low)

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many added entries have low <= entry < high."""
        return self._added.count_between(low, high)

    def has_key(self, key: bytes) -> Sequence[int]:
        """The records of the added entries with this key, ascending."""
        if self._keys is not None and key not in self._keys:
            return ()
        return list(map(record_id_of, self._added.between(key, key + BEHIND_ALL)))

    def lacks_all(self, keys: Sequence[bytes]) -> bool:
        """Whether it has none of these keys; False where that would take a look at each."""
        return self._keys is not None and self._keys.isdisjoint(keys)


def between(layers: Sequence[EntriesLayer], low: bytes, high: bytes) -> Iterator[bytes]:
    """The entries of an index with low <= entry < high, ascending.

    layers   newest first
    """
    return _merged(layers, [(each.between(low, high), each.removed_between(low, high)) for each in layers], True)


def between_backward(layers: Sequence[EntriesLayer], low: bytes, high: bytes) -> Iterator[bytes]:
    """The entries of an index with low <= entry < high, descending.

    layers   newest first
    """
    streams = [(each.between_backward(low, high), each.removed_between_backward(low, high)) for each in layers]
    return _merged(layers, streams, False)


_Streams = list[tuple[Iterator[bytes], Iterator[bytes]]]


def _merged(layers: Sequence[EntriesLayer], streams: _Streams, ascends: bool) -> Iterator[bytes]:
    """Several layers as one.

    Every stream is looked into first: most ranges have entries in one layer alone, whose own iterator then goes on
    undisturbed. Otherwise all but the longest layer's additions are merged into one stream of patches, and that with
    the longest.
    """
    started: list[tuple[int, bytes, Iterator[bytes]]] = []  # (rank, first entry, the others)
    for age, (added, removed) in enumerate(streams):
        first = next(added, None)
        if first is not None:
            started.append((2 * age, first, added))
        if age + 1 < len(streams):  # marks mean nothing in the oldest layer
            first = next(removed, None)
            if first is not None:
                started.append((2 * age + 1, first, removed))
    additions = [each for each in started if not each[0] & 1]
    if not additions:
        return
    if len(additions) == 1 and all(rank > additions[0][0] for rank, _, _ in started if rank & 1):
        yield additions[0][1]  # no newer layer has a mark: the marks of this one and of older ones touch nothing here
        yield from additions[0][2]
        return
    base = max(additions, key=lambda each: len(layers[each[0] >> 1]))
    patches = [_ranked(first, rest, rank) for rank, first, rest in started if rank != base[0]]
    yield from _patched(base, heapq.merge(*patches, reverse=not ascends), ascends)


def _ranked(first: bytes, rest: Iterator[bytes], rank: int) -> Iterator[tuple[bytes, int]]:
    yield first, rank
    for entry in rest:
        yield entry, rank


def _patched(
    base: tuple[int, bytes, Iterator[bytes]], patches: Iterator[tuple[bytes, int]], ascends: bool
) -> Iterator[bytes]:
    """The entries of one layer, with what the others say of them and of more.

    patches   (entry, rank): the lowest rank decides; even ones add, odd ones remove
    """
    comes_first = lt if ascends else gt
    base_rank, entry, rest = base
    current: bytes | None = entry
    patch = next(patches, None)
    while patch is not None:
        point, rank = patch
        while current is not None and comes_first(current, point):
            yield current
            current = next(rest, None)
        while (patch := next(patches, None)) is not None and patch[0] == point:
            rank = min(rank, patch[1])
        if current == point:
            rank = min(rank, base_rank)
            current = next(rest, None)
        if not rank & 1:
            yield point
    if current is not None:
        yield current
        yield from rest
