"""Key bytes back to values: what an index says of a document without looking at the document.

Key bytes forget which of several equal values there was. The type bits tell, one code for each number of the key in
the order of the key, numbers inside of documents and arrays included; zeros at the end are left out, so that keys
without numbers, or of int32s alone, have none:

    00 int32 | 01 int64 | 02 double | 03 Decimal128, and its 16 bytes | 04 double -0.0

A key with a value that its bytes do not give back at all (regular expressions, code, the deprecated types but
undefined, a NaN of unusual bits) has the type bits FF alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.key_bytes import descending

INT64_TYPE: Final = b"\x01"
DOUBLE_TYPE: Final = b"\x02"
_INT32, _INT64, _DOUBLE, _DECIMAL, _MINUS_ZERO = range(5)
_DECIMAL_BYTES: Final = 16
NOT_KEPT: Final = b"\xff"
"""The type bits of a key that does not give its values back."""

_UNPACK_DOUBLE: Final = struct.Struct(">d").unpack_from
_NAN_BITS: Final = struct.pack("<d", float("nan"))
_OBJECT: Final = 0x23
_END: Final = 0

Read = Callable[[bytes, int, "_Types"], tuple[Any, int]]


class _NotKept(Exception):
    """The key does not hold the value."""


def type_bits(values: Iterable[Any]) -> bytes:
    """The type bits of the key of these values, one after the other."""
    codes = bytearray()
    try:
        for value in values:
            kind = type(value)
            if kind is int:
                codes.append(_INT32)
            elif kind is not str and kind is not ObjectId and value is not None:
                _add_codes(value, codes)
    except _NotKept:
        return NOT_KEPT
    return bytes(codes.rstrip(b"\0")) if codes and not codes[-1] else bytes(codes)


def _add_codes(value: Any, codes: bytearray) -> None:
    kind = type(value)
    if kind is int:
        codes.append(_INT32)
    elif kind is float:
        if value != value and struct.pack("<d", value) != _NAN_BITS:
            raise _NotKept
        codes.append(_MINUS_ZERO if value == 0 and str(value)[0] == "-" else _DOUBLE)
    elif kind is Int64:
        codes.append(_INT64)
    elif kind is Decimal128:
        codes.append(_DECIMAL)
        codes += value.bid
    elif kind is dict:
        for field in value.values():
            _add_codes(field, codes)
    elif kind is list:
        for element in value:
            _add_codes(element, codes)
    elif kind in _NOT_KEPT:
        raise _NotKept


_NOT_KEPT: Final = frozenset({Regex, Code, Symbol, DBPointer})


def key_values(
    key: bytes, directions: Sequence[int], types: bytes, collated: Sequence[bool] | None = None
) -> list[Any] | None:
    """The values of a key, one for each direction; None if it does not hold them all.

    types      its type bits
    collated   for each value, whether a collation has made other bytes of its strings
    source     the layout of `key_bytes`
    """
    if types == NOT_KEPT:
        return None
    codes = _Types(types)
    values = []
    at = 0
    try:
        for number, direction in enumerate(directions):
            codes.has_strings = collated is None or not collated[number]
            if direction > 0:
                value, at = _value(key, at, codes)
            else:
                value, size = _value(descending(key[at:]), 0, codes)
                at += size
            values.append(value)
    except _NotKept:
        return None
    return values


class _Types:
    """Type bits as they are read."""

    def __init__(self, types: bytes) -> None:
        self._types = types
        self._at = 0
        self.has_strings = True

    def next(self) -> int:
        """The code of the next number."""
        at = self._at
        self._at = at + 1
        return self._types[at] if at < len(self._types) else _INT32

    def decimal(self) -> Decimal128:
        """The number behind the code of a Decimal128."""
        at = self._at
        self._at = at + _DECIMAL_BYTES
        return Decimal128.from_bid(self._types[at : self._at].ljust(_DECIMAL_BYTES, b"\0"))  # without zeros at the end


def _value(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    """(value, where it ends) of the key that begins at `at`."""
    return _READERS[data[at]](data, at + 1, types)


def _constant(value: Any) -> Read:
    return lambda data, at, types: (value, at)


def _nan(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    return (types.decimal() if types.next() == _DECIMAL else float("nan")), at


def _positive(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    return _number(data, at, types, 1)


def _negative(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    value, size = _number(descending(data[at:]), 0, types, -1)
    return value, at + size


def _number(data: bytes, at: int, types: _Types, sign: int) -> tuple[Any, int]:
    magnitude = _UNPACK_DOUBLE(data, at)[0]
    digits, end = b"", at + 9
    if data[at + 8]:
        end = data.index(_END, at + 11) + 1
        digits = data[at + 11 : end - 1]
    code = types.next()
    if code == _DOUBLE:
        return sign * magnitude, end
    if code == _DECIMAL:
        return types.decimal(), end
    if code == _MINUS_ZERO:
        return -0.0, end
    if digits:
        exponent = int.from_bytes(data[at + 9 : at + 11]) - 8192
        whole = int(digits) * 10 ** (exponent + 1 - len(digits))
    else:
        whole = int(magnitude)
    return (sign * whole if code == _INT32 else Int64(sign * whole)), end


def _text(data: bytes, at: int) -> tuple[str, int]:
    """(text, where its bytes end): up to two zeros; FF behind a zero means that it belongs to the text."""
    end = data.index(b"\0", at)
    while data[end + 1]:
        end = data.index(b"\0", end + 2)
    return data[at:end].replace(b"\0\xff", b"\0").decode(), end + 2


def _string(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    if not types.has_strings:
        raise _NotKept
    return _text(data, at)


def _object(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    result: dict[str, Any] = {}
    while data[at] != _END:
        name, at = _text(data, at + 1)  # behind the field's bracket byte
        result[name], at = _value(data, at, types)
    return result, at + 1


def _array(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    result = []
    while data[at] != _END:
        value, at = _value(data, at, types)
        result.append(value)
    return result, at + 1


def _binary(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    length, subtype = struct.unpack_from(">IB", data, at)
    end = at + 5 + (length - 4 if subtype == 2 else length)
    content = data[at + 5 : end]
    return (Binary(content, subtype) if subtype else content), end


def _object_id(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    return ObjectId(data[at : at + 12]), at + 12


def _date(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    return DatetimeMS(int.from_bytes(data[at : at + 8]) - 2**63), at + 8


def _timestamp(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    return Timestamp(*struct.unpack_from(">II", data, at)), at + 8


def _not_kept(data: bytes, at: int, types: _Types) -> tuple[Any, int]:
    raise _NotKept


_READERS: Final[dict[int, Read]] = {
    0x01: _constant(MinKey()),
    0x0A: _constant(UNDEFINED),
    0x0F: _constant(None),
    0x14: _nan,
    0x15: _negative,
    0x16: _positive,
    0x1E: _string,
    _OBJECT: _object,
    0x28: _array,
    0x2D: _binary,
    0x32: _object_id,
    0x37: _constant(False),
    0x38: _constant(True),
    0x3C: _date,
    0x41: _timestamp,
    0x46: _not_kept,
    0x4B: _not_kept,
    0x50: _not_kept,
    0x55: _not_kept,
    0xF0: _constant(MaxKey()),
}
