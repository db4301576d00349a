"""Where clients come in: sockets of TCP, of IPv4 and IPv6, and Unix sockets; and how each of their connections is given
to who serves it.

On asyncio a connection's messages are read straight from the socket; under trio, and where a connection is to be
secured first (`Secure`), they come over a stream of anyio.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import anyio
from anyio.abc import ByteStream, SocketAttribute, TaskGroup

from amongo.runtime.sockets import accept, attached, reads_straight
from amongo.server.budget import Budget
from amongo.server.streams import MessageStream, StraightMessages, StreamMessages

_LOG: Final = logging.getLogger("amongo.server")
_OUT_OF_SOCKETS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S: Final = 0.1  # before the next attempt to accept, when the system has no sockets left
_BACKLOG: Final = 1024

Serve = Callable[[MessageStream, Any, Any], Awaitable[None]]
"""Serves a connection: given its messages, the addresses of client and server as `socket` has them, and what `Secure`
has found out."""

Secure = Callable[[ByteStream], Awaitable[tuple[ByteStream, Any]]]
"""Makes a connection a secure one: (the stream of what is said, what is known of the client)."""


class Listener:
    """Listens, and gives every connection to who serves it, as a task of its own.

    address   host and port, or the path of the socket
    """

    def __init__(self, address: str, listener: Any, path: str | None) -> None:
        self.address = address
        self._listener = listener
        self._path = path
        self._scope = anyio.CancelScope()
        self._accepted = anyio.Event()  # set when no more are accepted

    def begin(self, group: TaskGroup, budget: Budget, serve: Serve, secure: Secure | None) -> None:
        """Accept connections from now on.

        group    of the connections' tasks
        secure   secures each connection first; None for plain ones
        """
        group.start_soon(self._accept, group, budget, serve, secure)

    async def _accept(self, group: TaskGroup, budget: Budget, serve: Serve, secure: Secure | None) -> None:
        try:
            with self._scope:
                await self._accept_all(group, budget, serve, secure)
        finally:
            self._accepted.set()

    async def _accept_all(self, group: TaskGroup, budget: Budget, serve: Serve, secure: Secure | None) -> None:
        if secure is None and reads_straight():
            raws = [each.extra(SocketAttribute.raw_socket) for each in self._listeners()]
            async with anyio.create_task_group() as accepting:
                for raw in raws:
                    accepting.start_soon(_accept_straight, raw, group, budget, serve)
        else:
            handler = partial(_serve_stream, budget=budget, serve=serve, secure=secure)
            await self._listener.serve(handler, group)

    def _listeners(self) -> list[Any]:
        return list(getattr(self._listener, "listeners", None) or [self._listener])

    async def aclose(self) -> None:
        """Accept no more connections; those that are there go on."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._accepted.wait()
            await self._listener.aclose()
        if self._path is not None:
            _remove(self._path)


async def listen_tcp(host: str, port: int) -> Listener:
    """Listen on an address. errors: OSError for one that cannot be had."""
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port, backlog=_BACKLOG, reuse_port=False)
    port = listener.extra(SocketAttribute.local_port)
    return Listener(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", listener, None)


async def listen_unix(path: str | os.PathLike[str]) -> Listener:
    """Listen on a Unix socket that only the user of this process can open.

    The file of a server that is no more is replaced.

    errors   OSError for a path that cannot be had: that of a living server, or of something else
    """
    name = os.fspath(path)
    _make_room(name)
    listener = await anyio.create_unix_listener(name, mode=0o600, backlog=_BACKLOG)
    return Listener(name, listener, name)


def _make_room(path: str) -> None:
    """Remove the socket of a server that is no more. errors: OSError where there is anything else."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                _remove(path)
                return
            except OSError:
                pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


async def _accept_straight(listening: socket.socket, group: TaskGroup, budget: Budget, serve: Serve) -> None:
    """Accept the connections of one socket, on asyncio."""
    while True:
        try:
            raw, address = await accept(listening)
        except OSError as error:
            if error.errno not in _OUT_OF_SOCKETS:
                _LOG.info("a connection could not be accepted: %s", error)
                continue
            _LOG.warning("no more connections can be accepted now: %s", error)
            await anyio.sleep(_PAUSE_S)
            continue
        group.start_soon(_serve_straight, raw, address, budget, serve)


async def _serve_straight(raw: socket.socket, address: Any, budget: Budget, serve: Serve) -> None:
    try:
        messages = await attached(raw, lambda: StraightMessages(budget))
    except OSError:  # the client has gone already
        raw.close()
        return
    try:
        await serve(messages, (address, raw.getsockname()), None)
    finally:
        await messages.aclose()


async def _serve_stream(stream: ByteStream, *, budget: Budget, serve: Serve, secure: Secure | None) -> None:
    addresses = stream.extra(SocketAttribute.remote_address, ""), stream.extra(SocketAttribute.local_address, "")
    known = None
    try:
        if secure is not None:
            stream, known = await secure(stream)
        messages = StreamMessages(stream, budget)
        await serve(messages, addresses, known)
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        pass  # the client has gone already
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(1.0):
            try:
                await stream.aclose()
            except (OSError, anyio.BrokenResourceError):
                pass
