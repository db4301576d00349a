"""Who is connected: what the server knows of the other end of a socket. In process there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import LoggedIn

if TYPE_CHECKING:
    from amongo.commands.access.authority import Authority
    from amongo.commands.access.names import UserName
    from amongo.commands.access.scram import Conversation


@dataclass(slots=True, eq=False)
class Peer:
    """The other end of one connection.

    number          of the connection, the server's
    address         "127.0.0.1:50123", or the path of the socket
    server_address  that of the server, as the client reached it
    is_loopback     on this very machine
    is_secure       it comes over TLS
    requires_auth   nothing is allowed but to those who have said who they are
    is_standalone   it has been told that the server is no replica set, and is refused what needs one
    subject         the name in its verified certificate (RFC 2253); None without one
    is_dropped      a failpoint ends the connection: it gets no further reply
    metadata        what the client told of itself in its first `hello`; None before
    conversation    by which it is saying who it is; None for none
    users           that it has shown itself to be; `Access.users_of` gives them as they are now
    authority       what they may do, as it was found out last; None before
    """

    number: int
    address: str
    server_address: str
    is_loopback: bool = True
    is_secure: bool = False
    requires_auth: bool = False
    subject: str | None = None
    metadata: Mapping[str, Any] | None = field(default=None)
    is_dropped: bool = False
    conversation: Conversation | None = None
    users: tuple[LoggedIn, ...] = ()
    authority: Authority | None = None
    is_standalone: bool = False

    @property
    def user_names(self) -> frozenset[UserName]:
        """The names of the users that it has shown itself to be."""
        return frozenset(each.name for each in self.users)

    @property
    def app_name(self) -> str | None:
        """The name that the application gave itself."""
        return application_name(self.metadata)


def application_name(metadata: object) -> str | None:
    """The name that an application gives itself in what a client tells of itself; None if it gives none."""
    application = metadata.get("application") if isinstance(metadata, Mapping) else None
    name = application.get("name") if isinstance(application, Mapping) else None
    return name if isinstance(name, str) else None
