"""The messages of one connection, as they come and go over its socket.

On asyncio a socket is read straight into a buffer from which messages are cut, and written without a task switch: a
request that is answered at once costs one turn of the loop. `StreamMessages` does the same over any stream of anyio:
under trio, and over TLS.

Both stop reading when they hold a message that nobody has taken yet, wait with sending while the client reads nothing,
and take the room of a long message from the budget that all connections share. `deadline_s` says until when the client
has to have done what is waited for; the server looks after it from time to time (`amongo.server.connections`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import Protocol

import anyio
from anyio.abc import ByteStream

from amongo.runtime.limits import (
    CONNECTION_BUFFER_BYTES,
    CONNECTION_IDLE_S,
    CONNECTION_READ_BYTES,
    CONNECTION_SLOWEST_RATE,
    CONNECTION_STALL_S,
    MESSAGE_BYTES,
)
from amongo.runtime.sockets import StraightSocket, nobody_asks
from amongo.server.budget import Budget
from amongo.server.messages import HEADER_BYTES, Header, check_length, parse_header

Payload = bytes | memoryview


class MessageStream(Protocol):
    """The messages of one connection.

    deadline_s   on the monotonic clock, until when the client has to have sent or read something; inf while nobody
                 waits for it
    most_bytes   that a message may have
    gone         called when the client is seen to have gone, which not every stream sees while nobody reads
    is_idle      between two messages: nothing of the next has come
    """

    deadline_s: float
    most_bytes: int
    gone: Callable[[], object]

    @property
    def is_idle(self) -> bool:
        """Whether the next message is waited for, and nothing of it has come."""
        ...

    async def receive(self) -> tuple[Header, Payload]:
        """The next message: its header, and what follows it.

        errors   Malformed; anyio.EndOfStream, also in the middle of one; anyio.BrokenResourceError
        """
        ...

    async def send(self, message: bytes) -> None:
        """Send a message; waits while too much of those before is not sent.

        errors   anyio.BrokenResourceError
        """
        ...

    async def aclose(self) -> None:
        """Close the connection, when what was sent has gone out."""
        ...


class StraightMessages(StraightSocket):
    """The messages of a socket that an asyncio event loop (or one with its interface) serves."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.most_bytes = MESSAGE_BYTES
        self._budget = budget
        self._taken = 0  # of the budget

    @property
    def is_idle(self) -> bool:
        """Whether the next message is waited for, and nothing of it has come."""
        return self._reader is not None and self._start == self._end and not self._taken

    async def receive(self) -> tuple[Header, Payload]:
        """As `MessageStream` says."""
        if self._taken:
            self._give_back()
        while True:
            start = self._start
            held = self._end - start
            if held >= HEADER_BYTES:
                header = parse_header(self._buffer, start)
                length = header.length
                if held >= length:
                    payload = bytes(self._view[start + HEADER_BYTES : start + length])
                    if held == length:
                        self._start = self._end = 0
                    else:
                        self._start = start + length
                    return header, payload
                if length > CONNECTION_BUFFER_BYTES:
                    check_length(length, self.most_bytes)
                    return header, await self._receive_long(length - HEADER_BYTES)
            if self._is_over:
                raise anyio.EndOfStream
            if start:
                self._view[:held] = bytes(self._view[start : self._end])
                self._start, self._end = 0, held
            await self._more(CONNECTION_STALL_S if held else CONNECTION_IDLE_S)

    async def _receive_long(self, size: int) -> memoryview:
        """What follows the header of a message that the buffer has no room for."""
        self._pause()
        await self._budget.take(size)
        self._taken = size
        content = memoryview(bytearray(size))
        held = self._end - self._start - HEADER_BYTES
        content[:held] = self._view[self._start + HEADER_BYTES : self._end]
        self._start = self._end = 0
        self._rest = content[held:]
        while self._rest is not None:
            if self._is_over:
                raise anyio.EndOfStream
            await self._more(CONNECTION_STALL_S + size / CONNECTION_SLOWEST_RATE)
        return content

    def _give_back(self) -> None:
        self._budget.give(self._taken)
        self._taken = 0

    async def aclose(self) -> None:
        """As `MessageStream` says; what the client does not read within its time is dropped."""
        self._give_back()
        await super().aclose()


class StreamMessages:
    """The messages of a stream of anyio."""

    def __init__(self, stream: ByteStream, budget: Budget) -> None:
        self.gone: Callable[[], object] = nobody_asks
        self.deadline_s = inf
        self.most_bytes = MESSAGE_BYTES
        self._stream = stream
        self._budget = budget
        self._taken = 0
        self._held = b""
        self._is_idle = False

    @property
    def is_idle(self) -> bool:
        """Whether the next message is waited for, and nothing of it has come."""
        return self._is_idle

    async def receive(self) -> tuple[Header, Payload]:
        """As `MessageStream` says."""
        if self._taken:
            self._give_back()
        self._is_idle = not self._held
        try:
            head = await self._exactly(HEADER_BYTES, CONNECTION_IDLE_S)
        finally:
            self._is_idle = False
        header = parse_header(head)
        size = header.length - HEADER_BYTES
        if header.length > CONNECTION_BUFFER_BYTES:
            check_length(header.length, self.most_bytes)
            await self._budget.take(size)
            self._taken = size
        return header, await self._exactly(size, CONNECTION_STALL_S + size / CONNECTION_SLOWEST_RATE)

    async def _exactly(self, size: int, limit_s: float) -> bytes:
        held = self._held
        if len(held) < size:
            pieces, missing = [held], size - len(held)
            self.deadline_s = time.monotonic() + limit_s
            try:
                while missing > 0:
                    piece = await self._stream.receive(max(missing, CONNECTION_READ_BYTES))
                    if self._is_idle:
                        self._is_idle = False
                        self.deadline_s = time.monotonic() + CONNECTION_STALL_S
                    pieces.append(piece)
                    missing -= len(piece)
            finally:
                self.deadline_s = inf
            held = b"".join(pieces)
        self._held = held[size:]
        return held[:size]

    def _give_back(self) -> None:
        self._budget.give(self._taken)
        self._taken = 0

    async def send(self, message: bytes) -> None:
        """As `MessageStream` says."""
        self.deadline_s = time.monotonic() + CONNECTION_STALL_S
        try:
            await self._stream.send(message)
        finally:
            self.deadline_s = inf

    async def aclose(self) -> None:
        """As `MessageStream` says."""
        self._give_back()
        await self._stream.aclose()
