"""The cursor over the versions of a document; made by `AsyncCollection.history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pymongo.errors import InvalidOperation
from pymongo.typings import _DocumentType

from amongo.client.cursor_base import CursorBase
from amongo.client.documents import DocumentBuffer, canonical
from amongo.client.session import transaction_in
from amongo.commands.time_travel import HistoryRequest

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection


class AsyncHistoryCursor(CursorBase[_DocumentType]):
    """The versions of a document, the oldest first: `async for` over it, or `await` its `to_list`."""

    def __init__(self, collection: AsyncCollection[_DocumentType], _id: Any) -> None:
        self._collection = collection
        self._session = None
        self._namespace = collection.full_name
        self._asked_id = canonical({"v": {"_id": _id}}, collection.codec_options)["v"]["_id"]
        self._buffer = DocumentBuffer(collection.codec_options)
        self._killed = False

    async def _first_batch(self) -> None:
        if transaction_in(self._client, None) is not None:
            raise InvalidOperation("the history of a document cannot be read in a transaction")
        reply = await self._client._runner.execute(HistoryRequest(self._namespace, self._asked_id))
        self._receive(reply.cursor_id, reply.batch)

    def _next_batch_size(self) -> int:
        return 0

    def __aiter__(self) -> Self:
        return self
