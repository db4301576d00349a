"""How values read inside error messages.

The server shows values in its shell notation: `{ a: "x", b: [ 1, 2 ] }`.
"""

from __future__ import annotations

from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS


def shown(value: Any) -> str:
    """A value in the server's notation."""
    kind = type(value)
    if kind is dict:
        return "{ " + ", ".join(f"{name}: {shown(inner)}" for name, inner in value.items()) + " }" if value else "{}"
    if kind is list:
        return "[ " + ", ".join(map(shown, value)) + " ]" if value else "[]"
    if kind is str:
        return f'"{value}"'
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is Int64 or kind is Decimal128:
        return str(value)
    if kind is float:
        return repr(value)
    if kind is ObjectId:
        return f"ObjectId('{value}')"
    if kind is DatetimeMS:
        return f"new Date({int(value)})"
    if kind is Timestamp:
        return f"Timestamp({value.time}, {value.inc})"
    if kind is Regex:
        return f"/{value.pattern}/"
    if kind is bytes:
        return f"BinData(0, {value.hex().upper()})"
    if kind is Binary:
        return f"BinData({value.subtype}, {bytes(value).hex().upper()})"
    if kind is Code:
        return str(value)
    if kind is MinKey:
        return "MinKey"
    if kind is MaxKey:
        return "MaxKey"
    return str(value)
