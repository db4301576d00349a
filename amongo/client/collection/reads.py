"""Reading a collection: find, aggregate, count, distinct. Source: PyMongo, collection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bson
from pymongo import helpers_shared
from pymongo.collation import validate_collation_or_none
from pymongo.errors import ConfigurationError
from pymongo.typings import _DocumentType, _Pipeline

from amongo.client.aggregation import aggregate
from amongo.client.collection.core import CollectionCore
from amongo.client.command_cursor import AsyncCommandCursor, AsyncRawBatchCommandCursor
from amongo.client.cursor import AsyncCursor, AsyncRawBatchCursor
from amongo.client.documents import canonical_filter, point_key
from amongo.client.session import AsyncClientSession, transaction_in
from amongo.commands.find import FindRequest, find_by_id
from amongo.commands.views import may_be_view
from amongo.errors import ErrorCode
from amongo.runtime.turns import take_turn, turn
from amongo.values.codec import decode_raw

if TYPE_CHECKING:
    from pymongo.operations import _IndexKeyHint


class CollectionReads(CollectionCore[_DocumentType]):
    """The reading operations of a collection."""

    async def find_one(self, filter: Any | None = None, *args: Any, **kwargs: Any) -> _DocumentType | None:
        """The first document that matches, or None.

        filter   a query, or a value that is not a mapping: the `_id` looked for
        args     and kwargs: as of `find`
        """
        if args or kwargs or type(filter) is not dict or not self._reads_directly or self._client._binds:
            if filter is not None and not isinstance(filter, Mapping):
                filter = {"_id": filter}
            async for document in self.find(filter, *args, **kwargs).limit(-1):
                return document
            return None
        codec_options = self._codec_options
        key = point_key(filter)
        instance = self._client._runner.instance
        if key is not None and instance is not None and not instance.attention.is_on:
            if time.monotonic() >= turn.ends:
                await take_turn()
            raw = find_by_id(instance, self._full_name, key)
            if raw is not None:
                return decode_raw(raw, codec_options)  # type: ignore[no-any-return]
            if not may_be_view(instance.store.catalog, self._full_name):
                return None
        request = FindRequest(self._full_name, canonical_filter(filter, codec_options), None, None, 0, 1, None, True)
        batch = (await self._client._runner.execute(request)).batch
        return bson.decode(batch[0], codec_options) if batch else None

    def find(self, *args: Any, **kwargs: Any) -> AsyncCursor[_DocumentType]:
        """A cursor over the documents that match; arguments as of `AsyncCursor`.

        as_of, beside those of PyMongo, reads the collection as it was: a `Timestamp` behind the commit of that cluster
        time, a `datetime` before the first commit after it (in milliseconds; UTC if it is naive). What was changed
        since is taken back, by what is kept of the log; where that is not enough, it fails with 239 (SnapshotTooOld).

        errors   TypeError, ValueError, InvalidOperation for arguments of a wrong type or value
        """
        if "as_of" in kwargs:
            as_of = kwargs.pop("as_of")
            return AsyncCursor(self._itself(), *args, **kwargs).as_of(as_of)
        return AsyncCursor(self._itself(), *args, **kwargs)

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> AsyncRawBatchCursor[_DocumentType]:
        """Like `find`, giving batches of BSON bytes."""
        as_of = kwargs.pop("as_of", None)
        return AsyncRawBatchCursor(self._itself(), *args, **kwargs).as_of(as_of)

    async def aggregate(
        self,
        pipeline: _Pipeline,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[_DocumentType]:
        """Run a pipeline over this collection; `kwargs` are fields of the aggregate command.

        errors   TypeError, ConfigurationError, OperationFailure
        """
        if comment is not None:
            kwargs["comment"] = comment
        return await aggregate(self._itself(), pipeline, kwargs, let=let, session=session)

    async def aggregate_raw_batches(
        self,
        pipeline: _Pipeline,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncRawBatchCursor[_DocumentType]:
        """Like `aggregate`, giving batches of BSON bytes."""
        if comment is not None:
            kwargs["comment"] = comment
        cursor: Any = await aggregate(
            self._itself(),
            pipeline,
            kwargs,
            session=session,
            cursor_class=AsyncRawBatchCommandCursor,
            is_raw=True,
        )
        return cursor  # type: ignore[no-any-return]

    async def count_documents(
        self,
        filter: Mapping[str, Any],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> int:
        """How many documents match; `skip`, `limit`, `hint`, `collation` and `maxTimeMS` in `kwargs`.

        errors   OperationFailure
        """
        is_plain = isinstance(filter, Mapping) and not filter and not kwargs and session is None
        if is_plain and self._reads_directly and transaction_in(self._client, None) is None:
            return await self._count_all(comment)
        pipeline: list[dict[str, Any]] = [{"$match": filter}]
        if "skip" in kwargs:
            pipeline.append({"$skip": kwargs.pop("skip")})
        if "limit" in kwargs:
            pipeline.append({"$limit": kwargs.pop("limit")})
        pipeline.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
        if comment is not None:
            kwargs["comment"] = comment
        if "hint" in kwargs and not isinstance(kwargs["hint"], str):
            kwargs["hint"] = helpers_shared._index_document(kwargs["hint"])
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        reply = await self._run(
            {"aggregate": self._name, "pipeline": pipeline, "cursor": {}, **kwargs},
            session=session,
            read_concern=self.read_concern,
            collation=collation,
            allowable_errors=(ErrorCode.NamespaceNotFound,),
            codec_options=self._reply_codec_options,
        )
        batch = reply["cursor"]["firstBatch"] if "cursor" in reply else []
        return batch[0]["n"] if batch else 0

    async def _count_all(self, comment: Any | None) -> int:
        """The collection's own count, which is exact here: no documents are looked at."""
        command: dict[str, Any] = {"count": self._name}
        if comment is not None:
            command["comment"] = comment
        reply = await self._run(command, read_concern=self.read_concern, codec_options=self._reply_codec_options)
        return int(reply["n"])

    async def estimated_document_count(self, comment: Any | None = None, **kwargs: Any) -> int:
        """How many documents there are, from what the collection knows of itself.

        errors   ConfigurationError, OperationFailure
        """
        if "session" in kwargs:
            raise ConfigurationError("estimated_document_count does not support sessions")
        if comment is not None:
            kwargs["comment"] = comment
        reply = await self._run(
            {"count": self._name, **kwargs},
            read_concern=self.read_concern,
            codec_options=self._reply_codec_options,
        )
        return int(reply["n"])

    async def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        hint: _IndexKeyHint | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """The distinct values of a field path over the documents that match.

        errors   TypeError, ConfigurationError, OperationFailure
        """
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        if filter is not None:
            if "query" in kwargs:
                raise ConfigurationError("can't pass both filter and query")
            kwargs["query"] = filter
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        command = {"distinct": self._name, "key": key, **kwargs}
        if comment is not None:
            command["comment"] = comment
        if hint is not None:
            command["hint"] = hint if isinstance(hint, str) else helpers_shared._index_document(hint)
        reply = await self._run(command, session=session, read_concern=self.read_concern, collation=collation)
        values: list[Any] = reply["values"]
        return values
