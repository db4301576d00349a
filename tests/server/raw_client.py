"""A client that speaks the wire protocol byte by byte, for what no driver would do."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import bson
from anyio.abc import ByteStream

from tests.server.hostile import body, flags, message

MORE_TO_COME = 2
EXHAUST_ALLOWED = 1 << 16
PATIENCE_S = 30


class RawClient:
    """One connection."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self._held = b""

    async def send(self, document: dict[str, Any], flag: int = 0) -> None:
        """Send a command."""
        await self.stream.send(message(flags(flag) + body(document)))

    async def receive(self) -> tuple[dict[str, Any], bool]:
        """(the next reply, whether another follows that nobody asks for)."""
        with anyio.fail_after(PATIENCE_S):
            while len(self._held) < 4 or len(self._held) < struct.unpack_from("<i", self._held)[0]:
                self._held += await self.stream.receive()
        (length,) = struct.unpack_from("<i", self._held)
        reply, self._held = self._held[:length], self._held[length:]
        (flag,) = struct.unpack_from("<I", reply, 16)
        return bson.decode(reply[21:]), bool(flag & MORE_TO_COME)

    async def ask(self, document: dict[str, Any], flag: int = 0) -> dict[str, Any]:
        """The reply to a command."""
        await self.send(document, flag)
        return (await self.receive())[0]

    async def is_ended(self) -> bool:
        """Wait for the end of the connection; False if something comes first."""
        with anyio.fail_after(PATIENCE_S):
            try:
                return not await self.stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return True


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[RawClient]:
    """A connection to a server."""
    if "/" in address:
        stream: ByteStream = await anyio.connect_unix(address)
    else:
        host, _, port = address.rpartition(":")
        stream = await anyio.connect_tcp(host.strip("[]"), int(port))
    async with stream:
        yield RawClient(stream)
