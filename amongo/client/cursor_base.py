"""What the two kinds of cursors share: fetching batch after batch, and giving the server cursor back.

A cursor holds one batch of raw bytes and one decoded slice of it. Between slices the event loop gets its turn. A server
cursor that its owner closes is killed at once; one that is forgotten is noted on its client, which kills it with the
next command (the garbage collector may run anywhere, so nothing is called from there).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from bson.int64 import Int64
from pymongo.errors import OperationFailure
from pymongo.typings import _Address, _DocumentType

from amongo.client.documents import DocumentBuffer, raw_batch
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession, transaction_in
from amongo.commands.get_more import GetMoreRequest

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient
    from amongo.client.collection import AsyncCollection

# The server has closed the cursor already (source: PyMongo, cursor).
CURSOR_CLOSED_CODES = frozenset({43, 96, 136, 175, 237, 17406, 28617})


class CursorBase(Generic[_DocumentType]):
    """The fetching half of a cursor."""

    _collection: AsyncCollection[_DocumentType]
    _buffer: DocumentBuffer
    _session: AsyncClientSession | None
    _id: int | None = None
    _killed = True  # nothing to kill until the arguments are found good
    _retrieved = 0
    _empty = False
    _address: _Address | None = None
    _namespace: str
    _comment: Any = None
    _max_await_time_ms: int | None = None
    _resume_token: Mapping[str, Any] | None = None
    _is_patient = False  # whether it lets other operations go first: it follows what they do

    # What it is

    @property
    def alive(self) -> bool:
        """Whether there may be more documents."""
        return bool(len(self._buffer)) or not self._killed

    @property
    def cursor_id(self) -> int | None:
        """The server cursor's id; 0 when it is used up, None before the first request."""
        return self._id

    @property
    def address(self) -> _Address | None:
        """The address that served it; None before the first request."""
        return self._address

    @property
    def session(self) -> AsyncClientSession | None:
        """The session it was given."""
        return self._session if self._session is not None and not self._session._implicit else None

    @property
    def _client(self) -> AsyncMongoClient[Any]:
        return self._collection.database.client

    # Fetching

    async def _first_batch(self) -> None:
        """Send the query; a command cursor has its first batch from the start."""

    def _next_batch_size(self) -> int:
        """The batch size of the next getMore; 0 for the server's choice."""
        raise NotImplementedError

    async def _refresh(self) -> int:
        """Fetch the next batch if the last is used up; how many documents are there."""
        if not len(self._buffer) and not self._killed:
            try:
                if self._id is None:
                    await self._first_batch()
                else:
                    await self._get_more()
            except OperationFailure as failure:
                if failure.code in CURSOR_CLOSED_CODES:
                    self._killed = True
                self._abandon()
                if not (self._killed and self._is_tailable() and failure.code in CURSOR_CLOSED_CODES):
                    raise
            except BaseException:
                self._abandon()
                raise
        return len(self._buffer)

    def _is_tailable(self) -> bool:
        return False

    async def _get_more(self) -> None:
        batch_size = self._next_batch_size()
        client = self._client
        assert self._id
        inside = transaction_in(client, self._session)
        if self._comment is None and (self._session is None or inside is not None) and client._events is None:
            request = GetMoreRequest(self._namespace, self._id, batch_size or None, self._max_await_time_ms)
            reply = await client._runner.execute(request, session=inside)
            self._resume_token = reply.resume
            self._receive(reply.cursor_id, reply.batch)
            return
        database, _, collection = self._namespace.partition(".")
        command: dict[str, Any] = {"getMore": Int64(self._id), "collection": collection}
        if batch_size:
            command["batchSize"] = batch_size
        if self._max_await_time_ms is not None:
            command["maxTimeMS"] = self._max_await_time_ms
        if self._comment is not None:
            command["comment"] = self._comment
        document = await send(client, database, command, self._collection.codec_options, session=self._session)
        self._receive_document(document, "nextBatch")

    def _receive_document(self, reply: Mapping[str, Any], batch: str) -> None:
        cursor = reply["cursor"]
        if cursor.get("ns"):
            self._namespace = cursor["ns"]
        self._resume_token = cursor.get("postBatchResumeToken")
        self._receive(int(cursor["id"]), raw_batch(cursor[batch]))

    def _receive(self, cursor_id: int, batch: list[bytes]) -> None:
        if not cursor_id:
            self._killed = True
        elif self._id is None:
            self._client._note_open(self)
        self._id = cursor_id
        self._buffer.fill(batch)
        self._retrieved += len(batch)

    # Giving

    async def next(self) -> _DocumentType:
        """The next document.

        errors   StopAsyncIteration after the last
        """
        buffer = self._buffer
        if buffer.ready:
            return buffer.ready.popleft()  # type: ignore[no-any-return]
        if self._empty:
            raise StopAsyncIteration
        if len(buffer):
            await self._client._runner.breathe(is_patient=self._is_patient)
        elif not await self._refresh():
            raise StopAsyncIteration
        return buffer.take()  # type: ignore[no-any-return]

    async def to_list(self, length: int | None = None) -> list[_DocumentType]:
        """The documents that are left, or the next `length` of them.

        errors   ValueError for a length below 1
        """
        if isinstance(length, int) and length < 1:
            raise ValueError("to_list() length must be greater than 0")
        documents: list[_DocumentType] = []
        buffer = self._buffer
        remaining = length
        while not self._empty and (len(buffer) or (not self._killed and await self._refresh())):
            documents += buffer.take_slice(remaining)
            if length is not None:
                remaining = length - len(documents)
                if not remaining:
                    break
            if len(buffer) or not self._killed:
                try:
                    await self._client._runner.breathe()
                except BaseException:  # with the documents that are lost here, nobody can go on
                    self._abandon()
                    raise
        return documents

    async def __anext__(self) -> _DocumentType:
        ready = self._buffer.ready
        if ready:
            return ready.popleft()  # type: ignore[no-any-return]
        return await self.next()

    # Ending

    async def close(self) -> None:
        """Let the server cursor go; safe to call twice."""
        if self._killed:
            return
        self._killed = True
        if self._id:
            client = self._client
            client._dead_cursors.append((self._namespace, self._id))
            await client._kill_dead_cursors()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def _abandon(self) -> None:
        """Note the server cursor for killing; calls nothing."""
        if not self._killed and self._id:
            self._client._dead_cursors.append((self._namespace, self._id))
        self._killed = True

    def __del__(self) -> None:
        if not self._killed and self._id:
            self._abandon()

    async def __aenter__(self) -> Self:
        return self
