"""The key of a document in the commonest indexes, cut out of its bytes.

An index of top-level fields that are no arrays has one key for a document: the values of its fields, one after the
other. To decode a document for them costs more than all else that an insert does; but BSON has the values nearly as
key bytes have them. The documents of a collection mostly have the same fields in the same order, so where the values
stand is looked up with what an earlier document has taught (`values.elements`); a document that is built otherwise is
walked.

What is cut is decided by the bytes alone: the first element of each name counts, and where that is an array, a
document or of another type that has no short way, None says that the document has to be decoded. So the key that a
document has on its way out is the one that it had on its way in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from struct import Struct
from typing import Final, NamedTuple

from bson import Int64

from amongo.runtime.limits import LAYOUT_STRING_BYTES, READ_LAYOUTS
from amongo.values.elements import FIXED_BYTES, Layout, Place, find_layout, find_places, locate
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.key_values import DOUBLE_TYPE, INT64_TYPE, NOT_KEPT, type_bits

Cut = Callable[[bytes], tuple[bytes, bytes] | tuple[()] | None]
"""A document's bytes -> (its one key, type bits); () for no key; None where the document has to be decoded."""

Convert = Callable[[bytes], tuple[bytes, bytes] | None]
"""The bytes of a value -> (key, type bits); None where its document has to be decoded."""

_LENGTH: Final = -2
_LEARN_AFTER: Final = 8  # documents of an unknown layout are walked before one more layout is learned

_unpack_int32 = Struct("<i").unpack_from
_unpack_int64 = Struct("<q").unpack
_unpack_double = Struct("<d").unpack
_unpack_two = Struct("<II").unpack
_pack_number = Struct(">BdB").pack
_pack_date = Struct(">BQ").pack
_pack_timestamp = Struct(">BII").pack
_NULL: Final = (b"\x0f", b"")
_FALSE: Final = (b"\x37", b"")
_TRUE: Final = (b"\x38", b"")
_EXACT: Final = 2**53
_STRING: Final = 0x02
_TEXT: Final = -1  # a string that a pattern has found: without its length, with its zero, and with no other
_NULL_KIND: Final = 0x0A
_INT32_KIND: Final = 0x10


def _int32(value: bytes) -> tuple[bytes, bytes]:
    number = _unpack_int32(value)[0]
    return (_pack_number(0x16, number, 0) if number > 0 else key_bytes(number)), b""


def _int64(value: bytes) -> tuple[bytes, bytes]:
    number = _unpack_int64(value)[0]
    return (_pack_number(0x16, number, 0) if 0 < number <= _EXACT else key_bytes(Int64(number))), INT64_TYPE


def _double(value: bytes) -> tuple[bytes, bytes]:
    number = _unpack_double(value)[0]
    if number > 0:
        return _pack_number(0x16, number, 0), DOUBLE_TYPE
    return key_bytes(number), type_bits((number,))


def _string(value: bytes) -> tuple[bytes, bytes]:
    return b"\x1e%b\0\0" % value[4:-1].replace(b"\0", b"\0\xff"), b""


def _text(value: bytes) -> tuple[bytes, bytes]:
    return b"\x1e%b\0" % value, b""


def _object_id(value: bytes) -> tuple[bytes, bytes]:
    return b"\x32" + value, b""


def _bool(value: bytes) -> tuple[bytes, bytes]:
    return _TRUE if value[0] else _FALSE


def _date(value: bytes) -> tuple[bytes, bytes]:
    return _pack_date(0x3C, _unpack_int64(value)[0] + 2**63), b""


def _null(value: bytes) -> tuple[bytes, bytes]:
    return _NULL


def _timestamp(value: bytes) -> tuple[bytes, bytes]:
    increment, time = _unpack_two(value)
    return _pack_timestamp(0x41, time, increment), b""


_CONVERTERS: Final[Mapping[int, Convert]] = {
    0x01: _double,
    _STRING: _string,
    _TEXT: _text,
    0x07: _object_id,
    0x08: _bool,
    0x09: _date,
    _NULL_KIND: _null,
    _INT32_KIND: _int32,
    0x11: _timestamp,
    0x12: _int64,
}

_Made = tuple[bytes, bytes] | tuple[()] | None
_Way = Callable[[bytes], "_Made | bool"]
"""A layout's way to cut: False for a document of another layout."""


_Pattern = tuple[
    Callable[[bytes, int], "re.Match[bytes] | None"], tuple[int, ...], Convert | None, tuple[tuple[int, int], ...]
]
"""(match, texts, convert, order): one pattern that tells whether a document is built as another was, and has what is
needed as its groups: the strings on the way, each as two groups, its length, which must be right, and its text with the
zero; and the values.

match     the pattern
texts     where the strings' first groups are
convert   of an index of one field, whose value is the last group: what makes its key; None for a string
order     (type byte, group) of each field in turn
"""


class _Head(NamedTuple):
    """How documents begin: with elements of one size each, then strings, if any, then the one field of an index.

    heads     of a document, the type bytes and names of all these up to the first string, or to the field
    wanted    these in such a document
    start     where the value of the last of them begins
    behind    for each string in front of the field, type byte and name of what follows it, and how long both are
    size      of the field's value
    convert   what makes its key; None for a string
    """

    heads: Callable[[bytes], object]
    wanted: object
    start: int
    behind: tuple[tuple[bytes, int], ...]
    size: int
    convert: Convert | None


def bind_cut(names: Sequence[str], directions: Sequence[int], *, is_sparse: bool) -> Cut:
    """What cuts the key of an index of top-level fields out of documents.

    names        of the fields, without dots
    directions   1 or -1 for each
    is_sparse    documents that have none of the fields have no key
    """
    is_one = len(names) == 1  # its key is made ascending, and then turned round if need be
    form = _Form(tuple(name.encode() for name in names), (1,) if is_one else tuple(directions), is_sparse)
    beginnings: list[_Head] = []
    patterns: list[_Pattern] = []
    ways: list[_Way] = []
    unknown = 0

    def cut_otherwise(raw: bytes) -> _Made:
        """`cut` for a document that fits no pattern."""
        nonlocal unknown
        for way in ways:
            made = way(raw)
            if made is not False:
                return made  # type: ignore[return-value]
        places: list[Place | None] = [None] * len(names)
        if not find_places(raw, form.names, places):
            return None
        unknown += 1
        if unknown > _LEARN_AFTER and len(beginnings) + len(patterns) + len(ways) < READ_LAYOUTS:
            unknown = 0
            if is_one and (beginning := _beginning(raw, form.names[0])) is not None:
                beginnings.append(beginning)
            elif (pattern := _pattern(raw, form)) is not None:
                patterns.append(pattern)
            elif (found := _way_of_places(raw, names, form)) is not None:
                ways.append(found)
        return form.key(raw, places)

    if is_one:
        return _bind_one(beginnings, patterns, cut_otherwise, directions[0] > 0)
    return _bind_several(patterns, cut_otherwise, form)


def _bind_one(beginnings: list[_Head], patterns: list[_Pattern], cut_otherwise: Cut, is_ascending: bool) -> Cut:
    """The cut of the one field of an index; its value is the last group of a pattern."""

    def cut(raw: bytes) -> _Made:
        for heads, wanted, at, behind, size, convert in beginnings:
            if heads(raw) != wanted:
                continue
            for head, head_size in behind:
                at += 4 + _unpack_int32(raw, at)[0]
                if raw[at : at + head_size] != head:
                    break
                at += head_size
            else:
                if convert is not None:
                    return convert(raw[at : at + size])
                text = raw[at + 4 : at + 3 + _unpack_int32(raw, at)[0]]
                if 0 not in text:
                    return b"\x1e%b\0\0" % text, b""
        for match, texts, convert, _ in patterns:
            found = match(raw, 4)
            if found is None:
                continue
            groups = found.groups()
            for at in texts:
                if _unpack_int32(groups[at])[0] != len(groups[at + 1]):
                    break
            else:
                return (b"\x1e%b\0" % groups[-1], b"") if convert is None else convert(groups[-1])
        return cut_otherwise(raw)

    def cut_descending(raw: bytes) -> _Made:
        made = cut(raw)
        return (descending(made[0]), made[1]) if made else made

    return cut if is_ascending else cut_descending


def _bind_several(patterns: list[_Pattern], cut_otherwise: Cut, form: _Form) -> Cut:
    """The cut of several fields."""

    def cut(raw: bytes) -> _Made:
        for match, texts, _, order in patterns:
            found = match(raw, 4)
            if found is None:
                continue
            groups = found.groups()
            for at in texts:
                if _unpack_int32(groups[at])[0] != len(groups[at + 1]):
                    break
            else:
                return form.joined([(kind, groups[at]) for kind, at in order])
        return cut_otherwise(raw)

    return cut


class _Form(NamedTuple):
    """The form of an index's keys."""

    names: tuple[bytes, ...]
    directions: tuple[int, ...]
    is_sparse: bool

    def key(self, raw: bytes, places: Sequence[Place | None]) -> _Made:
        """The key of a document, whose fields stand at these places."""
        if self.is_sparse and not any(places):
            return ()
        values: list[tuple[int, bytes]] = []
        for place, name in zip(places, self.names, strict=True):
            if place is None:
                values.append((_NULL_KIND, b""))
            else:
                start, end = place
                values.append((raw[start], raw[start + len(name) + 2 : end]))
        return self.joined(values)

    def joined(self, values: Sequence[tuple[int, bytes]]) -> _Made:
        """The key of values, each given as its type byte and its bytes."""
        keys: list[bytes] = []
        types: list[bytes] = []
        for (kind, value), direction in zip(values, self.directions, strict=True):
            convert = _CONVERTERS.get(kind)
            found = None if convert is None else convert(value)
            if found is None or found[1] == NOT_KEPT:
                return None
            keys.append(found[0] if direction > 0 else descending(found[0]))
            if found[1] or kind == _INT32_KIND:
                types.append(found[1] or b"\0")
        return b"".join(keys), b"".join(types).rstrip(b"\0")


def _way_of_places(raw: bytes, names: Sequence[str], form: _Form) -> _Way | None:
    """The way to cut documents that are built as this one is, whatever that is."""
    layout: Layout | None = find_layout(raw, names)
    if layout is None or not layout.runs:
        return None
    found: Layout = layout

    def cut(raw: bytes) -> _Made | bool:
        places: list[Place | None] = [None] * len(names)
        return form.key(raw, places) if locate(raw, found, places) else False

    return cut


def _beginning(raw: bytes, name: bytes) -> _Head | None:
    """How documents begin that are built as this one is; None where something else comes before the field, or its value
    has no short way."""
    places: list[slice] = []
    behind: list[tuple[bytes, int]] = []
    start, at, end = 0, 4, len(raw) - 1
    while at < end:
        value_at = raw.index(0, at + 1) + 1
        kind = raw[at]
        if start:
            behind.append((raw[at:value_at], value_at - at))
        else:
            places.append(slice(at, value_at))
        is_field = raw[at + 1 : value_at - 1] == name
        if kind == _STRING:
            start = start or value_at
            at = value_at + 4 + _unpack_int32(raw, value_at)[0]
            if is_field and raw.find(0, value_at + 4, at - 1) >= 0:
                return None
        elif kind in FIXED_BYTES and (is_field or not start):
            at = value_at + FIXED_BYTES[kind]
        else:
            return None
        if is_field:
            if kind not in _CONVERTERS:
                return None
            heads, convert = itemgetter(*places), None if kind == _STRING else _CONVERTERS[kind]
            return _Head(heads, heads(raw), start or value_at, tuple(behind), FIXED_BYTES.get(kind, 0), convert)
    return None


def _pattern(raw: bytes, form: _Form) -> _Pattern | None:
    """The pattern of documents that are built as this one is; None where a field is missing, or something in front of
    one needs to be leapt over."""
    source = b""
    roles: list[int] = []  # of each group: the position of the field; or that it is a length, or something on the way
    kinds: dict[int, int] = {}
    at, end = 4, len(raw) - 1
    while at < end and len(kinds) < len(form.names):
        name_end = raw.index(0, at + 1)
        kind, name, value_at = raw[at], raw[at + 1 : name_end], name_end + 1
        position = form.names.index(name) if name in form.names else -1
        source += re.escape(raw[at:value_at])
        if kind in FIXED_BYTES:
            size = FIXED_BYTES[kind]
            source += (b".{%d}" if position < 0 else b"(.{%d})") % size
            at = value_at + size
        elif kind == _STRING:
            at = value_at + 4 + _unpack_int32(raw, value_at)[0]
            if at - value_at > LAYOUT_STRING_BYTES or raw.find(0, value_at + 4, at - 1) >= 0:
                return None
            source += rb"(.{4})([^\0]*\0)"
            roles.append(_LENGTH)
        else:
            return None
        if kind == _STRING or position >= 0:
            roles.append(position)
        if position >= 0:
            if kind not in _CONVERTERS:
                return None
            kinds[position] = _TEXT if kind == _STRING else kind
    if len(kinds) < len(form.names):
        return None
    match = re.compile(source, re.DOTALL).match
    texts = tuple(at for at, role in enumerate(roles) if role == _LENGTH)
    order = tuple((kinds[position], roles.index(position)) for position in range(len(kinds)))
    return match, texts, None if kinds[0] == _TEXT else _CONVERTERS[kinds[0]], order
