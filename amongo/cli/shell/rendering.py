"""Values as text that the shell's language reads again: `{ _id: ObjectId('…'), n: Long('5') }`."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any, Final

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.cli.transfer.extended_json import WRAPPERS, iso_of
from amongo.values.deprecated import DBPointer, Symbol, Undefined
from amongo.values.order import regex_parts

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_YEARS_MS: Final = range(-62_135_596_800_000, 253_402_300_800_000)
_LINE: Final = 76  # characters, up to which a document or array stays in one line


def rendered(value: Any, indent: int = 0) -> str:
    """A canonical value as text, broken into lines where it is long."""
    kind = type(value)
    if kind is dict:
        return _document(value, indent)
    if kind is list:
        return _enclosed("[]", [rendered(each, indent + 2) for each in value], indent)
    return _scalar(value)


def _document(document: dict[str, Any], indent: int) -> str:
    parts = [f"{_name(name)}: {rendered(each, indent + 2)}" for name, each in document.items()]
    return _enclosed("{}", parts, indent)


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) and name not in WRAPPERS else json.dumps(name, ensure_ascii=False)


def _enclosed(brackets: str, parts: list[str], indent: int) -> str:
    opening, closing = brackets[0], brackets[1]
    if not parts:
        return brackets
    line = f"{opening} {', '.join(parts)} {closing}"
    if len(line) + indent <= _LINE and "\n" not in line:
        return line
    space = " " * (indent + 2)
    return f"{opening}\n" + ",\n".join(space + part for part in parts) + f"\n{' ' * indent}{closing}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    write = _WRITERS.get(type(value))
    return write(value) if write is not None else repr(value)


def _quoted(text: str) -> str:
    """In single quotes; whatever would change a terminal is escaped."""
    written = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return "'" + "".join(f"\\u{ord(each):04x}" if _is_control(each) else each for each in written) + "'"


def _is_control(character: str) -> bool:
    code = ord(character)
    return 0x7F <= code < 0xA0 or code in (0x2028, 0x2029, 0x200E, 0x200F) or 0x202A <= code <= 0x202E


def _double(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _date(value: DatetimeMS) -> str:
    milliseconds = int(value)
    if milliseconds in _YEARS_MS:
        return f"ISODate('{iso_of(milliseconds)}')"
    return f"new Date({milliseconds})"


def _binary(value: bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    if subtype == 4 and len(value) == 16:
        digits = value.hex()
        return f"UUID('{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}')"
    return f"BinData({subtype}, '{base64.b64encode(value).decode()}')"


def _regex(value: Regex[str]) -> str:
    pattern, options = (part.decode() for part in regex_parts(value))
    return f"RegExp({_quoted(pattern)}, {_quoted(options)})"


def _code(value: Code) -> str:
    scope = "" if value.scope is None else f", {rendered(dict(value.scope))}"
    return f"Code({_quoted(str(value))}{scope})"


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _double,
    str: _quoted,
    Int64: lambda value: f"Long('{int(value)}')",
    Decimal128: lambda value: f"Decimal128('{value}')",
    ObjectId: lambda value: f"ObjectId('{value}')",
    DatetimeMS: _date,
    Binary: _binary,
    bytes: _binary,
    Regex: _regex,
    Timestamp: lambda value: f"Timestamp({{ t: {value.time}, i: {value.inc} }})",
    Code: _code,
    MinKey: lambda value: "MinKey()",
    MaxKey: lambda value: "MaxKey()",
    Undefined: lambda value: "undefined",
    Symbol: lambda value: f"BSONSymbol({_quoted(value.text)})",
    DBPointer: lambda value: f"DBPointer({_quoted(value.namespace)}, ObjectId('{value.id}'))",
}
