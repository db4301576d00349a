"""Reading some of the top-level fields of documents, without decoding the others.

An aggregation often needs three fields of ten. The C codec decodes all or nothing, and cutting the wanted elements out
to decode those alone costs as much as it saves. But the documents of a collection mostly have the same fields, of the
same types, in the same order: what the first document has taught (`Layout`) is a pattern that tells in one comparison
whether the next one is built alike, and says where its wanted values stand. Numbers that stand side by side are read at
once. A document that is built otherwise teaches another layout; past `READ_LAYOUTS` of them documents are decoded
whole, and so is a document in which anything is unusual.

Every string that is passed over is checked to end where its length says, so that text can never be taken for structure.
Source: the BSON specification, bsonspec.org.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from struct import Struct
from typing import Any, Final, NamedTuple, cast

from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.runtime.limits import LAYOUT_STRING_BYTES, READ_LAYOUTS
from amongo.values.codec import decode
from amongo.values.elements import pack_length

Document = dict[str, Any]
Read = Callable[[bytes], Document]
ReadAll = Callable[[Iterable[bytes]], Iterator[Document]]
Unpack = Callable[[bytes], tuple[Any, ...]]
Post = Callable[[Any], Any]

_unpack_int32 = Struct("<i").unpack_from

# Type byte -> bytes of the value, how `struct` reads it, and what becomes of that; for types of one size.
_FIXED: Final[dict[int, tuple[int, str, Post | None]]] = {
    0x01: (8, "d", None),
    0x07: (12, "12s", ObjectId),
    0x08: (1, "?", None),
    0x09: (8, "q", DatetimeMS),
    0x0A: (0, "0s", lambda _: None),
    0x10: (4, "i", None),
    0x12: (8, "q", Int64),
}
_OTHER_FIXED: Final = {0x11: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_STRING: Final = 0x02
# Type byte -> bytes of the value beyond what the length in front of it says, and the length's own four.
_SIZED: Final = {0x02: 0, 0x03: -4, 0x04: -4, 0x05: 1, 0x0D: 0, 0x0E: 0, 0x0F: -4}

_COMPOSITE_COST: Final = 3.0
_LEARN_AFTER: Final = 100  # to learn a layout takes as long as to decode about so many documents
_WORTH_IT: Final = 0.85  # of the cost of decoding it all, what reading a part may be estimated to cost


class Part(NamedTuple):
    """Wanted values of one group of a pattern.

    unpack   reads them all; None for a string
    posts    what is made of each; None for nothing
    """

    group: int
    names: tuple[str, ...]
    unpack: Unpack | None = None
    posts: tuple[Post | None, ...] | None = None


class Stretch(NamedTuple):
    """Elements that follow one another, told by one pattern, up to one whose length is written in front of it.

    strings   groups that hold a string with its length, of which the first byte says all: the two have to agree
    tail      (name, length of its element's head, extra): a value that is decoded, or passed over where the name is
              empty; it ends by the int32 behind the head and `extra`
    """

    match: Callable[[bytes, int], re.Match[bytes] | None]
    strings: tuple[int, ...]
    parts: tuple[Part, ...]
    tail: tuple[str, int, int] | None


class Layout(NamedTuple):
    """How documents of one shape are read, up to the last wanted field; to the end if some are missing."""

    stretches: tuple[Stretch, ...]
    is_whole: bool


def field_reader(names: Collection[str]) -> Read:
    """What decodes these top-level fields of a document, in the document's order; others may be there as well.

    result   bytes -> a new document
    errors   (when called) InvalidBSON of `bson.errors`
    """
    return _Reader(frozenset(names)).read if names else _read_nothing


def fields_reader(names: Collection[str]) -> ReadAll:
    """Like `field_reader`, for many documents one after the other: quicker for each."""
    return _Reader(frozenset(names)).read_all if names else _read_nothings


def _read_nothing(raw: bytes) -> Document:
    return {}


def _read_nothings(raws: Iterable[bytes]) -> Iterator[Document]:
    return map(_read_nothing, raws)


class _Reader:
    """Reads documents, and learns their layouts."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._layouts = 0
        self._others = 0
        self._first: Read | None = None  # reads all: the first layout itself, what has another by `_unlike_first`
        self._more: list[ReadAlike] = []

    def read(self, raw: bytes) -> Document:
        """The wanted fields of a document."""
        return self._unlike_first(raw) if self._first is None else self._first(raw)

    def read_all(self, raws: Iterable[bytes]) -> Iterator[Document]:
        """The wanted fields of documents."""
        left = iter(raws)
        for raw in left:
            yield self.read(raw)
            if self._first is not None:
                yield from map(self._first, left)

    def _unlike_first(self, raw: bytes) -> Document:
        """Read a document that does not have the first layout that was learned."""
        for read_alike in self._more:
            found = read_alike(raw)
            if found is not None:
                return found
        document = decode(raw)
        self._others += 1
        if self._others > _LEARN_AFTER and self._layouts < READ_LAYOUTS:
            self._layouts += 1
            self._learn(raw, document)
        return document

    def _learn(self, raw: bytes, document: Document) -> None:
        layout = find_layout(raw, self._wanted)
        if layout is None or not layout.stretches:
            return
        if _reading_cost(layout, document, self._wanted) >= _WORTH_IT * _decoding_cost(document):
            return
        if self._first is None:
            self._first = cast(Read, _bind(layout, self._unlike_first))
        else:
            self._more.append(_bind(layout, _unread))


ReadAlike = Callable[[bytes], Document | None]


def _unread(raw: bytes) -> Document | None:
    return None


def _bind(layout: Layout, otherwise: ReadAlike) -> ReadAlike:
    """What reads the wanted fields of documents of a layout.

    otherwise   what is asked for documents of others
    """
    (first, *more), is_whole = layout
    place, names, unpack, posts = first.parts[0] if len(first.parts) == 1 else Part(0, ())
    if more or is_whole or first.tail is not None or unpack is None:

        def read_any(raw: bytes) -> Document | None:
            found = _read(raw, layout)
            return otherwise(raw) if found is None else found

        return read_any
    match, strings, build = first.match, first.strings, _builder(names, unpack)
    made = [(name, post) for name, post in zip(names, posts or (), strict=False) if post is not None]

    def read(raw: bytes) -> Document | None:
        """`_read` for the commonest case: numbers that stand side by side."""
        found = match(raw, 4)
        if found is None:
            return otherwise(raw)
        groups = found.groups()
        for group in strings:
            if (text := groups[group])[0] != len(text) - 3:
                return otherwise(raw)
        result = build(groups[place])
        for name, post in made:
            result[name] = post(result[name])
        return result

    return read


def _builder(names: tuple[str, ...], unpack: Unpack) -> Callable[[bytes], Document]:
    """What makes a document of the bytes of some values; by hand for few, which is the usual case."""
    if len(names) == 1:
        (one,) = names
        return lambda values: {one: unpack(values)[0]}
    if len(names) == 2:
        one, two = names

        def build_two(values: bytes) -> Document:
            first, second = unpack(values)
            return {one: first, two: second}

        return build_two
    if len(names) == 3:
        one, two, three = names

        def build_three(values: bytes) -> Document:
            first, second, third = unpack(values)
            return {one: first, two: second, three: third}

        return build_three
    return lambda values: dict(zip(names, unpack(values), strict=True))


def _read(raw: bytes, layout: Layout) -> Document | None:
    """The wanted fields of a document; None if it has another layout."""
    result: Document = {}
    at = 4
    for match, strings, parts, tail in layout.stretches:
        found = match(raw, at)
        if found is None:
            return None
        groups = found.groups()
        for group in strings:
            if (text := groups[group])[0] != len(text) - 3:
                return None
        for group, names, unpack, posts in parts:
            if unpack is None:
                result[names[0]] = groups[group][4:].decode()
            elif posts is None:
                result.update(zip(names, unpack(groups[group]), strict=True))
            else:
                for name, value, post in zip(names, unpack(groups[group]), posts, strict=True):
                    result[name] = value if post is None else post(value)
        at = found.end()
        if tail is not None:
            name, head, extra = tail
            end = at + 4 + _unpack_int32(raw, at)[0] + extra
            if name:
                element = raw[at - head : end]
                result.update(decode(b"%b%b\0" % (pack_length(len(element) + 5), element)))
            at = end
    return None if layout.is_whole and at != len(raw) - 1 else result


def _decoding_cost(value: Any) -> float:
    """What the codec needs for a value, in units of what it needs for a small number; measured."""
    kind = type(value)
    if kind is dict:
        return _COMPOSITE_COST + sum(map(_decoding_cost, value.values()))
    if kind is list:
        return _COMPOSITE_COST + sum(map(_decoding_cost, value))
    if kind is str:
        return 1.5
    return 1.0 if kind is int or kind is float or kind is bool or value is None else 3.0


def _reading_cost(layout: Layout, document: Document, wanted: frozenset[str]) -> float:
    """What reading the wanted fields costs, in the same units."""
    cost = 9.0
    for stretch in layout.stretches:
        cost += 2 * len(stretch.strings) + (4 if stretch.tail is not None else 0)
    for name in wanted & document.keys():
        own = _decoding_cost(document[name])
        cost += own + (1 if own <= 3 else 6)
    return cost


def find_layout(raw: bytes, wanted: frozenset[str]) -> Layout | None:
    """The layout of a document, as far as it is needed to read these fields; None if there are elements in the way
    whose size is not known beforehand (regular expressions, DBPointers), or whose names are not text."""
    missing = {name.encode() for name in wanted}
    stretches: list[Stretch] = []
    builder = _Builder()
    at, end = 4, len(raw) - 1
    while at < end and missing:
        value_at = raw.index(0, at + 1) + 1
        kind, signature = raw[at], raw[at:value_at]
        is_wanted = signature[1:-1] in missing
        missing.discard(signature[1:-1])
        if kind in _FIXED:
            builder.add_fixed(signature, kind, is_wanted=is_wanted)
            at = value_at + _FIXED[kind][0]
        elif kind in _OTHER_FIXED and not is_wanted:
            builder.add_passed(signature, _OTHER_FIXED[kind])
            at = value_at + _OTHER_FIXED[kind]
        elif kind in _SIZED:
            at = value_at + 4 + _unpack_int32(raw, value_at)[0] + _SIZED[kind]
            if kind == _STRING and at - value_at <= LAYOUT_STRING_BYTES and raw.find(0, value_at + 4, at - 1) < 0:
                builder.add_string(signature, is_wanted=is_wanted)
            else:
                stretches.append(builder.stretch(signature, _SIZED[kind], is_wanted=is_wanted))
                builder = _Builder()
        else:
            return None
    if builder.source:
        stretches.append(builder.stretch(None, 0, is_wanted=False))
    return Layout(tuple(stretches), bool(missing))


class _Builder:
    """The pattern of one stretch, as it grows. Wanted values of one size share a group while no string parts them."""

    def __init__(self) -> None:
        self.source = b""
        self.strings: list[int] = []
        self.parts: list[Part] = []
        self._group_count = 0
        self._open = b""  # the pattern of a group of fixed values that is still open, behind its parenthesis
        self._passed = b""  # what follows its last wanted value so far,
        self._passed_bytes = 0  # and how long that is
        self._format = "<"
        self._names: list[str] = []
        self._posts: list[Post | None] = []

    def add_fixed(self, signature: bytes, kind: int, *, is_wanted: bool) -> None:
        """Add an element of a kind that has one size."""
        size, form, post = _FIXED[kind]
        if not is_wanted:
            self.add_passed(signature, size)
            return
        if self._names:
            self._open += self._passed + re.escape(signature)
            self._format += f"{self._passed_bytes + len(signature)}x"
        else:
            self.source += self._passed + re.escape(signature)
        self._passed, self._passed_bytes = b"", 0
        self._open += b".{%d}" % size
        self._format += form
        self._names.append(signature[1:-1].decode())
        self._posts.append(post)

    def add_passed(self, signature: bytes, size: int) -> None:
        """Add an element of one size that is passed over."""
        self._passed += re.escape(signature) + b".{%d}" % size
        self._passed_bytes += len(signature) + size

    def add_string(self, signature: bytes, *, is_wanted: bool) -> None:
        """Add a short string: its length fits in one byte."""
        self._close()
        self.source += re.escape(signature) + rb"(.\0\0\0[^\0]*)\0"
        self.strings.append(self._group_count)
        if is_wanted:
            self.parts.append(Part(self._group_count, (signature[1:-1].decode(),)))
        self._group_count += 1

    def _close(self) -> None:
        if self._names:
            self.source += b"(" + self._open + b")"
            posts = tuple(self._posts) if any(self._posts) else None
            unpack = Struct(self._format).unpack
            self.parts.append(Part(self._group_count, tuple(self._names), unpack, posts))
            self._group_count += 1
            self._open, self._format, self._names, self._posts = b"", "<", [], []
        self.source += self._passed
        self._passed, self._passed_bytes = b"", 0

    def stretch(self, signature: bytes | None, extra: int, *, is_wanted: bool) -> Stretch:
        """The stretch, ended by an element of this signature, or by nothing."""
        self._close()
        tail = None
        if signature is not None:
            self.source += re.escape(signature)
            tail = (signature[1:-1].decode() if is_wanted else "", len(signature), extra)
        match = re.compile(self.source, re.DOTALL).match
        return Stretch(match, tuple(self.strings), tuple(self.parts), tail)
