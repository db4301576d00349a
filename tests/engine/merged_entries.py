"""Neighbouring layers of an index as one, entry by entry: the plain way, for tests that merge in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from amongo.engine.indexes import BEHIND_ALL, EntriesLayer
from amongo.engine.indexes.layers import between


def merged_layer(layers: Sequence[EntriesLayer], *, is_oldest: bool) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """(added, removed) of the one layer that says what neighbouring layers say together, each ascending: what a
    checkpoint or a compaction writes.

    layers      newest first
    is_oldest   no layer lies below: no marks are needed
    """
    added = between(layers, b"", BEHIND_ALL)
    return added, iter(()) if is_oldest else _marks_of(layers)


def _marks_of(layers: Sequence[EntriesLayer]) -> Iterator[bytes]:
    """The marks that layers below these need: all that there are, each once, but for those of entries that a layer
    below the marking one has added and none below it has marked: these are in none of the layers below."""
    streams = []
    for age, layer in enumerate(layers):
        streams.append(_ranked_all(layer.removed_between(b"", BEHIND_ALL), 2 * age + 1))
        streams.append(_ranked_all(layer.between(b"", BEHIND_ALL), 2 * age))
    point: bytes | None = None
    oldest = 0
    for entry, rank in heapq.merge(*streams):
        if entry != point:
            if point is not None and oldest & 1:
                yield point
            point, oldest = entry, rank
        else:
            oldest = max(oldest, rank)
    if point is not None and oldest & 1:
        yield point


def _ranked_all(entries: Iterator[bytes], rank: int) -> Iterator[tuple[bytes, int]]:
    return ((entry, rank) for entry in entries)
