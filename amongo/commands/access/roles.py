"""Roles: those that are there, and those that users have made, as documents of `admin.system.roles` like MongoDB's.

    {_id: "shop.clerk", role: "clerk", db: "shop", privileges: [{resource, actions}], roles: [{role, db}],
     authenticationRestrictions?: [{clientSource?, serverAddress?}]}

A role has its own privileges and those of the roles that it inherits, as far down as they go. A role that is dropped
is inherited by nobody any more, and a document that is none grants nothing. Source: manual, Role-Based Access
Control; system.roles Collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.commands.access.builtin_roles import built_in_privileges
from amongo.commands.access.names import RoleName
from amongo.commands.access.privileges import Privilege, parse_privileges
from amongo.commands.access.stored import Stored
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import roles as errors
from amongo.values.codec import decode

ROLES: Final = "admin.system.roles"


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """A role that somebody has made.

    name           with its database
    privileges     of its own
    roles          that it inherits directly
    restrictions   `authenticationRestrictions`: each {clientSource?, serverAddress?}; none for no restriction
    document       as it is stored
    """

    name: RoleName
    privileges: tuple[Privilege, ...]
    roles: tuple[RoleName, ...]
    restrictions: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]


def parse_role_document(document: Mapping[str, Any]) -> Role:
    """The role of a document of `admin.system.roles`.

    errors   BAD_ROLE_DOCUMENT for a document that somebody else has written there
    """
    role, database = document.get("role"), document.get("db")
    roles, restrictions = document.get("roles"), document.get("authenticationRestrictions", [])
    try:
        privileges = parse_privileges(document["privileges"])
        inherited = tuple(RoleName(each["role"], each["db"]) for each in roles or ())
    except (ServerError, LookupError, TypeError):
        raise errors.BAD_ROLE_DOCUMENT(identity=document.get("_id")) from None
    if not (
        type(role) is str
        and type(database) is str
        and type(roles) is list
        and all(type(name) is str for each in inherited for name in each)
        and type(restrictions) is list
        and all(type(each) is dict for each in restrictions)
    ):
        raise errors.BAD_ROLE_DOCUMENT(identity=document.get("_id"))
    return Role(RoleName(role, database), privileges, inherited, tuple(restrictions), document)


def role_document(
    name: RoleName,
    privileges: Iterable[Privilege],
    roles: Iterable[RoleName],
    restrictions: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The document that is stored of a role."""
    document: dict[str, Any] = {
        "_id": name.id,
        **name.document(),
        "privileges": [each.document() for each in privileges],
        "roles": [each.document() for each in roles],
    }
    kept = [dict(each) for each in restrictions]
    return document | {"authenticationRestrictions": kept} if kept else document


class Roles(Stored[Role]):
    """The roles of a store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, ROLES, parse_role_document)

    def named(self, name: RoleName) -> Role | None:
        """The role of this name that somebody has made, as it is now; None for none, and for one that is built in."""
        if built_in_privileges(name) is not None:
            return None
        try:
            return self.find(name.id)
        except ServerError:  # its document is none: it grants nothing
            return None

    def of_database(self, database: str) -> list[Role]:
        """Those that somebody has made in a database, in the order of their names."""
        collection = self._store.catalog.by_namespace.get(ROLES)
        found: list[Role] = []
        for _, raw in () if collection is None else self._store.view(collection):
            try:
                role = parse_role_document(decode(raw))
            except ServerError:
                continue
            if role.name.database == database:
                found.append(role)
        return sorted(found, key=lambda role: role.name)

    def exists(self, name: RoleName) -> bool:
        """Whether there is a role of this name."""
        return built_in_privileges(name) is not None or self.named(name) is not None

    def check_exist(self, names: Iterable[RoleName]) -> None:
        """Refuse to go on with roles that are not there.

        errors   ROLE_NOT_FOUND
        """
        for name in names:
            if not self.exists(name):
                raise errors.ROLE_NOT_FOUND(role=name)

    def inherited(self, names: Iterable[RoleName]) -> tuple[RoleName, ...]:
        """Roles, and all that they inherit, each once: those nearer first. Those that are not there are left out."""
        found: dict[RoleName, None] = {}
        coming = list(names)
        while coming:
            further: list[RoleName] = []
            for name in coming:
                if name in found:
                    continue
                if built_in_privileges(name) is not None:
                    found[name] = None
                elif (role := self.named(name)) is not None:
                    found[name] = None
                    further.extend(role.roles)
            coming = further
        return tuple(found)

    def privileges(self, names: Iterable[RoleName]) -> tuple[Privilege, ...]:
        """The privileges of roles and of all that they inherit, role by role."""
        return tuple(each for name in self.inherited(names) for each in self.own_privileges(name))

    def own_privileges(self, name: RoleName) -> tuple[Privilege, ...]:
        """The privileges of a role, without those that it inherits; none for one that is not there."""
        built_in = built_in_privileges(name)
        if built_in is not None:
            return built_in
        role = self.named(name)
        return () if role is None else role.privileges

    def restrictions(self, names: Iterable[RoleName]) -> Iterator[tuple[Mapping[str, Any], ...]]:
        """The restrictions of roles and of all that they inherit, of those that have some: each is to be met."""
        for name in self.inherited(names):
            role = self.named(name)
            if role is not None and role.restrictions:
                yield role.restrictions
