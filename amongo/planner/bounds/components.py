"""Where the keys of single values end in the key of an index. The layout is that of `values.key_bytes`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_END: Final = b"\x00"
_INVERTED_END: Final = b"\xff"

_FIXED: Final = {
    0x01: 1,  # MinKey
    0x0A: 1,  # missing
    0x0F: 1,  # null
    0x14: 1,  # NaN
    0x32: 13,  # ObjectId
    0x37: 1,
    0x38: 1,
    0x3C: 9,  # date
    0x41: 9,  # timestamp
    0xF0: 1,  # MaxKey
}
"""First byte -> length, of what has always the same length."""

_NEGATIVE: Final = 0x15
_POSITIVE: Final = 0x16
_STRING: Final = 0x1E
_OBJECT: Final = 0x23
_ARRAY: Final = 0x28
_BINARY: Final = 0x2D
_REGEX: Final = 0x46
_DB_POINTER: Final = 0x4B
_CODE: Final = 0x50
_CODE_WITH_SCOPE: Final = 0x55

_DIGITS_AT: Final = 12  # in the key of a number that no double holds
_NUMBER_BYTES: Final = 10  # of the key of any other
_LENGTH_BYTES: Final = 4
_ID_BYTES: Final = 12


def component_end(key: bytes, at: int, *, is_inverted: bool = False) -> int:
    """Where the key of the value ends that begins at a place.

    is_inverted   the field descends: its bytes are inverted
    errors        ValueError where no value's key begins
    """
    flip = 0xFF if is_inverted else 0
    first = key[at] ^ flip
    length = _FIXED.get(first)
    if length is not None:
        return at + length
    measure = _MEASURES.get(first)
    if measure is None:
        raise ValueError(f"no key of a value begins at {at}")
    return measure(key, at + 1, flip)


def _number_end(key: bytes, at: int, flip: int) -> int:
    """Behind the first byte: eight bytes, then 00, or 01 and more up to 00."""
    if key[at + 8] == flip:
        return at + _NUMBER_BYTES - 1
    return key.index(_INVERTED_END if flip else _END, at + _DIGITS_AT - 1) + 1


def _negative_end(key: bytes, at: int, flip: int) -> int:
    return _number_end(key, at, flip ^ 0xFF)


def _text_end(key: bytes, at: int, flip: int) -> int:
    """Two bytes 00; a byte 00 in the text has FF behind it."""
    end = _INVERTED_END if flip else _END
    place = key.index(end, at)
    while key[place + 1] != flip:
        place = key.index(end, place + 2)
    return place + 2


def _object_end(key: bytes, at: int, flip: int) -> int:
    while key[at] != flip:
        at = _text_end(key, at + 1, flip)
        at = component_end(key, at, is_inverted=bool(flip))
    return at + 1


def _array_end(key: bytes, at: int, flip: int) -> int:
    while key[at] != flip:
        at = component_end(key, at, is_inverted=bool(flip))
    return at + 1


def _binary_end(key: bytes, at: int, flip: int) -> int:
    """Its length, of which subtype 2 counts four bytes more; the subtype; the content."""
    behind_subtype = at + _LENGTH_BYTES + 1
    length, subtype = _length(key, at, flip), key[behind_subtype - 1] ^ flip
    return behind_subtype + length - (4 if subtype == 2 else 0)


def _pointer_end(key: bytes, at: int, flip: int) -> int:
    return at + _LENGTH_BYTES + _length(key, at, flip) + _ID_BYTES


def _length(key: bytes, at: int, flip: int) -> int:
    length = int.from_bytes(key[at : at + _LENGTH_BYTES])
    return length ^ 0xFFFFFFFF if flip else length


def _regex_end(key: bytes, at: int, flip: int) -> int:
    return _text_end(key, _text_end(key, at, flip), flip)


def _scoped_end(key: bytes, at: int, flip: int) -> int:
    return component_end(key, _text_end(key, at, flip), is_inverted=bool(flip))


_MEASURES: Final[dict[int, Callable[[bytes, int, int], int]]] = {
    _NEGATIVE: _negative_end,
    _POSITIVE: _number_end,
    _STRING: _text_end,
    _OBJECT: _object_end,
    _ARRAY: _array_end,
    _BINARY: _binary_end,
    _REGEX: _regex_end,
    _DB_POINTER: _pointer_end,
    _CODE: _text_end,
    _CODE_WITH_SCOPE: _scoped_end,
}
