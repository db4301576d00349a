"""insert: documents into a collection. Source: manual, insert (database command)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.replies import WriteReply
from amongo.commands.writing import check_batch_count, duplicate_key, write_error
from amongo.engine.records import Collection, record_key
from amongo.engine.store import CollectionDropped
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.runtime.limits import DOCUMENT_BYTES, NESTING_DEPTH
from amongo.values.codec import decode_foreign, encode
from amongo.values.exact import NestedTooDeep
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "documents": Field("array", required=True),
    "ordered": Field("bool", default=True),
    "bypassDocumentValidation": Field("flag", default=False),
    "maxWireVersion": Field("integer"),
    "bypassEmptyTsReplacement": Field("bool"),
    "encryptionInformation": Field("object"),
}

# Type bytes of `_id`s: those that any document may have, checked by one look, and those that none may.
_ID_NAME = b"_id\x00"
_SIMPLE_ID_KINDS = frozenset({0x01, 0x02, 0x05, 0x07, 0x08, 0x09, 0x0A, 0x10, 0x11, 0x12, 0x13})


@dataclass(frozen=True, slots=True)
class InsertRequest:
    """An insert.

    namespace   "database.collection"
    documents   BSON bytes; those that do not begin with an `_id` are given one, or have it moved to the front
    ordered     end at the first error
    """

    namespace: str
    documents: Sequence[bytes]
    ordered: bool = True


def parse(database: str, document: dict[str, Any]) -> InsertRequest:
    """The request of an insert command; its `documents` are RawBSONDocuments.

    errors   those of `parse_fields`; WRONG_TYPE for an element that is not a document; EMPTY_BATCH
    """
    namespace = collection_namespace(database, document["insert"])
    values = parse_fields("insert", document, FIELDS)
    check_batch_count(len(values["documents"]))
    raws: list[bytes] = []
    for position, each in enumerate(values["documents"]):
        if not isinstance(each, RawBSONDocument):
            raise errors.WRONG_TYPE(
                command="insert", field=f"documents.{position}", actual=alias(each), expected="type 'object'"
            )
        raws.append(bytes(each.raw))
    return InsertRequest(namespace, raws, values["ordered"])


def run(instance: Instance, request: InsertRequest, context: Context) -> WriteReply:
    """Insert the documents; the batch is one commit.

    errors   none: what fails stands in the reply's `errors`
    """
    instance.counts["insert"] += len(request.documents)
    raws: list[bytes] = []
    positions: list[int] = []
    failures: list[dict[str, Any]] = []
    for position, raw in enumerate(request.documents):
        try:
            raws.append(stored_document(raw))
            positions.append(position)
        except ServerError as error:
            failures.append(write_error(position, error))
            if request.ordered:
                break
    keys = list(map(record_key, raws))
    collection, inserted = _insert(instance, request, keys, raws)
    for duplicate in inserted.duplicates:
        failures.append(write_error(positions[duplicate], duplicate_key(collection.namespace, raws[duplicate])))
    failures.sort(key=lambda failure: failure["index"])
    if request.ordered:
        del failures[1:]
    count = len(raws) if inserted.positions is None else len(inserted.positions)
    return WriteReply(count, None, [], failures, inserted.sequence)


def _insert(instance: Instance, request: InsertRequest, keys: list[bytes], raws: list[bytes]) -> tuple[Collection, Any]:
    while True:
        collection = instance.writable_collection(request.namespace)
        try:
            return collection, instance.store.insert(collection, keys, raws, ordered=request.ordered)
        except CollectionDropped:  # between the two lines above; it is made anew
            continue


def insert_one(instance: Instance, namespace: str, raw: bytes) -> int:
    """Insert one document; the commit's sequence, or 0 if its `_id` is taken.

    errors   those of `stored_document` and `Instance.writable_collection`
    """
    instance.counts["insert"] += 1
    raw = stored_document(raw)
    key = record_key(raw)
    store = instance.store
    while True:
        collection = store.catalog.by_namespace.get(namespace) or instance.writable_collection(namespace)
        try:
            return store.insert_one(collection, key, raw)
        except CollectionDropped:
            continue


def stored_document(raw: bytes) -> bytes:
    """A document as it is stored: with its `_id` as the first field.

    errors   DOCUMENT_TOO_LARGE, NESTED_TOO_DEEP, INVALID_ID_TYPE, ID_DOLLAR_FIELD, INVALID_BSON
    """
    if len(raw) > DOCUMENT_BYTES:
        raise errors.DOCUMENT_TOO_LARGE(size=len(raw), limit=DOCUMENT_BYTES)
    if raw[5:9] != _ID_NAME or raw[4] not in _SIMPLE_ID_KINDS:
        raw = _with_id_first(raw)
    if len(raw) > 6 * NESTING_DEPTH and raw.count(b"\x03") + raw.count(b"\x04") >= NESTING_DEPTH:
        check_depth(_decoded(raw))
    return raw


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        return decode_foreign(raw)
    except (NestedTooDeep, RecursionError):
        raise errors.NESTED_TOO_DEEP(limit=NESTING_DEPTH) from None
    except InvalidBSON as error:
        raise errors.INVALID_BSON(reason=error) from None


def _with_id_first(raw: bytes) -> bytes:
    document = _decoded(raw)
    if "_id" in document:
        check_id(document["_id"])
    else:
        document = {"_id": ObjectId(), **document}
    if next(iter(document)) == "_id" and raw[5:9] == _ID_NAME:
        return raw
    return encode({"_id": document.pop("_id"), **document})


def check_id(value: Any) -> None:
    """Refuse a value that cannot be an `_id`.

    errors   INVALID_ID_TYPE for arrays, regular expressions and undefined; ID_DOLLAR_FIELD
    """
    kind = alias(value)
    if kind in ("array", "regex", "undefined"):
        raise errors.INVALID_ID_TYPE(kind=kind)
    if kind == "object":
        for name in value:
            if name.startswith("$"):
                raise errors.ID_DOLLAR_FIELD(name=name)


def check_depth(value: Any) -> None:
    """Refuse a document nested too deep.

    errors   NESTED_TOO_DEEP
    """
    level = [value]
    for _ in range(NESTING_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) in (dict, list)
        ]
        if not level:
            return
    raise errors.NESTED_TOO_DEEP(limit=NESTING_DEPTH)


def examines(instance: Instance, request: InsertRequest) -> int:
    """How many documents it inserts."""
    return len(request.documents)


COMMAND = Command("insert", parse, run, raw_fields=("documents",))
