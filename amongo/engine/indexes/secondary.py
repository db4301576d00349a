"""The secondary indexes of a collection: what a write does to them, found before the commit and made with it.

A write is prepared in two steps. The keys of its documents are made without the store's lock, since that takes
longest; they are only good for the indexes that the collection had then. Under the lock an `IndexChange` takes the
documents one by one: each sees the indexes as the documents before it leave them, so that a batch clashes with itself
as well. The commit then makes the change, which may be repeated.

The engine knows keys as bytes. What makes them, and names the error of two that clash, is given to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from amongo.engine.indexes.definitions import Definition
from amongo.engine.indexes.entries import ID_BYTES, Entries, EntriesView, entry_of, key_of, record_id_of
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import CHECK_DOCUMENTS
from amongo.values.codec import decode

Document = dict[str, Any]

_BYTES_PER_READ: Final = 1024
_SLOW_BYTES_PER_READ: Final = 32


class Made(Protocol):
    """The keys of a document in one index: each once, and whether an array gave them."""

    @property
    def keys(self) -> Sequence[bytes]: ...

    @property
    def is_multikey(self) -> bool: ...


class KeyMaker(Protocol):
    """What makes the keys of one index."""

    def keys(self, document: Document) -> Made:
        """The keys of a document. errors: ServerError for one that the index cannot take"""
        ...

    def duplicate(self, namespace: str, document: Document, key: bytes) -> ServerError:
        """The error of a document one of whose keys, this one, another document has in a unique index."""
        ...


MakeKeys = Callable[[Definition], KeyMaker]


class Index:
    """One secondary index.

    definition    as listIndexes shows it
    maker         makes its keys
    entries       its keys, in order
    is_unique     no two documents have one key
    is_multikey   some document has, or had once, several keys
    """

    __slots__ = ("definition", "entries", "is_multikey", "is_unique", "maker")

    def __init__(self, definition: Definition, maker: KeyMaker) -> None:
        self.definition = definition
        self.maker = maker
        self.entries = Entries()
        self.is_unique = bool(definition.get("unique") or definition.get("prepareUnique"))
        self.is_multikey = False

    def redefined(self, definition: Definition, maker: KeyMaker) -> Index:
        """This index with other options, which leave its keys as they are: hidden, expireAfterSeconds, unique."""
        index = Index(definition, maker)
        index.entries, index.is_multikey = self.entries, self.is_multikey
        return index

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.definition["name"]
        return name

    def duplicates(self) -> Iterator[tuple[bytes, int]]:
        """(key, record id) of every record that has a key which another has too, ascending; as it is now."""
        return _duplicates(self.entries.view())


def _duplicates(entries: EntriesView) -> Iterator[tuple[bytes, int]]:
    before: bytes | None = None
    is_told = False
    for entry in entries:
        if before is not None and key_of(before) == key_of(entry):
            if not is_told:
                yield key_of(before), record_id_of(before)
            yield key_of(entry), record_id_of(entry)
            is_told = True
        else:
            is_told = False
        before = entry


Keys = tuple[Sequence[bytes], ...]
"""The keys of one document, for each index."""


class Secondary:
    """The secondary indexes of a collection, at least one; another object takes its place when one comes or goes."""

    __slots__ = ("_bytes_per_read", "indexes")

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = tuple(indexes)
        # In the time in which a read looks at one document, the keys of so many bytes are made.
        self._bytes_per_read = _BYTES_PER_READ if all(map(_is_quick, indexes)) else _SLOW_BYTES_PER_READ

    def named(self, name: str) -> Index | None:
        """The index of this name; None if there is none."""
        return next((index for index in self.indexes if index.name == name), None)

    def reads(self, count: int, size_bytes: int) -> int:
        """How many documents a read looks at in the time that it takes to index so many of this size together."""
        return count * len(self.indexes) + size_bytes // self._bytes_per_read

    def keys(self, raw: bytes) -> Keys:
        """The keys of a document.

        errors   ServerError for a document that one of the indexes cannot take
        """
        document = decode(raw)
        found = []
        for index in self.indexes:
            made = index.maker.keys(document)
            if made.is_multikey:
                index.is_multikey = True
            found.append(made.keys)
        return tuple(found)

    def entries(self, namespace: str, record_id: int, raw: bytes) -> list[tuple[Entries, bytes]]:
        """(where, entry) of each entry of a new document. Under the lock: the way of a single insert.

        errors   ServerError for a document that an index refuses
        """
        document = decode(raw)
        end = record_id.to_bytes(ID_BYTES)
        found = []
        for index in self.indexes:
            made, entries = index.maker.keys(document), index.entries
            if made.is_multikey:
                index.is_multikey = True
            for key in made.keys:
                if index.is_unique and entries.record_with(key) is not None:
                    raise index.maker.duplicate(namespace, document, key)
                found.append((entries, key + end))
        return found

    def keys_or_errors(self, raws: Sequence[bytes], interrupt: Interrupt = NEVER) -> list[Keys | ServerError]:
        """The keys of documents; of one that an index cannot take, the error."""
        found: list[Keys | ServerError] = []
        for raw in interrupt.watch(raws):
            try:
                found.append(self.keys(raw))
            except ServerError as error:
                found.append(error)
        return found


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
    added     for each index, the entries to enter
    """

    __slots__ = ("_indexes", "_taken", "added", "removed")

    def __init__(self, secondary: Secondary) -> None:
        self._indexes = secondary.indexes
        self.removed: list[set[bytes]] = [set() for _ in self._indexes]
        self.added: list[dict[bytes, None]] = [{} for _ in self._indexes]
        # For each unique index, the keys that this change enters.
        self._taken: list[set[bytes] | None] = [set() if index.is_unique else None for index in self._indexes]

    def insert(self, record_id: int, keys: Keys) -> Clash | None:
        """Enter a document; the clash that stands in the way, and then nothing is entered."""
        return self.replace(record_id, _NOTHING * len(keys), keys)

    def make(self, interrupt: Interrupt = NEVER) -> None:
        """Change the indexes. Under the lock, within the commit; it may be repeated.

        interrupt   lets other threads have their turn
        """
        for index, removed, added in zip(self._indexes, self.removed, self.added, strict=True):
            for entry in removed:
                index.entries.discard(entry)
            for count, entry in enumerate(added):
                index.entries.add(entry)
                if not count % CHECK_DOCUMENTS:
                    interrupt.breathe()

    def remove(self, record_id: int, keys: Keys) -> None:
        """Take a document out."""
        for position, old in enumerate(keys):
            self._take_out(position, record_id, old)

    def replace(self, record_id: int, old: Keys, new: Keys) -> Clash | None:
        """Put a document in the place of another; the clash that stands in the way, and then nothing is changed."""
        for position, index in enumerate(self._indexes):
            if index.is_unique:
                for key in new[position]:
                    if key not in old[position] and self._is_taken(position, key):
                        return Clash(index, key)
        for position in range(len(self._indexes)):
            before, after = old[position], new[position]
            if before:
                self._take_out(position, record_id, [key for key in before if key not in after])
            for key in after:
                if key not in before:
                    self._enter(position, record_id, key)
        return None

    def _is_taken(self, position: int, key: bytes) -> bool:
        taken = self._taken[position]
        assert taken is not None
        if key in taken:
            return True
        record_id = self._indexes[position].entries.record_with(key)
        return record_id is not None and entry_of(key, record_id) not in self.removed[position]

    def _enter(self, position: int, record_id: int, key: bytes) -> None:
        entry, taken = entry_of(key, record_id), self._taken[position]
        self.removed[position].discard(entry)
        self.added[position][entry] = None
        if taken is not None:
            taken.add(key)

    def _take_out(self, position: int, record_id: int, keys: Iterable[bytes]) -> None:
        taken = self._taken[position]
        for key in keys:
            entry = entry_of(key, record_id)
            self.added[position].pop(entry, None)
            self.removed[position].add(entry)
            if taken is not None:
                taken.discard(key)


_NOTHING: Final[tuple[Sequence[bytes], ...]] = ((),)
