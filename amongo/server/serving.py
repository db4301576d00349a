"""`amongo serve`: a store, served until the process is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import anyio

from amongo.client import AsyncMongoClient
from amongo.server.blocking import loop_options
from amongo.server.server import AsyncWireServer
from amongo.server.tls import TlsOptions

__all__ = ["loop_options", "serve_until_told"]


async def serve_until_told(
    uri: str,
    begun: Callable[[str], object],
    *,
    host: str,
    port: int,
    socket_path: str | None,
    standalone: bool,
    test_commands: bool = False,
    auth: bool = False,
    bind_without_auth: bool = False,
    tls: TlsOptions | None = None,
    advertised: str | None = None,
) -> None:
    """Serve the store at `uri` until SIGINT, SIGTERM or the command shutdown, then close it.

    begun    called with the address as soon as clients can connect
    errors   ConfigurationError, OSError for an address that cannot be had, and those of opening the store
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    server = AsyncWireServer(
        client,
        host=host,
        port=port,
        socket_path=socket_path,
        standalone=standalone,
        test_commands=test_commands,
        auth=auth,
        bind_without_auth=bind_without_auth,
        tls=tls,
        advertised=advertised,
    )
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with client, server:
            begun(server.address)
            async with anyio.create_task_group() as group:

                async def until_closed() -> None:
                    await server.wait_closed()  # a client may ask for it
                    group.cancel_scope.cancel()

                group.start_soon(until_closed)
                async for _ in signals:
                    break
                group.cancel_scope.cancel()
