"""What one client may do, as long as its users and their roles stay what they are.

An `Authority` is made of the users that a client is and of the roles that they have; it remembers of which roles, so
that it is known to be out of date as soon as one of them is changed, dropped, or comes to be there. What it has been
asked once it answers again from a dictionary.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from amongo.commands.access.actions import actions
from amongo.commands.access.builtin_roles import ADMIN, built_in_privileges
from amongo.commands.access.names import EXTERNAL, LoggedIn, RoleName, UserName
from amongo.commands.access.privileges import (
    CLUSTER,
    Granted,
    Privilege,
    Resource,
    collection_resource,
    database_resource,
    granted,
    is_permitted,
    is_permitted_anything,
    is_permitted_anything_on,
)
from amongo.commands.access.roles import Role, Roles
from amongo.commands.access.users import User
from amongo.runtime.limits import KEPT_DECISIONS

BEGINNING: Final = granted(
    (
        Privilege(database_resource(ADMIN), actions("createRole createUser grantRole")),
        Privilege(database_resource(EXTERNAL), actions("createUser grantRole")),
        Privilege(CLUSTER, actions("replSetConfigure replSetGetConfig replSetGetStatus")),
    )
)
"""What the localhost exception permits: to make the first user, or the first role, and to begin a replica set."""

BEGINNERS_COMMANDS: Final = frozenset(
    {"createRole", "createUser", "replSetGetConfig", "replSetGetStatus", "replSetInitiate", "replSetReconfig"}
)
"""Those for which it is there; no other command is run for a client that is nobody, whatever it needs."""


@dataclass(slots=True, eq=False)
class Authority:
    """What a client may do.

    users        that it is: each is the same object as long as it is the same user
    roles        those of them that somebody has made, as they were; None for one that was not there
    privileges   of all roles of all users
    decisions    what it has been asked before and was allowed
    logged_in    `Peer.users` when it was found out
    sequence     the last commit by then: as long as it is the last, nothing has changed
    """

    users: tuple[User, ...]
    roles: tuple[tuple[RoleName, Role | None], ...]
    privileges: Granted
    decisions: set[Hashable] = field(default_factory=set)
    logged_in: tuple[LoggedIn, ...] = ()
    sequence: int = -1

    @classmethod
    def of(cls, users: tuple[User, ...], roles: Roles) -> Authority:
        """That of some users, as roles are now."""
        named: dict[RoleName, Role | None] = {}
        privileges: list[Privilege] = []
        coming = [name for user in users for name in user.roles]
        while coming:
            name = coming.pop()
            if name in named:
                continue
            built_in = built_in_privileges(name)
            if built_in is not None:
                privileges.extend(built_in)
                continue
            named[name] = role = roles.named(name)
            if role is not None:
                privileges.extend(role.privileges)
                coming.extend(role.roles)
        return cls(users, tuple(named.items()), granted(privileges))

    def is_of(self, users: tuple[User, ...], roles: Roles) -> bool:
        """Whether it still is what these users may do."""
        return self.users == users and all(roles.named(name) is role for name, role in self.roles)

    @property
    def names(self) -> frozenset[UserName]:
        """The names of the users."""
        return frozenset(user.name for user in self.users)

    def may(self, wanted: frozenset[str], resource: Resource) -> bool:
        """Whether all of these actions are permitted on the resource."""
        return is_permitted(self.privileges, wanted, resource)

    def may_all(self, needs: Iterable[tuple[frozenset[str], Resource]]) -> bool:
        """Whether all actions are permitted on their resources."""
        return all(is_permitted(self.privileges, *need) for need in needs)

    def sees_database(self, database: str) -> bool:
        """Whether anything is permitted in the database."""
        return is_permitted_anything(self.privileges, database)

    def sees_collection(self, database: str, collection: str) -> bool:
        """Whether anything is permitted on the collection."""
        return is_permitted_anything_on(self.privileges, collection_resource(database, collection))

    def remember(self, question: Hashable) -> None:
        """Keep that something was allowed; what is refused is asked anew each time."""
        if len(self.decisions) >= KEPT_DECISIONS:
            self.decisions.clear()
        self.decisions.add(question)
