"""One collection in memory: its records by record id, and its `_id` index.

Records lie in chunks of 4096 slots. A view shares the chunks; `_writable` copies a chunk that a view may hold before
a record in it changes. Appending needs no copy, since a view ends at its bound. Only the store calls the methods that
change anything, under its lock and after the commit has been written to the log.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt
from typing import Any, Final

from amongo.engine.indexes import Definition, Entries, IndexChange, Secondary, first_indexes
from amongo.engine.records.arrivals import Arrivals
from amongo.engine.records.cap import Cap
from amongo.engine.records.uses import Uses
from amongo.engine.records.view import CHUNK_BITS, CHUNK_MASK, CHUNK_SIZE, Chunk, OrderedView, View
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.collation import collator

FIRST_RECORD_ID: Final = 1


@dataclass(frozen=True, slots=True)
class IdOrder:
    """The `_id` index in order, at one moment.

    version      (next record id, count): what tells that moment from any other; ids only grow, deletions lower the
                 count
    keys         ascending
    record_ids   of the keys
    """

    version: tuple[int, int]
    keys: list[bytes]
    record_ids: list[int]

    def between(self, low: bytes, high: bytes) -> list[int]:
        """The record ids of the keys with low <= key < high, in their order."""
        return self.record_ids[bisect_left(self.keys, low) : bisect_left(self.keys, high)]


class Collection:
    """One collection.

    namespace   "database.collection"
    uuid        its 16 bytes; a collection keeps them for life, through renames
    options     as `create` was given them; `set_options` gives it others
    cap         the limits of a capped collection; None if it is not capped
    collator    how its strings compare, and the `_id`s of its index; None for by their bytes
    arrivals    how a cursor waits for documents
    is_validated  whether its options name a validator, which documents have to pass
    validation  what the commands have compiled of it; None before, and when the options change
    indexes     their definitions by name, that of `_id` first; `set_indexes` gives it others
    secondary   the keys of all but that of `_id`; None if there are none
    is_plain    neither capped nor with secondary indexes
    is_ordinary  and neither validated nor with a collation: a write of one document has nothing more to look at
    is_dropped  true for ever once it has been dropped
    uses        how often it is read in which way
    count       documents in it
    data_bytes  their BSON size
    """

    __slots__ = (
        "_by_id",
        "_chunks",
        "_id_order",
        "_oldest",
        "_shared",
        "_view",
        "arrivals",
        "cap",
        "collator",
        "count",
        "data_bytes",
        "heads",
        "indexes",
        "is_dropped",
        "is_ordinary",
        "is_plain",
        "is_validated",
        "namespace",
        "next_record_id",
        "options",
        "secondary",
        "uses",
        "uuid",
        "validation",
    )

    def __init__(self, namespace: str, uuid: bytes, options: dict[str, Any]) -> None:
        self.namespace = namespace
        self.uuid = uuid
        self.options = options
        self.is_validated = _names_validator(options)
        self.validation: object = None
        self.cap = Cap.of(options)
        self.collator = collator(options.get("collation"))
        self.arrivals = Arrivals()
        self.uses = Uses()
        self.indexes: dict[str, Definition] = first_indexes(options)
        self.secondary: Secondary | None = None
        self.is_plain = self.is_ordinary = False
        self._classify()
        self.is_dropped = False
        self.count = 0
        self.data_bytes = 0
        self.next_record_id = FIRST_RECORD_ID
        self.heads: dict[str, bytes] = {}
        self._by_id: dict[bytes, int] = {}
        self._chunks: list[Chunk | None] = [[None]]
        self._shared: set[int] = set()
        self._oldest = FIRST_RECORD_ID  # no record of a capped collection lies below
        self._view: View | None = None
        self._id_order = IdOrder((0, 0), [], [])

    # Reading: lock-free, from any thread. While a large batch is put in, a point read may find some of its documents
    # already and others not yet; a view has all of them or none.

    def find_id(self, key: bytes) -> tuple[int, bytes] | None:
        """(record id, document bytes) of the document whose `_id` has this key; None if there is none."""
        record_id = self._by_id.get(key)
        if record_id is None:
            return None
        chunk = self._chunks[record_id >> CHUNK_BITS]
        raw = None if chunk is None else chunk[record_id & CHUNK_MASK]
        return None if raw is None else (record_id, raw)

    def get_by_key(self, key: bytes) -> bytes | None:
        """The bytes of the document whose `_id` has this key: the point read."""
        record_id = self._by_id.get(key)
        if record_id is None:
            return None
        chunk = self._chunks[record_id >> CHUNK_BITS]
        return None if chunk is None else chunk[record_id & CHUNK_MASK]

    def record(self, record_id: int) -> bytes | None:
        """The bytes of the document with this record id; None if there is none."""
        index = record_id >> CHUNK_BITS
        if index >= len(self._chunks):
            return None
        chunk = self._chunks[index]
        slot = record_id & CHUNK_MASK
        return None if chunk is None or slot >= len(chunk) else chunk[slot]

    def has_key(self, key: bytes) -> bool:
        """Whether a document's `_id` has this key."""
        return key in self._by_id

    def view(self) -> View:
        """What the collection holds now; the same view until the next write. Call it under the store's lock."""
        view = self._view
        if view is None:
            self._shared = set(range(len(self._chunks)))  # before the view is there, whatever comes in between
            chunks = tuple(self._chunks)
            if self.is_clustered:
                view = OrderedView(chunks, self.next_record_id, self.count, self.id_order().record_ids)
            else:
                view = View(chunks, self.next_record_id, self.count)
            self._view = view
        return view

    @property
    def is_clustered(self) -> bool:
        """Whether its natural order is that of the `_id`s."""
        return bool(self.options.get("clusteredIndex"))

    @property
    def has_definitions_alone(self) -> bool:
        """Whether its indexes have no entries: those of a time series, whose measurements are read as a whole."""
        return bool(self.options.get("timeseries"))

    def overflow(self, size_bytes: int) -> list[tuple[int, bytes]]:
        """(record id, document) of those that a document of this size pushes out of a capped collection, the oldest
        first. Under the lock."""
        cap, size_bytes, count = self.cap, self.data_bytes + size_bytes, self.count + 1
        evicted: list[tuple[int, bytes]] = []
        if cap is None or not cap.is_over(size_bytes, count):
            return evicted
        for record_id in range(self._oldest, self.next_record_id):
            raw = self.record(record_id)
            if raw is None:
                continue
            evicted.append((record_id, raw))
            size_bytes, count = size_bytes - len(raw), count - 1
            if not cap.is_over(size_bytes, count):
                break
        return evicted

    def reads(self, count: int, size_bytes: int) -> int:
        """How many documents a read looks at in the time that it takes to insert so many of this size together, where
        more is done with each than to write it down."""
        reads = count + self.excess(count, size_bytes)  # into a capped collection each is a commit of its own
        return reads if self.secondary is None else reads + self.secondary.reads(count, size_bytes)

    @property
    def reads_per_write(self) -> int:
        """How many documents a read looks at in the time that it takes to change or delete one."""
        if self.secondary is None:
            return 1
        return 1 + self.secondary.reads(2, 2 * self.data_bytes // max(self.count, 1))

    def excess(self, count: int, size_bytes: int) -> int:
        """About how many documents so many new ones of this size push out of a capped collection; 0 if it is none."""
        cap = self.cap
        if cap is None or not self.count:
            return 0
        bytes_over = self.data_bytes + size_bytes - cap.size_bytes
        excess = bytes_over * self.count // self.data_bytes if bytes_over > 0 else 0
        return min(self.count, max(excess, self.count + count - cap.count if cap.count else 0))

    @property
    def has_id_order(self) -> bool:
        """Whether `id_order` is at hand, and need not be made anew."""
        return self._id_order.version == (self.next_record_id, self.count)

    def id_order(self) -> IdOrder:
        """The record ids in the order of their `_id`s; the same until the next insert or delete. Under the lock."""
        if not self.has_id_order:
            keys, record_ids = list(self._by_id), list(self._by_id.values())
            if not all(map(lt, keys, islice(keys, 1, None))):
                order = sorted(zip(keys, record_ids, strict=True))
                keys, record_ids = [key for key, _ in order], [record_id for _, record_id in order]
            self._id_order = IdOrder((self.next_record_id, self.count), keys, record_ids)
        return self._id_order

    # Changing: by the store alone, under its lock. Any of these may break off anywhere (KeyboardInterrupt, MemoryError)
    # and is then made once more, so that each goes on where it was: what belongs together is assigned in one statement,
    # in which Python calls nothing and so takes no signal.

    def first_duplicate(self, keys: Sequence[bytes], interrupt: Interrupt = NEVER) -> int | None:
        """The position of the first key that is taken, by a document or by an earlier key; None if all are free."""
        by_id = self._by_id
        if len(keys) == 1:
            return 0 if keys[0] in by_id else None
        seen: set[bytes] = set()
        for start in range(0, len(keys), CHUNK_SIZE):
            interrupt.check()
            part = keys[start : start + CHUNK_SIZE]
            if by_id.keys().isdisjoint(part) and (not seen or seen.isdisjoint(part)):
                seen.update(part)
                if len(seen) == start + len(part):
                    continue
                seen = set(keys[:start])
            for position, key in enumerate(part, start):
                if key in by_id or key in seen:
                    return position
                seen.add(key)
        return None

    def set_options(self, options: dict[str, Any]) -> None:
        """Give it other options."""
        is_validated = _names_validator(options)
        self.options, self.cap, self.is_validated, self.validation = options, Cap.of(options), is_validated, None
        self._classify()

    def set_indexes(self, definitions: dict[str, Definition], secondary: Secondary | None) -> None:
        """Give it other indexes."""
        self.indexes, self.secondary = definitions, secondary
        self._classify()

    def _classify(self) -> None:
        self.is_plain = self.cap is None and self.secondary is None
        self.is_ordinary = self.is_plain and not self.is_validated and self.collator is None

    def append(self, record_id: int, key: bytes, raw: bytes) -> None:
        """Add one document behind the others, under the next record id."""
        chunk = self._chunks[-1]
        if chunk is None or len(chunk) != record_id & CHUNK_MASK:  # a new chunk, or a repetition
            self.extend(record_id, (key,), (raw,))
            return
        chunk.append(raw)
        self._by_id[key] = record_id
        data_bytes = self.data_bytes + len(raw)
        self.next_record_id, self.count, self.data_bytes, self._view = record_id + 1, self.count + 1, data_bytes, None

    def extend(
        self, record_id: int, keys: Sequence[bytes], raws: Sequence[bytes], interrupt: Interrupt = NEVER
    ) -> None:
        """Add documents behind the others, in this order; chunk by chunk, so that other threads get their turn.

        record_id   of the first, the next one; the others follow
        """
        position = self.next_record_id - record_id  # 0; in a repetition, how many are in already
        while position < len(raws):
            first = self.next_record_id
            index, slot = first >> CHUNK_BITS, first & CHUNK_MASK
            end = position + CHUNK_SIZE - slot
            part = raws[position:end]
            if index == len(self._chunks):
                self._chunks.append([])
            chunk = self._chunks[index]
            assert chunk is not None
            chunk[slot:] = part
            self._by_id.update(zip(keys[position:end], range(first, first + len(part)), strict=True))
            count, data_bytes = self.count + len(part), self.data_bytes + sum(map(len, part))
            self.next_record_id, self.count, self.data_bytes = first + len(part), count, data_bytes
            position = end
            interrupt.breathe()
        self._view = None

    def append_special(
        self, record_id: int, key: bytes, raw: bytes, evicted: Sequence[tuple[int, bytes]], change: IndexChange | None
    ) -> None:
        """Add one document behind the others and remove those it pushes out, given as (record id, `_id` key)."""
        self.append(record_id, key, raw)
        if evicted:
            self.remove(evicted)
        if change is not None:
            change.make()

    def append_indexed(self, record_id: int, key: bytes, raw: bytes, entries: Sequence[tuple[Entries, bytes]]) -> None:
        """Add one document behind the others, and its entries to the secondary indexes."""
        self.append(record_id, key, raw)
        for index, entry in entries:
            index.add(entry)

    def extend_indexed(
        self, record_id: int, keys: Sequence[bytes], raws: Sequence[bytes], change: IndexChange, interrupt: Interrupt
    ) -> None:
        """`extend`, and what it does to the secondary indexes."""
        self.extend(record_id, keys, raws, interrupt)
        change.make(interrupt)

    def replace_indexed(self, replacements: Iterable[tuple[int, bytes]], change: IndexChange) -> None:
        """`replace_all`, and what it does to the secondary indexes."""
        self.replace_all(replacements)
        change.make()

    def remove_indexed(self, removals: Iterable[tuple[int, bytes]], change: IndexChange) -> None:
        """`remove`, and what it does to the secondary indexes."""
        self.remove(removals)
        change.make()

    def replace(self, record_id: int, raw: bytes) -> None:
        """Put other bytes under a record id; the `_id` stays the same."""
        chunk = self._writable(record_id >> CHUNK_BITS)
        slot = record_id & CHUNK_MASK
        old = chunk[slot]
        assert old is not None
        data_bytes = self.data_bytes + len(raw) - len(old)
        chunk[slot], self.data_bytes, self._view = raw, data_bytes, None

    def replace_all(self, replacements: Iterable[tuple[int, bytes]]) -> None:
        """Put other bytes under record ids, given as (record id, document)."""
        for record_id, raw in replacements:
            self.replace(record_id, raw)

    def remove(self, removals: Iterable[tuple[int, bytes]]) -> None:
        """Remove records, given as (record id, `_id` key)."""
        for record_id, key in removals:
            if self._chunks[record_id >> CHUNK_BITS] is None:
                continue  # a repetition
            chunk = self._writable(record_id >> CHUNK_BITS)
            slot = record_id & CHUNK_MASK
            old = chunk[slot]
            if old is None:
                continue  # a repetition
            self._by_id.pop(key, None)
            count, data_bytes = self.count - 1, self.data_bytes - len(old)
            chunk[slot], self.count, self.data_bytes = None, count, data_bytes
        self._view = None
        if self.cap is not None:
            self._let_go()

    def _let_go(self) -> None:
        """Forget the chunks in front in which nothing is left: a capped collection runs through its record ids."""
        index, slot = self._oldest >> CHUNK_BITS, self._oldest & CHUNK_MASK
        while index < len(self._chunks):
            chunk = self._chunks[index]
            if chunk is not None:
                found = next((place for place in range(slot, len(chunk)) if chunk[place] is not None), None)
                if found is not None or len(chunk) < CHUNK_SIZE:
                    self._oldest = (index << CHUNK_BITS) + (len(chunk) if found is None else found)
                    return
                self._chunks[index] = None
                self._shared.discard(index)
            index, slot = index + 1, 0
            self._oldest = index << CHUNK_BITS

    def reserve(self, record_id: int) -> None:
        """Leave out the record ids below `record_id`: recovery meets ids that earlier deletions used up."""
        while self.next_record_id < record_id:
            chunk = self._chunks[-1]
            if chunk is None or len(chunk) > CHUNK_MASK:
                chunk = []
                self._chunks.append(chunk)
            room = min(CHUNK_MASK + 1 - len(chunk), record_id - self.next_record_id)
            chunk.extend([None] * room)
            self.next_record_id += room

    def _writable(self, index: int) -> Chunk:
        chunk = self._chunks[index]
        assert chunk is not None
        if index in self._shared:
            chunk = list(chunk)
            self._chunks[index] = chunk
            self._shared.discard(index)
        return chunk


def _names_validator(options: dict[str, Any]) -> bool:
    return bool(options.get("validator")) and options.get("validationLevel") != "off"
