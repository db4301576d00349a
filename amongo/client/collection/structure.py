"""Operations on the collection itself: its options, its name, its end. Source: PyMongo, collection."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from bson.codec_options import DEFAULT_CODEC_OPTIONS
from pymongo.errors import InvalidName
from pymongo.typings import _DocumentType

from amongo.client.collection.core import CollectionCore
from amongo.client.documents import decode_reply
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession


class CollectionStructure(CollectionCore[_DocumentType]):
    """The operations that treat the collection as a whole."""

    async def options(
        self, session: AsyncClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]:
        """The options it was created with; empty if there is no such collection."""
        cursor = await self._database.list_collections(session=session, filter={"name": self._name}, comment=comment)
        async for document in cursor:
            options: dict[str, Any] = dict(document.get("options", {}))
            options.pop("create", None)
            return options
        return {}

    async def rename(
        self,
        new_name: str,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> MutableMapping[str, Any]:
        """Give it another name within its database; `dropTarget` in `kwargs`.

        errors   TypeError, InvalidName, OperationFailure
        """
        if not isinstance(new_name, str):
            raise TypeError(f"new_name must be an instance of str, not {type(new_name)}")
        if not new_name or ".." in new_name:
            raise InvalidName("collection names cannot be empty")
        if new_name[0] == "." or new_name[-1] == ".":
            raise InvalidName("collection names must not start or end with '.'")
        if "$" in new_name and not new_name.startswith("oplog.$main"):
            raise InvalidName("collection names must not contain '$'")
        command = {"renameCollection": self._full_name, "to": f"{self._database.name}.{new_name}", **kwargs}
        if comment is not None:
            command["comment"] = comment
        reply = await send(
            self._client,
            "admin",
            command,
            DEFAULT_CODEC_OPTIONS,
            session=session,
            write_concern=self.write_concern,
        )
        renamed: dict[str, Any] = decode_reply(reply, DEFAULT_CODEC_OPTIONS)
        return renamed

    async def drop(
        self,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Drop it, with all its documents; nothing happens if there is no such collection."""
        database = self._database.with_options(write_concern=self.write_concern)
        await database.drop_collection(self._name, session=session, comment=comment, encrypted_fields=encrypted_fields)
