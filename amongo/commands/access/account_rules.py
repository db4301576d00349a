"""What commands about users and roles need. Source: the manual's pages of the commands, "Required Access".

Whoever grants a role needs `grantRole` on the database of that role, and whoever grants a privilege needs it on the
database that the privilege is about; to put other roles in the place of those that are there takes `revokeRole` on all
databases. Users may change what is their own where they have the action for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amongo.commands.access.builtin_roles import ADMIN
from amongo.commands.access.names import RoleName, UserName, parse_role, parse_roles, parse_user
from amongo.commands.access.privileges import (
    CLUSTER,
    NORMAL,
    Resource,
    database_resource,
    parse_privileges,
)
from amongo.commands.access.rules import Asked

# Users


def may_create_user(asked: Asked) -> bool:
    """createUser."""
    return asked.may("createUser", _here(asked)) and _may_give_roles(asked) and _may_restrict(asked)


def may_update_user(asked: Asked) -> bool:
    """updateUser: each part has its action."""
    document = asked.document
    name = parse_user(asked.name, asked.name, asked.database, document[asked.name])
    password = document.get("pwd") is not None or document.get("mechanisms") is not None
    if password and not _may_change(asked, name, "changePassword", "changeOwnPassword"):
        return False
    custom = document.get("customData") is not None
    if custom and not _may_change(asked, name, "changeCustomData", "changeOwnCustomData"):
        return False
    if document.get("roles") is not None and not (asked.may("revokeRole", NORMAL) and _may_give_roles(asked)):
        return False
    return _may_restrict(asked)


def may_view_users(asked: Asked) -> bool:
    """usersInfo: everybody may look at themselves."""
    value = asked.document[asked.name]
    if value == {"forAllDBs": True}:
        return asked.may("viewUser", CLUSTER)
    if type(value) in (str, dict):
        value = [value]
    if type(value) is not list:
        return asked.may("viewUser", _here(asked))
    own = asked.authority.names
    names = [parse_user(asked.name, asked.name, asked.database, each) for each in value]
    return all(name in own or asked.may("viewUser", database_resource(name.database)) for name in names)


def may_grant_roles(asked: Asked) -> bool:
    """grantRolesToUser, grantRolesToRole."""
    return _may_give_roles(asked)


def may_revoke_roles(asked: Asked) -> bool:
    """revokeRolesFromUser, revokeRolesFromRole."""
    return all(asked.may("revokeRole", database_resource(name.database)) for name in _roles(asked))


def _may_change(asked: Asked, name: UserName, anybodys: str, own: str) -> bool:
    here = database_resource(name.database)
    return asked.may(anybodys, here) or (name in asked.authority.names and asked.may(own, here))


# Roles


def may_create_role(asked: Asked) -> bool:
    """createRole."""
    gives = _may_give_roles(asked) and _may_give_privileges(asked)
    return asked.may("createRole", _here(asked)) and gives and _may_restrict(asked)


def may_update_role(asked: Asked) -> bool:
    """updateRole."""
    gives = _may_give_roles(asked) and _may_give_privileges(asked)
    return asked.may("revokeRole", NORMAL) and gives and _may_restrict(asked)


def may_grant_privileges(asked: Asked) -> bool:
    """grantPrivilegesToRole."""
    return _may_give_privileges(asked)


def may_revoke_privileges(asked: Asked) -> bool:
    """revokePrivilegesFromRole."""
    return all(asked.may("revokeRole", place) for place in _privilege_places(asked))


def may_view_roles(asked: Asked) -> bool:
    """rolesInfo: everybody may look at the roles that they have."""
    value = asked.document[asked.name]
    if type(value) in (str, dict):
        value = [value]
    if type(value) is not list:
        return asked.may("viewRole", _here(asked))
    granted = (name for user in asked.authority.users for name in user.roles)
    own = asked.instance.access.roles.inherited(granted)
    names = [parse_role(asked.name, asked.name, asked.database, each) for each in value]
    return all(name in own or asked.may("viewRole", database_resource(name.database)) for name in names)


# What they have in common


def _here(asked: Asked) -> Resource:
    return database_resource(asked.database)


def _roles(asked: Asked) -> tuple[RoleName, ...]:
    return parse_roles(asked.name, "roles", asked.database, asked.document.get("roles") or ())


def _may_give_roles(asked: Asked) -> bool:
    return all(asked.may("grantRole", database_resource(name.database)) for name in _roles(asked))


def _may_give_privileges(asked: Asked) -> bool:
    return all(asked.may("grantRole", place) for place in _privilege_places(asked))


def _privilege_places(asked: Asked) -> Iterable[Resource]:
    """The databases that the privileges of a command are about; `admin` for those about more than one."""
    values: Any = asked.document.get("privileges") or ()
    for privilege in parse_privileges(values):
        yield database_resource(privilege.resource.database or ADMIN)


def _may_restrict(asked: Asked) -> bool:
    restricts = asked.document.get("authenticationRestrictions") is not None
    return not restricts or asked.may("setAuthenticationRestriction", _here(asked))
