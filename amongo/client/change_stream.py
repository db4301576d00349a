"""Change streams: present by name, refused until the Streams release brings them. Source: PyMongo, change_stream."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from bson.timestamp import Timestamp
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_list, validate_non_negative_integer_or_none, validate_string_or_none
from pymongo.errors import InvalidOperation
from pymongo.typings import _CollationIn, _DocumentType, _Pipeline

from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection
    from amongo.client.database import AsyncDatabase

NOT_YET = {"watch": "change streams are not in amongo yet: they come with the Streams release"}


class AsyncChangeStream(Generic[_DocumentType]):
    """The changes of a collection, a database, or a whole store."""

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
        validate_list("pipeline", [] if pipeline is None else pipeline)
        validate_string_or_none("full_document", full_document)
        validate_collation_or_none(collation)
        validate_non_negative_integer_or_none("batchSize", batch_size)
        self._target = target
        self._resume_token = copy.deepcopy(start_after or resume_after)
        self._is_closed = False

    async def _open(self) -> None:
        raise InvalidOperation(NOT_YET["watch"])

    @property
    def alive(self) -> bool:
        """Whether there may be more changes."""
        return not self._is_closed

    @property
    def resume_token(self) -> Mapping[str, Any] | None:
        """Where to go on after the last change that was given."""
        return copy.deepcopy(self._resume_token)

    async def close(self) -> None:
        """End it; safe to call twice."""
        self._is_closed = True

    async def next(self) -> _DocumentType:
        """The next change.

        errors   InvalidOperation: change streams come with the Streams release
        """
        raise InvalidOperation(NOT_YET["watch"])

    async def try_next(self) -> _DocumentType | None:
        """The next change, or None if there is none now.

        errors   InvalidOperation: change streams come with the Streams release
        """
        raise InvalidOperation(NOT_YET["watch"])

    __anext__ = next

    def __aiter__(self) -> Self:
        return self

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


class AsyncDatabaseChangeStream(AsyncChangeStream[_DocumentType]):
    """The changes of one database."""


class AsyncClusterChangeStream(AsyncDatabaseChangeStream[_DocumentType]):
    """The changes of a whole store."""
