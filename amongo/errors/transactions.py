"""Errors of transactions: how they are asked for, what they do not allow, how they end.

Source: manual, Transactions; Transactions and Operations; Error Codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import ServerError, condition

TRANSIENT: Final = "TransientTransactionError"
"""The label of a failure after which the whole transaction may be run again, with a chance of success."""

# How a command says that it belongs to a transaction
NUMBER_WITHOUT_SESSION = condition(
    ErrorCode.InvalidOptions, "Transaction number requires a session ID to also be specified"
)
NUMBER_NEGATIVE = condition(ErrorCode.InvalidOptions, "Transaction number cannot be negative")
FIELD_WITHOUT_NUMBER = condition(
    ErrorCode.InvalidOptions, "'{field}' field requires a transaction number to also be specified"
)
START_WITHOUT_AUTOCOMMIT = condition(
    ErrorCode.InvalidOptions, "'startTransaction' field requires 'autocommit' field to also be specified"
)
AUTOCOMMIT_TRUE = condition(ErrorCode.InvalidOptions, "Specifying autocommit=true is not allowed.")
START_FALSE = condition(ErrorCode.InvalidOptions, "Specifying startTransaction=false is not allowed.")
WRITE_CONCERN_INSIDE = condition(
    ErrorCode.InvalidOptions, "writeConcern is not allowed within a multi-statement transaction"
)
READ_CONCERN_LATER = condition(
    ErrorCode.InvalidOptions, "Only the first command in a transaction may specify a readConcern"
)
READ_CONCERN_LEVEL = condition(
    ErrorCode.InvalidOptions,
    "The readConcern level must be either 'local' (default), 'majority' or 'snapshot' in order to run in a transaction",
)

# What does not run in a transaction
COUNT_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot run 'count' in a multi-document transaction. Please see "
    "http://dochub.mongodb.org/core/transaction-count for a recommended alternative.",
)
NOT_FIRST = condition(
    ErrorCode.OperationNotSupportedInTransaction, "Cannot run '{command}' as the first operation of a transaction."
)
DATABASE_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot run command against the '{database}' database in a transaction.",
)
PROFILE_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot run command against the '{namespace}' collection in a transaction.",
)
SYSTEM_WRITE_INSIDE = condition(50791, "Cannot write to system collection {namespace} within a transaction.")
SYSTEM_VIEWS_INSIDE = condition(51071, "Cannot access system.views collection within a transaction.")
STAGE_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Operation not permitted in transaction :: caused by :: Aggregation stage {stage} cannot run within a "
    "multi-document transaction",
)
CAPPED_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Collection '{namespace}' is a capped collection. Writes in transactions are not allowed on capped collections.",
)
SERIES_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot {verb} a time-series collection in a multi-document transaction: {namespace}",
)
CREATE_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction, "Cannot create a {kind} in a multi-document transaction."
)
INDEX_ON_DOCUMENTS = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot create new indexes on non-empty collection {namespace} in a multi-document transaction.",
)
INDEX_ON_EXISTING = condition(
    ErrorCode.OperationNotSupportedInTransaction,
    "Cannot create new indexes on existing collection {namespace} in a multi-document transaction.",
)
TAILABLE_INSIDE = condition(ErrorCode.InvalidOptions, "It is illegal to open a tailable cursor in a transaction")
READ_ONCE_INSIDE = condition(
    ErrorCode.OperationNotSupportedInTransaction, "The 'readOnce' option is not supported within a transaction."
)

# Numbers and states
ENDS_NOTHING = condition(ErrorCode.CommandFailed, "{command} must be run within a transaction")
NUMBER_TOO_OLD = condition(
    ErrorCode.TransactionTooOld,
    "Cannot start transaction {number} on session {session} because a newer transaction {active} has already started.",
)
NUMBER_IN_USE = condition(
    ErrorCode.ConflictingOperationInProgress,
    "Only servers in a sharded cluster can start a new transaction at the active transaction number",
)
NO_SUCH = condition(
    ErrorCode.NoSuchTransaction,
    "Given transaction number {number} does not match any in-progress transactions. The active transaction number is "
    "{active}",
)
ABORTED = condition(ErrorCode.NoSuchTransaction, "Transaction {number} has been aborted.")
COMMITTED = condition(ErrorCode.TransactionCommitted, "Transaction {number} has been committed.")
TOO_LONG = condition(
    ErrorCode.TransactionExceededLifetimeLimitSeconds,
    "operation was interrupted because the transaction exceeded the configured 'transactionLifetimeLimitSeconds'",
)

# Cursors and the transactions they were made in
CURSOR_OF_NO_TRANSACTION = condition(
    50739, "Cannot run getMore on cursor {cursor_id}, which was not created in a transaction, in transaction {number}"
)
CURSOR_OF_TRANSACTION = condition(
    50740, "Cannot run getMore on cursor {cursor_id}, which was created in transaction {own}, without a txnNumber"
)
CURSOR_OF_OTHER_TRANSACTION = condition(
    50741, "Cannot run getMore on cursor {cursor_id}, which was created in transaction {own}, in transaction {number}"
)

# Those after which the transaction may be run again (source: the drivers' transactions specification; Error Codes).
_TRANSIENT_ALWAYS: Final = frozenset(
    {
        ErrorCode.WriteConflict,
        ErrorCode.LockTimeout,
        ErrorCode.PreparedTransactionInProgress,
        ErrorCode.NoSuchTransaction,
        ErrorCode.SnapshotTooOld,
        ErrorCode.SnapshotUnavailable,
    }
)
_TRANSIENT_BEFORE_COMMIT: Final = frozenset(
    {
        ErrorCode.ShutdownInProgress,
        ErrorCode.InterruptedAtShutdown,
        ErrorCode.InterruptedDueToReplStateChange,
        ErrorCode.ExceededTimeLimit,
    }
)


def is_transient(code: int, *, is_commit: bool = False) -> bool:
    """Whether a failure of this code is worth running its whole transaction again.

    is_commit   whether it is the commit that failed, or the abort
    """
    return code in _TRANSIENT_ALWAYS or (not is_commit and code in _TRANSIENT_BEFORE_COMMIT)


def labelled(error: ServerError, *, is_commit: bool = False) -> ServerError:
    """The error, with the label that tells drivers to run the transaction again where that is worth it."""
    if TRANSIENT not in error.labels and is_transient(error.code, is_commit=is_commit):
        error.labels = (*error.labels, TRANSIENT)
    return error


def raise_transient(failure: Mapping[str, Any]) -> None:
    """Raise what a statement of a batch reports, if its whole transaction may be run again: then the command fails.

    failure   {code, errmsg, …} as it stands in `writeErrors`
    """
    if is_transient(failure["code"]):
        raise labelled(ServerError(failure["code"], failure["errmsg"]))
