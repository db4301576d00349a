"""Who may run what: each command, on documents that need different things, and the built-in roles that may run it.

Written from the manual: the commands' "Required Access" and "Access Control", the page Privilege Actions, and the page
Built-In Roles. It knows nothing of the code that it is compared with. The roles of databases are those of `shop`;
`__system` may run everything.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bson import Binary, Decimal128, Int64

OF_SHOP: Final = ("read", "readWrite", "dbAdmin", "dbOwner", "userAdmin", "enableSharding")
OF_ADMIN: Final = (
    *("readAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase", "userAdminAnyDatabase", "clusterManager"),
    *("clusterMonitor", "hostManager", "clusterAdmin", "backup", "restore", "root", "__system"),
    "directShardOperations",
)
ROLES: Final = (*OF_SHOP, *OF_ADMIN)

# Groups of roles, as the page Built-In Roles describes them.
READING: Final = "read readWrite dbOwner readAnyDatabase readWriteAnyDatabase root"
FINDING: Final = f"{READING} backup"
WRITING: Final = "readWrite dbOwner readWriteAnyDatabase root"
INSERTING: Final = f"{WRITING} restore"
ADMINISTERING: Final = "dbAdmin dbOwner dbAdminAnyDatabase root"
SHAPING: Final = "readWrite dbAdmin dbOwner readWriteAnyDatabase dbAdminAnyDatabase root"
RESTORING: Final = f"{SHAPING} restore"
MEASURING: Final = (
    "read readWrite dbAdmin dbOwner readAnyDatabase readWriteAnyDatabase dbAdminAnyDatabase clusterMonitor "
    "clusterAdmin root"
)
LISTING: Final = f"{MEASURING} backup restore".replace("clusterMonitor clusterAdmin ", "")
USERS: Final = "userAdmin dbOwner userAdminAnyDatabase restore root"
USERS_WITHOUT_RESTORE: Final = "userAdmin dbOwner userAdminAnyDatabase root"
MANAGING: Final = "clusterManager clusterAdmin root"
MONITORING: Final = "clusterMonitor clusterAdmin root"
HOSTING: Final = "hostManager clusterAdmin root"
EVERYBODY: Final = " ".join(ROLES)
NOBODY_TOO: Final = f"{EVERYBODY} nobody"
NO_BUILT_IN_ROLE: Final = ""


class Case(NamedTuple):
    """One command on one database, and who may run it.

    label      the command's name, and what is special about it
    command    its document
    roles      that may, with spaces between them; with "nobody", clients that have not said who they are
    database   where it runs
    """

    label: str
    command: dict[str, Any]
    roles: str
    database: str = "shop"


ADMIN: Final = "admin"
SESSION: Final = {"id": Binary(bytes(16), 4)}
TRANSACTION: Final = {"lsid": SESSION, "txnNumber": Int64(1), "autocommit": False}
NEW_USER: Final = {"createUser": "ann", "pwd": "x", "mechanisms": ["SCRAM-SHA-256"]}
SHOP_PRIVILEGE: Final = {"resource": {"db": "shop", "collection": ""}, "actions": ["find"]}
CLUSTER_PRIVILEGE: Final = {"resource": {"cluster": True}, "actions": ["top"]}
SET_IMAGES: Final = {"changeStreamOptions": {"preAndPostImages": {"expireAfterSeconds": "off"}}}
PAYLOAD: Final = Binary(b"n,,n=ann,r=abc")


def aggregate(*stages: dict[str, Any], source: Any = "c") -> dict[str, Any]:
    """An aggregate command."""
    return {"aggregate": source, "pipeline": list(stages), "cursor": {}}


def bulk(*operations: dict[str, Any]) -> dict[str, Any]:
    """A bulkWrite on two collections, of which the second is in another database."""
    return {"bulkWrite": 1, "ops": list(operations), "nsInfo": [{"ns": "shop.c"}, {"ns": "other.c"}]}


_DATA: Final = (
    Case("find", {"find": "c"}, FINDING),
    Case("find elsewhere", {"find": "c"}, "readAnyDatabase readWriteAnyDatabase backup root", "other"),
    Case("find in local", {"find": "oplog.rs"}, "clusterMonitor clusterAdmin backup root", "local"),
    Case("find in config", {"find": "c"}, "clusterManager clusterMonitor clusterAdmin backup root", "config"),
    Case("find of users", {"find": "system.users"}, "userAdminAnyDatabase backup restore root", ADMIN),
    Case("find of roles", {"find": "system.roles"}, "userAdminAnyDatabase backup root", ADMIN),
    Case("find of the version", {"find": "system.version"}, "backup restore root", ADMIN),
    Case("find of functions", {"find": "system.js"}, FINDING),
    Case("find of the profile", {"find": "system.profile"}, f"{ADMINISTERING} clusterMonitor clusterAdmin backup"),
    Case("count", {"count": "c"}, FINDING),
    Case("distinct", {"distinct": "c", "key": "a"}, FINDING),
    Case("filemd5", {"filemd5": 1}, FINDING),
    Case("dataSize", {"dataSize": "shop.c"}, FINDING),
    Case("getMore", {"getMore": Int64(5), "collection": "c"}, EVERYBODY),
    Case("killCursors", {"killCursors": "c", "cursors": [Int64(5)]}, EVERYBODY),
    Case("explain", {"explain": {"find": "c"}}, FINDING),
    Case("explain of a delete", {"explain": {"delete": "c", "deletes": [{"q": {}, "limit": 0}]}}, WRITING),
    Case("explain of a pipeline", {"explain": aggregate({"$collStats": {}})}, MEASURING),
    Case("insert", {"insert": "c", "documents": [{}]}, INSERTING),
    Case(
        "insert without validation",
        {"insert": "c", "documents": [{}], "bypassDocumentValidation": True},
        "dbOwner restore root",
    ),
    Case("insert into users", {"insert": "system.users", "documents": [{}]}, "restore root", ADMIN),
    Case("insert into roles", {"insert": "system.roles", "documents": [{}]}, NO_BUILT_IN_ROLE, ADMIN),
    Case("insert into settings", {"insert": "settings", "documents": [{}]}, f"{MANAGING} backup restore", "config"),
    Case("update", {"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]}, WRITING),
    Case("update that inserts", {"update": "c", "updates": [{"q": {}, "u": {"a": 1}, "upsert": True}]}, WRITING),
    Case("delete", {"delete": "c", "deletes": [{"q": {}, "limit": 0}]}, WRITING),
    Case("findAndModify", {"findAndModify": "c", "update": {"a": 1}}, WRITING),
    Case("findAndModify that removes", {"findAndModify": "c", "remove": True}, WRITING),
    Case("bulkWrite", bulk({"insert": 0, "document": {}}), INSERTING, ADMIN),
    Case("bulkWrite by a decimal", bulk({"insert": Decimal128("0"), "document": {}}), INSERTING, ADMIN),
    Case("bulkWrite that deletes", bulk({"delete": 0, "filter": {}}), WRITING, ADMIN),
    Case(
        "bulkWrite on two",
        bulk({"insert": 0, "document": {}}, {"update": 1, "filter": {}, "updateMods": {"a": 1}}),
        "readWriteAnyDatabase root",
        ADMIN,
    ),
    Case("mapReduce", {"mapReduce": "c", "map": "m", "reduce": "r", "out": {"inline": 1}}, FINDING),
    Case("mapReduce into", {"mapReduce": "c", "map": "m", "reduce": "r", "out": "d"}, WRITING),
    Case("abortTransaction", {"abortTransaction": 1, **TRANSACTION}, EVERYBODY, ADMIN),
    Case("commitTransaction", {"commitTransaction": 1, **TRANSACTION}, EVERYBODY, ADMIN),
)

_PIPELINES: Final = (
    Case("aggregate", aggregate({"$match": {}}), FINDING),
    Case("aggregate $out", aggregate({"$out": "d"}), WRITING),
    Case("aggregate $out elsewhere", aggregate({"$out": {"db": "other", "coll": "d"}}), "readWriteAnyDatabase root"),
    Case("aggregate $merge", aggregate({"$merge": "d"}), WRITING),
    Case("aggregate $merge new ones", aggregate({"$merge": {"into": "d", "whenMatched": "fail"}}), WRITING),
    Case("aggregate $lookup", aggregate({"$lookup": {"from": "d", "pipeline": [], "as": "x"}}), FINDING),
    Case("aggregate $unionWith", aggregate({"$unionWith": "system.users"}), "backup root", ADMIN),
    Case(
        "aggregate $unionWith deep",
        aggregate({"$facet": {"a": [{"$unionWith": {"coll": "d", "pipeline": [{"$unionWith": "system.users"}]}}]}}),
        "backup root",
        ADMIN,
    ),
    Case(
        "aggregate $graphLookup",
        aggregate(
            {
                "$graphLookup": {
                    "from": "d",
                    "startWith": "$a",
                    "connectFromField": "a",
                    "connectToField": "b",
                    "as": "x",
                }
            }
        ),
        FINDING,
    ),
    Case("aggregate $collStats", aggregate({"$collStats": {}}), MEASURING),
    Case("aggregate $indexStats", aggregate({"$indexStats": {}}), MONITORING),
    Case("aggregate $planCacheStats", aggregate({"$planCacheStats": {}}), f"{ADMINISTERING} {READING}"),
    Case("aggregate $documents", aggregate({"$documents": [{}]}, source=1), EVERYBODY),
    Case("aggregate $currentOp", aggregate({"$currentOp": {}}, source=1), EVERYBODY, ADMIN),
    Case("aggregate $currentOp of all", aggregate({"$currentOp": {"allUsers": True}}, source=1), MONITORING, ADMIN),
    Case("aggregate $listLocalSessions", aggregate({"$listLocalSessions": {}}, source=1), EVERYBODY, ADMIN),
    Case(
        "aggregate $listLocalSessions of all",
        aggregate({"$listLocalSessions": {"allUsers": True}}, source=1),
        "clusterManager clusterMonitor clusterAdmin root",
        ADMIN,
    ),
    Case("aggregate $changeStream", aggregate({"$changeStream": {}}), READING),
    Case("aggregate $changeStream of a database", aggregate({"$changeStream": {}}, source=1), READING),
    Case(
        "aggregate $changeStream of all",
        aggregate({"$changeStream": {"allChangesForCluster": True}}, source=1),
        "readAnyDatabase readWriteAnyDatabase root",
        ADMIN,
    ),
    Case("aggregate $querySettings", aggregate({"$querySettings": {}}, source=1), "root", ADMIN),
    Case("aggregate $listClusterCatalog", aggregate({"$listClusterCatalog": {}}, source=1), LISTING),
    Case("aggregate $listClusterCatalog of all", aggregate({"$listClusterCatalog": {}}, source=1), MONITORING, ADMIN),
)

_CATALOG: Final = (
    Case("create", {"create": "c"}, RESTORING),
    Case("create a capped one", {"create": "c", "capped": True, "size": 100}, RESTORING),
    Case("create a view", {"create": "v", "viewOn": "c", "pipeline": []}, RESTORING),
    Case("collMod", {"collMod": "c"}, f"{ADMINISTERING} restore"),
    Case("collStats", {"collStats": "c"}, MEASURING),
    Case("compact", {"compact": "c"}, ADMINISTERING),
    Case("convertToCapped", {"convertToCapped": "c", "size": 100}, RESTORING),
    Case("cloneCollectionAsCapped", {"cloneCollectionAsCapped": "c", "toCollection": "d", "size": 100}, WRITING),
    Case("createIndexes", {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]}, RESTORING),
    Case("dbHash", {"dbHash": 1}, READING),
    Case("dbStats", {"dbStats": 1}, MEASURING),
    Case("setIndexCommitQuorum", {"setIndexCommitQuorum": "c", "indexNames": ["a_1"], "commitQuorum": 1}, RESTORING),
    Case("compactStructuredEncryptionData", {"compactStructuredEncryptionData": "c", "compactionTokens": {}}, WRITING),
    Case("cleanupStructuredEncryptionData", {"cleanupStructuredEncryptionData": "c", "cleanupTokens": {}}, WRITING),
    Case("createSearchIndexes", {"createSearchIndexes": "c", "indexes": [{"definition": {}}]}, RESTORING),
    Case("dropSearchIndex", {"dropSearchIndex": "c", "name": "x"}, SHAPING),
    Case("updateSearchIndex", {"updateSearchIndex": "c", "name": "x", "definition": {}}, RESTORING),
    Case("drop", {"drop": "c"}, RESTORING),
    Case("dropDatabase", {"dropDatabase": 1}, f"{ADMINISTERING} clusterAdmin"),
    Case("dropIndexes", {"dropIndexes": "c", "index": "a_1"}, SHAPING),
    Case("listCollections", {"listCollections": 1}, LISTING),
    Case(
        "listCollections that are one's own",
        {"listCollections": 1, "nameOnly": True, "authorizedCollections": True},
        " ".join(role for role in ROLES if role != "directShardOperations"),
    ),
    Case("listIndexes", {"listIndexes": "c"}, LISTING.replace(" restore", "")),
    Case("reIndex", {"reIndex": "c"}, ADMINISTERING),
    Case("renameCollection", {"renameCollection": "shop.c", "to": "shop.d"}, SHAPING, ADMIN),
    Case(
        "renameCollection to another database",
        {"renameCollection": "shop.c", "to": "other.d"},
        "readWriteAnyDatabase root",
        ADMIN,
    ),
    Case("validate", {"validate": "c"}, ADMINISTERING),
    Case("validate of users", {"validate": "system.users"}, "root", ADMIN),
    Case(
        "validateDBMetadata", {"validateDBMetadata": 1, "db": "shop", "apiParameters": {"version": "1"}}, ADMINISTERING
    ),
    Case("planCacheClear", {"planCacheClear": "c"}, ADMINISTERING),
    Case("planCacheClearFilters", {"planCacheClearFilters": "c"}, ADMINISTERING),
    Case("planCacheListFilters", {"planCacheListFilters": "c"}, ADMINISTERING),
    Case("planCacheSetFilter", {"planCacheSetFilter": "c", "query": {}, "indexes": [{"a": 1}]}, ADMINISTERING),
    Case("profile", {"profile": 1}, ADMINISTERING),
    Case("profile as it is", {"profile": -1}, f"{ADMINISTERING} clusterMonitor clusterAdmin backup"),
)

_SERVER: Final = (
    Case("listDatabases", {"listDatabases": 1}, EVERYBODY, ADMIN),
    Case(
        "listDatabases all",
        {"listDatabases": 1, "authorizedDatabases": False},
        "readAnyDatabase readWriteAnyDatabase dbAdminAnyDatabase userAdminAnyDatabase clusterMonitor clusterAdmin "
        "backup root",
        ADMIN,
    ),
    Case("currentOp", {"currentOp": 1}, MONITORING, ADMIN),
    Case("currentOp of one's own", {"currentOp": 1, "$ownOps": True}, EVERYBODY, ADMIN),
    Case("killOp", {"killOp": 1, "op": 12345}, HOSTING, ADMIN),
    Case("killOp by a decimal", {"killOp": 1, "op": Decimal128("12345")}, HOSTING, ADMIN),
    Case("connPoolStats", {"connPoolStats": 1}, MONITORING),
    Case("dropConnections", {"dropConnections": 1, "hostAndPort": []}, "root", ADMIN),
    Case("fsync", {"fsync": 1}, HOSTING, ADMIN),
    Case("fsyncUnlock", {"fsyncUnlock": 1}, HOSTING, ADMIN),
    Case("getClusterParameter", {"getClusterParameter": "changeStreamOptions"}, MANAGING, ADMIN),
    Case("setClusterParameter", {"setClusterParameter": SET_IMAGES}, MANAGING, ADMIN),
    Case("getCmdLineOpts", {"getCmdLineOpts": 1}, MONITORING, ADMIN),
    Case("getDefaultRWConcern", {"getDefaultRWConcern": 1}, f"{MONITORING} clusterManager", ADMIN),
    Case("setDefaultRWConcern", {"setDefaultRWConcern": 1, "defaultReadConcern": {"level": "local"}}, MANAGING, ADMIN),
    Case("getLog", {"getLog": "global"}, MONITORING, ADMIN),
    Case("getParameter", {"getParameter": "*"}, f"{MONITORING} backup restore", ADMIN),
    Case("setParameter", {"setParameter": 1, "logLevel": 0}, HOSTING, ADMIN),
    Case("setFeatureCompatibilityVersion", {"setFeatureCompatibilityVersion": "8.0", "confirm": True}, MANAGING, ADMIN),
    Case("hostInfo", {"hostInfo": 1}, MONITORING, ADMIN),
    Case("lockInfo", {"lockInfo": 1}, f"{MONITORING} backup", ADMIN),
    Case("logRotate", {"logRotate": 1}, HOSTING, ADMIN),
    Case("logApplicationMessage", {"logApplicationMessage": "x"}, f"{HOSTING} clusterManager", ADMIN),
    Case("rotateCertificates", {"rotateCertificates": 1}, HOSTING, ADMIN),
    Case("serverStatus", {"serverStatus": 1}, f"{MONITORING} backup"),
    Case("autoCompact", {"autoCompact": True}, HOSTING, ADMIN),
    Case("setUserWriteBlockMode", {"setUserWriteBlockMode": 1, "global": False}, "backup restore root", ADMIN),
    Case("shutdown", {"shutdown": 1}, HOSTING, ADMIN),
    Case("top", {"top": 1}, MONITORING, ADMIN),
    Case("setQuerySettings", {"setQuerySettings": "A" * 64, "settings": {"reject": True}}, "root", ADMIN),
    Case("removeQuerySettings", {"removeQuerySettings": "A" * 64}, "root", ADMIN),
    Case("applyOps", {"applyOps": [{"op": "i", "ns": "shop.c", "o": {"_id": 1}}]}, "root", ADMIN),
    Case("applyOps of a command", {"applyOps": [{"op": "c", "ns": "shop.$cmd", "o": {"drop": "c"}}]}, "", ADMIN),
    Case("appendOplogNote", {"appendOplogNote": 1, "data": {}}, f"{MANAGING} backup", ADMIN),
    Case("replSetGetStatus", {"replSetGetStatus": 1}, f"{MANAGING} clusterMonitor", ADMIN),
    Case("replSetGetConfig", {"replSetGetConfig": 1}, f"{MANAGING} clusterMonitor", ADMIN),
    Case("replSetAbortPrimaryCatchUp", {"replSetAbortPrimaryCatchUp": 1}, MANAGING, ADMIN),
    Case("replSetGetRBID", {"replSetGetRBID": 1}, NO_BUILT_IN_ROLE, ADMIN),
    Case("replSetInitiate", {"replSetInitiate": {}}, MANAGING, ADMIN),
    Case("replSetMaintenance", {"replSetMaintenance": True}, MANAGING, ADMIN),
    Case("replSetSyncFrom", {"replSetSyncFrom": "127.0.0.1:27017"}, MANAGING, ADMIN),
    Case("cleanupOrphaned", {"cleanupOrphaned": "shop.c"}, MANAGING, ADMIN),
    Case("getShardVersion", {"getShardVersion": "shop.c"}, "root", ADMIN),
    Case("shardingState", {"shardingState": 1}, MONITORING, ADMIN),
    Case("testVersion2", {"testVersion2": 1}, EVERYBODY),
    Case("replSetFreeze", {"replSetFreeze": 1}, MANAGING, ADMIN),
    Case("replSetStepDown", {"replSetStepDown": 1}, MANAGING, ADMIN),
    Case("startSession", {"startSession": 1}, EVERYBODY),
    Case("refreshSessions", {"refreshSessions": [SESSION]}, EVERYBODY),
    Case("endSessions", {"endSessions": [SESSION]}, EVERYBODY),
    Case("killSessions", {"killSessions": [SESSION]}, EVERYBODY),
    Case("killAllSessions", {"killAllSessions": []}, HOSTING),
    Case("killAllSessionsByPattern", {"killAllSessionsByPattern": []}, HOSTING),
    Case(
        "killAllSessionsByPattern for others",
        {"killAllSessionsByPattern": [{"users": [{"user": "ann", "db": "admin"}]}]},
        NO_BUILT_IN_ROLE,
    ),
    Case("configureFailPoint", {"configureFailPoint": "failCommand", "mode": "off"}, NOBODY_TOO, ADMIN),
    Case("features", {"features": 1}, EVERYBODY),
    Case("features with a reset", {"features": 1, "oidReset": True}, HOSTING),
    Case("ping", {"ping": 1}, NOBODY_TOO),
    Case("hello", {"hello": 1}, NOBODY_TOO),
    Case("buildInfo", {"buildInfo": 1}, NOBODY_TOO),
    Case("listCommands", {"listCommands": 1}, NOBODY_TOO),
    Case("connectionStatus", {"connectionStatus": 1}, NOBODY_TOO),
    Case("whatsmyuri", {"whatsmyuri": 1}, NOBODY_TOO),
    Case("saslStart", {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": PAYLOAD}, NOBODY_TOO),
    Case("saslContinue", {"saslContinue": 1, "conversationId": 1, "payload": PAYLOAD}, NOBODY_TOO),
    Case("authenticate", {"authenticate": 1, "mechanism": "MONGODB-X509"}, NOBODY_TOO, "$external"),
    Case("logout", {"logout": 1}, NOBODY_TOO),
)

_ACCOUNTS: Final = (
    Case("createUser", {**NEW_USER, "roles": []}, USERS),
    Case("createUser with a role of here", {**NEW_USER, "roles": ["read"]}, USERS),
    Case(
        "createUser with a role of elsewhere",
        {**NEW_USER, "roles": [{"role": "read", "db": "other"}]},
        "userAdminAnyDatabase restore root",
    ),
    Case("createUser elsewhere", {**NEW_USER, "roles": []}, "userAdminAnyDatabase restore root", "other"),
    Case(
        "createUser with restrictions",
        {**NEW_USER, "roles": [], "authenticationRestrictions": [{"clientSource": ["127.0.0.1"]}]},
        USERS_WITHOUT_RESTORE,
    ),
    Case("updateUser", {"updateUser": "ann", "customData": {}}, USERS),
    Case("updateUser of its password", {"updateUser": "ann", "pwd": "y", "mechanisms": ["SCRAM-SHA-256"]}, USERS),
    Case("updateUser of its roles", {"updateUser": "ann", "roles": []}, "userAdminAnyDatabase restore root"),
    Case("dropUser", {"dropUser": "ann"}, USERS),
    Case("dropAllUsersFromDatabase", {"dropAllUsersFromDatabase": 1}, USERS),
    Case("usersInfo", {"usersInfo": 1}, USERS),
    Case("usersInfo of another", {"usersInfo": {"user": "ann", "db": "other"}}, "userAdminAnyDatabase restore root"),
    Case("grantRolesToUser", {"grantRolesToUser": "ann", "roles": ["read"]}, USERS),
    Case("revokeRolesFromUser", {"revokeRolesFromUser": "ann", "roles": ["read"]}, USERS),
    Case("createRole", {"createRole": "clerk", "privileges": [SHOP_PRIVILEGE], "roles": []}, USERS),
    Case(
        "createRole for the cluster",
        {"createRole": "clerk", "privileges": [CLUSTER_PRIVILEGE], "roles": []},
        "userAdminAnyDatabase restore root",
        ADMIN,
    ),
    Case("updateRole", {"updateRole": "clerk", "roles": []}, "userAdminAnyDatabase restore root"),
    Case("dropRole", {"dropRole": "clerk"}, USERS),
    Case("dropAllRolesFromDatabase", {"dropAllRolesFromDatabase": 1}, USERS),
    Case("grantPrivilegesToRole", {"grantPrivilegesToRole": "clerk", "privileges": [SHOP_PRIVILEGE]}, USERS),
    Case("revokePrivilegesFromRole", {"revokePrivilegesFromRole": "clerk", "privileges": [SHOP_PRIVILEGE]}, USERS),
    Case("grantRolesToRole", {"grantRolesToRole": "clerk", "roles": ["read"]}, USERS),
    Case("revokeRolesFromRole", {"revokeRolesFromRole": "clerk", "roles": ["read"]}, USERS),
    Case("rolesInfo", {"rolesInfo": 1}, USERS),
    Case("rolesInfo of one", {"rolesInfo": "read"}, f"{USERS} read"),
    Case("invalidateUserCache", {"invalidateUserCache": 1}, f"{HOSTING} userAdminAnyDatabase", ADMIN),
)

CASES: Final = {case.label: case for case in (*_DATA, *_PIPELINES, *_CATALOG, *_SERVER, *_ACCOUNTS)}
