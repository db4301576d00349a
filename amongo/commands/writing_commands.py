"""Which commands write. Source: manual, the commands' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.commands.operations import command_name

WRITING: Final = frozenset(
    {
        "applyOps",
        "appendOplogNote",
        "bulkWrite",
        "cloneCollectionAsCapped",
        "collMod",
        "commitTransaction",
        "convertToCapped",
        "create",
        "createIndexes",
        "createRole",
        "createUser",
        "delete",
        "drop",
        "dropAllRolesFromDatabase",
        "dropAllUsersFromDatabase",
        "dropDatabase",
        "dropIndexes",
        "dropRole",
        "dropUser",
        "findAndModify",
        "grantPrivilegesToRole",
        "grantRolesToRole",
        "grantRolesToUser",
        "insert",
        "removeQuerySettings",
        "renameCollection",
        "revokePrivilegesFromRole",
        "revokeRolesFromRole",
        "revokeRolesFromUser",
        "setClusterParameter",
        "setDefaultRWConcern",
        "setQuerySettings",
        "setUserWriteBlockMode",
        "update",
        "updateRole",
        "updateUser",
    }
)
_OUTPUTS: Final = frozenset({"$out", "$merge"})


def writes(name: str, document: Mapping[str, Any]) -> bool:
    """Whether a command writes: one of those that do, an aggregate with an output, a mapReduce, a profile.

    name   of the command, none of its aliases
    """
    if name in WRITING:
        return True
    if name == "aggregate":
        return _has_output(document.get("pipeline"))
    if name == "profile":
        return document.get(name) in (1, 2)
    return name == "mapReduce"


def request_writes(request: Any) -> bool:
    """Whether a request of a hot command writes."""
    name = command_name(request)
    return name in WRITING or (name == "aggregate" and _has_output(getattr(request, "stages", None)))


def _has_output(pipeline: Any) -> bool:
    last = pipeline[-1] if type(pipeline) is list and pipeline else None
    return type(last) is dict and not _OUTPUTS.isdisjoint(last)
