"""An exact BSON codec in Python, for the documents that the C codec of `bson` would change.

The C codec makes a `DBRef` of a subdocument with `$ref`, null of undefined, a string of a symbol. Documents that
hold such values are rare; they take this road, where every value keeps its type. Both directions check every bound:
the bytes may come from a broken program or a damaged disk. (Source: bsonspec.org, version 1.1.)
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidBSON, InvalidDocument
from bson.raw_bson import RawBSONDocument

from amongo.runtime.limits import BSON_DEPTH
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol, Undefined
from amongo.values.order import regex_parts

_INT: Final = struct.Struct("<i")
_LONG: Final = struct.Struct("<q")
_DOUBLE: Final = struct.Struct("<d")
_TIMESTAMP: Final = struct.Struct("<II")


class NestedTooDeep(InvalidBSON):
    """A document whose nesting exceeds BSON_DEPTH."""


# Reading


def decode_exact(raw: bytes) -> dict[str, Any]:
    """The document of `raw` as canonical values, deprecated types and DBRef-shaped documents kept as they are.

    errors   InvalidBSON of `bson.errors`: bytes that are not one whole document, a length that does not fit, invalid
             UTF-8, an unknown type; NestedTooDeep, which is one, past BSON_DEPTH
    """
    raw = bytes(raw)
    document, end = _read_document(raw, 0, len(raw), 0)
    if end != len(raw):
        raise InvalidBSON(f"{len(raw) - end} bytes after the end of the document")
    return document


def _read_document(raw: bytes, at: int, limit: int, depth: int) -> tuple[dict[str, Any], int]:
    document: dict[str, Any] = {}
    end = _bounds(raw, at, limit, depth)
    at += 4
    while at < end:
        kind = raw[at]
        name, at = _read_name(raw, at + 1, end)
        read = _READERS.get(kind)
        if read is None:
            raise InvalidBSON(f"unknown type {kind:#04x} of field {name!r}")
        document[name], at = read(raw, at, end, depth)
    if at != end:
        raise InvalidBSON("an element is longer than its document")
    return document, end + 1


def _bounds(raw: bytes, at: int, limit: int, depth: int) -> int:
    """Where the closing NUL of the document at `at` stands."""
    if depth > BSON_DEPTH:
        raise NestedTooDeep(f"nested more than {BSON_DEPTH} deep")
    size = _read_size(raw, at, limit)
    end = at + size - 1
    if size < 5 or end >= limit:
        raise InvalidBSON(f"document length {size} does not fit")
    if raw[end] != 0:
        raise InvalidBSON("a document does not end with NUL")
    return end


def _read_size(raw: bytes, at: int, limit: int) -> int:
    if at + 4 > limit:
        raise InvalidBSON("the bytes end within a length")
    return int(_INT.unpack_from(raw, at)[0])


def _read_name(raw: bytes, at: int, limit: int) -> tuple[str, int]:
    end = raw.find(b"\0", at, limit)
    if end < 0:
        raise InvalidBSON("a name does not end")
    return _text(raw[at:end]), end + 1


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise InvalidBSON(f"invalid UTF-8: {error}") from None


def _take(raw: bytes, at: int, size: int, limit: int) -> bytes:
    if size < 0 or at + size > limit:
        raise InvalidBSON(f"a value of {size} bytes does not fit its document")
    return raw[at : at + size]


def _read_string(raw: bytes, at: int, limit: int, depth: int) -> tuple[str, int]:
    size = _read_size(raw, at, limit)
    encoded = _take(raw, at + 4, size, limit)
    if size < 1 or encoded[-1] != 0:
        raise InvalidBSON("a string does not end with NUL")
    return _text(encoded[:-1]), at + 4 + size


def _read_object(raw: bytes, at: int, limit: int, depth: int) -> tuple[dict[str, Any], int]:
    return _read_document(raw, at, limit, depth + 1)


def _read_array(raw: bytes, at: int, limit: int, depth: int) -> tuple[list[Any], int]:
    """The elements in stored order; the names are not looked at, as in the C codec."""
    array: list[Any] = []
    end = _bounds(raw, at, limit, depth + 1)
    at += 4
    while at < end:
        kind = raw[at]
        name_end = raw.find(b"\0", at + 1, end)
        read = _READERS.get(kind)
        if name_end < 0 or read is None:
            raise InvalidBSON("a broken array element")
        value, at = read(raw, name_end + 1, end, depth + 1)
        array.append(value)
    if at != end:
        raise InvalidBSON("an element is longer than its array")
    return array, end + 1


def _read_binary(raw: bytes, at: int, limit: int, depth: int) -> tuple[bytes, int]:
    size = _read_size(raw, at, limit)
    subtype = _take(raw, at + 4, 1, limit)[0]
    content = _take(raw, at + 5, size, limit)
    if subtype == 2:
        if size < 4 or _INT.unpack_from(content)[0] != size - 4:
            raise InvalidBSON("the inner length of binary subtype 2 does not fit")
        content = content[4:]
    return content if subtype == 0 else Binary(content, subtype), at + 5 + size


def _read_bool(raw: bytes, at: int, limit: int, depth: int) -> tuple[bool, int]:
    value = _take(raw, at, 1, limit)[0]
    if value > 1:
        raise InvalidBSON(f"a bool of {value}")
    return value == 1, at + 1


def _read_regex(raw: bytes, at: int, limit: int, depth: int) -> tuple[Regex[Any], int]:
    pattern, at = _read_name(raw, at, limit)
    letters, at = _read_name(raw, at, limit)
    return Regex(pattern, int(Regex(pattern, letters).flags)), at  # a plain int, as the C codec gives it


def _read_pointer(raw: bytes, at: int, limit: int, depth: int) -> tuple[DBPointer, int]:
    namespace, at = _read_string(raw, at, limit, depth)
    return DBPointer(namespace, ObjectId(_take(raw, at, 12, limit))), at + 12


def _read_code(raw: bytes, at: int, limit: int, depth: int) -> tuple[Code, int]:
    text, at = _read_string(raw, at, limit, depth)
    return Code(text), at


def _read_symbol(raw: bytes, at: int, limit: int, depth: int) -> tuple[Symbol, int]:
    text, at = _read_string(raw, at, limit, depth)
    return Symbol(text), at


def _read_code_with_scope(raw: bytes, at: int, limit: int, depth: int) -> tuple[Code, int]:
    size = _read_size(raw, at, limit)
    end = at + size
    if size < 14 or end > limit:
        raise InvalidBSON(f"code with scope of {size} bytes does not fit")
    text, scope_at = _read_string(raw, at + 4, end, depth)
    scope, scope_end = _read_document(raw, scope_at, end, depth + 1)
    if scope_end != end:
        raise InvalidBSON("code with scope is longer than its parts")
    return Code(text, scope), end


def _fixed(size: int, make: Callable[[bytes], Any]) -> Callable[[bytes, int, int, int], tuple[Any, int]]:
    def read(raw: bytes, at: int, limit: int, depth: int) -> tuple[Any, int]:
        return make(_take(raw, at, size, limit)), at + size

    return read


def _timestamp(encoded: bytes) -> Timestamp:
    increment, seconds = _TIMESTAMP.unpack(encoded)
    return Timestamp(seconds, increment)


_READERS: Final[Mapping[int, Callable[[bytes, int, int, int], tuple[Any, int]]]] = {
    0x01: _fixed(8, lambda encoded: _DOUBLE.unpack(encoded)[0]),
    0x02: _read_string,
    0x03: _read_object,
    0x04: _read_array,
    0x05: _read_binary,
    0x06: _fixed(0, lambda encoded: UNDEFINED),
    0x07: _fixed(12, ObjectId),
    0x08: _read_bool,
    0x09: _fixed(8, lambda encoded: DatetimeMS(_LONG.unpack(encoded)[0])),
    0x0A: _fixed(0, lambda encoded: None),
    0x0B: _read_regex,
    0x0C: _read_pointer,
    0x0D: _read_code,
    0x0E: _read_symbol,
    0x0F: _read_code_with_scope,
    0x10: _fixed(4, lambda encoded: _INT.unpack(encoded)[0]),
    0x11: _fixed(8, _timestamp),
    0x12: _fixed(8, lambda encoded: Int64(_LONG.unpack(encoded)[0])),
    0x13: _fixed(16, Decimal128.from_bid),
    0x7F: _fixed(0, lambda encoded: MaxKey()),
    0xFF: _fixed(0, lambda encoded: MinKey()),
}


# Writing


def encode_exact(document: Mapping[str, Any]) -> bytes:
    """The BSON bytes of a document of canonical values, field order kept.

    errors   InvalidDocument of `bson.errors`: a name that is no string or holds NUL, a value of no BSON type, nesting
             past BSON_DEPTH; OverflowError for an integer past 64 bits; UnicodeEncodeError for a lone surrogate
    """
    return _write_document(document, 0)


def _write_document(document: Mapping[str, Any], depth: int) -> bytes:
    if isinstance(document, RawBSONDocument):
        return bytes(document.raw)
    if depth > BSON_DEPTH:
        raise InvalidDocument(f"Invalid document: nested more than {BSON_DEPTH} deep")
    parts: list[bytes] = []
    for name, value in document.items():
        if type(name) is not str:
            raise InvalidDocument(f"Invalid document: documents must have only string keys, key was {name!r}")
        kind, encoded = _write_value(value, depth)
        parts += (kind, _name(name), encoded)
    return _framed(b"".join(parts))


def _framed(elements: bytes) -> bytes:
    return _INT.pack(len(elements) + 5) + elements + b"\0"


def _name(name: str) -> bytes:
    encoded = name.encode()
    if b"\0" in encoded:
        raise InvalidDocument("Invalid document: Key names must not contain the NULL byte")
    return encoded + b"\0"


def _write_value(value: Any, depth: int) -> tuple[bytes, bytes]:
    """(type byte, the value's bytes)."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value, depth)
    for kind, write in _WRITERS.items():  # a subclass of a canonical type; the narrow types stand first
        if isinstance(value, kind):
            return write(value, depth)
    if isinstance(value, Mapping):
        return b"\x03", _write_document(value, depth + 1)
    if isinstance(value, tuple):
        return _write_array(list(value), depth)
    raise InvalidDocument(f"Invalid document: cannot encode object: {value!r}, of type: {type(value)}")


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _INT.pack(len(encoded) + 1) + encoded + b"\0"


def _write_int(value: int, depth: int) -> tuple[bytes, bytes]:
    if -(2**31) <= value < 2**31:
        return b"\x10", _INT.pack(value)
    return _write_long(value, depth)


def _write_long(value: int, depth: int) -> tuple[bytes, bytes]:
    if not -(2**63) <= value < 2**63:
        raise OverflowError("MongoDB can only handle up to 8-byte ints")
    return b"\x12", _LONG.pack(value)


def _write_array(value: list[Any], depth: int) -> tuple[bytes, bytes]:
    if depth + 1 > BSON_DEPTH:
        raise InvalidDocument(f"Invalid document: nested more than {BSON_DEPTH} deep")
    parts: list[bytes] = []
    for position, element in enumerate(value):
        kind, encoded = _write_value(element, depth + 1)
        parts += (kind, b"%d\0" % position, encoded)
    return b"\x04", _framed(b"".join(parts))


def _write_binary(value: bytes, depth: int) -> tuple[bytes, bytes]:
    subtype = value.subtype if isinstance(value, Binary) else 0
    content = _INT.pack(len(value)) + value if subtype == 2 else bytes(value)
    return b"\x05", _INT.pack(len(content)) + bytes([subtype]) + content


def _write_regex(value: Regex[Any], depth: int) -> tuple[bytes, bytes]:
    pattern, letters = regex_parts(value)
    if b"\0" in pattern:
        raise InvalidDocument("Invalid document: regex patterns must not contain the NULL byte")
    return b"\x0b", pattern + b"\0" + letters + b"\0"


def _write_code(value: Code, depth: int) -> tuple[bytes, bytes]:
    text = _string(str(value))
    if value.scope is None:
        return b"\x0d", text
    scope = _write_document(value.scope, depth + 1)
    return b"\x0f", _INT.pack(4 + len(text) + len(scope)) + text + scope


_WRITERS: Final[Mapping[type, Callable[[Any, int], tuple[bytes, bytes]]]] = {
    type(None): lambda value, depth: (b"\x0a", b""),
    bool: lambda value, depth: (b"\x08", b"\x01" if value else b"\x00"),
    Int64: _write_long,
    int: _write_int,
    float: lambda value, depth: (b"\x01", _DOUBLE.pack(value)),
    Decimal128: lambda value, depth: (b"\x13", value.bid),
    Code: _write_code,
    str: lambda value, depth: (b"\x02", _string(value)),
    Binary: _write_binary,
    bytes: _write_binary,
    ObjectId: lambda value, depth: (b"\x07", value.binary),
    DatetimeMS: lambda value, depth: (b"\x09", _LONG.pack(int(value))),
    Timestamp: lambda value, depth: (b"\x11", _TIMESTAMP.pack(value.inc, value.time)),
    Regex: _write_regex,
    MinKey: lambda value, depth: (b"\xff", b""),
    MaxKey: lambda value, depth: (b"\x7f", b""),
    dict: lambda value, depth: (b"\x03", _write_document(value, depth + 1)),
    list: _write_array,
    Undefined: lambda value, depth: (b"\x06", b""),
    Symbol: lambda value, depth: (b"\x0e", _string(value.text)),
    DBPointer: lambda value, depth: (b"\x0c", _string(value.namespace) + value.id.binary),
}
