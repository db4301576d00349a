"""What a collection holds at one moment: immutable, cheap to make, safe to read on any thread."""

from __future__ import annotations

from collections.abc import Iterator
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

    def _bounded_chunks(self) -> Iterator[tuple[int, Chunk]]:
        """(first record id, chunk) of each chunk that is not empty, cut at the bound."""
        for index, chunk in enumerate(self.chunks):
            if chunk is None:
                continue
            base = index << CHUNK_BITS
            if base + CHUNK_SIZE > self.bound:  # the last chunk may grow while it is read
                chunk = chunk[: self.bound - base]
            yield base, chunk
