"""A sorted set of bytes in memory: cheap to change, and cheap to look at as it is now.

The bytes lie in chunks, each of them behind the one before. New ones wait until there are `_WAITING_COUNT` of them, or
until somebody looks, and are then given to their chunks. A chunk has a sorted list, and beside it the few that came
since, which it sorts in when they have become `_SINCE_COUNT`, or when somebody reads it. So an insert moves nothing and
touches little memory, however large the set is, and no read has much to catch up with.

A look shares the chunks; a chunk that it may hold is copied before it changes, its sorted list only where that changes.
What a look sorts in is kept, for the others who hold the same chunk.

Only the store calls the methods of `Chunks`, under its lock; `ChunksView` is for any thread. Every change may be
repeated where it broke off: a change that has begun and not ended leaves `_is_doubtful`, and the next one then puts
everything together anew, each once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import chain
from typing import Final

from amongo.runtime.interrupts import Interrupt

_CHUNK_COUNT: Final = 1024  # a longer chunk is parted in two
_WAITING_COUNT: Final = 512  # to give so many to their chunks takes a few tenths of a millisecond at the most
_SINCE_COUNT: Final = 32  # to sort so many in takes a fortieth of a millisecond
_SAMPLES: Final = 4  # of a chunk that is about to be
_BATCH_COUNT: Final = 64  # so many for each chunk are merged with all of it at once

_Items = list[bytes]
_LEAST: Final = b""
_NEVER: Final = -1


class Chunk:
    """Some of the bytes, those between the chunk before and the chunk behind.

    parts    (in order, those that came since in the order in which they came): one attribute, so that whoever looks
             without a lock sees both as they belong together
    moment   of the set that holds it: no view that was taken before has the chunk
    owned    the same of the sorted list
    """

    __slots__ = ("moment", "owned", "parts")

    def __init__(self, items: _Items, since: _Items, moment: int, owned: int) -> None:
        self.parts = items, since
        self.moment = moment
        self.owned = owned

    def sorted(self) -> _Items:
        """All in order. On any thread: two that come at once do the same twice."""
        items, since = self.parts
        if since:
            items = sorted([*items, *since])
            self.parts = items, []
        return items

    def sorted_once(self) -> _Items:
        """All in order, for somebody who comes once: what is sorted in is not kept."""
        items, since = self.parts
        return sorted([*items, *since]) if since else items


class ChunksView:
    """A sorted set of bytes at one moment: immutable, safe to read on any thread."""

    __slots__ = ("_chunks", "_count", "_firsts", "_sizes")

    def __init__(self, chunks: tuple[Chunk, ...], firsts: _Items, sizes: tuple[int, ...]) -> None:
        """Those of a `Chunks`."""
        self._chunks = chunks
        self._firsts = firsts
        self._sizes = sizes
        self._count = -1

    def pieces(self) -> list[object]:
        """Its chunks, for those who let go of them little by little."""
        return list(self._chunks)

    def __len__(self) -> int:
        if self._count < 0:
            self._count = sum(self._sizes)
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        """All, ascending: for those who write them down. (A thousand new lists that stay would be a collection of
        garbage that takes 30 ms, during which no thread runs.)"""
        return chain.from_iterable(map(Chunk.sorted_once, self._chunks))

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Those with low <= each < high, ascending."""
        first, behind = self._touched(low, high)
        if behind - first == 1:
            items = self._chunks[first].sorted()
            return iter(items[bisect_left(items, low) : bisect_left(items, high)])
        return chain.from_iterable(self._part(index, low, high, first, behind) for index in range(first, behind))

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """Those with low <= each < high, descending."""
        first, behind = self._touched(low, high)
        return chain.from_iterable(
            reversed(self._part(index, low, high, first, behind)) for index in range(behind - 1, first - 1, -1)
        )

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many there are with low <= each < high."""
        first, behind = self._touched(low, high)
        if first >= behind:
            return 0
        count = sum(self._sizes[first:behind]) if behind - first < len(self._chunks) else len(self)
        start, last = self._chunks[first].sorted(), self._chunks[behind - 1].sorted()
        return max(count - bisect_left(start, low) - (len(last) - bisect_left(last, high)), 0)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first that is not less than `low`; None if there is none."""
        return next(self.between(low, b"\xff"), None)

    def _touched(self, low: bytes, high: bytes) -> tuple[int, int]:
        """(first, behind the last) of the chunks that may hold something of a range."""
        return max(bisect_right(self._firsts, low) - 1, 0), bisect_left(self._firsts, high)

    def _part(self, index: int, low: bytes, high: bytes, first: int, behind: int) -> _Items:
        """What a range has of a chunk; a whole chunk is shared.

        first, behind   as `_touched` gives them
        """
        items = self._chunks[index].sorted()
        if first < index < behind - 1:
            return items
        start = bisect_left(items, low) if index == first else 0
        end = bisect_left(items, high, start) if index == behind - 1 else len(items)
        return items[start:end] if end - start < len(items) else items


NO_CHUNKS: Final = ChunksView((), [], ())


class Chunks:
    """A sorted set of bytes that changes.

    _chunks    in their order
    _firsts    for each chunk, what is not greater than anything in it and greater than all of the chunk before; the
               list never changes, other chunks come with another one
    _sizes     how many each chunk has
    _waiting   what belongs to none of them yet
    """

    __slots__ = ("_chunks", "_firsts", "_is_doubtful", "_moment", "_sizes", "_view", "_waiting")

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._firsts: _Items = []
        self._sizes: list[int] = []
        self._waiting: _Items = []
        self._view: ChunksView | None = NO_CHUNKS
        self._moment = 0
        self._is_doubtful = False  # a change broke off: something may be in twice, a size may be wrong

    def chunks_view(self) -> ChunksView:
        """What is in now."""
        view = self._view
        if view is None:
            self._sort_in()
            self._moment += 1  # before the view is there, whatever comes in between
            view = self._view = ChunksView(tuple(self._chunks), self._firsts, tuple(self._sizes))
        return view

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first that is not less than `low`; None if there is none."""
        self._sort_in()
        index = max(bisect_right(self._firsts, low) - 1, 0)
        for chunk in self._chunks[index : index + 2]:
            items = chunk.sorted()
            place = bisect_left(items, low)
            if place < len(items):
                return items[place]
        return None

    def add(self, item: bytes) -> None:
        """Enter one that is not in."""
        self._view = None
        waiting = self._waiting
        waiting.append(item)
        if len(waiting) >= _WAITING_COUNT:
            self._sort_in()

    def add_all(self, items: list[bytes]) -> None:
        """Enter several, none of which is in."""
        self._view = None
        self._waiting += items
        if len(self._waiting) >= _WAITING_COUNT:
            self._sort_in()

    def load(self, items: list[bytes], interrupt: Interrupt) -> None:
        """Enter very many, each once, into a set that is empty: each is looked at twice, and no sort holds up other
        threads for longer than it takes to sort a chunk."""
        assert not self._chunks
        parts = list(_sorted_chunks(items, interrupt))
        chunks, sizes = self._chunks_of(parts), list(map(len, parts))
        firsts = [part[0] if place else _LEAST for place, part in enumerate(parts)]
        self._chunks, self._firsts, self._sizes, self._view = chunks, firsts, sizes, None

    def doubt(self) -> None:
        """A change that broke off is about to be made again: what it enters may be in already."""
        self._view, self._is_doubtful = None, True

    def discard(self, item: bytes) -> bool:
        """Take one out; whether it was in."""
        self._sort_in()
        index = bisect_right(self._firsts, item) - 1
        if index < 0:
            return False
        items, since = self._chunks[index].parts
        place = bisect_left(items, item)
        is_sorted_in = place < len(items) and items[place] == item
        if not is_sorted_in and item not in since:
            return False
        self._view, self._is_doubtful = None, True
        if self._sizes[index] == 1:
            self._replace_chunk(index, [])
        else:
            chunk = self._writable(index)
            items, since = chunk.parts
            if not is_sorted_in:
                since.remove(item)
            elif chunk.owned == self._moment:
                del items[place]
            else:
                items = list(items)
                del items[place]
                chunk.parts, chunk.owned = (items, since), self._moment
            self._sizes[index] -= 1
        self._is_doubtful = False
        return True

    def _sort_in(self) -> None:
        """Give what waits to its chunks."""
        waiting = self._waiting
        if not waiting and not self._is_doubtful:
            return
        waiting.sort()  # so that neighbours come one after the other
        chunks, firsts, sizes, moment = self._chunks, self._firsts, self._sizes, self._moment
        if self._is_doubtful or len(waiting) >= _BATCH_COUNT * len(chunks) or waiting[0] >= firsts[-1]:
            self._merge(waiting)
            return
        self._is_doubtful = True
        for item in waiting:
            index = bisect_right(firsts, item) - 1
            chunk = chunks[index]
            if chunk.moment != moment:
                chunk = self._writable(index)
            since = chunk.parts[1]
            since.append(item)
            sizes[index] += 1
            if len(since) >= _SINCE_COUNT:
                self._sort_chunk(index)
                chunks, firsts, sizes = self._chunks, self._firsts, self._sizes
        self._waiting, self._is_doubtful = [], False

    def _writable(self, index: int) -> Chunk:
        """The chunk of this number, which no view holds."""
        chunk = self._chunks[index]
        if chunk.moment != self._moment:
            items, since = chunk.parts
            chunk = self._chunks[index] = Chunk(items, list(since), self._moment, _NEVER)
        return chunk

    def _sort_chunk(self, index: int) -> None:
        """Sort in what has come to a chunk, which no view holds; part it if it has become too long."""
        chunk = self._chunks[index]
        items, since = chunk.parts
        if chunk.owned != self._moment:
            items = list(items)
        ascends = not items or since[0] > items[-1]
        for item in since:
            insort(items, item)
        if len(items) <= _CHUNK_COUNT:
            chunk.parts, chunk.owned = (items, []), self._moment
            return
        # What is entered in ascending order leaves full chunks behind; anything else, two halves.
        half = _CHUNK_COUNT if ascends else len(items) // 2
        self._replace_chunk(index, [items[:half], items[half:]])

    def _merge(self, items: _Items) -> None:
        """Give all that waits, ascending, to its chunks: each that takes some of it is sorted once; in doubt, all."""
        is_doubtful = self._is_doubtful
        old_chunks, old_firsts, old_sizes = self._chunks, self._firsts, self._sizes
        start = 0 if is_doubtful or not items else max(bisect_right(old_firsts, items[0]) - 1, 0)
        chunks, firsts, sizes = old_chunks[:start], old_firsts[:start], old_sizes[:start]
        place = 0
        for index in range(start, max(len(old_chunks), 1)):
            end = bisect_left(items, old_firsts[index + 1], place) if index + 1 < len(old_chunks) else len(items)
            if place == end and not is_doubtful:
                chunks.append(old_chunks[index])
                firsts.append(old_firsts[index])
                sizes.append(old_sizes[index])
                continue
            there, since = old_chunks[index].parts if old_chunks else ([], [])
            parts = _parted(sorted({*there, *since, *items[place:end]}))
            chunks += self._chunks_of(parts)
            firsts += [part[0] for part in parts]
            sizes += map(len, parts)
            place = end
        firsts[:1] = [_LEAST] * len(firsts[:1])
        self._chunks, self._firsts, self._sizes, self._waiting, self._is_doubtful = chunks, firsts, sizes, [], False

    def _replace_chunk(self, index: int, parts: list[_Items]) -> None:
        """Put others, none of them empty, in the place of one."""
        after = index + 1
        chunks = [*self._chunks[:index], *self._chunks_of(parts), *self._chunks[after:]]
        firsts = [*self._firsts[:index], *[part[0] for part in parts], *self._firsts[after:]]
        sizes = [*self._sizes[:index], *map(len, parts), *self._sizes[after:]]
        firsts[:1] = [_LEAST] * len(firsts[:1])
        self._chunks, self._firsts, self._sizes = chunks, firsts, sizes

    def _chunks_of(self, parts: list[_Items]) -> list[Chunk]:
        """Sorted lists as chunks that no view holds."""
        return [Chunk(items, [], self._moment, self._moment) for items in parts]


def _parted(items: _Items) -> list[_Items]:
    """A sorted list as lists of the right length: full ones, the last as long as it comes."""
    if len(items) <= _CHUNK_COUNT:
        return [items] if items else []
    return [items[start : start + _CHUNK_COUNT] for start in range(0, len(items), _CHUNK_COUNT)]


def _sorted_chunks(items: _Items, interrupt: Interrupt) -> Iterator[_Items]:
    """The items in order: a sample says where chunks will about begin, each item goes to its chunk, each chunk is
    sorted on its own."""
    sample = sorted(items[:: max(_CHUNK_COUNT // (2 * _SAMPLES), 1)])
    begins = sample[_SAMPLES::_SAMPLES]
    buckets: list[_Items] = [[] for _ in range(len(begins) + 1)]
    for item in interrupt.watch(items):
        buckets[bisect_right(begins, item)].append(item)
    for bucket in interrupt.watch(buckets):
        bucket.sort()
        if bucket:
            yield from _parted(bucket)
