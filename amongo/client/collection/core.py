"""What a collection is: a name in a database, with codec options and concerns; and how it sends its commands."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, Generic

from bson.codec_options import CodecOptions
from pymongo.common import BaseObject
from pymongo.errors import InvalidName
from pymongo.read_concern import ReadConcern
from pymongo.typings import _DocumentType, _DocumentTypeArg
from pymongo.write_concern import WriteConcern

from amongo.client.documents import decode_reply
from amongo.client.kinds import DatabaseKind
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession
from amongo.runtime.limits import DATABASE_NAME_BYTES

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.client import AsyncMongoClient
    from amongo.client.collection import AsyncCollection
    from amongo.client.database import AsyncDatabase

_LOCAL_LEVELS = (None, "local", "available", "majority")  # on one node all the same


class CollectionCore(BaseObject, Generic[_DocumentType]):
    """The ground that the operations of a collection stand on."""

    def __init__(
        self,
        database: AsyncDatabase[_DocumentType],
        name: str,
        create: bool | None = False,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: AsyncClientSession | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(database, DatabaseKind):
            raise TypeError(f"AsyncDatabase required but given {type(database).__name__}")
        super().__init__(
            codec_options or database.codec_options,
            read_preference or database.read_preference,
            write_concern or database.write_concern,
            read_concern or database.read_concern,
        )
        check_collection_name(name)
        if create or kwargs:
            raise ValueError("AsyncCollection does not support the `create` or `kwargs` arguments.")
        self._database = database
        self._client: AsyncMongoClient[Any] = database.client
        self._name = name
        self._full_name = f"{database.name}.{name}"
        concern = self.write_concern.document
        self._is_acknowledged = self.write_concern.acknowledged
        self._is_durable = bool(concern.get("j") or concern.get("fsync"))
        # Whether operations may go as request objects. A database name that is too long, a write concern that one
        # node does not satisfy, a read concern that means more than local: there the command says what is wrong. And
        # command listeners are told of commands.
        is_plain = len(database.name.encode()) <= DATABASE_NAME_BYTES and self._client._events is None
        self._is_plain = is_plain
        self._reads_directly = is_plain and self.read_concern.level in _LOCAL_LEVELS
        self._writes_directly = is_plain and concern.get("w", 1) in (0, 1, "majority") and "wtimeout" not in concern

    @property
    def full_name(self) -> str:
        """The namespace: "database.collection"."""
        return self._full_name

    @property
    def name(self) -> str:
        """The name within the database."""
        return self._name

    @property
    def database(self) -> AsyncDatabase[_DocumentType]:
        """The database it is in."""
        return self._database

    @property
    def _reply_codec_options(self) -> CodecOptions[dict[str, Any]]:
        """How replies of writes are decoded: as the user's documents are, but into plain dicts."""
        return self.codec_options.with_options(unicode_decode_error_handler="replace", document_class=dict)

    async def _run(
        self,
        command: Mapping[str, Any],
        *,
        session: AsyncClientSession | None = None,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        collation: Mapping[str, Any] | None = None,
        allowable_errors: Container[int | str] = (),
        codec_options: CodecOptions[Any] | None = None,
    ) -> Any:
        """Run a command of this collection; its reply decoded with `codec_options`."""
        codec_options = codec_options or self.codec_options
        reply = await send(
            self._client,
            self._database.name,
            command,
            codec_options,
            session=session,
            read_concern=read_concern,
            write_concern=write_concern,
            collation=collation,
            allowable_errors=allowable_errors,
        )
        return decode_reply(reply, codec_options)

    def _itself(self) -> AsyncCollection[_DocumentType]:
        return self  # type: ignore[return-value]


def check_collection_name(name: str) -> None:
    """Refuse what cannot name a collection.

    errors   TypeError, InvalidName
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be an instance of str, not {type(name)}")
    if not name or ".." in name:
        raise InvalidName("collection names cannot be empty")
    if "$" in name and not name.startswith(("oplog.$main", "$cmd")):
        raise InvalidName(f"collection names must not contain '$': {name!r}")
    if name[0] == "." or name[-1] == ".":
        raise InvalidName(f"collection names must not start or end with '.': {name!r}")
    if "\x00" in name:
        raise InvalidName("collection names must not contain the null character")
