"""What lies under the records that a collection holds in memory: layers, the newest first.

A collection keeps in memory what was written since its last checkpoint. Below lie the layers: what a checkpoint is
just writing down, and the snapshot files of earlier ones. A record stands as the newest layer that knows of it has it;
a layer may know that a record is deleted. Each layer is immutable. Stores in memory have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, Protocol


class Below(Enum):
    """The only value is `BELOW`."""

    BELOW = "look below"


BELOW: Final = Below.BELOW
"""Stands where a layer knows nothing of a record id: an older one may."""

Slot = bytes | Below | None
"""What one layer says of a record id: the document's bytes, None for a record that is deleted, or BELOW."""


class RecordLayer(Protocol):
    """Records by their ids.

    first_id, last_id   it knows of no id outside
    """

    @property
    def first_id(self) -> int: ...

    @property
    def last_id(self) -> int: ...

    def record(self, record_id: int, /) -> Slot:
        """What it says of this id."""
        ...

    def find(self, record_ids: Sequence[int], slots: list[Slot], /) -> int:
        """Put what it says of these ids into those of their slots that are BELOW; how many are so no more."""
        ...

    def fill(self, base: int, slots: list[bytes | None], /) -> None:
        """Put what it knows of the ids from `base` on into their slots, as many as there are."""
        ...


class IdLayer(Protocol):
    """The `_id` index of a layer: entries, each the key and the eight bytes of the record id, in order.

    There are no marks of deletion: an entry counts if its record is alive, since a record never changes its `_id` and
    no record id is used twice.
    """

    def has_key(self, key: bytes, /) -> Iterable[int]:
        """The ids of the records whose `_id` had this key when they were entered here."""
        ...

    def lacks_all(self, keys: Sequence[bytes], /) -> bool:
        """Whether none of these keys is here, found out cheaply; False where that would take a look at each."""
        ...

    def between(self, low: bytes, high: bytes, /) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        ...

    def between_backward(self, low: bytes, high: bytes, /) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        ...

    def count_between(self, low: bytes, high: bytes, /) -> int:
        """How many entries there are with low <= entry < high."""
        ...
