"""What each command needs: one rule for every command of the registry, by its name.

A command of which nothing stands here needs `anyAction` on `anyResource`, so that one that is forgotten is open to
nobody. Source: the manual's pages of the commands, "Required Access" and "Access Control"; Privilege Actions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from amongo.commands.access import account_rules, collection_needs, server_rules
from amongo.commands.access.pipeline_needs import aggregate_needs
from amongo.commands.access.rules import (
    ANYBODY,
    INTERNAL,
    SOMEBODY,
    Asked,
    Need,
    Rule,
    deciding,
    needing,
    on_cluster,
    on_collection,
    on_database,
)


def rule_of(command: str) -> Rule:
    """The rule of a command.

    command   its name, not an alias
    """
    return RULES.get(command, INTERNAL)


def _explained(asked: Asked) -> Asked | None:
    command = asked.document["explain"]
    return asked.with_document(command) if type(command) is dict and command else None


def _explain_needs(asked: Asked) -> Iterable[Need]:
    """What the command needs that is explained."""
    inner = _explained(asked)
    rule = INTERNAL if inner is None else rule_of(_ALIASES.get(inner.name, inner.name))
    return (INTERNAL if rule.decides is not None else rule).all_needs(inner or asked)


_ALIASES: Final = {"findandmodify": "findAndModify"}

_OPEN: Final = """
    authenticate buildInfo configureFailPoint connectionStatus hello listCommands logout ping saslContinue saslStart
    whatsmyuri
"""

_OF_THEIR_OWN: Final = """
    abortTransaction commitTransaction startSession testVersion2
"""

_ON_COLLECTION: Final = {
    "collStats": "collStats",
    "compact": "compact",
    "convertToCapped": "convertToCapped",
    "count": "find",
    "createIndexes": "createIndex",
    "createSearchIndexes": "createSearchIndexes",
    "delete": "remove",
    "distinct": "find",
    "drop": "dropCollection",
    "dropIndexes": "dropIndex",
    "dropSearchIndex": "dropSearchIndex",
    "find": "find",
    "listIndexes": "listIndexes",
    "planCacheClear": "planCacheWrite",
    "planCacheClearFilters": "planCacheIndexFilter",
    "planCacheListFilters": "planCacheIndexFilter",
    "planCacheSetFilter": "planCacheIndexFilter",
    "reIndex": "reIndex",
    "setIndexCommitQuorum": "createIndex",
    "updateSearchIndex": "updateSearchIndex",
    "validate": "validate",
}

_ON_DATABASE: Final = {
    "cleanupStructuredEncryptionData": "cleanupStructuredEncryptionData",
    "compactStructuredEncryptionData": "compactStructuredEncryptionData",
    "dbHash": "dbHash",
    "dbStats": "dbStats",
    "dropAllRolesFromDatabase": "dropRole",
    "dropAllUsersFromDatabase": "dropUser",
    "dropDatabase": "dropDatabase",
    "dropRole": "dropRole",
    "dropUser": "dropUser",
}

_ON_CLUSTER: Final = {
    "appendOplogNote": "appendOplogNote",
    "autoCompact": "compact",
    "cleanupOrphaned": "cleanupOrphaned",
    "connPoolStats": "connPoolStats",
    "dropConnections": "dropConnections",
    "fsync": "fsync",
    "fsyncUnlock": "unlock",
    "getClusterParameter": "getClusterParameter",
    "getCmdLineOpts": "getCmdLineOpts",
    "getDefaultRWConcern": "getDefaultRWConcern",
    "getLog": "getLog",
    "getParameter": "getParameter",
    "getShardVersion": "getShardVersion",
    "hostInfo": "hostInfo",
    "invalidateUserCache": "invalidateUserCache",
    "killAllSessions": "killAnySession",
    "lockInfo": "serverStatus",
    "logApplicationMessage": "applicationMessage",
    "logRotate": "logRotate",
    "removeQuerySettings": "querySettings",
    "replSetAbortPrimaryCatchUp": "replSetStateChange",
    "replSetFreeze": "replSetStateChange",
    "replSetGetConfig": "replSetGetConfig",
    "replSetGetStatus": "replSetGetStatus",
    "replSetInitiate": "replSetConfigure",
    "replSetMaintenance": "replSetStateChange",
    "replSetReconfig": "replSetConfigure",
    "replSetResizeOplog": "replSetResizeOplog",
    "replSetStepDown": "replSetStateChange",
    "replSetSyncFrom": "replSetStateChange",
    "rotateCertificates": "rotateCertificates",
    "serverStatus": "serverStatus",
    "setClusterParameter": "setClusterParameter",
    "setDefaultRWConcern": "setDefaultRWConcern",
    "setFeatureCompatibilityVersion": "setFeatureCompatibilityVersion",
    "setParameter": "setParameter",
    "setQuerySettings": "querySettings",
    "setUserWriteBlockMode": "setUserWriteBlockMode",
    "shardingState": "shardingState",
    "shutdown": "shutdown",
    "top": "top",
}

RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_OPEN.split(), ANYBODY),
    **dict.fromkeys(_OF_THEIR_OWN.split(), SOMEBODY),
    **{name: on_collection(actions) for name, actions in _ON_COLLECTION.items()},
    **{name: on_database(actions) for name, actions in _ON_DATABASE.items()},
    **{name: on_cluster(actions) for name, actions in _ON_CLUSTER.items()},
    # data
    "aggregate": needing(aggregate_needs),
    "applyOps": needing(collection_needs.apply_ops_needs),
    "bulkWrite": needing(collection_needs.bulk_write_needs),
    "cloneCollectionAsCapped": needing(collection_needs.clone_needs),
    "collMod": deciding(collection_needs.may_modify),
    "create": deciding(collection_needs.may_create),
    "dataSize": needing(collection_needs.data_size_needs),
    "explain": needing(_explain_needs),
    "filemd5": needing(collection_needs.file_needs),
    "findAndModify": needing(collection_needs.find_and_modify_needs),
    "insert": needing(collection_needs.insert_needs),
    "mapReduce": needing(collection_needs.map_reduce_needs),
    "profile": deciding(collection_needs.may_profile),
    "renameCollection": deciding(collection_needs.may_rename),
    "replSetGetRBID": INTERNAL,
    "update": needing(collection_needs.update_needs),
    "validateDBMetadata": needing(collection_needs.validate_metadata_needs),
    # the server
    "currentOp": deciding(server_rules.may_see_operations),
    "killAllSessionsByPattern": deciding(server_rules.may_kill_by_pattern),
    "getMore": deciding(server_rules.may_get_more),
    "features": deciding(server_rules.may_see_features),
    "endSessions": deciding(server_rules.may_speak_of_sessions),
    "killSessions": deciding(server_rules.may_kill_sessions),
    "refreshSessions": deciding(server_rules.may_speak_of_sessions),
    "killCursors": deciding(server_rules.may_kill_cursors),
    "killOp": deciding(server_rules.may_kill_operation),
    "listCollections": deciding(server_rules.may_list_collections),
    "listDatabases": deciding(server_rules.may_list_databases),
    # users and roles
    "createRole": deciding(account_rules.may_create_role),
    "createUser": deciding(account_rules.may_create_user),
    "grantPrivilegesToRole": deciding(account_rules.may_grant_privileges),
    "grantRolesToRole": deciding(account_rules.may_grant_roles),
    "grantRolesToUser": deciding(account_rules.may_grant_roles),
    "revokePrivilegesFromRole": deciding(account_rules.may_revoke_privileges),
    "revokeRolesFromRole": deciding(account_rules.may_revoke_roles),
    "revokeRolesFromUser": deciding(account_rules.may_revoke_roles),
    "rolesInfo": deciding(account_rules.may_view_roles),
    "updateRole": deciding(account_rules.may_update_role),
    "updateUser": deciding(account_rules.may_update_user),
    "usersInfo": deciding(account_rules.may_view_users),
}
"""By the names of the commands."""
