"""Sockets that an asyncio event loop reads straight into a buffer, and writes without a task switch.

A stream of anyio gives its turn to others with each call, which costs two turns of the loop for a request that one turn
would answer. This is for those who are asked thousands of times a second; all else goes through anyio.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from math import inf
from typing import Any, TypeVar, cast

import anyio

from amongo.runtime.limits import CONNECTION_BUFFER_BYTES, CONNECTION_STALL_S
from amongo.runtime.loops import current_loop
from amongo.runtime.turns import something_came

S = TypeVar("S", bound="StraightSocket")


def reads_straight() -> bool:
    """Whether the running event loop is asyncio's, or has its interface."""
    return isinstance(current_loop().native, asyncio.AbstractEventLoop)


async def accept(listening: socket.socket) -> tuple[socket.socket, Any]:
    """(the next connection of a listening socket, the address of its other end). errors: OSError."""
    return await asyncio.get_running_loop().sock_accept(listening)


async def attached(raw: socket.socket, make: Callable[[], S]) -> S:
    """What `make` makes, serving a connected socket from now on. errors: OSError."""
    _, made = await asyncio.get_running_loop().connect_accepted_socket(make, raw)
    return made


def nobody_asks() -> None:
    """Nobody wants to know."""


class StraightSocket(asyncio.BufferedProtocol):
    """A connected socket.

    deadline_s   on the monotonic clock, until when the other end has to have sent or read something; inf while nobody
                 waits for it
    gone         called when the other end has gone
    _view        of the buffer; from `_start` to `_end` stands what was read and nobody has taken
    _rest        where what comes next is read to instead of the buffer, until it is full; None for the buffer
    _is_over     nothing more will come
    """

    def __init__(self) -> None:
        self.deadline_s = inf
        self.gone: Callable[[], object] = nobody_asks
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._buffer = bytearray(CONNECTION_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._rest: memoryview | None = None
        self._is_paused = False
        self._is_over = self._is_lost = False
        self._reader: asyncio.Future[None] | None = None
        self._is_full = False  # too much is not sent yet
        self._writer: asyncio.Future[None] | None = None

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        if self._rest is not None:
            return self._rest
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read."""
        if self._rest is not None:
            self._rest = self._rest[nbytes:] if nbytes < len(self._rest) else None
            if self._rest is not None:
                return
        else:
            self._end += nbytes
        if self._end == CONNECTION_BUFFER_BYTES:
            self._pause()
        something_came()
        self._wake(self._reader)

    def eof_received(self) -> bool:
        """The client sends nothing more; it may still read."""
        self._over()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._is_lost = True
        self._over()
        self._wake(self._writer)

    def pause_writing(self) -> None:
        """Too much is not sent yet."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Most of it has been sent."""
        self._is_full = False
        self._wake(self._writer)

    def _over(self) -> None:
        self._is_over = True
        self._wake(self._reader)
        self.gone()

    @staticmethod
    def _wake(waiting: asyncio.Future[None] | None) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _pause(self) -> None:
        if not (self._is_paused or self._is_over):
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._is_over:
            self._is_paused = False
            self._transport.resume_reading()

    # What tasks call

    async def _more(self, limit_s: float) -> None:
        """Wait until something has come, or the other end has gone.

        limit_s   how long it may take; who looks after connections ends it after that
        """
        self._reader = self._loop.create_future()
        self._resume()
        self.deadline_s = time.monotonic() + limit_s
        try:
            await self._reader
        finally:
            self._reader = None
            self.deadline_s = inf

    async def send(self, content: bytes) -> None:
        """Send; waits while too much of what was sent before has not gone out.

        errors   anyio.BrokenResourceError
        """
        if self._is_lost:
            raise anyio.BrokenResourceError
        self._transport.write(content)
        while self._is_full and not self._is_lost:
            self._writer = self._loop.create_future()
            self.deadline_s = time.monotonic() + CONNECTION_STALL_S
            try:
                await self._writer
            finally:
                self._writer = None
                self.deadline_s = inf

    async def aclose(self) -> None:
        """Close the connection when what was sent has gone out; at once, if the other end has not read for a while."""
        if self._is_full:
            self._transport.abort()
            return
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(CONNECTION_STALL_S, self._transport.abort)
