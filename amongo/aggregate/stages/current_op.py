"""$currentOp: the operations that run just now."""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.node import OperationsAsked
from amongo.aggregate.stages.options import STRICT_BOOL, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Surroundings
from amongo.aggregate.stages.telling import Telling
from amongo.errors import diagnosis as errors
from amongo.values.types import alias

_OPTIONS: Final = dict.fromkeys(
    ("allUsers", "idleConnections", "idleCursors", "idleSessions", "localOps", "targetAllNodes", "truncateOps"),
    STRICT_BOOL,
)


@stage("$currentOp")
def parse_current_op(spec: Any, surroundings: Surroundings) -> Telling:
    """A document for each operation of the node, as the first stage of {aggregate: 1} on `admin`.

    spec     {allUsers, idleConnections, idleCursors, idleSessions, localOps, targetAllNodes, truncateOps}: booleans;
             without `allUsers` users see what is their own, where a server asks who they are
    result   {type, op, ns, command, opid, …}
    errors   MUST_BE_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, TARGETS_ALL_NODES, ADMIN_AND_NO_COLLECTION
    source   manual, $currentOp
    """
    if type(spec) is not dict:
        raise errors.MUST_BE_OBJECT(name="$currentOp", kind=alias(spec))
    options = parse_options("$currentOp", spec, _OPTIONS)
    if surroundings.has_collection or surroundings.database != "admin":
        raise errors.ADMIN_AND_NO_COLLECTION(name="$currentOp")
    if options.get("targetAllNodes", False):
        raise errors.TARGETS_ALL_NODES()
    asked = OperationsAsked(
        options.get("idleConnections", False),
        options.get("idleCursors", False),
        options.get("idleSessions", True),
        options.get("truncateOps", False),
        only_own=not options.get("allUsers", False),
    )
    return Telling(lambda node, environment: node.operations(asked))
