"""Change streams: what is changed in a collection, a database or the whole store, as it is changed.

A stream is a cursor that waits for events, and opens anew behind the last one when it is lost: a server cursor that
nobody asks for in ten minutes is closed. A waiting stream holds nothing and polls nothing; a commit wakes it.
Source: PyMongo, change_stream; manual, Change Streams.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

import bson
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo import _csot
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_list, validate_non_negative_integer_or_none, validate_string_or_none
from pymongo.errors import ConnectionFailure, CursorNotFound, InvalidOperation, OperationFailure, PyMongoError
from pymongo.typings import _CollationIn, _DocumentType, _Pipeline

from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.sending import limit_time, send
from amongo.client.session import AsyncClientSession
from amongo.runtime.limits import AWAIT_DATA_MS, STREAM_WAIT_MS

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient
    from amongo.client.collection import AsyncCollection
    from amongo.client.database import AsyncDatabase

_RESUMABLE = "ResumableChangeStreamError"


class AsyncChangeStream(Generic[_DocumentType]):
    """The changes of a collection, a database, or a whole store."""

    _is_of_cluster = False

    def __init__(
        self,
        target: AsyncDatabase[_DocumentType] | AsyncCollection[_DocumentType],
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: AsyncClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None:
        if pipeline is None:
            pipeline = []
        validate_list("pipeline", pipeline)
        validate_string_or_none("full_document", full_document)
        self._collation = validate_collation_or_none(collation)
        validate_non_negative_integer_or_none("batchSize", batch_size)
        self._codec_options = target.codec_options
        self._decodes_itself = bool(self._codec_options.type_registry._decoder_map)
        if self._decodes_itself:  # the token stays as it is, whatever decoders there are
            raw_options = self._codec_options.with_options(document_class=RawBSONDocument)
            target = target.with_options(codec_options=raw_options)
        self._target = target
        self._pipeline = copy.deepcopy(pipeline)
        self._full_document = full_document
        self._full_document_before_change = full_document_before_change
        self._uses_start_after = start_after is not None
        self._resume_token = copy.deepcopy(start_after or resume_after)
        self._max_await_time_ms = max_await_time_ms
        self._batch_size = batch_size
        self._start_at_operation_time = start_at_operation_time
        self._session = session
        self._comment = comment
        self._show_expanded_events = show_expanded_events
        self._is_closed = False
        self._cursor: AsyncCommandCursor[Any]

    # Opening, and opening again

    async def _open(self) -> None:
        """Open the server cursor, at the place that has been reached.

        errors   OperationFailure, InvalidOperation after close
        """
        database, subject, collection = self._place()
        options: dict[str, Any] = {} if self._batch_size is None else {"batchSize": self._batch_size}
        command = {"aggregate": subject, "pipeline": self._full_pipeline(), "cursor": options}
        if self._comment is not None:
            command["comment"] = self._comment
        reply = await send(
            self._client,
            database.name,
            command,
            self._target.codec_options,
            session=self._session,
            read_concern=self._target.read_concern,
            collation=self._collation,
        )
        cursor = reply["cursor"]
        if not cursor["firstBatch"]:
            self._note_token(cursor.get("postBatchResumeToken"))
        self._cursor = AsyncCommandCursor(
            collection,
            cursor,
            self._client._address_pair,
            batch_size=self._batch_size or 0,
            max_await_time_ms=self._max_await_time_ms,
            session=self._session,
            comment=self._comment,
        )
        self._cursor._is_patient = True

    def _place(self) -> tuple[AsyncDatabase[Any], str | int, AsyncCollection[Any]]:
        """(database, what the aggregate names there, the collection that its cursor belongs to)."""
        raise NotImplementedError

    @property
    def _client(self) -> AsyncMongoClient[Any]:
        return self._place()[0].client

    def _full_pipeline(self) -> list[Mapping[str, Any]]:
        """The pipeline as it is sent, $changeStream and all."""
        options: dict[str, Any] = {}
        if self._full_document is not None:
            options["fullDocument"] = self._full_document
        if self._full_document_before_change is not None:
            options["fullDocumentBeforeChange"] = self._full_document_before_change
        if self._resume_token is not None:
            options["startAfter" if self._uses_start_after else "resumeAfter"] = self._resume_token
        elif self._start_at_operation_time is not None:
            options["startAtOperationTime"] = self._start_at_operation_time
        if self._show_expanded_events:
            options["showExpandedEvents"] = self._show_expanded_events
        if self._is_of_cluster:
            options["allChangesForCluster"] = True
        return [{"$changeStream": options}, *self._pipeline]

    async def _resume(self) -> None:
        """Open anew behind the last event."""
        try:
            await self._cursor.close()
        except PyMongoError:
            pass
        await self._open()

    def _note_token(self, token: Mapping[str, Any] | None) -> None:
        """This is how far it has come."""
        if token is not None:
            self._resume_token = token
            self._start_at_operation_time = None

    # What it is

    @property
    def alive(self) -> bool:
        """Whether there may be more changes."""
        return not self._is_closed

    @property
    def resume_token(self) -> Mapping[str, Any] | None:
        """Where to go on after the last change that was given."""
        return copy.deepcopy(self._resume_token)

    # Giving

    async def next(self) -> _DocumentType:
        """The next change, as soon as there is one.

        errors   StopAsyncIteration when the stream was closed, or has ended with an invalidate; those of `try_next`
        """
        while not self._is_closed:
            ready = self._cursor._buffer.ready
            if len(ready) > 1 and not self._decodes_itself and "_id" in ready[0]:  # not the last one that was fetched
                found: Any = ready.popleft()
                self._uses_start_after = False
                self._note_token(found["_id"])
                return found  # type: ignore[no-any-return]
            change = await self._advance(STREAM_WAIT_MS)
            if change is not None:
                return change
        raise StopAsyncIteration

    async def try_next(self) -> _DocumentType | None:
        """The next change, or None if one request brings none: it waits `max_await_time_ms` milliseconds at most.

        errors   OperationFailure, InvalidOperation after the client was closed, or for a pipeline that takes `_id` away
        """
        return await self._advance(None)

    async def _advance(self, wait_ms: int | None) -> _DocumentType | None:
        """The next change, or None if one request brings none.

        wait_ms   how long that waits, unless the stream was opened with a limit; None for the server's default
        errors    as `try_next`
        """
        if not self._is_closed and not self._cursor.alive:
            await self._resume()
        try:
            change = await self._fetch(wait_ms)
        except PyMongoError as error:
            if not _is_resumable(error) and not error.timeout:
                await self.close()
            raise
        except BaseException:  # cancelled: nobody can say any more what has been given
            self._abandon()
            raise
        cursor = self._cursor
        if not cursor.alive:
            self._is_closed = True
        if change is None:
            self._note_token(cursor._resume_token)
            return None
        try:
            token = change["_id"]
        except KeyError:
            await self.close()
            raise InvalidOperation("Cannot provide resume functionality when the resume token is missing.") from None
        if not len(cursor._buffer) and cursor._resume_token:
            token = cursor._resume_token
        self._uses_start_after = False
        self._note_token(token)
        given: _DocumentType = bson.decode(change.raw, self._codec_options) if self._decodes_itself else change
        return given

    async def _fetch(self, wait_ms: int | None) -> Any:
        """The next change of the cursor, or None; the cursor is opened anew once if it is lost."""
        ready = self._cursor._buffer.ready
        if ready:
            return ready.popleft()
        if self._max_await_time_ms is None:
            self._cursor._max_await_time_ms = wait_ms
        if _csot.get_timeout() is not None:
            self._limit_wait()
        try:
            return await self._cursor.try_next()
        except PyMongoError as error:
            if not _is_resumable(error):
                raise
            await self._resume()
            buffer = self._cursor._buffer
            return buffer.take() if len(buffer) else None

    def _limit_wait(self) -> None:
        """Wait no longer than `pymongo.timeout` leaves.

        errors   ExecutionTimeout when nothing is left
        """
        limit: dict[str, Any] = {}
        limit_time(limit, self._client)
        self._cursor._max_await_time_ms = min(limit["maxTimeMS"], self._max_await_time_ms or AWAIT_DATA_MS)

    __anext__ = next

    def __aiter__(self) -> Self:
        return self

    # Ending

    async def close(self) -> None:
        """End it; safe to call twice."""
        self._is_closed = True
        await self._cursor.close()

    def _abandon(self) -> None:
        """End it without waiting for anything."""
        self._is_closed = True
        self._cursor._abandon()
        instance = self._client._runner.instance
        if self._cursor._id and instance is not None:
            instance.cursors.kill([self._cursor._id])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()


class AsyncCollectionChangeStream(AsyncChangeStream[_DocumentType]):
    """The changes of one collection."""

    _target: AsyncCollection[_DocumentType]

    def _place(self) -> tuple[AsyncDatabase[Any], str | int, AsyncCollection[Any]]:
        return self._target.database, self._target.name, self._target


class AsyncDatabaseChangeStream(AsyncChangeStream[_DocumentType]):
    """The changes of one database."""

    _target: AsyncDatabase[_DocumentType]

    def _place(self) -> tuple[AsyncDatabase[Any], str | int, AsyncCollection[Any]]:
        return self._target, 1, self._target["$cmd.aggregate"]


class AsyncClusterChangeStream(AsyncDatabaseChangeStream[_DocumentType]):
    """The changes of a whole store."""

    _is_of_cluster = True


def _is_resumable(error: PyMongoError) -> bool:
    """Whether a stream goes on after this error. Source: PyMongo, change_stream."""
    if isinstance(error, ConnectionFailure | CursorNotFound):
        return True
    return isinstance(error, OperationFailure) and error.has_error_label(_RESUMABLE)
