"""Errors of live queries, and of reads in the past."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NOT_OF_OPLOG = condition(
    ErrorCode.InvalidNamespace, "the oplog itself has neither live queries nor a past: read it, or watch the store"
)

# Live queries
LIVE_SEARCH = condition(
    ErrorCode.InvalidOptions, "a live query cannot have {operator}: only an index can answer it, and not from the log"
)
LIVE_TOO_LARGE = condition(
    ErrorCode.ExceededMemoryLimit,
    "a live query keeps all documents that match its filter, at most {documents} of them and {mebibytes} MiB: "
    "narrow the filter, or show less of each document by a projection",
)

# Reads in the past
AS_OF_FUTURE = condition(
    ErrorCode.InvalidOptions, "'as_of' is a time that is not over: what is committed in it cannot be known yet"
)
AS_OF_TAILABLE = condition(ErrorCode.InvalidOptions, "a find in the past ('as_of') cannot be tailable")
SNAPSHOT_TOO_OLD = condition(
    ErrorCode.SnapshotTooOld, "the log does not reach back to that time: the older commits have been removed from it"
)
FORMER_DOCUMENT_LOST = condition(
    ErrorCode.SnapshotTooOld,
    "documents of '{namespace}' were changed since that time, and what they were before is no longer in the log. A "
    "collection with the option changeStreamPreAndPostImages keeps that with each change",
)
COLLECTION_LOST = condition(
    ErrorCode.SnapshotTooOld,
    "'{namespace}' was dropped since that time, and cannot be made anew: its creation is no longer in the log",
)
HISTORY_TOO_LARGE = condition(
    ErrorCode.ExceededMemoryLimit, "the versions of this document in the log have more than {mebibytes} MiB"
)
