"""Many operations in few batches: what `bulk_write` and `insert_many` share. Source: PyMongo, bulk.

PyMongo's operation objects (`InsertOne`, `UpdateMany`, …) add themselves through `add_insert` and its siblings.
Ordered, neighbours of one kind form a run; unordered, all of one kind do. A run goes in batches as large as a server
takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument
from pymongo.common import validate_is_document_type, validate_ok_for_replace, validate_ok_for_update
from pymongo.errors import BulkWriteError, ConfigurationError, InvalidOperation, OperationFailure
from pymongo.write_concern import WriteConcern

from amongo.client.collection.batches import Encoder, WriteOptions, run_deletes, run_inserts, run_updates
from amongo.client.command_events import one_operation
from amongo.client.documents import decode_reply
from amongo.runtime.limits import MESSAGE_BYTES, WRITE_BATCH_COUNT
from amongo.values.identities import new_object_id, new_object_ids

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection

INSERT, UPDATE, DELETE = 0, 1, 2


class Bulk:
    """The operations of one `bulk_write`, and what came of them.

    inserts   documents of an `insert_many`, instead of operations
    """

    def __init__(self, collection: AsyncCollection[Any], is_ordered: bool, options: WriteOptions) -> None:
        if options.let is not None:
            validate_is_document_type("let", options.let)
        self.inserts: list[Any] = []
        self._collection = collection
        self._is_ordered = is_ordered
        self._options = options
        self._operations: list[tuple[int, Any]] = []
        self._uses: set[str] = set()
        self._result: dict[str, Any] = {
            "writeErrors": [],
            "writeConcernErrors": [],
            "nInserted": 0,
            "nUpserted": 0,
            "nMatched": 0,
            "nModified": 0,
            "nRemoved": 0,
            "upserted": [],
        }

    # What PyMongo's operations call

    def add_insert(self, document: Any) -> None:
        """An insert; the document is given an `_id` if it has none."""
        validate_is_document_type("document", document)
        identify(document)
        self._operations.append((INSERT, document))

    def add_update(
        self,
        selector: Mapping[str, Any],
        update: Any,
        multi: bool,
        upsert: bool | None,
        collation: Mapping[str, Any] | None = None,
        array_filters: list[Mapping[str, Any]] | None = None,
        hint: str | dict[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        """An update with operators or a pipeline."""
        validate_ok_for_update(update)
        statement = {"q": selector, "u": update, "multi": multi}
        self._add(
            UPDATE, statement, upsert=upsert, collation=collation, arrayFilters=array_filters, hint=hint, sort=sort
        )

    def add_replace(
        self,
        selector: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool | None,
        collation: Mapping[str, Any] | None = None,
        hint: str | dict[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        """A replacement."""
        validate_ok_for_replace(replacement)
        statement = {"q": selector, "u": replacement}
        self._add(UPDATE, statement, upsert=upsert, collation=collation, hint=hint, sort=sort)

    def add_delete(
        self,
        selector: Mapping[str, Any],
        limit: int,
        collation: Mapping[str, Any] | None = None,
        hint: str | dict[str, Any] | None = None,
    ) -> None:
        """A delete: of one document (limit 1) or of all (limit 0)."""
        self._add(DELETE, {"q": selector, "limit": limit}, collation=collation, hint=hint)

    def _add(self, kind: int, statement: dict[str, Any], **options: Any) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        self._uses.update(given)
        self._operations.append((kind, {**statement, **given}))

    # Running them

    async def execute(self) -> dict[str, Any] | None:
        """Run the operations; the result as PyMongo reports it, or None for unacknowledged writes.

        errors   InvalidOperation without operations, ConfigurationError, BulkWriteError
        """
        if not self._operations:
            raise InvalidOperation("No operations to execute")
        is_acknowledged = self._collection.write_concern.acknowledged
        if not is_acknowledged:
            self._check_unacknowledged()
        runs = self._runs()
        if not is_acknowledged:
            if len(runs) > 1 or len(self._operations) > WRITE_BATCH_COUNT:
                self._hear()
            with one_operation(self._collection._client._events), suppress(OperationFailure):
                await self._execute_runs(runs)
            return None
        with one_operation(self._collection._client._events):
            await self._execute_runs(runs)
        self._raise_failures()
        return self._result

    async def _execute_runs(self, runs: list[tuple[int, list[int], list[Any]]]) -> None:
        for kind, indexes, operations in runs:
            if not await self._execute_run(kind, indexes, operations):
                break

    def _hear(self) -> None:
        """Let the replies of an unacknowledged ordered bulk be heard: it ends with its first failure all the same."""
        if self._is_ordered:
            self._collection = self._collection.with_options(write_concern=WriteConcern())

    async def execute_inserts(self) -> None:
        """Insert the documents of `inserts`.

        errors   InvalidOperation without documents, ConfigurationError, BulkWriteError
        """
        if not self.inserts:
            raise InvalidOperation("No operations to execute")
        if self._collection.write_concern.acknowledged:
            with one_operation(self._collection._client._events):
                await self._execute_run(INSERT, range(len(self.inserts)), self.inserts)
            self._raise_failures()
            return
        self._check_unacknowledged()
        if len(self.inserts) > 1:
            self._hear()
        with one_operation(self._collection._client._events), suppress(OperationFailure):
            await self._execute_run(INSERT, range(len(self.inserts)), self.inserts)

    async def insert_raw(self, raws: list[bytes]) -> dict[str, Any]:
        """Insert encoded documents; the server's reply."""
        return await run_inserts(self._collection, raws, self._is_ordered, self._options)

    def _runs(self) -> list[tuple[int, list[int], list[Any]]]:
        """(kind, places in the caller's list, operations) of each run."""
        runs: list[tuple[int, list[int], list[Any]]] = []
        if self._is_ordered:
            for index, (kind, operation) in enumerate(self._operations):
                if not runs or runs[-1][0] != kind:
                    runs.append((kind, [], []))
                runs[-1][1].append(index)
                runs[-1][2].append(operation)
            return runs
        runs = [(INSERT, [], []), (UPDATE, [], []), (DELETE, [], [])]
        for index, (kind, operation) in enumerate(self._operations):
            runs[kind][1].append(index)
            runs[kind][2].append(operation)
        return [run for run in runs if run[1]]

    async def _execute_run(self, kind: int, indexes: Sequence[int], operations: list[Any]) -> bool:
        """Run the operations of one kind; whether to go on after them."""
        if kind == INSERT:
            return await self._execute_insert_run(indexes, operations)
        run = run_updates if kind == UPDATE else run_deletes
        for start in range(0, len(operations), WRITE_BATCH_COUNT):
            batch = operations[start : start + WRITE_BATCH_COUNT]
            reply = await run(self._collection, batch, self._is_ordered, self._options)
            if not self._merge(kind, reply, indexes, operations, start):
                return False
        return True

    async def _execute_insert_run(self, indexes: Sequence[int], documents: list[Any]) -> bool:
        encoder = Encoder(documents, self._collection.codec_options)
        batch: list[bytes] = []
        size_bytes = start = 0
        while raws := encoder.next_slice():
            size_bytes += encoder.size_bytes
            if batch and (size_bytes > MESSAGE_BYTES or len(batch) + len(raws) > WRITE_BATCH_COUNT):
                reply = await self.insert_raw(batch)
                if not self._merge(INSERT, reply, indexes, documents, start):
                    return False
                start += len(batch)
                batch, size_bytes = [], encoder.size_bytes
            batch += raws
            await self._collection._client._runner.breathe()
        return self._merge(INSERT, await self.insert_raw(batch), indexes, documents, start)

    # What came of them

    def _merge(
        self, kind: int, reply: dict[str, Any], indexes: Sequence[int], operations: Sequence[Any], start: int
    ) -> bool:
        """Add the reply of the batch that begins at `start` of the run; False if it ends an ordered bulk."""
        result = self._result
        if "upserted" in reply or "writeErrors" in reply:
            reply = decode_reply(reply, self._collection._reply_codec_options)
        n = reply.get("n", 0)
        if kind == INSERT:
            result["nInserted"] += n
        elif kind == DELETE:
            result["nRemoved"] += n
        else:
            upserted = reply.get("upserted", [])
            result["upserted"] += [{**each, "index": indexes[start + each["index"]]} for each in upserted]
            result["nUpserted"] += len(upserted)
            result["nMatched"] += n - len(upserted)
            result["nModified"] += reply.get("nModified", 0)
        failures = reply.get("writeErrors", ())
        for failure in failures:
            position = start + failure["index"]
            result["writeErrors"].append({**failure, "index": indexes[position], "op": operations[position]})
        if "writeConcernError" in reply:
            labels = {"errorLabels": reply["errorLabels"]} if reply.get("errorLabels") else {}
            result["writeConcernErrors"].append({**reply["writeConcernError"], **labels})
        return not (self._is_ordered and failures)

    def _raise_failures(self) -> None:
        result = self._result
        if result["writeErrors"] or result["writeConcernErrors"]:
            result["writeErrors"].sort(key=lambda failure: failure["index"])
            raise BulkWriteError(result)

    def _check_unacknowledged(self) -> None:
        if "collation" in self._uses:
            raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
        if "arrayFilters" in self._uses:
            raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")
        if self._options.bypass_document_validation:
            raise OperationFailure("Cannot set bypass_document_validation with unacknowledged write concern")


def identify(document: Any) -> Any:
    """The `_id` of a document to insert, which is given one if it has none; None for raw BSON, which stays as it is."""
    if isinstance(document, RawBSONDocument):
        return None
    if "_id" in document:
        return document["_id"]
    identity = document["_id"] = new_object_id()
    return identity


def identify_several(documents: Sequence[dict[str, Any]]) -> list[Any]:
    """The `_id`s of documents to insert, which are given one where they have none."""
    anonymous = [document for document in documents if "_id" not in document]
    for document, identity in zip(anonymous, new_object_ids(len(anonymous)), strict=True):
        document["_id"] = identity
    return [document["_id"] for document in documents]
