"""The cursor of `find`: made at once, sent with the first document asked for. Source: PyMongo, cursor."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NoReturn, Self

from pymongo import _csot
from pymongo.errors import InvalidOperation
from pymongo.typings import _DocumentType

from amongo.client.cursor_base import CursorBase
from amongo.client.documents import DocumentBuffer, RawBatchBuffer, canonical, canonical_filter, decode_reply
from amongo.client.query import TAILABLE, CursorQuery
from amongo.client.sending import limit_time, send
from amongo.client.session import AsyncClientSession, bound_session, session_for, transaction_in
from amongo.commands.find import FindRequest
from amongo.commands.time_travel import FindAsOfRequest

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection


class AsyncCursor(CursorQuery[_DocumentType], CursorBase[_DocumentType]):
    """The documents of a query: `async for` over it, or `await` its `to_list`."""

    _buffer_class: type[DocumentBuffer] = DocumentBuffer

    def _ready(self) -> None:
        self._namespace = self._collection.full_name
        self._buffer = self._buffer_class(self._collection.codec_options)
        self._killed = False

    @property
    def collection(self) -> AsyncCollection[_DocumentType]:
        """The collection it reads."""
        return self._collection

    @property
    def retrieved(self) -> int:
        """How many documents have been fetched."""
        return self._retrieved

    async def explain(self) -> _DocumentType:
        """How the server would run the query."""
        self._check_present("explain")
        twin = self.clone()
        twin._limit = -abs(twin._limit)
        command = {"explain": twin._command()}
        database = self._collection.database.name
        reply = await send(self._client, database, command, self._codec_options, session=self._session)
        return decode_reply(reply, self._codec_options)  # type: ignore[no-any-return]

    async def distinct(self, key: str) -> list[Any]:
        """The distinct values of a field over the query's documents.

        errors   TypeError; InvalidOperation with `as_of`
        """
        self._check_present("distinct")
        options: dict[str, Any] = {}
        if self._spec:
            options["query"] = self._spec
        if self._max_time_ms is not None:
            options["maxTimeMS"] = self._max_time_ms
        if self._comment:
            options["comment"] = self._comment
        if self._collation is not None:
            options["collation"] = self._collation
        return await self._collection.distinct(key, session=self._session, **options)

    async def rewind(self) -> Self:
        """Close it, and begin again with the next document asked for."""
        await self.close()
        self._buffer.clear()
        self._id = None
        self._address = None
        self._retrieved = 0
        self._killed = False
        return self

    async def _first_batch(self) -> None:
        client = self._client
        if (self._min or self._max) and not self._hint:
            raise InvalidOperation(
                "Passing a 'hint' is required when using the min/max query option to ensure the query utilizes the "
                "correct index"
            )
        self._address = client._address_pair
        if client._dead_cursors:
            await client._kill_dead_cursors()
        if self._session is None and client._binds:
            self._session = bound_session()
        inside = transaction_in(client, self._session)
        if self._as_of is not None:
            await self._read_past(inside)
        elif self._is_direct(inside) and _csot.get_timeout() is None and client.options.timeout is None:
            reply = await client._runner.execute(self._request(), session=inside)
            self._receive(reply.cursor_id, reply.batch)
        else:
            self._receive_document(await self._send(self._command()), "firstBatch")
        await self._close_at_limit()

    async def _read_past(self, inside: AsyncClientSession | None) -> None:
        """Begin to read the collection as it was. What it reads is no session's.

        errors   InvalidOperation in a transaction; OperationFailure
        """
        if inside is not None:
            raise InvalidOperation("a find in the past ('as_of') cannot be part of a transaction")
        session_for(self._client, self._session)
        self._session = None
        command = self._command()
        limit_time(command, self._client)
        asked = canonical({"command": command, "as_of": self._as_of}, self._codec_options)
        database = self._collection.database.name
        reply = await self._client._runner.execute(FindAsOfRequest(database, asked["command"], asked["as_of"]))
        self._receive(reply.cursor_id, reply.batch)

    def _check_present(self, what: str) -> None:
        """Refuse what does not go back in time. errors: InvalidOperation."""
        if self._as_of is not None:
            raise InvalidOperation(f"{what} is of the present: it does not go with as_of")

    def _is_direct(self, inside: AsyncClientSession | None) -> bool:
        """Whether the query may go as a request object: into a transaction, or without a session."""
        if inside is not None:
            return self._collection._is_plain and self._is_plain()
        return self._session is None and self._collection._reads_directly and self._is_plain()

    async def _get_more(self) -> None:
        await super()._get_more()
        await self._close_at_limit()

    async def _close_at_limit(self) -> None:
        if self._limit and self._id and self._limit <= self._retrieved:
            await self.close()

    def _request(self) -> FindRequest:
        projection, sort = self._projection or None, self._ordering
        if projection is not None or sort is not None:
            shape = canonical({"projection": projection, "sort": sort}, self._codec_options)
            projection, sort = shape["projection"], shape["sort"]
        return FindRequest(
            self._namespace,
            canonical_filter(self._spec, self._codec_options),
            projection,
            sort,
            self._skip,
            abs(self._limit),
            self._first_batch_size(),
            self._limit < 0,
        )

    async def _send(self, command: dict[str, Any]) -> dict[str, Any]:
        collection = self._collection
        return await send(
            self._client,
            collection.database.name,
            command,
            self._codec_options,
            session=self._session,
            read_concern=collection.read_concern,
        )

    def _next_batch_size(self) -> int:
        if not self._limit:
            return self._batch_size
        remaining = self._limit - self._retrieved
        return min(remaining, self._batch_size) if self._batch_size else remaining

    def _is_tailable(self) -> bool:
        return bool(self._query_flags & TAILABLE)

    def __getitem__(self, index: int | slice) -> Any:
        raise IndexError("AsyncCursor does not support indexing")

    async def _item(self, index: int | slice) -> Any:
        """What indexing gives on the blocking cursor: this cursor cut to a slice, or one document.

        errors   IndexError, TypeError, InvalidOperation
        """
        self._check_okay_to_chain()
        self._empty = False
        if isinstance(index, slice):
            self._skip, self._limit, self._empty = _bounds(index)
            return self
        if not isinstance(index, int):
            raise TypeError(f"index {index!r} cannot be applied to Cursor instances")
        if index < 0:
            raise IndexError("Cursor instances do not support negative indices")
        twin = self.clone()
        twin.skip(index + self._skip).limit(-1)
        documents = await twin.to_list()
        if not documents:
            raise IndexError("no such item for Cursor instance")
        return documents[0]

    def __await__(self) -> Generator[Any, None, Self]:
        """`await` gives the cursor itself, so that both spellings of `find` work."""
        yield from ()
        return self

    def __aiter__(self) -> Self:
        return self


def _bounds(index: slice) -> tuple[int, int, bool]:
    """Skip, limit, and whether nothing at all is asked for."""
    if index.step is not None:
        raise IndexError("Cursor instances do not support slice steps")
    skip = index.start or 0
    if skip < 0:
        raise IndexError("Cursor instances do not support negative indices")
    if index.stop is None:
        return skip, 0, False
    limit = index.stop - skip
    if limit < 0:
        raise IndexError(f"stop index must be greater than start index for slice {index!r}")
    return skip, limit, limit == 0


class AsyncRawBatchCursor(AsyncCursor[_DocumentType]):
    """The cursor of `find_raw_batches`: each item is a batch, as the BSON bytes of its documents."""

    _buffer_class = RawBatchBuffer

    def __init__(self, collection: AsyncCollection[_DocumentType], *args: Any, **kwargs: Any) -> None:
        super().__init__(collection, *args, **kwargs)

    async def explain(self) -> _DocumentType:
        """How the server would run the query, decoded."""
        twin = AsyncCursor(self._collection, session=self._session)
        self._copy_query_to(twin, is_deep=True)
        return await twin.explain()

    def __getitem__(self, index: Any) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCursor")
