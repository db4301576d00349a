"""usersInfo: what is known of users, without what their passwords have left unless that is asked for. Source: manual,
usersInfo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.names import UserName, parse_user
from amongo.commands.access.privileges import joined
from amongo.commands.access.users import User, parse_user_document
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import ServerError
from amongo.errors import access as errors
from amongo.mql.matcher import parse_filter
from amongo.values.types import is_number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "usersInfo": Field(),
    "showCredentials": Field("bool", default=False),
    "showCustomData": Field("bool", default=True),
    "showPrivileges": Field("bool", default=False),
    "showAuthenticationRestrictions": Field("bool", default=False),
    "filter": Field("object"),
}


@dataclass(frozen=True, slots=True)
class UsersInfoRequest:
    """What is asked.

    names                of the users; None for all, of the database or of every one
    database             None for every one
    shows_credentials    with the salted keys
    shows_custom         with `customData`
    shows_privileges     with roles and privileges that are inherited
    shows_restrictions   with those of where they may come from
    accepts              the bound filter
    """

    names: tuple[UserName, ...] | None
    database: str | None
    shows_credentials: bool
    shows_custom: bool
    shows_privileges: bool
    shows_restrictions: bool
    accepts: Callable[[dict[str, Any]], bool]


def parse(database: str, document: dict[str, Any]) -> UsersInfoRequest:
    """The request of a usersInfo document.

    errors   those of `parse_fields`, of `parse_user`, of the filter; USERS_ASKED, PRIVILEGES_OF_MANY
    """
    fields = parse_fields("usersInfo", document, FIELDS)
    asked = fields["usersInfo"]
    names, of_all = None, asked == {"forAllDBs": True}
    if type(asked) is list:
        names = tuple(parse_user("usersInfo", f"usersInfo.{place}", database, each) for place, each in enumerate(asked))
    elif type(asked) in (str, dict) and not of_all:
        names = (parse_user("usersInfo", "usersInfo", database, asked),)
    elif not of_all and not (is_number(asked) and asked == 1):
        raise errors.USERS_ASKED()
    if names is None and (fields["showPrivileges"] or fields["showAuthenticationRestrictions"]):
        raise errors.PRIVILEGES_OF_MANY()
    return UsersInfoRequest(
        names,
        None if of_all else database,
        fields["showCredentials"],
        fields["showCustomData"],
        fields["showPrivileges"],
        fields["showAuthenticationRestrictions"] or fields["showPrivileges"],
        parse_filter(fields["filter"] or {}).bind(),
    )


def run(instance: Instance, request: UsersInfoRequest, context: Context) -> dict[str, Any]:
    """{users}: in the order of their names."""
    users = sorted(_asked(instance, request), key=lambda user: user.name)
    shown = (_shown(instance, request, user) for user in users)
    return {"users": [each for each in shown if request.accepts(each)], "ok": 1.0}


def _asked(instance: Instance, request: UsersInfoRequest) -> Iterator[User]:
    """The users that are asked for and are there; what somebody else has written there is none."""
    users = instance.access.users
    if request.names is not None:
        for name in dict.fromkeys(request.names):
            user = users.named(name)
            if user is not None:
                yield user
        return
    for document in users.documents():
        if request.database is None or document.get("db") == request.database:
            try:
                yield parse_user_document(document)
            except ServerError:
                continue


def _shown(instance: Instance, request: UsersInfoRequest, user: User) -> dict[str, Any]:
    document = dict(user.document)
    credentials = document.pop("credentials")
    restrictions = document.pop("authenticationRestrictions", [])
    shown: dict[str, Any] = {**document, "mechanisms": user.mechanisms}
    if not request.shows_custom:
        shown.pop("customData", None)
    if request.shows_credentials:
        shown["credentials"] = credentials
    if request.shows_restrictions:
        shown["authenticationRestrictions"] = restrictions
    roles = instance.access.roles
    if request.shows_privileges:
        shown["inheritedRoles"] = [each.document() for each in roles.inherited(user.roles)]
        shown["inheritedPrivileges"] = [each.document() for each in joined(roles.privileges(user.roles))]
    if request.shows_restrictions:
        inherited = [restrictions] if restrictions else []
        shown["inheritedAuthenticationRestrictions"] = inherited + [
            [dict(each) for each in found] for found in roles.restrictions(user.roles)
        ]
    return shown


COMMAND = Command("usersInfo", parse, run)
