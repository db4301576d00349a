"""BSON that cannot be read, as the server's error for it."""

from __future__ import annotations

from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.values.exact import NestedTooDeep


def unreadable(error: Exception) -> ServerError:
    """The server's error for what a decoder, or a walk over what it gave, raised.

    error    InvalidBSON of `bson.errors`; RecursionError, for nesting that no walk survives
    result   BSON_TOO_DEEP or INVALID_BSON
    """
    if isinstance(error, NestedTooDeep | RecursionError):
        return errors.BSON_TOO_DEEP()
    return errors.INVALID_BSON(reason=error)
