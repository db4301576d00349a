"""How a value is printed in an error message, as the server prints it."""

from __future__ import annotations

import json
from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.regex import Regex

from amongo.values.order import regex_parts


def shown(value: Any) -> str:
    """A canonical value in the server's notation; documents and arrays as `{ a: 1 }` and `[ 1 ]`."""
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if kind is str:
        return json.dumps(value, ensure_ascii=False)
    if kind is dict:
        return "{ " + ", ".join(f"{name}: {shown(each)}" for name, each in value.items()) + " }" if value else "{}"
    if kind is list:
        return "[ " + ", ".join(map(shown, value)) + " ]" if value else "[]"
    if kind is ObjectId:
        return f"ObjectId('{value}')"
    if kind is DatetimeMS:
        return f"new Date({int(value)})"
    if kind is Decimal128:
        return f"{value}"
    if kind is Regex:
        pattern, flags = regex_parts(value)
        return f"/{pattern.decode()}/{flags.decode()}"
    return str(value)
