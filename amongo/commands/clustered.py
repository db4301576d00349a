"""Clustered collections: their option, the keys of their records, and what the server says of a duplicate.

The records of a clustered collection lie in the order of their `_id`s, under keys made of these. There is no index on
`_id` beside them. Source: manual, Clustered Collections.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Binary, Decimal128, Int64

from amongo.commands.fields import Field, parse_fields
from amongo.engine.indexes import ID_INDEX_NAME
from amongo.engine.records import Collection, record_id_value
from amongo.errors import ServerError
from amongo.errors import capped as errors
from amongo.errors import command as command_errors
from amongo.runtime.limits import RECORD_KEY_BYTES
from amongo.values.order import equal

_FIELDS: Final = {
    "key": Field("object", required=True),
    "unique": Field("flag", required=True),
    "v": Field("integer", default=2),
    "name": Field("string"),
}
_KEY: Final = {"_id": 1}

SAFE_BYTES: Final = RECORD_KEY_BYTES // 2
"""The `_id` of a document up to this size is never too large: in a key, a NUL takes two bytes."""

_LARGE: Final = 2.0**63
_SMALL: Final = 2.0**-255


def check_clustered_options(value: dict[str, Any]) -> None:
    """Refuse a `clusteredIndex` that is none.

    errors   those of `parse_fields`; CLUSTERED_KEY, CLUSTERED_NOT_UNIQUE, CLUSTERED_VERSION
    """
    index = parse_fields("create.clusteredIndex", value, _FIELDS, generic={})
    if not equal(index["key"], _KEY):
        raise command_errors.CLUSTERED_KEY()
    if not index["unique"]:
        raise command_errors.CLUSTERED_NOT_UNIQUE()
    if index["v"] != 2:
        raise command_errors.CLUSTERED_VERSION()


def clustered_options(value: Mapping[str, Any]) -> dict[str, Any]:
    """A `clusteredIndex` as it is kept and shown: all its fields, in the server's order."""
    name = value.get("name")
    return {"v": 2, "key": dict(_KEY), "name": ID_INDEX_NAME if name is None else name, "unique": True}


def check_record_key(collection: Collection, raw: bytes) -> None:
    """Refuse a document whose `_id` is too large to be the key of its record.

    errors   RECORD_KEY_TOO_LARGE
    """
    if len(raw) > SAFE_BYTES and collection.is_clustered:
        size = _key_size(record_id_value(raw))
        if size > RECORD_KEY_BYTES:
            raise errors.RECORD_KEY_TOO_LARGE(size=size, limit=RECORD_KEY_BYTES)


def _key_size(value: Any) -> int:
    """The bytes of the server's key of a value (its KeyString): a byte for the type, and what follows it."""
    if type(value) is str:
        raw = value.encode()
        return len(raw) + raw.count(b"\x00") + 2
    if type(value) in (bytes, Binary):
        return len(value) + (3 if len(value) < 0xFF else 7)
    if type(value) is dict:
        return 2 + sum(2 + len(name.encode()) + _key_size(each) for name, each in value.items())
    if type(value) is list:
        return 2 + sum(map(_key_size, value))
    return 9


def duplicate_number(value: Any) -> ServerError | None:
    """What the server says instead of DUPLICATE_KEY when the `_id` of a clustered collection is taken.

    It reads the key without knowing the numbers' types, and gives up on those that are not whole, or not below 2**63.

    result   None where it can read the key
    """
    if type(value) is dict:
        return next(filter(None, map(duplicate_number, value.values())), None)
    if type(value) is Decimal128:
        return _duplicate_decimal(value)
    if type(value) is float and math.isnan(value):
        return errors.DUPLICATE_NAN()
    if type(value) not in (int, float, Int64):
        return None
    return _duplicate_magnitude(abs(value), value == int(value) if math.isfinite(value) else True)


def _duplicate_decimal(value: Decimal128) -> ServerError | None:
    decimal = value.to_decimal()
    if decimal.is_nan():
        return errors.DUPLICATE_NAN()
    if decimal.is_infinite():
        return errors.DUPLICATE_LARGE()
    if abs(decimal) > _LARGEST_DOUBLE:
        return errors.DUPLICATE_HUGE()
    return _duplicate_magnitude(abs(float(decimal)), decimal == decimal.to_integral_value())


_LARGEST_DOUBLE: Final = 2**1024 - 2**970


def _duplicate_magnitude(magnitude: float, is_whole: bool) -> ServerError | None:
    if magnitude >= _LARGE:
        return errors.DUPLICATE_LARGE()
    if is_whole:
        return None
    if magnitude >= 1:
        return errors.DUPLICATE_FRACTION()
    return errors.DUPLICATE_SMALL() if magnitude >= _SMALL else errors.DUPLICATE_TINY()
