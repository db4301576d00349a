"""The indexes of a collection. Source: PyMongo, collection."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from bson.codec_options import CodecOptions
from bson.son import SON
from pymongo import helpers_shared
from pymongo.common import validate_list
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel
from pymongo.typings import _DocumentType

from amongo.client.collection.core import CollectionCore
from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession
from amongo.errors import ErrorCode

if TYPE_CHECKING:
    from pymongo.operations import _IndexKeyHint

_INDEX_CODEC: CodecOptions[Any] = CodecOptions(SON)
_NO_COLLECTION = ("ns not found", ErrorCode.NamespaceNotFound)


class CollectionIndexes(CollectionCore[_DocumentType]):
    """The operations on indexes."""

    async def create_index(
        self,
        keys: _IndexKeyHint,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> str:
        """Create an index and give its name; `kwargs` as of `IndexModel`, and `maxTimeMS`.

        errors   TypeError, ValueError, OperationFailure
        """
        options = {"maxTimeMS": kwargs.pop("maxTimeMS")} if "maxTimeMS" in kwargs else {}
        names = await self.create_indexes([IndexModel(keys, **kwargs)], session, comment, **options)
        return names[0]

    async def create_indexes(
        self,
        indexes: Sequence[IndexModel],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Create indexes and give their names.

        errors   TypeError, OperationFailure
        """
        validate_list("indexes", indexes)
        documents: list[Mapping[str, Any]] = []
        for index in indexes:
            if not isinstance(index, IndexModel):
                raise TypeError(f"{index!r} is not an instance of pymongo.operations.IndexModel")
            documents.append(index.document)
        command = {"createIndexes": self._name, "indexes": documents, **kwargs}
        if comment is not None:
            command["comment"] = comment
        await self._run(command, session=session, write_concern=self.write_concern)
        return [document["name"] for document in documents]

    async def drop_index(
        self,
        index_or_name: _IndexKeyHint,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """Drop an index, given by name or by the list of its keys.

        errors   TypeError, OperationFailure
        """
        name = helpers_shared._gen_index_name(index_or_name) if isinstance(index_or_name, list) else index_or_name
        if not isinstance(name, str):
            raise TypeError(f"index_or_name must be an instance of str or list, not {type(name)}")
        command = {"dropIndexes": self._name, "index": name, **kwargs}
        if comment is not None:
            command["comment"] = comment
        await self._run(command, session=session, write_concern=self.write_concern, allowable_errors=_NO_COLLECTION)

    async def drop_indexes(
        self, session: AsyncClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """Drop all indexes but that of `_id`.

        errors   OperationFailure
        """
        await self.drop_index("*", session, comment, **kwargs)

    async def list_indexes(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> AsyncCommandCursor[MutableMapping[str, Any]]:
        """A cursor over the descriptions of the indexes; empty if there is no such collection."""
        command: dict[str, Any] = {"listIndexes": self._name, "cursor": {}}
        if comment is not None:
            command["comment"] = comment
        try:
            reply = await send(self._client, self._database.name, command, _INDEX_CODEC, session=session)
            cursor = reply["cursor"]
        except OperationFailure as failure:
            if failure.code != ErrorCode.NamespaceNotFound:
                raise
            cursor = {"id": 0, "firstBatch": []}
        collection = self._itself().with_options(codec_options=_INDEX_CODEC)
        return AsyncCommandCursor(collection, cursor, self._client._address_pair, session=session, comment=comment)

    async def index_information(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """The indexes by name: their keys as a list of pairs, and their options."""
        information: dict[str, Any] = {}
        async for index in await self.list_indexes(session, comment):
            description = dict(index)
            description["key"] = list(description["key"].items())
            information[description.pop("name")] = description
        return information
