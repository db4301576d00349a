"""Columns the slow and obviously right way: one document after the other, one element after the other.

This is what `shredder` is compared with, and what it asks where walking many documents in step does not pay. Every
length is checked before it is believed. The values of wanted fields are kept as their bytes, so that nothing is lost on
a way through Python objects; what is on no wanted path is passed over by its size.

Source: the BSON specification, bsonspec.org.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from bson.errors import InvalidBSON

from amongo.engine.columns.arrays import fixed_array, sized_array
from amongo.engine.columns.column import (
    BOOL,
    CROSSED,
    DATE,
    DOUBLE,
    EACH,
    OBJECT_ID,
    OTHER,
    STRING,
    WHOLE,
    Column,
    Facts,
    Path,
    slot_of,
)
from amongo.runtime.interrupts import Interrupt
from amongo.values.types import BsonType

_INT: Final = struct.Struct("<i")
_LONG: Final = struct.Struct("<q")
_DOUBLE: Final = struct.Struct("<d")

_unpack_int: Final = _INT.unpack_from

# Type byte -> bytes of the value, for types of one size.
_FIXED_BYTES: Final = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
# Type byte -> what the value has more bytes than the length in front of it says, and the least length: of strings,
# documents and arrays, binary, a DBPointer, code, symbols, code with its scope.
_SIZED: Final = {2: (4, 1), 3: (0, 5), 4: (0, 5), 5: (5, 0), 12: (16, 1), 13: (4, 1), 14: (4, 1), 15: (0, 14)}

_MISSING: Final = (int(BsonType.MISSING), b"")


Element = tuple[int, bytes, int, int]
"""An element of a document or an array: (number of its type, name, where its value begins, where it ends)."""

Found = tuple[int, bytes]
"""(tag, bytes of the value)"""


def columns_of_documents(documents: Sequence[bytes], paths: Sequence[Path], interrupt: Interrupt) -> tuple[Column, ...]:
    """The columns of some documents, in the order of the paths.

    documents   BSON
    errors      InvalidBSON of `bson.errors` for bytes on the way that are no BSON; ValueError for a path without a name
                in front or with two EACH; whatever the interrupt raises
    """
    for path in paths:
        check_path(path)
    rows: list[list[list[Found]]] = [[] for _ in paths]
    for raw in interrupt.watch(documents):
        fields = _Fields(raw, interrupt)
        for path, found in zip(paths, rows, strict=True):
            found.append(_elements_at(fields, path, interrupt) if EACH in path else [_find(fields, 0, path)])
    return tuple(_column(found, EACH in path, interrupt) for path, found in zip(paths, rows, strict=True))


def check_path(path: Path) -> None:
    """Refuse what is no path. errors: ValueError."""
    if not path or path[0] is EACH or path.count(EACH) > 1:
        raise ValueError(f"no path of a column: {path!r}")


def name_bytes(name: str) -> bytes:
    """A field's name as it stands in a document; a name that cannot stand there gives bytes that never do."""
    return name.encode("utf-8", "surrogatepass")


class _Fields:
    """The fields of one document and of those in it, each read when it is asked for."""

    def __init__(self, raw: bytes, interrupt: Interrupt) -> None:
        if len(raw) < 5 or _INT.unpack_from(raw)[0] != len(raw):
            raise InvalidBSON("a document whose length is not that of its bytes")
        self.raw = raw
        self._interrupt = interrupt
        self._read: dict[int, dict[bytes, Element]] = {}

    def of(self, at: int, end: int) -> dict[bytes, Element]:
        """The fields of the document there by their names: the last of each name."""
        fields = self._read.get(at)
        if fields is None:
            found = self._interrupt.watch(elements(self.raw, at, end))
            fields = self._read[at] = {element[1]: element for element in found}
        return fields


def _find(fields: _Fields, at: int, path: Path) -> Found:
    """What is at a path without EACH, from the document that begins at `at`."""
    end = at + _INT.unpack_from(fields.raw, at)[0]
    for left, name in zip(range(len(path) - 1, -1, -1), path, strict=True):
        assert name is not None
        element = fields.of(at, end).get(name_bytes(name))
        if element is None:
            return _MISSING
        tag, _, start, stop = element
        if not left:
            return _checked(tag, fields.raw[start:stop])
        if tag != BsonType.OBJECT:
            return (CROSSED, b"") if tag == BsonType.ARRAY else _MISSING
        at, end = start, stop
    raise AssertionError("a path without names")


def _elements_at(fields: _Fields, path: Path, interrupt: Interrupt) -> list[Found]:
    """What is at the path in each element of the array in front of EACH; nothing if no array stands there."""
    before, after = path[: path.index(EACH)], path[path.index(EACH) + 1 :]
    at = 0
    for left, name in zip(range(len(before) - 1, -1, -1), before, strict=True):
        assert name is not None
        element = fields.of(at, at + _INT.unpack_from(fields.raw, at)[0]).get(name_bytes(name))
        if element is None or element[0] != (BsonType.OBJECT if left else BsonType.ARRAY):
            return []
        at = element[2]
    end = at + _INT.unpack_from(fields.raw, at)[0]
    found: list[Found] = []
    for tag, _, start, stop in interrupt.watch(elements(fields.raw, at, end)):
        if not after:
            found.append(_checked(tag, fields.raw[start:stop]))
        elif tag == BsonType.OBJECT:
            found.append(_find(fields, start, after))
        else:
            found.append((CROSSED, b"") if tag == BsonType.ARRAY else _MISSING)
    return found


def elements(raw: bytes, at: int, limit: int) -> Iterator[Element]:
    """The elements of the document or array that begins at `at`, in their order.

    limit    where the bytes end that it may take
    errors   InvalidBSON for a length that does not fit, a name that does not end, an unknown type
    """
    if at + 5 > limit:
        raise InvalidBSON("the bytes end within a document")
    end = at + int(_INT.unpack_from(raw, at)[0]) - 1
    if not at + 4 <= end < limit or raw[end]:
        raise InvalidBSON("a document whose length does not fit")
    return elements_between(raw, at + 4, end)


def elements_between(raw: bytes, at: int, end: int) -> Iterator[Element]:
    """The elements from `at` on to the closing NUL at `end`. errors: InvalidBSON, as of `elements`."""
    while at < end:
        name_end = raw.find(b"\0", at + 1, end)
        if name_end < 0:
            raise InvalidBSON("a name that does not end")
        kind, start = raw[at], name_end + 1
        name = raw[at + 1 : name_end]
        size = _FIXED_BYTES.get(kind)
        if size is None:
            size = _size_of_value(raw, kind, start, end)
        at = start + size
        if at > end:
            raise InvalidBSON("a value that does not fit its document")
        yield kind if kind < 128 else kind - 256, name, start, at


def _size_of_value(raw: bytes, kind: int, at: int, end: int) -> int:
    """The bytes of a value whose type has not one size."""
    if kind == BsonType.REGEX:
        pattern_end = raw.find(b"\0", at, end)
        options_end = raw.find(b"\0", pattern_end + 1, end) if pattern_end >= 0 else -1
        if options_end < 0:
            raise InvalidBSON("a regular expression that does not end")
        return options_end + 1 - at
    if kind not in _SIZED:
        raise InvalidBSON(f"unknown type {kind:#04x}")
    if at + 4 > end:
        raise InvalidBSON("the bytes end within a length")
    more, least = _SIZED[kind]
    size: int = _unpack_int(raw, at)[0]
    if size < least:
        raise InvalidBSON("a length that cannot be right")
    return size + more


def _checked(tag: int, value: bytes) -> Found:
    """A wanted value. errors: InvalidBSON for a string without its NUL or a bool that is neither 0 nor 1."""
    if tag == BsonType.STRING:
        if value[-1]:
            raise InvalidBSON("a string that does not end with NUL")
        return tag, value[4:-1]
    if tag == BsonType.BOOL and value[0] > 1:
        raise InvalidBSON(f"a bool of {value[0]}")
    return tag, value


# Columns


def _column(rows: list[list[Found]], is_each: bool, interrupt: Interrupt) -> Column:
    found = [each for row in rows for each in row]
    tags = np.array([tag for tag, _ in found], np.int8)
    slots = {}
    for slot in sorted({slot for tag, _ in found if (slot := slot_of(tag)) is not None}):
        interrupt.check()
        slots[slot] = _array(slot, found)
    facts = _facts(found, max(map(len, rows), default=0) if is_each else 0, interrupt)
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64) if is_each else None
    return Column(tags, slots, facts, offsets)


def _array(slot: str, found: list[Found]) -> Any:
    values = [value if slot_of(tag) == slot else None for tag, value in found]
    mask = np.array([value is not None for value in values])
    present = None if mask.all() else mask
    if slot in (STRING, OTHER):
        return sized_array(slot, values, present)
    if slot == OBJECT_ID:
        contents = b"".join([bytes(12) if value is None else value for value in values])
        return fixed_array(slot, np.frombuffer(contents, np.uint8).reshape(-1, 12), present)
    numbers = [_number(slot, value) for value in values]
    kind = {WHOLE: np.int64, DATE: np.int64, DOUBLE: np.float64, BOOL: np.bool_}[slot]
    return fixed_array(slot, np.array(numbers, kind), present)


def _number(slot: str, value: bytes | None) -> Any:
    if value is None:
        return 0
    if slot == DOUBLE:
        return _DOUBLE.unpack(value)[0]
    return int.from_bytes(value, "little", signed=True)


def _facts(found: list[Found], most_elements: int, interrupt: Interrupt) -> Facts:
    def values(slot: str) -> Iterable[bytes]:
        return (value for tag, value in interrupt.watch(found) if slot_of(tag) == slot)

    whole = [_number(WHOLE, value) for value in values(WHOLE)]
    dates = [_number(DATE, value) for value in values(DATE)]
    doubles = [_number(DOUBLE, value) for value in values(DOUBLE)]
    finite = [each for each in doubles if math.isfinite(each)]
    strings = list(values(STRING))
    return Facts(
        counts=dict(Counter(tag for tag, _ in found)),
        least=min(whole, default=None),
        most=max(whole, default=None),
        first_ms=min(dates, default=None),
        last_ms=max(dates, default=None),
        low=min(finite, default=None),
        high=max(finite, default=None),
        low_bit=min((_low_bit(each) for each in finite if each), default=None),
        has_nan=any(map(math.isnan, doubles)),
        has_infinity=any(map(math.isinf, doubles)),
        has_negative_zero=any(each == 0 and math.copysign(1, each) < 0 for each in doubles),
        is_ascii=all(map(bytes.isascii, strings)),
        is_utf8=all(map(_is_utf8, strings)),
        string_bytes=max(map(len, strings), default=0),
        most_elements=most_elements,
    )


def _low_bit(number: float) -> int:
    """The greatest e for which the number is a multiple of 2**e."""
    numerator, denominator = number.as_integer_ratio()
    return (numerator & -numerator).bit_length() - denominator.bit_length()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
