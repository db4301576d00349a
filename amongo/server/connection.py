"""One connection of a client: a message comes in, its command is run, the reply goes out; and again.

A client sends the next message when it has the reply to the last, so a connection does one thing at a time. Bytes that
are no message end the connection, and that one alone. A reply of a cursor or a `hello` whose request allows it
(`exhaustAllowed`) is followed by the next without being asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import anyio
from anyio.abc import ByteStream

from amongo.client.runner import command_name
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.runtime.limits import CONNECTION_IDLE_S, CONNECTION_READ_BYTES
from amongo.server.answering import Answering
from amongo.server.hello import HELLO_NAMES, Hello
from amongo.server.messages import (
    HEADER_BYTES,
    Malformed,
    Request,
    pack_failure,
    pack_reply,
    parse_header,
    parse_request,
)

_LOG: Final = logging.getLogger("amongo.server")
_GET_MORE: Final = "getMore"
_reply_ids: Final = count(1)


class Incoming:
    """The bytes of a stream, as many as are asked for."""

    __slots__ = ("_bytes", "_stream")

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._bytes = b""

    async def exactly(self, size: int) -> bytes:
        """So many bytes. errors: anyio.EndOfStream, also in the middle of them."""
        held = self._bytes
        if len(held) < size:
            pieces, missing = [held], size - len(held)
            while missing > 0:
                piece = await self._stream.receive(max(missing, CONNECTION_READ_BYTES))
                pieces.append(piece)
                missing -= len(piece)
            held = b"".join(pieces)
        self._bytes = held[size:]
        return held[:size]


class Connection:
    """A client's connection.

    peer   who is connected
    """

    def __init__(self, stream: ByteStream, peer: Peer, answering: Answering, hello: Hello) -> None:
        self.peer = peer
        self._stream = stream
        self._incoming = Incoming(stream)
        self._answering = answering
        self._hello = hello

    async def serve(self) -> None:
        """Answer the client until it goes, is idle for too long, or sends what is no message."""
        try:
            while True:
                request = await self._next()
                if request is not None:
                    await self._respond(request)
        except Malformed as reason:
            _LOG.warning("connection %d is closed: %s", self.peer.number, reason)
        except TimeoutError:
            _LOG.info("connection %d is closed: it was idle for %d seconds", self.peer.number, CONNECTION_IDLE_S)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the client has gone

    async def _next(self) -> Request | None:
        """The next request; None where the answer was a failure of the message itself.

        errors   Malformed, TimeoutError, those of the stream
        """
        with anyio.fail_after(CONNECTION_IDLE_S):
            header = parse_header(await self._incoming.exactly(HEADER_BYTES))
            payload = await self._incoming.exactly(header.length - HEADER_BYTES)
        try:
            return parse_request(header, payload)
        except ServerError as error:
            await self._stream.send(pack_failure(error, header.request_id, next(_reply_ids)))
            return None

    async def _respond(self, request: Request) -> None:
        name = command_name(request.command)
        if name in HELLO_NAMES:
            await self._respond_to_hello(request)
            return
        reply = await self._answering.answer(request, self.peer)
        if not request.wants_reply:
            return
        if not (request.allows_exhaust and name == _GET_MORE):
            await self._send(request, reply)
            return
        while goes_on(reply):
            await self._send(request, reply, more_to_come=True)
            reply = await self._answering.answer(request, self.peer)
        await self._send(request, reply)

    async def _respond_to_hello(self, request: Request) -> None:
        """Tell of this server; a client that has been told before hears of it again when its time is up."""
        while True:
            await self._hello.changed(request.command)
            reply = self._hello.completed(
                await self._answering.answer(request, self.peer), request.command, self.peer.number
            )
            is_stream = request.allows_exhaust and self._hello.is_awaited(request.command) and bool(reply["ok"])
            await self._send(request, reply, more_to_come=is_stream)
            if not is_stream:
                return

    async def _send(self, request: Request, reply: Mapping[str, Any], *, more_to_come: bool = False) -> None:
        await self._stream.send(pack_reply(request, next(_reply_ids), reply, more_to_come=more_to_come))


def goes_on(reply: Mapping[str, Any]) -> bool:
    """Whether a reply is of a cursor that has more."""
    cursor = reply.get("cursor")
    return isinstance(cursor, Mapping) and bool(cursor.get("id"))
