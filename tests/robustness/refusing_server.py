"""A server for PyMongo to talk to that refuses every command.

With it PyMongo shows what it judges by itself: a call that fails with `REFUSED` was fine for PyMongo and went out, any
other exception is PyMongo's own, be it raised before it looks for a server or while it encodes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import bson

REFUSED = 98765

_HEADER = struct.Struct("<iiii")
_OP_QUERY, _OP_REPLY, _OP_MSG = 2004, 1, 2013
_MORE_TO_COME = 2
_HELLO = {
    "ok": 1.0,
    "helloOk": True,
    "isWritablePrimary": True,
    "ismaster": True,
    "maxBsonObjectSize": 16 * 1024 * 1024,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "logicalSessionTimeoutMinutes": 30,
    "minWireVersion": 0,
    "maxWireVersion": 25,
    # With a set's name PyMongo offers sessions, as against a real deployment.
    "setName": "rs",
    "topologyVersion": None,
}


@asynccontextmanager
async def refusing_server() -> AsyncIterator[str]:
    """Serve on a free port of this machine; the address to give to PyMongo."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            while True:
                size, request_id, _, operation = _HEADER.unpack(await reader.readexactly(16))
                body = await reader.readexactly(size - 16)
                writer.write(_answer(request_id, operation, body, address))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield f"mongodb://{address}/?directConnection=true&retryWrites=false&retryReads=false"
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def _answer(request_id: int, operation: int, body: bytes, address: str) -> bytes:
    if operation == _OP_QUERY:  # the first hello of a connection
        document = bson.encode({**_HELLO, "me": address, "hosts": [address]})
        payload = struct.pack("<iqii", 8, 0, 0, 1) + document
        return _HEADER.pack(16 + len(payload), 0, request_id, _OP_REPLY) + payload
    if body[0] & _MORE_TO_COME:  # an unacknowledged write
        return b""
    name = body[10 : body.index(b"\0", 10)].decode()  # after the flags, the section's kind, the size, the type
    if name in ("hello", "isMaster", "ismaster"):
        reply = {**_HELLO, "me": address, "hosts": [address]}
    elif name == "endSessions":
        reply = {"ok": 1.0}
    else:
        reply = {"ok": 0.0, "code": REFUSED, "errmsg": "refused"}
    payload = struct.pack("<IB", 0, 0) + bson.encode(reply)
    return _HEADER.pack(16 + len(payload), 0, request_id, _OP_MSG) + payload
