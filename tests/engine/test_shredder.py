"""Columns of documents, case by case: types, odd documents, facts, hostile bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import bson
import numpy as np
import pyarrow as pa
import pytest
from bson.errors import InvalidBSON

from amongo.engine.columns import CROSSED, EACH, Column, Path
from amongo.engine.columns.decoded import columns_of_documents
from amongo.engine.columns.facts import low_bit
from amongo.engine.columns.joining import joined
from amongo.engine.columns.shredder import shred, shred_buffer
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.runtime.limits import STEP_ROWS
from amongo.values.types import BsonType
from tests.engine.column_cases import Value, array, document, framed, shown, text

ROWS = STEP_ROWS + 2
"""So many documents are walked in step."""


def long(number: int) -> Value:
    return 18, struct.pack("<q", number)


def integer(number: int) -> Value:
    return 16, struct.pack("<i", number)


def double(number: float) -> Value:
    return 1, struct.pack("<d", number)


def string(value: str) -> Value:
    return 2, text(value)


NULL: Value = (10, b"")
_ID = bytes(range(12))
_SCOPED = struct.pack("<i", 4 + 6 + 12) + text("x") + document([("a", integer(1))])
_BINARY = struct.pack("<i", 3) + b"\x00abc"
_OLD_BINARY = struct.pack("<i", 7) + b"\x02" + struct.pack("<i", 3) + b"abc"

# name: the value, its tag, its slot, what the slot shows
TYPES: dict[str, tuple[Value, BsonType, str | None, Any]] = {
    "double": (double(1.5), BsonType.DOUBLE, "double", 1.5),
    "string": (string("é"), BsonType.STRING, "string", "é"),
    "document": ((3, document([("x", NULL)])), BsonType.OBJECT, "other", document([("x", NULL)])),
    "array": (array([NULL]), BsonType.ARRAY, "other", array([NULL])[1]),
    "binary": ((5, _BINARY), BsonType.BINARY, "other", _BINARY),
    "binary of subtype 2": ((5, _OLD_BINARY), BsonType.BINARY, "other", _OLD_BINARY),
    "undefined": ((6, b""), BsonType.UNDEFINED, None, None),
    "ObjectId": ((7, _ID), BsonType.OBJECT_ID, "objectId", _ID),
    "false": ((8, b"\0"), BsonType.BOOL, "bool", False),
    "true": ((8, b"\1"), BsonType.BOOL, "bool", True),
    "date": ((9, struct.pack("<q", -5)), BsonType.DATE, "date", -5),
    "null": (NULL, BsonType.NULL, None, None),
    "regular expression": ((11, b"a\0i\0"), BsonType.REGEX, "other", b"a\0i\0"),
    "long regular expression": ((11, b"a" * 999 + b"\0\0"), BsonType.REGEX, "other", b"a" * 999 + b"\0\0"),
    "DBPointer": ((12, text("d.c") + _ID), BsonType.DB_POINTER, "other", text("d.c") + _ID),
    "code": ((13, text("f()")), BsonType.JAVASCRIPT, "other", text("f()")),
    "symbol": ((14, text("s")), BsonType.SYMBOL, "other", text("s")),
    "code with scope": ((15, _SCOPED), BsonType.JAVASCRIPT_WITH_SCOPE, "other", _SCOPED),
    "int": (integer(-(2**31)), BsonType.INT, "whole", -(2**31)),
    "timestamp": ((17, bytes(range(8))), BsonType.TIMESTAMP, "other", bytes(range(8))),
    "long": (long(-(2**63)), BsonType.LONG, "whole", -(2**63)),
    "decimal": ((19, bytes(range(16))), BsonType.DECIMAL, "other", bytes(range(16))),
    "minKey": ((255, b""), BsonType.MIN_KEY, None, None),
    "maxKey": ((127, b""), BsonType.MAX_KEY, None, None),
}


def both(documents: Sequence[bytes], *paths: Path) -> tuple[Column, ...]:
    """The columns, which are the same whether documents are walked in step or one by one."""
    columns = shred(documents, paths, NEVER)
    assert [shown(each) for each in columns] == [shown(each) for each in columns_of_documents(documents, paths, NEVER)]
    return columns


def plain(values: pa.Array) -> list[Any]:
    return list(values.to_pylist())


@pytest.mark.parametrize("name", TYPES)
def test_type(name: str) -> None:
    value, tag, slot, expected = TYPES[name]
    documents = [document([("a", value), ("b", integer(7))])] * ROWS
    column, behind, elements = both(documents, ("a",), ("b",), ("a", EACH))
    assert column.tags.tolist() == [tag] * ROWS
    assert {each: plain(values) for each, values in column.slots.items()} == (
        {} if slot is None else {slot: [expected] * ROWS}
    )
    assert column.facts.counts == {tag: ROWS}
    assert plain(behind.slots["whole"]) == [7] * ROWS
    assert len(elements.tags) == (ROWS if name == "array" else 0)


def test_all_types_in_one_column() -> None:
    values = [each[0] for each in TYPES.values()] * 3
    documents = [document([("a", value), ("b", string("x"))]) for value in values]
    column, _ = both(documents, ("a",), ("b",))
    assert column.tags.tolist() == [int(each[1]) for each in TYPES.values()] * 3
    for slot, kept in column.slots.items():
        assert plain(kept) == [each[3] if each[2] == slot else None for each in TYPES.values()] * 3


def test_all_types_in_arrays() -> None:
    values = [each[0] for each in TYPES.values()]
    documents = [document([("a", array(values[number % 7 :]))]) for number in range(ROWS)]
    (column,) = both(documents, ("a", EACH))
    tags = [int(each[1]) for each in TYPES.values()]
    assert column.tags.tolist() == [tag for number in range(ROWS) for tag in tags[number % 7 :]]
    assert column.facts.most_elements == len(TYPES)


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_empty_documents(rows: int) -> None:
    column, elements = both([framed(b"")] * rows, ("a", "b"), ("a", EACH, "b"))
    assert column.tags.tolist() == [BsonType.MISSING] * rows
    assert column.facts.counts == ({BsonType.MISSING: rows} if rows else {})
    assert elements.offsets is not None
    assert elements.offsets.tolist() == [0] * (rows + 1)


def test_no_paths() -> None:
    assert shred([framed(b"")] * ROWS, [], NEVER) == ()


@pytest.mark.parametrize("path", [(), (EACH,), (EACH, "a"), ("a", EACH, EACH), ("a", EACH, "b", EACH)])
@pytest.mark.parametrize("documents", [[], [framed(b"")] * ROWS])
def test_no_path(path: Path, documents: list[bytes]) -> None:
    with pytest.raises(ValueError, match="no path"):
        shred(documents, [path], NEVER)


STRINGS = [
    "",
    "\0",
    "a\0b",
    "\0\0",
    "seven b",
    "eight by",
    "é",
    "日本語",
    "x" * 5000,
    "a",
    "ab",
    "abc",
    "abcd",
    "abcde",
]


def test_strings() -> None:
    documents = [document([("a", string(each)), ("b", NULL)]) for each in STRINGS * 5]
    column, _ = both(documents, ("a",), ("b",))
    assert plain(column.slots["string"]) == STRINGS * 5
    facts = column.facts
    assert (facts.is_ascii, facts.is_utf8, facts.string_bytes) == (False, True, 5000)


@pytest.mark.parametrize("value", [b"\xff", b"\xffx" * 9, b"\xed\xa0\x80"])
def test_strings_that_are_no_utf8(value: bytes) -> None:
    broken = (2, struct.pack("<i", len(value) + 1) + value + b"\0")
    documents = [document([("a", broken), ("b", string("x"))])] * ROWS
    column, other = both(documents, ("a",), ("b",))
    assert not column.facts.is_utf8
    assert not column.facts.is_ascii
    assert other.facts.is_ascii


def test_few_strings_have_a_dictionary() -> None:
    names = ["Newark", "LaGuardia, New York", "JFK"]
    documents = [
        document([("short", string(names[n % 3][:6])), ("long", string(names[n % 3])), ("all", string(f"number {n}"))])
        for n in range(5000)
    ]
    short, long_, many = both(documents, ("short",), ("long",), ("all",))
    kind = pa.dictionary(pa.int32(), pa.string())
    assert short.slots["string"].type == long_.slots["string"].type == kind
    assert sorted(plain(long_.slots["string"].dictionary)) == sorted(names)
    assert many.slots["string"].type == pa.string()


def test_last_of_a_repeated_name_counts() -> None:
    inner = (3, document([("x", integer(1)), ("x", integer(2)), ("y", NULL)]))
    odd = document([("a", string("first")), ("o", inner), ("a", integer(3)), ("o", (3, document([("x", NULL)])))])
    usual = document([("a", integer(1)), ("o", inner)])
    a, x, y = both([odd, usual] * ROWS, ("a",), ("o", "x"), ("o", "y"))
    assert plain(a.slots["whole"]) == [3, 1] * ROWS
    assert x.tags.tolist() == [BsonType.NULL, BsonType.INT] * ROWS
    assert plain(x.slots["whole"]) == [None, 2] * ROWS
    assert y.tags.tolist() == [BsonType.MISSING, BsonType.NULL] * ROWS


def test_deep_nesting() -> None:
    value = integer(1)
    for _ in range(100):
        value = (3, document([("a", value)]))
    documents = [document([("a", value)]), document([("a", integer(5))])] * ROWS
    deepest, deeper = both(documents, ("a",) * 101, ("a",) * 102)
    assert deepest.tags.tolist() == [BsonType.INT, BsonType.MISSING] * ROWS
    assert set(deeper.tags.tolist()) == {BsonType.MISSING}


def test_array_on_the_way() -> None:
    documents = [
        document([("a", array([(3, document([("b", integer(1))]))]))]),
        document([("a", (3, document([("b", integer(2))])))]),
        document([("a", (3, document([("b", array([]))])))]),
        document([("a", integer(1))]),
        document([("a", array([array([])]))]),
    ]
    b, c, elements = both(documents * ROWS, ("a", "b"), ("a", "b", "c"), ("a", EACH, "b"))
    assert b.tags.tolist() == [CROSSED, BsonType.INT, BsonType.ARRAY, BsonType.MISSING, CROSSED] * ROWS
    assert c.tags.tolist() == [CROSSED, BsonType.MISSING, CROSSED, BsonType.MISSING, CROSSED] * ROWS
    assert elements.tags.tolist() == [BsonType.INT, CROSSED] * ROWS
    assert elements.offsets is not None
    assert elements.offsets[:6].tolist() == [0, 1, 1, 1, 1, 2]


def test_elements() -> None:
    items = [[(3, document([("price", integer(n)), ("n", NULL)])) for n in range(rows % 5)] for rows in range(ROWS)]
    documents = [document([("o", (3, document([("items", array(each))])))]) for each in items]
    (prices,) = both(documents, ("o", "items", EACH, "price"))
    assert plain(prices.slots["whole"]) == [n for rows in range(ROWS) for n in range(rows % 5)]
    assert np.diff(prices.offsets).tolist() == [rows % 5 for rows in range(ROWS)]
    assert prices.facts.most_elements == 4


@pytest.mark.parametrize("lengths", [[120], [0, 1, 2, 3], [120, 0, 3]])
def test_arrays_of_many_lengths(lengths: list[int]) -> None:
    arrays = [[integer(n) for n in range(lengths[row % len(lengths)])] for row in range(ROWS)]
    (column,) = both([document([("a", array(each)), ("z", NULL)]) for each in arrays], ("a", EACH))
    assert plain(column.slots["whole"]) == [n for each in arrays for n in range(len(each))]


def test_array_with_other_names() -> None:
    odd = array([integer(1), string("x"), integer(3)], ["7", "", "first"])
    documents = [document([("a", odd)]), document([("a", array([NULL, integer(2)]))])] * ROWS
    (column,) = both(documents, ("a", EACH))
    assert column.tags[:5].tolist() == [BsonType.INT, BsonType.STRING, BsonType.INT, BsonType.NULL, BsonType.INT]


def test_wide_documents() -> None:
    fields = [(f"field {number}", integer(number) if number % 3 else string(str(number))) for number in range(600)]
    documents = [document(fields), document(fields[::2]), document(fields[500:])] * (ROWS // 2)
    first, last, missing = both(documents, ("field 3",), ("field 598",), ("field 600",))
    assert plain(last.slots["whole"]) == [598] * len(documents)
    assert plain(first.slots["string"]) == ["3", None, None] * (ROWS // 2)
    assert not missing.slots


@pytest.mark.parametrize("size", [1, 6, 7, 8, 15, 16, 17, 150, 190, 199, 200, 201, 5000])
def test_names_of_any_length(size: int) -> None:
    names = ["n" * size, "n" * (size - 1) + "m"]
    documents = [document([(names[0], integer(1)), (names[1], integer(2))]), document([(names[1], integer(3))])] * ROWS
    first, second = both(documents, (names[0],), (names[1],))
    assert plain(first.slots["whole"]) == [1, None] * ROWS
    assert plain(second.slots["whole"]) == [2, 3] * ROWS


def test_many_shapes() -> None:
    chance = random.Random(1)
    names = [f"{letter}{number}" for letter in "abcd" for number in range(10)]
    shapes = [chance.sample(names, 6) for _ in range(200)]
    documents = [
        document([(name, chance.choice([integer(1), string("x"), NULL])) for name in shapes[row % 200]])
        for row in range(600)
    ]
    both(documents, *((name,) for name in names[:5]))


def test_documents_that_end_where_an_empty_name_is_expected() -> None:
    """The NUL at the end and one behind it look like an element with the empty name."""
    short = document([("a", string("x"))])
    whole = document([("a", string("x")), ("", string("y")), ("b", integer(1))])
    contents = b"".join([*[whole] * ROWS, *[short + bytes(9)] * ROWS, bytes(500)])
    starts = np.arange(ROWS)
    starts = np.concatenate((starts * len(whole), ROWS * len(whole) + starts * (len(short) + 9)))
    with patch("amongo.engine.columns.shredder.PIECE_COUNT", ROWS):
        (column,) = shred_buffer(contents, starts, [("",)], NEVER)
    assert plain(column.slots["string"]) == ["y"] * ROWS + [None] * ROWS


def test_fields_that_come_and_go() -> None:
    chance = random.Random(2)
    fields = [(f"f{number}", integer(number) if number % 2 else string("s")) for number in range(12)]
    documents = [document([each for each in fields if chance.random() < 0.5]) for _ in range(900)]
    both(documents, *((name,) for name, _ in fields[::3]))


def test_numbers_of_mixed_types() -> None:
    values = [integer(1), long(2**40), double(0.5), NULL, string("x")]
    documents = [document([("a", values[row % 5]), ("b", values[row % 3])]) for row in range(500)]
    a, _ = both(documents, ("a",), ("b",))
    assert plain(a.slots["whole"])[:5] == [1, 2**40, None, None, None]
    assert (a.facts.least, a.facts.most, a.facts.low_bit) == (1, 2**40, -1)


# Facts

# values: low_bit
LOW_BITS: list[tuple[list[float], int | None]] = [
    ([], None),
    ([0.0, -0.0], None),
    ([1.0], 0),
    ([2.0, 6.0, 0.0], 1),
    ([0.1], -55),
    ([5e-324], -1074),
    ([5e-324 * 8, 1e300], -1071),
    ([2.2250738585072014e-308], -1022),
    ([1.7976931348623157e308], 971),
    ([2.0**1023, -(2.0**1000)], 1000),
    ([0.5, 0.25, -0.75], -2),
]


@pytest.mark.parametrize(("values", "expected"), LOW_BITS, ids=str)
def test_low_bit(values: list[float], expected: int | None) -> None:
    assert low_bit(np.array(values, np.float64)) == expected
    (column,) = both([document([("a", double(each))]) for each in values] * ROWS, ("a",))
    assert column.facts.low_bit == expected


def test_facts_of_doubles() -> None:
    values = [float("nan"), float("inf"), -0.0, 3.0, -1.5]
    (column,) = both([document([("a", double(each))]) for each in values] * ROWS, ("a",))
    facts = column.facts
    assert (facts.low, facts.high, facts.low_bit) == (-1.5, 3.0, -1)
    assert (facts.has_nan, facts.has_infinity, facts.has_negative_zero) == (True, True, True)


def test_facts_of_dates_and_numbers() -> None:
    dates = [(9, struct.pack("<q", number)) for number in (-(2**63), 0, 2**63 - 1)]
    documents = [document([("d", dates[row % 3]), ("n", long(row - 2**63))]) for row in range(ROWS)]
    d, n = both(documents, ("d",), ("n",))
    assert (d.facts.first_ms, d.facts.last_ms, d.facts.least) == (-(2**63), 2**63 - 1, None)
    assert (n.facts.least, n.facts.most, n.facts.first_ms) == (-(2**63), -(2**63) + ROWS - 1, None)


# Joining


def test_joined_strings_with_and_without_a_dictionary() -> None:
    few = [document([("a", string("x" if row % 2 else "y"))]) for row in range(400)]
    (encoded,) = shred(few, [("a",)], NEVER)
    (plain_,) = columns_of_documents([document([("a", string("z"))]), framed(b"")], [("a",)], NEVER)
    whole = joined([encoded, plain_, encoded])
    assert pa.types.is_dictionary(whole.slots["string"].type)
    assert plain(whole.slots["string"]) == ["y", "x"] * 200 + ["z", None] + ["y", "x"] * 200
    assert whole.facts.counts == {BsonType.STRING: 801, BsonType.MISSING: 1}
    assert joined([plain_, plain_]).slots["string"].type == pa.string()


def test_joined_strings_too_many_for_small_offsets() -> None:
    (column,) = columns_of_documents([document([("a", string("x" * 90))])] * 2, [("a",)], NEVER)
    with patch("amongo.engine.columns.joining._STRING_BYTES", 200):
        whole = joined([column, column])
    assert whole.slots["string"].type == pa.large_string()
    assert plain(joined([whole, column]).slots["string"]) == ["x" * 90] * 6


def test_joined_slots_that_one_lacks() -> None:
    columns = [
        columns_of_documents([document([("a", value)])], [("a",)], NEVER)[0]
        for value in (NULL, integer(1), double(2.0))
    ]
    whole = joined(columns)
    assert {slot: plain(values) for slot, values in whole.slots.items()} == {
        "whole": [None, 1, None],
        "double": [None, None, 2.0],
    }


# Bytes that are no documents

_GOOD = document(
    [("a", string("abc")), ("b", integer(1)), ("o", (3, document([("x", string("y"))]))), ("e", array([NULL]))]
)
_PATHS: list[Path] = [("a",), ("b",), ("o", "x"), ("e", EACH)]


def _with(at: bytes, instead: bytes) -> bytes:
    assert _GOOD.count(at) == 1
    return _GOOD.replace(at, instead)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "too short": b"\x05\x00",
    "longer than its bytes": struct.pack("<i", len(_GOOD) + 1) + _GOOD[4:],
    "shorter than its bytes": struct.pack("<i", len(_GOOD) - 1) + _GOOD[4:],
    "length 4": struct.pack("<i", 4) + _GOOD[4:],
    "negative length": struct.pack("<i", -1) + _GOOD[4:],
    "no NUL at the end": _GOOD[:-1] + b"\x01",
    "cut off": struct.pack("<i", len(_GOOD) - 6) + _GOOD[4:-6],
    "string past the end": _with(text("abc"), struct.pack("<i", 1000) + b"abc\0"),
    "string past everything": _with(text("abc"), struct.pack("<i", 2**31 - 1) + b"abc\0"),
    "string of length 0": _with(text("abc"), struct.pack("<i", 0) + b"abc\0"),
    "string of negative length": _with(text("abc"), struct.pack("<i", -4) + b"abc\0"),
    "string of the least length": _with(text("abc"), struct.pack("<i", -(2**31)) + b"abc\0"),
    "string without NUL": _with(text("abc"), struct.pack("<i", 4) + b"abcd"),
    "unknown type": _with(b"\x10b\0", b"\x55b\0"),
    "type 0 before the end": _with(b"\x10b\0", b"\x00b\0"),
    "name without end": framed(b"\x10" + b"n" * 30),
    "value past the end": framed(b"\x12a\0\x01"),
    "document past the end": _with(document([("x", string("y"))])[:4], struct.pack("<i", 500)),
    "document of length 3": _with(document([("x", string("y"))])[:4], struct.pack("<i", 3)),
    "document without NUL": _with(text("y") + b"\0", text("y") + b"\x01"),
    "array past the end": _with(array([NULL])[1][:4], struct.pack("<i", 80)),
    "bool of 2": _with(integer(1)[1], b"\1\0\0\0").replace(b"\x10b\0\1\0\0\0", b"\x08b\0\2"),
}
HOSTILE["bool of 2"] = struct.pack("<i", len(HOSTILE["bool of 2"])) + HOSTILE["bool of 2"][4:]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", [0, ROWS, 2 * ROWS])
def test_hostile(name: str, place: int) -> None:
    documents = [*[_GOOD] * place, HOSTILE[name], *[_GOOD] * (2 * ROWS - place)]
    for each in (shred, columns_of_documents):
        with pytest.raises(InvalidBSON):
            each(documents, _PATHS, NEVER)


def test_damaged_anywhere() -> None:
    """Whatever byte is wrong: in step and one by one, the same is found or the same is refused."""

    def outcome(way: Any, documents: list[bytes]) -> Any:
        try:
            return [shown(each) for each in way(documents, _PATHS, NEVER)]
        except InvalidBSON:
            return InvalidBSON

    refused = 0
    for at in range(len(_GOOD)):
        for value in (0, 4, 0xFF):
            damaged = _GOOD[:at] + bytes([value]) + _GOOD[at + 1 :]
            documents = [*[_GOOD] * ROWS, damaged, _GOOD]
            found = outcome(shred, documents)
            assert found == outcome(columns_of_documents, documents)
            refused += found is InvalidBSON
    assert 40 < refused < 3 * len(_GOOD)


@pytest.mark.parametrize("start", [-1, -(2**40), 10**6, 2**62])
def test_documents_outside_of_the_buffer(start: int) -> None:
    starts = np.array([0, start], np.int64)
    with pytest.raises(InvalidBSON):
        shred_buffer(_GOOD, starts, _PATHS, NEVER)


@pytest.mark.parametrize("room", [0, 3, 1000])
def test_last_document_reaches_beyond_the_buffer(room: int) -> None:
    size = struct.pack("<i", len(_GOOD) + room + 1)
    contents = _GOOD * ROWS + size + _GOOD[4:] + bytes(room)
    with pytest.raises(InvalidBSON):
        shred_buffer(contents, np.arange(ROWS + 1) * len(_GOOD), _PATHS, NEVER)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda raw: np.frombuffer(raw, np.uint8)])
def test_buffers(kind: Any) -> None:
    contents = b"".join([b"\xff" * 3 + _GOOD] * ROWS)
    starts = np.arange(ROWS) * (len(_GOOD) + 3) + 3
    columns = shred_buffer(kind(contents), starts, _PATHS, NEVER)
    expected = columns_of_documents([_GOOD] * ROWS, _PATHS, NEVER)
    assert [shown(each) for each in columns] == [shown(each) for each in expected]


# Stopping


class _CountedChecks(Interrupt):
    """An interrupt that stops the operation at a check."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last

    def check(self) -> None:
        self.left -= 1
        if not self.left:
            self.stop()
        super().check()


@pytest.mark.parametrize("last", [1, 2, 5, 20])
def test_stops(last: int) -> None:
    documents = [bson.encode({"a": number, "b": {"c": [number] * 3}}) for number in range(10_000)]
    for way in (shred, columns_of_documents):
        with pytest.raises(OperationInterrupted):
            way(documents, [("a",), ("b", "c", EACH)], _CountedChecks(last))
