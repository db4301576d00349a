"""Bytes in which many documents stand, read at many places by one operation."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from amongo.runtime.limits import STEP_BYTES

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

PADDING: Final = STEP_BYTES + 32
"""So many bytes have to follow the last document: they are looked at, never believed."""

FIXED: Final = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
"""Type byte -> bytes of the value, for types of one size."""

_SIZED: Final = {2: (4, 1), 3: (0, 5), 4: (0, 5), 5: (5, 0), 12: (16, 1), 13: (4, 1), 14: (4, 1), 15: (0, 14)}
# Type byte -> what the value has more bytes than the length in front of it says, and the least length.

_REGEX: Final = 11
_NO_LENGTH: Final = 2**32  # as least length: no length is as great, so that the row is found to be broken
_ANY_LENGTH: Final = -(2**32)


def _table(default: int, entries: dict[int, int]) -> npt.NDArray[np.int64]:
    table = np.full(256, default, np.int64)
    table[list(entries)] = list(entries.values())
    return table


_BEYOND = _table(0, {**FIXED, **{kind: more for kind, (more, _) in _SIZED.items()}})
_LEAST = _table(_NO_LENGTH, {**dict.fromkeys(FIXED, _ANY_LENGTH), **{kind: each[1] for kind, each in _SIZED.items()}})
_COUNTS = _table(0, dict.fromkeys(_SIZED, 1))


class Buffer:
    """Bytes with PADDING behind the last document."""

    def __init__(self, contents: Bytes) -> None:
        self.contents = contents
        self._views: dict[int, npt.NDArray[np.void]] = {}

    def words(self, at: Positions, width: int) -> Words:
        """The words from each position on: a matrix of `width` columns.

        NumPy copies an item of hundreds of bytes from anywhere as quickly as one of eight.
        """
        return self._items(at, 8 * width).view(np.uint64).reshape(-1, width)

    def items(self, at: Positions, size: int) -> Bytes:
        """`size` bytes from each position on, as a matrix."""
        return self._items(at, size).view(np.uint8).reshape(-1, size)

    def _items(self, at: Positions, size: int) -> npt.NDArray[np.void]:
        view = self._views.get(size)
        if view is None:
            view = np.ndarray((max(len(self.contents) - size + 1, 0),), f"V{size}", self.contents, 0, (1,))
            self._views[size] = view
        return view[at]

    def slice(self, start: int, end: int) -> bytes:
        """The bytes from here to there, as far as there are any."""
        return self.contents[start:end].tobytes()


def lengths_in(words: Words) -> npt.NDArray[np.int32]:
    """The int32 in the first half of each word."""
    return words.view(np.int32)[::2]


def sizes_of_values(buffer: Buffer, kinds: Bytes | int, places: Positions, words: Words) -> npt.NDArray[np.int64] | int:
    """How long values are; -1 where a length cannot be right. One number where all have the same size.

    kinds    a type byte for each, or one for all
    places   where the values begin
    words    what stands there
    """
    if isinstance(kinds, int):
        if kinds in _SIZED:
            more, least = _SIZED[kinds]
            sizes = lengths_in(words).astype(np.int64)
            sizes += more
            if int(sizes.min(initial=least + more)) < least + more:
                sizes[lengths_in(words) < least] = -1
            return sizes
        if kinds != _REGEX:
            return FIXED.get(kinds, -1)
        kinds = np.full(len(places), kinds, np.uint8)
    lengths = lengths_in(words).astype(np.int64)
    sizes = lengths * _COUNTS[kinds] + _BEYOND[kinds]
    sizes[lengths < _LEAST[kinds]] = -1
    for row in np.flatnonzero(kinds == _REGEX).tolist():
        sizes[row] = _regex_size(buffer, int(places[row]))
    return sizes


def _regex_size(buffer: Buffer, at: int) -> int:
    """The bytes of two strings that end with NUL."""
    size = 256
    while True:
        raw = buffer.slice(at, at + size)
        pattern_end = raw.find(b"\0")
        options_end = raw.find(b"\0", pattern_end + 1) if pattern_end >= 0 else -1
        if options_end >= 0:
            return options_end + 1
        if len(raw) < size:
            return -1
        size *= 4


def name_at(buffer: Buffer, at: int) -> bytes | None:
    """The name of the element there; None for the end of a document and for a name that is too long to go in step."""
    raw = buffer.slice(at, at + STEP_BYTES - 8)
    name_end = raw.find(b"\0", 1)
    return raw[1:name_end] if raw[0] and name_end > 0 else None
