"""A server for one store: any MongoDB driver or tool connects to it.

    async with AsyncMongoClient("local://data") as client, AsyncWireServer(client, port=27017) as server:
        await server.wait_closed()

One task serves a connection. Anything but the own machine is refused: nobody is asked who they are yet.
"""

from __future__ import annotations

import ipaddress
import os
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from anyio.abc import ByteStream, TaskGroup
from anyio.streams.stapled import MultiListener
from pymongo.errors import ConfigurationError

from amongo.client.runner import Runner
from amongo.commands.peer import Peer
from amongo.runtime.limits import CONNECTIONS
from amongo.server.answering import Answering
from amongo.server.connection import Connection
from amongo.server.hello import Hello

if TYPE_CHECKING:
    from amongo.client import AsyncMongoClient

DEFAULT_PORT: Final = 27017
LOOPBACK: Final = "127.0.0.1"


class AsyncWireServer:
    """Serves the store of a client while its `async with` block runs.

    address   host and port, or the path of the socket; once it serves
    """

    def __init__(
        self,
        client: AsyncMongoClient[Any],
        *,
        host: str = LOOPBACK,
        port: int = DEFAULT_PORT,
        socket_path: str | os.PathLike[str] | None = None,
        standalone: bool = False,
    ) -> None:
        """
        host          an address of this very machine
        port          0 for any that is free
        socket_path   serve a Unix socket instead, which only the user of this process can open
        standalone    say that it is a standalone server, not a replica set of one node
        errors        ConfigurationError for a host that others reach
        """
        if socket_path is None and not _is_loopback(host):
            raise ConfigurationError(
                f"host '{host}' can be reached from other machines, and nobody is asked who they are yet: "
                f"serve {LOOPBACK}, or a Unix socket"
            )
        self.address = ""
        self._client = client
        self._host, self._port, self._socket_path = host, port, socket_path
        self._is_standalone = standalone
        self._numbers = count(1)
        self._open = 0
        self._stack = AsyncExitStack()
        self._group: TaskGroup | None = None
        self._closed = anyio.Event()

    async def __aenter__(self) -> Self:
        await self._client.admin.command("ping")  # opens the store
        runner = self._client._runner
        assert isinstance(runner, Runner)
        listener: Any
        if self._socket_path is not None:
            listener = await anyio.create_unix_listener(self._socket_path, mode=0o600)
            self.address = os.fspath(self._socket_path)
        else:
            listener = await anyio.create_tcp_listener(local_host=self._host, local_port=self._port)
            self.address = _address_of(listener, self._host)
        answering = Answering(runner, is_standalone=self._is_standalone)
        hello = Hello(self.address, is_standalone=self._is_standalone)
        await self._stack.enter_async_context(listener)
        self._group = await self._stack.enter_async_context(anyio.create_task_group())

        async def serve(stream: ByteStream) -> None:
            async with stream:
                if self._open >= CONNECTIONS:
                    return
                self._open += 1
                try:
                    await Connection(stream, self._peer(stream), answering, hello).serve()
                finally:
                    self._open -= 1

        self._group.start_soon(listener.serve, serve)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._group is not None
        self._group.cancel_scope.cancel()
        self._closed.set()
        return await self._stack.__aexit__(kind, error, trace)

    def _peer(self, stream: ByteStream) -> Peer:
        remote = stream.extra(anyio.abc.SocketAttribute.remote_address)
        address = f"{remote[0]}:{remote[1]}" if isinstance(remote, tuple) else self.address
        return Peer(next(self._numbers), address, self.address)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._open

    async def wait_closed(self) -> None:
        """Wait until the server is closed."""
        await self._closed.wait()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address_of(listener: MultiListener[Any], host: str) -> str:
    port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
