"""`amongo serve`: a store, served until the process is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import anyio

from amongo.client import AsyncMongoClient
from amongo.server.server import AsyncWireServer


async def serve_until_told(
    uri: str,
    begun: Callable[[str], object],
    *,
    host: str,
    port: int,
    socket_path: str | None,
    standalone: bool,
) -> None:
    """Serve the store at `uri` until SIGINT or SIGTERM, then close it.

    begun    called with the address as soon as clients can connect
    errors   ConfigurationError, OSError for an address that cannot be had, and those of opening the store
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    server = AsyncWireServer(client, host=host, port=port, socket_path=socket_path, standalone=standalone)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with client, server:
            begun(server.address)
            async for _ in signals:
                break
