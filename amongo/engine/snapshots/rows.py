"""Reading a rows file: documents by record id, straight from the mapped bytes.

Nothing is kept of what was read but where the batches stand: a look-up computes where the document stands and cuts it
out. Opening a file reads its sidecar and nothing of the file itself.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from amongo.engine.records.layers import BELOW, Slot
from amongo.engine.snapshots.checked import CheckedMap
from amongo.engine.snapshots.contents import RowsFile
from amongo.engine.snapshots.format import BATCH, BLOCK_BITS, PAGE_BITS, ROWS
from amongo.engine.snapshots.sidecar import BatchPlace, Sidecar, read_sidecar
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files, Mapped

_unpack_batch = BATCH.unpack_from
_BATCH_BYTES = BATCH.size


_Place = tuple[int, int, int, int, int, int, int, int]
"""A batch, whose value offsets have been verified: its first and last record id; its window, and the first page of
this; and by their places in the window its value offsets (a word), its values (a byte), its bitmap (a byte; 0 without
one) and its record ids (a long; 0 if none is missing between the first and the last)."""


class Span(NamedTuple):
    """A batch for readers that know Arrow.

    rows       how many record ids it has
    raw        the mapped bytes, verified; where in them begin
    ids        its record ids,
    validity   its bitmap, 0 if there is none,
    offsets    its value offsets, and
    values     its values
    """

    rows: int
    raw: Mapped
    ids: int
    validity: int
    offsets: int
    values: int


class Rows:
    """A rows file, as a layer of records.

    file       what the MANIFEST says of it
    first_id   no record id before this one and
    last_id    none behind this one is in it
    """

    __slots__ = (
        "__weakref__",
        "_batches",
        "_count",
        "_directory",
        "_first_block",
        "_places",
        "file",
        "first_id",
        "last_id",
        "mapped",
        "sidecar",
    )

    def __init__(self, files: Files, directory: str, file: RowsFile) -> None:
        """directory: of the snapshot files.

        errors   SNAPSHOT_MISSING, SNAPSHOT_CORRUPT, STORE_FORMAT_NEWER, STORE_UNREADABLE
        """
        path = os.path.join(directory, file.name)
        self.file = file
        self.first_id = file.first_id
        self.last_id = file.last_id
        self.sidecar: Sidecar = read_sidecar(files, path, file.sidecar_xxh3, ROWS)
        self.mapped = CheckedMap(files, path, file.size, self.sidecar.sums, self.sidecar.facts.longest)
        self._directory = self.sidecar.directory
        self._count = self.sidecar.facts.batches
        self._places: list[_Place | None] = [None] * self._count
        self._batches = range(self._count)
        self._first_block = file.first_id >> BLOCK_BITS

    def record(self, record_id: int) -> Slot:
        """The document; None if it is deleted, BELOW if the file knows nothing of the record id.

        errors   SNAPSHOT_CORRUPT, STORE_UNREADABLE
        """
        if not self.first_id <= record_id <= self.last_id:
            return BELOW
        index = (record_id >> BLOCK_BITS) - self._first_block  # right if each block before is one batch
        if index >= self._count:
            index = self._index(record_id)
        place = self._places[index] or self._place(index)
        if not place[0] <= record_id <= place[1]:
            index = self._index(record_id)
            place = self._places[index] or self._place(index)
            if record_id > place[1]:
                return BELOW
        first, _, window_index, first_page, word, values, bitmap, ids = place
        mapped = self.mapped
        flags = mapped.flags
        window = mapped.windows[window_index] or mapped.window(window_index)
        position = record_id - first
        if ids:  # some record ids are missing
            position = self._position(record_id, index)
            if position < 0:
                return BELOW
        if bitmap:
            byte = bitmap + (position >> 3)
            if not flags[first_page + (byte >> PAGE_BITS)]:
                mapped.check_in(window_index, byte, byte + 1)
            if not window.raw[byte] >> (position & 7) & 1:
                return None
        word += position
        start, end = values + window.words[word], values + window.words[word + 1]
        page = start >> PAGE_BITS
        if not flags[first_page + page] or page != (end - 1) >> PAGE_BITS:
            mapped.check_in(window_index, start, end)
        return window.raw[start:end]

    def find(self, record_ids: Sequence[int], slots: list[Slot]) -> int:
        """Put what the file says of these ids into those of their slots that are BELOW; how many are so no more.

        errors   SNAPSHOT_CORRUPT, STORE_UNREADABLE
        """
        places, blocks, first_block = self._places, self._count, self._first_block
        flags, windows = self.mapped.flags, self.mapped.windows
        count = 0
        for position, record_id in enumerate(record_ids):
            if slots[position] is not BELOW:
                continue
            index = (record_id >> BLOCK_BITS) - first_block
            place = places[index] if 0 <= index < blocks else None
            if place is not None:
                first, last, window_index, first_page, word, values, bitmap, ids = place
                window = windows[window_index]
                if first <= record_id <= last and window is not None and not bitmap and not ids:
                    # What `record` does for the commonest records, whose pages have been verified.
                    word += record_id - first
                    words = window.words
                    start, end = values + words[word], values + words[word + 1]
                    page = start >> PAGE_BITS
                    if page == (end - 1) >> PAGE_BITS and flags[first_page + page]:
                        slots[position] = window.raw[start:end]
                        count += 1
                        continue
            found = self.record(record_id)
            if found is not BELOW:
                slots[position] = found
                count += 1
        return count

    def _place(self, index: int) -> _Place:
        batch = self.sidecar.batch(index)
        bits = self.mapped.bits
        window = batch.at >> bits
        base = batch.at - (window << bits)
        self.mapped.check(batch.at + batch.offsets, batch.at + batch.offsets + 4 * (batch.rows + 1))
        self._places[index] = place = (
            batch.first,
            batch.last,
            window,
            window << (bits - PAGE_BITS),
            (base + batch.offsets) >> 2,
            base + batch.values,
            base + batch.validity if batch.marks else 0,
            (base + batch.ids) >> 3 if batch.last - batch.first >= batch.rows else 0,
        )
        return place

    def _position(self, record_id: int, index: int) -> int:
        """Where in a batch a record id stands; -1 if it does not."""
        batch = self.sidecar.batch(index)
        start = (batch.at % (1 << self.mapped.bits) + batch.ids) >> 3
        self.mapped.check(batch.at + batch.ids, batch.at + batch.ids + 8 * batch.rows)
        longs = self.mapped.window(batch.at >> self.mapped.bits).longs
        place = bisect_left(longs, record_id, start, start + batch.rows)
        return place - start if place < start + batch.rows and longs[place] == record_id else -1

    def surely_knows(self, record_id: int) -> bool:
        """Whether the file is sure to say something of a record id, where what it says may not verify."""
        index = self._index(record_id) if self.first_id <= record_id <= self.last_id else -1
        batch = self.sidecar.batch(index) if index >= 0 else None
        if batch is None or record_id > batch.last:
            return False
        if batch.last - batch.first < batch.rows:
            return True
        try:
            return self._position(record_id, index) >= 0
        except ServerError:
            return False

    def ids_at(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and last record id of what stands in start <= offset < end of the file; None if nothing does."""
        batches = [self.sidecar.batch(index) for index in self._batches]
        found = [each for each in batches if each.at < end and each.at + each.length > start]
        return (found[0].first, found[-1].last) if found else None

    def _index(self, record_id: int) -> int:
        """The last batch that begins at or before a record id that is not before the first."""
        return bisect_right(self._batches, record_id, key=self._first_of) - 1

    def _first_of(self, index: int) -> int:
        first: int = _unpack_batch(self._directory, index * _BATCH_BYTES)[1]
        return first

    def fill(self, base: int, slots: list[bytes | None]) -> None:
        """Put what the file knows of the record ids from `base` on in their slots: documents, None for deleted ones.

        slots    for each record id
        errors   SNAPSHOT_CORRUPT, STORE_UNREADABLE
        """
        end = base + len(slots)
        if end <= self.first_id or base > self.last_id:
            return
        known = (base >> BLOCK_BITS) - self._first_block
        place = (self._places[known] or self._place(known)) if 0 <= known < self._count else None
        if place is not None and place[0] <= base and end - 1 <= place[1] and not place[6] and not place[7]:
            slots[:] = self._run(place, base, len(slots))
            return
        for index in range(max(self._index(base), 0), self._count):
            batch = self.sidecar.batch(index)
            if batch.first >= end:
                return
            if batch.last < base:
                continue
            if batch.last - batch.first < batch.rows:
                first, stop = max(base, batch.first), min(end, batch.last + 1)
                documents = self._documents(batch, first - batch.first, stop - batch.first)
                slots[first - base : stop - base] = documents
            else:
                ids = self._record_ids(batch)
                start, stop = bisect_left(ids, base), bisect_left(ids, end)
                for record_id, document in zip(ids[start:stop], self._documents(batch, start, stop), strict=True):
                    slots[record_id - base] = document

    def _run(self, place: _Place, first: int, count: int) -> list[bytes]:
        """Some documents of a batch that has every record id and no deleted record."""
        window_index, word, origin, mapped = place[2], place[4] + first - place[0], place[5], self.mapped
        window = mapped.windows[window_index] or mapped.window(window_index)
        window.read_on()
        offsets = window.words[word : word + count + 1].tolist()
        start = offsets[0]
        mapped.check_in(window_index, origin + start, origin + offsets[-1])
        contents = window.raw[origin + start : origin + offsets[-1]]
        return [contents[low - start : high - start] for low, high in pairwise(offsets)]

    def batches(self, first: int = 0, interrupt: Interrupt = NEVER) -> Iterator[tuple[list[int], list[bytes | None]]]:
        """The record ids from `first` on and their documents, a batch at a time, ascending; None where one is deleted.

        The batch in which `first` stands comes whole. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE
        """
        for index in range(max(self._index(first), 0), self._count):
            interrupt.check()
            batch = self.sidecar.batch(index)
            if batch.last >= first:
                yield self._record_ids(batch), self._documents(batch, 0, batch.rows)

    def _record_ids(self, batch: BatchPlace) -> list[int]:
        if batch.last - batch.first < batch.rows:
            return list(range(batch.first, batch.last + 1))
        window_index = batch.at >> self.mapped.bits
        self.mapped.check(batch.at + batch.ids, batch.at + batch.ids + 8 * batch.rows)
        start = (batch.at - (window_index << self.mapped.bits) + batch.ids) >> 3
        return self.mapped.window(window_index).longs[start : start + batch.rows].tolist()

    def _documents(self, batch: BatchPlace, start: int, stop: int) -> list[bytes | None]:
        """The documents of a batch at the positions start <= position < stop."""
        if start == stop:
            return []
        mapped = self.mapped
        window_index = batch.at >> mapped.bits
        window = mapped.windows[window_index] or mapped.window(window_index)
        window.read_on()
        base = batch.at - (window_index << mapped.bits)
        place = base + batch.offsets + 4 * start
        mapped.check_in(window_index, place, place + 4 * (stop - start) + 4)
        word = place >> 2
        offsets = window.words[word : word + stop - start + 1].tolist()
        origin, values = offsets[0], base + batch.values
        if origin < offsets[-1]:
            mapped.check_in(window_index, values + origin, values + offsets[-1])
        contents = window.raw[values + origin : values + offsets[-1]]
        if origin:
            offsets = [offset - origin for offset in offsets]
        documents: list[bytes | None] = [contents[low:high] for low, high in pairwise(offsets)]
        if batch.marks:
            self._mark_deleted(batch, start, documents)
        return documents

    def _mark_deleted(self, batch: BatchPlace, start: int, documents: list[bytes | None]) -> None:
        """Put None in the place of what is marked as deleted; `documents` are those from position `start` on."""
        stop = start + len(documents)
        first, end = batch.validity + (start >> 3), batch.validity + ((stop + 7) >> 3)
        self.mapped.check(batch.at + first, batch.at + end)
        window_index = batch.at >> self.mapped.bits
        base = batch.at - (window_index << self.mapped.bits)
        bitmap = self.mapped.window(window_index).raw[base + first : base + end]
        bits = int.from_bytes(bitmap, "little") >> (start & 7)
        if bits & ((1 << len(documents)) - 1) == (1 << len(documents)) - 1:
            return
        for position, bit in enumerate(reversed(f"{bits:0{len(documents)}b}"[-len(documents) :])):
            if bit == "0":
                documents[position] = None

    @property
    def batch_count(self) -> int:
        """How many batches it has."""
        return self._count

    def batches_between(self, first: int, last: int) -> range:
        """The numbers of the batches that have any of these record ids."""
        if last < self.first_id or first > self.last_id:
            return range(0)
        start, end = max(self._index(max(first, self.first_id)), 0), self._index(min(last, self.last_id))
        return range(start + (self.sidecar.batch(start).last < first), end + 1)

    def span(self, index: int) -> Span:
        """A batch by its number. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        batch = self.sidecar.batch(index)
        self.mapped.read_on(batch.at)
        self.mapped.check(batch.at, batch.at + batch.length)
        window = batch.at >> self.mapped.bits
        base = batch.at - (window << self.mapped.bits)
        validity = base + batch.validity if batch.marks else 0
        raw = self.mapped.window(window).raw
        return Span(batch.rows, raw, base + batch.ids, validity, base + batch.offsets, base + batch.values)

    @property
    def maps(self) -> tuple[CheckedMap, ...]:
        """Its files."""
        return (self.mapped,)

    def check(self, interrupt: Interrupt = NEVER) -> None:
        """Verify all of the file. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        self.mapped.check_all(interrupt)

    def release(self) -> None:
        """Give back the memory that reading has taken; reading goes on."""
        self.mapped.release()
