"""Client-level bulk_write: operations on many namespaces in one call. Source: PyMongo, client_bulk.

Neighbours of one kind and namespace go as one batch of their collection, so that the counts are those of the insert,
update and delete commands. Verbose results tell of each operation, so updates and deletes then go one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bson
from pymongo.common import validate_is_document_type, validate_ok_for_replace, validate_ok_for_update
from pymongo.errors import (
    ClientBulkWriteException,
    ConfigurationError,
    InvalidOperation,
    OperationFailure,
)
from pymongo.results import ClientBulkWriteResult, DeleteResult, InsertOneResult, UpdateResult
from pymongo.write_concern import WriteConcern

from amongo.client.collection import AsyncCollection
from amongo.client.collection.batches import (
    Encoder,
    WriteOptions,
    check_session,
    run_deletes,
    run_inserts,
    run_updates,
)
from amongo.client.collection.bulk import identify
from amongo.client.documents import decode_reply
from amongo.client.session import AsyncClientSession
from amongo.runtime.limits import MESSAGE_BYTES, WRITE_BATCH_COUNT

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient


@dataclass(slots=True)
class _Operation:
    """kind is "insert", "update" or "delete"; `statement` is the batch's, `op` the bulkWrite command's."""

    kind: str
    namespace: str
    statement: Any
    op: dict[str, Any]


@dataclass(slots=True)
class _Run:
    kind: str
    namespace: str
    indexes: list[int] = field(default_factory=list)


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
        self._options = WriteOptions(session, let, comment, bypass_document_validation)
        self._operations: list[_Operation] = []
        self._uses: set[str] = set()
        self._result: dict[str, Any] = {
            "anySuccessful": False,
            "error": None,
            "writeErrors": [],
            "writeConcernErrors": [],
            "nInserted": 0,
            "nUpserted": 0,
            "nMatched": 0,
            "nModified": 0,
            "nDeleted": 0,
            "insertResults": {},
            "updateResults": {},
            "deleteResults": {},
        }

    # What PyMongo's operations call

    def add_insert(self, namespace: str, document: Any) -> None:
        """An insert; the document is given an `_id` if it has none."""
        validate_is_document_type("document", document)
        identify(document)
        self._operations.append(_Operation("insert", namespace, document, {"insert": -1, "document": document}))

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
        given = self._given(hint=hint, collation=collation)
        statement = {"q": selector, "limit": 0 if multi else 1, **given}
        op = {"delete": -1, "filter": selector, "multi": multi, **given}
        self._operations.append(_Operation("delete", namespace, statement, op))

    def _add_update(
        self, namespace: str, selector: Mapping[str, Any], update: Any, multi: bool, **options: Any
    ) -> None:
        given = self._given(**options)
        statement = {"q": selector, "u": update, "multi": multi, **given}
        op = {"update": -1, "filter": selector, "updateMods": update, "multi": multi, **given}
        self._operations.append(_Operation("update", namespace, statement, op))

    def _given(self, **options: Any) -> dict[str, Any]:
        given = {name: value for name, value in options.items() if value is not None}
        self._uses.update(given)
        return given

    # Running them

    async def execute(self) -> ClientBulkWriteResult:
        """Run the operations.

        errors   InvalidOperation without operations, ConfigurationError, ClientBulkWriteException; bson's for an option
                 that is no BSON, even where no operation makes use of it
        """
        if not self._operations:
            raise InvalidOperation("No operations to execute")
        is_acknowledged = self._write_concern.acknowledged
        if not is_acknowledged:
            self._check_unacknowledged()
        bson.encode({"ordered": self._is_ordered, **self._options.fields()}, codec_options=self._client.codec_options)
        for run in self._runs():
            if not await self._execute_run(run):
                break
        if not is_acknowledged:
            return ClientBulkWriteResult(None, False, False)  # type: ignore[arg-type]
        result = self._result
        if result["error"] or result["writeErrors"] or result["writeConcernErrors"]:
            result["writeErrors"].sort(key=lambda failure: failure["idx"])
            raise ClientBulkWriteException(result, self._is_verbose) from result["error"]
        return ClientBulkWriteResult(result, True, self._is_verbose)

    def _runs(self) -> Iterator[_Run]:
        runs: list[_Run] = []
        open_runs: dict[tuple[str, str], _Run] = {}
        for index, operation in enumerate(self._operations):
            key = (operation.kind, operation.namespace)
            run = open_runs.get(key)
            if run is None or (self._is_verbose and operation.kind != "insert"):
                if self._is_ordered:
                    open_runs.clear()
                run = open_runs[key] = _Run(*key)
                runs.append(run)
            run.indexes.append(index)
        return iter(runs)

    async def _execute_run(self, run: _Run) -> bool:
        """Run operations of one kind and namespace; whether to go on after them."""
        database, _, name = run.namespace.partition(".")
        try:
            collection = self._client.get_database(database).get_collection(name, write_concern=self._write_concern)
            check_session(collection, self._options.session)
            statements = [self._operations[index].statement for index in run.indexes]
            if run.kind == "insert":
                return await self._execute_inserts(collection, statements, run)
            execute = run_updates if run.kind == "update" else run_deletes
            for start in range(0, len(statements), WRITE_BATCH_COUNT):
                batch = statements[start : start + WRITE_BATCH_COUNT]
                reply = await execute(collection, batch, self._is_ordered, self._options)
                if not self._merge(collection, run, reply, start, len(batch)):
                    return False
        except OperationFailure as failure:
            self._result["error"] = failure
            return False
        return True

    async def _execute_inserts(self, collection: AsyncCollection[Any], documents: list[Any], run: _Run) -> bool:
        encoder = Encoder(documents, collection.codec_options)
        batch: list[bytes] = []
        start = 0
        while raws := encoder.next_slice():
            if batch and sum(map(len, batch)) + sum(map(len, raws)) > MESSAGE_BYTES:
                reply = await run_inserts(collection, batch, self._is_ordered, self._options)
                if not self._merge(collection, run, reply, start, len(batch)):
                    return False
                start += len(batch)
                batch = []
            batch += raws
            await self._client._runner.breathe()
        reply = await run_inserts(collection, batch, self._is_ordered, self._options)
        return self._merge(collection, run, reply, start, len(batch))

    # What came of them

    def _merge(
        self, collection: AsyncCollection[Any], run: _Run, reply: dict[str, Any], start: int, count: int
    ) -> bool:
        """Add the reply of the batch of `count` operations from `start` of the run; False if it ends an ordered one."""
        if "upserted" in reply or "writeErrors" in reply:
            reply = decode_reply(reply, collection._reply_codec_options)
        result = self._result
        n = reply.get("n", 0)
        upserted = reply.get("upserted", [])
        if run.kind == "insert":
            result["nInserted"] += n
        elif run.kind == "delete":
            result["nDeleted"] += n
        else:
            result["nUpserted"] += len(upserted)
            result["nMatched"] += n - len(upserted)
            result["nModified"] += reply["nModified"]
        failures = {failure["index"]: failure for failure in reply.get("writeErrors", ())}
        for position, failure in failures.items():
            index = run.indexes[start + position]
            details = {name: value for name, value in failure.items() if name != "index"}
            counts = {"n": 0, "nModified": 0} if run.kind == "update" else {"n": 0}
            op = self._operations[index].op
            result["writeErrors"].append({"ok": 0.0, "idx": index, **details, **counts, "op": op})
        if "writeConcernError" in reply:
            result["writeConcernErrors"].append(reply["writeConcernError"])
        stops = bool(self._is_ordered and failures)
        tried = min(failures) + 1 if stops else count
        result["anySuccessful"] = result["anySuccessful"] or tried > len(failures)
        if self._is_verbose:
            self._tell(run, reply, start, [place for place in range(tried) if place not in failures])
        return not stops

    def _tell(self, run: _Run, reply: Mapping[str, Any], start: int, successes: list[int]) -> None:
        """Add the results of single operations."""
        upserted = {each["index"]: {"_id": each["_id"]} for each in reply.get("upserted", ())}
        for position in successes:
            index = run.indexes[start + position]
            if run.kind == "insert":
                identity = identify(self._operations[index].statement)
                self._result["insertResults"][index] = InsertOneResult(identity, True)
                continue
            document: dict[str, Any] = {"ok": 1.0, "idx": index, "n": reply["n"]}
            if run.kind == "delete":
                self._result["deleteResults"][index] = DeleteResult(document, True)
                continue
            document["nModified"] = reply["nModified"]
            if position in upserted:
                document["upserted"] = upserted[position]
            self._result["updateResults"][index] = UpdateResult(document, True, in_client_bulk=True)

    def _check_unacknowledged(self) -> None:
        if "collation" in self._uses:
            raise ConfigurationError("Collation is unsupported for unacknowledged writes.")
        if "arrayFilters" in self._uses:
            raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")
        if self._options.bypass_document_validation is not None:
            raise OperationFailure("Cannot set bypass_document_validation with unacknowledged write concern")
