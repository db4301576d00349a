"""The entries of an index in their order: bytes, cheap to change, and cheap to look at as they are now.

An entry is a key followed by the eight bytes of the record id, so that equal keys stand in the order of their
records. No key is the beginning of another (`values.key_bytes`), so entries sort as the pairs would.

Entries lie in sorted chunks. A view shares the chunks; a chunk that a view may hold is copied before it changes. Only
the store calls the methods that change anything, under its lock. Every change may be repeated.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final, NamedTuple

_CHUNK_COUNT: Final = 1024  # a longer chunk is parted in two
ID_BYTES: Final = 8

Chunk = list[bytes]


def entry_of(key: bytes, record_id: int) -> bytes:
    """The entry of a key and a record id."""
    return key + record_id.to_bytes(ID_BYTES)


def record_id_of(entry: bytes) -> int:
    """The record id of an entry."""
    return int.from_bytes(entry[-ID_BYTES:])


def key_of(entry: bytes) -> bytes:
    """The key of an entry."""
    return entry[:-ID_BYTES]


class EntriesView:
    """The entries of an index at one moment: immutable, safe to read on any thread."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: tuple[Chunk, ...]) -> None:
        self._chunks = chunks

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def __iter__(self) -> Iterator[bytes]:
        """All entries, ascending."""
        for chunk in self._chunks:
            yield from chunk

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        for chunk in self._touched(low, high):
            yield from chunk[bisect_left(chunk, low) : bisect_left(chunk, high)]

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        for chunk in reversed(self._touched(low, high)):
            yield from reversed(chunk[bisect_left(chunk, low) : bisect_left(chunk, high)])

    def _touched(self, low: bytes, high: bytes) -> tuple[Chunk, ...]:
        """The chunks that may hold entries of a range."""
        first = max(bisect_right(self._chunks, low, key=_first_of) - 1, 0)
        return self._chunks[first : bisect_left(self._chunks, high, key=_first_of)]


def _first_of(chunk: Chunk) -> bytes:
    return chunk[0]


class Entries:
    """The entries of an index.

    A change that moves chunks makes new lists of them and puts these in place at once, so that one that broke off
    leaves either the old lists or the new.
    """

    __slots__ = ("_table", "_view")

    def __init__(self) -> None:
        self._table = _Table([], [], [])
        self._view: EntriesView | None = None

    def view(self) -> EntriesView:
        """The entries as they are now."""
        view = self._view
        if view is None:
            chunks, firsts, _ = self._table
            self._table = _Table(chunks, firsts, [False] * len(chunks))
            view = self._view = EntriesView(tuple(chunks))
        return view

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first entry that is not less than `low`; None if there is none."""
        chunks, firsts, _ = self._table
        index = max(bisect_right(firsts, low) - 1, 0)
        for chunk in chunks[index : index + 2]:
            place = bisect_left(chunk, low)
            if place < len(chunk):
                return chunk[place]
        return None

    def record_with(self, key: bytes) -> int | None:
        """The first record that has this key; None if there is none."""
        entry = self.at_or_after(key)
        return None if entry is None or not entry.startswith(key) else record_id_of(entry)

    def records_with(self, key: bytes) -> Iterator[int]:
        """The records that have this key, ascending."""
        return map(record_id_of, self.view().between(key, key + b"\xff" * (ID_BYTES + 1)))

    def add(self, entry: bytes) -> None:
        """Enter an entry, if it is not in already."""
        chunks, firsts, owned = self._table
        if not chunks:
            self._view, self._table = None, _Table([[entry]], [entry], [True])
            return
        index = max(bisect_right(firsts, entry) - 1, 0)
        chunk = chunks[index]
        place = bisect_left(chunk, entry)
        if place < len(chunk) and chunk[place] == entry:
            return
        self._view = None
        if len(chunk) >= _CHUNK_COUNT:
            # What is entered in ascending order leaves full chunks behind; anything else, two halves.
            half = len(chunk) if place == len(chunk) else len(chunk) // 2
            parts = [chunk[:half], chunk[half:]]
            insort(parts[place > half or half == len(chunk)], entry)
            self._replace_chunk(index, parts)
            return
        if not owned[index]:
            chunk = chunks[index] = list(chunk)
            owned[index] = True
        if place == 0:
            firsts[index] = entry  # before it is in: what is less than the first entry does no harm
        chunk.insert(place, entry)

    def discard(self, entry: bytes) -> None:
        """Take an entry out, if it is in."""
        chunks, firsts, owned = self._table
        index = bisect_right(firsts, entry) - 1
        if index < 0:
            return
        chunk = chunks[index]
        place = bisect_left(chunk, entry)
        if place == len(chunk) or chunk[place] != entry:
            return
        self._view = None
        if len(chunk) == 1:
            self._replace_chunk(index, [])
            return
        if not owned[index]:
            chunk = chunks[index] = list(chunk)
            owned[index] = True
        del chunk[place]

    def _replace_chunk(self, index: int, parts: list[Chunk]) -> None:
        """Put other chunks, none of them empty, in the place of one."""
        chunks, firsts, owned = self._table
        after = index + 1
        self._table = _Table(
            [*chunks[:index], *parts, *chunks[after:]],
            [*firsts[:index], *map(_first_of, parts), *firsts[after:]],
            [*owned[:index], *([True] * len(parts)), *owned[after:]],
        )


class _Table(NamedTuple):
    """The chunks of an index.

    firsts   for each chunk, what is not greater than its first entry and greater than the last of the chunk before
    owned    whether no view holds the chunk
    """

    chunks: list[Chunk]
    firsts: list[bytes]
    owned: list[bool]
