"""Finding the entries of a key without their place in the order: the hash table beside an index run.

    header · a slot for each entry (uint32) · for each bucket its first slot, and the number of slots (uint32)

The first bits of a key's XXH3-64 are its bucket. A slot holds the number of an entry, and in the bits that the number
leaves free the last bits of the key's hash: so a key that is not there is hardly ever looked for in the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xxhash import xxh3_64_intdigest

from amongo.engine.snapshots.checked import CheckedMap
from amongo.engine.snapshots.format import HASH_ENDING, HASH_HEADER, HASH_MAGIC, PAGE_BITS
from amongo.errors import storage

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files
    from amongo.engine.snapshots.sidecar import Sidecar

_HASH_BITS = 64
_SLOT_BITS = 32
_FIRST_SLOT = HASH_HEADER.size
_READ_SLOTS = 4096
LONGEST = 4 * _READ_SLOTS
"""Bytes that are read at once and may reach over the end of a window."""


def tag_mask_of(number_bits: int) -> int:
    """The bits of a key's hash that stand in its slot."""
    return (1 << (_SLOT_BITS - number_bits)) - 1


class KeyHash:
    """The hash table of an index run."""

    __slots__ = ("_number_bits", "_number_mask", "_shift", "_starts", "_tag_mask", "mapped")

    def __init__(self, files: Files, path: str, sidecar: Sidecar) -> None:
        """path: of the run. errors: SNAPSHOT_MISSING, SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        facts = sidecar.facts
        self.mapped = CheckedMap(files, path + HASH_ENDING, facts.hash_bytes, sidecar.hash_sums, LONGEST)
        self._number_bits = facts.number_bits
        self._number_mask = (1 << facts.number_bits) - 1
        self._tag_mask = tag_mask_of(facts.number_bits)
        self._shift = _HASH_BITS - (facts.buckets.bit_length() - 1)
        self._starts = HASH_HEADER.size + 4 * (facts.documents)

    def numbers(self, key: bytes) -> list[int]:
        """The numbers of the entries that may have this key. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        mapped = self.mapped
        hashed = xxh3_64_intdigest(key)
        place = self._starts + ((hashed >> self._shift) << 2)
        if not (mapped.flags[place >> PAGE_BITS] and mapped.flags[(place + 7) >> PAGE_BITS]):
            mapped.check(place, place + 8)
        index = place >> mapped.bits
        words = (mapped.windows[index] or mapped.window(index)).words
        word = (place - (index << mapped.bits)) >> 2
        first, stop = words[word], words[word + 1]
        if first == stop:
            return []
        tag, number_bits, found = hashed & self._tag_mask, self._number_bits, []
        for slot in self._slots(first, stop):
            if slot >> number_bits == tag:
                found.append(slot & self._number_mask)  # noqa: PERF401 (there is one, or none)
        return found

    def _slots(self, first: int, stop: int) -> list[int]:
        """The slots first <= number < stop."""
        mapped = self.mapped
        if stop - first > _READ_SLOTS:
            middle = first + _READ_SLOTS
            return self._slots(first, middle) + self._slots(middle, stop)
        start, end = _FIRST_SLOT + (first << 2), _FIRST_SLOT + (stop << 2)
        if not (mapped.flags[start >> PAGE_BITS] and mapped.flags[(end - 1) >> PAGE_BITS]):
            mapped.check(start, end)
        index = start >> mapped.bits
        words = (mapped.windows[index] or mapped.window(index)).words
        word = (start - (index << mapped.bits)) >> 2
        slots: list[int] = words[word : word + stop - first].tolist()
        return slots

    def check_header(self) -> None:
        """Compare the header with the sidecar. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        self.mapped.check(0, HASH_HEADER.size)
        magic, _, number_bits = HASH_HEADER.unpack_from(self.mapped.window(0).raw)
        if magic != HASH_MAGIC or number_bits != self._number_bits:
            raise storage.SNAPSHOT_CORRUPT(file=self.mapped.path, offset=0, reason="it is not this run's hash table")
