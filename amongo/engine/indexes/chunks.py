"""A sorted set of bytes in memory: cheap to change, and cheap to look at as it is now.

The bytes lie in sorted chunks. New ones wait unsorted, at most `WAITING_COUNT` of them unless they came as a batch,
and are sorted in when something asks for the order; so an insert moves nothing, and no read has much to catch up with.
A look shares the chunks; a chunk that it may hold is copied before it changes.

Only the store calls the methods of `Chunks`, under its lock. Every change may be repeated where it broke off: one that
moves chunks makes new lists of them and puts these in place at once, and what waits is let go of only once it is in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from amongo.runtime.interrupts import Interrupt

_CHUNK_COUNT: Final = 1024  # a longer chunk is parted in two
WAITING_COUNT: Final = 256  # to sort so many in takes a quarter of a millisecond
_SAMPLES: Final = 4  # of a chunk that is about to be
_BATCH_COUNT: Final = 4  # so many for each chunk are merged chunk by chunk rather than one by one

Chunk = list[bytes]
_first_of = itemgetter(0)


class ChunksView:
    """A sorted set of bytes at one moment: immutable, safe to read on any thread."""

    __slots__ = ("_chunks", "_count")

    def __init__(self, chunks: tuple[Chunk, ...]) -> None:
        self._chunks = chunks
        self._count = -1

    def pieces(self) -> list[object]:
        """Its chunks, for those who let go of them little by little."""
        return list(self._chunks)

    def __len__(self) -> int:
        if self._count < 0:
            self._count = sum(map(len, self._chunks))
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        """All, ascending."""
        return chain.from_iterable(self._chunks)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Those with low <= each < high, ascending."""
        return chain.from_iterable(self._parts(low, high))

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Those with low <= each < high, descending."""
        return chain.from_iterable(map(reversed, reversed(self._parts(low, high))))

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many there are with low <= each < high."""
        first, behind = self._touched(low, high)
        if first >= behind:
            return 0
        count = sum(map(len, self._chunks[first:behind])) if behind - first < len(self._chunks) else len(self)
        start, last = self._chunks[first], self._chunks[behind - 1]
        return max(count - bisect_left(start, low) - (len(last) - bisect_left(last, high)), 0)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first that is not less than `low`; None if there is none."""
        return next(self.between(low, b"\xff"), None)

    def _touched(self, low: bytes, high: bytes) -> tuple[int, int]:
        """(first, behind the last) of the chunks that may hold something of a range."""
        chunks = self._chunks
        return max(bisect_right(chunks, low, key=_first_of) - 1, 0), bisect_left(chunks, high, key=_first_of)

    def _parts(self, low: bytes, high: bytes) -> list[Chunk]:
        """What a range has of each chunk; whole chunks are shared."""
        first, behind = self._touched(low, high)
        parts = list(self._chunks[first:behind])
        if parts:
            end = bisect_left(parts[-1], high)
            if end < len(parts[-1]):
                parts[-1] = parts[-1][:end]
            start = bisect_left(parts[0], low)
            if start:
                parts[0] = parts[0][start:]
        return parts


NO_CHUNKS: Final = ChunksView(())


class _Table(NamedTuple):
    """Chunks in their order.

    firsts   for each chunk, what is not greater than its first entry and greater than the last of the chunk before
    owned    whether no view holds the chunk
    """

    chunks: list[Chunk]
    firsts: list[bytes]
    owned: list[bool]


class Chunks:
    """A sorted set of bytes that changes."""

    __slots__ = ("_table", "_view", "_waiting")

    def __init__(self) -> None:
        self._table = _Table([], [], [])
        self._waiting: list[bytes] = []
        self._view: ChunksView | None = NO_CHUNKS

    def chunks_view(self) -> ChunksView:
        """What is in now."""
        view = self._view
        if view is None:
            self._sort_in()
            chunks, firsts, _ = self._table
            self._table = _Table(chunks, firsts, [False] * len(chunks))
            view = self._view = ChunksView(tuple(chunks))
        return view

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first that is not less than `low`; None if there is none."""
        self._sort_in()
        chunks, firsts, _ = self._table
        index = max(bisect_right(firsts, low) - 1, 0)
        for chunk in chunks[index : index + 2]:
            place = bisect_left(chunk, low)
            if place < len(chunk):
                return chunk[place]
        return None

    def add(self, item: bytes) -> None:
        """Enter one, if it is not in already."""
        self._view = None
        self._waiting.append(item)
        if len(self._waiting) >= WAITING_COUNT:
            self._sort_in()

    def add_all(self, items: list[bytes]) -> None:
        """Enter several."""
        self._view = None
        self._waiting += items
        if len(self._waiting) >= WAITING_COUNT:
            self._sort_in()

    def load(self, items: list[bytes], interrupt: Interrupt) -> None:
        """Enter very many, each once, into a set that is empty: each is looked at twice, and no sort holds up other
        threads for longer than it takes to sort a chunk."""
        assert not self._table.chunks
        self.add_all([])
        if len(items) < WAITING_COUNT:
            self.add_all(items)
            return
        chunks = list(_sorted_chunks(items, interrupt))
        self._table = _Table(chunks, list(map(_first_of, chunks)), [True] * len(chunks))

    def discard(self, item: bytes) -> bool:
        """Take one out; whether it was in."""
        self._sort_in()
        chunks, firsts, owned = self._table
        index = bisect_right(firsts, item) - 1
        if index < 0:
            return False
        chunk = chunks[index]
        place = bisect_left(chunk, item)
        if place == len(chunk) or chunk[place] != item:
            return False
        self._view = None
        if len(chunk) == 1:
            self._replace_chunk(index, [])
            return True
        if not owned[index]:
            chunk = chunks[index] = list(chunk)
            owned[index] = True
        del chunk[place]
        return True

    def _sort_in(self) -> None:
        """Put what waits in its place."""
        waiting = self._waiting
        if not waiting:
            return
        if len(waiting) == 1:
            self._insert(waiting[0])
        else:
            waiting.sort()
            chunks, firsts, _ = self._table
            if not chunks or waiting[0] >= firsts[-1] or len(waiting) >= _BATCH_COUNT * len(chunks):
                self._merge(waiting)
            else:
                for item in waiting:
                    self._insert(item)
        self._waiting = []

    def _insert(self, item: bytes) -> None:
        chunks, firsts, owned = self._table
        if not chunks:
            self._table = _Table([[item]], [item], [True])
            return
        index = max(bisect_right(firsts, item) - 1, 0)
        chunk = chunks[index]
        place = bisect_left(chunk, item)
        if place < len(chunk) and chunk[place] == item:
            return
        if len(chunk) >= _CHUNK_COUNT:
            # What is entered in ascending order leaves full chunks behind; anything else, two halves.
            half = len(chunk) if place == len(chunk) else len(chunk) // 2
            parts = [chunk[:half], chunk[half:]]
            insort(parts[place > half or half == len(chunk)], item)
            self._replace_chunk(index, parts)
            return
        if not owned[index]:
            chunk = chunks[index] = list(chunk)
            owned[index] = True
        if place == 0:
            firsts[index] = item  # before it is in: what is less than the first entry does no harm
        chunk.insert(place, item)

    def _merge(self, items: list[bytes]) -> None:
        """Enter many, ascending: each chunk that takes some of them is sorted once."""
        chunks, firsts, owned = self._table
        start = max(bisect_right(firsts, items[0]) - 1, 0)
        merged: list[Chunk] = []
        kept: list[bool] = []
        place = 0
        for index in range(start, max(len(chunks), 1)):
            end = bisect_left(items, firsts[index + 1], place) if index + 1 < len(chunks) else len(items)
            if place == end:
                merged.append(chunks[index])
                kept.append(owned[index])
                continue
            parts = _parted(_united(chunks[index] if chunks else [], items[place:end]))
            merged += parts
            kept += [True] * len(parts)
            place = end
        self._table = _Table(
            [*chunks[:start], *merged], [*firsts[:start], *map(_first_of, merged)], [*owned[:start], *kept]
        )

    def _replace_chunk(self, index: int, parts: list[Chunk]) -> None:
        """Put other chunks, none of them empty, in the place of one."""
        chunks, firsts, owned = self._table
        after = index + 1
        self._table = _Table(
            [*chunks[:index], *parts, *chunks[after:]],
            [*firsts[:index], *map(_first_of, parts), *firsts[after:]],
            [*owned[:index], *([True] * len(parts)), *owned[after:]],
        )


def _united(chunk: Chunk, items: list[bytes]) -> Chunk:
    """A chunk and more, sorted, each once."""
    together = chunk + items
    together.sort()  # two ascending runs, one after the other where the keys ascend
    unique = set(together)
    return together if len(unique) == len(together) else sorted(unique)


def _parted(chunk: Chunk) -> list[Chunk]:
    """A chunk as chunks of the right length: full ones, the last as long as it comes."""
    if len(chunk) <= _CHUNK_COUNT:
        return [chunk]
    return [chunk[start : start + _CHUNK_COUNT] for start in range(0, len(chunk), _CHUNK_COUNT)]


def _sorted_chunks(items: list[bytes], interrupt: Interrupt) -> Iterator[Chunk]:
    """The items in order: a sample says where chunks will about begin, each item goes to its chunk, each chunk is
    sorted on its own."""
    sample = sorted(items[:: max(_CHUNK_COUNT // (2 * _SAMPLES), 1)])
    begins = sample[_SAMPLES::_SAMPLES]
    buckets: list[Chunk] = [[] for _ in range(len(begins) + 1)]
    for item in interrupt.watch(items):
        buckets[bisect_right(begins, item)].append(item)
    for bucket in interrupt.watch(buckets):
        bucket.sort()
        if bucket:
            yield from _parted(bucket)
