"""What a collection holds at one moment: immutable, cheap to make, safe to read on any thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, cast

from amongo.engine.records.id_order import IdOrder
from amongo.engine.records.layers import BELOW, RecordLayer, Slot
from amongo.runtime.limits import WINDOW_BYTES

Chunk = list[Slot]
Window = list[bytes | None]

CHUNK_BITS: Final = 12
CHUNK_SIZE: Final = 1 << CHUNK_BITS
CHUNK_MASK: Final = CHUNK_SIZE - 1
_GROUP: Final = 32  # records that are looked for together


class View:
    """The records of a collection at one moment, in natural order (by record id).

    The chunks are shared with the collection, which copies a shared chunk before it changes a record in it and only
    ever appends behind `bound`.

    chunks   what is in memory, 4096 record ids each; None where memory has nothing to say of any of them
    bound    all record ids are less
    count    of the records
    layers   what lies below, the newest first; None for a collection that has never had any
    """

    __slots__ = ("__weakref__", "_window_count", "bound", "chunks", "count", "layers")

    def __init__(
        self,
        chunks: tuple[Chunk | None, ...],
        bound: int,
        count: int,
        layers: tuple[RecordLayer, ...] | None = None,
        data_bytes: int = 0,
    ) -> None:
        """
        data_bytes   size of all documents: large ones are brought up from the layers few at a time
        """
        self.chunks = chunks
        self.bound = bound
        self.count = count
        self.layers = layers
        self._window_count = CHUNK_SIZE if layers is None else window_count(data_bytes // max(count, 1))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, ascending."""
        return self.after(-1)

    def record(self, record_id: int) -> bytes | None:
        """The bytes of the document with this record id; None if there was none."""
        chunk = self.chunks[record_id >> CHUNK_BITS]
        slot = record_id & CHUNK_MASK
        found: Slot = BELOW if chunk is None or slot >= len(chunk) else chunk[slot]
        return found if found is not BELOW else record_in(self.layers, record_id)

    def documents_of(self, record_ids: Iterable[int], wanted: int = 0) -> Iterator[bytes]:
        """The documents' bytes of these records, in their order; those that there are none of are left out.

        wanted   how many of them will be asked for; 0 where that is not known
        """
        if self.layers:
            yield from filter(None, chain.from_iterable(self._groups(record_ids, wanted or _GROUP)))
            return
        chunks = self.chunks
        for record_id in record_ids:
            chunk, slot = chunks[record_id >> CHUNK_BITS], record_id & CHUNK_MASK
            found: Slot = BELOW if chunk is None or slot >= len(chunk) else chunk[slot]
            if found is not BELOW and found is not None:
                yield found

    def _groups(self, record_ids: Iterable[int], wanted: int) -> Iterator[Iterable[bytes | None]]:
        """The records of these ids, some at a time: those of neighbouring ids come up from the layers together."""
        left, count = iter(record_ids), min(wanted, _GROUP, self._window_count)
        while group := list(islice(left, count)):
            first, end = group[0], group[-1] + 1
            is_run = end - first == len(group) > 1 and first >> CHUNK_BITS == (end - 1) >> CHUNK_BITS
            if is_run and group == list(range(first, end)):
                yield self._window(first, end)
            else:
                yield self._found(group)

    def _found(self, record_ids: list[int]) -> Window:
        """The records of some ids, in their order; None where there is none."""
        chunks, left = self.chunks, len(record_ids)
        slots: list[Slot] = [BELOW] * left
        if any([chunks[record_id >> CHUNK_BITS] for record_id in record_ids]):  # noqa: C419 a list is quicker here
            for position, record_id in enumerate(record_ids):
                chunk, slot = chunks[record_id >> CHUNK_BITS], record_id & CHUNK_MASK
                if chunk is not None and slot < len(chunk) and chunk[slot] is not BELOW:
                    slots[position] = chunk[slot]
                    left -= 1
        for layer in self.layers or ():
            if not left:
                break
            left -= layer.find(record_ids, slots)
        return cast(Window, slots) if not left else [None if each is BELOW else each for each in slots]

    def __reversed__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, descending."""
        return self.before(self.bound)

    def documents(self) -> Iterator[bytes]:
        """The documents' bytes, in natural order."""
        return self.documents_after(-1)

    def after(self, record_id: int) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of the records behind this one, ascending."""
        for base, window in self.windows(record_id + 1):
            for each, raw in enumerate(window, base):
                if raw is not None:
                    yield each, raw

    def documents_after(self, record_id: int) -> Iterator[bytes]:
        """The documents' bytes behind this record, in natural order."""
        for _, window in self.windows(record_id + 1):
            yield from filter(None, window)

    def before(self, record_id: int) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of the records in front of this one, descending."""
        for base, window in self._windows_backward(record_id):
            for slot in range(len(window) - 1, -1, -1):
                raw = window[slot]
                if raw is not None:
                    yield base + slot, raw

    def differences(self, earlier: View | None) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """(record id, document then, document now) of the records that an earlier view of the collection holds
        otherwise, None where there is none; of all records if there is no earlier view."""
        if earlier is None:
            for record_id, raw in self:
                yield record_id, None, raw
            return
        is_on_same = self.layers == earlier.layers
        for index, chunk in enumerate(self.chunks):
            old = earlier.chunks[index] if index < len(earlier.chunks) else None
            if is_on_same and chunk is old and (chunk is None or (index + 1) << CHUNK_BITS <= earlier.bound):
                continue
            yield from self._chunk_differences(index, earlier)

    def _chunk_differences(self, index: int, earlier: View) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        first, end = index << CHUNK_BITS, min((index + 1) << CHUNK_BITS, self.bound)
        for base in range(first, end, self._window_count):
            window = self._window(base, min(base + self._window_count, end))
            old_end = min(base + len(window), earlier.bound)
            old = earlier._window(base, old_end) if base < old_end else []
            for slot, now in enumerate(window):
                before = old[slot] if slot < len(old) else None
                if before is not now and before != now:
                    yield base + slot, before, now

    def records_of(self, record_ids: Sequence[int]) -> list[bytes | None]:
        """The documents' bytes of these records, None for those that there are none of; all at once.

        record_ids   ascending
        """
        if self.layers is not None:
            return self._found(list(record_ids))
        found: list[bytes | None] = []
        start = 0
        while start < len(record_ids):
            index = record_ids[start] >> CHUNK_BITS
            end = bisect_left(record_ids, (index + 1) << CHUNK_BITS, start)
            chunk = self.chunks[index]
            if chunk is None:
                found += [None] * (end - start)
            else:
                found += [chunk[each & CHUNK_MASK] for each in record_ids[start:end]]  # type: ignore[misc]
            start = end
        return found

    # Windows: the records of some neighbouring ids, from wherever they lie

    def windows(self, first: int, end: int | None = None) -> Iterator[tuple[int, Window]]:
        """(record id of the first, records) for all ids from `first` on, or first <= id < end, ascending; None where
        there is no record."""
        bound = self.bound if end is None else min(end, self.bound)
        for index in range(max(first, 0) >> CHUNK_BITS, min(len(self.chunks), (bound + CHUNK_MASK) >> CHUNK_BITS)):
            start, end = max(first, index << CHUNK_BITS), min((index + 1) << CHUNK_BITS, bound)
            if start >= end or (self.layers is None and self.chunks[index] is None):
                continue
            for base in range(start, end, self._window_count):
                yield base, self._window(base, min(base + self._window_count, end))

    def _windows_backward(self, bound: int) -> Iterator[tuple[int, Window]]:
        """(record id of the first, records) for all ids before `bound`, descending."""
        bound = min(bound, self.bound)
        for index in range((bound - 1) >> CHUNK_BITS, -1, -1):
            start, end = index << CHUNK_BITS, min((index + 1) << CHUNK_BITS, bound)
            if self.layers is None and self.chunks[index] is None:
                continue
            while end > start:
                base = max(start, end - self._window_count)
                yield base, self._window(base, end)
                end = base

    def _window(self, base: int, end: int) -> Window:
        """The records of the ids from `base` to before `end`, all of one chunk."""
        chunk, slot = self.chunks[base >> CHUNK_BITS], base & CHUNK_MASK
        part: Chunk | None = None
        if chunk is not None:
            is_whole = end - base == CHUNK_SIZE  # to another one something may be appended while it is looked at
            part = chunk if is_whole else chunk[slot : slot + end - base]
            if self.layers is None or BELOW not in part:
                return cast(Window, part)
        window: Window = [None] * (end - base)
        for layer in reversed(self.layers or ()):
            if layer.first_id < end and layer.last_id >= base:
                layer.fill(base, window)
        if part is not None:
            for place, found in enumerate(part):
                if found is not BELOW:
                    window[place] = found
        return window


def record_in(layers: tuple[RecordLayer, ...] | None, record_id: int) -> bytes | None:
    """The bytes of the document with this record id, by the newest layer that knows of it; None if there is none."""
    for layer in layers or ():
        if layer.first_id <= record_id <= layer.last_id:
            found = layer.record(record_id)
            if found is not BELOW:
                return found
    return None


def window_count(average_bytes: int) -> int:
    """How many records a window has: a power of two, so that windows of whole chunks have no rest."""
    count = CHUNK_SIZE
    while count > 1 and count * average_bytes > WINDOW_BYTES:
        count //= 2
    return count


class OrderedView(View):
    """The records of a clustered collection: their natural order is that of their `_id`s.

    order   the record ids in that order
    """

    __slots__ = ("order",)

    def __init__(
        self,
        chunks: tuple[Chunk | None, ...],
        bound: int,
        count: int,
        layers: tuple[RecordLayer, ...] | None,
        data_bytes: int,
        order: IdOrder,
    ) -> None:
        super().__init__(chunks, bound, count, layers, data_bytes)
        self.order = order

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, by `_id`."""
        return self._records(self.order)

    def __reversed__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, by `_id`, descending."""
        return self._records(reversed(self.order))

    def documents(self) -> Iterator[bytes]:
        """The documents' bytes, by `_id`."""
        return (raw for _, raw in self._records(self.order))

    def _records(self, record_ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        for record_id in record_ids:
            raw = self.record(record_id)
            if raw is not None:
                yield record_id, raw
