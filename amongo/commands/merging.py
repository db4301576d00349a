"""Merging documents into a collection, one update or insert for each: what $merge does with what comes out of its
pipeline. Source: manual, $merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amongo.aggregate.output import MergeTarget
from amongo.commands.clustered import check_record_key
from amongo.commands.insert import stored_document
from amongo.commands.update import UpdateStatement
from amongo.commands.validation import check_inserted_raw
from amongo.commands.writing import duplicate_key
from amongo.commands.writing_updates import UpdateTask, update_one, upsert
from amongo.engine.records import Collection, record_key
from amongo.engine.store import CollectionDropped
from amongo.errors import ServerError
from amongo.errors import command as command_errors
from amongo.errors import output as errors
from amongo.errors.codes import ErrorCode
from amongo.mql.expressions.truth import is_nullish
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES, WRITE_ATTEMPTS, WRITE_BATCH_COUNT
from amongo.values.codec import encode
from amongo.values.identities import new_object_id
from amongo.values.missing import MISSING
from amongo.values.order import equal
from amongo.values.paths import FieldPath, get

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_ID: Final = (FieldPath("_id", ("_id",)),)
_SIMPLE: Final = {"locale": "simple"}
_EXISTING_FOUND: Final = (
    "$merge with whenMatched: fail found an existing document with the same values for the 'on' fields :: caused by :: "
)


def check_unique(collection: Collection | None, on: tuple[FieldPath, ...], collation: dict[str, Any] | None) -> None:
    """Refuse fields to match by that no unique index makes sure of.

    collection   None where it is yet to be made: only `_id` is unique there
    errors       MERGE_NOT_UNIQUE
    """
    if collection is None:
        if {path.text for path in on} != {"_id"}:
            raise errors.MERGE_NOT_UNIQUE()
    elif _supporting_index(collection, on, collation) is None:
        raise errors.MERGE_NOT_UNIQUE()


def _supporting_index(
    collection: Collection, on: tuple[FieldPath, ...], collation: dict[str, Any] | None
) -> Mapping[str, Any] | None:
    """The index of exactly these fields, in any order, that lets no two documents have the same values; an index that
    takes documents without them is preferred to a sparse one."""
    names = {path.text for path in on}
    found = None
    for definition in collection.indexes.values():
        is_unique = definition.get("unique") or definition["name"] == "_id_" or definition.get("clustered")
        if (
            is_unique
            and set(definition["key"]) == names
            and not any(type(kind) is str for kind in definition["key"].values())
            and "partialFilterExpression" not in definition
            and equal(definition.get("collation"), collation)
        ):
            if not definition.get("sparse"):
                return definition
            found = definition
    return found


class _Prepared(NamedTuple):
    """A document to write, the filter that finds its match, and the values of `let`."""

    document: dict[str, Any]
    filter: dict[str, Any]
    values: Mapping[str, Any]


@dataclass(slots=True)
class Merging:
    """The writes of one $merge, in batches. As on the server, a write that fails does not keep the others of its batch
    from being made, and the first failure is reported when they are; what fails before, in the pipeline or with a
    document's fields to match by, leaves the batch unwritten.

    variables    of the aggregate
    collation    of the aggregate: so values are compared when a match is looked for
    """

    instance: Instance
    namespace: str
    target: MergeTarget
    variables: dict[str, Any]
    collation: dict[str, Any] | None
    interrupt: Interrupt
    is_validated: bool
    _batch: list[_Prepared] = field(default_factory=list)
    _batch_bytes: int = 0

    def add(self, document: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Add one document to the batch, and write it if it is full then.

        values   of `let`
        errors   MERGE_ON_NULLISH, MERGE_ON_ARRAY, those of `write`
        """
        on = self.target.on or _ID
        if _ID[0] in on and "_id" not in document:
            document = {**document, "_id": new_object_id()}
        self._batch.append(_Prepared(document, self._matching(document, on), values))
        self._batch_bytes += len(encode(document))
        if len(self._batch) >= WRITE_BATCH_COUNT or self._batch_bytes >= DOCUMENT_BYTES:
            self.write()

    def write(self) -> None:
        """Write the batch.

        errors   MERGE_NO_MATCH, DUPLICATE_KEY, those of updates and inserts
        """
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        failure: ServerError | None = None
        is_unmatched = False
        for each in batch:
            self.interrupt.check()
            try:
                if self.target.when_matched == "fail":
                    self._insert_new(each.document)
                elif not self._update(each):
                    is_unmatched = True
            except ServerError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        if is_unmatched and self.target.when_not_matched == "fail":
            raise errors.MERGE_NO_MATCH()

    def _matching(self, document: dict[str, Any], on: tuple[FieldPath, ...]) -> dict[str, Any]:
        """The filter that finds the match of a document.

        errors   MERGE_ON_NULLISH, MERGE_ON_ARRAY
        """
        collection = self.instance.store.catalog.get(self.namespace)
        index = None if collection is None else _supporting_index(collection, on, self.collation)
        is_sparse = bool(index and index.get("sparse"))
        filter: dict[str, Any] = {}
        for path in on:
            value = get(document, path)
            if is_nullish(value) and is_sparse:
                raise errors.MERGE_ON_NULLISH(field=path.text)
            if type(value) is list:
                raise errors.MERGE_ON_ARRAY(field=path.text)
            filter[path.text] = {"$eq": None if value is MISSING else value}
        return filter

    def _update(self, prepared: _Prepared) -> bool:
        """Update the match, or insert a document where that is asked for; whether either was done.

        errors   those of updates
        """
        document, filter, values = prepared
        matched, inserts = self.target.when_matched, self.target.when_not_matched == "insert"
        constants = None
        update: dict[str, Any] | list[Any]
        if matched == "replace":
            update = document
        elif matched == "merge":
            update = {"$set": document}
        elif matched == "keepExisting":
            update = {"$setOnInsert": document}
        else:
            update, constants = self.target.stages, dict(values)
        collation = self.collation
        if collation is None and self._target_is_collated():
            collation = _SIMPLE
        statement = UpdateStatement(filter, update, constants=constants, collation=collation)
        for _ in range(WRITE_ATTEMPTS):
            task = UpdateTask.parse(
                self.instance,
                self.namespace,
                statement,
                self.variables,
                self.interrupt,
                is_validated=self.is_validated,
            )
            if update_one(task).matched:
                return True
            if not inserts:
                return False
            if constants is None:
                return bool(upsert(task)[0].matched)
            try:
                self._insert(values["new"])  # not what the pipeline makes of it
            except ServerError as error:
                if error.code == ErrorCode.DuplicateKey and update_one(task).matched:  # it has come meanwhile
                    return True
                raise
            return True
        raise command_errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)

    def _target_is_collated(self) -> bool:
        collection = self.instance.store.catalog.get(self.namespace)
        return collection is not None and collection.collator is not None

    def _insert_new(self, document: dict[str, Any]) -> None:
        """Insert a document that must not be there.

        errors   DUPLICATE_KEY, those of inserts
        """
        try:
            self._insert(document)
        except ServerError as error:
            if error.code != ErrorCode.DuplicateKey:
                raise
            raise ServerError(error.code, _EXISTING_FOUND + error.message, error.labels, error.extra) from None

    def _insert(self, document: dict[str, Any]) -> None:
        """Insert a document.

        errors   DUPLICATE_KEY, VALIDATION_FAILED, DOCUMENT_TOO_LARGE, NESTED_TOO_DEEP, INVALID_ID_TYPE
        """
        raw = stored_document(encode(document), self.instance)
        while True:
            collection = self.instance.writable_collection(self.namespace)
            check_record_key(collection, raw)
            if collection.is_validated and self.is_validated:
                check_inserted_raw(self.instance, collection, raw)
            try:
                key = record_key(raw, collection.collator)
                if not self.instance.store.insert_one(collection, key, raw):
                    raise duplicate_key(collection, raw)
            except CollectionDropped:
                continue
            return
