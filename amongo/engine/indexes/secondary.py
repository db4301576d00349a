"""The secondary indexes of a collection: what a write does to them, found before the commit and made with it.

A write is prepared in two steps. The keys of its documents are made without the store's lock, since that takes
longest; they are only good for the indexes that the collection had then. Under the lock an `IndexChange` takes the
documents one by one: each sees the indexes as the documents before it leave them, so that a batch clashes with itself
as well. A batch of new documents that clashes with nothing is taken as a whole: `Columns`. The commit then makes the
change, which may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from amongo.engine.indexes.columns import Column, column_of
from amongo.engine.indexes.entries import Entries
from amongo.engine.indexes.entry import entry_of
from amongo.engine.indexes.index import Index, Keys
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.codec import decode

Document = dict[str, Any]

KeysOfAll = tuple[Keys, ...]
"""The keys of one document, for each index."""

Entered = tuple[Entries, bytes, bytes]
"""(where, key, entry) of a new entry."""

_BYTES_PER_READ: Final = 1024
_SLOW_BYTES_PER_READ: Final = 32
_PLACE_READS: Final = 32  # a place on the sphere is covered by squares: up to a millisecond
_QUICK_COUNT: Final = 8
SLICE_COUNT: Final = 1024
"""Documents of a batch whose keys are made, and entered, together."""


class Secondary:
    """The secondary indexes of a collection, at least one; another object takes its place when one comes or goes.

    is_quick   they are few, and take their keys from a document's bytes: a small document is indexed at once
    """

    __slots__ = ("_bytes_per_read", "_reads", "_ways", "indexes", "is_quick")

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = tuple(indexes)
        self._ways = [(index, index.maker.cut, index.entries, index.is_unique) for index in indexes]
        self.is_quick = len(indexes) <= _QUICK_COUNT and all(index.maker.cut is not None for index in indexes)
        # To index one document takes as long as so many reads, however short it is.
        self._reads = sum(_PLACE_READS if "2dsphere" in index.definition["key"].values() else 1 for index in indexes)
        # In the time in which a read looks at one document, the keys of so many bytes are made.
        self._bytes_per_read = _BYTES_PER_READ if all(map(_is_quick, indexes)) else _SLOW_BYTES_PER_READ

    def named(self, name: str) -> Index | None:
        """The index of this name; None if there is none."""
        return next((index for index in self.indexes if index.name == name), None)

    def reads(self, count: int, size_bytes: int) -> int:
        """How many documents a read looks at in the time that it takes to index so many of this size together."""
        return count * self._reads + size_bytes // self._bytes_per_read

    def keys(self, raw: bytes) -> KeysOfAll:
        """The keys of a document.

        errors   ServerError for a document that one of the indexes cannot take
        """
        document: Document | None = None
        found: list[Keys] = []
        for index, cut, _, _ in self._ways:
            made = None if cut is None else cut(raw)
            if made is None:
                if document is None:
                    document = decode(raw)
                found.append(index.keys_of(document))
            else:
                found.append({made[0]: made[1]} if made else {})
        return tuple(found)

    def entries(self, namespace: str, record_id: int, raw: bytes) -> list[Entered]:
        """The entries of a new document. Under the lock: the way of a single insert.

        errors   ServerError for a document that an index refuses
        """
        found: list[Entered] = []
        document: Document | None = None
        end = (record_id << 8).to_bytes(8)  # `entry_end`
        for index, cut, entries, is_unique in self._ways:
            made = None if cut is None else cut(raw)
            if made:
                key, types = made
                if is_unique:
                    overlay = entries.keys
                    if (overlay is None or key in overlay or entries.layers) and entries.has_key(key):
                        raise index.maker.duplicate(namespace, decode(raw), key)
                found.append((entries, key, entry_of(key, record_id, types) if types else key + end))
            elif made is None:
                if document is None:
                    document = decode(raw)
                for key, types in index.keys_of(document).items():
                    if is_unique and entries.has_key(key):
                        raise index.maker.duplicate(namespace, document, key)
                    found.append((entries, key, entry_of(key, record_id, types)))
        return found

    def keys_or_errors(self, raws: Sequence[bytes], interrupt: Interrupt = NEVER) -> list[KeysOfAll | ServerError]:
        """The keys of documents; of one that an index cannot take, the error."""
        found: list[KeysOfAll | ServerError] = []
        for raw in interrupt.watch(raws):
            try:
                found.append(self.keys(raw))
            except ServerError as error:
                found.append(error)
        return found

    def keys_held(self, raw: bytes) -> KeysOfAll:
        """The keys that a stored document has; none in an index that cannot take it, where it has not been entered."""
        try:
            return self.keys(raw)
        except ServerError:
            return tuple(map(partial(_keys_or_none, raw), self.indexes))

    def columns(self, raws: Sequence[bytes], interrupt: Interrupt = NEVER) -> list[list[Column]] | None:
        """The keys of new documents, index by index, and for each in slices of `SLICE_COUNT` documents, so that nothing
        that is done with one holds up other threads; None if there is a document that an index cannot take."""
        try:
            return [
                [
                    column_of(index, raws[start : start + SLICE_COUNT], interrupt)
                    for start in range(0, len(raws), SLICE_COUNT)
                ]
                for index in self.indexes
            ]
        except ServerError:
            return None


def _keys_or_none(raw: bytes, index: Index) -> Keys:
    try:
        return index.keys(raw)
    except ServerError:
        return {}


def _is_quick(index: Index) -> bool:
    """Whether its keys are values that stand in the document: not words, places or paths."""
    return all(type(value) is not str and not name.endswith("$**") for name, value in index.definition["key"].items())


class Clash(NamedTuple):
    """A key that another document has already, in a unique index."""

    refusing: Index
    key: bytes

    def error(self, namespace: str, raw: bytes) -> ServerError:
        """The error of the document that comes too late."""
        return self.refusing.maker.duplicate(namespace, decode(raw), self.key)


class IndexChange:
    """What one commit does to the secondary indexes of a collection. Built and made under the lock.

    removed   for each index, the entries to take out
    added     for each index, the entries to enter, with their keys
    """

    __slots__ = ("_batches", "_freed", "_has_begun", "_indexes", "_taken", "added", "removed")

    def __init__(self, secondary: Secondary) -> None:
        self._indexes = secondary.indexes
        self.removed: list[set[bytes]] = [set() for _ in self._indexes]
        self.added: list[dict[bytes, bytes]] = [{} for _ in self._indexes]
        # For each unique index, the keys that this change enters, and what it takes out, without type bits.
        self._taken: list[set[bytes] | None] = [set() if index.is_unique else None for index in self._indexes]
        self._freed: list[set[bytes]] = [set() for _ in self._indexes]
        self._batches: list[tuple[Entries, list[bytes], list[bytes]]] = []
        self._has_begun = False

    def insert_all(
        self, record_id: int, count: int, columns: Sequence[Sequence[Column]], interrupt: Interrupt = NEVER
    ) -> bool:
        """Enter a batch of documents; whether it can be, since none of their keys is taken or comes twice where the
        index is unique. Nothing else may have been entered.

        record_id   of the first; the others follow
        columns     as `Secondary.columns` gives them
        """
        for index, slices in zip(self._indexes, columns, strict=True):
            if index.is_unique and not _are_free(index.entries, slices, interrupt):
                return False
        end = record_id + count
        for index, slices in zip(self._indexes, columns, strict=True):
            for first, column in zip(range(record_id, end, SLICE_COUNT), slices, strict=True):
                interrupt.check()
                entries = column.entries(range(first, min(first + SLICE_COUNT, end)))
                self._batches.append((index.entries, column.keys, entries))
        return True

    def insert(self, record_id: int, keys: KeysOfAll) -> Clash | None:
        """Enter a document; the clash that stands in the way, and then nothing is entered."""
        return self.replace(record_id, _NOTHING * len(keys), keys)

    def make(self, interrupt: Interrupt = NEVER) -> None:
        """Change the indexes. Under the lock, within the commit; it may be repeated.

        interrupt   lets other threads have their turn
        """
        if self._has_begun:
            for index in self._indexes:
                index.entries.doubt()
        self._has_begun = True
        for index, removed, added in zip(self._indexes, self.removed, self.added, strict=True):
            for entry in removed:
                index.entries.discard(entry)
            for entry, key in added.items():
                index.entries.enter(key, entry)
            interrupt.breathe()
        for where, keys, entries in self._batches:
            where.extend(keys, entries)
            interrupt.breathe()

    def remove(self, record_id: int, keys: KeysOfAll) -> None:
        """Take a document out."""
        for position, old in enumerate(keys):
            self._take_out(position, record_id, old.items())

    def replace(self, record_id: int, old: KeysOfAll, new: KeysOfAll) -> Clash | None:
        """Put a document in the place of another; the clash that stands in the way, and then nothing is changed.

        An entry whose value is equal, and of another type, gives way to one of that type.
        """
        for position, index in enumerate(self._indexes):
            if index.is_unique:
                for key in new[position]:
                    if key not in old[position] and self._is_taken(position, key):
                        return Clash(index, key)
        for position in range(len(self._indexes)):
            before, after = old[position], new[position]
            if before == after:
                continue
            if before:
                self._take_out(position, record_id, [each for each in before.items() if after.get(each[0]) != each[1]])
            for key, types in after.items():
                if before.get(key) != types:
                    self._enter(position, record_id, key, types)
        return None

    def replace_together(self, replacements: Sequence[tuple[int, KeysOfAll, KeysOfAll]]) -> Clash | None:
        """`replace` of several documents, which may have passed keys of unique indexes on among each other; the first
        clash, and then the change is of no use.

        replacements   (record id, keys before, keys after)
        """
        for record_id, old, new in replacements:
            for position, (before, after) in enumerate(zip(old, new, strict=True)):
                gone = [each for each in before.items() if after.get(each[0]) != each[1]]
                if gone:
                    self._take_out(position, record_id, gone)
        for record_id, old, new in replacements:
            for position, (before, after) in enumerate(zip(old, new, strict=True)):
                index = self._indexes[position]
                for key, types in after.items():
                    if before.get(key) == types:
                        continue
                    if index.is_unique and key not in before and self._is_taken(position, key):
                        return Clash(index, key)
                    self._enter(position, record_id, key, types)
        return None

    def _is_taken(self, position: int, key: bytes) -> bool:
        taken, freed, entries = self._taken[position], self._freed[position], self._indexes[position].entries
        assert taken is not None
        if key in taken:
            return True
        record_id = entries.record_with(key)
        if record_id is None or entry_of(key, record_id) not in freed:
            return record_id is not None
        return any(entry_of(key, other) not in freed for other in entries.records_with(key))

    def _enter(self, position: int, record_id: int, key: bytes, types: bytes) -> None:
        entry, taken = entry_of(key, record_id, types), self._taken[position]
        self.removed[position].discard(entry)
        self.added[position][entry] = key
        if taken is not None:
            taken.add(key)

    def _take_out(self, position: int, record_id: int, keys: Iterable[tuple[bytes, bytes]]) -> None:
        taken = self._taken[position]
        for key, types in keys:
            entry = entry_of(key, record_id, types)
            self.added[position].pop(entry, None)
            self.removed[position].add(entry)
            if taken is not None:
                taken.discard(key)
                self._freed[position].add(entry_of(key, record_id))


def _are_free(entries: Entries, slices: Sequence[Column], interrupt: Interrupt) -> bool:
    """Whether no record has any of these keys, and none comes twice among them."""
    seen: set[bytes] = set()
    count = 0
    for column in slices:
        interrupt.check()
        if not entries.is_free(column.keys):
            return False
        seen.update(column.keys)
        count += len(column.keys)
        if len(seen) != count:
            return False
    return True


_NOTHING: Final[KeysOfAll] = ({},)
