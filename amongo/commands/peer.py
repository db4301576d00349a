"""Who is connected: what the server knows of the other end of a socket. In process there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Peer:
    """The other end of one connection.

    number          of the connection, the server's
    address         "127.0.0.1:50123", or the path of the socket
    server_address  that of the server, as the client reached it
    is_loopback     on this very machine
    is_secure       it comes over TLS
    requires_auth   nothing is allowed but to those who have said who they are
    subject         the name in its verified certificate (RFC 2253); None without one
    metadata        what the client told of itself in its first `hello`; None before
    """

    number: int
    address: str
    server_address: str
    is_loopback: bool = True
    is_secure: bool = False
    requires_auth: bool = False
    subject: str | None = None
    metadata: Mapping[str, Any] | None = field(default=None)

    @property
    def app_name(self) -> str | None:
        """The name that the application gave itself."""
        application = self.metadata.get("application") if self.metadata is not None else None
        name = application.get("name") if isinstance(application, Mapping) else None
        return name if isinstance(name, str) else None
