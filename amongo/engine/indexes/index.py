"""One secondary index: what makes its keys, where its entries are, and what is known of the arrays in its fields.

The engine knows keys as bytes. What makes them, gives their values back, and names the error of two that clash, is
given to the store (`MakeKeys`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from amongo.engine.indexes.definitions import Definition
from amongo.engine.indexes.entries import Entries, EntriesView
from amongo.engine.indexes.entry import key_of, record_id_of, types_of
from amongo.engine.indexes.layers import EntriesLayer, FrozenLayer
from amongo.errors import ServerError
from amongo.values.codec import decode

Document = dict[str, Any]

Keys = Mapping[bytes, bytes]
"""The keys of one document in one index, each once, with its type bits."""


class Made(Protocol):
    """The keys of a document in one index, and what arrays have to do with it."""

    @property
    def keys(self) -> Keys: ...

    @property
    def is_multikey(self) -> bool: ...

    @property
    def arrays(self) -> frozenset[tuple[int, int]] | frozenset[str]:
        """Where arrays were: (number of the field, number of the path's component); of a wildcard index, paths."""
        ...


class KeyMaker(Protocol):
    """What makes the keys of one index."""

    @property
    def cut(self) -> Callable[[bytes], tuple[bytes, bytes] | tuple[()] | None] | None:
        """What cuts the one key that a document has out of its bytes, with its type bits; () for no key, None where
        the document has to be decoded. None if the index always needs the document."""
        ...

    def keys(self, document: Document) -> Made:
        """The keys of a document. errors: ServerError for one that the index cannot take"""
        ...

    def values(self, key: bytes, types: bytes) -> list[Any] | None:
        """The values of a key, given its type bits; None if it does not hold them."""
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

    __slots__ = ("_arrays", "_paths", "definition", "entries", "is_multikey", "is_unique", "maker")

    def __init__(self, definition: Definition, maker: KeyMaker) -> None:
        self.definition = definition
        self.maker = maker
        self.is_unique = bool(definition.get("unique") or definition.get("prepareUnique"))
        self.entries = Entries(is_unique=self.is_unique)
        self.is_multikey = False
        # It only grows, and where keys are made, without the lock: one method call on a set is safe on any thread.
        self._arrays: set[Any] = set()
        self._paths: tuple[int, tuple[frozenset[int], ...]] = (-1, ())

    def redefined(self, definition: Definition, maker: KeyMaker) -> Index:
        """This index with other options, which leave its keys as they are: hidden, expireAfterSeconds, unique."""
        index = Index(definition, maker)
        index.entries, index.is_multikey, index._arrays = self.entries, self.is_multikey, self._arrays
        return index

    def forked(self, layers: Sequence[EntriesLayer]) -> Index:
        """An index of its own, of a fork of the collection, that begins with these entries of this one."""
        index = Index(self.definition, self.maker)
        index.is_multikey = self.is_multikey
        index._arrays.update(self._arrays.copy())
        index.entries.stand_on(layers)
        return index

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self.definition["name"]
        return name

    # Keys

    def keys(self, raw: bytes) -> Keys:
        """The keys of a document. What goes in by them goes out by them: nothing else makes keys of stored documents.

        errors   ServerError for a document that the index cannot take
        """
        cut = self.maker.cut
        made = None if cut is None else cut(raw)
        if made is None:
            return self.keys_of(decode(raw))
        return {made[0]: made[1]} if made else {}

    def keys_of(self, document: Document) -> Keys:
        """The keys of a document that is decoded, where there is nothing to cut.

        errors   ServerError for a document that the index cannot take
        """
        made = self.maker.keys(document)
        if made.is_multikey:
            self.is_multikey = True
            if not made.arrays <= self._arrays:
                self._arrays.update(made.arrays)
        return made.keys

    def values_of(self, entry: bytes) -> list[Any] | None:
        """The values of an entry, of the types that they have in its document: one for each field of the index, of a
        wildcard two, its path and the value there. None where the entry does not hold them: of hashed, text and
        geospatial indexes, of texts under a collation, and of rare types; look at the document then.

        A missing field shows as null, an empty array as undefined.
        """
        return self.maker.values(key_of(entry), types_of(entry))

    # Arrays

    @property
    def multikey_paths(self) -> tuple[frozenset[int], ...] | None:
        """For each field of the key pattern, the components of its path, by number, at which some document has, or had
        once, an array that the elements stand for; of a wildcard's field, nothing. None for kinds of index of which
        only `is_multikey` is known: text and geospatial ones."""
        if any(type(value) is str and value != "hashed" for value in self.definition["key"].values()):
            return None
        count, paths = self._paths
        if count != len(self._arrays):
            arrays = self._arrays.copy()
            found = [each for each in arrays if type(each) is tuple]
            fields = range(len(self.definition["key"]))
            paths = tuple(frozenset(part for number, part in found if number == field) for field in fields)
            self._paths = len(arrays), paths
        return paths

    @property
    def array_paths(self) -> frozenset[str]:
        """The paths in a wildcard index at which some document has, or had once, an array."""
        return frozenset(each for each in self._arrays.copy() if type(each) is str)

    def facts(self) -> Document:
        """What a checkpoint keeps of it beside definition and entries; BSON values."""
        arrays = self._arrays.copy()
        return {
            "isMultikey": self.is_multikey,
            "multikeyPaths": [list(each) for each in sorted(each for each in arrays if type(each) is tuple)],
            "arrayPaths": sorted(each for each in arrays if type(each) is str),
        }

    def recall(self, facts: Mapping[str, Any], layers: Sequence[EntriesLayer]) -> None:
        """Begin with what a checkpoint has kept of the same index; at the opening of a store.

        facts    what `facts` has told
        layers   its entries, newest first
        """
        self.is_multikey = bool(facts.get("isMultikey"))
        self._arrays.update((int(field), int(part)) for field, part in facts.get("multikeyPaths", ()))
        self._arrays.update(facts.get("arrayPaths", ()))
        self.entries.stand_on(layers)

    # Entries

    @property
    def layers(self) -> tuple[EntriesLayer, ...]:
        """What lies below its overlay in memory, newest first."""
        return self.entries.layers

    def view(self) -> EntriesView:
        """Its entries as they are now; the same view until the next write. Under the store's lock."""
        return self.entries.view()

    def freeze(self) -> FrozenLayer:
        """Make a layer of its overlay; see `Entries.freeze`. Under the store's lock."""
        return self.entries.freeze()

    def settle(self, frozen: Sequence[EntriesLayer], run: EntriesLayer | None) -> None:
        """Put a layer that says the same in the place of neighbouring ones; see `Entries.settle`. Under the lock."""
        self.entries.settle(frozen, run)

    def duplicates(self) -> Iterator[tuple[bytes, int]]:
        """(key, record id) of every record that has a key which another has too, ascending; as it is now."""
        return _duplicates(self.entries.view())


def _duplicates(entries: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    before, key_before, is_told = b"", b"", False
    for entry in entries:
        key = key_of(entry)
        if before and key == key_before:
            if not is_told:
                yield key, record_id_of(before)
            yield key, record_id_of(entry)
            is_told = True
        else:
            is_told = False
        before, key_before = entry, key
