"""Errors of the commands that administer a node (source: manual, their pages; Error Codes)."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# applyOps
HAS_PRECONDITION = condition(6711600, "applyOps no longer supports the 'preCondition' option")
ALWAYS_UPSERTS = condition(6711601, "applyOps no longer supports the 'alwaysUpsert' option")
IS_PREPARED = condition(ErrorCode.BadValue, "applyOps command can't have 'prepare' field")
IS_PART_OF_TRANSACTION = condition(31056, "applyOps command can't have 'partialTxn' field.")
HAS_COUNT = condition(31240, "applyOps command can't have 'count' field.")
NESTED_TOO_OFTEN = condition(ErrorCode.FailedToParse, "Too many nested applyOps")
NOT_AN_ENTRY = condition(ErrorCode.FailedToParse, "{reason}")
UNKNOWN_KIND = condition(ErrorCode.BadValue, "Enumeration value '{kind}' for field 'op' is not a valid value.")
UNKNOWN_ENTRY = condition(ErrorCode.BadValue, "Unknown oplog entry command type: {name} Object field: {fields}")
NOTHING_TO_APPLY_TO = condition(
    ErrorCode.NamespaceNotFound, "cannot apply insert or update operation on a non-existent namespace {namespace}"
)
NO_SUCH_UUID = condition(ErrorCode.NamespaceNotFound, "No namespace with UUID {identity}")
ENTRY_WITHOUT_ID = condition(ErrorCode.NoSuchKey, "Failed to apply {what} due to missing _id: {entry}")
NEITHER_ID_NOR_VERSION = condition(4772600, "Expected _id field or $v:2, but got: {value}")
DIFF_NOT_OBJECT = condition(4772601, "Expected 'diff' field to be an object, instead got type: {kind}")
DIFF_SECTION = condition(4770503, "Unexpected field in a document difference: {name}")
SOME_FAILED = condition(ErrorCode.UnknownError, "applyOps had one or more errors applying ops")

# filemd5
CHUNK_MISSING = condition(10040, "chunks out of order")
CHUNK_NOT_BINARY = condition(50848, "The element that calls binDataClean() must be type of BinData")

# Encrypted collections
NOT_ENCRYPTED_TO_COMPACT = condition(6346807, "Target namespace is not an encrypted collection")
NOT_ENCRYPTED_TO_CLEAN = condition(7618803, "Target namespace is not an encrypted collection")

# Writes that are held up or refused
WRITES_BLOCKED = condition(ErrorCode.UserWritesBlocked, "User writes blocked")
BLOCKED_FOR_OTHER_REASON = condition(
    ErrorCode.IllegalOperation,
    "Cannot {what} user write block mode with reason {reason} while it is enabled with reason {present}",
)
FSYNC_LOCK_TIMED_OUT = condition(ErrorCode.LockTimeout, "Fsync lock timed out")
NOT_LOCKED = condition(ErrorCode.IllegalOperation, "fsyncUnlock called when not locked")

# Index builds
NO_SUCH_BUILD = condition(
    ErrorCode.IndexNotFound,
    "Cannot find an index build on collection '{namespace}' with the provided index names",
)

# Parameters
NO_SCANS = condition(
    ErrorCode.NoQueryExecutionPlans,
    "error processing query: ns={namespace} planner returned error :: caused by :: No indexed plans available, and "
    "running with 'notablescan'",
)

# The profiler
DROPS_WHILE_PROFILING = condition(
    ErrorCode.IllegalOperation, "turn off profiling before dropping system.profile collection"
)

# The replica set
ALREADY_INITIALIZED = condition(ErrorCode.AlreadyInitialized, "already initialized")
NO_MEMBER_CAN_TAKE_OVER = condition(
    ErrorCode.ExceededTimeLimit,
    "No electable secondaries caught up as of {now}. Please use the replSetStepDown "
    "command with the argument {{force: true}} to force node to step down.",
)
PERIOD_TOO_SHORT = condition(ErrorCode.BadValue, "stepdown period must be longer than secondaryCatchUpPeriodSecs")
NOT_A_SECONDARY = condition(ErrorCode.NotSecondary, "{message}")
NOT_CATCHING_UP = condition(ErrorCode.IllegalOperation, "The node is not in catch-up mode.")
ONLY_MEMBER = condition(ErrorCode.CommandNotSupported, "{name} is not in amongo: {reason}")
CLUSTER_TIME_TOO_OLD = condition(
    ErrorCode.StaleClusterTime,
    "Requested maxClusterTime {asked} is less or equal to the last primary OpTime: {last}",
)

# What needs a replica set, on a standalone server
NO_REPLICATION = condition(ErrorCode.NoReplicationEnabled, "not running with --replSet")
NUMBERS_NEED_SET = condition(
    ErrorCode.IllegalOperation, "Transaction numbers are only allowed on a replica set member or mongos"
)
CONCERN_NEEDS_SET = condition(ErrorCode.NotAReplicaSet, "node needs to be a replica set member to use {concern}")
STREAMS_NEED_SET = condition(40573, "The $changeStream stage is only supported on replica sets")

# The server
CERTIFICATES_UNREADABLE = condition(ErrorCode.InvalidSSLConfiguration, "{reason}")
ONLY_OVER_A_SOCKET = condition(
    ErrorCode.CommandNotSupported,
    "shutdown ends a server, and there is none: the store belongs to the process that has opened it, which closes it",
)
ONLY_FROM_LOCALHOST = condition(ErrorCode.Unauthorized, "shutdown must run from localhost when running db without auth")
NOT_A_SHARD = condition(
    ErrorCode.ShardingStateNotInitialized,
    "Cannot accept sharding commands if sharding state has not been initialized with a shardIdentity document",
)
