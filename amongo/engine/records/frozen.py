"""What was in memory when a checkpoint began: a layer like the snapshot file that is being made of it.

Nobody writes to it any more. The checkpoint takes its records and its `_id`s from here, piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from amongo.engine.indexes import entry_of
from amongo.engine.records.id_order import IdOrder, OrderedIds, id_order
from amongo.engine.records.layers import BELOW, RecordLayer, Slot
from amongo.engine.records.view import CHUNK_BITS, CHUNK_MASK, CHUNK_SIZE, Chunk, record_in

_PART_COUNT: Final = 512  # records that a checkpoint takes at a time, in about a tenth of a millisecond


class FrozenRecords(OrderedIds):
    """The records of one collection that were written since the checkpoint before.

    first_id, last_id   it knows of no id outside
    """

    __slots__ = ("_by_id", "_chunks", "first_id", "last_id")

    def __init__(self, chunks: Sequence[Chunk | None], by_id: Mapping[bytes, int]) -> None:
        super().__init__()
        self._chunks = chunks
        self._by_id = by_id
        used = [index for index, chunk in enumerate(chunks) if chunk is not None]
        self.first_id = used[0] << CHUNK_BITS if used else 0
        self.last_id = (used[-1] << CHUNK_BITS) + CHUNK_MASK if used else -1

    # As a layer of records

    def record(self, record_id: int) -> Slot:
        """What it says of this id."""
        index = record_id >> CHUNK_BITS
        chunk = self._chunks[index] if index < len(self._chunks) else None
        slot = record_id & CHUNK_MASK
        return BELOW if chunk is None or slot >= len(chunk) else chunk[slot]

    def find(self, record_ids: Sequence[int], slots: list[Slot]) -> int:
        """Put what it says of these ids into those of their slots that are BELOW; how many are so no more."""
        count = 0
        for position, record_id in enumerate(record_ids):
            if slots[position] is BELOW and (found := self.record(record_id)) is not BELOW:
                slots[position] = found
                count += 1
        return count

    def fill(self, base: int, slots: list[bytes | None]) -> None:
        """Put what it knows of the ids from `base` on, all of one chunk, into their slots."""
        index = base >> CHUNK_BITS
        chunk = self._chunks[index] if index < len(self._chunks) else None
        if chunk is None:
            return
        first = base & CHUNK_MASK
        for place, found in enumerate(chunk[first : first + len(slots)]):
            if found is not BELOW:
                slots[place] = found

    # As a layer of the `_id` index

    def has_key(self, key: bytes) -> Iterable[int]:
        """The ids of the records whose `_id` had this key when they were entered here."""
        record_id = self._by_id.get(key)
        return () if record_id is None else (record_id,)

    def lacks_all(self, keys: Sequence[bytes]) -> bool:
        """Whether none of these keys is here."""
        return self._by_id.keys().isdisjoint(keys)

    def _sorted(self) -> IdOrder:
        return id_order((0, 0), self._by_id, ())

    # For the checkpoint

    def batches(self, older: tuple[RecordLayer, ...]) -> Iterator[tuple[list[int], list[bytes | None]]]:
        """(record ids, documents) of what it says, ascending, in small parts; None for a record that is deleted.

        older   the layers below: what none of them has need not be called deleted
        """
        for index, chunk in enumerate(self._chunks):
            if chunk is None:
                continue
            base = index << CHUNK_BITS
            below = tuple(each for each in older if each.first_id < base + CHUNK_SIZE and each.last_id >= base)
            for start in range(0, len(chunk), _PART_COUNT):
                ids: list[int] = []
                documents: list[bytes | None] = []
                for record_id, found in enumerate(chunk[start : start + _PART_COUNT], base + start):
                    if found is BELOW or (found is None and record_in(below, record_id) is None):
                        continue
                    ids.append(record_id)
                    documents.append(found)
                if ids:
                    yield ids, documents

    def holdings(self) -> list[object]:
        """The tables and lists that hold its contents: who is alone with them can free them part by part."""
        held: list[object] = [chunk for chunk in self._chunks if chunk is not None]
        order = self._order
        return [*held, self._by_id] if order is None else [*held, self._by_id, order.keys, order.record_ids]

    def id_entries(self) -> Iterator[bytes]:
        """The entries of the `_id` index, in no order."""
        return map(entry_of, self._by_id, self._by_id.values())
