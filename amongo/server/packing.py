"""Replies as messages: the documents of a cursor's batch go out as the bytes they are stored in.

Every reply of a replica set ends with the times that it knows of; they come here as bytes (`times`), and are put behind
the fields of the reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Any, Final

import google_crc32c
from bson import Binary, Int64

from amongo.commands.replies import CursorReply, WriteReply
from amongo.errors import ServerError
from amongo.runtime.limits import LOOP_COMPRESSED_BYTES, LOOP_REPLY_BYTES
from amongo.server.messages import (
    CHECKSUM_PRESENT,
    HEADER_BYTES,
    MORE_TO_COME,
    OP_COMPRESSED,
    OP_MSG,
    OP_REPLY,
    Request,
)
from amongo.values.codec import encode

Reply = Mapping[str, Any] | CursorReply | WriteReply

_AWAIT_CAPABLE: Final = 8  # responseFlags of OP_REPLY
_HEADER: Final = Struct("<iiii")
_INT32: Final = Struct("<i")
_UINT32: Final = Struct("<I")
_INT64: Final = Struct("<q")
_COMPRESSED: Final = Struct("<iiB")
_REPLY_HEAD: Final = Struct("<iqii").pack(_AWAIT_CAPABLE, 0, 0, 1)
_CHECKSUM_BYTES: Final = 4
_KEYS: Final = tuple(b"\x03%d\0" % place for place in range(1024))  # of documents in an array
_END: Final = b"\0"
_OK: Final = encode({"ok": 1.0})[4:-1]
_COUNTED: Final = Struct(f"<i3si{len(_OK)}ss")  # {n, ok}
_SIGNATURE: Final = encode({"signature": {"hash": Binary(bytes(20)), "keyId": Int64(0)}})[4:]
_CLUSTER_TIME: Final = (
    b"\x03$clusterTime\0" + _INT32.pack(4 + len(b"\x11clusterTime\0") + 8 + len(_SIGNATURE)) + b"\x11clusterTime\0"
)
_OPERATION_TIME: Final = _SIGNATURE + b"\x11operationTime\0"
_TIMES: Final = Struct(f"<{len(_CLUSTER_TIME)}sQ{len(_OPERATION_TIME)}sQ")


def times(cluster: int, operation: int) -> bytes:
    """The fields `$clusterTime` and `operationTime` of a reply, as BSON elements.

    cluster, operation   as sequences
    """
    return _TIMES.pack(_CLUSTER_TIME, cluster, _OPERATION_TIME, operation)


def pack_reply(
    request: Request, reply_id: int, reply: Reply, tail: bytes = b"", *, more_to_come: bool = False
) -> bytes:
    """The message that answers a request.

    reply_id       our number of it
    tail           further elements of the reply's document
    more_to_come   another follows that nobody asks for
    """
    pieces = _cursor_pieces(reply, tail) if isinstance(reply, CursorReply) else _pieces(_encoded(reply), tail)
    size = sum(map(len, pieces))
    if request.is_query:
        head, opcode = _REPLY_HEAD, OP_REPLY
    else:
        has_checksum = request.has_checksum and request.compressor is None
        flags = (MORE_TO_COME if more_to_come else 0) | (CHECKSUM_PRESENT if has_checksum else 0)
        head, opcode = _UINT32.pack(flags) + _END, OP_MSG
        if has_checksum:
            length = HEADER_BYTES + len(head) + size + _CHECKSUM_BYTES
            message = b"".join([_HEADER.pack(length, reply_id, request.request_id, opcode), head, *pieces])
            return message + _UINT32.pack(google_crc32c.value(message))
    compressor = request.compressor
    if compressor is None:
        length = HEADER_BYTES + len(head) + size
        return b"".join([_HEADER.pack(length, reply_id, request.request_id, opcode), head, *pieces])
    payload = b"".join([head, *pieces])
    inside = compressor.compress(payload)
    length = HEADER_BYTES + _COMPRESSED.size + len(inside)
    head = _HEADER.pack(length, reply_id, request.request_id, OP_COMPRESSED)
    return head + _COMPRESSED.pack(opcode, len(payload), compressor.number) + inside


def pack_failure(error: ServerError, request_id: int, reply_id: int) -> bytes:
    """The message that answers a message of which no request could be made."""
    return pack_reply(Request(request_id, "", b"", {}), reply_id, error.reply())


def is_quick(request: Request, reply: Reply) -> bool:
    """Whether a reply is put together in a small part of a millisecond."""
    if isinstance(reply, CursorReply):
        size = sum(map(len, reply.batch))
    elif isinstance(reply, WriteReply):
        size = 0
    else:
        size = _size_of_cursor(reply)
    is_plain = request.compressor is None and not request.has_checksum
    return size <= (LOOP_REPLY_BYTES if is_plain else LOOP_COMPRESSED_BYTES)


def _size_of_cursor(reply: Mapping[str, Any]) -> int:
    """Of the documents in a reply that is a document, in bytes; what else it holds is short."""
    cursor = reply.get("cursor")
    if not isinstance(cursor, Mapping):
        return LOOP_REPLY_BYTES + 1 if "values" in reply and len(reply["values"]) > len(_KEYS) else 0
    batch = cursor.get("firstBatch") or cursor.get("nextBatch") or ()
    return sum(len(getattr(each, "raw", each)) for each in batch)


def _encoded(reply: Mapping[str, Any] | WriteReply) -> bytes:
    if not isinstance(reply, WriteReply):
        return encode(reply)
    if reply.modified is None and not reply.errors and not reply.retried:  # an insert or a delete, as most are
        return _COUNTED.pack(_COUNTED.size, b"\x10n\0", reply.n, _OK, _END)
    return encode(reply.document())


def _pieces(document: bytes, tail: bytes) -> list[bytes]:
    """A document with a tail."""
    if not tail:
        return [document]
    return [_INT32.pack(len(document) + len(tail)), document[4:-1], tail, _END]


def _cursor_pieces(reply: CursorReply, tail: bytes) -> list[bytes]:
    """The document of a cursor's reply with a tail."""
    batch = reply.batch
    count = len(batch)
    keys = _KEYS[:count] if count <= len(_KEYS) else [b"\x03%d\0" % place for place in range(count)]
    elements = [b""] * (2 * count)
    elements[::2] = keys
    elements[1::2] = batch
    array_size = _INT32.size + sum(map(len, elements)) + 1
    name = b"\x04firstBatch\0" if reply.is_first else b"\x04nextBatch\0"
    namespace = reply.namespace.encode()
    rest = (
        b"\0\x12id\0" + _INT64.pack(reply.cursor_id) + b"\x02ns\0" + _INT32.pack(len(namespace) + 1) + namespace + _END
    )
    if reply.resume is not None:
        rest += encode({"postBatchResumeToken": reply.resume})[4:-1]
    if reply.read_at is not None:
        rest += encode({"atClusterTime": reply.read_at})[4:-1]
    cursor_size = _INT32.size + len(name) + array_size - 1 + len(rest) + 1
    size = _INT32.size + len(b"\x03cursor\0") + cursor_size + len(_OK) + len(tail) + 1
    head = _INT32.pack(size) + b"\x03cursor\0" + _INT32.pack(cursor_size) + name + _INT32.pack(array_size)
    return [head, *elements, rest, _END, _OK, tail, _END]
