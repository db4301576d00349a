"""BSON values as JSON text, for web responses.

Two ways of writing, chosen by the caller:

plain       what a web client expects: ids and dates are strings, numbers are numbers. Types can be told apart only by
            who knows the document. orjson writes it; `_WRITERS` says how each type that JSON does not have is written.
extended    MongoDB's Extended JSON (v2, relaxed): every BSON type can be read back, `{"$oid": …}`, `{"$date": …}`.

The table for readers is in docs/guide/web.md, and a test holds it against this module.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from bson import json_util
from bson.binary import UUID_SUBTYPE, Binary, UuidRepresentation
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from bson.regex import Regex
from bson.timestamp import Timestamp

_OPTIONS: Final = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_EXTENDED: Final = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, uuid_representation=UuidRepresentation.STANDARD
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_YEARS: Final = 400  # after which the Gregorian calendar repeats, weekdays and all
_CYCLE_MS: Final = 146_097 * 86_400_000
_FIRST_MS: Final = -62_135_596_800_000  # 0001-01-01
_LAST_MS: Final = 253_402_300_799_999  # the end of 9999-12-31


def encode_json(value: Any, *, is_extended: bool = False) -> bytes:
    """Write a BSON value, or a list or document of them, as UTF-8 JSON without line breaks.

    value         whatever PyMongo's decoder gives: dicts, lists, RawBSONDocument, ObjectId, datetime, …; also UUID,
                  dataclasses and enums, which orjson knows
    is_extended   relaxed Extended JSON instead of plain
    errors        TypeError for a value that is neither BSON nor JSON
    source        Extended JSON: MongoDB's specification "MongoDB Extended JSON (v2)"
    """
    if is_extended:
        text = json_util.dumps(value, json_options=_EXTENDED, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    return orjson.dumps(value, default=_write, option=_OPTIONS)


def _write(value: Any) -> Any:
    """What orjson is to write in the place of a value that it does not know."""
    for kind in type(value).__mro__:
        writer = _WRITERS.get(kind)
        if writer is not None:
            return writer(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON: it is not a BSON type")


def _binary(value: Binary) -> str:
    if value.subtype == UUID_SUBTYPE and len(value) == 16:
        return str(value.as_uuid())
    return _base64(value)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _date(value: DatetimeMS) -> str | datetime:
    """ISO 8601; years that `datetime` cannot hold get a sign and six or more digits, as in JavaScript."""
    millis = int(value)
    if _FIRST_MS <= millis <= _LAST_MS:
        return _EPOCH + timedelta(milliseconds=millis)
    cycles = (millis - _FIRST_MS) // _CYCLE_MS
    inside = _EPOCH + timedelta(milliseconds=millis - cycles * _CYCLE_MS)
    return f"{inside.year + cycles * _CYCLE_YEARS:+07d}{inside:-%m-%dT%H:%M:%S}.{inside.microsecond // 1000:03d}Z"


_FLAGS: Final = (("i", 2), ("l", 4), ("m", 8), ("s", 16), ("u", 32), ("x", 64))


def _regex(value: Regex[Any]) -> str:
    pattern = value.pattern if isinstance(value.pattern, str) else value.pattern.decode("utf-8", "replace")
    return f"/{pattern}/{''.join(letter for letter, flag in _FLAGS if value.flags & flag)}"


_WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    ObjectId: str,
    Decimal128: str,
    Binary: _binary,
    bytes: _base64,
    DatetimeMS: _date,
    Regex: _regex,
    Timestamp: lambda value: {"t": value.time, "i": value.inc},
    MinKey: lambda value: "MinKey",
    MaxKey: lambda value: "MaxKey",
    DBRef: lambda value: dict(value.as_doc()),
    RawBSONDocument: dict,
}
