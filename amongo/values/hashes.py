"""The 64-bit hash of a value, as hashed indexes and hashed sharding use it. Source: manual, Hashed Indexes,
$toHashedIndexKey."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bson import Code, Int64

from amongo.values.codec import encode
from amongo.values.missing import MISSING
from amongo.values.numbers import LONG_MAX, LONG_MIN, truncated_integer
from amongo.values.order import canonical_class
from amongo.values.types import is_number

_VALUE: Final = slice(6, -1)  # of a document with one field, whose name is empty
_pack_class: Final[Callable[[int], bytes]] = struct.Struct("<i").pack
_pack_long: Final[Callable[[int], bytes]] = struct.Struct("<q").pack
_SEED: Final = _pack_class(0)


def hashed_value(value: Any) -> Int64:
    """The hash of a value in a hashed index; numbers that are equal after being cut to integers have one hash.

    source   manual, $toHashedIndexKey
    """
    digest = hashlib.md5(_SEED + b"".join(_pieces(None if value is MISSING else value)), usedforsecurity=False)
    return Int64(int.from_bytes(digest.digest()[:8], "little", signed=True))


def _pieces(value: Any, name: bytes = b"") -> Iterator[bytes]:
    """What is hashed of a value: its class, the name of an inner field, its content."""
    yield _pack_class(canonical_class(value)) + name
    kind = type(value)
    if is_number(value):
        yield _pack_long(_whole(value))
    elif kind is dict:
        yield from _inner_pieces(value.items())
    elif kind is list:
        yield from _inner_pieces((str(place), each) for place, each in enumerate(value))
    elif kind is Code and value.scope is not None:
        yield str(value).encode() + b"\0"
        yield from _inner_pieces(value.scope.items())
    else:
        yield encode({"": value})[_VALUE]


def _inner_pieces(fields: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    for name, value in fields:
        yield from _pieces(value, name.encode() + b"\0")
    yield _pack_class(0)


def _whole(value: Any) -> int:
    """A number as int64; a double that is none becomes the smallest, as processors convert it."""
    if type(value) is float and not LONG_MIN <= value < LONG_MAX:
        return LONG_MIN
    return truncated_integer(value)
