"""A database: hands out collections, lists and drops them, runs commands. Source: PyMongo, database."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, overload

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bson.dbref import DBRef
from bson.timestamp import Timestamp
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_is_mapping
from pymongo.errors import CollectionInvalid, InvalidName
from pymongo.read_concern import ReadConcern
from pymongo.typings import _CollationIn, _DocumentType, _DocumentTypeArg, _Pipeline
from pymongo.write_concern import WriteConcern

from amongo.client.aggregation import aggregate
from amongo.client.change_stream import AsyncDatabaseChangeStream
from amongo.client.collection import AsyncCollection
from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.database_commands import DatabaseCommands
from amongo.client.kinds import ClientKind, DatabaseKind
from amongo.client.session import AsyncClientSession, refuse_transaction, transaction_in
from amongo.commands.tables import SqlRequest
from amongo.errors import ErrorCode

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.client import AsyncMongoClient

_NO_COLLECTION = ("ns not found", ErrorCode.NamespaceNotFound)
_BAD_NAME_CHARACTERS = (" ", ".", "$", "/", "\\", "\x00", '"')


class AsyncDatabase(DatabaseKind, DatabaseCommands[_DocumentType]):
    """A database of a store."""

    def __init__(
        self,
        client: AsyncMongoClient[_DocumentType],
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None:
        if not isinstance(client, ClientKind):
            raise TypeError(f"AsyncMongoClient required but given {type(client).__name__}")
        super().__init__(
            codec_options or client.codec_options,
            read_preference or client.read_preference,
            write_concern or client.write_concern,
            read_concern or client.read_concern,
        )
        _check_database_name(name)
        self._name = name
        self._client = client

    # Collections

    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncCollection[_DocumentType]:
        """The collection of this name, which need not exist; None keeps this database's options.

        errors   TypeError, InvalidName
        """
        return AsyncCollection(self, name, False, codec_options, read_preference, write_concern, read_concern)

    def __getattr__(self, name: str) -> AsyncCollection[_DocumentType]:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name} collection, "
                f"use database[{name!r}]."
            )
        return self.__getitem__(name)

    def __getitem__(self, name: str) -> AsyncCollection[_DocumentType]:
        return AsyncCollection(self, name)

    async def sql(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        max_time_ms: int | None = None,
    ) -> Any:
        """The rows of a SELECT over the collections of this database, as a `pyarrow.Table`; amongo's own.

        query        one SELECT of DuckDB's SQL; collections and views are its tables, top-level fields their columns,
                     with the types of `AsyncCollection.to_arrow`. Nothing else can be reached: no files, no network,
                     no extensions
        parameters   values for `?` and `$1` as a sequence, for `$name` as a mapping; they are bound, never written
                     into the text
        errors       TypeError, OperationFailure
        """
        if not isinstance(query, str):
            raise TypeError(f"query must be an instance of str, not {type(query)}")
        refuse_transaction(self._client, "sql")
        given: Any = dict(parameters) if isinstance(parameters, Mapping) else list(parameters or ())
        return await self._client._runner.execute(SqlRequest(self._name, query, given, max_time_ms))

    async def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: AsyncClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncCollection[_DocumentType]:
        """Create a collection; `kwargs` are fields of the create command.

        errors   CollectionInvalid if it exists, TypeError, InvalidName, OperationFailure
        """
        clustered_index = kwargs.get("clusteredIndex")
        if clustered_index and not isinstance(clustered_index, bool):
            validate_is_mapping("clusteredIndex", clustered_index)
        checks = check_exists and transaction_in(self._client, session) is None
        if checks and name in await self.list_collection_names(session, filter={"name": name}):
            raise CollectionInvalid(f"collection {name} already exists")
        collection: AsyncCollection[_DocumentType] = AsyncCollection(
            self, name, False, codec_options, read_preference, write_concern, read_concern
        )
        collation = validate_collation_or_none(kwargs.pop("collation", None))
        if "size" in kwargs:
            kwargs["size"] = float(kwargs["size"])
        await self._run(
            {"create": name, **kwargs},
            session=session,
            write_concern=collection.write_concern,
            collation=collation,
        )
        return collection

    async def drop_collection(
        self,
        name_or_collection: str | AsyncCollection[_DocumentTypeArg],
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Drop a collection; the server's reply, also when there is none of that name.

        errors   TypeError, OperationFailure
        """
        name = name_or_collection.name if isinstance(name_or_collection, AsyncCollection) else name_or_collection
        if not isinstance(name, str):
            raise TypeError(f"name_or_collection must be an instance of str, not {type(name)}")
        if encrypted_fields:
            validate_is_mapping("encrypted_fields", encrypted_fields)
        command = {"drop": name}
        if comment is not None:
            command["comment"] = comment
        reply: dict[str, Any] = await self._run(
            command, session=session, write_concern=self.write_concern, allowable_errors=_NO_COLLECTION
        )
        return reply

    async def list_collections(
        self,
        session: AsyncClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[MutableMapping[str, Any]]:
        """A cursor over the descriptions of the collections."""
        if filter is not None:
            kwargs["filter"] = filter
        if comment is not None:
            kwargs["comment"] = comment
        reply = await self._send({"listCollections": 1, "cursor": {}, **kwargs}, session=session)
        return self._command_cursor(reply["cursor"], DEFAULT_CODEC_OPTIONS, session, comment)

    async def list_collection_names(
        self,
        session: AsyncClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """The names of the collections.

        errors   TypeError, OperationFailure
        """
        if filter is not None:
            validate_is_mapping("filter", filter)
        if not filter or (len(filter) == 1 and "name" in filter):
            kwargs["nameOnly"] = True
        cursor = await self.list_collections(session, filter, comment, **kwargs)
        return [document["name"] for document in await cursor.to_list()]

    async def validate_collection(
        self,
        name_or_collection: str | AsyncCollection[_DocumentTypeArg],
        scandata: bool = False,
        full: bool = False,
        session: AsyncClientSession | None = None,
        background: bool | None = None,
        comment: Any | None = None,
    ) -> dict[str, Any]:
        """Have the server check a collection.

        errors   TypeError, CollectionInvalid, OperationFailure
        """
        name = name_or_collection.name if isinstance(name_or_collection, AsyncCollection) else name_or_collection
        if not isinstance(name, str):
            raise TypeError(f"name_or_collection must be an instance of str or AsyncCollection, not {type(name)}")
        command: dict[str, Any] = {"validate": name, "scandata": scandata, "full": full}
        if comment is not None:
            command["comment"] = comment
        if background is not None:
            command["background"] = background
        reply = await self.command(command, session=session)
        if not reply.get("valid", False):
            raise CollectionInvalid(f"{name} invalid: {reply!r}")
        return reply

    async def dereference(
        self,
        dbref: DBRef,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None:
        """The document that a DBRef points to, or None.

        errors   TypeError, ValueError
        """
        if not isinstance(dbref, DBRef):
            raise TypeError(f"cannot dereference a {type(dbref)}")
        if dbref.database is not None and dbref.database != self._name:
            raise ValueError(
                f"trying to dereference a DBRef that points to another database ({dbref.database!r} not {self._name!r})"
            )
        return await self[dbref.collection].find_one({"_id": dbref.id}, session=session, comment=comment, **kwargs)

    # Pipelines and changes

    async def aggregate(
        self, pipeline: _Pipeline, session: AsyncClientSession | None = None, **kwargs: Any
    ) -> AsyncCommandCursor[_DocumentType]:
        """Run a pipeline that begins with a source of its own, as `$documents` does.

        errors   TypeError, ConfigurationError, OperationFailure
        """
        return await aggregate(self, pipeline, kwargs, session=session, is_database=True)

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
    ) -> AsyncDatabaseChangeStream[_DocumentType]:
        """The changes of this database.

        errors   OperationFailure; TypeError, ValueError
        """
        stream = AsyncDatabaseChangeStream(
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

    # What it is

    @overload
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> AsyncDatabase[_DocumentType]: ...

    @overload
    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg],
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> AsyncDatabase[_DocumentTypeArg]: ...

    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncDatabase[_DocumentType] | AsyncDatabase[_DocumentTypeArg]:
        """The same database with other options; None keeps this one's."""
        return AsyncDatabase(
            self._client,
            self._name,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncDatabase):
            return bool(self._client == other.client and self._name == other.name)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._client, self._name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client!r}, {self._name!r})"

    def __bool__(self) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} objects do not implement truth value testing or bool(). "
            "Please compare with None instead: database is not None"
        )

    __iter__ = None

    def __next__(self) -> NoReturn:
        raise TypeError(f"'{type(self).__name__}' object is not iterable")

    next = __next__


def _check_database_name(name: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"name must be an instance of str, not {type(name)}")
    if name == "$external":
        return
    if not name:
        raise InvalidName("database name cannot be the empty string")
    for character in _BAD_NAME_CHARACTERS:
        if character in name:
            raise InvalidName(f"database names cannot contain the character {character!r}")
