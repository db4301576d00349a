"""One entry of an index, as bytes.

    key | record id (7 bytes, big-endian) | type bits | how many bytes of type bits (1 byte)

Equal keys stand in the order of their records, and no key is the beginning of another (`values.key_bytes`), so entries
sort as the pairs of key and record id would. Key bytes forget which of several equal values there was: 1 and 1.0 have
one key. The type bits tell (`values.key_values`), and mean nothing to the order. Most entries have none, and end in a
zero. More than 254 bytes of them are followed by their number in 4 bytes and by FF.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

_unpack_last = Struct(">Q").unpack_from

ID_BYTES: Final = 7
_PLAIN_TAIL: Final = ID_BYTES + 1  # behind the key, without type bits
_LONG: Final = 0xFF
_LONG_COUNT_BYTES: Final = 4

NO_TYPES: Final = b""


def entry_of(key: bytes, record_id: int, types: bytes = NO_TYPES) -> bytes:
    """The entry of a key and a record id.

    types   the type bits of the key's values
    """
    return key + entry_end(record_id, types)


def entry_end(record_id: int, types: bytes = NO_TYPES) -> bytes:
    """What stands behind the key in an entry."""
    if not types:
        return (record_id << 8).to_bytes(_PLAIN_TAIL)
    count = len(types)
    if count < _LONG:
        return b"%b%b%c" % (record_id.to_bytes(ID_BYTES), types, count)
    return b"%b%b%b\xff" % (record_id.to_bytes(ID_BYTES), types, count.to_bytes(_LONG_COUNT_BYTES))


def record_id_of(entry: bytes) -> int:
    """The record id of an entry."""
    if not entry[-1]:
        return int.from_bytes(entry[-8:-1])
    end = _key_end(entry)
    return int.from_bytes(entry[end : end + ID_BYTES])


def record_ids_of(entries: Iterable[bytes]) -> Iterator[int]:
    """The record ids of many entries, in their order."""
    for entry in entries:
        last = _unpack_last(entry, -_PLAIN_TAIL)[0]
        yield record_id_of(entry) if last & 0xFF else last >> 8


def key_of(entry: bytes) -> bytes:
    """The key of an entry."""
    return entry[: _key_end(entry)]


def types_of(entry: bytes) -> bytes:
    """The type bits of an entry."""
    count = entry[-1]
    if not count:
        return NO_TYPES
    if count < _LONG:
        return entry[-1 - count : -1]
    return entry[_key_end(entry) + ID_BYTES : -1 - _LONG_COUNT_BYTES]


def _key_end(entry: bytes) -> int:
    count = entry[-1]
    if count == _LONG:
        count = int.from_bytes(entry[-1 - _LONG_COUNT_BYTES : -1]) + _LONG_COUNT_BYTES
    return len(entry) - _PLAIN_TAIL - count
