"""From where a user may come: `authenticationRestrictions`.

    [{clientSource: ["10.0.0.0/8", "127.0.0.1"], serverAddress: ["10.1.2.3"]}, …]

One of the documents has to fit; it fits when the client's address is in one of its ranges, and so is the address at
which it has reached the server. A client of a Unix socket has no address, and fits none. Source: manual, createUser,
"Authentication Restrictions".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from amongo.commands.peer import Peer
from amongo.errors import access as errors
from amongo.errors import command as command_errors
from amongo.values.types import alias

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CLIENT, SERVER = "clientSource", "serverAddress"


def parse_restrictions(command: str, values: Iterable[Any]) -> list[dict[str, Any]]:
    """The restrictions of a command, as they are stored.

    errors   WRONG_TYPE, UNKNOWN_FIELD, RESTRICTION_EMPTY, NOT_AN_ADDRESS
    """
    field = "authenticationRestrictions"
    found = []
    for place, value in enumerate(values):
        if type(value) is not dict:
            raise command_errors.WRONG_TYPE(
                command=command, field=f"{field}.{place}", actual=alias(value), expected="type 'object'"
            )
        for name, ranges in value.items():
            if name not in (CLIENT, SERVER):
                raise command_errors.UNKNOWN_FIELD(command=f"{command}.{field}", field=name)
            _check_ranges(command, f"{field}.{name}", ranges)
        if not value:
            raise errors.RESTRICTION_EMPTY()
        found.append(value)
    return found


def _check_ranges(command: str, field: str, ranges: Any) -> None:
    """errors: WRONG_TYPE, NOT_AN_ADDRESS."""
    if type(ranges) is not list or any(type(each) is not str for each in ranges):
        raise command_errors.WRONG_TYPE(command=command, field=field, actual=alias(ranges), expected="type 'array'")
    for each in ranges:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise errors.NOT_AN_ADDRESS(text=each) from None


def are_met(restrictions: Iterable[Mapping[str, Any]], peer: Peer) -> bool:
    """Whether a client may come from where it does.

    restrictions   of the user; none for from anywhere
    """
    client, server = address_of(peer.address), address_of(peer.server_address)
    restricts = False
    for each in restrictions:
        restricts = True
        if _is_within(each.get(CLIENT), client) and _is_within(each.get(SERVER), server):
            return True
    return not restricts


def address_of(place: str) -> Address | None:
    """The address in "127.0.0.1:50123" or "[::1]:50123"; None for that of a Unix socket."""
    try:
        found = ipaddress.ip_address(place.rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def _is_within(ranges: Any, address: Address | None) -> bool:
    """Whether an address lies in one of the ranges; None for no restriction."""
    if ranges is None:
        return True
    if address is None:
        return False
    try:
        return any(address in ipaddress.ip_network(each, strict=False) for each in ranges)
    except (ValueError, TypeError):  # written by somebody else: nothing lies there
        return False
