"""Short forms of $convert, JSON text, vectors, bases; hashes and new ObjectIds."""

import json
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from evaluating import evaluate, failure_code, same
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.expressions.json_text import parse_json

UUID = "12345678-1234-1234-1234-123456789abc"
UUID_BYTES = Binary(bytes.fromhex(UUID.replace("-", "")), 4)
NESTED = "[" * 200 + "]" * 200

VALUES: list[tuple[str, Any, Any]] = [
    ("uuid", {"$toUUID": UUID}, UUID_BYTES),
    ("uuid in upper case", {"$toUUID": [UUID.upper()]}, UUID_BYTES),
    ("uuid of a uuid", {"$toUUID": UUID_BYTES}, UUID_BYTES),
    ("uuid of nothing", {"$toUUID": "$missing"}, None),
    ("document", {"$toObject": '{"a": 1, "b": {"c": [true, null]}}'}, {"a": 1, "b": {"c": [True, None]}}),
    ("document as it is", {"$toObject": {"$literal": {"a": 1}}}, {"a": 1}),
    ("the last of equal names, in the first one's place", {"$toObject": '{"a":1,"b":2,"a":3}'}, {"a": 3, "b": 2}),
    ("extended JSON is no more than JSON", {"$toObject": '{"a":{"$oid":"x"}}'}, {"a": {"$oid": "x"}}),
    ("no document", {"$toObject": None}, None),
    ("array", {"$toArray": ' [1, "a\\u0000b"]\n'}, [1, "a\0b"]),
    ("byte order mark", {"$toArray": "\ufeff[]"}, []),
    ("numbers", {"$toArray": "[2147483647, 2147483648, -2147483649, 1.0, 1e2, -0, 0]"},
     [2147483647, Int64(2147483648), Int64(-2147483649), 1.0, 100.0, 0, 0]),
    ("numbers past 64 bits", {"$toArray": "[9223372036854775807, 9223372036854775808, -9223372036854775809]"},
     [Int64(2**63 - 1), 2.0**63, -(2.0**63)]),
    ("a very long number", {"$size": {"$toArray": f"[{'9' * 300}]"}}, 1),
    ("nested as deep as can be", {"$isArray": {"$toArray": NESTED}}, True),
    ("bits", {"$toArray": Binary(b"\x10\x04\xee\xe0", 9)}, [c == "1" for c in "111011101110"]),
    ("bytes", {"$toArray": Binary(b"\x03\x00\x7f\x80", 9)}, [127, -128]),
    ("floats", {"$toArray": Binary(b"\x27\x00\x00\x00\x00\x3f", 9)}, [0.5]),
    ("floats, big-endian", {"$convert": {"input": Binary(b"\x27\x00\x3f\0\0\0", 9), "to": "array", "byteOrder": "big"}},
     [0.5]),
    ("vector of nothing", {"$toArray": Binary(b"", 9)}, []),
    ("onError", {"$convert": {"input": "{", "to": "object", "onError": "no"}}, "no"),
    ("number in base 2", {"$convert": {"input": 10.0, "to": "string", "base": 2}}, "1010"),
    ("number in base 16", {"$convert": {"input": Int64(-(2**63)), "to": "string", "base": 16}}, "-8000000000000000"),
    ("base is null", {"$convert": {"input": 10, "to": "string", "base": None}}, "10"),
    ("from base 8", {"$convert": {"input": "-12", "to": "double", "base": 8}}, -10.0),
    ("from base 16", {"$convert": {"input": "aF", "to": "decimal", "base": 16.0}}, Decimal128("175")),
    ("base where none is used", {"$convert": {"input": 1.9, "to": "int", "base": 2}}, 1),
    ("md5", {"$hexHash": {"input": "hello", "algorithm": "md5"}}, "5D41402ABC4B2A76B9719D911017C592"),
    ("xxh64", {"$hash": {"input": Binary(b"hello", 128), "algorithm": {"$concat": ["xxh", "64"]}}},
     bytes.fromhex("26c7827d889f6da3")),
    ("hash of nothing", {"$hash": {"input": None, "algorithm": 5}}, None),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES])
def test_value(spec: Any, expected: Any) -> None:
    assert same(evaluate(spec), expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("no uuid", {"$toUUID": "x"}, 241),
    ("uuid of two", {"$toUUID": [UUID, UUID]}, 50723),
    ("array for a document", {"$toObject": "[]"}, 241),
    ("document for an array", {"$toArray": "{}"}, 241),
    ("number for a document", {"$toObject": 1}, 241),
    ("binary data of another subtype", {"$toArray": b"ab"}, 241),
    ("standalone", {"$toArray": "1"}, 241),
    ("nothing", {"$toArray": ""}, 241),
    ("trailing comma", {"$toArray": "[1,]"}, 241),
    ("comment", {"$toArray": "[1] // one"}, 241),
    ("two values", {"$toObject": "{}{}"}, 241),
    ("NaN", {"$toArray": "[NaN]"}, 241),
    ("Infinity", {"$toArray": "[-Infinity]"}, 241),
    ("out of range", {"$toArray": "[1e999]"}, 241),
    ("NUL in a name", {"$toObject": '{"a\\u0000": 1}'}, 241),
    ("half a pair", {"$toArray": '["\\ud800"]'}, 241),
    ("control character", {"$toArray": '["\n"]'}, 241),
    ("too deep", {"$toArray": f"[{NESTED}]"}, 241),
    ("much too deep", {"$toArray": "[" * 100_000}, 241),
    ("kind of vector", {"$toArray": Binary(b"\x01\x00", 9)}, 10506600),
    ("vector without padding", {"$toArray": Binary(b"\x03", 9)}, 10506601),
    ("vector that ends early", {"$toArray": Binary(b"\x27\x00\x00", 9)}, 10506602),
    ("padding of bytes", {"$toArray": Binary(b"\x03\x01\x00", 9)}, 10506606),
    ("padding of nine bits", {"$toArray": Binary(b"\x10\x09\x00", 9)}, 10506606),
    ("base with a fraction", {"$convert": {"input": 1, "to": "string", "base": 2.5}}, 3501300),
    ("base of text", {"$convert": {"input": 1, "to": "string", "base": "2"}}, 3501300),
    ("base 3", {"$convert": {"input": True, "to": "bool", "base": 3}}, 3501301),
    ("digit of another base", {"$convert": {"input": "12", "to": "int", "base": 2}}, 241),
    ("prefix", {"$convert": {"input": "0x1", "to": "int", "base": 16}}, 241),
    ("past an int", {"$convert": {"input": "80000000", "to": "int", "base": 16}}, 241),
    ("past a long", {"$convert": {"input": "8" + "0" * 15, "to": "double", "base": 16}}, 241),
    ("fraction in a base", {"$convert": {"input": 1.5, "to": "string", "base": 10}}, 241),
    ("hash without algorithm", {"$hash": {"input": "a"}}, 9),
    ("hash with more", {"$hexHash": {"input": "a", "algorithm": "md5", "x": 1}}, 9),
    ("hash of a number", {"$hash": {"input": 1, "algorithm": "md5"}}, 10754000),
    ("algorithm of another type", {"$hash": {"input": "a", "algorithm": None}}, 10754001),
    ("unknown algorithm", {"$hexHash": {"input": "a", "algorithm": "MD5"}}, 10754002),
    ("new ObjectId of something", {"$createObjectId": {"a": 1}}, 9),
    ("new ObjectId of an array", {"$createObjectId": []}, 9),
]


@pytest.mark.parametrize(("spec", "code"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_refused(spec: Any, code: int) -> None:
    assert failure_code(spec) == code


def test_json_larger_than_a_document() -> None:
    with pytest.raises(ServerError) as failure:
        parse_json(f'["{"a" * 2**24}"]')
    assert failure.value.code == 241


def test_a_new_object_id_each_time() -> None:
    found = evaluate({"$map": {"input": {"$range": [0, 100]}, "in": {"$createObjectId": {}}}})
    assert len(set(found)) == 100
    assert {type(each) for each in found} == {ObjectId}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text().filter(lambda name: "\0" not in name), inner),
    max_leaves=20,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(JSON, max_size=4))
def test_json_comes_out_as_python_reads_it(value: list[Any]) -> None:
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text, parse_int=lambda digits: _bounded(int(digits)))


def _bounded(number: int) -> int | float:
    return number if -(2**63) <= number < 2**63 else float(number)
