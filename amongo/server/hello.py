"""What this server says of itself on a connection: the reply of `hello`, with its address, and nothing a client cannot
reach. A driver that watches the server asks once and is told again every ten seconds or so (streaming `hello`).

Source: manual, hello; the driver specification of server discovery and monitoring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
from bson.errors import InvalidBSON

from amongo.commands.peer import Peer
from amongo.server.compression import agreed
from amongo.server.messages import Request
from amongo.values.codec import decode_foreign

HELLO_NAMES: Final = frozenset({"hello", "isMaster", "ismaster"})
_OF_A_SET: Final = (
    "hosts",
    "setName",
    "setVersion",
    "secondary",
    "primary",
    "me",
    "electionId",
    "lastWrite",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a `hello` concerns the connection.

    is_awaited    the client knows the server as it is, and wants to hear when that changes
    wait_s        and so long it waits for that
    compression   names of the compressors that both know, as the client orders them
    metadata      what the client tells of itself; None for nothing
    """

    is_awaited: bool
    wait_s: float
    compression: list[str]
    metadata: Mapping[str, Any] | None


class Hello:
    """What a server says of itself.

    address         host and port, as clients reach it; "" for as each has reached it
    is_standalone   it does not say that it is a replica set: drivers then use no sessions' retries, no transactions,
                    no change streams
    is_over         the server is being closed: nobody waits to hear that it changes
    """

    def __init__(self, address: str, *, is_standalone: bool = False) -> None:
        self.address = address
        self.is_standalone = is_standalone
        self._over = anyio.Event()

    @property
    def is_over(self) -> bool:
        """Whether the server is being closed."""
        return self._over.is_set()

    def end(self) -> None:
        """The server is being closed: let those go who wait to hear that it changes."""
        self._over.set()

    @staticmethod
    def asked(request: Request) -> Asked:
        """What a `hello` asks of its connection; nothing, where it cannot be read."""
        document = request.document
        if document is None:
            try:
                document = decode_foreign(request.command)
            except (InvalidBSON, RecursionError):
                document = {}
        limit_ms = document.get("maxAwaitTimeMS")
        is_awaited = "topologyVersion" in document
        wait_s = max(float(limit_ms), 0.0) / 1000 if isinstance(limit_ms, int | float) and is_awaited else 0.0
        metadata = document.get("client")
        return Asked(
            is_awaited,
            wait_s,
            agreed(document.get("compression")),
            metadata if isinstance(metadata, Mapping) else None,
        )

    async def changed(self, asked: Asked) -> None:
        """Wait until the server has become another, or the client's time is up; nothing changes it but its end."""
        if asked.wait_s > 0:
            with anyio.move_on_after(asked.wait_s):
                await self._over.wait()

    def completed(self, reply: dict[str, Any], asked: Asked, peer: Peer) -> dict[str, Any]:
        """The reply of the command `hello`, as this connection gives it."""
        if not reply.get("ok"):
            return reply
        address = self.address or peer.server_address
        reply = reply | {"connectionId": peer.number, "hosts": [address], "primary": address, "me": address}
        if self.is_standalone:
            reply = {name: value for name, value in reply.items() if name not in _OF_A_SET}
        return reply | ({"compression": asked.compression} if asked.compression else {})
