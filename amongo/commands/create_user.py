"""createUser: a user of the database, with a password unless it is known by its certificate. Source: manual,
createUser."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Binary

from amongo.commands.access.names import EXTERNAL, RoleName, UserName, parse_roles, parse_user
from amongo.commands.access.passwords import PASSWORD_FIELDS, Password, parse_password
from amongo.commands.access.restrictions import parse_restrictions
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "createUser": Field("string", required=True, refuses_null=True),
    **PASSWORD_FIELDS,
    "customData": Field("object"),
    "roles": Field("array", required=True),
    "authenticationRestrictions": Field("array"),
}


@dataclass(frozen=True, slots=True)
class CreateUserRequest:
    """A user that is to be.

    name           with its database
    password       None for one of `$external`
    roles          granted to it
    custom         what the administrator keeps with it; None for nothing
    restrictions   of where it may come from; None for nothing said of them
    """

    name: UserName
    password: Password | None
    roles: tuple[RoleName, ...]
    custom: dict[str, Any] | None
    restrictions: list[dict[str, Any]] | None


def parse(database: str, document: dict[str, Any]) -> CreateUserRequest:
    """The request of a createUser document.

    errors   those of `parse_fields`, `parse_user`, `parse_roles`, `parse_password` and `parse_restrictions`;
             USER_NAME_EMPTY, LOCAL_USER, NO_PASSWORD
    """
    fields = parse_fields("createUser", document, FIELDS)
    name = parse_user("createUser", "createUser", database, fields["createUser"])
    if not name.user:
        raise errors.USER_NAME_EMPTY()
    if database == "local":
        raise errors.LOCAL_USER()
    password = parse_password("createUser", database, fields)
    if password is None and database != EXTERNAL:
        raise errors.NO_PASSWORD()
    given = fields["authenticationRestrictions"]
    restrictions = None if given is None else parse_restrictions("createUser", given)
    roles = parse_roles("createUser", "roles", database, fields["roles"])
    return CreateUserRequest(name, password, roles, fields["customData"], restrictions)


def run(instance: Instance, request: CreateUserRequest, context: Context) -> dict[str, Any]:
    """{ok}.

    errors   ROLE_NOT_FOUND, PASSWORD_NOT_PREPARED, USER_EXISTS
    """
    access, name = instance.access, request.name
    access.roles.check_exist(request.roles)
    password = request.password
    document: dict[str, Any] = {
        "_id": name.id,
        "userId": Binary(uuid.uuid4().bytes, 4),
        **name.document(),
        "credentials": {"external": True} if password is None else password.credentials(name),
    }
    if request.custom is not None:
        document["customData"] = request.custom
    document["roles"] = [each.document() for each in request.roles]
    if request.restrictions:
        document["authenticationRestrictions"] = request.restrictions
    if not access.users.insert(document):
        raise errors.USER_EXISTS(name=name)
    return {"ok": 1.0}


COMMAND = Command("createUser", parse, run, secrets=("pwd",))
