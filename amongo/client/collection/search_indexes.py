"""The search indexes of a collection; the server says what it makes of them. Source: PyMongo, collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.codec_options import DEFAULT_CODEC_OPTIONS
from pymongo.operations import SearchIndexModel
from pymongo.read_concern import ReadConcern
from pymongo.typings import _DocumentType
from pymongo.write_concern import WriteConcern

from amongo.client.aggregation import aggregate
from amongo.client.collection.core import CollectionCore
from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.session import AsyncClientSession
from amongo.errors import ErrorCode

_NO_COLLECTION = ("ns not found", ErrorCode.NamespaceNotFound)


class CollectionSearchIndexes(CollectionCore[_DocumentType]):
    """The operations on search indexes."""

    async def list_search_indexes(
        self,
        name: str | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[Mapping[str, Any]]:
        """A cursor over the descriptions of the search indexes, or of the one of that name."""
        if comment is not None:
            kwargs["comment"] = comment
        collection = self._itself().with_options(
            codec_options=DEFAULT_CODEC_OPTIONS, write_concern=WriteConcern(), read_concern=ReadConcern()
        )
        stage = {"$listSearchIndexes": {} if name is None else {"name": name}}
        return await aggregate(collection, [stage], kwargs, session=session)

    async def create_search_index(
        self,
        model: Mapping[str, Any] | SearchIndexModel,
        session: AsyncClientSession | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str:
        """Create a search index and give its name."""
        if not isinstance(model, SearchIndexModel):
            model = SearchIndexModel(**model)
        return (await self.create_search_indexes([model], session, comment, **kwargs))[0]

    async def create_search_indexes(
        self,
        models: list[SearchIndexModel],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create search indexes and give their names.

        errors   TypeError, OperationFailure
        """
        documents: list[Mapping[str, Any]] = []
        for model in models:
            if not isinstance(model, SearchIndexModel):
                raise TypeError(f"{model!r} is not an instance of pymongo.operations.SearchIndexModel")
            documents.append(model.document)
        command = {"createSearchIndexes": self._name, "indexes": documents, **kwargs}
        if comment is not None:
            command["comment"] = comment
        reply = await self._run(command, session=session, codec_options=self._reply_codec_options)
        return [index["name"] for index in reply["indexesCreated"]]

    async def drop_search_index(
        self,
        name: str,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop a search index."""
        command = {"dropSearchIndex": self._name, "name": name, **kwargs}
        if comment is not None:
            command["comment"] = comment
        await self._run(command, session=session, allowable_errors=_NO_COLLECTION)

    async def update_search_index(
        self,
        name: str,
        definition: Mapping[str, Any],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Give a search index another definition."""
        command = {"updateSearchIndex": self._name, "name": name, "definition": definition, **kwargs}
        if comment is not None:
            command["comment"] = comment
        await self._run(command, session=session, allowable_errors=_NO_COLLECTION)
