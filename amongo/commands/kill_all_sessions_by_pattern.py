"""killAllSessionsByPattern: end what the sessions that match a pattern have under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check, parse_fields
from amongo.commands.sessions import kill_work, parse_session, parse_user, user_of
from amongo.errors import command as errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_NAME: Final = "killAllSessionsByPattern"
_FIELDS: Final = {
    "lsid": Field("object"),
    "uid": Field("uuid"),
    "users": Field("array"),
    "roles": Field("array"),
}
_ROLE_FIELDS: Final = {"role": Field("string", required=True), "db": Field("string", required=True)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which sessions match.

    session_id   the 16 bytes of one; None for any
    user_id      the digest of their user; None for any
    """

    session_id: bytes | None = None
    user_id: bytes | None = None

    def matches(self, session_id: bytes) -> bool:
        """Whether it matches a session, given with the digest of its user behind its bytes if that is somebody."""
        return self.session_id in (None, session_id[:16]) and self.user_id in (None, user_of(session_id))


@dataclass(frozen=True, slots=True)
class KillAllSessionsByPatternRequest:
    """Patterns, of which a session has to match one; none stands for all sessions."""

    patterns: tuple[Pattern, ...]


def parse(database: str, document: dict[str, Any]) -> KillAllSessionsByPatternRequest:
    """The request of a document: an array of {lsid: {id, uid}, uid, users: [{user, db}], roles: [{role, db}]}, each
    optional. Users and roles say on whose behalf it is asked for, and select nothing.

    errors   UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, INVALID_UUID
    source   manual, killAllSessionsByPattern
    """
    parse_fields(_NAME, document, {_NAME: Field("array", required=True)})
    patterns = check(_NAME, _NAME, Field("array"), document[_NAME])
    return KillAllSessionsByPatternRequest(tuple(map(_pattern, patterns, map(str, range(len(patterns))))))


def _pattern(pattern: Any, position: str) -> Pattern:
    place = f"{_NAME}.{position}"
    if type(pattern) is not dict:
        raise errors.WRONG_TYPE(command=_NAME, field=place, actual=alias(pattern), expected="type 'object'")
    fields = parse_fields(place, pattern, _FIELDS, generic={})
    for user in fields["users"] or ():
        parse_user(_NAME, f"{position}.users", user)
    for role in fields["roles"] or ():
        if type(role) is not dict:
            raise errors.WRONG_TYPE(command=place, field="roles", actual=alias(role), expected="type 'object'")
        parse_fields(f"{place}.roles", role, _ROLE_FIELDS, generic={})
    session = fields["lsid"]
    user_id = fields["uid"] if session is None else session.get("uid", fields["uid"])
    return Pattern(
        None if session is None else parse_session(_NAME, f"{position}.lsid", session)[:16],
        None if user_id is None else bytes(user_id),
    )


def run(instance: Instance, request: KillAllSessionsByPatternRequest, context: Context) -> dict[str, Any]:
    """End what they have under way."""
    patterns = request.patterns

    def is_meant(session_id: bytes) -> bool:
        return not patterns or any(pattern.matches(session_id) for pattern in patterns)

    kill_work(instance, is_meant, context.interrupt)
    return {"ok": 1.0}


COMMAND = Command(_NAME, parse, run)
