"""updateUser: what is given takes the place of what a user had. Source: manual, updateUser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import RoleName, UserName, parse_roles, parse_user
from amongo.commands.access.passwords import PASSWORD_FIELDS, Password, parse_mechanisms, parse_password
from amongo.commands.access.restrictions import parse_restrictions
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "updateUser": Field("string", required=True, refuses_null=True),
    **PASSWORD_FIELDS,
    "customData": Field("object"),
    "roles": Field("array"),
    "authenticationRestrictions": Field("array"),
}
_CHANGING = ("pwd", "mechanisms", "customData", "roles", "authenticationRestrictions")


@dataclass(frozen=True, slots=True)
class UpdateUserRequest:
    """What is to become other; None for what stays.

    name           of the user
    password       the new one
    mechanisms     those of its mechanisms that are to stay, where there is no new password
    roles          all that it is to have
    custom         what the administrator keeps with it
    restrictions   of where it may come from
    """

    name: UserName
    password: Password | None
    mechanisms: tuple[str, ...] | None
    roles: tuple[RoleName, ...] | None
    custom: dict[str, Any] | None
    restrictions: list[dict[str, Any]] | None


def parse(database: str, document: dict[str, Any]) -> UpdateUserRequest:
    """The request of an updateUser document.

    errors   those of `parse_fields`, `parse_user`, `parse_roles`, `parse_password` and `parse_restrictions`;
             NOTHING_TO_UPDATE
    """
    fields = parse_fields("updateUser", document, FIELDS)
    name = parse_user("updateUser", "updateUser", database, fields["updateUser"])
    if all(fields[each] is None for each in _CHANGING):
        raise errors.NOTHING_TO_UPDATE()
    password = parse_password("updateUser", database, fields)
    mechanisms = parse_mechanisms("updateUser", fields["mechanisms"]) if password is None else None
    roles, restrictions = fields["roles"], fields["authenticationRestrictions"]
    return UpdateUserRequest(
        name,
        password,
        mechanisms,
        None if roles is None else parse_roles("updateUser", "roles", database, roles),
        fields["customData"],
        None if restrictions is None else parse_restrictions("updateUser", restrictions),
    )


def run(instance: Instance, request: UpdateUserRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   ROLE_NOT_FOUND, PASSWORD_NOT_PREPARED, MORE_MECHANISMS, USER_NOT_FOUND
    """
    access, name = instance.access, request.name
    if request.roles is not None:
        access.roles.check_exist(request.roles)
    credentials = None if request.password is None else request.password.credentials(name)

    def changed(document: dict[str, Any]) -> dict[str, Any]:
        return _changed(request, credentials, document)

    if not access.users.change(name.id, changed):
        raise errors.USER_NOT_FOUND(name=name)
    return {"ok": 1.0}


def _changed(
    request: UpdateUserRequest, credentials: Mapping[str, Any] | None, document: dict[str, Any]
) -> dict[str, Any]:
    """errors: MORE_MECHANISMS."""
    if credentials is not None:
        document["credentials"] = credentials
    elif request.mechanisms is not None:
        before = document["credentials"]
        if not before.keys() >= set(request.mechanisms):
            raise errors.MORE_MECHANISMS()
        document["credentials"] = {each: before[each] for each in before if each in request.mechanisms}
    if request.custom is not None:
        document["customData"] = request.custom
    if request.roles is not None:
        document["roles"] = [each.document() for each in request.roles]
    if request.restrictions:
        document["authenticationRestrictions"] = request.restrictions
    elif request.restrictions is not None:
        document.pop("authenticationRestrictions", None)
    return document


COMMAND = Command("updateUser", parse, run, secrets=("pwd",))
