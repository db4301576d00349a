"""Client-level bulk_write: operations on many namespaces in one call. Source: PyMongo, client_bulk.

The operations go as the bulkWrite command that PyMongo would send, with `ops` beside the command document as bytes
already encoded. What became of each operation is read from the command's cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.common import validate_is_document_type, validate_ok_for_replace, validate_ok_for_update
from pymongo.errors import (
    ClientBulkWriteException,
    ConfigurationError,
    DocumentTooLarge,
    InvalidOperation,
    OperationFailure,
)
from pymongo.results import ClientBulkWriteResult, DeleteResult, InsertOneResult, UpdateResult
from pymongo.write_concern import WriteConcern

from amongo.client.collection.bulk import identify
from amongo.client.command_events import one_operation
from amongo.client.documents import check_raw, raw_batch
from amongo.client.sending import send
from amongo.client.session import AsyncClientSession, session_for
from amongo.commands.context import NO_SEQUENCES, Sequences
from amongo.runtime.limits import CODEC_SLICE_BYTES, CODEC_SLICE_COUNT, MESSAGE_BYTES, WRITE_BATCH_COUNT
from amongo.values.codec import encode_raw

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient

_CURSOR: Final = "$cmd.bulkWrite"
_COUNTS: Final = ("nInserted", "nUpserted", "nMatched", "nModified", "nDeleted")


@dataclass(slots=True)
class _Operation:
    """kind is "insert", "update" or "delete"; `op` is the bulkWrite command's, with the kind as its first field."""

    kind: str
    namespace: str
    op: dict[str, Any]


class ClientBulk:
    """The operations of one call, and what came of them."""

    def __init__(
        self,
        client: AsyncMongoClient[Any],
        write_concern: WriteConcern,
        *,
        is_ordered: bool,
        is_verbose: bool,
        session: AsyncClientSession | None,
        let: Mapping[str, Any] | None,
        comment: Any,
        bypass_document_validation: bool | None,
    ) -> None:
        if let is not None:
            validate_is_document_type("let", let)
        self._client = client
        self._write_concern = write_concern
        self._is_ordered = is_ordered
        self._is_verbose = is_verbose
        self._session = session
        self._let = let
        self._comment = comment
        self._bypass_document_validation = bypass_document_validation
        self._operations: list[_Operation] = []
        self._uses: set[str] = set()
        self._result: dict[str, Any] = {
            "anySuccessful": False,
            "error": None,
            "writeErrors": [],
            "writeConcernErrors": [],
            **dict.fromkeys(_COUNTS, 0),
            "insertResults": {},
            "updateResults": {},
            "deleteResults": {},
        }

    # What PyMongo's operations call

    def add_insert(self, namespace: str, document: Any) -> None:
        """An insert; the document is given an `_id` if it has none."""
        validate_is_document_type("document", document)
        identify(document)
        self._operations.append(_Operation("insert", namespace, {"insert": -1, "document": document}))

    def add_update(
        self,
        namespace: str,
        selector: Mapping[str, Any],
        update: Any,
        multi: bool,
        upsert: bool | None = None,
        collation: Mapping[str, Any] | None = None,
        array_filters: list[Mapping[str, Any]] | None = None,
        hint: str | dict[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        """An update with operators or a pipeline."""
        validate_ok_for_update(update)
        self._add_update(
            namespace,
            selector,
            update,
            multi,
            upsert=upsert,
            arrayFilters=array_filters,
            hint=hint,
            collation=collation,
            sort=sort,
        )

    def add_replace(
        self,
        namespace: str,
        selector: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool | None = None,
        collation: Mapping[str, Any] | None = None,
        hint: str | dict[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
    ) -> None:
        """A replacement."""
        validate_ok_for_replace(replacement)
        self._add_update(
            namespace, selector, replacement, False, upsert=upsert, hint=hint, collation=collation, sort=sort
        )

    def add_delete(
        self,
        namespace: str,
        selector: Mapping[str, Any],
        multi: bool,
        collation: Mapping[str, Any] | None = None,
        hint: str | dict[str, Any] | None = None,
    ) -> None:
        """A delete of one document or of all that match."""
        op = {"delete": -1, "filter": selector, "multi": multi, **self._given(hint=hint, collation=collation)}
        self._operations.append(_Operation("delete", namespace, op))

    def _add_update(
        self, namespace: str, selector: Mapping[str, Any], update: Any, multi: bool, **options: Any
    ) -> None:
        op = {"update": -1, "filter": selector, "updateMods": update, "multi": multi, **self._given(**options)}
        self._operations.append(_Operation("update", namespace, op))

    def _given(self, **options: Any) -> dict[str, Any]:
        given = {name: value for name, value in options.items() if value is not None}
        self._uses.update(given)
        return given

    # Running them

    async def execute(self) -> ClientBulkWriteResult:
        """Run the operations, in batches as large as one command takes.

        errors   InvalidOperation without operations, ConfigurationError, DocumentTooLarge, ClientBulkWriteException;
                 bson's for an operation or option that is no BSON
        """
        if not self._operations:
            raise InvalidOperation("No operations to execute")
        is_acknowledged = self._write_concern.acknowledged
        if not is_acknowledged:
            self._check_unacknowledged()
        result = self._result
        await self._client.aconnect()
        if self._session is None and is_acknowledged and self._client._runner.numbers_writes:
            # the numbers of its commands and the cursors of their replies are of one session
            async with self._client.start_session(causal_consistency=False) as self._session:
                await self._execute_batches()
        else:
            await self._execute_batches()
        if not is_acknowledged:
            return ClientBulkWriteResult(None, False, False)  # type: ignore[arg-type]
        if result["error"] or result["writeErrors"] or result["writeConcernErrors"]:
            raise ClientBulkWriteException(result, self._is_verbose) from result["error"]
        return ClientBulkWriteResult(result, True, self._is_verbose)

    async def _execute_batches(self) -> None:
        position, result = 0, self._result
        with one_operation(self._client._events):
            while position < len(self._operations):
                position += await self._execute_batch(position)
                if result["error"] or (self._is_ordered and result["writeErrors"]):
                    break

    async def _execute_batch(self, start: int) -> int:
        """Run operations from `start` on; how many."""
        raws, namespaces = await self._encoded(start)
        command: dict[str, Any] = {"bulkWrite": 1, "errorsOnly": not self._is_verbose, "ordered": self._is_ordered}
        if self._bypass_document_validation is not None:
            command["bypassDocumentValidation"] = self._bypass_document_validation
        if self._comment:
            command["comment"] = self._comment
        if self._let:
            command["let"] = self._let
        command["nsInfo"] = [{"ns": namespace} for namespace in namespaces]
        try:
            reply = await self._send(command, {"ops": raws}, self._write_concern)
            if self._write_concern.acknowledged:
                self._add_counts(reply)
                await self._add_items(reply["cursor"], start)
                self._note_success(reply["nErrors"], start, len(raws))
        except OperationFailure as failure:
            self._result["error"] = failure
        return len(raws)

    async def _encoded(self, start: int) -> tuple[list[bytes], list[str]]:
        """(operations as BSON, from `start` on as many as one command takes; their namespaces).

        errors   DocumentTooLarge, those of `check_raw`, bson's
        """
        raws: list[bytes] = []
        places: dict[str, int] = {}
        size_bytes, slice_bytes = 0, 0
        for operation in self._operations[start : start + WRITE_BATCH_COUNT]:
            op = operation.op
            op[operation.kind] = places.get(operation.namespace, len(places))
            raw = encode_raw(op, False, self._client.codec_options)
            size_bytes += len(raw)
            if size_bytes > MESSAGE_BYTES:
                if not raws:
                    raise DocumentTooLarge(f"{operation.kind} command document too large")
                break
            if operation.kind == "insert" and isinstance(op["document"], RawBSONDocument):
                check_raw(bytes(op["document"].raw))
            places.setdefault(operation.namespace, len(places))
            raws.append(raw)
            slice_bytes += len(raw)
            if slice_bytes >= CODEC_SLICE_BYTES or not len(raws) % CODEC_SLICE_COUNT:
                slice_bytes = 0
                await self._client._runner.breathe()
        return raws, list(places)

    async def _send(
        self,
        command: Mapping[str, Any],
        sequences: Sequences = NO_SEQUENCES,
        write_concern: WriteConcern | None = None,
    ) -> dict[str, Any]:
        return await send(
            self._client,
            "admin",
            command,
            self._client.codec_options,
            session=self._session,
            write_concern=write_concern,
            keeps_write_concern_error=True,
            sequences=sequences,
        )

    # What came of them

    def _add_counts(self, reply: Mapping[str, Any]) -> None:
        """Add the sums of a batch."""
        result = self._result
        for name in _COUNTS:
            result[name] += reply[name]
        if "writeConcernError" in reply:
            result["writeConcernErrors"].append(reply["writeConcernError"])

    def _note_success(self, failures: int, start: int, count: int) -> None:
        """Note whether any operation of a batch succeeded; an ordered one ends with its first failure."""
        tried = self._result["writeErrors"][-1]["idx"] - start + 1 if self._is_ordered and failures else count
        self._result["anySuccessful"] = self._result["anySuccessful"] or failures < tried

    async def _add_items(self, cursor: Mapping[str, Any], start: int) -> None:
        """Read what became of each operation of the batch that begins at `start`.

        errors   those of getMore
        """
        self._add_batch(raw_batch(cursor["firstBatch"]), start)
        while cursor["id"]:
            more: dict[str, Any] = {"getMore": cursor["id"], "collection": _CURSOR}
            if self._comment:
                more["comment"] = self._comment
            cursor = (await self._send(more))["cursor"]
            self._add_batch(raw_batch(cursor["nextBatch"]), start)

    def _add_batch(self, raws: Iterable[bytes], start: int) -> None:
        for raw in raws:
            item: dict[str, Any] = bson.decode(raw, self._client.codec_options)
            index = item["idx"] + start
            operation = self._operations[index]
            if not item["ok"]:
                self._result["writeErrors"].append({**item, "idx": index, "op": operation.op})
            elif self._is_verbose:
                self._result[f"{operation.kind}Results"][index] = _told(operation, item)

    def _check_unacknowledged(self) -> None:
        """Refuse what PyMongo refuses of a write that nobody hears of.

        errors   ConfigurationError, OperationFailure
        """
        if session_for(self._client, self._session) is not None:
            raise ConfigurationError(
                f"Explicit sessions are incompatible with unacknowledged write concern: {self._write_concern!r}"
            )
        if "collation" in self._uses:
            raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
        if "arrayFilters" in self._uses:
            raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")
        if self._bypass_document_validation is not None:
            raise OperationFailure("Cannot set bypass_document_validation with unacknowledged write concern")


def _told(operation: _Operation, item: dict[str, Any]) -> InsertOneResult | UpdateResult | DeleteResult:
    """The result of an operation that succeeded."""
    if operation.kind == "insert":
        return InsertOneResult(identify(operation.op["document"]), True)
    if operation.kind == "update":
        return UpdateResult(item, True, in_client_bulk=True)
    return DeleteResult(item, True)
