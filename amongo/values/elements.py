"""The top-level elements of a BSON document, found and written in its bytes.

An update of two numbers in a document of ten fields needs to know where the two stand, not what the others hold. Where
they stand depends on the lengths of what comes before, which BSON writes in front of each value; so the documents of a
collection, which mostly have the same fields in the same order, are walked with what the last one has taught: runs of
elements whose sizes do not vary are compared at once. A document that differs is walked element by element.

Source: the BSON specification, bsonspec.org.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple

from bson import Int64, ObjectId

from amongo.runtime.limits import LAYOUT_STRING_BYTES

_INT32: Final = Struct("<i")
_INT64: Final = Struct("<q")
_DOUBLE: Final = Struct("<d")
_unpack_int32 = _INT32.unpack_from
pack_length = _INT32.pack
"""int -> the four bytes in front of a document."""

FIXED_BYTES: Final = {
    0x01: 8,
    0x07: 12,
    0x08: 1,
    0x09: 8,
    0x0A: 0,
    0x10: 4,
    0x11: 8,
    0x12: 8,
    0x13: 16,
    0x7F: 0,
    0xFF: 0,
}
"""Type byte -> bytes of the value, for types of one size."""
_STRING: Final = 0x02
# Type byte -> bytes of the value beyond what the length in front of it says, and the length's own four.
_SIZED: Final = {0x02: 0, 0x03: -4, 0x04: -4, 0x05: 1, 0x0D: 0, 0x0E: 0, 0x0F: -4}


Place = tuple[int, int]
"""(where an element begins, where it ends) in a document's bytes."""


class Run(NamedTuple):
    """Elements that follow one another, told by one pattern: values of one size, short strings, and at the end perhaps
    a value of another kind.

    match     the pattern
    strings   groups of it: a string's length and text, which have to agree
    wanted    (group of an element, position of its name among those asked for)
    extra     the last value is longer than the pattern's end, by the int32 before that and this; None if it is not
    counted   (group, position) of the last element, if it has an `extra` and is wanted
    """

    match: Callable[[bytes, int], re.Match[bytes] | None]
    strings: tuple[int, ...]
    wanted: tuple[tuple[int, int], ...]
    extra: int | None
    counted: tuple[int, int] | None


class Layout(NamedTuple):
    """The elements of a document up to the last that was asked for; all of them if some are missing."""

    runs: tuple[Run, ...]
    is_whole: bool


def find_layout(raw: bytes, names: Sequence[str]) -> Layout | None:
    """The layout of a document, as far as it is needed to find these fields; None if there are elements in the way
    whose size is not written in front of them (regular expressions, DBPointers)."""
    missing = {name.encode(): position for position, name in enumerate(names)}
    runs: list[Run] = []
    pattern = _Pattern()
    at, end = 4, len(raw) - 1
    while at < end and missing:
        value_at = raw.index(0, at + 1) + 1
        kind, signature = raw[at], raw[at:value_at]
        position = missing.pop(signature[1:-1], None)
        if kind in FIXED_BYTES:
            pattern.add(signature, b".{%d}" % FIXED_BYTES[kind], position)
            at = value_at + FIXED_BYTES[kind]
            continue
        if kind not in _SIZED:
            return None
        at = value_at + 4 + _unpack_int32(raw, value_at)[0] + _SIZED[kind]
        if kind == _STRING and at - value_at <= LAYOUT_STRING_BYTES and raw.find(0, value_at + 4, at - 1) < 0:
            pattern.add(signature, rb"(.{4}[^\0]*)\0", position)
        else:
            pattern.add(signature, b".{4}", position)
            runs.append(pattern.run(_SIZED[kind], is_wanted=position is not None))
            pattern = _Pattern()
    if pattern.source:
        runs.append(pattern.run(None, is_wanted=False))
    return Layout(tuple(runs), bool(missing))


class _Pattern:
    """The pattern of one run, as it grows."""

    def __init__(self) -> None:
        self.source = b""
        self.group_count = 0
        self.strings: list[int] = []
        self.wanted: list[tuple[int, int]] = []

    def add(self, signature: bytes, value: bytes, position: int | None) -> None:
        """Add an element; `value` has a group if it is a string."""
        element = re.escape(signature) + value
        if position is not None:
            self.group_count += 1
            self.wanted.append((self.group_count, position))
            element = b"(" + element + b")"
        if b"(" in value:
            self.group_count += 1
            self.strings.append(self.group_count)
        self.source += element

    def run(self, extra: int | None, *, is_wanted: bool) -> Run:
        """The run, whose last element has this `extra`."""
        counted = self.wanted.pop() if is_wanted else None
        match = re.compile(self.source, re.DOTALL).match
        return Run(match, tuple(self.strings), tuple(self.wanted), extra, counted)


def locate(raw: bytes, layout: Layout, places: list[Place | None]) -> bool:
    """Find the elements that a layout was made for in a document; False if the document has another layout.

    places   one None for each name; filled in for those that are there
    """
    at = 4
    for match, strings, wanted, extra, counted in layout.runs:
        found = match(raw, at)
        if found is None:
            return False
        spans = found.regs
        for group in strings:
            start, end = spans[group]
            if _unpack_int32(raw, start)[0] != end - start - 3:
                return False
        for group, position in wanted:
            places[position] = spans[group]
        at = spans[0][1]
        if extra is not None:
            at += _unpack_int32(raw, at - 4)[0] + extra
            if counted is not None:
                places[counted[1]] = spans[counted[0]][0], at
    return not layout.is_whole or at == len(raw) - 1


def find_places(raw: bytes, names: Sequence[bytes], places: list[Place | None]) -> bool:
    """Find elements by a walk from one to the next, the first of each name; False if there are elements in the way
    whose size is not written in front of them.

    names    as they stand in the bytes
    places   one None for each name; filled in for those that are there
    """
    missing = {name: position for position, name in enumerate(names)}
    at, end = 4, len(raw) - 1
    while at < end and missing:
        name_end = raw.index(0, at + 1)
        kind, start, position = raw[at], at, missing.pop(raw[at + 1 : name_end], None)
        at = name_end + 1
        if kind in FIXED_BYTES:
            at += FIXED_BYTES[kind]
        elif kind in _SIZED:
            at += 4 + _unpack_int32(raw, at)[0] + _SIZED[kind]
        else:
            return False
        if position is not None:
            places[position] = start, at
    return True


READERS: Final[dict[int, Callable[[bytes, int], Any]]] = {
    0x10: lambda raw, at: _unpack_int32(raw, at)[0],
    0x12: lambda raw, at: Int64(_INT64.unpack_from(raw, at)[0]),
    0x01: lambda raw, at: _DOUBLE.unpack_from(raw, at)[0],
}
"""Type byte of a number -> what reads one, given the document and where the value begins."""


PACKERS: Final[dict[type, tuple[bytes, Callable[[Any], bytes]]]] = {
    int: (b"\x10", _INT32.pack),
    Int64: (b"\x12", _INT64.pack),
    float: (b"\x01", _DOUBLE.pack),
}
"""Type of a number -> (type byte, what packs the value): what `WRITERS` has for it, in two parts."""


def _write_string(name: bytes, value: str) -> bytes:
    text = value.encode()
    return b"\x02" + name + _INT32.pack(len(text) + 1) + text + b"\x00"


WRITERS: Final[dict[type, Callable[[bytes, Any], bytes]]] = {
    int: lambda name, value: b"\x10" + name + _INT32.pack(value),
    Int64: lambda name, value: b"\x12" + name + _INT64.pack(value),
    float: lambda name, value: b"\x01" + name + _DOUBLE.pack(value),
    bool: lambda name, value: b"\x08" + name + (b"\x01" if value else b"\x00"),
    str: _write_string,
    ObjectId: lambda name, value: b"\x07" + name + value.binary,
    type(None): lambda name, value: b"\x0a" + name,
}
"""Type of a canonical scalar -> what writes an element, given its name with the NUL behind it, and the value."""
