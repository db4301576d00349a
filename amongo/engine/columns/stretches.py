"""The documents of some neighbouring records, for the shredder: where they lie mapped, without making them objects.

What lies in one snapshot file alone, with nothing newer above it, is shredded out of the mapped bytes. All else, block
by block of 4096 record ids, is brought together from memory and from the files by the view.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from amongo.engine.records import View
from amongo.engine.snapshots.rows import Rows
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import COLUMN_SHRED_BYTES, SNAPSHOT_BATCH_COUNT

Ids = np.ndarray[Any, np.dtype[np.int64]]

_BLOCK: Final = SNAPSHOT_BATCH_COUNT


class Loose(NamedTuple):
    """Records whose documents are objects."""

    ids: Ids
    documents: list[bytes]


class Lying(NamedTuple):
    """Records whose documents lie in a buffer, with the places where they begin."""

    ids: Ids
    buffer: Any
    starts: Ids


def stretches(view: View, first: int, end: int, interrupt: Interrupt) -> Iterator[Loose | Lying]:
    """The records with first <= id < end, ascending, as many at a time as are shredded in one go.

    errors   SNAPSHOT_CORRUPT, STORE_UNREADABLE; whatever the interrupt raises
    """
    if view.layers is None:
        yield from loose(view, first, end, interrupt)
        return
    lying: list[Lying] = []
    start = base = first
    while base < end:
        interrupt.check()
        stop = min((base // _BLOCK + 1) * _BLOCK, end)
        found = _lying(view, base, stop)
        if found is None or (lying and found and found[0].buffer is not lying[0].buffer):
            yield from _together(lying)
            lying = []
        if found is None:
            base = stop
            continue
        yield from loose(view, start, base, interrupt)
        lying += found
        start = base = stop
    yield from _together(lying)
    yield from loose(view, start, end, interrupt)


def loose(view: View, first: int, end: int, interrupt: Interrupt) -> Iterator[Loose]:
    """`stretches`, all of them as objects."""
    ids: list[Ids] = []
    documents: list[bytes] = []
    size = 0
    for base, window in view.windows(first, end):
        interrupt.check()
        found = np.arange(base, base + len(window), dtype=np.int64)
        if None in window:
            found = found[[raw is not None for raw in window]]
        here = [raw for raw in window if raw is not None]
        ids.append(found)
        documents += here
        size += sum(map(len, here))
        if size >= COLUMN_SHRED_BYTES:
            yield Loose(np.concatenate(ids), documents)
            ids, documents, size = [], [], 0
    if documents:
        yield Loose(np.concatenate(ids), documents)


def _lying(view: View, first: int, end: int) -> list[Lying] | None:
    """The records of a part of a block, if one file alone has them, in one buffer; None if not."""
    if view.chunks[first // _BLOCK] is not None:
        return None
    owner: Rows | None = None
    batches = range(0)
    for layer in view.layers or ():
        if layer.first_id >= end or layer.last_id < first:
            continue
        if not isinstance(layer, Rows):
            return None
        found = layer.batches_between(first, end - 1)
        if found and owner is not None:
            return None
        if found:
            owner, batches = layer, found
    if owner is None:
        return None
    parts = [_part(owner, number, first, end) for number in batches]
    return parts if all(part.buffer is parts[0].buffer for part in parts) else None


def _part(rows: Rows, number: int, first: int, end: int) -> Lying:
    """What a batch has of first <= id < end."""
    span = rows.span(number)
    ids = np.frombuffer(span.raw, np.int64, span.rows, span.ids)
    starts = np.frombuffer(span.raw, np.int32, span.rows, span.offsets).astype(np.int64) + span.values
    if span.validity:
        packed = np.frombuffer(span.raw, np.uint8, (span.rows + 7) // 8, span.validity)
        is_there = np.unpackbits(packed, count=span.rows, bitorder="little").view(np.bool_)
        ids, starts = ids[is_there], starts[is_there]
    low, high = np.searchsorted(ids, (first, end))
    return Lying(ids[low:high], span.raw, starts[low:high])


def _together(parts: list[Lying]) -> Iterator[Lying]:
    """The records of some parts of one buffer; nothing of no records."""
    if any(len(part.ids) for part in parts):
        ids = np.concatenate([part.ids for part in parts])
        yield Lying(ids, parts[0].buffer, np.concatenate([part.starts for part in parts]))
