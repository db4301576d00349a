"""One connection of a client: a message comes in, its command is run, the reply goes out; and again.

A client sends the next message when it has the reply to the last, so a connection does one thing at a time. Bytes that
are no message end the connection, and that one alone. A reply of a cursor or a `hello` whose request allows it
(`exhaustAllowed`) is followed by the next without being asked for.
"""

from __future__ import annotations

import logging
from itertools import count
from ssl import SSLError
from typing import Any, Final

import anyio

from amongo.client.runner import command_name
from amongo.commands.failpoints import ConnectionDropped
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.errors import server as errors
from amongo.runtime.limits import LOGIN_MESSAGE_BYTES, LOOP_COMMAND_BYTES, MESSAGE_BYTES
from amongo.runtime.workers import run
from amongo.server.answering import Answering, cursor_id
from amongo.server.hello import HELLO_NAMES, Hello
from amongo.server.messages import OP_COMPRESSED, Malformed, Request, check_length, inner_length, parse_request
from amongo.server.packing import Reply, is_quick, pack_failure, pack_reply
from amongo.server.streams import MessageStream

_LOG: Final = logging.getLogger("amongo.server")
_GET_MORE: Final = "getMore"
_READS: Final = frozenset({"find", "getMore", "aggregate", "count", "distinct", "mapReduce", "explain"})
"""Commands that end when their client goes (source: manual, killOp, "Client Disconnection")."""
_reply_ids: Final = count(1)


class Connection:
    """A client's connection.

    peer   who is connected
    """

    def __init__(self, messages: MessageStream, peer: Peer, answering: Answering, hello: Hello) -> None:
        self.peer = peer
        self._messages = messages
        self._answering = answering
        self._hello = hello
        self._is_leaving = self._is_reading = False
        messages.gone = self._gone
        self._scope = anyio.CancelScope()
        self._waiting: tuple[anyio.CancelScope, Request] | None = None  # a getMore, which may wait for what others do

    async def serve(self) -> None:
        """Answer the client until it goes, is too slow, or sends what is no message."""
        number = self.peer.number
        try:
            with self._scope:
                while not self._is_leaving:
                    request = await self._next()
                    if request is not None:
                        await self._respond(request)
        except ConnectionDropped:
            _LOG.info("connection %d is closed by a failpoint", number)
        except Malformed as reason:
            _LOG.warning("connection %d is closed: %s", number, reason)
        except SSLError as reason:
            _LOG.warning("connection %d is closed: what came is not TLS: %s", number, reason)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            pass  # the client has gone
        except Exception:  # a mistake of ours ends this connection, and no other
            _LOG.exception("connection %d is closed", number)

    # Ends, by the server

    @property
    def deadline_s(self) -> float:
        """Until when the client has to have done what is waited for, on the monotonic clock; inf for nothing."""
        return self._messages.deadline_s

    def end(self, reason: str) -> None:
        """End the connection at once, whatever it does; with a line in the log."""
        _LOG.info("connection %d is closed: %s", self.peer.number, reason)
        self._scope.cancel()

    def leave(self) -> None:
        """End the connection when its command has been answered: at once if it has none. A getMore that waits for what
        others do waits no longer.
        """
        self._is_leaving = True
        if self._messages.is_idle:
            self._scope.cancel()
        elif self._waiting is not None and self._answering.awaits_data(self._waiting[1]):
            self._waiting[0].cancel()

    def _gone(self) -> None:
        """The client has gone: what it wanted to know it does not any more; what it wanted to change it does."""
        if self._is_reading:
            self._scope.cancel()

    # Requests

    async def _next(self) -> Request | None:
        """The next request; None where the answer was a failure of the message itself.

        errors   Malformed, those of the stream
        """
        self._is_reading = False
        if self.peer.requires_auth:
            self._messages.most_bytes = MESSAGE_BYTES if self.peer.users else LOGIN_MESSAGE_BYTES
        header, payload = await self._messages.receive()
        try:
            if header.length > LOOP_COMMAND_BYTES or header.opcode == OP_COMPRESSED:
                length = inner_length(header, payload)
                check_length(length, self._messages.most_bytes)
                if length > LOOP_COMMAND_BYTES:
                    return await run(parse_request, header, payload)
            return parse_request(header, payload)
        except ServerError as error:
            await self._messages.send(pack_failure(error, header.request_id, next(_reply_ids)))
            return None

    async def _respond(self, request: Request) -> None:
        name = command_name(request.command) if request.document is None else next(iter(request.document), "")
        if name in HELLO_NAMES:
            await self._respond_to_hello(request)
            return
        if name == _GET_MORE:
            await self._respond_to_get_more(request)
            return
        self._is_reading = name in _READS
        reply = await self._answering.answer(request, self.peer)
        if request.wants_reply:
            await self._send(request, reply)

    async def _respond_to_get_more(self, request: Request) -> None:
        """Give the next batch; to a client that allows it, all that are left."""
        self._is_reading = True
        reply = await self._more(request)
        if not request.wants_reply:
            return
        if request.allows_exhaust:
            try:
                while cursor_id(reply) and not self._is_leaving:
                    await self._send(request, reply, more_to_come=True)
                    reply = await self._more(request)
            except BaseException:
                self._answering.forget_cursor(reply)  # nobody will ask for the rest
                raise
        await self._send(request, reply)

    async def _more(self, request: Request) -> Reply:
        """The reply to a getMore; a failure, when the server is closed while it waits."""
        with anyio.CancelScope() as scope:
            self._waiting = (scope, request)
            try:
                if not self._is_leaving:
                    return await self._answering.answer(request, self.peer)
            finally:
                self._waiting = None
        return errors.CLOSING().reply()

    async def _respond_to_hello(self, request: Request) -> None:
        """Tell of this server; a client that has been told before hears of it again when its time is up."""
        asked = self._hello.asked(request)
        if self.peer.metadata is None:
            self.peer.metadata = asked.metadata
        self._is_reading = True
        while True:
            await self._hello.changed(asked)
            reply: Any = await self._answering.answer(request, self.peer)
            reply = self._hello.completed(reply, asked, self.peer)
            goes_on = request.allows_exhaust and asked.is_awaited and bool(reply["ok"]) and not self._hello.is_over
            await self._send(request, reply, more_to_come=goes_on)
            if not goes_on or self._is_leaving:
                return

    async def _send(self, request: Request, reply: Reply, *, more_to_come: bool = False) -> None:
        number, tail = next(_reply_ids), self._answering.times()
        if is_quick(request, reply):
            message = pack_reply(request, number, reply, tail, more_to_come=more_to_come)
        else:
            message = await run(_packed, request, number, reply, tail, more_to_come)
        await self._messages.send(message)


def _packed(request: Request, number: int, reply: Reply, tail: bytes, more_to_come: bool) -> bytes:
    return pack_reply(request, number, reply, tail, more_to_come=more_to_come)
