"""Arrow arrays as NumPy sees them: views of their buffers, without a copy where that can be."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

Values = np.ndarray[Any, np.dtype[Any]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Offsets = np.ndarray[Any, np.dtype[Any]]

_INDEX: Final = pa.int64()
_OFFSETS: Final = {
    pa.string(): np.int32,
    pa.binary(): np.int32,
    pa.large_string(): np.int64,
    pa.large_binary(): np.int64,
}


def pooled(shape: tuple[int, ...], dtype: Any) -> Values:
    """A new array, not filled, in memory of Arrow's: that is used again, where each new page costs a fault."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(pa.allocate_buffer(size), dtype).reshape(shape) if size else np.empty(shape, dtype)


def index_array(rows: Values) -> pa.Array:
    """Row numbers as Arrow takes them."""
    rows = np.ascontiguousarray(rows, np.int64)
    return pa.Array.from_buffers(_INDEX, len(rows), [None, pa.py_buffer(rows)])


def picked(array: pa.Array, rows: Values) -> pa.Array:
    """Some rows of an array, in this order."""
    return array.take(index_array(rows))


def present(array: pa.Array) -> Mask | None:
    """Which rows are not null; None for all."""
    if not array.null_count:
        return None
    return _bits(array.buffers()[0], array.offset, len(array))


def _bits(buffer: pa.Buffer, start: int, count: int) -> Mask:
    first = start >> 3
    packed = np.frombuffer(buffer, np.uint8, ((start + count + 7) >> 3) - first, first)
    bits = np.unpackbits(packed, count=count + (start & 7), bitorder="little")
    return bits[start & 7 :].view(np.bool_)


def fixed_values(array: pa.Array) -> Values:
    """The values of an array whose values are of one size: numbers, bools, or rows of bytes.

    What stands in the rows that are null is arbitrary.
    """
    kind, rows, start = array.type, len(array), array.offset
    buffer = array.buffers()[1]
    if pa.types.is_boolean(kind):
        return _bits(buffer, start, rows) if rows else np.zeros(0, np.bool_)
    if pa.types.is_fixed_size_binary(kind):
        width = kind.byte_width
        if not rows:
            return np.zeros((0, width), np.uint8)
        return np.frombuffer(buffer, np.uint8, rows * width, start * width).reshape(rows, width)
    dtype = np.dtype(kind.to_pandas_dtype())
    return np.frombuffer(buffer, dtype, rows, start * dtype.itemsize) if rows else np.zeros(0, dtype)


def sized_parts(array: pa.Array) -> tuple[Offsets, pa.Buffer]:
    """(offsets, one more than there are rows; bytes that they count in) of an array of strings or binaries."""
    dtype = np.dtype(_OFFSETS[array.type])
    if not len(array):
        return np.zeros(1, dtype), pa.py_buffer(b"")
    _, offsets, contents = array.buffers()
    found = np.frombuffer(offsets, dtype, len(array) + 1, array.offset * dtype.itemsize)
    return found, pa.py_buffer(b"") if contents is None else contents


def values_alone(array: pa.Array) -> Values:
    """The values of an array whose values are of one size, without nulls."""
    values, mask = fixed_values(array), present(array)
    return values if mask is None else values[mask]
