"""Replies as messages: what is put together from bytes is what encoding the document gives."""

from __future__ import annotations

import struct
from typing import Any

import bson
import pytest
from bson import Binary, Int64, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from amongo.commands.replies import CursorReply, WriteReply
from amongo.runtime.limits import LOOP_COMPRESSED_BYTES, LOOP_REPLY_BYTES
from amongo.server.compression import COMPRESSORS
from amongo.server.messages import Request
from amongo.server.packing import is_quick, pack_reply, times

PLAIN = Request(7, "d", b"", {})
NO_SIGNATURE = {"hash": Binary(bytes(20)), "keyId": Int64(0)}


def document_in(message: bytes) -> bytes:
    length, number, answered, opcode = struct.unpack_from("<iiii", message)
    assert (length, number, answered, opcode) == (len(message), 3, 7, 2013)
    assert message[16:21] == bytes(5)
    return message[21:]


def told(cluster: int, operation: int) -> dict[str, Any]:
    def time(number: int) -> Timestamp:
        return Timestamp(number >> 32, number & 0xFFFFFFFF)

    cluster_time = {"clusterTime": time(cluster), "signature": NO_SIGNATURE}
    return {"$clusterTime": cluster_time, "operationTime": time(operation)}


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(-5, 5)), max_size=12),
    st.integers(0, 2**62),
    st.sampled_from(["d.c", "däta.sm☃rt"]),
    st.booleans(),
    st.sampled_from([None, {}, {"_data": "82"}]),
    st.sampled_from([None, Timestamp(5, 6)]),
    st.sampled_from([None, (5 << 32 | 1, 4 << 32 | 2), (2**63 + 1, 0)]),
)
def test_a_cursor_as_bytes_and_as_a_document(
    documents: list[dict[str, Any]],
    cursor_id: int,
    namespace: str,
    is_first: bool,
    resume: dict[str, Any] | None,
    read_at: Timestamp | None,
    numbers: tuple[int, int] | None,
) -> None:
    reply = CursorReply(cursor_id, namespace, [bson.encode(each) for each in documents], is_first, resume, read_at)
    tail = b"" if numbers is None else times(*numbers)
    expected = bson.encode(reply.document() | ({} if numbers is None else told(*numbers)))
    assert document_in(pack_reply(PLAIN, 3, reply, tail)) == expected
    assert document_in(pack_reply(PLAIN, 3, reply.document(), tail)) == expected


@given(
    st.integers(0, 2**31 - 1),
    st.none() | st.integers(0, 9),
    st.sampled_from([[], [{"index": 0, "_id": 1}]]),
    st.sampled_from([[], [{"index": 0, "code": 11000, "errmsg": "E"}]]),
    st.sampled_from([(), (0,)]),
    st.booleans(),
)
def test_a_write_as_bytes_and_as_a_document(
    n: int,
    modified: int | None,
    upserted: list[dict[str, Any]],
    failures: list[dict[str, Any]],
    retried: tuple[int, ...],
    has_tail: bool,
) -> None:
    reply = WriteReply(n, modified, upserted, failures, 5, retried)
    tail = times(5, 4) if has_tail else b""
    assert is_quick(PLAIN, reply)
    assert document_in(pack_reply(PLAIN, 3, reply, tail)) == document_in(pack_reply(PLAIN, 3, reply.document(), tail))
    assert document_in(pack_reply(PLAIN, 3, reply)) == bson.encode(reply.document())


def test_a_batch_longer_than_the_names_that_are_kept() -> None:
    reply = CursorReply(0, "d.c", [bson.encode({"_id": each}) for each in range(3000)])
    assert document_in(pack_reply(PLAIN, 3, reply)) == bson.encode(reply.document())


@pytest.mark.parametrize("compressor", [None, *COMPRESSORS])
@pytest.mark.parametrize("as_document", [False, True])
def test_what_takes_long_is_told(compressor: Any, as_document: bool) -> None:
    request = PLAIN._replace(compressor=compressor)
    most = LOOP_REPLY_BYTES if compressor is None else LOOP_COMPRESSED_BYTES

    def quick(size: int) -> bool:
        reply = CursorReply(0, "d.c", [bson.encode({"text": "x" * (size // 4)})] * 4)
        return is_quick(request, reply.document() if as_document else reply)

    assert quick(most // 2)
    assert not quick(most + 1000)
