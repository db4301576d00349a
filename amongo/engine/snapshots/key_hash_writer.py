"""Writing the hash table beside an index run.

The hashes are sorted in segments while the run is written, and the segments are merged part by part when it is
finished: the memory that it takes is twelve bytes an entry, and no step takes long. See `key_hash` for the format.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from xxhash import xxh3_64_intdigest

from amongo.engine.snapshots.checked import CheckedFile
from amongo.engine.snapshots.format import HASH_HEADER, HASH_MAGIC
from amongo.engine.snapshots.key_hash import tag_mask_of
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import KEY_HASH_SEGMENT_COUNT

if TYPE_CHECKING:
    import numpy.typing as npt

_HASH_BITS = 64
_BUCKET_ENTRIES = 4  # at the most, on average
_PART_COUNT = 64 * 1024  # entries that are merged at a time


class KeyHashWriter:
    """The hashes of the keys of a run being written, entry by entry."""

    def __init__(self) -> None:
        self._count = 0
        self._pending = array("Q")
        self._segments: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]] = []  # hashes, entry numbers

    def add(self, keys: Iterable[bytes]) -> None:
        """Take the keys of the next entries, in the order of these."""
        self._pending.extend(map(xxh3_64_intdigest, keys))
        if len(self._pending) >= KEY_HASH_SEGMENT_COUNT:
            self._sort()

    def _sort(self) -> None:
        hashes = np.frombuffer(self._pending, np.uint64)
        order = np.argsort(hashes, kind="stable")
        self._segments.append((hashes[order], (order + self._count).astype(np.uint32)))
        self._count += len(hashes)
        self._pending = array("Q")

    @property
    def count(self) -> int:
        """How many keys it has taken."""
        return self._count + len(self._pending)

    @property
    def buckets(self) -> int:
        """Buckets of the table, a power of two."""
        return 1 << max(1, (self.count // _BUCKET_ENTRIES).bit_length())

    @property
    def number_bits(self) -> int:
        """Bits of an entry's number."""
        return max(1, (self.count - 1).bit_length())

    def write(self, file: CheckedFile, interrupt: Interrupt = NEVER) -> None:
        """Write the table; `interrupt` lets other threads have their turn. errors: OSError."""
        if self._pending:
            self._sort()
        file.write(HASH_HEADER.pack(HASH_MAGIC, self.buckets, self.number_bits))
        shift = np.uint64(_HASH_BITS - (self.buckets.bit_length() - 1))
        tag_mask, number_bits = np.uint64(tag_mask_of(self.number_bits)), np.uint32(self.number_bits)
        starts = np.zeros(self.buckets + 1, np.uint32)
        for low, hashes, numbers in self._parts():
            interrupt.breathe()
            tags = (hashes & tag_mask).astype(np.uint32) << number_bits
            file.write((tags | numbers).tobytes())
            counts = np.bincount((hashes >> shift).astype(np.int64) - low)
            starts[low + 1 : low + 1 + len(counts)] = counts
        np.cumsum(starts, out=starts)
        file.write(starts.tobytes())

    def _parts(self) -> Iterator[tuple[int, npt.NDArray[np.uint64], npt.NDArray[np.uint32]]]:
        """(first bucket, hashes, entry numbers) of some buckets at a time, in the order of the hashes."""
        shift = _HASH_BITS - (self.buckets.bit_length() - 1)
        step = max(1, self.buckets * _PART_COUNT // max(1, self.count))
        positions = [0] * len(self._segments)
        for low in range(0, self.buckets, step):
            high = min(low + step, self.buckets)
            end = np.uint64((high << shift) - 1)
            found_hashes, found_numbers = [], []
            for index, (hashes, numbers) in enumerate(self._segments):
                start = positions[index]
                stop = positions[index] = int(np.searchsorted(hashes, end, "right"))
                if start < stop:
                    found_hashes.append(hashes[start:stop])
                    found_numbers.append(numbers[start:stop])
            if found_hashes:
                hashes, numbers = np.concatenate(found_hashes), np.concatenate(found_numbers)
                order = np.argsort(hashes, kind="stable")
                yield low, hashes[order], numbers[order]
