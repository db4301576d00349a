"""One transaction for one request: begun before the handler runs, committed before its answer is sent.

`in_transaction` is what FastAPI's dependency and Starlette's context manager share. It ends a transaction in one of
four ways:

the handler returns      the transaction is committed, and only then the answer is sent: who has it can rely on it
the handler raises       it is aborted, after an HTTPException and after cancellation too
the handler ended it     with `session.abort_transaction()` or `commit_transaction()`: nothing more is done
it met another one       a failure with the label TransientTransactionError, in the handler or at the commit: it is
                         aborted, and answered with 503 and `Retry-After`. Nothing has been changed, so that the client
                         can send the request again as it is

The handler is not run again here: it may have done more than write to the database, and only its author knows.
`AsyncClientSession.with_transaction` repeats a function whose author has said so by passing it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException

from amongo.client import AsyncClientSession

RETRY_AFTER_SECONDS: Final = 1  # what a client is told to wait before it repeats a request that met another one
ABORT_SECONDS: Final = 5.0  # for telling a cluster; an embedded store needs no time
COMMIT_TRIES: Final = 3  # where a cluster has not said what became of the first

_TRANSIENT: Final = "TransientTransactionError"
_UNKNOWN: Final = "UnknownTransactionCommitResult"


@asynccontextmanager
async def in_transaction(session: AsyncClientSession, **options: Any) -> AsyncIterator[AsyncClientSession]:
    """Run the block in a transaction of `session`.

    options   of `start_transaction`: read_concern, write_concern, read_preference, max_commit_time_ms
    errors    what the block raises; HTTPException 503 for a failure with the label TransientTransactionError; what
              `commit_transaction` raises otherwise
    source    manual, "Transactions in Applications"; PyMongo, client_session
    """
    await session.start_transaction(**options)
    try:
        yield session
        if session.in_transaction:
            await _commit(session)
    except BaseException as error:
        if session.in_transaction:
            with anyio.move_on_after(ABORT_SECONDS, shield=True):
                await session.abort_transaction()
        if isinstance(error, PyMongoError) and error.has_error_label(_TRANSIENT):
            raise _try_again() from error
        raise


async def _commit(session: AsyncClientSession) -> None:
    """Commit; ask again where a cluster has not said what became of it, which does nothing twice."""
    for _ in range(COMMIT_TRIES - 1):
        try:
            return await session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label(_UNKNOWN):
                raise
    return await session.commit_transaction()


def _try_again() -> HTTPException:
    return HTTPException(
        503,
        "the request met another one that changes the same: nothing was done, send it again",
        {"retry-after": str(RETRY_AFTER_SECONDS)},
    )
