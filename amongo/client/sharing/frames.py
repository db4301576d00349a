"""Messages between processes, and the connections that carry them.

A message is a document (the head) and any number of attachments, bytes that stand behind it as they are:

    u64 bytes of all that follows    u32 bytes of the head    u32 number of attachments
    the head, as BSON                u64 length of each attachment                       the attachments

A connection waits in three ways: on asyncio and on trio by anyio, and under the blocking client by blocking. It belongs
to no event loop, so that it may be kept for whoever comes next. Both ends are processes of one user.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Iterable
from struct import Struct
from typing import Any, Final, NamedTuple

import anyio
from bson.errors import InvalidBSON

from amongo.runtime.blocking import is_blocking
from amongo.runtime.limits import SHARING_BLOCK_BYTES, SHARING_WORKER_ATTACHMENTS, SHARING_WORKER_BYTES
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run
from amongo.values.codec import decode_foreign, encode_in_order

_SIZES: Final = Struct("<QII")
_LENGTH_BYTES: Final = 8
_NOTHING: Final = memoryview(b"")
ARROW: Final = "arrow"
"""The field of the head that says that the attachment is a table, which is used where it lies."""


class Broken(Exception):
    """The other end is gone, or says what is no message."""


class Message(NamedTuple):
    """head: a document of canonical values; attachments: bytes."""

    head: dict[str, Any]
    attachments: list[Any] = []


def pack(message: Message) -> list[Any]:
    """A message as blocks of bytes, to be sent one after the other."""
    head, attachments = encode_in_order(message.head), message.attachments
    lengths = Struct(f"<{len(attachments)}Q").pack(*map(_size, attachments))
    rest = len(head) + len(lengths) + sum(map(_size, attachments))
    return _joined([_SIZES.pack(rest, len(head), len(attachments)), head, lengths, *attachments])


def _size(block: Any) -> int:
    return block.nbytes if type(block) is memoryview else len(block)


def _joined(blocks: Iterable[Any]) -> list[Any]:
    """The same bytes in blocks that are worth a system call each."""
    joined: list[Any] = []
    small: list[Any] = []
    held = 0
    for block in blocks:
        size = _size(block)
        if size >= SHARING_BLOCK_BYTES:
            joined += (b"".join(small), block)
            small, held = [], 0
        else:
            small.append(block)
            held += size
            if held >= SHARING_BLOCK_BYTES:
                joined.append(b"".join(small))
                small, held = [], 0
    joined.append(b"".join(small))
    return [block for block in joined if _size(block)]


def unpack(head_bytes: int, count: int, body: bytearray) -> Message:
    """The message whose bytes behind the sizes are `body`. errors: Broken."""
    view = memoryview(body)
    place = head_bytes + _LENGTH_BYTES * count
    if place > len(body):
        raise Broken("a message that is shorter than it says")
    lengths = Struct(f"<{count}Q").unpack_from(body, head_bytes)
    if place + sum(lengths) != len(body):
        raise Broken("a message whose attachments have another length than it says")
    try:
        head = decode_foreign(bytes(view[:head_bytes]))
    except (InvalidBSON, RecursionError) as error:
        raise Broken(f"a message that cannot be read: {error}") from None
    attachments: list[Any] = []
    for length in lengths:
        block = view[place : place + length]
        attachments.append(block if ARROW in head else bytes(block))
        place += length
    return Message(head, attachments)


class Link:
    """A connection to another process.

    A cancelled `receive` may be called again: what has come is kept.
    """

    __slots__ = ("_body", "_filled", "_most_bytes", "_sizes", "_socket", "is_closed")

    def __init__(self, connection: socket.socket, most_bytes: int = sys.maxsize) -> None:
        """
        most_bytes   of a message that is taken
        """
        connection.setblocking(False)
        self._most_bytes = most_bytes
        self._socket = connection
        self._sizes = bytearray()
        self._body: bytearray | None = None
        self._filled = 0
        self.is_closed = False

    async def send(self, message: Message) -> None:
        """Send a message. errors: Broken. After any failure the connection is of no use."""
        attachments = message.attachments
        if len(attachments) > SHARING_WORKER_ATTACHMENTS or sum(map(_size, attachments)) > SHARING_WORKER_BYTES:
            blocks = await run(pack, message)
        else:
            blocks = pack(message)
        try:
            for block in blocks:
                view = _NOTHING
                sent = self._send_some(block)
                while sent < _size(block):
                    view = view or memoryview(block).cast("B")
                    await self._wait(is_read=False)
                    sent += self._send_some(view[sent:])
                if time.monotonic() >= turn.ends:
                    await take_turn()
        except OSError as error:
            raise Broken(str(error)) from None

    def _send_some(self, block: Any) -> int:
        try:
            return self._socket.send(block)
        except BlockingIOError:
            return 0

    async def receive(self) -> Message:
        """The next message. errors: Broken."""
        while True:
            try:
                came = self._receive_some()
            except BlockingIOError:
                await self._wait(is_read=True)
                continue
            except OSError as error:
                raise Broken(str(error)) from None
            if not came:
                raise Broken("the other end is gone")
            body = self._body
            if body is not None and self._filled == len(body):
                _, head_bytes, count = _SIZES.unpack(self._sizes)
                self._body, self._sizes = None, bytearray()
                if count > SHARING_WORKER_ATTACHMENTS or len(body) > SHARING_WORKER_BYTES:
                    return await run(unpack, head_bytes, count, body)
                return unpack(head_bytes, count, body)
            if time.monotonic() >= turn.ends:
                await take_turn()

    def _receive_some(self) -> int:
        """Take what is there, up to the end of the message; how many bytes. errors: OSError, Broken."""
        body = self._body
        if body is None:
            piece = self._socket.recv(_SIZES.size - len(self._sizes))
            self._sizes += piece
            if len(self._sizes) < _SIZES.size:
                return len(piece)
            size = _SIZES.unpack(self._sizes)[0]
            if size > self._most_bytes:
                raise Broken(f"a message of {size} bytes")
            body = self._body = bytearray(size)
            self._filled = 0
            if not size:
                return len(piece)
            try:
                return len(piece) + self._fill(body)
            except BlockingIOError:
                return len(piece)
        return self._fill(body)

    def _fill(self, body: bytearray) -> int:
        count = self._socket.recv_into(memoryview(body)[self._filled : self._filled + SHARING_BLOCK_BYTES])
        self._filled += count
        return count

    async def _wait(self, *, is_read: bool) -> None:
        if is_blocking():
            _block(self._socket, is_read=is_read)
        elif is_read:
            await anyio.wait_readable(self._socket)
        else:
            await anyio.wait_writable(self._socket)

    async def ended(self) -> None:
        """Return when the other end is gone, or has sent something."""
        await self._wait(is_read=True)

    def has_input(self) -> bool:
        """Whether something has come that no `receive` has taken; False where the other end is gone."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        except OSError:
            return False

    def is_alive(self) -> bool:
        """Whether the other end is still there, and has said nothing that nobody has asked for."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def block(self) -> None:
        """Have this thread wait until the other end is gone, or has sent something."""
        _block(self._socket, is_read=True)

    def end(self) -> None:
        """Let whoever waits for the connection go on: it is gone. From any thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Close it. Only while nobody waits for it."""
        self.is_closed = True
        self._socket.close()


def _block(connection: socket.socket, *, is_read: bool) -> None:
    poll = select.poll()
    poll.register(connection, select.POLLIN if is_read else select.POLLOUT)
    poll.poll()
