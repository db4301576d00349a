"""rolesInfo: what is known of roles, the built-in ones too. Source: manual, rolesInfo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.access.builtin_roles import built_in_names, built_in_privileges
from amongo.commands.access.names import RoleName, parse_role
from amongo.commands.access.roles import Role, Roles
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import roles as errors
from amongo.values.types import alias, is_number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS: Final = {
    "rolesInfo": Field(),
    "showPrivileges": Field(),
    "showAuthenticationRestrictions": Field("bool", default=False),
    "showBuiltinRoles": Field("bool", default=False),
}
_FRAGMENT: Final = "asUserFragment"


@dataclass(frozen=True, slots=True)
class RolesInfoRequest:
    """What is asked.

    names                of the roles; None for all of the database
    database             where it is asked
    shows_privileges     with privileges, their own and those that they inherit
    is_fragment          as a user would be shown that has these roles
    shows_restrictions   with `authenticationRestrictions`
    shows_built_in       with the built-in roles, among all of the database
    """

    names: tuple[RoleName, ...] | None
    database: str
    shows_privileges: bool
    is_fragment: bool
    shows_restrictions: bool
    shows_built_in: bool


def parse(database: str, document: dict[str, Any]) -> RolesInfoRequest:
    """The request of a rolesInfo document.

    errors   those of `parse_fields` and `parse_role`; ROLES_ASKED, SHOWN_PRIVILEGES, FRAGMENT_OF_ALL
    """
    fields = parse_fields("rolesInfo", document, FIELDS)
    asked, shown = fields["rolesInfo"], fields["showPrivileges"]
    names = None
    if type(asked) is list:
        names = tuple(parse_role("rolesInfo", f"rolesInfo.{place}", database, each) for place, each in enumerate(asked))
    elif type(asked) in (str, dict):
        names = (parse_role("rolesInfo", "rolesInfo", database, asked),)
    elif not (is_number(asked) and asked == 1):
        raise errors.ROLES_ASKED()
    if shown is not None and type(shown) is not bool and shown != _FRAGMENT:
        raise errors.SHOWN_PRIVILEGES(actual=alias(shown))
    if shown == _FRAGMENT and names is None:
        raise errors.FRAGMENT_OF_ALL()
    return RolesInfoRequest(
        names,
        database,
        shown is True,
        shown == _FRAGMENT,
        fields["showAuthenticationRestrictions"],
        fields["showBuiltinRoles"],
    )


def run(instance: Instance, request: RolesInfoRequest, context: Context) -> dict[str, Any]:
    """{roles}, in the order in which they were asked for, or of their names; {userFragment} for a fragment."""
    roles = instance.access.roles
    if request.is_fragment:
        return {"userFragment": _fragment(roles, request), "ok": 1.0}
    return {"roles": [_shown(roles, request, name) for name in _asked(roles, request)], "ok": 1.0}


def _asked(roles: Roles, request: RolesInfoRequest) -> Iterator[RoleName]:
    """The roles that are asked for and are there."""
    if request.names is not None:
        yield from (name for name in dict.fromkeys(request.names) if roles.exists(name))
        return
    yield from (role.name for role in roles.of_database(request.database))
    if request.shows_built_in:
        yield from built_in_names(request.database)


def _shown(roles: Roles, request: RolesInfoRequest, name: RoleName) -> dict[str, Any]:
    role = roles.named(name)
    inherits = () if role is None else role.roles
    shown: dict[str, Any] = {} if role is None else {"_id": name.id}
    shown |= name.document()
    if request.shows_privileges:
        shown["privileges"] = [each.document() for each in roles.own_privileges(name)]
    shown["roles"] = [each.document() for each in inherits]
    if request.shows_restrictions:
        shown["authenticationRestrictions"] = _restrictions(role)
    shown["isBuiltin"] = built_in_privileges(name) is not None
    shown["inheritedRoles"] = [each.document() for each in roles.inherited(inherits)]
    if request.shows_privileges:
        shown["inheritedPrivileges"] = [each.document() for each in roles.privileges([name])]
    if request.shows_restrictions:
        shown["inheritedAuthenticationRestrictions"] = _inherited_restrictions(roles, [name])
    return shown


def _fragment(roles: Roles, request: RolesInfoRequest) -> dict[str, Any]:
    names = list(_asked(roles, request))
    fragment: dict[str, Any] = {
        "roles": [each.document() for each in names],
        "inheritedRoles": [each.document() for each in roles.inherited(names)],
        "inheritedPrivileges": [each.document() for each in roles.privileges(names)],
    }
    if request.shows_restrictions:
        fragment["inheritedAuthenticationRestrictions"] = _inherited_restrictions(roles, names)
    return fragment


def _restrictions(role: Role | None) -> list[Any]:
    return [] if role is None or not role.restrictions else [[dict(each) for each in role.restrictions]]


def _inherited_restrictions(roles: Roles, names: list[RoleName]) -> list[Any]:
    return [[dict(each) for each in found] for found in roles.restrictions(names)]


COMMAND = Command("rolesInfo", parse, run)
