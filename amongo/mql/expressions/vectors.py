"""Vectors in binary data of subtype 9, as arrays. Source: manual, $toArray, "binData Conversion"."""

from __future__ import annotations

import struct
from typing import Any, Final

from amongo.errors import convert as errors

VECTOR_SUBTYPE: Final = 9
_INT8: Final = 0x03
_PACKED_BIT: Final = 0x10
_FLOAT32: Final = 0x27
_HEADER_BYTES: Final = 2  # the type of the elements, and how many bits at the end are none


def vector_elements(data: bytes, *, is_big_endian: bool) -> list[Any]:
    """The elements of a vector: bools of packed bits, ints of INT8, doubles of FLOAT32.

    errors   VECTOR_LENGTH, VECTOR_TYPE, VECTOR_PADDING, VECTOR_CUT_OFF
    """
    if not data:
        return []
    if len(data) < _HEADER_BYTES:
        raise errors.VECTOR_LENGTH()
    kind, padding = data[0], data[1]
    if kind not in (_INT8, _PACKED_BIT, _FLOAT32):
        raise errors.VECTOR_TYPE()
    if padding > (7 if kind == _PACKED_BIT else 0):
        raise errors.VECTOR_PADDING()
    body = data[_HEADER_BYTES:]
    if kind == _INT8:
        return list(struct.unpack(f"{len(body)}b", body))
    if kind == _FLOAT32:
        if len(body) % 4:
            raise errors.VECTOR_CUT_OFF()
        return list(struct.unpack(f"{'>' if is_big_endian else '<'}{len(body) // 4}f", body))
    bits = [bool(byte >> place & 1) for byte in body for place in range(7, -1, -1)]
    return bits[: len(bits) - padding] if body else []
