"""What commands about the server need, its operations, sessions and cursors: one's own are always one's own.

Source: the manual's pages of the commands, "Access Control"; Privilege Actions.
"""

from __future__ import annotations

from amongo.commands.access.privileges import CLUSTER, database_resource
from amongo.commands.access.rules import Asked
from amongo.commands.fields import truth
from amongo.commands.sessions import client_digest
from amongo.errors import roles as errors
from amongo.values.numbers import exact_integer


def may_list_databases(asked: Asked) -> bool:
    """listDatabases: without the action, those that one has something to do with, unless all are asked for."""
    return asked.may("listDatabases", CLUSTER) or asked.document.get("authorizedDatabases") is not False


def may_list_collections(asked: Asked) -> bool:
    """listCollections: without the action, the names of those that one has something to do with."""
    document = asked.document
    if asked.may("listCollections", database_resource(asked.database)):
        return True
    only_own = document.get("authorizedCollections") is True and document.get("nameOnly") is True
    return only_own and asked.authority.sees_database(asked.database)


def may_kill_operation(asked: Asked) -> bool:
    """killOp."""
    if asked.may("killop", CLUSTER):
        return True
    number = exact_integer(asked.document["op"])
    own = asked.authority.names
    return any(
        each.operation_id == number and each.peer is not None and not own.isdisjoint(each.peer.user_names)
        for each in asked.instance.operations.all()
    )


def may_see_operations(asked: Asked) -> bool:
    """currentOp."""
    return truth(asked.document.get("$ownOps") or False) or asked.may("inprog", CLUSTER)


def may_see_features(asked: Asked) -> bool:
    """features: to reset what ObjectIds are made of is something else."""
    return not truth(asked.document.get("oidReset") or False) or asked.may("oidReset", CLUSTER)


def may_get_more(asked: Asked) -> bool:
    """getMore: one's own cursors alone, as long as one may run what has opened them.

    errors   CURSOR_OF_ANOTHER, CURSOR_NOT_AUTHORIZED
    """
    cursor_id = int(asked.document["getMore"])
    cursor = asked.instance.cursors.find(cursor_id)
    if cursor is None:
        return True
    if cursor.owner is None or not cursor.owner.is_any_of(asked.authority.names):
        raise errors.CURSOR_OF_ANOTHER(cursor_id=cursor_id)
    if not asked.authority.may_all(cursor.owner.needs):
        raise errors.CURSOR_NOT_AUTHORIZED(cursor_id=cursor_id)
    return True


def may_kill_cursors(asked: Asked) -> bool:
    """killCursors: one that is not there is nobody's."""
    if asked.may("killAnyCursor", CLUSTER) or asked.may("killAnyCursor", asked.target):
        return True
    own = asked.authority.names
    found = (asked.instance.cursors.find(int(each)) for each in asked.document["cursors"] if each is not None)
    return all(cursor is None or (cursor.owner is not None and cursor.owner.is_any_of(own)) for cursor in found)


def may_kill_by_pattern(asked: Asked) -> bool:
    """killAllSessionsByPattern: on behalf of others only as one who may speak for them."""
    if not asked.may("killAnySession", CLUSTER):
        return False
    patterns = asked.document[asked.name]
    speaks = any(each.get("users") is not None or each.get("roles") is not None for each in patterns)
    return not speaks or asked.may("impersonate", CLUSTER)


def may_kill_sessions(asked: Asked) -> bool:
    """killSessions: those of another user as one who may kill any."""
    return not _names_others(asked) or asked.may("killAnySession", CLUSTER)


def may_speak_of_sessions(asked: Asked) -> bool:
    """endSessions, refreshSessions: those of another user as one who may speak for them."""
    return not _names_others(asked) or asked.may("impersonate", CLUSTER)


def _names_others(asked: Asked) -> bool:
    """Whether a command names sessions of another user."""
    named = (each.get("uid") for each in asked.document[asked.name])
    own = client_digest(asked.peer)
    return any(user_id is not None and bytes(user_id) != own for user_id in named)
