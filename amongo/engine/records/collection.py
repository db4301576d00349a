"""One collection: its records by record id, and its `_id` index.

What was written since the last checkpoint is in memory; what lies below, in the layers of `records.layers`. Records in
memory lie in chunks of 4096 slots, with `BELOW` in the slots of which only the layers know. A view shares the chunks;
`_writable` copies a chunk that a view may hold before a record in it changes. Appending needs no copy, since a view
ends at its bound. Only the store calls the methods that change anything, under its lock and after the commit has been
written to the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar
from weakref import ref

from amongo.engine.indexes import Definition, Entered, IndexChange, Secondary, first_indexes
from amongo.engine.records.arrivals import Arrivals
from amongo.engine.records.cap import Cap
from amongo.engine.records.frozen import FrozenRecords
from amongo.engine.records.id_order import NO_ORDER, IdOrder, id_order
from amongo.engine.records.layers import BELOW, IdLayer, RecordLayer
from amongo.engine.records.standing import Standing
from amongo.engine.records.trail import Trail
from amongo.engine.records.uses import Uses
from amongo.engine.records.view import CHUNK_BITS, CHUNK_MASK, CHUNK_SIZE, Chunk, OrderedView, View, record_in
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import RECENT_READ_BYTES, RECENT_READS
from amongo.values.collation import collator

FIRST_RECORD_ID: Final = 1
_NO_IMAGES: Final[dict[str, Any]] = {}


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
    planning    what the planner knows of its indexes; None before, and it says for which indexes
    indexes     their definitions by name, that of `_id` first; `set_indexes` gives it others
    secondary   the keys of all but that of `_id`; None if there are none
    is_plain    neither capped nor with secondary indexes
    is_ordinary  and neither validated nor with a collation: a write of one document has nothing more to look at
    is_quick    the same with secondary indexes that take small documents at once
    is_dropped  true for ever once it has been dropped
    uses        how often it is read in which way
    columns     what is kept of its columns; None before they are used
    changes     only then: a byte for each record id, not 0 once the record is changed or removed; new ones lie behind
    count       documents in it
    data_bytes  their BSON size
    """

    __slots__ = (
        "_by_id",
        "_chunks",
        "_id_layers",
        "_id_order",
        "_layers",
        "_oldest",
        "_recent",
        "_shared",
        "_standing",
        "_trail",
        "_veil",
        "_view",
        "arrivals",
        "cap",
        "changes",
        "collator",
        "columns",
        "count",
        "data_bytes",
        "heads",
        "indexes",
        "is_dropped",
        "is_ordinary",
        "is_plain",
        "is_quick",
        "is_validated",
        "namespace",
        "next_record_id",
        "options",
        "planning",
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
        self.planning: object = None
        self.cap = Cap.of(options)
        self.collator = collator(options.get("collation"))
        self.arrivals = Arrivals()
        self.uses = Uses()
        self.indexes: dict[str, Definition] = first_indexes(options)
        self.secondary: Secondary | None = None
        self.is_plain = self.is_ordinary = self.is_quick = False
        self._classify()
        self.is_dropped = False
        self.columns: object = None
        self.changes: bytearray | None = None
        self.count = 0
        self.data_bytes = 0
        self.next_record_id = FIRST_RECORD_ID
        self.heads: dict[str, bytes] = {}
        self._by_id: dict[bytes, int] = {}
        self._chunks: list[Chunk | None] = [[None]]
        self._shared: set[int] = set()
        self._oldest = FIRST_RECORD_ID  # no record of a capped collection lies below
        self._view: View | None = None
        self._id_order = NO_ORDER
        self._layers: tuple[RecordLayer, ...] | None = None  # None until there is the first, then for ever a tuple
        self._id_layers: tuple[IdLayer, ...] = ()
        self._recent: dict[bytes, tuple[int, bytes]] = {}  # what point reads have found in the layers of this moment
        self._trail: ref[Trail] | None = None  # where somebody stands on it; see `records.trail`
        self._standing: Standing | None = None  # the last one, until a record is changed or a layer comes or goes
        self._veil: object = None  # see `records.veiled`

    # Reading: lock-free, from any thread. While a large batch is put in, a point read may find some of its documents
    # already and others not yet; a view has all of them or none. What moves from memory to a layer is in the layer
    # before it leaves memory.

    def find_id(self, key: bytes) -> tuple[int, bytes] | None:
        """(record id, document bytes) of the document whose `_id` has this key; None if there is none."""
        record_id = self._by_id.get(key)
        if record_id is None:
            return self._find_below(key) if self._id_layers else None
        chunk = self._chunks[record_id >> CHUNK_BITS]
        raw = BELOW if chunk is None else chunk[record_id & CHUNK_MASK]
        if raw is BELOW:
            raw = record_in(self._layers, record_id)
        return None if raw is None else (record_id, raw)

    def get_by_key(self, key: bytes) -> bytes | None:
        """The bytes of the document whose `_id` has this key: the point read."""
        record_id = self._by_id.get(key)
        if record_id is None:
            found = self._find_below(key) if self._id_layers else None
            return None if found is None else found[1]
        chunk = self._chunks[record_id >> CHUNK_BITS]
        if chunk is None:
            return record_in(self._layers, record_id)
        raw = chunk[record_id & CHUNK_MASK]
        return raw if raw is not BELOW else record_in(self._layers, record_id)

    def record(self, record_id: int) -> bytes | None:
        """The bytes of the document with this record id; None if there is none."""
        index = record_id >> CHUNK_BITS
        chunk = self._chunks[index] if index < len(self._chunks) else None
        slot = record_id & CHUNK_MASK
        found = BELOW if chunk is None or slot >= len(chunk) else chunk[slot]
        return found if found is not BELOW else record_in(self._layers, record_id)

    _record = record  # for what changes something: a veil hides nothing from it

    def has_key(self, key: bytes) -> bool:
        """Whether a document's `_id` has this key."""
        return key in self._by_id or (bool(self._id_layers) and self._find_below(key) is not None)

    def _find_below(self, key: bytes) -> tuple[int, bytes] | None:
        """(record id, document bytes) of the document whose `_id` has this key, if a layer has entered it."""
        recent = self._recent  # this very object: `freeze` puts another in its place
        found = recent.get(key)
        if found is not None:
            record_id = found[0]
            chunk = self._chunks[record_id >> CHUNK_BITS]
            if chunk is None or chunk[record_id & CHUNK_MASK] is BELOW:
                return found  # memory knows nothing newer, and no layer is newer than `recent`
            raw = self.record(record_id)
            return None if raw is None else (record_id, raw)
        for layer in self._id_layers:
            for record_id in layer.has_key(key):
                raw = self.record(record_id)
                if raw is not None:
                    chunk = self._chunks[record_id >> CHUNK_BITS]
                    if (chunk is None or chunk[record_id & CHUNK_MASK] is BELOW) and len(raw) <= RECENT_READ_BYTES:
                        if len(recent) >= RECENT_READS:
                            recent.clear()
                        recent[key] = record_id, raw
                    return record_id, raw
        return None

    def view(self) -> View:
        """What the collection holds now; the same view until the next write. Call it under the store's lock."""
        view = self._view
        if view is None:
            self._shared = set(range(len(self._chunks)))  # before the view is there, whatever comes in between
            chunks = tuple(self._chunks)
            bound, count, layers, data_bytes = self.next_record_id, self.count, self._layers, self.data_bytes
            if self.is_clustered:
                view = OrderedView(chunks, bound, count, layers, data_bytes, self.id_order())
            else:
                view = View(chunks, bound, count, layers, data_bytes)
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
            self._id_order = id_order((self.next_record_id, self.count), self._by_id, self._id_layers)
        return self._id_order

    # Changing: by the store alone, under its lock. Any of these may break off anywhere (KeyboardInterrupt, MemoryError)
    # and is then made once more, so that each goes on where it was: what belongs together is assigned in one statement,
    # in which Python calls nothing and so takes no signal.

    def first_duplicate(self, keys: Sequence[bytes], interrupt: Interrupt = NEVER) -> int | None:
        """The position of the first key that is taken, by a document or by an earlier key; None if all are free."""
        if len(keys) == 1:
            return 0 if self.has_key(keys[0]) else None
        seen: set[bytes] = set()
        for start in range(0, len(keys), CHUNK_SIZE):
            interrupt.check()
            part = keys[start : start + CHUNK_SIZE]
            if self._lacks_all(part) and (not seen or seen.isdisjoint(part)):
                seen.update(part)
                if len(seen) == start + len(part):
                    continue
                seen = set(keys[:start])
            for position, key in enumerate(part, start):
                if key in seen or self.has_key(key):
                    return position
                seen.add(key)
        return None

    def _lacks_all(self, keys: Sequence[bytes]) -> bool:
        """Whether no document has one of these keys, found out for all at once; False where one has to look at each."""
        return self._by_id.keys().isdisjoint(keys) and all(layer.lacks_all(keys) for layer in self._id_layers)

    def set_options(self, options: dict[str, Any]) -> None:
        """Give it other options."""
        is_validated = _names_validator(options)
        self.options, self.cap, self.is_validated, self.validation = options, Cap.of(options), is_validated, None
        self.heads = {}
        self._classify()

    @property
    def keeps_images(self) -> bool:
        """Whether the log keeps what documents were before they are changed or removed."""
        return bool(self.options.get("changeStreamPreAndPostImages", _NO_IMAGES).get("enabled"))

    def set_indexes(self, definitions: dict[str, Definition], secondary: Secondary | None) -> None:
        """Give it other indexes."""
        self.indexes, self.secondary = definitions, secondary
        self._classify()

    def _classify(self) -> None:
        self.is_plain = self.cap is None and self.secondary is None
        self.is_ordinary = self.is_plain and not self.is_validated and self.collator is None
        has_more = self.cap is not None or self.is_validated or self.collator is not None
        self.is_quick = not has_more and self.secondary is not None and self.secondary.is_quick

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
            slot = first & CHUNK_MASK
            end = position + CHUNK_SIZE - slot
            part = raws[position:end]
            chunk = self._tail()
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

    def append_indexed(self, record_id: int, key: bytes, raw: bytes, entries: Sequence[Entered]) -> None:
        """Add one document behind the others, and its entries to the secondary indexes, where that broke off before."""
        self.append(record_id, key, raw)
        for index, index_key, entry in entries:
            index.doubt()
            index.enter(index_key, entry)

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
        index, slot = record_id >> CHUNK_BITS, record_id & CHUNK_MASK
        chunk = self._chunks[index]
        old = BELOW if chunk is None or index in self._shared else chunk[slot]
        if chunk is None or old is BELOW:
            old, chunk = self._record(record_id), self._writable(index)
        assert old is not None
        changes = self.changes
        if changes is not None and record_id < len(changes):
            changes[record_id] = 1  # before it is changed: once more does no harm
        if self._trail is not None and (trail := self._written_trail()) is not None:
            trail.note(record_id)
        data_bytes = self.data_bytes + len(raw) - len(old)
        chunk[slot], self.data_bytes, self._view = raw, data_bytes, None

    def replace_all(self, replacements: Iterable[tuple[int, bytes]]) -> None:
        """Put other bytes under record ids, given as (record id, document)."""
        for record_id, raw in replacements:
            self.replace(record_id, raw)

    def remove(self, removals: Iterable[tuple[int, bytes]]) -> None:
        """Remove records, given as (record id, `_id` key)."""
        changes = self.changes
        for record_id, key in removals:
            old = self._record(record_id)
            if old is None:
                continue  # a repetition
            if changes is not None and record_id < len(changes):
                changes[record_id] = 1
            if self._trail is not None and (trail := self._written_trail()) is not None:
                trail.note(record_id)
                if self._by_id.get(key) == record_id:
                    trail.note_gone(record_id, key)
            chunk = self._writable(record_id >> CHUNK_BITS)
            slot = record_id & CHUNK_MASK
            self._by_id.pop(key, None)
            count, data_bytes = self.count - 1, self.data_bytes - len(old)
            chunk[slot], self.count, self.data_bytes = None, count, data_bytes
        self._view = None
        if self.cap is not None:
            self._let_go()

    def _let_go(self) -> None:
        """Go on to the oldest record of a capped collection, which runs through its record ids; and forget the chunks
        in front of it, unless they say that what a layer has is deleted."""
        oldest, end = self._oldest, self.next_record_id
        while oldest < end and self._record(oldest) is None:
            oldest += 1
            if not oldest & CHUNK_MASK and self._layers is None:
                self._chunks[(oldest >> CHUNK_BITS) - 1] = None
                self._shared.discard((oldest >> CHUNK_BITS) - 1)
        self._oldest = oldest

    def reserve(self, record_id: int) -> None:
        """Leave out the record ids below `record_id`: recovery meets ids that earlier deletions used up, and so does a
        transaction that has deleted what it had inserted."""
        while self.next_record_id < record_id:
            slot = self.next_record_id & CHUNK_MASK
            room = min(CHUNK_SIZE - slot, record_id - self.next_record_id)
            self._tail()[slot:] = [None] * room
            self.next_record_id, self._view = self.next_record_id + room, None

    def _tail(self) -> Chunk:
        """The chunk of the next record id, which has a slot for every id before it."""
        index, slot = self.next_record_id >> CHUNK_BITS, self.next_record_id & CHUNK_MASK
        if index == len(self._chunks):
            self._chunks.append([])
        chunk = self._chunks[index]
        if chunk is None:
            chunk = self._chunks[index] = [BELOW] * slot
        return chunk

    def _writable(self, index: int) -> Chunk:
        """The chunk with this number, made if memory has nothing to say of it yet; no view holds it."""
        chunk = self._chunks[index]
        if chunk is None:
            is_last = index == self.next_record_id >> CHUNK_BITS
            chunk = self._chunks[index] = self._tail() if is_last else [BELOW] * CHUNK_SIZE
        elif index in self._shared:
            chunk = self._chunks[index] = list(chunk)
        self._shared.discard(index)
        return chunk

    # Forks; see `records.forked`

    def _written_trail(self) -> Trail | None:
        """The trail, for a record that is about to be changed: what was kept for the next fork is of no use now."""
        self._standing = None
        return self._live_trail()

    def _live_trail(self) -> Trail | None:
        """The trail that is to be written to; None if nobody stands on the collection any more."""
        trail = None if self._trail is None else self._trail()
        if trail is None:
            self._trail = None
        elif trail.is_long:
            trail = trail.go_on()
            self._trail = ref(trail)
        return trail

    def put_back(self, record_id: int, key: bytes, raw: bytes) -> None:
        """Put a document where one was before and is none now: of a fork that goes back to the past."""
        if record_id >= self.next_record_id:
            self.reserve(record_id)
            self.append(record_id, key, raw)
            return
        chunk = self._writable(record_id >> CHUNK_BITS)
        chunk[record_id & CHUNK_MASK] = raw
        if not any(record_id in layer.has_key(key) for layer in self._id_layers):  # an entry counts again there
            self._by_id[key] = record_id
        self._oldest = min(self._oldest, record_id)
        self.count, self.data_bytes, self._view = self.count + 1, self.data_bytes + len(raw), None

    # Layers: put in place by the store's checkpoints, under its lock, in an order in which readers miss nothing.

    @property
    def layers(self) -> tuple[RecordLayer, ...]:
        """What lies below its records in memory, the newest first."""
        return self._layers or ()

    @property
    def id_layers(self) -> tuple[IdLayer, ...]:
        """What lies below its `_id`s in memory, the newest first."""
        return self._id_layers

    def freeze(self) -> FrozenRecords | None:
        """Make what is in memory the newest layer, and begin anew; None if nothing was written since the last time."""
        chunks, self._standing = self._chunks, None
        if not any(chunk is not None and (index or len(chunk) > FIRST_RECORD_ID) for index, chunk in enumerate(chunks)):
            return None
        frozen = FrozenRecords(chunks, self._by_id)
        self._recent = {}
        self._layers = (frozen, *(self._layers or ()))
        self._id_layers = (frozen, *self._id_layers)
        self._chunks = [None] * len(chunks)
        self._shared, self._view, self._id_order = set(), None, NO_ORDER
        self._by_id = {}
        return frozen

    def settle(self, old: Sequence[RecordLayer], new: Sequence[RecordLayer]) -> None:
        """Put layers that say the same in the place of others, which are neighbours."""
        self._layers, self._view, self._standing = _replaced(self._layers or (), old, new), None, None

    def settle_ids(self, old: Sequence[IdLayer], new: Sequence[IdLayer]) -> None:
        """Put layers of the `_id` index that say the same in the place of others, which are neighbours."""
        self._id_layers, self._view, self._id_order = _replaced(self._id_layers, old, new), None, NO_ORDER
        self._standing = None

    def begin_above(
        self,
        layers: Sequence[RecordLayer],
        id_layers: Sequence[IdLayer],
        next_record_id: int,
        count: int,
        data_bytes: int,
    ) -> None:
        """Stand on snapshot files: what a store that is being opened had at its last checkpoint."""
        self._layers, self._id_layers = tuple(layers), tuple(id_layers)
        self.next_record_id, self.count, self.data_bytes = next_record_id, count, data_bytes
        self._chunks = [None] * ((next_record_id + CHUNK_MASK) >> CHUNK_BITS)
        self._oldest = min((layer.first_id for layer in layers), default=next_record_id)
        self._view = None


L = TypeVar("L")


def _replaced(layers: tuple[L, ...], old: Sequence[L], new: Sequence[L]) -> tuple[L, ...]:
    start = layers.index(old[0])
    assert layers[start : start + len(old)] == tuple(old)
    return (*layers[:start], *new, *layers[start + len(old) :])


def _names_validator(options: dict[str, Any]) -> bool:
    return bool(options.get("validator")) and options.get("validationLevel") != "off"
