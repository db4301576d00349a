"""Values as bytes whose byte order is MongoDB's order of values, and whose equality is MongoDB's equality.

Every key begins with a byte for the type bracket and ends where its own bytes say so (no key is the beginning of
another), so that keys can be joined and inverted: `compound`, `descending`.

    number     NaN 14 | negative 15, the bytes below inverted | zero and positive 16
               16: the largest double <= the magnitude (8 bytes, big-endian), then 00 if it is the value itself,
               else 01, decimal exponent + 8192 (2 bytes), decimal digits without trailing zeros, 00
    string     1E, UTF-8 (or the collation's key) with 00 as 00 FF, then 00 00
    object     23, for each field: bracket byte, name as a string's bytes, key of the value; then 00
    array      28, the key of each element, then 00
    binary     2D, length (4 bytes), subtype, bytes
    ObjectId   32 and 12 bytes | bool 37 or 38 | date 3C, milliseconds + 2**63 (8 bytes) | timestamp 41 and 8 bytes
    regex      46, pattern and flags as strings' bytes | DBPointer 4B | code 50 | code with scope 55

The four number types share one form, so that equal numbers have equal bytes: 1, 1.0, Int64(1), Decimal128("1.00").
A number that no double holds (Decimal128("0.1"), 2**53 + 1) is told from its neighbours by the decimal digits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values import order
from amongo.values.deprecated import DBPointer, Symbol, Undefined
from amongo.values.missing import Missing
from amongo.values.numbers import unpack_decimal
from amongo.values.order import Collator, canonical_class

_MIN_KEY: Final = b"\x01"
_MISSING: Final = b"\x0a"
_NULL: Final = b"\x0f"
_NAN: Final = b"\x14"
_POSITIVE: Final = 0x16
_STRING: Final = b"\x1e"
_OBJECT: Final = b"\x23"
_ARRAY: Final = b"\x28"
_BINARY: Final = 0x2D
_OBJECT_ID: Final = b"\x32"
_FALSE: Final = b"\x37"
_TRUE: Final = b"\x38"
_DATE: Final = 0x3C
_TIMESTAMP: Final = 0x41
_REGEX: Final = b"\x46"
_DB_POINTER: Final = 0x4B
_CODE: Final = b"\x50"
_CODE_WITH_SCOPE: Final = b"\x55"
_MAX_KEY: Final = b"\xf0"
_END: Final = b"\x00"

# The first byte of a bracket's smallest key, and the byte after that of its largest.
_BRACKETS: Final[Mapping[int, tuple[int, int]]] = {
    order.MIN_KEY: (0x01, 0x02),
    order.MISSING_CLASS: (0x0A, 0x0B),
    order.NULL: (0x0F, 0x10),
    order.NUMBER: (0x14, 0x17),
    order.STRING: (0x1E, 0x1F),
    order.OBJECT: (0x23, 0x24),
    order.ARRAY: (0x28, 0x29),
    order.BINARY: (0x2D, 0x2E),
    order.OBJECT_ID: (0x32, 0x33),
    order.BOOL: (0x37, 0x39),
    order.DATE: (0x3C, 0x3D),
    order.TIMESTAMP: (0x41, 0x42),
    order.REGEX: (0x46, 0x47),
    order.DB_POINTER: (0x4B, 0x4C),
    order.CODE: (0x50, 0x51),
    order.CODE_WITH_SCOPE: (0x55, 0x56),
    order.MAX_KEY: (0xF0, 0xF1),
}
_HEADERS: Final = {bracket: bytes([first]) for bracket, (first, _) in _BRACKETS.items()}

_INVERTED: Final = bytes(255 - byte for byte in range(256))
_PACK_NUMBER: Final = struct.Struct(">BdB").pack
_PACK_MAGNITUDE: Final = struct.Struct(">d").pack
_EXACT_DOUBLE: Final = 2**53


def key_bytes(value: Any, collator: Collator | None = None) -> bytes:
    """The key of a value: `compare(a, b)` is the comparison of `key_bytes(a)` with `key_bytes(b)`.

    collator   gives a string's sort key under a collation; it applies to string values at every depth
    result     bytes that begin no other value's key
    errors     TypeError for a Python object that is not a canonical value
    source     manual, Comparison/Sort Order
    """
    kind = type(value)
    if kind is ObjectId:
        return _OBJECT_ID + value.binary  # type: ignore[no-any-return]
    if kind is str and collator is None:
        if "\0" in value:
            return _STRING + _text(value.encode())
        return b"\x1e%b\0\0" % value.encode()
    if kind is int and value > 0:
        return _PACK_NUMBER(_POSITIVE, value, 0)
    write = _WRITERS.get(kind)
    if write is None:
        raise TypeError(f"{kind.__name__} is not a canonical BSON value")
    return write(value, collator)


OBJECT_ID_PREFIX: Final = b"\x32"
"""What stands before the twelve bytes of an ObjectId in its key."""


def id_key(value: Any, collator: Collator | None = None) -> bytes:
    """The key of an `_id` value: `key_bytes`, its commonest types first.

    collator   that of the collection whose `_id` it is
    """
    kind = type(value)
    if kind is ObjectId:
        return OBJECT_ID_PREFIX + value.binary  # type: ignore[no-any-return]
    if kind is int and value > 0:
        return _PACK_NUMBER(0x16, value, 0)
    return key_bytes(value, collator)


def collated(key: bytes, collator: Collator) -> bytes:
    """The key under a collation of a scalar value, from its key without one."""
    if key[:1] != _STRING:
        return key
    return _string_key(key[1:-2].replace(b"\0\xff", b"\0").decode(), collator)


def has_strings(value: Any) -> bool:
    """Whether a collation can make a difference to the value: it is a string, or holds one at any depth."""
    kind = type(value)
    if kind is dict:
        return any(map(has_strings, value.values()))
    if kind is list:
        return any(map(has_strings, value))
    return kind is str or kind is Symbol


def descending(key: bytes) -> bytes:
    """The key inverted: it sorts the other way round."""
    return key.translate(_INVERTED)


def compound(values: Iterable[Any], directions: Iterable[int], collator: Collator | None = None) -> bytes:
    """The key of several values in turn; a negative direction sorts its value the other way round.

    errors   TypeError for a Python object that is not a canonical value; ValueError if the lengths differ
    """
    return b"".join(
        [
            key_bytes(value, collator) if direction > 0 else key_bytes(value, collator).translate(_INVERTED)
            for value, direction in zip(values, directions, strict=True)
        ]
    )


def bracket_bounds(value: Any) -> tuple[bytes, bytes]:
    """(low, high): exactly the keys of the value's type bracket are low <= key < high.

    errors   TypeError for a Python object that is not a canonical value
    """
    first, after = _BRACKETS[canonical_class(value)]
    return bytes([first]), bytes([after])


# Numbers


def _int_key(value: int, collator: Collator | None) -> bytes:
    if value > 0:
        return _PACK_NUMBER(_POSITIVE, value, 0)
    return b"\x15%b\xff" % _PACK_MAGNITUDE(-value).translate(_INVERTED) if value else _ZERO


def _long_key(value: int, collator: Collator | None) -> bytes:
    if -_EXACT_DOUBLE <= value <= _EXACT_DOUBLE:
        return _int_key(value, collator)
    whole = abs(int(value))
    below = float(whole)
    if int(below) == whole:
        return _signed(_PACK_MAGNITUDE(below) + b"\0", value < 0)
    if below > whole:
        below = math.nextafter(below, 0.0)
    return _signed(_with_digits(below, len(str(whole)) - 1, str(whole)), value < 0)


def _double_key(value: float, collator: Collator | None) -> bytes:
    if value > 0:
        return _PACK_NUMBER(_POSITIVE, value, 0)
    if value < 0:
        return _signed(_PACK_MAGNITUDE(-value) + b"\0", True)
    return _ZERO if value == 0 else _NAN


def _decimal_key(value: Decimal128, collator: Collator | None) -> bytes:
    exact = unpack_decimal(value)
    if exact.is_nan():
        return _NAN
    if not exact:
        return _ZERO
    return _signed(_magnitude(exact.copy_abs()), exact.is_signed())


def _magnitude(value: Decimal) -> bytes:
    """A positive number after its bracket byte; infinity is a double too."""
    below = float(value)
    rounded = Decimal.from_float(below)
    if rounded > value:
        below = math.nextafter(below, 0.0)
    elif rounded == value:
        return _PACK_MAGNITUDE(below) + b"\0"
    return _with_digits(below, value.adjusted(), "".join(map(str, value.as_tuple().digits)))


def _with_digits(below: float, exponent: int, digits: str) -> bytes:
    """The magnitude of a number that no double holds; the digits begin with the first that is not zero."""
    return b"%b\x01%b%b\0" % (_PACK_MAGNITUDE(below), (exponent + 8192).to_bytes(2), digits.rstrip("0").encode())


def _signed(magnitude: bytes, is_negative: bool) -> bytes:
    return b"\x15" + magnitude.translate(_INVERTED) if is_negative else b"\x16" + magnitude


# Everything else


def _text(encoded: bytes) -> bytes:
    return encoded.replace(b"\0", b"\0\xff") + b"\0\0"


def _string_key(value: str, collator: Collator | None) -> bytes:
    return _STRING + _text(value.encode() if collator is None else collator(value))


def _symbol_key(value: Symbol, collator: Collator | None) -> bytes:
    return _string_key(value.text, collator)


def _object_key(value: Mapping[str, Any], collator: Collator | None) -> bytes:
    parts = [_OBJECT]
    for name, field in value.items():
        parts += (_HEADERS[canonical_class(field)], _text(name.encode()), key_bytes(field, collator))
    parts.append(_END)
    return b"".join(parts)


def _array_key(value: list[Any], collator: Collator | None) -> bytes:
    return b"%b%b\0" % (_ARRAY, b"".join([key_bytes(element, collator) for element in value]))


def _binary_key(value: bytes, collator: Collator | None) -> bytes:
    length, subtype, content = order.binary_parts(value)
    return struct.pack(">BIB", _BINARY, length, subtype) + content


def _object_id_key(value: ObjectId, collator: Collator | None) -> bytes:
    return _OBJECT_ID + value.binary


def _bool_key(value: bool, collator: Collator | None) -> bytes:
    return _TRUE if value else _FALSE


def _date_key(value: DatetimeMS, collator: Collator | None) -> bytes:
    return struct.pack(">BQ", _DATE, int(value) + 2**63)


def _timestamp_key(value: Timestamp, collator: Collator | None) -> bytes:
    return struct.pack(">BII", _TIMESTAMP, value.time, value.inc)


def _regex_key(value: Regex[Any], collator: Collator | None) -> bytes:
    pattern, flags = order.regex_parts(value)
    return _REGEX + _text(pattern) + _text(flags)


def _pointer_key(value: DBPointer, collator: Collator | None) -> bytes:
    length, namespace, oid = order.pointer_parts(value)
    return struct.pack(">BI", _DB_POINTER, length) + namespace + oid


def _code_key(value: Code, collator: Collator | None) -> bytes:
    if value.scope is None:
        return _CODE + _text(str(value).encode())
    return _CODE_WITH_SCOPE + _text(str(value).encode()) + _object_key(value.scope, None)


def _constant(key: bytes) -> Callable[[Any, Collator | None], bytes]:
    return lambda value, collator: key


_ZERO: Final = b"\x16" + bytes(9)

_WRITERS: Final[Mapping[type, Callable[[Any, Collator | None], bytes]]] = {
    MinKey: _constant(_MIN_KEY),
    Missing: _constant(_MISSING),
    Undefined: _constant(_MISSING),
    type(None): _constant(_NULL),
    int: _int_key,
    Int64: _long_key,
    float: _double_key,
    Decimal128: _decimal_key,
    str: _string_key,
    Symbol: _symbol_key,
    dict: _object_key,
    list: _array_key,
    bytes: _binary_key,
    Binary: _binary_key,
    ObjectId: _object_id_key,
    bool: _bool_key,
    DatetimeMS: _date_key,
    Timestamp: _timestamp_key,
    Regex: _regex_key,
    DBPointer: _pointer_key,
    Code: _code_key,
    MaxKey: _constant(_MAX_KEY),
}
