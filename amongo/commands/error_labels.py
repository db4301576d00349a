"""The labels by which a driver learns that it may ask again: what the server says of a failure that is not of its own
making, but of its going down, changing its role, or being slow.

RetryableWriteError         the write may be sent once more, with the same number
TransientTransactionError   the whole transaction may be run again
ResumableChangeStreamError  the change stream may be opened again where it stood

Source: the drivers' specifications of retryable writes, transactions and change streams; manual, Error Codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson.errors import InvalidBSON

from amongo.commands.concerns import RETRYABLE_COMMANDS, TRANSACTION_ENDS
from amongo.errors import ServerError
from amongo.errors.codes import ErrorCode
from amongo.errors.transactions import TRANSIENT, is_transient
from amongo.values.codec import decode_foreign

RETRYABLE_WRITE: Final = "RetryableWriteError"
RESUMABLE: Final = "ResumableChangeStreamError"

_RETRYABLE: Final = frozenset(
    {
        ErrorCode.HostUnreachable,
        ErrorCode.HostNotFound,
        ErrorCode.NetworkTimeout,
        ErrorCode.ShutdownInProgress,
        ErrorCode.PrimarySteppedDown,
        ErrorCode.ExceededTimeLimit,
        ErrorCode.SocketException,
        ErrorCode.NotWritablePrimary,
        ErrorCode.InterruptedAtShutdown,
        ErrorCode.InterruptedDueToReplStateChange,
        ErrorCode.NotPrimaryNoSecondaryOk,
        ErrorCode.NotPrimaryOrSecondary,
    }
)
_RESUMABLE: Final = _RETRYABLE | {
    ErrorCode.StaleShardVersion,
    ErrorCode.StaleEpoch,
    ErrorCode.FailedToSatisfyReadPreference,
    ErrorCode.RetryChangeStream,
    ErrorCode.StaleConfig,
}


def labels(command: str, document: Mapping[str, Any], code: int) -> tuple[str, ...]:
    """The labels of a failure, or of a write concern that was not satisfied.

    command    its own name, not an alias
    document   what was asked
    """
    if document.get("txnNumber") is None:
        return ()
    is_end = command in TRANSACTION_ENDS
    is_passing = is_transient(code, is_commit=is_end) or (code in _RETRYABLE and not is_end)
    if is_passing and document.get("autocommit") is False:
        return (TRANSIENT,)
    return (RETRYABLE_WRITE,) if code in _RETRYABLE and (is_end or command in RETRYABLE_COMMANDS) else ()


def labelled(error: ServerError, command: bytes) -> ServerError:
    """The error of a command, as bytes, with the labels that it gets here; those it has already stay."""
    if error.code in _RETRYABLE and not error.labels:
        try:
            document = decode_foreign(command)
        except (InvalidBSON, RecursionError):
            return error
        error.labels = labels(next(iter(document), ""), document, error.code)
    return error


def stream_labels(code: int) -> tuple[str, ...]:
    """The labels of a failure of a change stream's cursor."""
    return (RESUMABLE,) if code in _RESUMABLE else ()
