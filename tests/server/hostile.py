"""Hostile messages: right ones of every kind, and what becomes of them when somebody spoils them."""

from __future__ import annotations

import random
import struct
from typing import Any, Final
from uuid import UUID

import google_crc32c
from bson import Binary, Int64, Regex, encode

from amongo.server.compression import COMPRESSORS
from amongo.server.messages import OP_COMPRESSED, OP_MSG, OP_QUERY

HEADER_BYTES: Final = 16
_NUMBERS: Final = (
    *(0, 1, 4, 5, 12, 13, 15, 16, 17, 20, 21, 26, 127, 128, 255, 256, 1024, 16_383, 16_384, 16_385, 65_536),
    *(48_000_000, 48_000_001, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 16),
)
_OPCODES: Final = (0, 1, 1000, 2001, 2002, 2004, 2005, 2006, 2007, 2010, 2011, 2012, 2013)
_DEEP: Final = 300


def message(payload: bytes, opcode: int = OP_MSG, request_id: int = 7) -> bytes:
    """A message with its header."""
    return struct.pack("<iiii", HEADER_BYTES + len(payload), request_id, 0, opcode) + payload


def body(document: dict[str, Any]) -> bytes:
    """A section of kind 0."""
    return b"\0" + encode(document)


def sequence(name: bytes, *documents: bytes) -> bytes:
    """A section of kind 1."""
    content = name + b"\0" + b"".join(documents)
    return b"\x01" + struct.pack("<i", 4 + len(content)) + content


def flags(value: int) -> bytes:
    """The flags of an OP_MSG."""
    return struct.pack("<I", value)


def with_checksum(payload: bytes) -> bytes:
    """An OP_MSG with its checksum. The payload has the flag already."""
    head = struct.pack("<iiii", HEADER_BYTES + len(payload) + 4, 7, 0, OP_MSG)
    return head + payload + struct.pack("<I", google_crc32c.value(head + payload))


def compressed(payload: bytes, compressor: Any, opcode: int = OP_MSG) -> bytes:
    """A message inside of an OP_COMPRESSED."""
    head = struct.pack("<iiB", opcode, len(payload), compressor.number)
    return message(head + compressor.compress(payload), OP_COMPRESSED)


def query(document: dict[str, Any], namespace: bytes = b"admin.$cmd") -> bytes:
    """A command as OP_QUERY."""
    return message(struct.pack("<i", 0) + namespace + b"\0" + struct.pack("<ii", 0, -1) + encode(document), OP_QUERY)


def nested(depth: int) -> dict[str, Any]:
    """Documents in documents."""
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"a": found}
    return found


def right_messages() -> list[bytes]:
    """Messages of every kind, as drivers send them."""
    session = {"id": Binary(UUID(int=7).bytes, 4)}
    commands: list[dict[str, Any]] = [
        {"hello": 1, "client": {"driver": {"name": "x"}}, "compression": ["zlib", "snappy"], "$db": "admin"},
        {"ping": 1, "$db": "admin"},
        {"find": "things", "filter": {"_id": {"$gt": 3}}, "limit": 5, "lsid": session, "$db": "shop"},
        {"insert": "things", "documents": [{"_id": 1, "x": Regex("a", "i")}], "lsid": session, "$db": "shop"},
        {"update": "things", "updates": [{"q": {}, "u": {"$inc": {"n": 1}}}], "txnNumber": Int64(3), "$db": "shop"},
        {"aggregate": "things", "pipeline": [{"$match": {"n": 1}}], "cursor": {}, "$db": "shop"},
        {"getMore": Int64(5), "collection": "things", "$db": "shop"},
        {"find": "things", "filter": nested(150), "$db": "shop"},
    ]
    documents = [encode({"_id": each, "text": "x" * each}) for each in range(12)]
    found = [message(flags(0) + body(each)) for each in commands]
    found += [with_checksum(flags(1) + body(each)) for each in commands[:4]]
    insert = body({"insert": "things", "ordered": True, "$db": "shop"})
    found.append(message(flags(0) + insert + sequence(b"documents", *documents)))
    found.append(message(flags(2) + sequence(b"documents", *documents) + insert))
    found.append(message(flags(1 << 16) + body(commands[6])))
    found += [query(commands[0]), query({"ismaster": 1})]
    for each in COMPRESSORS:
        found.append(compressed(flags(0) + body(commands[2]), each))
        found.append(compressed(flags(0) + insert + sequence(b"documents", *documents), each))
        found.append(compressed(query({"hello": 1})[HEADER_BYTES:], each, OP_QUERY))
    found.append(message(flags(0) + body({"find": "x" * 20_000, "$db": "shop"})))
    return found


class Spoiler:
    """Spoils messages, the same with the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._right = right_messages()

    def message(self) -> bytes:
        """A right message with up to four things wrong, of which the header's length may be one or not."""
        draw = self._draw
        found = bytearray(draw.choice(self._right))
        for _ in range(1 + int(draw.random() ** 2 * 4)):
            draw.choice(_WAYS)(draw, found, self._right)
        if draw.random() < 0.8 and len(found) >= 4:  # a length that is right lets the rest be looked at
            struct.pack_into("<i", found, 0, len(found))
        return bytes(found)


def _flip(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    if found:
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)


def _number(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    if len(found) >= 4:
        place = draw.randrange(len(found) - 3)
        near = len(found) - place + draw.randrange(-5, 6)
        struct.pack_into("<I", found, place, draw.choice((*_NUMBERS, near)) & 0xFFFFFFFF)


def _cut(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    del found[draw.randrange(len(found) + 1) :]


def _take_out(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    place = draw.randrange(len(found) + 1)
    del found[place : place + 1 + draw.randrange(16)]


def _put_in(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    place = draw.randrange(len(found) + 1)
    found[place:place] = draw.randbytes(1 + draw.randrange(16))


def _join(draw: random.Random, found: bytearray, right: list[bytes]) -> None:
    found[draw.randrange(len(found) + 1) :] = (other := draw.choice(right))[draw.randrange(len(other)) :]


def _repeat(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    start = draw.randrange(len(found) + 1)
    found += found[start : start + 4096]


def _opcode(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    if len(found) >= HEADER_BYTES:
        struct.pack_into("<i", found, 12, draw.choice(_OPCODES))


def _flags(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    if len(found) >= HEADER_BYTES + 4:
        struct.pack_into("<I", found, HEADER_BYTES, 1 << draw.randrange(32))


def _deep(draw: random.Random, found: bytearray, _: list[bytes]) -> None:
    found[HEADER_BYTES:] = flags(0) + body({"find": "x", "filter": nested(draw.randrange(_DEEP)), "$db": "d"})


_WAYS: Final = (*(_flip, _number, _take_out, _put_in) * 4, *(_cut, _join, _repeat, _opcode, _flags) * 2, _deep)
