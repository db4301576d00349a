"""Users, as documents of `admin.system.users`: the same collection, and the same documents, as MongoDB's.

    {_id: "shop.ann", userId: UUID, user: "ann", db: "shop", roles: [{role, db}], credentials: {mechanism: {…}},
     customData?, authenticationRestrictions?}

Passwords are nowhere: credentials hold salted keys, of which none can be made (see `credentials`). Source: manual,
system.users Collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bson import Binary

from amongo.commands.access.names import EXTERNAL, RoleName, UserName
from amongo.commands.access.stored import Stored
from amongo.engine.store import Store
from amongo.errors import access as errors

USERS: Final = "admin.system.users"


@dataclass(frozen=True, slots=True, eq=False)
class User:
    """A user.

    name           with its database
    user_id        the 16 bytes of its UUID: a user that is dropped and made anew is another
    roles          that were granted to it, without those that they inherit
    credentials    mechanism -> {iterationCount, salt, storedKey, serverKey}; of an external user {"external": True}
    restrictions   `authenticationRestrictions`: each {clientSource?, serverAddress?}; none for no restriction
    document       as it is stored
    """

    name: UserName
    user_id: bytes
    roles: tuple[RoleName, ...]
    credentials: Mapping[str, Any]
    restrictions: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]

    @property
    def mechanisms(self) -> list[str]:
        """The mechanisms by which it can say who it is."""
        return ["external"] if self.name.database == EXTERNAL else list(self.credentials)


def parse_user_document(document: Mapping[str, Any]) -> User:
    """The user of a document of `admin.system.users`.

    errors   BAD_USER_DOCUMENT for a document that somebody else has written there
    """
    user, database, user_id = document.get("user"), document.get("db"), document.get("userId")
    credentials, roles = document.get("credentials"), document.get("roles")
    restrictions = document.get("authenticationRestrictions", [])
    if not (
        type(user) is str
        and type(database) is str
        and type(user_id) is Binary
        and type(credentials) is dict
        and type(roles) is list
        and all(map(_is_role, roles))
        and type(restrictions) is list
        and all(type(each) is dict for each in restrictions)
    ):
        raise errors.BAD_USER_DOCUMENT(identity=document.get("_id"))
    return User(
        UserName(user, database),
        bytes(user_id),
        tuple(RoleName(each["role"], each["db"]) for each in roles),
        credentials,
        tuple(restrictions),
        document,
    )


def _is_role(value: Any) -> bool:
    return type(value) is dict and type(value.get("role")) is str and type(value.get("db")) is str


class Users(Stored[User]):
    """The users of a store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, USERS, parse_user_document)

    def named(self, name: UserName) -> User | None:
        """The user of this name, as it is now; None for none.

        errors   BAD_USER_DOCUMENT
        """
        return self.find(name.id)
