"""Putting documents into a collection, in batches, and the account of what became of each.

Modes, as mongoimport has them (manual, mongoimport, `--mode`): insert; upsert replaces the document with the same
`upsert_fields`, or inserts; merge sets the fields in it, or inserts; delete removes it. A document without any of the
fields is inserted, and with delete left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from amongo.runtime.limits import DOCUMENT_BYTES, LOAD_BATCH_BYTES, LOAD_BATCH_COUNT, SHOWN_FAILURES
from amongo.values.codec import decode_foreign, encode

INSERT, UPSERT, MERGE, DELETE = "insert", "upsert", "merge", "delete"
MODES: Final = (INSERT, UPSERT, MERGE, DELETE)


class Stopped(Exception):
    """A document was refused, and the first one to be so ends the import."""


@dataclass(slots=True)
class Outcome:
    """What became of the documents that were read.

    read       how many
    inserted, changed, unchanged, deleted
               of them; `changed` are replaced or merged, `unchanged` matched and already so, or had nothing to match
    failed     refused by the database
    failures   the first of these, told with their places
    """

    read: int = 0
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, place: str, code: int | None, message: str) -> None:
        """Count a document that was refused."""
        self.failed += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append(f"{place}: {message}" + (f" (code {code})" if code else ""))

    def __str__(self) -> str:
        parts = [f"{self.inserted} inserted"]
        names = ("changed", "unchanged", "deleted", "failed")
        return ", ".join(parts + [f"{count} {name}" for name in names if (count := getattr(self, name))])


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How documents are put into a collection.

    mode                one of MODES
    upsert_fields       paths that say which document is meant
    stops               the first refused document ends the import
    skips_validation    `bypassDocumentValidation`
    """

    mode: str = INSERT
    upsert_fields: tuple[str, ...] = ("_id",)
    stops: bool = False
    skips_validation: bool = False


class Loader:
    """Puts documents into one collection."""

    def __init__(self, collection: Any, options: LoadOptions, outcome: Outcome, unit: str) -> None:
        self._collection = collection
        self._options = options
        self._outcome = outcome
        self._unit = unit
        self._places: list[int] = []
        self._batch: list[Any] = []
        self._batch_bytes = 0

    def add(self, place: int, raw: bytes) -> None:
        """Take one document; it is written with its batch.

        errors   Stopped; PyMongoError for a database that cannot be reached or refuses everything
        """
        self._outcome.read += 1
        if len(raw) > DOCUMENT_BYTES:
            self._refuse(place, 10334, f"the document has {len(raw)} bytes, and {DOCUMENT_BYTES} are allowed")
            return
        operation = self._operation(raw)
        if operation is None:
            self._outcome.unchanged += 1
            return
        self._places.append(place)
        self._batch.append(operation)
        self._batch_bytes += len(raw)
        if len(self._batch) >= LOAD_BATCH_COUNT or self._batch_bytes >= LOAD_BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken.

        errors   as of `add`
        """
        batch, places = self._batch, self._places
        self._batch, self._places, self._batch_bytes = [], [], 0
        if not batch:
            return
        stops, skips = self._options.stops, self._options.skips_validation
        try:
            if self._options.mode == INSERT:
                self._collection.insert_many(batch, ordered=stops, bypass_document_validation=skips)
                self._outcome.inserted += len(batch)
            else:
                result = self._collection.bulk_write(batch, ordered=stops, bypass_document_validation=skips)
                self._count(result.bulk_api_result, len(batch))
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            done = refused[0]["index"] if refused and stops else len(batch) - len(refused)
            self._count(error.details, done)
            for each in refused:
                self._outcome.fail(self._at(places[each["index"]]), each.get("code"), each.get("errmsg", ""))
            if refused and stops:
                raise Stopped from None
            if not refused:  # a write concern that could not be met
                raise

    def _count(self, result: Mapping[str, Any], done: int) -> None:
        outcome = self._outcome
        outcome.inserted += result["nInserted"] + result["nUpserted"]
        outcome.changed += result["nModified"]
        outcome.unchanged += result["nMatched"] - result["nModified"]
        outcome.deleted += result["nRemoved"]
        if self._options.mode == DELETE:
            outcome.unchanged += done - result["nRemoved"]

    def _operation(self, raw: bytes) -> Any:
        """What is to be written for a document; None for nothing."""
        mode = self._options.mode
        if mode == INSERT:
            return RawBSONDocument(raw)
        document = decode_foreign(raw)
        selector = selector_of(document, self._options.upsert_fields)
        if mode == DELETE:
            return None if selector is None else DeleteOne(selector)
        if selector is None:
            return InsertOne(RawBSONDocument(raw))
        if mode == UPSERT:
            return ReplaceOne(selector, RawBSONDocument(raw), upsert=True)
        return UpdateOne(selector, {"$set": RawBSONDocument(raw)}, upsert=True)

    def _refuse(self, place: int, code: int, message: str) -> None:
        self._outcome.fail(self._at(place), code, message)
        if self._options.stops:
            self.flush()
            raise Stopped

    def _at(self, place: int) -> str:
        return f"{self._unit} {place}"


def selector_of(document: dict[str, Any], paths: Sequence[str]) -> RawBSONDocument | None:
    """The filter that finds a document by the values at some paths; None if it has none of them.

    A path that leads nowhere asks for null. Source: manual, mongoimport, `--upsertFields`
    """
    values = {path: _at_path(document, path) for path in paths}
    if all(value is None for value in values.values()):
        return None
    return RawBSONDocument(encode({path: {"$eq": value} for path, value in values.items()}))


def _at_path(document: Any, path: str) -> Any:
    for name in path.split("."):
        if type(document) is not dict or name not in document:
            return None
        document = document[name]
    return document
