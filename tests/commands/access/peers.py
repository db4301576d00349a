"""How a test is a client: somebody with certain roles, or nobody, on a server that asks who one is."""

from __future__ import annotations

from itertools import count
from typing import Any

from amongo.commands.access.names import LoggedIn, UserName
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.peer import Peer
from amongo.commands.replies import document_of
from amongo.errors import ServerError
from amongo.values.codec import decode, encode

Document = dict[str, Any]
_NUMBERS = count(1)


class Client:
    """The other end of a connection.

    peer   what the server knows of it
    """

    def __init__(self, instance: Instance, peer: Peer) -> None:
        self.instance = instance
        self.peer = peer

    def ask(self, command: Document, database: str = "shop") -> Document:
        """The reply to a command, of a failed one too; all of it decoded."""
        context = Context(peer=self.peer)
        try:
            parsed = self.instance.parse_command(database, encode(command), context)
            reply = document_of(self.instance.answer_command(parsed, parsed.context)[0])
        except ServerError as error:
            reply = error.reply()
        return decode(encode(reply))

    def code(self, command: Document, database: str = "shop") -> int:
        """The number of the error; 0 for none."""
        return int(self.ask(command, database).get("code", 0))

    def log_in(self, user: str, database: str = "admin") -> None:
        """Be this user from now on."""
        found = self.instance.access.users.named(UserName(user, database))
        assert found is not None
        self.peer.users = (LoggedIn(found.name, found.user_id),)


def nobody(instance: Instance, *, address: str = "127.0.0.1:50123") -> Client:
    """A client that has not said who it is."""
    return Client(instance, Peer(next(_NUMBERS), address, "127.0.0.1:27017", requires_auth=True))


def somebody(instance: Instance, *roles: Any, name: str | None = None) -> Client:
    """A client that is a new user with these roles: names of `admin`, or {role, db}."""
    user = name or f"user{next(_NUMBERS)}"
    make = {"createUser": user, "pwd": "secret", "roles": list(roles), "mechanisms": ["SCRAM-SHA-256"]}
    assert in_process(instance, make)["ok"] == 1.0
    client = nobody(instance)
    client.log_in(user)
    return client


def in_process(instance: Instance, command: Document, database: str = "admin") -> Document:
    """The reply to a command that nobody has sent over a socket, of a failed one too."""
    try:
        return decode(encode(instance.run_command(database, encode(command))))
    except ServerError as error:
        return error.reply()
