"""Writing to a collection: insert, update, replace, delete, bulk_write. Source: PyMongo, collection."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument
from pymongo import helpers_shared
from pymongo.collation import validate_collation_or_none
from pymongo.common import (
    validate_is_document_type,
    validate_is_mapping,
    validate_list,
    validate_list_or_none,
    validate_ok_for_replace,
    validate_ok_for_update,
)
from pymongo.errors import ConfigurationError
from pymongo.operations import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.results import BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult
from pymongo.typings import _CollationIn, _DocumentType, _Pipeline
from pymongo.write_concern import WriteConcern, validate_boolean

from amongo.client.collection.batches import (
    NO_OPTIONS,
    WriteOptions,
    check_session,
    raise_write_failure,
    run_deletes,
    run_updates,
)
from amongo.client.collection.bulk import Bulk, identify, identify_several
from amongo.client.collection.core import CollectionCore
from amongo.client.documents import decode_reply, document_too_large, encode_document, point_key
from amongo.client.failures import to_pymongo
from amongo.client.results import inserted, updated
from amongo.client.session import AsyncClientSession, is_in_snapshot, learn_in, transaction_in
from amongo.commands.insert import InsertRequest, insert_one, insert_together
from amongo.commands.writing_updates import NO_MATCH, update_by_id
from amongo.errors import ServerError
from amongo.mql.updates import plain_shape
from amongo.runtime.batches import do_together
from amongo.runtime.blocking import is_blocking
from amongo.runtime.limits import CODEC_SLICE_COUNT, DOCUMENT_BYTES
from amongo.runtime.turns import take_turn, turn
from amongo.values.codec import encode_raw
from amongo.values.identities import new_object_id

if TYPE_CHECKING:
    from pymongo.operations import _IndexKeyHint

_WriteOp = InsertOne[_DocumentType] | DeleteOne | DeleteMany | ReplaceOne[_DocumentType] | UpdateOne | UpdateMany


class CollectionWrites(CollectionCore[_DocumentType]):
    """The writing operations of a collection."""

    async def insert_one(
        self,
        document: _DocumentType | RawBSONDocument,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertOneResult:
        """Insert a document; without an `_id` it is given one, in the caller's mapping too.

        errors   TypeError, bson's InvalidDocument, DocumentTooLarge, DuplicateKeyError, WriteError
        """
        if type(document) is dict:
            if "_id" in document:
                identity = document["_id"]
            else:
                identity = document["_id"] = new_object_id()
            raw = encode_raw(document, False, self._codec_options)
            if len(raw) > DOCUMENT_BYTES:
                raise document_too_large(len(raw))
        else:
            validate_is_document_type("document", document)
            identity = identify(document)
            raw = encode_document(document, self._codec_options)
        inside = None
        is_direct, has_session = self._writes_directly, session is not None or self._client._binds
        if has_session:
            check_session(self, session)
            inside = transaction_in(self._client, session)
            is_direct = is_direct and inside is None and not is_in_snapshot(self._client, session)
        if is_direct and comment is None and bypass_document_validation is None:
            instance = self._client._runner.instance
            if instance is not None:
                if time.monotonic() >= turn.ends and not is_blocking():
                    try:
                        sequence = await do_together(raw, insert_together, instance, self._full_name, self._is_durable)
                    except ServerError as error:  # the commit is there, its fsync failed
                        raise to_pymongo(error) from None
                else:
                    sequence = insert_one(instance, self._full_name, raw)
                    if self._is_durable and sequence:
                        await self._client._runner.journaled(sequence)
                if sequence:
                    if has_session:
                        learn_in(self._client, session)
                    return inserted(identity, self._is_acknowledged)
            request = InsertRequest(self._full_name, (raw,))
            reply = await self._client._runner.execute(request, durable=self._is_durable)
            learn_in(self._client, session)
            if reply.errors and self._write_concern.acknowledged:
                raise_write_failure(reply.document(), self)
        else:
            bulk = Bulk(self._itself(), True, WriteOptions(session, None, comment, bypass_document_validation))
            raise_write_failure(await bulk.insert_raw([raw]), self)
        return inserted(identity, self._is_acknowledged or inside is not None)

    async def insert_many(
        self,
        documents: Iterable[_DocumentType | RawBSONDocument],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertManyResult:
        """Insert documents; with `ordered` the first failure ends it, without the rest is inserted all the same.

        errors   TypeError, bson's InvalidDocument, DocumentTooLarge, BulkWriteError
        """
        if not isinstance(documents, Iterable) or isinstance(documents, Mapping) or not documents:
            raise TypeError("documents must be a non-empty list")
        check_session(self, session)
        bulk = Bulk(self._itself(), ordered, WriteOptions(session, None, comment, bypass_document_validation))
        identities: list[Any] = []
        iterator = iter(documents)
        while part := list(islice(iterator, CODEC_SLICE_COUNT)):
            await self._client._runner.breathe()
            bulk.inserts += part
            if set(map(type, part)) == {dict}:
                identities += identify_several(part)  # type: ignore[arg-type]
                continue
            for document in part:
                validate_is_document_type("document", document)
                if not isinstance(document, RawBSONDocument):
                    identities.append(identify(document))
        await bulk.execute_inserts()
        return InsertManyResult(identities, self._is_acknowledged or transaction_in(self._client, session) is not None)

    async def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Replace the first document that matches, keeping its `_id`.

        errors   TypeError, ValueError, DuplicateKeyError, WriteError
        """
        validate_is_mapping("filter", filter)
        validate_ok_for_replace(replacement)
        statement = self._update_statement(filter, replacement, upsert, collation, None, hint, sort)
        return await self._update(statement, session, let, comment, bypass_document_validation)

    async def update_one(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Update the first document that matches; with `upsert`, insert one if none does.

        errors   TypeError, ValueError, DuplicateKeyError, WriteError
        """
        if (
            (upsert is False and type(filter) is dict and type(update) is dict and update and self._writes_directly)
            and (collation is None and array_filters is None and hint is None and session is None)
            and (let is None and sort is None and comment is None and bypass_document_validation is None)
            and not self._client._binds
            and (instance := self._client._runner.instance) is not None
            and (key := point_key(filter)) is not None
            and (shape := plain_shape(update)) is not None
        ):
            if time.monotonic() >= turn.ends:
                await take_turn()
            sequence = update_by_id(instance, self._full_name, key, shape, update)
            if sequence is not None:
                if self._is_durable and sequence > 0:
                    await self._client._runner.journaled(sequence)
                return self._updated(sequence)
        validate_is_mapping("filter", filter)
        validate_ok_for_update(update)
        validate_list_or_none("array_filters", array_filters)
        statement = self._update_statement(filter, update, upsert, collation, array_filters, hint, sort)
        return await self._update(statement, session, let, comment, bypass_document_validation)

    async def update_many(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """Update every document that matches; with `upsert`, insert one if none does.

        errors   TypeError, ValueError, DuplicateKeyError, WriteError
        """
        validate_is_mapping("filter", filter)
        validate_ok_for_update(update)
        validate_list_or_none("array_filters", array_filters)
        statement = self._update_statement(filter, update, upsert, collation, array_filters, hint, None)
        statement["multi"] = True
        return await self._update(statement, session, let, comment, bypass_document_validation)

    async def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete the first document that matches.

        errors   TypeError, WriteError
        """
        return await self._delete(filter, 1, collation, hint, session, let, comment)

    async def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult:
        """Delete every document that matches.

        errors   TypeError, WriteError
        """
        return await self._delete(filter, 0, collation, hint, session, let, comment)

    async def bulk_write(
        self,
        requests: Sequence[_WriteOp[_DocumentType]],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: AsyncClientSession | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult:
        """Run many operations in few batches; with `ordered` in their order, up to the first failure.

        errors   TypeError, InvalidOperation, BulkWriteError
        """
        validate_list("requests", requests)
        check_session(self, session)
        if self._is_heard_inside(session):
            heard = self._itself().with_options(write_concern=WriteConcern())
            return await heard.bulk_write(requests, ordered, bypass_document_validation, session, comment, let)
        bulk = Bulk(self._itself(), ordered, WriteOptions(session, let, comment, bypass_document_validation))
        for request in requests:
            try:
                request._add_to_bulk(bulk)  # type: ignore[arg-type]
            except AttributeError:
                raise TypeError(f"{request!r} is not a valid request") from None
        result = await bulk.execute()
        return BulkWriteResult({}, False) if result is None else BulkWriteResult(result, True)

    # One statement

    def _updated(self, sequence: int) -> UpdateResult:
        """The result of `update_by_id`."""
        if not self._is_acknowledged:
            return updated(None, False)
        n = 0 if sequence == NO_MATCH else 1
        modified = 1 if sequence > 0 else 0
        return updated({"n": n, "nModified": modified, "ok": 1.0, "updatedExisting": n == 1}, True)

    def _update_statement(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool,
        collation: _CollationIn | None,
        array_filters: Sequence[Mapping[str, Any]] | None,
        hint: _IndexKeyHint | None,
        sort: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        validate_boolean("upsert", upsert)
        statement = {"q": filter, "u": update, "multi": False, "upsert": upsert}
        if collation is not None:
            self._require_acknowledged("Collation")
            statement["collation"] = validate_collation_or_none(collation)
        if array_filters is not None:
            self._require_acknowledged("arrayFilters")
            statement["arrayFilters"] = array_filters
        if hint is not None:
            statement["hint"] = hint if isinstance(hint, str) else helpers_shared._index_document(hint)
        if sort is not None:
            validate_is_mapping("sort", sort)
            statement["sort"] = sort
        return statement

    async def _update(
        self,
        statement: dict[str, Any],
        session: AsyncClientSession | None,
        let: Mapping[str, Any] | None,
        comment: Any,
        bypass_document_validation: bool | None,
    ) -> UpdateResult:
        options = NO_OPTIONS
        if not (session is None and let is None and comment is None and bypass_document_validation is None):
            if let is not None:
                validate_is_mapping("let", let)
            check_session(self, session)
            options = WriteOptions(session, let, comment, bypass_document_validation)
        if self._is_heard_inside(session):
            heard = self._itself().with_options(write_concern=WriteConcern())
            return await heard._update(statement, session, let, comment, bypass_document_validation)
        reply = await run_updates(self, (statement,), True, options)
        if not self._write_concern.acknowledged:
            return UpdateResult(None, False)
        raise_write_failure(reply, self)
        reply["updatedExisting"] = bool(reply["n"]) and "upserted" not in reply
        if "upserted" in reply:
            reply = decode_reply(reply, self._reply_codec_options)
            reply["upserted"] = reply["upserted"][0]["_id"]
        return UpdateResult(reply, True)

    async def _delete(
        self,
        filter: Mapping[str, Any],
        limit: int,
        collation: _CollationIn | None,
        hint: _IndexKeyHint | None,
        session: AsyncClientSession | None,
        let: Mapping[str, Any] | None,
        comment: Any,
    ) -> DeleteResult:
        validate_is_mapping("filter", filter)
        statement: dict[str, Any] = {"q": filter, "limit": limit}
        if collation is not None:
            self._require_acknowledged("Collation")
            statement["collation"] = validate_collation_or_none(collation)
        if hint is not None:
            statement["hint"] = hint if isinstance(hint, str) else helpers_shared._index_document(hint)
        if let is not None:
            validate_is_document_type("let", let)
        check_session(self, session)
        if self._is_heard_inside(session):
            heard = self._itself().with_options(write_concern=WriteConcern())
            return await heard._delete(filter, limit, collation, hint, session, let, comment)
        reply = await run_deletes(self, (statement,), True, WriteOptions(session, let, comment))
        if self._write_concern.acknowledged:
            raise_write_failure(reply, self)
        return DeleteResult(reply, self._write_concern.acknowledged)

    def _is_heard_inside(self, session: AsyncClientSession | None) -> bool:
        """Whether a write of an unacknowledged write concern is acknowledged all the same: in a transaction it is."""
        return not self._is_acknowledged and transaction_in(self._client, session) is not None

    def _require_acknowledged(self, option: str) -> None:
        if not self._write_concern.acknowledged:
            raise ConfigurationError(f"{option} is unsupported for unacknowledged writes.")
