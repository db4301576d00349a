"""From where values stand to columns: each slot's values are brought together by one operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from bson.errors import InvalidBSON

from amongo.engine.columns.arrays import TYPE_OF_SLOT, Mask, bitmap, fixed_array, sized_array
from amongo.engine.columns.buffer import Buffer, Positions, Words, lengths_in, sizes_of_values
from amongo.engine.columns.column import (
    BOOL,
    DATE,
    DOUBLE,
    OBJECT_ID,
    OTHER,
    STRING,
    WHOLE,
    Column,
    Facts,
    slot_of,
)
from amongo.engine.columns.facts import counts_of, extremes, facts_of_doubles
from amongo.engine.columns.walking import Found
from amongo.runtime.limits import DICTIONARY_SAMPLE, PIECE_DICTIONARY_SHARE
from amongo.values.types import BsonType

_KEY_BYTES: Final = 7
_KEY_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_KEY_BYTES + 1)], np.uint64)
_KEY_SIZES: Final = np.array([size << 56 for size in range(_KEY_BYTES + 1)], np.uint64)


class Gatherer:
    """Makes the columns of one path, piece after piece; what it has seen says whether strings get a dictionary."""

    def __init__(self) -> None:
        self._is_dictionary_tried = True

    def column(self, buffer: Buffer, found: Found, counts: Positions | None) -> Column:
        """The column of what was found.

        counts   of elements in each record, for a path with EACH; None for others
        errors   InvalidBSON of `bson.errors` for a wanted string without its NUL, a bool that is neither 0 nor 1
        """
        tags = counts_of(found.tags) if found.tag is None else {found.tag: len(found.tags)}
        known: dict[str, Any] = {"counts": tags}
        slots: dict[str, pa.Array] = {}
        for slot in sorted({slot for tag in tags if (slot := slot_of(tag)) is not None}):
            present = _present(found, slot, tags)
            if slot == STRING:
                slots[slot] = self._strings(buffer, found, present, known)
            else:
                slots[slot] = _gathered(slot, buffer, found, present, known)
        if counts is None:
            return Column(found.tags, slots, Facts(**known))
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        known["most_elements"] = int(counts.max()) if len(counts) else 0
        return Column(found.tags, slots, Facts(**known), offsets)

    def _strings(self, buffer: Buffer, found: Found, present: Mask | None, known: dict[str, Any]) -> pa.Array:
        places, words = _chosen(found.places, present), _chosen(found.words, present)
        sizes = lengths_in(words) - 1
        starts = places + 4
        if buffer.contents[starts + sizes].any():
            raise InvalidBSON("a string that does not end with NUL")
        longest = known["string_bytes"] = int(sizes.max())
        array = None
        if self._is_dictionary_tried and longest <= _KEY_BYTES:
            array = self._encoded(_short_keys(buffer, starts, words, sizes, longest), present)
        if array is None:
            array = _compact(STRING, buffer, starts, sizes, present)
            array = self._with_dictionary(array)
        text = array.dictionary if pa.types.is_dictionary(array.type) else array
        known["is_ascii"] = _is_ascii(text)
        known["is_utf8"] = known["is_ascii"] or _is_utf8(text)
        return array

    def _encoded(self, keys: npt.NDArray[np.uint64], present: Mask | None) -> pa.Array | None:
        """Short strings as a dictionary, by their keys; None if too many differ."""
        encoded = pa.Array.from_buffers(pa.uint64(), len(keys), [None, pa.py_buffer(keys)]).dictionary_encode()
        different = np.frombuffer(encoded.dictionary.buffers()[1], np.uint64, len(encoded.dictionary))
        if self._is_too_many(len(different), len(keys)):
            return None
        texts = [int(key).to_bytes(8, "little")[: int(key) >> 56] for key in different.tolist()]
        codes = np.frombuffer(encoded.indices.buffers()[1], np.int32, len(keys))
        if present is not None:
            whole = np.zeros(len(present), np.int32)
            whole[present] = codes
            codes = whole
        indices = pa.Array.from_buffers(pa.int32(), len(codes), [bitmap(present), pa.py_buffer(codes)])
        return pa.DictionaryArray.from_arrays(indices, sized_array(STRING, texts, None), safe=False)

    def _with_dictionary(self, array: pa.Array) -> pa.Array:
        """Strings as a dictionary, if few differ."""
        if not self._is_dictionary_tried:
            return array
        encoded = array.dictionary_encode()
        return array if self._is_too_many(len(encoded.dictionary), len(array)) else encoded

    def _is_too_many(self, different: int, rows: int) -> bool:
        """Whether so many strings differ that a dictionary is not worth it; if of many, then no more in this column."""
        if different <= rows * PIECE_DICTIONARY_SHARE:
            return False
        self._is_dictionary_tried = rows < DICTIONARY_SAMPLE
        return True


def _short_keys(
    buffer: Buffer, starts: Positions, words: Words, sizes: npt.NDArray[np.int32], longest: int
) -> npt.NDArray[np.uint64]:
    """Strings of up to seven bytes as numbers: the bytes, and how many they are in the highest byte.

    words   what stands where the values begin: the length and the first four bytes of the string
    """
    text = words >> np.uint64(32) if longest <= 4 else buffer.words(starts, 1)[:, 0]
    keys: npt.NDArray[np.uint64] = text & _KEY_MASKS[sizes]
    keys |= _KEY_SIZES[sizes]
    return keys


def _present(found: Found, slot: str, counts: dict[int, int]) -> Mask | None:
    """Which rows have a value in this slot; None for all."""
    tags = [tag for tag in counts if slot_of(tag) == slot]
    if sum(counts[tag] for tag in tags) == len(found.tags):
        return None
    present: Mask = found.tags == tags[0]
    for tag in tags[1:]:
        present |= found.tags == tag
    return present


def _chosen(values: npt.NDArray[Any], present: Mask | None) -> npt.NDArray[Any]:
    return values if present is None else values[present]


def _gathered(slot: str, buffer: Buffer, found: Found, present: Mask | None, known: dict[str, Any]) -> pa.Array:
    if slot == WHOLE:
        values = _whole_numbers(found)
        known["least"], known["most"] = extremes(_chosen(values, present))
        return fixed_array(slot, values, present)
    if slot == DATE:
        dates = found.words.view(np.int64)
        known["first_ms"], known["last_ms"] = extremes(_chosen(dates, present))
        return fixed_array(slot, dates, present)
    if slot == DOUBLE:
        doubles = found.words.view(np.float64)
        known.update(facts_of_doubles(_chosen(doubles, present)))
        return fixed_array(slot, doubles, present)
    if slot == BOOL:
        bools = found.words.view(np.uint8)[::8]
        if int(_chosen(bools, present).max()) > 1:
            raise InvalidBSON("a bool that is neither 0 nor 1")
        return fixed_array(slot, bools, present)
    if slot == OBJECT_ID:
        return fixed_array(slot, buffer.items(found.places, 12), present)
    places, words = _chosen(found.places, present), _chosen(found.words, present)
    kinds = _chosen(found.tags, present).view(np.uint8)
    sizes = sizes_of_values(buffer, kinds, places, words)
    assert not isinstance(sizes, int)  # as the types are told one by one
    return _compact(OTHER, buffer, places, sizes, present)


def _whole_numbers(found: Found) -> npt.NDArray[np.int64]:
    ints = lengths_in(found.words).astype(np.int64)
    is_long = found.tags == BsonType.LONG
    if is_long.any():
        np.copyto(ints, found.words.view(np.int64), where=is_long)
    return ints


def _compact(slot: str, buffer: Buffer, starts: Positions, sizes: npt.NDArray[Any], present: Mask | None) -> pa.Array:
    """The array of values that stand in ascending order in the buffer.

    All of the buffer is taken for an array of values and of what lies between them; of this, Arrow takes each second
    item. That copies long values as they are, and needs no position for each byte.
    """
    base = int(starts[0])
    bounds = np.empty(2 * len(starts), np.int32)
    np.subtract(starts, base, out=bounds[0::2], casting="unsafe")
    np.add(bounds[0::2], sizes, out=bounds[1::2], casting="unsafe")
    contents = pa.py_buffer(buffer.contents[base : base + int(bounds[-1])])
    around = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), contents])
    evens = np.arange(0, len(bounds), 2, dtype=np.int32)
    values = around.take(pa.Array.from_buffers(pa.int32(), len(evens), [None, pa.py_buffer(evens)]))
    rows = sizes
    if present is not None:
        rows = np.zeros(len(present), np.int64)
        rows[present] = sizes
    offsets = np.zeros(len(rows) + 1, np.int32 if slot == STRING else np.int64)
    np.cumsum(rows, out=offsets[1:])
    buffers = [bitmap(present), pa.py_buffer(offsets), values.buffers()[2] or pa.py_buffer(b"")]
    return pa.Array.from_buffers(TYPE_OF_SLOT[slot], len(rows), buffers)


def _is_ascii(array: pa.Array) -> bool:
    """Whether all strings of an array are; it begins with its buffers, and where it has no value it has no bytes."""
    size = int(np.frombuffer(array.buffers()[1], np.int32)[len(array)]) if len(array) else 0
    return not size or int(np.frombuffer(array.buffers()[2], np.uint8, size).max()) < 128


def _is_utf8(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
