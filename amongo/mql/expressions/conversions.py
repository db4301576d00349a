"""Each conversion between types: one function for each target, by the type of the source."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import create_decimal128_context

from amongo.errors import convert as errors
from amongo.errors import expression as expression_errors
from amongo.mql.expressions.calendar import iso_text
from amongo.mql.expressions.date.text import parse_date
from amongo.mql.expressions.date.zones import as_millis
from amongo.mql.expressions.json_text import parse_json
from amongo.mql.expressions.text import number_text
from amongo.mql.expressions.truth import is_true
from amongo.mql.expressions.vectors import VECTOR_SUBTYPE, vector_elements
from amongo.runtime.limits import DOCUMENT_BYTES
from amongo.values.numbers import (
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    LONG_MIN,
    pack_decimal,
    to_decimal,
    to_double,
    unpack_decimal,
)
from amongo.values.types import BsonType, alias, is_number
from amongo.values.wording import shown


@dataclass(frozen=True, slots=True)
class Options:
    """How binary data is written and read.

    subtype        of binary data that is made
    text_format    base64, base64url, utf8, hex, uuid or auto; None when none was given
    is_big_endian  the order of bytes of numbers
    base           in which whole numbers are written; None for as numbers are written
    """

    subtype: int
    text_format: str | None
    is_big_endian: bool
    base: int | None = None


_CUT: Final = create_decimal128_context()  # the server cuts text off after 34 digits
_CUT.rounding = ROUND_DOWN
_CUT.traps = dict.fromkeys(_CUT.traps, False)
_WHOLE_TEXT: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER_TEXT: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE | re.ASCII
)
_INTEGER_BYTES: Final = {1: "b", 2: "h", 4: "i", 8: "q"}
_DOUBLE_BYTES: Final = {4: "f", 8: "d"}
_UUID_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _unsupported(value: Any, target: BsonType) -> Exception:
    return errors.NO_CONVERSION(source=alias(value), target=target.alias)


def stored_bytes(value: Any) -> bytes:
    """The bytes of binary data as BSON stores them: subtype 2 begins with its length."""
    data = bytes(value)
    return struct.pack("<i", len(data)) + data if type(value) is Binary and value.subtype == 2 else data


def _unpack(value: Any, formats: dict[int, str], target: BsonType, options: Options) -> Any:
    data = stored_bytes(value)
    if len(data) not in formats:
        raise errors.UNUSABLE_BINARY(target=target.alias, reason=f"{len(data)} bytes")
    return struct.unpack((">" if options.is_big_endian else "<") + formats[len(data)], data)[0]


def _whole(value: Any, target: BsonType, least: int, most: int, options: Options) -> int:
    """A value as a whole number within bounds: fractions are cut off."""
    kind = type(value)
    if kind is bool:
        return int(value)
    if kind is str:
        if not _WHOLE_TEXT.fullmatch(value):
            raise errors.UNREADABLE_NUMBER(text=value[:100], reason="it is no whole number")
        whole = int(value.lstrip("+-").lstrip("0")[:40] or "0") * (-1 if value[0] == "-" else 1)
    elif kind in (bytes, Binary):
        sizes = {size: code for size, code in _INTEGER_BYTES.items() if 256**size // 2 <= most + 1}
        whole = int(_unpack(value, sizes, target, options))
    elif is_number(value):
        whole = _cut(value)
    elif kind is DatetimeMS and target is BsonType.LONG:
        whole = int(value)
    else:
        raise _unsupported(value, target)
    if not least <= whole <= most:
        raise errors.CONVERSION_OVERFLOW(value=shown(value)[:100])
    return whole


def _cut(value: Any) -> int:
    """The whole part of a number.

    errors   CONVERSION_OF_NAN
    """
    exact = unpack_decimal(value) if type(value) is Decimal128 else value
    if type(exact) is Decimal:
        if not exact.is_finite():
            raise errors.CONVERSION_OF_NAN(what="NaN" if exact.is_nan() else "infinity")
        return int(exact) if exact.adjusted() < 40 else 10**40
    if not math.isfinite(exact):
        raise errors.CONVERSION_OF_NAN(what="NaN" if exact != exact else "infinity")
    return int(exact)


def to_int(value: Any, options: Options) -> int:
    """An int: from bool, numbers, text of digits, binary data of 1, 2 or 4 bytes."""
    return value if type(value) is int else _whole(value, BsonType.INT, INT_MIN, INT_MAX, options)


def to_long(value: Any, options: Options) -> Int64:
    """A long: like an int, from a date too, and from 8 bytes."""
    return Int64(_whole(value, BsonType.LONG, LONG_MIN, LONG_MAX, options))


def to_double_value(value: Any, options: Options) -> float:
    """A double: from bool, numbers, text, a date, binary data of 4 or 8 bytes."""
    kind = type(value)
    if kind is str:
        exact = _parse_number(value)
        double = float(exact) if exact.is_finite() else _special(exact)
        if exact.is_finite() and (math.isinf(double) or (double == 0 and exact != 0)):
            raise errors.UNREADABLE_NUMBER(text=value[:100], reason="Out of range")
        return double
    if kind in (bytes, Binary):
        return float(_unpack(value, _DOUBLE_BYTES, BsonType.DOUBLE, options))
    if kind is bool or kind is DatetimeMS:
        return float(int(value))
    if not is_number(value):
        raise _unsupported(value, BsonType.DOUBLE)
    double = to_double(value)
    if kind is Decimal128:
        exact = unpack_decimal(value)
        if exact.is_finite() and (math.isinf(double) or (double == 0 and exact != 0)):
            raise errors.CONVERSION_OVERFLOW(value=shown(value))
    return double


def _special(exact: Decimal) -> float:
    return math.nan if exact.is_nan() else (-math.inf if exact < 0 else math.inf)


def _parse_number(text: str) -> Decimal:
    if not _NUMBER_TEXT.fullmatch(text):
        raise errors.UNREADABLE_NUMBER(text=text[:100], reason="it is no number")
    return Decimal(text)


def to_decimal_value(value: Any, options: Options) -> Decimal128:
    """A decimal: from bool, numbers (a double with 15 digits), text, a date."""
    kind = type(value)
    if type(value) is Decimal128:
        return Decimal128.from_bid(value.bid)
    if kind is str:
        exact = _parse_number(value)
        if not exact.is_finite():
            return Decimal128(exact)
        packed = Decimal128(_CUT.create_decimal(exact))
        rounded = unpack_decimal(pack_decimal(exact))
        if not rounded.is_finite() or (rounded == 0 and exact != 0):
            raise errors.UNREADABLE_NUMBER(text=value[:100], reason="Conversion from string to decimal would overflow")
        return packed
    if kind is bool or kind is DatetimeMS:
        return Decimal128(Decimal(int(value)))
    if not is_number(value):
        raise _unsupported(value, BsonType.DECIMAL)
    return pack_decimal(to_decimal(value))


def to_text(value: Any, options: Options) -> str:
    """A string: from bool, numbers, dates, ObjectIds, and binary data in a format."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if is_number(value):
        return number_text(value)
    if kind is ObjectId:
        return str(value)
    if kind is DatetimeMS:
        return iso_text(int(value))
    if kind in (bytes, Binary):
        return _binary_text(value, options)
    raise _unsupported(value, BsonType.STRING)


def _binary_text(value: Any, options: Options) -> str:
    data = stored_bytes(value)
    subtype = value.subtype if type(value) is Binary else 0
    text_format = options.text_format
    if text_format is None:
        raise errors.FORMAT_NEEDED(source="binData", target="string")
    is_uuid = subtype == 4 and len(data) == 16
    if text_format == "uuid" or (text_format == "auto" and is_uuid):
        if not is_uuid:
            raise errors.UNREADABLE_BINARY(text=data[:20].hex(), reason="it is no UUID")
        return str(uuid.UUID(bytes=data))
    if text_format == "utf8" and len(data) >= DOCUMENT_BYTES:
        raise expression_errors.LITERAL_TOO_LARGE()
    growth = {"hex": 2, "utf8": 1}.get(text_format, 4 / 3)
    if len(data) * growth >= DOCUMENT_BYTES:
        raise errors.UNREADABLE_BINARY(text=data[:20].hex(), reason="the string would be too long")
    if text_format == "hex":
        return data.hex().upper()
    if text_format == "utf8":
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise errors.UNREADABLE_BINARY(text=data[:20].hex(), reason="it is no UTF-8") from None
    if text_format == "base64url":
        return base64.urlsafe_b64encode(data).decode().rstrip("=")
    return base64.b64encode(data).decode()


def to_bool(value: Any, options: Options) -> bool:
    """A bool: a number by whether it is zero, any other value true."""
    return is_true(value)


def to_date(value: Any, options: Options) -> DatetimeMS:
    """A date: from long, double and decimal milliseconds, text, a timestamp, an ObjectId."""
    kind = type(value)
    if kind is str:
        return DatetimeMS(parse_date(value))
    if kind in (Int64, float, Decimal128):
        millis = _cut(value)
        if not LONG_MIN <= millis <= LONG_MAX:
            raise errors.CONVERSION_OVERFLOW(value=shown(value))
        return DatetimeMS(millis)
    if kind in (DatetimeMS, Timestamp, ObjectId):
        moment = as_millis(value)
        assert moment is not None
        return DatetimeMS(moment)
    raise _unsupported(value, BsonType.DATE)


def to_object_id(value: Any, options: Options) -> ObjectId:
    """An ObjectId: from text of 24 hexadecimal digits."""
    if type(value) is ObjectId:
        return value
    if type(value) is not str:
        raise _unsupported(value, BsonType.OBJECT_ID)
    if len(value) != 24 or not re.fullmatch("[0-9a-fA-F]{24}", value):
        raise errors.UNREADABLE_OBJECT_ID(text=value[:100], reason="it is not 24 hexadecimal digits")
    return ObjectId(value)


def to_binary(value: Any, options: Options) -> Any:
    """Binary data: the bytes of an int, a long or a double, text in a format, other binary data of that subtype."""
    order = ">" if options.is_big_endian else "<"
    kind = type(value)
    if kind is int:
        return _binary(struct.pack(order + "i", value), options.subtype)
    if kind is Int64:
        return _binary(struct.pack(order + "q", value), options.subtype)
    if kind is float:
        return _binary(struct.pack(order + "d", value), options.subtype)
    if kind is str:
        return _text_binary(value, options)
    if kind in (bytes, Binary):
        if (value.subtype if kind is Binary else 0) != options.subtype:
            raise errors.UNUSABLE_BINARY(target="binData", reason="the subtypes differ")
        return value
    raise _unsupported(value, BsonType.BINARY)


def _binary(data: bytes, subtype: int) -> Any:
    return data if subtype == 0 else Binary(data, subtype)


def _text_binary(text: str, options: Options) -> Any:
    text_format = options.text_format
    if text_format is None:
        raise errors.FORMAT_NEEDED(source="string", target="binData")
    if text_format == "auto":
        raise errors.UNREADABLE_BINARY(text=text[:100], reason="the format auto does not say how to read it")
    if (text_format == "uuid") != (options.subtype == 4):
        raise errors.UNREADABLE_BINARY(text=text[:100], reason="only the format uuid goes with subtype 4")
    try:
        if text_format == "uuid":
            if not _UUID_TEXT.fullmatch(text):
                raise ValueError("it is no UUID")
            return Binary(uuid.UUID(text).bytes, 4)
        if text_format == "utf8":
            data = text.encode()
        elif text_format == "hex":
            data = binascii.unhexlify(text)
        elif text_format == "base64url":
            if re.search("[+/]", text):
                raise ValueError("it is no base64url")
            data = base64.b64decode(
                text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True
            )
        else:
            data = base64.b64decode(text, validate=True)
    except ValueError as failure:
        raise errors.UNREADABLE_BINARY(text=text[:100], reason=failure) from None
    return _binary(data, options.subtype)


def to_document(value: Any, options: Options) -> Any:
    """A document: from JSON text."""
    return value if type(value) is dict else _from_json(value, BsonType.OBJECT)


def to_array(value: Any, options: Options) -> Any:
    """An array: from JSON text, and from vectors in binary data."""
    if type(value) is list:
        return value
    if type(value) is Binary and value.subtype == VECTOR_SUBTYPE:
        return vector_elements(bytes(value), is_big_endian=options.is_big_endian)
    return _from_json(value, BsonType.ARRAY)


def _from_json(value: Any, target: BsonType) -> Any:
    if type(value) is not str:
        raise _unsupported(value, target)
    parsed = parse_json(value)
    if alias(parsed) != target.alias:
        raise errors.JSON_OF_ANOTHER_TYPE(target=target.alias)
    return parsed


CONVERSIONS: Final[dict[BsonType, Callable[[Any, Options], Any]]] = {
    BsonType.INT: to_int,
    BsonType.LONG: to_long,
    BsonType.DOUBLE: to_double_value,
    BsonType.DECIMAL: to_decimal_value,
    BsonType.STRING: to_text,
    BsonType.BOOL: to_bool,
    BsonType.DATE: to_date,
    BsonType.OBJECT_ID: to_object_id,
    BsonType.BINARY: to_binary,
    BsonType.OBJECT: to_document,
    BsonType.ARRAY: to_array,
}
"""Target type -> its conversion. A type that is not here has none."""
