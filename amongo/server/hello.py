"""What this server says of itself on a connection: the reply of `hello`, with its address, and nothing a client cannot
reach. A driver that watches the server asks once and is told again every ten seconds or so (streaming `hello`).

Source: manual, hello; the driver specification of server discovery and monitoring.
"""

from __future__ import annotations

from typing import Any, Final

import anyio
from bson.errors import InvalidBSON

from amongo.server.compression import agreed
from amongo.values.codec import decode_foreign

HELLO_NAMES: Final = frozenset({"hello", "isMaster", "ismaster"})
_OF_A_SET: Final = (
    "topologyVersion",
    "hosts",
    "setName",
    "setVersion",
    "secondary",
    "primary",
    "me",
    "electionId",
    "lastWrite",
)


class Hello:
    """What a server says of itself.

    address         host and port, as clients reach it
    is_standalone   it does not say that it is a replica set: drivers then use no sessions' retries, no transactions,
                    no change streams
    """

    def __init__(self, address: str, *, is_standalone: bool = False) -> None:
        self.address = address
        self.is_standalone = is_standalone

    @staticmethod
    def is_awaited(command: bytes) -> bool:
        """Whether a client that knows the server as it is wants to hear when that changes."""
        return "topologyVersion" in _document(command)

    async def changed(self, command: bytes) -> None:
        """Wait until the server has become another, or the client's time is up; nothing changes it but its end."""
        document = _document(command)
        limit_ms = document.get("maxAwaitTimeMS")
        if "topologyVersion" in document and type(limit_ms) in (int, float) and limit_ms > 0:  # type: ignore[operator]
            await anyio.sleep(limit_ms / 1000)  # type: ignore[operator]

    def completed(self, reply: dict[str, Any], command: bytes, number: int) -> dict[str, Any]:
        """The reply of the command `hello`, as this connection gives it.

        number   of the connection
        """
        if not reply.get("ok"):
            return reply
        reply = reply | {"connectionId": number, "hosts": [self.address], "primary": self.address, "me": self.address}
        if self.is_standalone:
            reply = {name: value for name, value in reply.items() if name not in _OF_A_SET}
        compression = agreed(_document(command).get("compression"))
        return reply | ({"compression": compression} if compression else {})


def _document(command: bytes) -> dict[str, Any]:
    try:
        return decode_foreign(command)
    except (InvalidBSON, RecursionError):
        return {}
