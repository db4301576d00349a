"""Errors of reading the log in order: change streams and whatever else follows what was committed."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

HISTORY_LOST = condition(
    ErrorCode.ChangeStreamHistoryLost,
    "Resume of change stream was not possible, as the resume point may no longer be in the oplog.",
    "NonResumableChangeStreamError",
)
