"""Arrow arrays of NumPy's: what the slots of a column are made of.

They are made from buffers, without `pa.array`: that would load pandas, where there is one, to see whether it is given a
series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from amongo.engine.columns.column import BOOL, DATE, DOUBLE, OBJECT_ID, OTHER, STRING, WHOLE

Mask = npt.NDArray[np.bool_]

TYPE_OF_SLOT: Final[dict[str, pa.DataType]] = {
    WHOLE: pa.int64(),
    DOUBLE: pa.float64(),
    STRING: pa.string(),
    BOOL: pa.bool_(),
    DATE: pa.int64(),
    OBJECT_ID: pa.binary(12),
    OTHER: pa.large_binary(),
}
"""The type of each slot's arrays; strings may be a dictionary of theirs."""


def bitmap(present: Mask | None) -> pa.Buffer | None:
    """Which rows are there, as Arrow has it; None, for all of them, of None."""
    return None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))


def fixed_array(slot: str, values: npt.NDArray[Any], present: Mask | None) -> pa.Array:
    """The array of a slot whose values are of one size.

    values    int64, float64 or bool, or rows of 12 bytes; what stands where nothing is present is not shown
    present   which rows have a value; None for all
    """
    rows = len(values)
    contents = np.packbits(values, bitorder="little") if slot == BOOL else np.ascontiguousarray(values)
    return pa.Array.from_buffers(TYPE_OF_SLOT[slot], rows, [bitmap(present), pa.py_buffer(contents)])


def sized_array(slot: str, values: Sequence[bytes | None], present: Mask | None) -> pa.Array:
    """The array of a slot whose values differ in size.

    values    None where there is none
    present   which rows have a value; None for all
    """
    sizes = np.array([0 if each is None else len(each) for each in values], np.int64)
    offsets = np.zeros(len(values) + 1, np.int32 if slot == STRING else np.int64)
    np.cumsum(sizes, out=offsets[1:])
    contents = b"".join([each for each in values if each is not None])
    buffers = [bitmap(present), pa.py_buffer(offsets), pa.py_buffer(contents)]
    return pa.Array.from_buffers(TYPE_OF_SLOT[slot], len(values), buffers)
