"""The words that make values in the shell's language: `ObjectId("…")`, `ISODate("…")`, `NumberLong(5)`, …"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.cli.transfer.extended_json import integer_of, milliseconds_of, object_of, regex_from
from amongo.values.deprecated import DBPointer, Symbol


def _one_text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("a string is expected")
    return value


def _object_id(text: str | None = None) -> ObjectId:
    return ObjectId() if text is None else ObjectId(_one_text(text))


def _date(*parts: Any) -> DatetimeMS:
    if not parts:
        return DatetimeMS(time.time_ns() // 1_000_000)
    (part,) = parts
    if isinstance(part, (int, float)) and not isinstance(part, bool):
        return DatetimeMS(int(part))
    return part if type(part) is DatetimeMS else DatetimeMS(milliseconds_of(_one_text(part)))


def _int32(value: Any = 0) -> int:
    number = int(value)
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"{number} is no int32")
    return number


def _int64(value: Any = 0) -> Int64:
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{number} is no int64")
    return Int64(number)


def _decimal(value: Any = "0") -> Decimal128:
    return Decimal128(str(value))


def _timestamp(t: Any = 0, i: Any = 0) -> Timestamp:
    if type(t) is dict:
        t, i = t["t"], t["i"]
    return Timestamp(int(t), int(i))


def _uuid(text: str | None = None) -> Binary:
    return Binary((uuid.uuid4() if text is None else uuid.UUID(_one_text(text))).bytes, 4)


def _binary(subtype: int, text: str) -> Binary:
    return Binary(base64.b64decode(_one_text(text), validate=True), int(subtype))


def _regular_expression(pattern: str, options: str = "") -> Any:
    return regex_from(_one_text(pattern), _one_text(options))


def _reference(collection: str, identity: Any, database: str | None = None) -> dict[str, Any]:
    reference = {"$ref": _one_text(collection), "$id": identity}
    return reference if database is None else reference | {"$db": _one_text(database)}


def _code(text: str, scope: dict[str, Any] | None = None) -> Code:
    return Code(_one_text(text), scope)


# By a type's word: what makes the value of its arguments.
MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    "ObjectId": _object_id,
    "ISODate": _date,
    "Date": _date,
    "NumberInt": _int32,
    "Int32": _int32,
    "NumberLong": _int64,
    "Long": _int64,
    "Long.fromString": _int64,
    "NumberDecimal": _decimal,
    "Decimal128": _decimal,
    "Double": float,
    "UUID": _uuid,
    "BinData": _binary,
    "HexData": lambda subtype, text: Binary(bytes.fromhex(_one_text(text)), int(subtype)),
    "Timestamp": _timestamp,
    "MinKey": MinKey,
    "MaxKey": MaxKey,
    "RegExp": _regular_expression,
    "DBRef": _reference,
    "Code": _code,
    "BSONSymbol": lambda text: Symbol(_one_text(text)),
    "DBPointer": lambda namespace, identity: DBPointer(_one_text(namespace), identity),
    "EJSON.parse": lambda text: json.loads(_one_text(text), object_pairs_hook=object_of, parse_int=integer_of),
}
