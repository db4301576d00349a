"""What a collection holds at one moment: immutable, cheap to make, safe to read on any thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Chunk = list[bytes | None]

CHUNK_BITS: Final = 12
CHUNK_SIZE: Final = 1 << CHUNK_BITS
CHUNK_MASK: Final = CHUNK_SIZE - 1


class View:
    """The records of a collection at one moment, in natural order (by record id).

    The chunks are shared with the collection, which copies a shared chunk before it changes a record in it and only
    ever appends behind `bound`.
    """

    __slots__ = ("bound", "chunks", "count")

    def __init__(self, chunks: tuple[Chunk | None, ...], bound: int, count: int) -> None:
        self.chunks = chunks
        self.bound = bound
        self.count = count

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, ascending."""
        for base, chunk in self._bounded_chunks():
            for record_id, raw in enumerate(chunk, base):
                if raw is not None:
                    yield record_id, raw

    def record(self, record_id: int) -> bytes | None:
        """The bytes of the document with this record id; None if there was none."""
        chunk = self.chunks[record_id >> CHUNK_BITS]
        return None if chunk is None else chunk[record_id & CHUNK_MASK]

    def __reversed__(self) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of every record, descending."""
        for base, chunk in reversed(list(self._bounded_chunks())):
            for slot in range(len(chunk) - 1, -1, -1):
                raw = chunk[slot]
                if raw is not None:
                    yield base + slot, raw

    def documents(self) -> Iterator[bytes]:
        """The documents' bytes, in natural order."""
        for _, chunk in self._bounded_chunks():
            yield from filter(None, chunk)

    def after(self, record_id: int) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of the records behind this one, ascending."""
        for index in range((record_id + 1) >> CHUNK_BITS, len(self.chunks)):
            chunk = self.chunks[index]
            if chunk is None:
                continue
            base = index << CHUNK_BITS
            for slot in range(max(0, record_id + 1 - base), min(len(chunk), self.bound - base)):
                raw = chunk[slot]
                if raw is not None:
                    yield base + slot, raw

    def documents_after(self, record_id: int) -> Iterator[bytes]:
        """The documents' bytes behind this record, in natural order."""
        first = record_id + 1
        for base, chunk in self._bounded_chunks():
            if base + len(chunk) > first:
                yield from filter(None, chunk if base >= first else chunk[first - base :])

    def before(self, record_id: int) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of the records in front of this one, descending."""
        for index in range((record_id - 1) >> CHUNK_BITS, -1, -1):
            chunk = self.chunks[index]
            if chunk is None:
                continue
            base = index << CHUNK_BITS
            for slot in range(min(len(chunk), record_id - base) - 1, -1, -1):
                raw = chunk[slot]
                if raw is not None:
                    yield base + slot, raw

    def differences(self, earlier: View | None) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """(record id, document then, document now) of the records that an earlier view of the collection holds
        otherwise, None where there is none; of all records if there is no earlier view."""
        for index, chunk in enumerate(self.chunks):
            base = index << CHUNK_BITS
            old = earlier.chunks[index] if earlier is not None and index < len(earlier.chunks) else None
            old_end = 0 if earlier is None or old is None else min(len(old), earlier.bound - base)
            end = 0 if chunk is None else min(len(chunk), self.bound - base)
            for slot in range(old_end if chunk is old else 0, max(end, old_end)):
                before = old[slot] if old is not None and slot < old_end else None
                now = chunk[slot] if chunk is not None and slot < end else None
                if before is not now:
                    yield base + slot, before, now

    def _bounded_chunks(self) -> Iterator[tuple[int, Chunk]]:
        """(first record id, chunk) of each chunk that is not empty, cut at the bound."""
        for index, chunk in enumerate(self.chunks):
            if chunk is None:
                continue
            base = index << CHUNK_BITS
            if base + CHUNK_SIZE > self.bound:  # the last chunk may grow while it is read
                chunk = chunk[: self.bound - base]
            yield base, chunk


class OrderedView(View):
    """The records of a clustered collection: their natural order is that of their `_id`s.

    order   the record ids in that order
    """

    __slots__ = ("order",)

    def __init__(self, chunks: tuple[Chunk | None, ...], bound: int, count: int, order: Sequence[int]) -> None:
        super().__init__(chunks, bound, count)
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
