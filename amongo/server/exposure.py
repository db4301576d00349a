"""Who may reach a server: one that others than this very machine can reach asks who they are, or says aloud that it
does not.

Source: manual, Localhost Binding; Enable Access Control.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from pymongo.errors import ConfigurationError

from amongo.commands.peer import Peer

EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::", ""})
"""Hosts that stand for all addresses of the machine; no client reaches a server by such a name."""


def check_exposure(host: str, *, auth: bool, bind_without_auth: bool) -> None:
    """Refuse to serve other machines without asking them who they are.

    errors   ConfigurationError
    """
    if not (auth or bind_without_auth or is_loopback(host)):
        raise ConfigurationError(
            f"host '{host}' can be reached from other machines, and nobody is asked who they are: serve with "
            "authentication (auth=True, --auth), serve 127.0.0.1 or a Unix socket alone, or say that everybody may do "
            "everything (bind_without_auth=True, --bind-without-auth)"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is one of this very machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def peer_of(
    number: int,
    remote: Any,
    local: Any,
    socket_address: str,
    *,
    requires_auth: bool,
    subject: str | None,
    is_secure: bool,
    is_standalone: bool,
) -> Peer:
    """Who is at the other end of a connection.

    number           of the connection
    remote, local    the addresses of client and server, as `socket` has them
    socket_address   of the server, where it serves a Unix socket
    requires_auth    nothing is allowed but to those who have said who they are
    subject          the name in the client's verified certificate; None without one
    is_secure        it comes over TLS
    is_standalone    it is told that the server is no replica set
    """
    is_unix = not (isinstance(remote, tuple) and isinstance(local, tuple))
    return Peer(
        number,
        socket_address if is_unix else written(remote),
        socket_address if is_unix else written(local),
        is_loopback=is_unix or is_loopback(str(remote[0])),
        is_secure=is_secure,
        requires_auth=requires_auth,
        subject=subject,
        is_standalone=is_standalone,
    )


def written(address: tuple[object, ...]) -> str:
    """The address of a socket as "host:port"."""
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
