"""What is asked of the store by a write of records, and what it says it has done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from amongo.engine.records import Collection
from amongo.errors import ServerError

T = TypeVar("T")


class CollectionDropped(Exception):
    """The collection was dropped after the caller looked it up; nothing was written."""


class Inserted(NamedTuple):
    """What an insert has done.

    positions    of the documents that were inserted, in the batch; None for all
    duplicates   positions of the documents whose `_id` was taken
    sequence     the commit; 0 if nothing was inserted
    failures     positions of the documents that a secondary index refused, with the errors
    """

    positions: list[int] | None
    duplicates: list[int]
    sequence: int
    failures: Sequence[tuple[int, ServerError]] = ()


class Change(NamedTuple):
    """One record to replace.

    record_id     which record
    expected      the bytes that the caller has seen under it
    raw           the bytes to put there, with the same `_id`
    description   what changed, as BSON, for change streams: updatedFields, removedFields, truncatedArrays,
                  disambiguatedPaths, movedFields, each where there is one; or updatedPaths, whose values stand in the
                  new document; None for a replacement
    """

    record_id: int
    expected: bytes
    raw: bytes
    description: bytes | None


class Changed(NamedTuple):
    """What an update or delete has done.

    conflicts   positions where something else stood than was expected; nothing was done there
    sequence    the commit; 0 if nothing was changed
    """

    conflicts: list[int]
    sequence: int


def conflicts_of(collection: Collection, seen: Iterable[tuple[int, bytes]]) -> list[int]:
    """The positions at which something else stands by now than the caller has seen.

    seen   (record id, document) of each
    """
    return [
        position
        for position, (record_id, expected) in enumerate(seen)
        if collection.is_dropped or not is_same(collection.record(record_id), expected)
    ]


def is_same(found: bytes | None, expected: bytes) -> bool:
    """Whether what stands under a record id is what the caller has seen: records from snapshot files are other bytes
    objects each time they are looked at."""
    return found is expected or found == expected


def without(items: Sequence[T], positions: Sequence[int]) -> Sequence[T]:
    """The items at all other positions."""
    if not positions:
        return items
    left_out = set(positions)
    return [item for position, item in enumerate(items) if position not in left_out]
