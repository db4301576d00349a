"""Values inside error messages."""

import math
import uuid
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.wording import shown

OID = ObjectId("0123456789abcdef01234567")

SHOWN: list[tuple[str, Any, str]] = [
    ("null", None, "null"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("int", -5, "-5"),
    ("long looks like an int", Int64(2**40), "1099511627776"),
    ("double", 1.5, "1.5"),
    ("a whole double shows that it is one", 1.0, "1.0"),
    ("negative zero", -0.0, "-0.0"),
    ("16 digits", 0.1 + 0.2, "0.3"),
    ("a third", 1 / 3, "0.3333333333333333"),
    ("large whole double", 1e20, "1e+20.0"),
    ("large double", 1.7976931348623157e308, "1.797693134862316e+308"),
    ("small double", 1e-5, "1e-05.0"),
    ("infinity", math.inf, "inf.0"),
    ("negative infinity", -math.inf, "-inf.0"),
    ("NaN", math.nan, "nan.0"),
    ("decimal", Decimal128("1.50"), "1.50"),
    ("decimal infinity", Decimal128("-Infinity"), "-Infinity"),
    ("decimal NaN", Decimal128("NaN"), "NaN"),
    ("string", "a", '"a"'),
    ("a string is not escaped", 'say "é"\n', '"say "é"\n"'),
    ("object id", OID, "ObjectId('0123456789abcdef01234567')"),
    ("date", DatetimeMS(123), "new Date(123)"),
    ("date before 1970", DatetimeMS(-1), "new Date(-1)"),
    ("timestamp", Timestamp(5, 2), "Timestamp(5, 2)"),
    ("binary", b"\x0a\xff", "BinData(0, 0AFF)"),
    ("no bytes", b"", "BinData(0, )"),
    ("binary of a subtype", Binary(b"\x01", 128), "BinData(128, 01)"),
    (
        "UUID",
        Binary(uuid.UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479").bytes, 4),
        'UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")',
    ),
    ("a legacy UUID is binary", Binary(bytes(15) + b"\x01", 3), "BinData(3, 00000000000000000000000000000001)"),
    ("no UUID of another length", Binary(b"\x01", 4), "BinData(4, 01)"),
    ("regex", Regex("^a", 2 | 8), "/^a/im"),
    ("code", Code("f()"), "f()"),
    ("code with scope", Code("f()", {"x": 1}), "CodeWScope( f(), { x: 1 })"),
    ("MinKey", MinKey(), "MinKey"),
    ("MaxKey", MaxKey(), "MaxKey"),
    ("undefined", UNDEFINED, "undefined"),
    ("symbol", Symbol("s"), '"s"'),
    ("DBPointer", DBPointer("shop.a", OID), "DBRef('shop.a',0123456789abcdef01234567)"),
    ("document", {"a": 1, "b": "x"}, '{ a: 1, b: "x" }'),
    ("empty document", {}, "{}"),
    ("array", [1, 2.0], "[ 1, 2.0 ]"),
    ("empty array", [], "[]"),
    (
        "nested",
        {"a": [{"b": {}}, []], "c": {"d": OID}},
        f"{{ a: [ {{ b: {{}} }}, [] ], c: {{ d: ObjectId('{OID}') }} }}",
    ),
]


@pytest.mark.parametrize(("name", "value", "expected"), SHOWN, ids=[each[0] for each in SHOWN])
def test_shown(name: str, value: Any, expected: str) -> None:
    assert shown(value) == expected
