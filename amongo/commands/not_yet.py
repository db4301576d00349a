"""Commands of MongoDB 8 that are unknown here (COMMAND_NOT_FOUND), each with the reason."""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    "it is a command of MongoDB Enterprise, which the Community Server does not have either": """
        getAuditConfig logApplicationMessage setAuditConfig
    """,
    "the log holds changes of data, and no notes": "appendOplogNote",
    "there is one member, and nothing of it to set up anew": "replSetReconfig",
    "how much of the log is kept is said when the store is opened": "replSetResizeOplog",
    "it is a command of mongos or of shards. There is no sharding: where one machine is not enough, change the URI and "
    "use a cluster": """
        abortMoveCollection abortReshardCollection abortUnshardCollection addShard addShardToZone
        balancerCollectionStatus balancerStart balancerStatus balancerStop checkMetadataConsistency
        checkShardingIndex cleanupReshardCollection clearJumboFlag commitReshardCollection
        configureCollectionBalancing enableSharding flushRouterConfig getShardMap isdbgrid listShards medianKey
        mergeAllChunksOnShard mergeChunks moveChunk moveCollection movePrimary moveRange refineCollectionShardKey
        removeShard removeShardFromZone reshardCollection setAllowMigrations setShardVersion shardCollection
        shardConnPoolStats split splitVector transitionFromDedicatedConfigServer
        transitionToDedicatedConfigServer unsetSharding unshardCollection updateZoneKeyRange
    """,
    "it is asked before a collection is sharded, and there is no sharding": "analyzeShardKey configureQueryAnalyzer",
}

NOT_YET: Final[dict[str, str]] = {name: reason for reason, names in _NAMES.items() for name in names.split()}
"""Name -> the reason."""
