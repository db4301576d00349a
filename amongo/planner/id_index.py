"""The index on `_id` as one among others: what a branch of a `$or` that speaks of `_id` goes by.

Single values are looked up by their hashes; only ranges need the keys in order. Source: manual, Default `_id` Index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amongo.engine.indexes import ID_INDEX_NAME, entry_of
from amongo.engine.records import Collection, IdOrder
from amongo.mql.index_keys import KeyMaker, key_maker

_BEHIND: Final = b"\xff"


class IdEntries:
    """The entries of the index on `_id` at one moment: those of single values, and of ranges if the order is given."""

    __slots__ = ("_bound", "_collection", "_order")

    def __init__(self, collection: Collection, order: IdOrder | None) -> None:
        self._collection = collection
        self._bound = collection.next_record_id
        self._order = order

    def __len__(self) -> int:
        return self._collection.count

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        if high == low + _BEHIND:
            return self._one(low)
        return iter(()) if self._order is None else self._order.entries_between(low, high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        if high == low + _BEHIND:
            return self._one(low)
        return iter(()) if self._order is None else self._order.entries_between_backward(low, high)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first entry that is not less than `low`; None if there is none."""
        return next(self.between(low, _BEHIND), None)

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many entries have low <= entry < high, about."""
        if high == low + _BEHIND:
            return 1
        return self._collection.count if self._order is None else self._order.count_between(low, high)

    def is_exact(self, low: bytes, high: bytes) -> bool:
        """Whether `count_between` is exact."""
        return False

    def _one(self, key: bytes) -> Iterator[bytes]:
        found = self._collection.find_id(key)
        if found is not None and found[0] < self._bound:  # a later one is no record of this moment
            yield entry_of(key, found[0])


class IdIndex:
    """What the planner asks of an index, of the one on `_id`."""

    is_multikey: Final = False
    multikey_paths: Final[tuple[frozenset[int], ...]] = (frozenset(),)
    array_paths: Final[frozenset[str]] = frozenset()

    __slots__ = ("_collection", "definition", "maker")

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.definition: Mapping[str, Any] = collection.indexes[ID_INDEX_NAME]
        self.maker: KeyMaker = key_maker(self.definition)

    @property
    def name(self) -> str:
        """Its name."""
        return ID_INDEX_NAME

    def view(self, *, in_order: bool = True) -> IdEntries:
        """Its entries as they are now. Under the store's lock.

        in_order   with what ranges need
        """
        return IdEntries(self._collection, self._collection.id_order() if in_order else None)

    def values_of(self, entry: bytes) -> list[Any] | None:
        """None: its entries do not say of which type a value is."""
        return None
