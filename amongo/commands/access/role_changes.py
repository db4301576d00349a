"""What the commands that make and change roles have in common: which roles there may be, and what they may hold.

A role of `admin` may hold privileges on everything and inherit every role; a role of another database only what is of
that database. A role never inherits itself, however far down. Source: manual, createRole, "Scope"; updateRole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from amongo.commands.access.builtin_roles import ADMIN, built_in_privileges
from amongo.commands.access.names import RoleName, parse_role, parse_roles
from amongo.commands.access.privileges import Privilege, parse_privileges
from amongo.commands.access.roles import Role, Roles, parse_role_document, role_document
from amongo.errors import roles as errors

if TYPE_CHECKING:
    from amongo.commands.access.access import Access


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What a command wants of a role.

    name           of the role
    privileges     None where the command says nothing of them
    roles          None likewise
    restrictions   None likewise
    """

    name: RoleName
    privileges: tuple[Privilege, ...] | None = None
    roles: tuple[RoleName, ...] | None = None
    restrictions: tuple[Mapping[str, Any], ...] | None = None


def parse_changed_role(command: str, database: str, document: Mapping[str, Any]) -> RoleName:
    """The role that a command changes, which must not be a built-in one.

    errors   those of `parse_role`, ROLE_IS_BUILT_IN
    """
    name = parse_role(command, command, database, document[command])
    if built_in_privileges(name) is not None:
        raise errors.ROLE_IS_BUILT_IN(role=name)
    return name


def parse_given_privileges(command: str, values: list[Any]) -> tuple[Privilege, ...]:
    """The privileges of a command that needs some.

    errors   EMPTY_LIST, those of `parse_privileges`
    """
    if not values:
        raise errors.EMPTY_LIST(command=command, field="privileges")
    return parse_privileges(values)


def parse_given_roles(command: str, database: str, values: list[Any]) -> tuple[RoleName, ...]:
    """The roles of a command that needs some.

    errors   EMPTY_LIST, those of `parse_roles`
    """
    if not values:
        raise errors.EMPTY_LIST(command=command, field="roles")
    return parse_roles(command, "roles", database, values)


def check_privileges(name: RoleName, privileges: Iterable[Privilege]) -> None:
    """Refuse privileges that reach beyond the database of their role.

    errors   PRIVILEGES_ELSEWHERE
    """
    for each in privileges:
        if name.database != ADMIN and each.resource.database != name.database:
            raise errors.PRIVILEGES_ELSEWHERE(database=name.database)


def check_inherited(roles: Roles, name: RoleName, inherited: Iterable[RoleName]) -> None:
    """Refuse to have a role inherit others.

    errors   GRANTED_TO_ITSELF, ROLE_ELSEWHERE, ROLE_NOT_FOUND, ROLE_CYCLE
    """
    for each in inherited:
        if each == name:
            raise errors.GRANTED_TO_ITSELF(role=name)
        if name.database not in (ADMIN, each.database):
            raise errors.ROLE_ELSEWHERE(database=name.database)
        roles.check_exist([each])
        if name in roles.inherited([each]):
            raise errors.ROLE_CYCLE(inner=each, outer=name)


def change_role(access: Access, name: RoleName, changed: Callable[[Role], Role]) -> None:
    """Put another role in the place of one, as one commit that nobody comes between.

    changed   the role as it is -> as it shall be; errors of its own
    errors    NO_SUCH_ROLE, BAD_ROLE_DOCUMENT
    """

    def document(before: dict[str, Any]) -> dict[str, Any]:
        role = changed(parse_role_document(before))
        return role_document(role.name, role.privileges, role.roles, role.restrictions)

    if not access.roles.change(name.id, document):
        raise errors.NO_SUCH_ROLE(role=name)


def drop_roles(access: Access, is_meant: Callable[[RoleName], bool]) -> int:
    """Drop roles, and take them from all who have them; how many they were.

    Those who have them lose them first: a role that is made anew under the same name is granted to nobody.
    """

    def without(document: dict[str, Any]) -> dict[str, Any]:
        return document | {"roles": [each for each in document["roles"] if not is_meant(_named(each))]}

    for stored in (access.users, access.roles):
        for each in stored.documents():
            roles = each.get("roles")
            if type(roles) is list and any(is_meant(_named(role)) for role in roles):
                stored.change(each["_id"], without)
    return access.roles.remove_where(lambda document: is_meant(_named(document)))


def with_roles(role: Role, roles: Iterable[RoleName]) -> Role:
    """A role that inherits these, each once."""
    return replace(role, roles=tuple(dict.fromkeys(roles)))


def _named(value: Any) -> RoleName:
    """The role of a document with `role` and `db`, be it a role's own or that of a grant."""
    found = value if isinstance(value, Mapping) else {}
    return RoleName(found.get("role", ""), found.get("db", ""))
