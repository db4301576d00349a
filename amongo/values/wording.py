"""How values read inside error messages: the server's own notation, `{ a: "x", b: [ 1, 2.0 ] }`.

It is neither JSON nor the shell's: strings are not escaped, a double always shows as one (`1.0`, but also `inf.0`), an
int and a long look the same, binary is hexadecimal. (Source: messages of servers, of duplicate keys above all.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import UUID_SUBTYPE
from bson.datetime_ms import DatetimeMS

from amongo.values.deprecated import DBPointer, Symbol, Undefined
from amongo.values.order import regex_parts


def shown(value: Any) -> str:
    """A canonical value in the server's notation."""
    return _NOTATIONS.get(type(value), str)(value)


def element(name: str, value: Any) -> str:
    """A field with its value: `a: 1`."""
    return f"{name}: {shown(value)}"


def _document(value: dict[str, Any]) -> str:
    return "{ " + ", ".join(element(*field) for field in value.items()) + " }" if value else "{}"


def _array(value: list[Any]) -> str:
    return "[ " + ", ".join(map(shown, value)) + " ]" if value else "[]"


def double_digits(value: float) -> str:
    """A double as the server writes it into a stream: at most 16 digits, `1` for 1.0, `inf`, `nan`."""
    return f"{value:.16g}"


def _double(value: float) -> str:
    """The digits, marked as a double by `.0` where there is no point: `1.0`, `1e+20.0`, `inf.0`."""
    digits = double_digits(value)
    return digits if "." in digits else digits + ".0"


def _binary(value: Binary) -> str:
    if value.subtype == UUID_SUBTYPE and len(value) == 16:
        return f'UUID("{UUID(bytes=bytes(value))}")'
    return f"BinData({value.subtype}, {value.hex().upper()})"


def _regex(value: Regex[Any]) -> str:
    pattern, flags = regex_parts(value)
    return f"/{pattern.decode()}/{flags.decode()}"


def _code(value: Code) -> str:
    return str(value) if value.scope is None else f"CodeWScope( {value}, {_document(dict(value.scope))})"


_NOTATIONS: Final[dict[type, Callable[[Any], str]]] = {
    dict: _document,
    list: _array,
    str: lambda value: f'"{value}"',
    type(None): lambda value: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    Int64: str,
    float: _double,
    Decimal128: str,
    ObjectId: lambda value: f"ObjectId('{value}')",
    DatetimeMS: lambda value: f"new Date({int(value)})",
    Timestamp: lambda value: f"Timestamp({value.time}, {value.inc})",
    bytes: lambda value: f"BinData(0, {value.hex().upper()})",
    Binary: _binary,
    Regex: _regex,
    Code: _code,
    MinKey: lambda value: "MinKey",
    MaxKey: lambda value: "MaxKey",
    Undefined: lambda value: "undefined",
    Symbol: lambda value: f'"{value.text}"',
    DBPointer: lambda value: f"DBRef('{value.namespace}',{value.id})",
}
