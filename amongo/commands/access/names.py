"""Names of users and of roles: each belongs to a database, and is unique in it.

A user of the database "shop" is no user of another; `$external` is the database of those whose names stand in
certificates. Source: manual, Users; Role-Based Access Control.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from amongo.errors import access as errors

EXTERNAL: Final = "$external"


class UserName(NamedTuple):
    """A user's name.

    user       in its database
    database   where it is a user, and is authenticated
    """

    user: str
    database: str

    @property
    def id(self) -> str:
        """The `_id` of its document."""
        return f"{self.database}.{self.user}"

    def document(self) -> dict[str, Any]:
        """{user, db}."""
        return {"user": self.user, "db": self.database}

    def __str__(self) -> str:
        return f"{self.user}@{self.database}"


class RoleName(NamedTuple):
    """A role's name.

    role       in its database
    database   where it is defined; a built-in role stands in each
    """

    role: str
    database: str

    @property
    def id(self) -> str:
        """The `_id` of its document."""
        return f"{self.database}.{self.role}"

    def document(self) -> dict[str, Any]:
        """{role, db}."""
        return {"role": self.role, "db": self.database}

    def __str__(self) -> str:
        return f"{self.role}@{self.database}"


class LoggedIn(NamedTuple):
    """A user that a client has shown itself to be.

    name      of the user
    user_id   the 16 bytes of the user's UUID then
    """

    name: UserName
    user_id: bytes


def parse_role(command: str, field: str, database: str, value: Any) -> RoleName:
    """A role as a command names it: a string, for one of the command's database, or {role, db}.

    errors   NOT_A_ROLE, NAME_WITH_NUL
    """
    if type(value) is dict and value.keys() == {"role", "db"}:
        value, database = value["role"], value["db"]
    if type(value) is not str or type(database) is not str:
        raise errors.NOT_A_ROLE(command=command, field=field)
    return RoleName(_checked(value), _checked(database))


def parse_roles(command: str, field: str, database: str, values: Iterable[Any]) -> tuple[RoleName, ...]:
    """The roles of an array, each once, in the order of their first places.

    errors   those of `parse_role`
    """
    names = (parse_role(command, f"{field}.{place}", database, value) for place, value in enumerate(values))
    return tuple(dict.fromkeys(names))


def parse_user(command: str, field: str, database: str, value: Any) -> UserName:
    """A user as a command names it: a string, for one of the command's database, or {user, db}.

    errors   NOT_A_USER, NAME_WITH_NUL
    """
    if type(value) is dict and value.keys() == {"user", "db"}:
        value, database = value["user"], value["db"]
    if type(value) is not str or type(database) is not str:
        raise errors.NOT_A_USER(command=command, field=field)
    return UserName(_checked(value), _checked(database))


def _checked(name: str) -> str:
    if "\0" in name:
        raise errors.NAME_WITH_NUL()
    return name
