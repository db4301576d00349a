"""Strings, regular expressions and conversions."""

from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from evaluating import evaluate, failure_code, same

VALUES: list[tuple[str, Any, Any]] = [
    ("concat", {"$concat": ["a", "b", "é"]}, "abé"),
    ("concat with null", {"$concat": ["a", None, 1]}, None),
    ("lower changes ASCII alone", {"$toLower": "AÉ"}, "aÉ"),
    ("upper of null", {"$toUpper": None}, ""),
    ("lower of a number", {"$toLower": 1234567.0}, "1.23457e+06"),
    ("bytes and code points", [{"$strLenBytes": "é"}, {"$strLenCP": "é"}], [2, 1]),
    ("split", {"$split": ["a-b-", "-"]}, ["a", "b", ""]),
    ("substring of bytes", {"$substrBytes": ["héllo", 0, 3]}, "hé"),
    ("substring to the end", {"$substr": ["hello", 2, -1]}, "llo"),
    ("substring of code points", {"$substrCP": ["héllo", 1, 2]}, "él"),
    ("trim", {"$trim": {"input": "  a \n"}}, "a"),
    ("trim characters", {"$ltrim": {"input": "xxya", "chars": "xy"}}, "a"),
    ("index of bytes", {"$indexOfBytes": ["éa", "a"]}, 2),
    ("index of code points", {"$indexOfCP": ["éa", "a"]}, 1),
    ("compare without case", {"$strcasecmp": ["abc", "ABD"]}, -1),
    ("replace one", {"$replaceOne": {"input": "aaa", "find": "a", "replacement": "b"}}, "baa"),
    ("replace all", {"$replaceAll": {"input": "aaa", "find": "aa", "replacement": "b"}}, "ba"),
    ("regex match", {"$regexMatch": {"input": "Hello", "regex": "^h", "options": "i"}}, True),
    (
        "regex find",
        {"$regexFind": {"input": "a-12", "regex": Regex(r"(\d)(x)?")}},
        {"match": "1", "idx": 2, "captures": ["1", None]},
    ),
    (
        "regex find all with empty matches",
        {"$regexFindAll": {"input": "ab", "regex": "b*"}},
        [{"match": "", "idx": 0, "captures": []}, {"match": "b", "idx": 1, "captures": []}],
    ),
    ("regex of null", {"$regexFind": {"input": None, "regex": "a"}}, None),
    ("text to int", {"$toInt": "-42"}, -42),
    ("double to int is cut", {"$toInt": -1.9}, -1),
    ("bool to long", {"$toLong": True}, Int64(1)),
    ("date to long", {"$toLong": DatetimeMS(5)}, Int64(5)),
    ("text to double", {"$toDouble": "1e3"}, 1000.0),
    ("double to decimal has 15 digits", {"$toDecimal": 0.1}, Decimal128("0.100000000000000")),
    ("text to decimal keeps zeros", {"$toDecimal": "1.50"}, Decimal128("1.50")),
    ("double to text", [{"$toString": 3.0}, {"$toString": 1e16}, {"$toString": -0.5}], ["3", "1e+16", "-0.5"]),
    ("date to text", {"$toString": DatetimeMS(0)}, "1970-01-01T00:00:00.000Z"),
    ("text to bool is true", {"$toBool": "false"}, True),
    ("zero to bool", {"$toBool": 0.0}, False),
    ("text to date", {"$toDate": "2024-02-29T12:00:00+01:00"}, DatetimeMS(1709204400000)),
    ("object id to date", {"$toDate": ObjectId("5ab9c3da31c2ab715d421285")}, DatetimeMS(1522123738000)),
    ("timestamp to date", {"$toDate": Timestamp(7, 1)}, DatetimeMS(7000)),
    ("text to object id", {"$toObjectId": "5ab9c3da31c2ab715d421285"}, ObjectId("5ab9c3da31c2ab715d421285")),
    ("null stays null", {"$toInt": None}, None),
    ("convert on error", {"$convert": {"input": "x", "to": "int", "onError": "bad"}}, "bad"),
    ("convert on null", {"$convert": {"input": "$a", "to": 16, "onNull": 0}}, 0),
    ("convert to nothing", {"$convert": {"input": 1, "to": None}}, None),
    ("hex", {"$convert": {"input": b"\x01\xff", "to": "string", "format": "hex"}}, "01FF"),
    ("int to bytes", {"$convert": {"input": 1, "to": "binData", "byteOrder": "big"}}, b"\0\0\0\1"),
    (
        "uuid",
        {"$toString": Binary(bytes(range(16)), 4)},
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
    ),
    ("type", [{"$type": 1}, {"$type": Int64(1)}, {"$type": "$a"}], ["int", "long", "missing"]),
    ("is number", [{"$isNumber": 1.0}, {"$isNumber": "1"}], [True, False]),
]


@pytest.mark.parametrize(("name", "spec", "expected"), VALUES, ids=[case[0] for case in VALUES])
def test_value(name: str, spec: Any, expected: Any) -> None:
    assert same(evaluate(spec), expected)


ERRORS: list[tuple[str, Any, int]] = [
    ("concat takes strings", {"$concat": [1, None]}, 16702),
    ("no text of a bool", {"$toUpper": True}, 16007),
    ("length of null", {"$strLenCP": None}, 34471),
    ("split by nothing", {"$split": ["a", ""]}, 40087),
    ("cut through a character", {"$substrBytes": ["é", 1, 1]}, 28656),
    ("trim of a number", {"$trim": {"input": 1}}, 50699),
    ("negative index", {"$indexOfCP": ["a", "a", -1]}, 40097),
    ("replace takes strings", {"$replaceOne": {"input": 1, "find": "a", "replacement": "b"}}, 10503904),
    ("bad pattern", {"$regexMatch": {"input": "a", "regex": "("}}, 51111),
    ("bad option", {"$regexMatch": {"input": "a", "regex": "a", "options": "z"}}, 51108),
    ("options twice", {"$regexMatch": {"input": "a", "regex": Regex("a", 2), "options": "i"}}, 51107),
    ("unreadable number", {"$toInt": "1.5"}, 241),
    ("int overflow", {"$toInt": 2**40 * 1.0}, 241),
    ("NaN to int", {"$toLong": float("nan")}, 241),
    ("no conversion", {"$toInt": DatetimeMS(0)}, 241),
    ("int to date", {"$toDate": 1}, 241),
    ("two arguments", {"$toInt": [1, 2]}, 50723),
    ("unknown type", {"$convert": {"input": 1, "to": "integer"}}, 2),
    ("format needed", {"$convert": {"input": "a", "to": "binData"}}, 4341115),
    ("convert to a bool", {"$convert": {"input": 1, "to": True}}, 9),
    ("year that no text has", {"$toString": DatetimeMS(2**60)}, 18537),
]


@pytest.mark.parametrize(("name", "spec", "code"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error(name: str, spec: Any, code: int) -> None:
    assert failure_code(spec) == code
