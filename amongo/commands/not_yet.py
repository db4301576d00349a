"""Commands of MongoDB 8 that are unknown here (COMMAND_NOT_FOUND), each with the reason."""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    "files over collections come with the Streams issue": "filemd5",
    "files are merged by every checkpoint, and nothing is locked": "autoCompact fsyncUnlock",
    "users, roles and connections come with the Wire issue": """
        authenticate createRole createUser dropAllRolesFromDatabase dropAllUsersFromDatabase dropRole dropUser
        grantPrivilegesToRole grantRolesToRole grantRolesToUser invalidateUserCache logout
        revokePrivilegesFromRole revokeRolesFromRole revokeRolesFromUser rolesInfo updateRole updateUser
        usersInfo getAuditConfig logApplicationMessage rotateCertificates setAuditConfig
    """,
    "it manages a server process, and there is none": """
        setIndexCommitQuorum setUserWriteBlockMode shutdown
    """,
    "there is one member, and no replication to manage": """
        appendOplogNote applyOps replSetAbortPrimaryCatchUp replSetFreeze replSetGetConfig replSetGetStatus
        replSetInitiate replSetMaintenance replSetReconfig replSetResizeOplog replSetStepDown replSetSyncFrom
    """,
    "there is no sharding: where one machine is not enough, change the URI and use a cluster": """
        abortMoveCollection abortReshardCollection abortUnshardCollection addShard addShardToZone
        analyzeShardKey balancerCollectionStatus balancerStart balancerStatus balancerStop
        checkMetadataConsistency checkShardingIndex cleanupOrphaned cleanupReshardCollection clearJumboFlag
        commitReshardCollection configureCollectionBalancing configureQueryAnalyzer enableSharding
        flushRouterConfig getShardMap getShardVersion isdbgrid listShards medianKey mergeAllChunksOnShard
        mergeChunks moveChunk moveCollection movePrimary moveRange refineCollectionShardKey removeShard
        removeShardFromZone reshardCollection setAllowMigrations setShardVersion shardCollection
        shardConnPoolStats shardingState split splitVector transitionFromDedicatedConfigServer
        transitionToDedicatedConfigServer unsetSharding unshardCollection updateZoneKeyRange
    """,
    "queryable encryption needs MongoDB's own library": """
        cleanupStructuredEncryptionData compactStructuredEncryptionData
    """,
    "there is no search index yet": "createSearchIndexes dropSearchIndex updateSearchIndex",
}

NOT_YET: Final[dict[str, str]] = {name: reason for reason, names in _NAMES.items() for name in names.split()}
"""Name -> the reason."""
