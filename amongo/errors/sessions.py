"""Errors of sessions, retryable writes, and reads at one moment."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Retryable writes
RETRY_TOO_OLD = condition(
    ErrorCode.TransactionTooOld,
    "Retryable write with txnNumber {number} is prohibited on session {session} because a newer retryable write with "
    "txnNumber {last} has already started on this session.",
)
NOT_RETRYABLE = condition(
    ErrorCode.NotARetryableWriteCommand,
    "txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was "
    "not provided, and {command} is not a retryable write command.",
)
NOT_RETRYABLE_MULTI = condition(ErrorCode.InvalidOptions, "Cannot use (or request) retryable writes with {option}")
NUMBER_OF_TRANSACTION = condition(
    ErrorCode.InvalidOptions, "Must specify autocommit=false on all operations of a multi-statement transaction."
)
STATEMENT_COUNT = condition(
    ErrorCode.InvalidLength,
    "Number of statement ids must match the number of batch entries. Got {actual} statement ids but {expected} "
    "operations.",
)
STATEMENT_TWICE = condition(ErrorCode.InvalidOptions, "Statement ids must be different: {numbers}")
STATEMENT_FORMS = condition(
    ErrorCode.InvalidOptions,
    "May not specify both stmtId and stmtIds in write command. Got stmtId: {one}, stmtIds: {all}",
)
OTHER_WRITE = condition(
    40606, "findAndModify retry request is not compatible with previous write in the transaction of type: {operation}"
)
OTHER_IMAGE = condition(
    40611, "findAndModify retry request wants the document {wanted} update returned, but only the other one is stored"
)
IMAGE_GONE = condition(
    ErrorCode.IncompleteTransactionHistory,
    "the document that the findAndModify gave back is no longer stored, so that it cannot be retried",
)

# Reads at one moment
CLUSTER_TIME_AHEAD = condition(
    ErrorCode.InvalidOptions,
    "readConcern {name} value must not be greater than the current clusterTime. Requested clusterTime: {requested}; "
    "current clusterTime: {current}",
)
CLUSTER_TIME_FAR_AHEAD = condition(
    ErrorCode.ClusterTimeFailsRateLimiter,
    "New cluster time, {requested}, is too far from this node's wall clock time, {current_s}.",
)
SNAPSHOT_TOO_OLD = condition(
    ErrorCode.SnapshotTooOld,
    "Read timestamp {requested} is older than the oldest available timestamp.",
)
SNAPSHOT_UNAVAILABLE = condition(
    ErrorCode.SnapshotUnavailable,
    "Unable to read from a snapshot at {requested}: {reason}",
)
