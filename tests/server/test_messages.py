"""Messages of the wire protocol: what a client packs is taken apart, and lies are refused."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import google_crc32c
import pytest
from bson import decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.runtime.limits import MESSAGE_BYTES
from amongo.server.compression import COMPRESSORS, agreed, compressor_of
from amongo.server.messages import (
    HEADER_BYTES,
    OP_COMPRESSED,
    OP_MSG,
    OP_QUERY,
    OP_REPLY,
    Header,
    Malformed,
    Request,
    parse_header,
    parse_request,
)
from amongo.server.packing import pack_failure, pack_reply


def message(payload: bytes, opcode: int = OP_MSG, request_id: int = 7) -> tuple[Header, bytes]:
    return parse_header(struct.pack("<iiii", HEADER_BYTES + len(payload), request_id, 0, opcode)), payload


def body(document: dict[str, Any]) -> bytes:
    return b"\0" + encode(document)


def sequence(name: bytes, *documents: bytes) -> bytes:
    content = name + b"\0" + b"".join(documents)
    return b"\x01" + struct.pack("<i", 4 + len(content)) + content


def flags(value: int) -> bytes:
    return struct.pack("<I", value)


PING = {"ping": 1, "$db": "admin"}


def test_a_command() -> None:
    request = parse_request(*message(flags(0) + body(PING)))
    assert request == Request(7, "admin", encode(PING), {}, document=PING)


def test_sequences_before_and_behind_the_body() -> None:
    documents = [encode({"_id": each}) for each in range(3)]
    payload = flags(0) + sequence(b"documents", *documents) + body(PING) + sequence(b"empty")
    assert parse_request(*message(payload)).sequences == {"documents": documents, "empty": []}


def test_flags_say_what_is_expected() -> None:
    request = parse_request(*message(flags(2 | 1 << 16) + body(PING)))
    assert not request.wants_reply
    assert request.allows_exhaust


def test_optional_bits_are_let_pass_and_required_ones_not() -> None:
    assert parse_request(*message(flags(1 << 20) + body(PING))).wants_reply
    with pytest.raises(ServerError) as caught:
        parse_request(*message(flags(1 << 5) + body(PING)))
    assert caught.value.code_name == "IllegalOpMsgFlag"


def test_a_checksum_is_verified() -> None:
    payload = flags(1) + body(PING)
    head = struct.pack("<iiii", HEADER_BYTES + len(payload) + 4, 7, 0, OP_MSG)
    right = struct.pack("<I", google_crc32c.value(head + payload))
    request = parse_request(parse_header(head), payload + right)
    assert request.database == "admin"
    reply = pack_reply(request, 3, {"ok": 1.0})
    assert parse_request(parse_header(pack_reply(request, 3, PING)[:HEADER_BYTES]), pack_reply(request, 3, PING)[16:])
    assert struct.unpack_from("<I", reply, len(reply) - 4)[0] == google_crc32c.value(reply[:-4])
    with pytest.raises(ServerError) as caught:
        parse_request(parse_header(head), payload + b"abcd")
    assert caught.value.code_name == "ChecksumMismatch"


@pytest.mark.parametrize("document", [{"ping": 1}, {"ping": 1, "$db": 5}])
def test_a_command_names_its_database(document: dict[str, Any]) -> None:
    with pytest.raises(ServerError) as caught:
        parse_request(*message(flags(0) + body(document)))
    assert caught.value.code == 40571


def test_an_old_handshake() -> None:
    payload = flags(4) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + encode({"isMaster": 1})
    request = parse_request(*message(payload, OP_QUERY))
    assert (request.database, decode(request.command), request.is_query) == ("admin", {"isMaster": 1}, True)
    reply = pack_reply(request, 3, {"ok": 1.0})
    assert struct.unpack_from("<iiii", reply) == (len(reply), 3, 7, OP_REPLY)
    assert struct.unpack_from("<iqii", reply, HEADER_BYTES) == (8, 0, 0, 1)
    assert decode(reply[HEADER_BYTES + 20 :]) == {"ok": 1.0}


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_compressed_both_ways(number: int) -> None:
    compressor = compressor_of(number)
    if compressor is None:
        pytest.skip("its library is not installed")
    inside = flags(0) + body({**PING, "text": "x" * 10_000})
    payload = struct.pack("<iiB", OP_MSG, len(inside), number) + compressor.compress(inside)
    request = parse_request(*message(payload, OP_COMPRESSED))
    assert decode(request.command)["text"] == "x" * 10_000
    assert request.compressor is compressor
    reply = pack_reply(request, 3, {"ok": 1.0})
    assert struct.unpack_from("<iiii", reply) == (len(reply), 3, 7, OP_COMPRESSED)
    opcode, size, used = struct.unpack_from("<iiB", reply, HEADER_BYTES)
    content = compressor.decompress(reply[HEADER_BYTES + 9 :], size)
    assert (opcode, used) == (OP_MSG, number)
    assert decode(content[5:]) == {"ok": 1.0}


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=[each.name for each in COMPRESSORS])
def test_nothing_longer_is_made_than_is_told(compressor: Any) -> None:
    """A bomb: it says that it is small."""
    bomb = compressor.compress(bytes(50_000_000))
    for size in (0, 100, 49_999_999, 50_000_001):
        with pytest.raises(ValueError):
            compressor.decompress(bomb, size)


def test_compressors_are_agreed_on() -> None:
    assert agreed(["snappy", "lz4", "zlib"]) == [
        name for name in ("snappy", "zlib") if name in {each.name for each in COMPRESSORS}
    ]
    assert agreed(None) == agreed("zlib") == []


@pytest.mark.parametrize("length", [-1, 0, 15, MESSAGE_BYTES + 1, 2**31 - 1])
def test_lengths_that_no_message_has(length: int) -> None:
    with pytest.raises(Malformed):
        parse_header(struct.pack("<iiii", length, 1, 0, OP_MSG))


LIES = {
    "nothing": b"",
    "no body": flags(0),
    "a body cut off": (flags(0) + body(PING))[:-1],
    "a document's length beyond the message": flags(0) + b"\0" + struct.pack("<i", 1000) + encode(PING)[4:],
    "a document's length below any document's": flags(0) + b"\0" + struct.pack("<i", 4) + encode(PING)[4:],
    "a document that does not end": flags(0) + body(PING)[:-1] + b"\1",
    "two bodies": flags(0) + body(PING) + body(PING),
    "an unknown section": flags(0) + b"\x02" + encode(PING),
    "a sequence's length beyond the message": flags(0) + body(PING) + b"\1" + struct.pack("<i", 99) + b"a\0",
    "a sequence's name without an end": flags(0) + body(PING) + b"\1" + struct.pack("<i", 7) + b"abc",
    "a sequence's name that is no text": flags(0) + body(PING) + sequence(b"\xff\xfe"),
    "a sequence that is no document": flags(0) + body(PING) + sequence(b"a", b"\x03\0\0\0\0"),
    "a sequence twice": flags(0) + body(PING) + sequence(b"a") + sequence(b"a"),
    "a checksum without room": flags(1)[:4],
}


@pytest.mark.parametrize("payload", LIES.values(), ids=LIES)
def test_lies_are_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_request(*message(payload))


@pytest.mark.parametrize(
    ("payload", "opcode"),
    [
        (b"", 2010),
        (b"", OP_COMPRESSED),
        (struct.pack("<iiB", OP_MSG, 10, 9) + b"xx", OP_COMPRESSED),
        (struct.pack("<iiB", OP_COMPRESSED, 10, 2) + zlib.compress(b"x" * 10), OP_COMPRESSED),
        (struct.pack("<iiB", OP_MSG, -1, 2) + zlib.compress(b""), OP_COMPRESSED),
        (struct.pack("<iiB", OP_MSG, 10, 2) + b"no zlib", OP_COMPRESSED),
        (flags(0) + b"admin.things\0" + struct.pack("<ii", 0, 1) + encode({}), OP_QUERY),
        (flags(0) + b"admin.$cmd", OP_QUERY),
        (flags(0) + b"\xff\xff.$cmd\0" + struct.pack("<ii", 0, 1) + encode({}), OP_QUERY),
    ],
)
def test_other_kinds_of_lies(payload: bytes, opcode: int) -> None:
    with pytest.raises(Malformed):
        parse_request(*message(payload, opcode))


def test_a_failure_is_answered() -> None:
    with pytest.raises(ServerError) as caught:
        parse_request(*message(flags(0) + body({"ping": 1})))
    reply = decode(pack_failure(caught.value, 7, 1)[HEADER_BYTES + 5 :])
    assert (reply["ok"], reply["code"], reply["codeName"]) == (0.0, 40571, "Location40571")


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.binary(max_size=120), st.sampled_from([OP_MSG, OP_QUERY, OP_COMPRESSED, 1, 2001]), st.booleans())
def test_whatever_comes_is_a_request_or_refused(noise: bytes, opcode: int, is_nearly_right: bool) -> None:
    payload = flags(0) + body(PING) + noise if is_nearly_right else noise
    try:
        request = parse_request(*message(payload, opcode))
    except (Malformed, ServerError):
        return
    assert request.database
