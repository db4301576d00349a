"""A collection: its name, its options, and by theme in the modules beside this one what can be done with it.

`core` names it and sends its commands; `reads`, `writes`, `find_and_modify`, `indexes` and `search_indexes` are the
operations; `bulk` turns a list of operations into batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, overload

from bson.codec_options import CodecOptions
from bson.timestamp import Timestamp
from pymongo.read_concern import ReadConcern
from pymongo.typings import _CollationIn, _DocumentType, _DocumentTypeArg, _Pipeline
from pymongo.write_concern import WriteConcern

from amongo.client.change_stream import AsyncCollectionChangeStream
from amongo.client.collection.find_and_modify import CollectionFindAndModify
from amongo.client.collection.history import CollectionHistory
from amongo.client.collection.indexes import CollectionIndexes
from amongo.client.collection.reads import CollectionReads
from amongo.client.collection.search_indexes import CollectionSearchIndexes
from amongo.client.collection.structure import CollectionStructure
from amongo.client.collection.tables import CollectionTables
from amongo.client.collection.writes import CollectionWrites
from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode


class AsyncCollection(
    CollectionReads[_DocumentType],
    CollectionWrites[_DocumentType],
    CollectionFindAndModify[_DocumentType],
    CollectionIndexes[_DocumentType],
    CollectionSearchIndexes[_DocumentType],
    CollectionStructure[_DocumentType],
    CollectionTables[_DocumentType],
    CollectionHistory[_DocumentType],
):
    """A collection of documents; source: PyMongo, collection."""

    @overload
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> AsyncCollection[_DocumentType]: ...

    @overload
    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg],
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> AsyncCollection[_DocumentTypeArg]: ...

    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncCollection[_DocumentType] | AsyncCollection[_DocumentTypeArg]:
        """The same collection with other options; None keeps this one's."""
        return AsyncCollection(
            self._database,
            self._name,
            False,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    async def watch(
        self,
        pipeline: _Pipeline | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: AsyncClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> AsyncCollectionChangeStream[_DocumentType]:
        """The changes of this collection, from now on or from a resume token on.

        errors   OperationFailure; TypeError, ValueError
        """
        stream = AsyncCollectionChangeStream(
            self,
            pipeline,
            full_document,
            resume_after,
            max_await_time_ms,
            batch_size,
            collation,
            start_at_operation_time,
            session,
            start_after,
            comment,
            full_document_before_change,
            show_expanded_events,
        )
        await stream._open()
        return stream

    def __getattr__(self, name: str) -> AsyncCollection[_DocumentType]:
        if name.startswith("_"):
            full_name = f"{self._name}.{name}"
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {full_name} collection, "
                f"use database['{full_name}']."
            )
        return self.__getitem__(name)

    def __getitem__(self, name: str) -> AsyncCollection[_DocumentType]:
        return AsyncCollection(
            self._database,
            f"{self._name}.{name}",
            False,
            self.codec_options,
            self.read_preference,
            self.write_concern,
            self.read_concern,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._database!r}, {self._name!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncCollection):
            return bool(self._database == other.database and self._name == other.name)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._database, self._name))

    def __bool__(self) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} objects do not implement truth value testing or bool(). "
            "Please compare with None instead: collection is not None"
        )

    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        kind = type(self).__name__
        owner = kind.replace("Collection", "Database") if "." not in self._name else kind
        method = self._name.rpartition(".")[2]
        raise TypeError(
            f"'{kind}' object is not callable. If you meant to call the '{method}' method on a '{owner}' object "
            "it is failing because no such method exists."
        )
