"""Errors of processes that share a store."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

OWNER_FAILED = condition(ErrorCode.InternalError, "the process that owns the store failed: {reason}")
FORK_GONE = condition(
    ErrorCode.HostUnreachable, "the fork is gone: it was in the memory of the process that owned the store"
)
TOO_MANY_FORKS = condition(
    ErrorCode.ExceededMemoryLimit, "this process has {count} forks open in the process that owns the store"
)
