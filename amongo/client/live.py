"""Live queries: a result, and then what changes in it.

    async with db.orders.live({"state": "open"}, sort=[("due", 1)], limit=20) as orders:
        async for diff in orders:
            ...  # the first is the result; or look at `orders.documents`, which each diff has brought up to date

It waits without a thread and without asking now and then: a commit wakes it. What it has found and nobody has taken is
kept, so that a task may give up waiting, by a timeout perhaps, and come back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self

import bson
from bson.timestamp import Timestamp
from pymongo.errors import InvalidOperation, OperationFailure
from pymongo.typings import _CollationIn, _DocumentType

from amongo.client.cursor import AsyncCursor
from amongo.client.documents import DocumentBuffer, canonical, canonical_filter
from amongo.client.failures import to_pymongo, use_after_close
from amongo.client.session import AsyncClientSession, transaction_in
from amongo.client.sharing.attached import failure_of
from amongo.client.sharing.following import AttachedLive
from amongo.client.sharing.frames import Broken
from amongo.commands.collations import asked_collation
from amongo.commands.live import LiveQuery, LiveRequest
from amongo.errors import ServerError
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.runtime.turns import take_turn, turn
from amongo.streams.live import Difference

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection


@dataclass(frozen=True, slots=True)
class Diff(Generic[_DocumentType]):
    """One change of a live query's result. Made one after the other on a list, they keep it up to date:

        result    the list is `documents`; the first, and again when another process has taken the store over
        added     insert `document` at `index`
        removed   take out what is at `from_index`
        changed   take out what is at `from_index`, insert `document` at `index`
        moved     the same, for a document that shows as before
        dropped   there is no such collection any more: dropped, renamed, or with its database; the last of its kind

    cluster_time  of the commit, where a change stream may start; of the result, the commit that it was read at
    _id           of the document, whatever the projection shows
    document      as it is shown now; None for "removed"
    before        as it was shown before; None for "added"
    index         its position now
    from_index    its position before
    documents     of "result": all that is shown
    is_last       no other diff of the same commit follows: the result is one that a find has given, or would have
    """

    kind: Literal["result", "added", "changed", "moved", "removed", "dropped"]
    cluster_time: Timestamp
    _id: Any = None
    document: _DocumentType | None = None
    before: _DocumentType | None = None
    index: int | None = None
    from_index: int | None = None
    documents: list[_DocumentType] | None = None
    is_last: bool = True


class AsyncLiveQuery(Generic[_DocumentType]):
    """The result of a query, kept up to date; made by `AsyncCollection.live`."""

    def __init__(
        self,
        collection: AsyncCollection[_DocumentType],
        filter: Mapping[str, Any] | None = None,
        *,
        sort: Any = None,
        limit: int = 0,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        collation: _CollationIn | None = None,
        session: AsyncClientSession | None = None,
    ) -> None:
        cursor = AsyncCursor(
            collection, filter, projection, limit=limit, sort=sort, collation=collation, session=session
        )
        if limit < 0:
            raise ValueError("limit must be >= 0")
        self._collection = collection
        self._client = collection.database.client
        self._codec_options = collection.codec_options
        self._asked = cursor
        self._session = session
        self._live: LiveQuery | AttachedLive | None = None
        self._documents: list[_DocumentType] = []
        self._is_closed = False
        self._is_begun = False  # whether the first result has been given
        self._is_looking = False

    # What it is

    @property
    def collection(self) -> AsyncCollection[_DocumentType]:
        """The collection it reads."""
        return self._collection

    @property
    def documents(self) -> list[_DocumentType]:
        """The result, as the diffs that were given so far have left it; the list is the caller's own."""
        return list(self._documents)

    @property
    def alive(self) -> bool:
        """Whether there may be more diffs."""
        if self._is_closed:
            return False
        feed = None if self._live is None else self._live.feed
        return not self._is_begun or feed is None or bool(feed.ready) or not feed.is_ended

    # Diffs

    async def next(self) -> Diff[_DocumentType]:
        """The next diff, which it waits for. The first is the result.

        errors   StopAsyncIteration after the collection was dropped, and after close; OperationFailure: 286
                 (ChangeStreamHistoryLost) for one who came too late for what is kept of the log, 146
                 (ExceededMemoryLimit) for a result that has become too large, those of the query
        """
        while True:
            found = await self._look(waits=True)
            if found is not None:
                return found
            if not self.alive:
                raise StopAsyncIteration

    async def try_next(self) -> Diff[_DocumentType] | None:
        """The next diff, or None if nothing has changed by now. errors: those of `next` but for the end."""
        return await self._look(waits=False) if self.alive else None

    async def _look(self, *, waits: bool) -> Diff[_DocumentType] | None:
        """The next diff; None if there is none yet, or none any more."""
        if self._is_looking:
            raise InvalidOperation("another task waits for the next diff of this live query")
        self._is_looking = True
        try:
            if not self._is_begun:
                return await self._begin()
            live = self._live
            if live is None or self._is_closed:
                return None
            feed = live.feed
            had_turn = False
            while not feed.ready:
                if feed.is_ended or self._is_closed:
                    return None
                if isinstance(live, AttachedLive):
                    if not await self._fetch(live, waits=waits):
                        return await self._begin()  # by what the next owner has
                    if not waits and not feed.ready:
                        return None
                    continue
                arrival = live.arrival()
                if live.has_news:
                    if not had_turn and time.monotonic() >= turn.ends:
                        await take_turn()
                    await self._look_on(live)
                    had_turn = False
                elif waits:
                    had_turn = await live.sleeper.sleep(arrival, None, self._is_over)
                else:
                    return None
            if not had_turn and time.monotonic() >= turn.ends:
                await take_turn()
            return None if self._is_closed else self._given(feed.ready.popleft())
        finally:
            self._is_looking = False

    def _is_over(self) -> bool:
        return self._is_closed

    async def _fetch(self, live: AttachedLive, *, waits: bool) -> bool:
        """Ask the process that owns the store for differences; False if it is gone. errors: OperationFailure."""
        try:
            failure = await live.fetch(waits=waits)
        except Broken:
            if not self._is_closed:
                live.end()
                self._live, self._is_begun = None, False
            return self._is_closed
        if failure is not None:
            self._end()
            raise failure_of(failure)
        return True

    async def _look_on(self, live: LiveQuery) -> None:
        """Have a look at what was committed: at once, where that is quick. errors: those of `_execute`."""
        instance = self._client._runner.instance
        try:
            if instance is not None and instance.examines(live) <= LOOP_DOCUMENTS:
                instance.execute(live)
                return
        except ServerError as error:
            self._end()
            raise to_pymongo(error) from None
        await self._execute(live)

    async def _execute(self, request: Any) -> Any:
        """Run a request. errors: OperationFailure, InvalidOperation after the client was closed; they end it."""
        try:
            return await self._client._runner.execute(request)
        except (OperationFailure, InvalidOperation):
            self._end()
            raise

    async def _open(self) -> LiveQuery | AttachedLive:
        """Read the first result, if it is not read yet."""
        if self._is_closed:
            raise InvalidOperation("Cannot use a live query after close")
        if self._live is None:
            if transaction_in(self._client, self._session) is not None:
                raise InvalidOperation("a live query cannot be part of a transaction: it goes on after it")
            self._live = await self._execute(self._request())
            self._client._note_live(self)
            if not self._client._runner.is_open:  # closed meanwhile
                self._end()
                raise use_after_close()
        return self._live

    def _request(self) -> LiveRequest:
        asked, codec_options = self._asked, self._codec_options
        given = {"projection": asked._projection or None, "sort": asked._ordering, "collation": asked._collation}
        rest = canonical(given, codec_options)
        return LiveRequest(
            self._collection.full_name,
            canonical_filter(asked._spec, codec_options),
            rest["projection"],
            rest["sort"],
            asked._limit,
            asked_collation(rest["collation"]),
        )

    async def _begin(self) -> Diff[_DocumentType]:
        """The first diff."""
        live = await self._open()
        buffer = DocumentBuffer(self._codec_options)
        buffer.fill(live.documents)
        documents: list[_DocumentType] = []
        while len(buffer):
            documents += buffer.take_slice(None)
            if len(buffer):
                await self._client._runner.breathe()
        live.documents = []
        self._documents, self._is_begun = documents, True
        return Diff("result", _cluster_time(live.sequence), documents=list(documents))

    def _given(self, difference: Difference) -> Diff[_DocumentType]:
        """The diff, decoded; `documents` is brought up to date."""
        identity, raw = difference.id_document, difference.document
        index, from_index = difference.index, difference.from_index
        time = _cluster_time(difference.sequence)
        if identity is None:
            self._documents = []
            return Diff("dropped", time)
        documents, codec_options = self._documents, self._codec_options
        document: _DocumentType | None = None if raw is None else bson.decode(raw, codec_options)
        _id = bson.decode(identity, codec_options)["_id"]
        before = None if from_index is None else documents.pop(from_index)
        if index is not None:
            assert document is not None
            documents.insert(index, document)
        return Diff(difference.kind, time, _id, document, before, index, from_index, None, difference.is_last)

    # Ending

    async def close(self) -> None:
        """Follow the log no longer; who waits for a diff hears that there are no more. Safe to call twice."""
        self._end()

    def __del__(self) -> None:
        if not self.__dict__.get("_is_closed", True) and self._live is not None:
            self._client._forgotten_feeds.append(self._live.feed)  # and nothing is called from here

    def _end(self) -> None:
        self._is_closed = True
        if self._live is not None:
            self._live.feed.end()
            self._live.sleeper.wake()

    __anext__ = next

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()


def _cluster_time(sequence: int) -> Timestamp:
    return Timestamp(sequence >> 32, sequence & 0xFFFFFFFF)
