"""Reading an index run: sorted entries, straight from the mapped bytes.

In memory are the fences alone, which say where each batch of entries begins. A batch is some pages, and is verified as
a whole when it is first touched.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from amongo.engine.indexes.entry import ID_BYTES, key_of, record_id_of
from amongo.engine.snapshots.checked import CheckedMap
from amongo.engine.snapshots.contents import RunFile
from amongo.engine.snapshots.format import RUN
from amongo.engine.snapshots.key_hash import KeyHash
from amongo.engine.snapshots.sidecar import BatchPlace, Sidecar, read_sidecar
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import SNAPSHOT_BATCH_COUNT

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files, Mapped

_FIRST_READ = 32
_BEHIND_ALL = b"\xff"  # greater than every entry; behind a key: than every entry of that key


_Place = tuple[int, int, int, int, int]
"""A batch: the numbers of its first and last entry, its window, and by their places in the window its value offsets (a
word) and its values (a byte)."""


class Span(NamedTuple):
    """A batch for readers that know Arrow.

    first, last   the numbers of its first and last entry
    raw           the mapped bytes, verified
    offsets       where in them its value offsets begin, and
    values        where its values
    """

    first: int
    last: int
    raw: Mapped
    offsets: int
    values: int


class SortedEntries:
    """The added or the removed entries of a run, by their order and by their number."""

    __slots__ = ("_count", "_fences", "_first_batch", "_mapped", "_places", "_sidecar")

    def __init__(self, mapped: CheckedMap, sidecar: Sidecar, batches: range) -> None:
        """batches: which of the file's."""
        self._fences: list[bytes] | None = None
        self._mapped = mapped
        self._sidecar = sidecar
        self._first_batch = batches.start
        self._count = self._batch(len(batches) - 1).last + 1 if batches else 0
        self._places: list[_Place | None] = [None] * len(batches)

    def __len__(self) -> int:
        return self._count

    def _batch(self, index: int) -> BatchPlace:
        return self._sidecar.batch(self._first_batch + index)

    def _place(self, index: int) -> _Place:
        """Where a batch stands; its pages have been verified."""
        batch = self._batch(index)
        mapped = self._mapped
        mapped.check(batch.at, batch.at + batch.length)
        window = batch.at >> mapped.bits
        base = batch.at - (window << mapped.bits)
        place = batch.first, batch.last, window, (base + batch.offsets) >> 2, base + batch.values
        self._places[index] = place
        return place

    def position(self, low: bytes) -> int:
        """How many entries are less than `low`. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        fences = self._fences
        if fences is None:
            first = self._first_batch
            fences = self._fences = self._sidecar.fences()[first : first + len(self._places)]
        index = bisect_right(fences, low) - 1
        if index < 0:
            return 0
        first, last, window_index, word, values = self._places[index] or self._place(index)
        window = self._mapped.windows[window_index] or self._mapped.window(window_index)
        raw, words = window.raw, window.words
        start, end = word, word + last - first + 1
        while start < end:
            middle = (start + end) >> 1
            if raw[values + words[middle] : values + words[middle + 1]] < low:
                start = middle + 1
            else:
                end = middle
        return start - word + first

    def entry(self, number: int) -> bytes:
        """The entry of this number. errors: as `position`."""
        index = number // SNAPSHOT_BATCH_COUNT  # right if the batches before are full
        first, last, window_index, word, values = self._places[index] or self._place(index)
        if not first <= number <= last:
            index = self._index(number)
            first, last, window_index, word, values = self._places[index] or self._place(index)
        window = self._mapped.windows[window_index] or self._mapped.window(window_index)
        word += number - first
        return window.raw[values + window.words[word] : values + window.words[word + 1]]

    def read(self, number: int, limit: int) -> list[bytes]:
        """Up to `limit` entries from this number on, of one batch; at least one. errors: as `position`."""
        index = self._index(number)
        first, last, window_index, word, values = self._places[index] or self._place(index)
        window = self._mapped.windows[window_index] or self._mapped.window(window_index)
        if limit > _FIRST_READ:
            window.read_on()
        word += number - first
        places = window.words[word : word + min(limit, last - number + 1) + 1].tolist()
        origin = places[0]
        contents = window.raw[values + origin : values + places[-1]]
        if origin:
            places = [place - origin for place in places]
        return [contents[start:end] for start, end in pairwise(places)]

    def span(self, number: int) -> Span:
        """The batch in which the entry of this number stands. errors: as `position`."""
        index = self._index(number)
        first, last, window_index, word, values = self._places[index] or self._place(index)
        window = self._mapped.windows[window_index] or self._mapped.window(window_index)
        window.read_on()
        return Span(first, last, window.raw, 4 * word, values)

    def _index(self, number: int) -> int:
        """The batch in which the entry of this number stands."""
        index = number // SNAPSHOT_BATCH_COUNT  # right if the batches before are full
        place = self._places[index]
        if place is not None and place[0] <= number <= place[1]:
            return index
        return bisect_right(range(len(self._places)), number, key=self._first_of) - 1

    def _first_of(self, index: int) -> int:
        return self._batch(index).first

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending. errors: as `position`."""
        number, limit = self.position(low), _FIRST_READ
        while number < self._count:
            entries = self.read(number, limit)
            if entries[-1] >= high:
                yield from entries[: bisect_left(entries, high)]
                return
            yield from entries
            number += len(entries)
            limit = min(4 * limit, SNAPSHOT_BATCH_COUNT)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending. errors: as `position`."""
        stop, limit = self.position(high), _FIRST_READ
        while stop > 0:
            first = self._first_of(self._index(stop - 1))
            start = max(first, stop - limit)
            entries = self.read(start, stop - start)
            if entries[0] < low:
                yield from reversed(entries[bisect_left(entries, low) :])
                return
            yield from reversed(entries)
            stop = start
            limit = min(4 * limit, SNAPSHOT_BATCH_COUNT)


class Run:
    """An index run, as a layer of entries.

    file      what the MANIFEST says of it
    added     its entries
    removed   its removal marks, for entries of older layers
    """

    __slots__ = ("__weakref__", "_first_key", "_hash", "_last", "added", "file", "mapped", "removed")

    def __init__(self, files: Files, directory: str, file: RunFile) -> None:
        """directory: of the snapshot files.

        errors   SNAPSHOT_MISSING, SNAPSHOT_CORRUPT, STORE_FORMAT_NEWER, STORE_UNREADABLE
        """
        path = os.path.join(directory, file.name)
        self.file = file
        sidecar = read_sidecar(files, path, file.sidecar_xxh3, RUN)
        facts = sidecar.facts
        self.mapped = CheckedMap(files, path, file.size, sidecar.sums, facts.longest)
        self._last = sidecar.last_entry()
        added = facts.batches - facts.mark_batches
        self.added = SortedEntries(self.mapped, sidecar, range(added))
        self.removed = SortedEntries(self.mapped, sidecar, range(added, facts.batches))
        self._first_key = key_of(sidecar.first_entry()) if added else b""
        self._hash = KeyHash(files, path, sidecar) if file.has_hash else None

    def __len__(self) -> int:
        return len(self.added)

    @property
    def removed_count(self) -> int:
        """How many removal marks it has."""
        return len(self.removed)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, ascending. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        return self.added.between(low, high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The added entries with low <= entry < high, descending. errors: as `between`."""
        return self.added.between_backward(low, high)

    def removed_between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, ascending. errors: as `between`."""
        return self.removed.between(low, high)

    def removed_between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The removal marks with low <= entry < high, descending. errors: as `between`."""
        return self.removed.between_backward(low, high)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first added entry that is not less than `low`; None if there is none. errors: as `between`."""
        number = self.added.position(low)
        return self.added.entry(number) if number < len(self.added) else None

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many added entries have low <= entry < high. errors: as `between`."""
        return max(0, self.added.position(high) - self.added.position(low))

    def has_key(self, key: bytes) -> Sequence[int]:
        """The records of the added entries with this very key, ascending. errors: as `between`."""
        if key > self._last or key < self._first_key:
            return ()
        if self._hash is None:
            return [record_id_of(entry) for entry in self.between(key, key + _BEHIND_ALL)]
        found = []
        for number in self._hash.numbers(key):
            entry = self.added.entry(number)
            if entry.startswith(key):  # no key is the beginning of another
                found.append(int.from_bytes(entry[len(key) : len(key) + ID_BYTES]))
        if len(found) > 1:
            found.sort()
        return found

    def lacks_all(self, keys: Iterable[bytes]) -> bool:
        """Whether none of these keys is here, found out cheaply; False where that would take a look at each."""
        return not keys or min(keys) > self._last or max(keys) < self._first_key

    @property
    def maps(self) -> tuple[CheckedMap, ...]:
        """Its files."""
        return (self.mapped,) if self._hash is None else (self.mapped, self._hash.mapped)

    def check(self, interrupt: Interrupt = NEVER) -> None:
        """Verify all of the files. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        for mapped in self.maps:
            mapped.check_all(interrupt)
        if self._hash is not None:
            self._hash.check_header()

    def release(self) -> None:
        """Give back the memory that reading has taken; reading goes on."""
        for mapped in self.maps:
            mapped.release()
