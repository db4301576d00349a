"""The `_id` key of a stored document, read from its bytes.

A stored document begins with its `_id`. An ObjectId, by far the most frequent kind, is cut out of the bytes; any
other kind is decoded. What the server itself notes down may have none: its key is made of all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import bson
from bson import Binary

from amongo.values.codec import CODEC, decode_foreign, encode
from amongo.values.key_bytes import OBJECT_ID_PREFIX, id_key
from amongo.values.order import Collator

OBJECT_ID_ELEMENT = b"\x07_id\x00"
_NAME = b"_id\x00"
_EMPTY = b"\x05\x00\x00\x00\x00"
_DIGEST_BYTES = 16
_DIGEST_SUBTYPE = 0x80  # the first that is the user's own
_ELEMENT = slice(4, 9)
_OBJECT_ID = slice(9, 21)


def record_key(raw: bytes, collator: Collator | None = None) -> bytes:
    """The key bytes of the `_id` of a stored document, which is its first field.

    collator   that of the collection
    """
    if raw[_ELEMENT] == OBJECT_ID_ELEMENT:
        return OBJECT_ID_PREFIX + raw[_OBJECT_ID]
    if raw[5:9] != _NAME:
        return id_key(Binary(blake2b(raw, digest_size=_DIGEST_BYTES).digest(), _DIGEST_SUBTYPE))
    return id_key(record_id_value(raw), collator)


def record_keys(raws: Sequence[bytes], collator: Collator | None = None) -> list[bytes]:
    """The key bytes of the `_id`s of stored documents of a collection with this collator."""
    return object_id_keys(raws) or [record_key(raw, collator) for raw in raws]


def object_id_keys(raws: Sequence[bytes]) -> list[bytes] | None:
    """The key bytes of the `_id`s of documents if all of them begin with an `_id` that is an ObjectId, else None."""
    keys = [OBJECT_ID_PREFIX + raw[_OBJECT_ID] for raw in raws if raw[_ELEMENT] == OBJECT_ID_ELEMENT]
    return keys if len(keys) == len(raws) else None


def record_id_value(raw: bytes) -> Any:
    """The canonical value of the `_id` of a stored document."""
    size = _first_element_size(raw)
    if size is None:
        return decode_foreign(raw)["_id"]
    return bson.decode(id_document(raw), CODEC)["_id"]


def id_document(raw: bytes) -> bytes:
    """The bytes of {_id} of a stored document; of {} for one without."""
    if raw[5:9] != _NAME:
        return _EMPTY
    size = _first_element_size(raw)
    if size is None:
        return encode({"_id": decode_foreign(raw)["_id"]})
    return (size + 5).to_bytes(4, "little") + raw[4 : 4 + size] + b"\x00"


# Widths of the values whose length does not vary, by type byte: double, ObjectId, bool, date, null, int32, timestamp,
# int64, decimal.
_FIXED_WIDTHS = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0xFF: 0, 0x7F: 0}


def _first_element_size(raw: bytes) -> int | None:
    """The size in bytes of the first element (type, name and value); None for kinds that need the exact decoder."""
    kind = raw[4]
    name_end = raw.index(b"\x00", 5) + 1
    width = _FIXED_WIDTHS.get(kind)
    if width is None:
        length = int.from_bytes(raw[name_end : name_end + 4], "little")
        if kind == 0x02:
            width = 4 + length
        elif kind == 0x05:
            width = 5 + length
        elif kind == 0x03 and b"$ref\x00" not in raw[name_end : name_end + length]:
            width = length
        else:
            return None
    return name_end - 4 + width
