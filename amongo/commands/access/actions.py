"""The actions that privileges permit, by name. Source: manual, Privilege Actions, and the pages of the commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from amongo.errors import command as command_errors
from amongo.errors import roles as errors
from amongo.values.types import alias

ANY_ACTION: Final = "anyAction"
"""Permits everything on its resource."""

_NAMES: Final = {
    "query and write": "bypassDocumentValidation find insert remove update useUUID",
    "database management": """
        changeCustomData changeOwnCustomData changeOwnPassword changePassword createCollection createIndex createRole
        createUser dropCollection dropRole dropUser enableProfiler grantRole killAnyCursor killCursors
        planCacheIndexFilter querySettings revokeRole setAuthenticationRestriction setFeatureCompatibilityVersion
        unlock viewRole viewUser
    """,
    "deployment management": """
        authSchemaUpgrade cleanupOrphaned cpuProfiler inprog invalidateUserCache killop planCacheRead planCacheWrite
        storageDetails
    """,
    "change streams": "changeStream",
    "replication": """
        appendOplogNote replSetConfigure replSetGetConfig replSetGetStatus replSetHeartbeat replSetResizeOplog
        replSetStateChange resync
    """,
    "sharding": """
        addShard analyzeShardKey checkMetadataConsistency clearJumboFlag configureQueryAnalyzer enableSharding
        flushRouterConfig getClusterParameter getShardMap getShardVersion issueDirectShardOperations listShards
        moveChunk moveCollection refineCollectionShardKey removeShard reshardCollection setClusterParameter
        shardedDataDistribution shardingState splitChunk splitVector transitionFromDedicatedConfigServer
        transitionToDedicatedConfigServer unshardCollection
    """,
    "server administration": """
        applicationMessage bypassDefaultMaxTimeMS bypassWriteBlockingMode closeAllDatabases collMod compact
        cleanupStructuredEncryptionData compactStructuredEncryptionData connPoolSync convertToCapped dropConnections
        dropDatabase dropIndex forceUUID fsync getDefaultRWConcern getParameter hostInfo logRotate oidReset
        performRawDataOperations reIndex renameCollectionSameDB rotateCertificates setDefaultRWConcern setParameter
        setUserWriteBlockMode shutdown touch
    """,
    "auditing": "auditConfigure",
    "sessions": "impersonate killAnySession listSessions",
    "search indexes": "createSearchIndexes dropSearchIndex listSearchIndexes updateSearchIndex",
    "diagnosis": """
        collStats connPoolStats dbHash dbStats getCmdLineOpts getLog indexStats listClusterCatalog listCollections
        listDatabases listIndexes queryStatsRead queryStatsReadTransformed serverStatus top validate
    """,
    "internal": f"advanceClusterTime applyOps {ANY_ACTION} internal",
}

ACTIONS: Final = frozenset(name for names in _NAMES.values() for name in names.split())
"""All of them."""


def parse_actions(values: Any) -> frozenset[str]:
    """The actions of a privilege document: an array of names.

    errors   WRONG_TYPE, NO_ACTIONS, UNKNOWN_ACTIONS
    """
    if type(values) is not list:
        raise command_errors.WRONG_TYPE(
            command="privilege", field="actions", actual=alias(values), expected="type 'array'"
        )
    for position, value in enumerate(values):
        if type(value) is not str:
            raise command_errors.WRONG_TYPE(
                command="privilege", field=f"actions.{position}", actual=alias(value), expected="type 'string'"
            )
    if not values:
        raise errors.NO_ACTIONS()
    unknown = [value for value in values if value not in ACTIONS]
    if unknown:
        raise errors.UNKNOWN_ACTIONS(names=",".join(unknown))
    return frozenset(values)


def actions(*names: str | Iterable[str]) -> frozenset[str]:
    """The actions of some texts, each with names between spaces, and of some sets."""
    found: set[str] = set()
    for each in names:
        found.update(each.split() if isinstance(each, str) else each)
    unknown = found - ACTIONS
    if unknown:
        raise ValueError(f"there are no actions {sorted(unknown)}")
    return frozenset(found)
