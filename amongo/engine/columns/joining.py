"""One column of several: the rows of each behind those of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from amongo.engine.columns.arrays import TYPE_OF_SLOT
from amongo.engine.columns.column import STRING, Column, merged
from amongo.runtime.limits import DICTIONARY_SHARE

_STRING_BYTES: Final = 2**31 - 1  # of an array of strings with offsets of 32 bits


def joined(columns: Sequence[Column]) -> Column:
    """The rows of some columns of one path, one behind the other.

    Arrays of strings become a dictionary together if most rows have one, and if it stays small; together over 2 GiB
    they become Arrow's large strings.
    """
    if len(columns) == 1:
        return columns[0]
    tags = np.concatenate([column.tags for column in columns]) if columns else np.zeros(0, np.int8)
    names = sorted({slot for column in columns for slot in column.slots})
    slots = {
        slot: _joined_arrays(slot, [(column.slots.get(slot), len(column.tags)) for column in columns]) for slot in names
    }
    return Column(tags, slots, merged(column.facts for column in columns), _joined_offsets(columns))


def _joined_offsets(columns: Sequence[Column]) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    if not columns or columns[0].offsets is None:
        return None
    parts, base = [np.zeros(1, np.int64)], 0
    for column in columns:
        assert column.offsets is not None
        parts.append(column.offsets[1:] + base)
        base += int(column.offsets[-1])
    return np.concatenate(parts)


def _joined_arrays(slot: str, parts: Sequence[tuple[pa.Array | None, int]]) -> pa.Array:
    """The arrays of one slot behind each other; for a column that has none, so many nulls."""
    if slot == STRING:
        return _joined_strings(parts)
    kind = TYPE_OF_SLOT[slot]
    return pa.concat_arrays([pa.nulls(rows, kind) if array is None else array for array, rows in parts])


def _joined_strings(parts: Sequence[tuple[pa.Array | None, int]]) -> pa.Array:
    arrays = [pa.nulls(rows, pa.string()) if array is None else array for array, rows in parts]
    encoded = sum(len(array) for array in arrays if pa.types.is_dictionary(array.type))
    plain = sum(len(array) for array, _ in parts if array is not None) - encoded
    if encoded > plain:
        with_dictionary = [
            array if pa.types.is_dictionary(array.type) else array.dictionary_encode() for array in arrays
        ]
        whole = pa.concat_arrays(with_dictionary)
        if len(whole.dictionary) <= len(whole) * DICTIONARY_SHARE:
            return whole
    texts = [array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in arrays]
    if sum(array.nbytes for array in texts) > _STRING_BYTES or any(map(_is_large, texts)):
        texts = [array.cast(pa.large_string()) for array in texts]
    return pa.concat_arrays(texts)


def _is_large(array: pa.Array) -> bool:
    return bool(pa.types.is_large_string(array.type))
