"""Write statements in batches, on their way to the waist.

Each function runs one batch of statements of one kind and gives the server's reply document. A batch goes as a request
object; what only the server can judge (a write concern of more nodes, a collation, `let`) goes as the command that
PyMongo would send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import ConfigurationError, DocumentTooLarge, DuplicateKeyError, WriteError

from amongo.client.documents import canonical_filter, check_raw, decode_reply, document_too_large
from amongo.client.sending import raise_write_concern_error, send
from amongo.client.session import AsyncClientSession, is_in_snapshot, learn_in, session_for, transaction_in
from amongo.commands.delete import DeleteRequest, DeleteStatement
from amongo.commands.insert import InsertRequest
from amongo.commands.update import UpdateRequest, UpdateStatement
from amongo.errors import ErrorCode
from amongo.runtime.limits import CODEC_SLICE_BYTES, CODEC_SLICE_COUNT, COMMAND_BYTES, DOCUMENT_BYTES
from amongo.values import codec
from amongo.values.codec import encode_raw

if TYPE_CHECKING:
    from amongo.client.collection.core import CollectionCore

_FIRST_SLICE_COUNT = 16  # until the documents' size is known


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What accompanies a batch; the command's fields of these names."""

    session: AsyncClientSession | None = None
    let: Mapping[str, Any] | None = None
    comment: Any = None
    bypass_document_validation: bool | None = None

    def fields(self) -> dict[str, Any]:
        """The fields that are set."""
        fields = {
            "let": self.let,
            "comment": self.comment,
            "bypassDocumentValidation": self.bypass_document_validation,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def of_inserts(self) -> WriteOptions:
        """The same for an insert, which has no use for `let`."""
        return self if self.let is None else replace(self, let=None)

    def is_plain(self, is_ordered: Any) -> bool:
        """Whether a request object says it all: nothing is asked for, or mistyped, that only the command carries."""
        return (
            self.let is self.comment is None
            and (self.bypass_document_validation is None or self.bypass_document_validation is False)
            and type(is_ordered) is bool
        )


NO_OPTIONS = WriteOptions()


def check_session(collection: CollectionCore[Any], session: AsyncClientSession | None) -> None:
    """Refuse a session that this write cannot run in.

    errors   ValueError, InvalidOperation; ConfigurationError for an unacknowledged write in an explicit session
    """
    found = session_for(collection._client, session)
    if found is not None and not collection.write_concern.acknowledged and not found.in_transaction:
        raise ConfigurationError(
            f"Explicit sessions are incompatible with unacknowledged write concern: {collection.write_concern!r}"
        )


# The three kinds


class Encoder:
    """Encodes many documents in slices; between slices the event loop may have its turn.

    A slice is as many documents as make `CODEC_SLICE_BYTES`, judged by the slice before.

    size_bytes   of the last slice
    """

    def __init__(self, documents: Sequence[Any], codec_options: CodecOptions[Any]) -> None:
        self._documents = documents
        self._codec_options = codec_options
        self._position = 0
        self._count = _FIRST_SLICE_COUNT
        self.size_bytes = 0

    def next_slice(self) -> list[bytes]:
        """The bytes of the next documents; empty after the last.

        errors   bson's InvalidDocument and InvalidStringData, PyMongo's DocumentTooLarge; those of `check_raw`
        """
        documents = self._documents[self._position : self._position + self._count]
        if not documents:
            return []
        raws = list(map(encode_raw, documents, repeat(False), repeat(self._codec_options)))
        sizes = list(map(len, raws))
        if max(sizes) > DOCUMENT_BYTES:
            raise document_too_large(max(sizes))
        if any(issubclass(kind, RawBSONDocument) for kind in set(map(type, documents))):
            for document, raw in zip(documents, raws, strict=True):
                if isinstance(document, RawBSONDocument):
                    check_raw(raw)
        self.size_bytes = sum(sizes)
        self._position += len(raws)
        self._count = max(1, min(CODEC_SLICE_COUNT, len(raws) * CODEC_SLICE_BYTES // self.size_bytes))
        return raws


async def run_inserts(
    collection: CollectionCore[Any], raws: list[bytes], is_ordered: bool, options: WriteOptions
) -> dict[str, Any]:
    """Insert documents given as BSON bytes.

    errors   none of a document: they stand in the reply's `writeErrors`
    """
    options = options.of_inserts()
    session = transaction_in(collection._client, options.session)
    if _is_direct(collection, session, options) and options.is_plain(is_ordered):
        request = InsertRequest(collection._full_name, raws, is_ordered)
        reply = await _execute(collection, request, session, options)
        return reply.document()  # type: ignore[no-any-return]
    return await _send(collection, "insert", "documents", raws, is_ordered, options)


async def run_updates(
    collection: CollectionCore[Any], statements: Sequence[Mapping[str, Any]], is_ordered: bool, options: WriteOptions
) -> dict[str, Any]:
    """Run update statements of the shape {"q", "u", "multi", "upsert", …}.

    errors   none of a statement: they stand in the reply's `writeErrors`; bson's, and DocumentTooLarge
    """
    session = transaction_in(collection._client, options.session)
    if _is_direct(collection, session, options) and options.is_plain(is_ordered):
        codec_options = collection.codec_options
        updates: list[UpdateStatement] = []
        for statement in statements:
            if statement.get("collation") is not None:
                break
            updates.append(_update_statement(statement, codec_options))
            if len(updates) % CODEC_SLICE_COUNT == 0:
                await collection._client._runner.breathe()
        else:
            request = UpdateRequest(collection._full_name, tuple(updates), is_ordered)
            reply = await _execute(collection, request, session, options)
            return reply.document()  # type: ignore[no-any-return]
    return await _send(collection, "update", "updates", await _encoded(collection, statements), is_ordered, options)


async def run_deletes(
    collection: CollectionCore[Any], statements: Sequence[Mapping[str, Any]], is_ordered: bool, options: WriteOptions
) -> dict[str, Any]:
    """Run delete statements of the shape {"q", "limit", …}.

    errors   none of a statement: they stand in the reply's `writeErrors`; bson's
    """
    session = transaction_in(collection._client, options.session)
    if _is_direct(collection, session, options) and options.is_plain(is_ordered):
        codec_options = collection.codec_options
        deletes: list[DeleteStatement] = []
        for statement in statements:
            if statement.get("collation") is not None or statement.get("hint") is not None:
                break
            deletes.append(DeleteStatement(canonical_filter(statement["q"], codec_options), not statement["limit"]))
            if len(deletes) % CODEC_SLICE_COUNT == 0:
                await collection._client._runner.breathe()
        else:
            request = DeleteRequest(collection._full_name, tuple(deletes), is_ordered)
            reply = await _execute(collection, request, session, options)
            return reply.document()  # type: ignore[no-any-return]
    return await _send(collection, "delete", "deletes", await _encoded(collection, statements), is_ordered, options)


def _is_direct(collection: CollectionCore[Any], inside: AsyncClientSession | None, options: WriteOptions) -> bool:
    """Whether a batch may go as a request object: into a transaction, whose write concern is its own, or outside."""
    if inside is not None:
        return collection._is_plain
    return collection._writes_directly and not is_in_snapshot(collection._client, options.session)


async def _execute(
    collection: CollectionCore[Any], request: Any, session: AsyncClientSession | None, options: WriteOptions
) -> Any:
    """Run a batch as a request object.

    session   in whose transaction it runs; None outside of one
    """
    is_durable = collection._is_durable and session is None
    try:
        return await collection._client._runner.execute(request, durable=is_durable, session=session)
    finally:
        if session is None and collection.write_concern.acknowledged:
            learn_in(collection._client, options.session)


def _update_statement(statement: Mapping[str, Any], codec_options: CodecOptions[Any]) -> UpdateStatement:
    raw = encode_raw(statement, False, codec_options)
    if len(raw) > COMMAND_BYTES:
        raise DocumentTooLarge("update command document too large")
    known = codec.decode(raw)
    return UpdateStatement(
        known["q"],
        known["u"],
        known.get("multi", False),
        known.get("upsert", False),
        known.get("arrayFilters"),
        known.get("hint"),
        known.get("sort"),
    )


async def _encoded(collection: CollectionCore[Any], statements: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The statements as BSON.

    errors   bson's; DocumentTooLarge
    """
    raws: list[bytes] = []
    for statement in statements:
        raw = encode_raw(statement, False, collection.codec_options)
        if len(raw) > COMMAND_BYTES:
            raise DocumentTooLarge("a write statement is too large for a command")
        raws.append(raw)
        if len(raws) % CODEC_SLICE_COUNT == 0:
            await collection._client._runner.breathe()
    return raws


async def _send(
    collection: CollectionCore[Any],
    command: str,
    field: str,
    raws: list[bytes],
    is_ordered: bool,
    options: WriteOptions,
) -> dict[str, Any]:
    """Send a batch as a command; its statements go beside the command document, which has no room for many."""
    return await send(
        collection._client,
        collection.database.name,
        {command: collection.name, "ordered": is_ordered, **options.fields()},
        collection.codec_options,
        session=options.session,
        write_concern=collection.write_concern,
        keeps_write_concern_error=True,
        sequences={field: raws},
    )


# What came of it


def raise_write_failure(reply: Mapping[str, Any], collection: CollectionCore[Any]) -> None:
    """Raise the failure that the reply of a single write reports, if it reports one.

    errors   DuplicateKeyError, WriteError, WriteConcernError, WTimeoutError
    """
    failures = reply.get("writeErrors")
    if failures:
        details = decode_reply(failures[-1], collection._reply_codec_options)
        if details["code"] == ErrorCode.DuplicateKey:
            raise DuplicateKeyError(details["errmsg"], details["code"], details)
        raise WriteError(details["errmsg"], details["code"], details)
    if "writeConcernError" in reply:
        raise_write_concern_error(reply)
