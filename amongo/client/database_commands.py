"""Running commands on a database: the part of a database that the rest of it stands on. Source: PyMongo, database."""

from __future__ import annotations

from collections.abc import Container, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from bson import Int64
from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from pymongo.common import BaseObject
from pymongo.errors import InvalidOperation
from pymongo.typings import _DocumentType
from pymongo.write_concern import WriteConcern

from amongo.client.collection import AsyncCollection
from amongo.client.command_cursor import AsyncCommandCursor
from amongo.client.documents import decode_reply
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession, transaction_in
from amongo.client.transaction import check_read_preference
from amongo.commands.cluster_times import timestamp

if TYPE_CHECKING:
    from pymongo.read_preferences import _ServerMode

    from amongo.client.client import AsyncMongoClient
    from amongo.client.database import AsyncDatabase

_CodecDocumentType = TypeVar("_CodecDocumentType", bound=Mapping[str, Any])


class _AllErrors:
    """A container of every code: no failure is raised."""

    def __contains__(self, item: object) -> bool:
        return True


_ALL_ERRORS = _AllErrors()


class DatabaseCommands(BaseObject, Generic[_DocumentType]):
    """A database as something to run commands on."""

    _client: AsyncMongoClient[_DocumentType]
    _name: str

    @property
    def client(self) -> AsyncMongoClient[_DocumentType]:
        """The client it belongs to."""
        return self._client

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @overload
    async def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]: ...

    @overload
    async def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[_CodecDocumentType] = ...,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _CodecDocumentType: ...

    async def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[_CodecDocumentType] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> dict[str, Any] | _CodecDocumentType:
        """Run a command and give the server's reply.

        command            a name (its value is `value`), or the command document
        check              raise failures, but for the `allowable_errors` (codes and messages)
        codec_options      of command and reply; PyMongo's default, not this database's
        result             with the times of a replica set's replies, `$clusterTime` and `operationTime`
        errors             OperationFailure and its kinds
        """
        options = codec_options or DEFAULT_CODEC_OPTIONS
        if read_preference is not None and transaction_in(self._client, session) is not None:
            check_read_preference(read_preference)
        reply = await self._send(
            self._document(command, value, comment, kwargs),
            codec_options=options,
            session=session,
            allowable_errors=(allowable_errors or ()) if check else _ALL_ERRORS,
            keeps_write_concern_error=True,
        )
        found: dict[str, Any] = decode_reply(_with_times(reply, self._client._runner.last_time), options)
        return found

    async def cursor_command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[_CodecDocumentType] | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> AsyncCommandCursor[_DocumentType]:
        """Run a command whose reply has a cursor, and give the cursor.

        errors   InvalidOperation if the reply has none; OperationFailure
        """
        options: CodecOptions[Any] = codec_options or DEFAULT_CODEC_OPTIONS
        session = session or self._client._implicit_session()
        reply = await self._send(
            self._document(command, value, None, kwargs),
            codec_options=options,
            session=session,
            keeps_write_concern_error=True,
        )
        if not reply.get("cursor"):
            raise InvalidOperation("Command does not return a cursor.")
        return self._command_cursor(reply["cursor"], options, session, comment, max_await_time_ms)

    @staticmethod
    def _document(command: str | Mapping[str, Any], value: Any, comment: Any, fields: dict[str, Any]) -> dict[str, Any]:
        document = {command: value} if isinstance(command, str) else dict(command)
        document.update(fields)
        if comment is not None:
            document["comment"] = comment
        return document

    async def _send(
        self,
        command: Mapping[str, Any],
        *,
        codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS,
        session: AsyncClientSession | None = None,
        write_concern: WriteConcern | None = None,
        collation: Mapping[str, Any] | None = None,
        allowable_errors: Container[int | str] = (),
        keeps_write_concern_error: bool = False,
    ) -> dict[str, Any]:
        return await send(
            self._client,
            self._name,
            command,
            codec_options,
            session=session,
            write_concern=write_concern,
            collation=collation,
            allowable_errors=allowable_errors,
            keeps_write_concern_error=keeps_write_concern_error,
        )

    async def _run(
        self, command: Mapping[str, Any], *, codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS, **how: Any
    ) -> Any:
        return decode_reply(await self._send(command, codec_options=codec_options, **how), codec_options)

    def _command_cursor(
        self,
        cursor: Mapping[str, Any],
        codec_options: CodecOptions[Any],
        session: AsyncClientSession | None,
        comment: Any,
        max_await_time_ms: int | None = None,
    ) -> AsyncCommandCursor[Any]:
        database: AsyncDatabase[Any] = self  # type: ignore[assignment]
        return AsyncCommandCursor(
            AsyncCollection(database, "$cmd", False, codec_options),
            cursor,
            self._client._address_pair,
            max_await_time_ms=max_await_time_ms,
            session=session,
            comment=comment,
        )


def _with_times(reply: dict[str, Any], sequence: int) -> dict[str, Any]:
    """A reply with the cluster time and the operation time.

    sequence   of the last operation; 0 where nothing is known of it
    """
    if not sequence:
        return reply
    time = timestamp(sequence)
    cluster_time = {"clusterTime": time, "signature": {"hash": bytes(20), "keyId": Int64(0)}}
    return {**reply, "$clusterTime": cluster_time, "operationTime": reply.get("operationTime", time)}
