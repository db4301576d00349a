"""Canonical values as Extended JSON and back. Source: MongoDB's specification "MongoDB Extended JSON (v2)".

Canonical text keeps every type; relaxed text writes numbers and dates as a reader likes them, so that an int64 that
fits comes back as an int32. Deprecated types are kept. A document whose first field is named like a type wrapper
(`{"$oid": …}` as data) cannot be told from the wrapper and is refused when it is written; DBRefs are no wrappers.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidId

from amongo.cli.transfer.malformed import Unwritable
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol, Undefined
from amongo.values.order import regex_parts

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999
_INTEGER_CHARACTERS: Final = 25  # of a text that may be an int64
_INT32: Final = range(-(2**31), 2**31)
_INT64: Final = range(-(2**63), 2**63)
_DATE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)


class NoExtendedJson(ValueError):
    """A type wrapper that holds what its type cannot be."""


# Reading


def object_of(pairs: list[tuple[str, Any]]) -> Any:
    """The value of a JSON object: a document, or what a type wrapper stands for. For `object_pairs_hook`.

    errors   NoExtendedJson for a malformed wrapper, and for a field that is there twice
    """
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NoExtendedJson(f"the field {twice!r} is there twice in one document")
    if pairs and pairs[0][0][:1] == "$":
        return _unwrapped(document)
    for name in document:
        if "\0" in name:
            raise NoExtendedJson("a field's name must not contain the null character")
    return document


def integer_of(text: str) -> int | float:
    """The value of a JSON number without a fraction: int32, int64, or a double where it is neither."""
    if len(text) > _INTEGER_CHARACTERS:
        return float(text)
    value = int(text)
    if value in _INT32:
        return value
    return Int64(value) if value in _INT64 else float(text)


def no_constant(text: str) -> Any:
    """Refuse `NaN` and `Infinity`, which JSON does not have. For `parse_constant`."""
    raise NoExtendedJson(f'{text} is no JSON; write {{"$numberDouble": "{text}"}}')


DECODER: Final = json.JSONDecoder(object_pairs_hook=object_of, parse_int=integer_of, parse_constant=no_constant)


def _unwrapped(document: dict[str, Any]) -> Any:
    names = tuple(document)
    read = _READERS.get(names) or _READERS.get(tuple(sorted(names)))
    if read is None:
        return document
    try:
        return read(*(document[name] for name in sorted(names)))
    except (ValueError, TypeError, KeyError, OverflowError, InvalidId, binascii.Error, ArithmeticError) as error:
        if isinstance(error, NoExtendedJson):
            raise
        raise NoExtendedJson(f"malformed {{{', '.join(names)}}}: {error}") from None


def _text(value: Any, name: str) -> str:
    if type(value) is not str:
        raise NoExtendedJson(f"{name} takes a string")
    return value


def _integer(name: str, bounds: range) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        text = _text(value, name)
        if not re.fullmatch(r"-?\d{1,20}", text, re.ASCII) or int(text) not in bounds:
            raise NoExtendedJson(f"{name} takes a decimal number that fits, and not {text[:40]!r}")
        return int(text) if name == "$numberInt" else Int64(text)

    return read


def _double(value: Any) -> float:
    text = _text(value, "$numberDouble")
    known = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
    if text in known:
        return known[text]
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        raise NoExtendedJson(f"$numberDouble takes a number, and not {text[:40]!r}")
    return float(text)


def _date(value: Any) -> DatetimeMS:
    if isinstance(value, int) and not isinstance(value, bool):  # {"$numberLong": …} has been read, or a plain number
        return DatetimeMS(int(value))
    return DatetimeMS(milliseconds_of(_text(value, "$date")))


def milliseconds_of(text: str) -> int:
    """Milliseconds since 1970 of a date as ISO-8601; without an offset it is UTC.

    errors   NoExtendedJson
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise NoExtendedJson(f"no ISO-8601 date: {text[:40]!r}")
    year, month, day, hour, minute, second = (int(found[part] or 0) for part in range(1, 7))
    offset = found[8] or "Z"
    minutes = 0
    if offset != "Z":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        minutes = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if offset[0] == "-" else 1)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise NoExtendedJson(f"no ISO-8601 date: {text[:40]!r}: {error}") from None
    whole = (moment - _EPOCH) // timedelta(milliseconds=1) - minutes * 60_000
    return whole + int((found[7] or "0").ljust(3, "0")[:3])


def _binary(value: Any) -> Binary:
    """{"base64": text, "subType": hexadecimal digits}."""
    if type(value) is not dict or set(value) != {"base64", "subType"}:
        raise NoExtendedJson("$binary takes {base64, subType}")
    return _binary_of(value["base64"], value["subType"])


def _binary_of(text: Any, subtype: Any) -> Binary:
    if not re.fullmatch(r"[0-9a-fA-F]{1,2}", _text(subtype, "subType")):
        raise NoExtendedJson("subType takes one or two hexadecimal digits")
    return Binary(base64.b64decode(_text(text, "base64"), validate=True), int(subtype, 16))


def _regex(value: Any) -> Regex[str]:
    if type(value) is not dict or set(value) != {"pattern", "options"}:
        raise NoExtendedJson("$regularExpression takes {pattern, options}")
    return regex_from(_text(value["pattern"], "pattern"), _text(value["options"], "options"))


def regex_from(pattern: str, options: str) -> Regex[str]:
    """A regular expression of its two texts.

    errors   NoExtendedJson for options that BSON does not have
    """
    flags = {"i": re.I, "l": re.L, "m": re.M, "s": re.S, "u": re.U, "x": re.X}
    if set(options) - set(flags) or "\0" in pattern:
        raise NoExtendedJson(f"no options of a regular expression: {options[:20]!r}")
    total = 0
    for option in options:
        total |= int(flags[option])
    return Regex(pattern, total)


def _timestamp(value: Any) -> Timestamp:
    if type(value) is not dict or set(value) != {"t", "i"}:
        raise NoExtendedJson("$timestamp takes {t, i}")
    return Timestamp(int(value["t"]), int(value["i"]))


def _pointer(value: Any) -> DBPointer:
    if type(value) is not dict or set(value) != {"$ref", "$id"} or type(value["$id"]) is not ObjectId:
        raise NoExtendedJson("$dbPointer takes {$ref, $id}")
    return DBPointer(_text(value["$ref"], "$ref"), value["$id"])


def _one(result: Any) -> Callable[[Any], Any]:
    return lambda value: result


# By the names of an object's fields, sorted: what makes the value, given theirs in that order.
_READERS: Final[dict[tuple[str, ...], Callable[..., Any]]] = {
    ("$oid",): lambda value: ObjectId(_text(value, "$oid")),
    ("$symbol",): lambda value: Symbol(_text(value, "$symbol")),
    ("$numberInt",): _integer("$numberInt", _INT32),
    ("$numberLong",): _integer("$numberLong", _INT64),
    ("$numberDouble",): _double,
    ("$numberDecimal",): lambda value: Decimal128(_text(value, "$numberDecimal")),
    ("$binary",): _binary,
    ("$binary", "$type"): _binary_of,  # of Extended JSON v1, as `mongoexport` wrote it before 4.2
    ("$uuid",): lambda value: Binary(UUID(_text(value, "$uuid")).bytes, 4),
    ("$code",): lambda value: Code(_text(value, "$code")),
    ("$code", "$scope"): lambda code, scope: Code(_text(code, "$code"), scope),
    ("$timestamp",): _timestamp,
    ("$regularExpression",): _regex,
    ("$dbPointer",): _pointer,
    ("$date",): _date,
    ("$minKey",): _one(MinKey()),
    ("$maxKey",): _one(MaxKey()),
    ("$undefined",): _one(UNDEFINED),
}
WRAPPERS: Final = frozenset(name for names in _READERS for name in names)


# Writing


def text_of(value: Any, *, is_canonical: bool) -> bytes:
    """A canonical value as one line of Extended JSON, in UTF-8.

    errors   Unwritable for a document that would be read as something else
    """
    return orjson.dumps(shaped(value, is_canonical))


def shaped(value: Any, is_canonical: bool) -> Any:
    """A canonical value as orjson is to write it.

    errors   Unwritable
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        document = {name: shaped(each, is_canonical) for name, each in value.items()}
        names = tuple(sorted(document))
        if names in _READERS:
            raise Unwritable(
                f"a document with the fields {', '.join(names)} cannot be told from a type in Extended JSON"
            )
        return document
    if kind is list:
        return [shaped(each, is_canonical) for each in value]
    if kind is int:
        return {"$numberInt": str(value)} if is_canonical else value
    if kind is Int64:
        return {"$numberLong": str(int(value))} if is_canonical else int(value)
    if kind is float:
        return _shaped_double(value, is_canonical)
    if kind is DatetimeMS:
        return _shaped_date(int(value), is_canonical)
    return _SHAPERS[kind](value, is_canonical)


def _shaped_double(value: float, is_canonical: bool) -> Any:
    if math.isfinite(value):
        return {"$numberDouble": repr(value)} if is_canonical else value
    return {"$numberDouble": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}


def _shaped_date(milliseconds: int, is_canonical: bool) -> Any:
    if is_canonical or not 0 <= milliseconds <= _LAST_MS:
        return {"$date": {"$numberLong": str(milliseconds)}}
    return {"$date": iso_of(milliseconds)}


def iso_of(milliseconds: int) -> str:
    """A date of the years 1 to 9999 as ISO-8601 in UTC; milliseconds only where there are any."""
    moment = (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(
        timespec="milliseconds" if milliseconds % 1000 else "seconds"
    )
    return moment.removesuffix("+00:00") + "Z"


def _shaped_binary(value: bytes, is_canonical: bool) -> Any:
    subtype = value.subtype if isinstance(value, Binary) else 0
    return {"$binary": {"base64": base64.b64encode(value).decode(), "subType": f"{subtype:02x}"}}


def _shaped_code(value: Code, is_canonical: bool) -> Any:
    if value.scope is None:
        return {"$code": str(value)}
    return {"$code": str(value), "$scope": shaped(dict(value.scope), is_canonical)}


def _shaped_regex(value: Regex[str], is_canonical: bool) -> Any:
    pattern, options = regex_parts(value)
    return {"$regularExpression": {"pattern": pattern.decode(), "options": options.decode()}}


_SHAPERS: Final[dict[type, Callable[[Any, bool], Any]]] = {
    ObjectId: lambda value, _: {"$oid": str(value)},
    Decimal128: lambda value, _: {"$numberDecimal": str(value)},
    Binary: _shaped_binary,
    bytes: _shaped_binary,
    Code: _shaped_code,
    Regex: _shaped_regex,
    Timestamp: lambda value, _: {"$timestamp": {"t": value.time, "i": value.inc}},
    MinKey: lambda value, _: {"$minKey": 1},
    MaxKey: lambda value, _: {"$maxKey": 1},
    Undefined: lambda value, _: {"$undefined": True},
    Symbol: lambda value, _: {"$symbol": value.text},
    DBPointer: lambda value, _: {"$dbPointer": {"$ref": value.namespace, "$id": {"$oid": str(value.id)}}},
}
