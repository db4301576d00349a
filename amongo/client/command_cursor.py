"""The cursor of a command: its first batch came with the command's reply. Source: PyMongo, command_cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

from pymongo.errors import InvalidOperation
from pymongo.typings import _Address, _DocumentType

from amongo.client.cursor_base import CursorBase
from amongo.client.documents import DocumentBuffer, RawBatchBuffer, raw_batch
from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection


class AsyncCommandCursor(CursorBase[_DocumentType]):
    """The documents of a command's cursor."""

    _buffer_class: type[DocumentBuffer] = DocumentBuffer

    def __init__(
        self,
        collection: AsyncCollection[_DocumentType],
        cursor_info: Mapping[str, Any],
        address: _Address | None,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: AsyncClientSession | None = None,
        comment: Any = None,
    ) -> None:
        self._collection = collection
        self._address = address
        self._session = session
        self._comment = comment
        self.batch_size(batch_size)
        if not isinstance(max_await_time_ms, int) and max_await_time_ms is not None:
            raise TypeError(f"max_await_time_ms must be an integer or None, not {type(max_await_time_ms)}")
        self._max_await_time_ms = max_await_time_ms
        self._namespace = cursor_info.get("ns") or collection.full_name
        self._resume_token: Mapping[str, Any] | None = cursor_info.get("postBatchResumeToken")
        self._buffer = self._buffer_class(collection.codec_options)
        self._killed = False
        self._receive(int(cursor_info["id"]), raw_batch(cursor_info["firstBatch"]))

    def batch_size(self, batch_size: int) -> Self:
        """Fetch at most `batch_size` documents at a time (1 counts as 2); 0 for the server's choice.

        errors   TypeError, ValueError
        """
        if not isinstance(batch_size, int):
            raise TypeError(f"batch_size must be an integer, not {type(batch_size)}")
        if batch_size < 0:
            raise ValueError("batch_size must be >= 0")
        self._batch_size = 2 if batch_size == 1 else batch_size
        return self

    async def next(self) -> _DocumentType:
        """The next document, however many empty batches come before it.

        errors   StopAsyncIteration after the last
        """
        while self.alive:
            document = await self.try_next()
            if document is not None:
                return document
        raise StopAsyncIteration

    async def try_next(self) -> _DocumentType | None:
        """The next document, or None if one request brought none."""
        try:
            return await super().next()
        except StopAsyncIteration:
            return None

    def _next_batch_size(self) -> int:
        return self._batch_size

    def __aiter__(self) -> Self:
        return self


class AsyncRawBatchCommandCursor(AsyncCommandCursor[_DocumentType]):
    """The cursor of `aggregate_raw_batches`: each item is a batch, as the BSON bytes of its documents."""

    _buffer_class = RawBatchBuffer

    def __getitem__(self, index: int) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCommandCursor")
