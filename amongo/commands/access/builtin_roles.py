"""The roles that are there without anybody's having made them, and their privileges.

Those of the first table stand in every database and mean that database; those of the second stand in `admin` alone.
Source: manual, Built-In Roles, with the privileges that `rolesInfo` shows there. `searchCoordinator` is not on that
page, and is not here: there is no search server to coordinate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from amongo.commands.access.actions import ANY_ACTION, actions
from amongo.commands.access.names import RoleName
from amongo.commands.access.privileges import (
    ANY_RESOURCE,
    CLUSTER,
    NORMAL,
    Privilege,
    Resource,
    collection_resource,
    database_resource,
    joined,
)

Privileges = tuple[Privilege, ...]

ADMIN: Final = "admin"

_READ: Final = actions("""
    changeStream collStats dbHash dbStats find killCursors listCollections listIndexes listSearchIndexes
    performRawDataOperations planCacheRead
""")
_READ_WRITE: Final = _READ | actions("""
    cleanupStructuredEncryptionData compactStructuredEncryptionData convertToCapped createCollection createIndex
    createSearchIndexes dropCollection dropIndex dropSearchIndex insert remove renameCollectionSameDB update
    updateSearchIndex
""")
_ADMINISTER: Final = actions("""
    bypassDocumentValidation collMod collStats compact convertToCapped createCollection createIndex
    createSearchIndexes dbStats dropCollection dropDatabase dropIndex dropSearchIndex enableProfiler listCollections
    listIndexes listSearchIndexes planCacheIndexFilter planCacheRead planCacheWrite reIndex renameCollectionSameDB
    updateSearchIndex validate
""")
_ADMINISTER_PROFILE: Final = actions("""
    changeStream collStats convertToCapped createCollection dbHash dbStats dropCollection find killCursors
    listCollections listIndexes listSearchIndexes planCacheRead
""")
_ADMINISTER_USERS: Final = actions("""
    changeCustomData changePassword createRole createUser dropRole dropUser grantRole revokeRole
    setAuthenticationRestriction viewRole viewUser
""")
_READ_OF_CLUSTER: Final = actions("""
    collStats dbHash dbStats find killCursors listCollections listIndexes listSearchIndexes planCacheRead
""")
_CHANGE_CHUNKS: Final = actions("enableSharding insert moveChunk remove update")
_RESTORE: Final = actions("""
    bypassDocumentValidation collMod createCollection createIndex dropCollection insert updateSearchIndex
""")
_LEGACY_USERS: Final = collection_resource("", "system.users")
_USERS: Final = collection_resource(ADMIN, "system.users")
_ROLES: Final = collection_resource(ADMIN, "system.roles")


def built_in_privileges(name: RoleName) -> Privileges | None:
    """The privileges of a built-in role; None for a role that is none."""
    made = _OF_DATABASES.get(name.role)
    if made is not None:
        return joined(made(name.database))
    return _OF_ADMIN.get(name.role) if name.database == ADMIN else None


def built_in_names(database: str) -> tuple[RoleName, ...]:
    """The built-in roles of a database, in the order of their names."""
    names = [*_OF_DATABASES, *(_OF_ADMIN if database == ADMIN else ())]
    return tuple(RoleName(name, database) for name in sorted(names))


# Roles of every database


def _read(database: str) -> Iterable[Privilege]:
    yield Privilege(database_resource(database), _READ)
    yield Privilege(collection_resource(database, "system.js"), _READ)


def _read_write(database: str) -> Iterable[Privilege]:
    yield Privilege(database_resource(database), _READ_WRITE)
    yield Privilege(collection_resource(database, "system.js"), _READ_WRITE)


def _db_admin(database: str) -> Iterable[Privilege]:
    yield Privilege(database_resource(database), _ADMINISTER)
    yield Privilege(collection_resource(database, "system.profile"), _ADMINISTER_PROFILE)


def _user_admin(database: str) -> Iterable[Privilege]:
    yield Privilege(database_resource(database), _ADMINISTER_USERS)


def _db_owner(database: str) -> Iterable[Privilege]:
    yield from _read_write(database)
    yield from _db_admin(database)
    yield from _user_admin(database)


def _enable_sharding(database: str) -> Iterable[Privilege]:
    sharding = "analyzeShardKey enableSharding moveCollection refineCollectionShardKey reshardCollection"
    yield Privilege(NORMAL, actions(sharding, "unshardCollection"))


# Roles of `admin`


def _read_any_database() -> Iterable[Privilege]:
    yield from _read("")
    yield Privilege(CLUSTER, actions("listDatabases"))


def _read_write_any_database() -> Iterable[Privilege]:
    yield from _read_write("")
    yield Privilege(CLUSTER, actions("listDatabases"))


def _db_admin_any_database() -> Iterable[Privilege]:
    yield from _db_admin("")
    yield Privilege(CLUSTER, actions("applyOps listDatabases"))


def _user_admin_any_database() -> Iterable[Privilege]:
    for database in ("", "local", "config"):  # or nobody could grant roles of these, as tools that read the oplog need
        yield from _user_admin(database)
    yield Privilege(CLUSTER, actions("authSchemaUpgrade invalidateUserCache listDatabases viewUser"))
    stored = actions("""
        collStats createIndex createSearchIndexes dbHash dbStats dropIndex dropSearchIndex find killCursors
        planCacheRead
    """)
    for resource in (_USERS, _ROLES, _LEGACY_USERS):
        yield Privilege(resource, stored)


def _cluster_manager() -> Iterable[Privilege]:
    yield Privilege(
        CLUSTER,
        actions("""
            addShard appendOplogNote applicationMessage checkMetadataConsistency cleanupOrphaned flushRouterConfig
            getClusterParameter getDefaultRWConcern listSessions listShards moveCollection removeShard
            replSetConfigure replSetGetConfig replSetGetStatus replSetResizeOplog replSetStateChange resync
            setClusterParameter setDefaultRWConcern setFeatureCompatibilityVersion
            transitionFromDedicatedConfigServer transitionToDedicatedConfigServer unshardCollection
        """),
    )
    yield Privilege(
        NORMAL,
        actions("""
            analyzeShardKey clearJumboFlag configureQueryAnalyzer enableSharding moveChunk refineCollectionShardKey
            reshardCollection
        """),
    )
    yield Privilege(database_resource("config"), _READ_OF_CLUSTER | _CHANGE_CHUNKS)
    yield Privilege(collection_resource("config", "system.js"), _READ_OF_CLUSTER)
    yield Privilege(database_resource("local"), _CHANGE_CHUNKS)
    yield Privilege(collection_resource("local", "system.replset"), _READ_OF_CLUSTER)


def _cluster_monitor() -> Iterable[Privilege]:
    yield Privilege(
        CLUSTER,
        actions("""
            connPoolStats getCmdLineOpts getDefaultRWConcern getLog getParameter getShardMap hostInfo inprog
            listClusterCatalog listDatabases listSessions listShards replSetGetConfig replSetGetStatus serverStatus
            shardingState top useUUID
        """),
    )
    yield Privilege(NORMAL, actions("collStats dbStats indexStats"))
    yield Privilege(collection_resource("", "system.profile"), actions("find"))
    for database in ("config", "local"):
        yield Privilege(database_resource(database), _READ_OF_CLUSTER | actions("indexStats"))
        yield Privilege(collection_resource(database, "system.js"), _READ_OF_CLUSTER)
    yield Privilege(collection_resource("local", "system.replset"), actions("find"))


def _host_manager() -> Iterable[Privilege]:
    yield Privilege(
        CLUSTER,
        actions("""
            applicationMessage closeAllDatabases compact connPoolSync flushRouterConfig fsync invalidateUserCache
            killAnyCursor killAnySession killop logRotate oidReset resync rotateCertificates setParameter shutdown
            touch unlock
        """),
    )
    yield Privilege(NORMAL, actions("killCursors"))


def _cluster_admin() -> Iterable[Privilege]:
    yield from _cluster_manager()
    yield from _cluster_monitor()
    yield from _host_manager()
    yield Privilege(NORMAL, actions("dropDatabase"))


def _backup() -> Iterable[Privilege]:
    yield Privilege(ANY_RESOURCE, actions("listCollections listDatabases listIndexes listSearchIndexes"))
    yield Privilege(CLUSTER, actions("appendOplogNote getParameter listDatabases serverStatus setUserWriteBlockMode"))
    everywhere = (
        *(NORMAL, database_resource("config"), database_resource("local"), Resource("system_buckets")),
        *(collection_resource("", name) for name in ("system.js", "system.profile")),
        *(_USERS, _ROLES, _LEGACY_USERS),
        *(collection_resource(ADMIN, name) for name in ("system.backup_users", "system.new_users", "system.version")),
    )
    for resource in everywhere:
        yield Privilege(resource, actions("find"))
    yield Privilege(collection_resource("config", "settings"), actions("find insert update"))


def _restore() -> Iterable[Privilege]:
    yield Privilege(CLUSTER, actions("bypassWriteBlockingMode getParameter setUserWriteBlockMode"))
    yield Privilege(ANY_RESOURCE, actions("listCollections"))
    users = "changeCustomData changePassword createRole createUser dropRole dropUser grantRole revokeRole"
    yield Privilege(NORMAL, _RESTORE | actions(users, "convertToCapped createSearchIndexes viewRole viewUser"))
    places = (
        *(collection_resource("", "system.js"), Resource("system_buckets")),
        *(database_resource("config"), database_resource("local")),
    )
    for resource in places:
        yield Privilege(resource, _RESTORE)
    yield Privilege(collection_resource(ADMIN, "system.version"), _RESTORE | actions("find"))
    yield Privilege(_ROLES, actions("createIndex"))
    for resource in (_USERS, _LEGACY_USERS):
        yield Privilege(resource, _RESTORE | actions("find remove update"))
    yield Privilege(collection_resource("", "system.views"), actions("dropCollection"))


def _root() -> Iterable[Privilege]:
    yield from _read_write_any_database()
    yield from _db_admin_any_database()
    yield from _user_admin_any_database()
    yield from _cluster_admin()
    yield from _restore()
    yield from _backup()
    yield Privilege(
        CLUSTER, actions("dropConnections getShardVersion querySettings queryStatsRead queryStatsReadTransformed")
    )
    yield Privilege(ANY_RESOURCE, actions("validate"))
    yield Privilege(collection_resource("config", "system.preimages"), actions("find remove"))


def _system() -> Iterable[Privilege]:
    yield Privilege(ANY_RESOURCE, actions(ANY_ACTION))


def _direct_shard_operations() -> Iterable[Privilege]:
    yield Privilege(CLUSTER, actions("issueDirectShardOperations"))


_OF_DATABASES: Final[dict[str, Callable[[str], Iterable[Privilege]]]] = {
    "read": _read,
    "readWrite": _read_write,
    "dbAdmin": _db_admin,
    "dbOwner": _db_owner,
    "userAdmin": _user_admin,
    "enableSharding": _enable_sharding,
}

_MADE: Final[dict[str, Callable[[], Iterable[Privilege]]]] = {
    "readAnyDatabase": _read_any_database,
    "readWriteAnyDatabase": _read_write_any_database,
    "dbAdminAnyDatabase": _db_admin_any_database,
    "userAdminAnyDatabase": _user_admin_any_database,
    "clusterManager": _cluster_manager,
    "clusterMonitor": _cluster_monitor,
    "hostManager": _host_manager,
    "clusterAdmin": _cluster_admin,
    "backup": _backup,
    "restore": _restore,
    "root": _root,
    "__system": _system,
    "directShardOperations": _direct_shard_operations,
}

_OF_ADMIN: Final[dict[str, Privileges]] = {name: joined(made()) for name, made in _MADE.items()}
