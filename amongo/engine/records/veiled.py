"""Collections while a transaction is being put in place: lock-free reads find them as they were before.

Views are taken under the store's lock, and so have all of a commit or nothing. A point read takes no lock. That it does
not meet half of a transaction, the collections that are about to change become veiled ones, for the time of the change;
one assignment then lifts the veil from all of them. The others pay nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amongo.engine.records.collection import Collection


class Veil:
    """The veil of one commit.

    is_lifted   whether what it hides is to be seen
    """

    __slots__ = ("is_lifted",)

    def __init__(self) -> None:
        self.is_lifted = False


@dataclass(frozen=True, slots=True)
class Before:
    """What a commit changes in a collection, as it was before.

    first_id   records with this id and those behind it were not there
    records    by record id, those that it replaces or removes
    keys       by the keys of the `_id`s, the ids of those that it removes
    """

    veil: Veil
    first_id: int
    records: Mapping[int, bytes]
    keys: Mapping[bytes, int]


class VeiledCollection(Collection):
    """A collection under a veil."""

    __slots__ = ()

    def _before(self) -> Before | None:
        before = self._veil
        return before if isinstance(before, Before) and not before.veil.is_lifted else None

    def find_id(self, key: bytes) -> tuple[int, bytes] | None:
        """(record id, document bytes) of the document whose `_id` has this key; None if there is none."""
        before = self._before()
        if before is None:
            return super().find_id(key)
        record_id = before.keys.get(key)
        if record_id is not None:
            return record_id, before.records[record_id]
        found = super().find_id(key)
        if found is None or found[0] >= before.first_id:
            return None
        return found[0], before.records.get(*found)

    def get_by_key(self, key: bytes) -> bytes | None:
        """The bytes of the document whose `_id` has this key."""
        found = self.find_id(key)
        return None if found is None else found[1]

    def record(self, record_id: int) -> bytes | None:
        """The bytes of the document with this record id; None if there is none."""
        before = self._before()
        if before is None:
            return super().record(record_id)
        if record_id >= before.first_id:
            return None
        found = before.records.get(record_id)
        return super().record(record_id) if found is None else found

    def has_key(self, key: bytes) -> bool:
        """Whether a document's `_id` has this key."""
        return self.find_id(key) is not None


def cover(collections: Sequence[tuple[Collection, Before]]) -> None:
    """Veil collections. Under the store's lock; it may be repeated."""
    for collection, before in collections:
        collection._veil = before
        collection.__class__ = VeiledCollection


def uncover(collections: Sequence[tuple[Collection, Before]]) -> None:
    """Show collections as they are now, all at once. Under the store's lock; it may be repeated."""
    for _, before in collections:
        before.veil.is_lifted = True  # the first one is the same as all the others
    for collection, _ in collections:
        collection.__class__ = Collection
        collection._veil = None
