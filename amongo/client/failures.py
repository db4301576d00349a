"""The server's errors as PyMongo's exceptions."""

from __future__ import annotations

from typing import Any

import bson
from pymongo.errors import (
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
)

from amongo.errors import ErrorCode, ServerError
from amongo.runtime.blocking import is_blocking
from amongo.runtime.limits import WIRE_VERSION
from amongo.values.codec import encode

_CLASSES: dict[int, type[OperationFailure]] = {
    ErrorCode.DuplicateKey: DuplicateKeyError,
    ErrorCode.MaxTimeMSExpired: ExecutionTimeout,
    ErrorCode.CursorNotFound: CursorNotFound,
}
_NOT_PRIMARY = frozenset(
    {
        ErrorCode.NotWritablePrimary,
        ErrorCode.NotPrimaryNoSecondaryOk,
        ErrorCode.NotPrimaryOrSecondary,
        ErrorCode.PrimarySteppedDown,
        ErrorCode.InterruptedAtShutdown,
        ErrorCode.InterruptedDueToReplStateChange,
        ErrorCode.ShutdownInProgress,
    }
)


def to_pymongo(error: ServerError) -> PyMongoError:
    """The exception that PyMongo raises for a reply with this error: class, code, details, labels."""
    details: dict[str, Any] = bson.decode(encode(error.reply()))
    return from_reply(details)


def use_after_close() -> InvalidOperation:
    """The exception of an operation on a client that was closed, in PyMongo's words."""
    return InvalidOperation(f"Cannot use {'MongoClient' if is_blocking() else 'AsyncMongoClient'} after close")


def from_reply(details: dict[str, Any]) -> PyMongoError:
    """The exception that PyMongo raises for a reply document that is not ok."""
    code, message = details.get("code"), details.get("errmsg", "")
    if code in _NOT_PRIMARY:
        return NotPrimaryError(message, details)
    return _CLASSES.get(code or 0, OperationFailure)(message, code, details, WIRE_VERSION)
