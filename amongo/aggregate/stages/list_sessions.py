"""$listLocalSessions, $listSessions: the sessions that the node knows.

On a server the first looks into the node's memory and the second into `config.system.sessions`, where the nodes write
their sessions every few minutes; a single node that is its own cluster gives the same answer to both.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from amongo.aggregate.stages.options import parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import command as command_errors
from amongo.errors import diagnosis as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.types import alias

_OPTIONS: Final = {"allUsers": "bool", "users": "array"}
_USER: Final = {"user": "string", "db": "string"}
_SESSIONS: Final = "config.system.sessions"


@stage("$listLocalSessions")
def parse_list_local_sessions(spec: Any, surroundings: Surroundings) -> Telling:
    """A document for each session that the node knows, as the first stage of {aggregate: 1}.

    spec     {} for those of the user who asks, {allUsers: true} or {users: [{user, db}, …]}; where nobody is asked who
             they are, there is one user, whose name is empty
    result   {_id: {id, uid}, lastUse}
    errors   MUST_BE_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, USERS_AND_ALL_USERS
    source   manual, $listLocalSessions
    """
    users = _users("$listLocalSessions", spec)
    return Telling(lambda node, environment: node.sessions(users))


@stage("$listSessions")
def parse_list_sessions(spec: Any, surroundings: Surroundings) -> Telling:
    """A document for each session of the deployment, as the first stage on `config.system.sessions`.

    spec     like that of $listLocalSessions
    result   {_id: {id, uid}, lastUse}
    errors   those of $listLocalSessions, SESSIONS_NAMESPACE
    source   manual, $listSessions
    """
    if surroundings.namespace != _SESSIONS or not surroundings.has_collection:
        raise pipeline_errors.SESSIONS_NAMESPACE(name="$listSessions")
    users = _users("$listSessions", spec)
    return Telling(lambda node, environment: node.sessions(users))


def _users(name: str, spec: Any) -> frozenset[bytes] | None:
    """The digests of the users whose sessions are asked for; None for all."""
    if type(spec) is not dict:
        raise errors.MUST_BE_OBJECT(name=name, kind=alias(spec))
    options = parse_options(name, spec, _OPTIONS)
    users = [_digest(f"{name}.users", user) for user in options.get("users", ())]
    if options.get("allUsers", False):
        if users:
            raise errors.USERS_AND_ALL_USERS(name=name)
        return None
    return frozenset(users or [sha256(b"").digest()])


def _digest(name: str, user: Any) -> bytes:
    if type(user) is not dict:
        raise command_errors.WRONG_TYPE(
            command=name.partition(".")[0], field="users", actual=alias(user), expected="type 'object'"
        )
    fields = parse_options(name, user, _USER)
    for field in _USER:
        if field not in fields:
            raise command_errors.MISSING_FIELD(command=name, field=field)
    is_nobody = not fields["user"] and not fields["db"]
    return sha256(b"" if is_nobody else f"{fields['user']}@{fields['db']}".encode()).digest()
