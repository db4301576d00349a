"""insert: documents into a collection. Source: manual, insert (database command)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import Timestamp
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from amongo.commands.clustered import SAFE_BYTES, check_record_key
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import PROFILE, collection_namespace, refuse_profile
from amongo.commands.replies import WriteReply
from amongo.commands.time_series import insert_measurements
from amongo.commands.validation import check_inserted_raw
from amongo.commands.views import View, find_view, may_be_view
from amongo.commands.writing import check_batch_count, duplicate_key, write_error
from amongo.engine.origin import Origin, coming_from, narrowed
from amongo.engine.records import OBJECT_ID_ELEMENT, Collection, object_id_keys, record_key, record_keys
from amongo.engine.store import CollectionDropped, Inserted
from amongo.errors import ErrorCode, ServerError
from amongo.errors import command as errors
from amongo.errors import view as view_errors
from amongo.runtime.batches import Handled
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES, LOOP_DOCUMENTS, NESTING_DEPTH, QUICK_DOCUMENT_BYTES
from amongo.values.codec import decode_foreign, encode
from amongo.values.exact import NestedTooDeep
from amongo.values.identities import new_object_id
from amongo.values.key_bytes import OBJECT_ID_PREFIX
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
_SIMPLE_IDS = frozenset(bytes((kind,)) + _ID_NAME for kind in _SIMPLE_ID_KINDS)

# The type byte of timestamps, and how an element with an empty one looks; so may other bytes by chance. As a number the
# byte is found in a twentieth of the time that it takes as bytes.
_TIMESTAMP = 0x11
_ZEROS = bytes(9)  # an empty timestamp's, with the end of its name before them: few documents have so many together
_EMPTY_TIMESTAMP = re.compile(rb"\x11[^\0]*\0{9}")

# The nested documents and arrays of the deepest document that may be stored take so many bytes at least.
_DEEP_BYTES = 6 * NESTING_DEPTH
_SLICE_COUNT = 512

# In the time in which a read looks at one document, so many are inserted, or so many bytes.
_INSERTS_PER_READ = 16
_BYTES_PER_READ = 8192
_CHECKED_BYTES_PER_READ = 1024  # where a validator looks at them


class InsertRequest(NamedTuple):
    """An insert.

    namespace   "database.collection"
    documents   BSON bytes; those that do not begin with an `_id` are given one, or have it moved to the front
    ordered     end at the first error
    is_validated  documents have to pass the collection's validator
    """

    namespace: str
    documents: Sequence[bytes]
    ordered: bool = True
    is_validated: bool = True


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
    return InsertRequest(namespace, raws, values["ordered"], not values["bypassDocumentValidation"])


def run(instance: Instance, request: InsertRequest, context: Context) -> WriteReply:
    """Insert the documents; the batch is one commit.

    errors   none: what fails stands in the reply's `errors`
    """
    instance.counts["insert"] += len(request.documents)
    refuse_profile(request.namespace)
    if request.namespace not in instance.store.catalog.by_namespace:
        view = find_view(instance.store.catalog, request.namespace)
        if view is not None:
            return _insert_into_view(instance, request, view, context.interrupt)
    batch = _Batch(instance, _validator(instance, request))
    for start in range(0, len(request.documents), _SLICE_COUNT):
        context.interrupt.check()
        batch.add(start, request.documents[start : start + _SLICE_COUNT], request.ordered)
        if batch.failures and request.ordered:
            break
    try:
        collection, inserted = _insert(instance, request, batch, context.interrupt)
    except ServerError as blocked:
        if blocked.code != ErrorCode.UserWritesBlocked:
            raise
        refused = batch.positions[:1] if request.ordered else batch.positions
        failures = [*batch.failures, *(write_error(position, blocked) for position in refused)]
        return WriteReply(0, None, [], failures, 0)
    failures = batch.failures
    for duplicate in inserted.duplicates:
        error = duplicate_key(collection, batch.raws[duplicate])
        failures.append(write_error(batch.positions[duplicate], error))
    failures += (write_error(batch.positions[position], error) for position, error in inserted.failures)
    failures.sort(key=lambda failure: failure["index"])
    if request.ordered:
        del failures[1:]
    count = len(batch.raws) if inserted.positions is None else len(inserted.positions)
    return WriteReply(count, None, [], failures, inserted.sequence)


def _insert_into_view(instance: Instance, request: InsertRequest, view: View, interrupt: Interrupt) -> WriteReply:
    """Insert into a time series collection; nothing can be inserted into another view."""
    if not view.is_time_series:
        error = view_errors.IS_A_VIEW(namespace=view.namespace)
        count = 1 if request.ordered else len(request.documents)
        return WriteReply(0, None, [], [write_error(position, error) for position in range(count)], 0)
    count, failed, sequence = insert_measurements(
        instance, request.namespace, request.documents, request.ordered, stored_document, interrupt
    )
    return WriteReply(count, None, [], [write_error(position, error) for position, error in failed], sequence)


def _validator(instance: Instance, request: InsertRequest) -> Callable[[bytes], None] | None:
    """What refuses documents that fail the collection's validator; None where there is none to ask."""
    collection = instance.store.catalog.by_namespace.get(request.namespace)
    if collection is None or not (collection.is_validated and request.is_validated):
        return None
    return partial(check_inserted_raw, instance, collection)


class _Batch:
    """The documents of an insert that can be stored.

    instance    where they are inserted
    check       refuses documents, or None
    raws        as they are stored
    keys        of their `_id`s
    positions   in the request
    failures    write errors of the others
    """

    __slots__ = ("check", "failures", "instance", "keys", "positions", "raws")

    def __init__(self, instance: Instance, check: Callable[[bytes], None] | None = None) -> None:
        self.instance = instance
        self.check = check
        self.raws: list[bytes] = []
        self.keys: list[bytes] = []
        self.positions: list[int] = []
        self.failures: list[dict[str, Any]] = []

    def add(self, start: int, documents: Sequence[bytes], is_ordered: bool) -> None:
        """Add the documents that stand from `start` on in the request, up to the first failure of an ordered one."""
        keys = None if self.check is not None else _keys_as_they_are(documents)
        if keys is not None:
            self.raws += documents
            self.keys += keys
            self.positions += range(start, start + len(documents))
            return
        for position, raw in enumerate(documents, start):
            try:
                raw = stored_document(raw, self.instance)
                if self.check is not None:
                    self.check(raw)
            except ServerError as error:
                self.failures.append(write_error(position, error))
                if is_ordered:
                    return
                continue
            self.raws.append(raw)
            self.keys.append(record_key(raw))
            self.positions.append(position)

    def leave_out_large_ids(self, collection: Collection, is_ordered: bool) -> None:
        """Leave out the documents of a clustered collection whose `_id` is too large for a record's key; of an
        ordered batch, all behind the first of them too."""
        kept: list[int] = []
        for index, raw in enumerate(self.raws):
            try:
                check_record_key(collection, raw)
            except ServerError as error:
                self.failures.append(write_error(self.positions[index], error))
                if is_ordered:
                    break
            else:
                kept.append(index)
        self.raws = [self.raws[index] for index in kept]
        self.keys = [self.keys[index] for index in kept]
        self.positions = [self.positions[index] for index in kept]

    def keys_for(self, collection: Collection) -> list[bytes]:
        """The keys as the collection's index on `_id` has them."""
        return self.keys if collection.collator is None else record_keys(self.raws, collection.collator)


def _keys_as_they_are(documents: Sequence[bytes]) -> list[bytes] | None:
    """The keys of the `_id`s, if a look at the first bytes shows that all these documents can be stored as they are."""
    if max(map(len, documents)) > _DEEP_BYTES:
        return None
    if any(map(_EMPTY_TIMESTAMP.search, [raw for raw in documents if _TIMESTAMP in raw and _ZEROS in raw])):
        return None
    keys = object_id_keys(documents)
    if keys is None and _SIMPLE_IDS.issuperset({raw[4:9] for raw in documents}):
        keys = list(map(record_key, documents))
    return keys


def _insert(
    instance: Instance, request: InsertRequest, batch: _Batch, interrupt: Interrupt
) -> tuple[Collection, Inserted]:
    while True:
        collection = instance.writable_collection(request.namespace)
        if collection.is_clustered:
            batch.leave_out_large_ids(collection, request.ordered)
        try:
            with coming_from(narrowed(batch.positions)):
                return collection, instance.store.insert(
                    collection, batch.keys_for(collection), batch.raws, ordered=request.ordered, interrupt=interrupt
                )
        except CollectionDropped:  # between the two lines above; it is made anew
            continue


def insert_one(instance: Instance, namespace: str, raw: bytes, origin: Origin | None = None) -> int:
    """Insert one document at once: the journey of `insert_one`; the commit's sequence.

    0 when another thread holds the store's lock, when the `_id` is taken, or when it fails: `InsertRequest` then does
    it, or says why not, in full.

    origin   of a retryable write
    errors   StatementsDone, of one that was made meanwhile
    """
    store = instance.store
    if instance.attention.is_on or not store.lock.acquire(False):
        return 0
    try:
        # What begins so and is so short can have no fault, but for a timestamp to be filled in.
        if (
            raw[4:9] == OBJECT_ID_ELEMENT
            and len(raw) <= _DEEP_BYTES
            and (_TIMESTAMP not in raw or not _EMPTY_TIMESTAMP.search(raw))
        ):
            key = OBJECT_ID_PREFIX + raw[9:21]
        else:
            raw = stored_document(raw, instance)
            key = record_key(raw)
            if len(raw) > SAFE_BYTES:
                return 0
        collection = store.catalog.by_namespace.get(namespace) or instance.writable_collection(namespace)
        if not collection.is_ordinary and not (collection.is_quick and len(raw) <= QUICK_DOCUMENT_BYTES):
            if collection.cap is not None and namespace.endswith(PROFILE):
                return 0
            if collection.is_validated or collection.reads(1, len(raw)) > LOOP_DOCUMENTS:
                return 0
            if collection.collator is not None:
                key = record_key(raw, collection.collator)
        if collection.has_key(key):
            return 0
        sequence = (
            store.append(collection, key, raw) if origin is None else store.append_told(origin, collection, key, raw)
        )
        instance.counts["insert"] += 1
        return sequence
    except ServerError:
        return 0
    finally:
        store.lock.release()


def insert_together(raws: list[bytes], instance: Instance, namespace: str, is_durable: bool) -> Handled[int]:
    """What `insert_one` does, for documents of several tasks, as one commit.

    result   for each document what `insert_one` gives; with `is_durable`, tasks wait until the commit is
    """
    if len(raws) == 1:
        sequence = insert_one(instance, namespace, raws[0])
        return Handled((sequence,), instance.durable(sequence) if is_durable and sequence else None)
    sequences = [0] * len(raws)
    store = instance.store
    if instance.attention.is_on or namespace.endswith(PROFILE) or not store.lock.acquire(False):
        return Handled(sequences, None)
    try:
        batch = _Batch(instance)
        batch.add(0, raws, is_ordered=False)
        if not batch.raws:
            return Handled(sequences, None)
        collection = store.catalog.by_namespace.get(namespace) or instance.writable_collection(namespace)
        if collection.is_validated:
            return Handled(sequences, None)
        if collection.is_clustered:
            batch.leave_out_large_ids(collection, is_ordered=False)
        inserted = store.insert(collection, batch.keys_for(collection), batch.raws, ordered=False)
        for position in batch.positions if inserted.positions is None else inserted.positions:
            sequences[position if inserted.positions is None else batch.positions[position]] = inserted.sequence
        instance.counts["insert"] += len(batch.raws) - len(inserted.duplicates)
        return Handled(sequences, instance.durable(inserted.sequence) if is_durable and inserted.sequence else None)
    except (ServerError, CollectionDropped):
        return Handled(sequences, None)
    finally:
        store.lock.release()


def stored_document(raw: bytes, instance: Instance) -> bytes:
    """A document as it is stored: with its `_id` as the first field, its empty timestamps filled in.

    errors   DOCUMENT_TOO_LARGE, NESTED_TOO_DEEP, INVALID_ID_TYPE, ID_DOLLAR_FIELD, INVALID_BSON
    """
    if len(raw) > DOCUMENT_BYTES:
        raise errors.DOCUMENT_TOO_LARGE(size=len(raw), limit=DOCUMENT_BYTES)
    if raw[5:9] != _ID_NAME or raw[4] not in _SIMPLE_ID_KINDS:
        raw = _with_id_first(raw)
    if len(raw) > _DEEP_BYTES and raw.count(b"\x03") + raw.count(b"\x04") >= NESTING_DEPTH:
        check_depth(_decoded(raw))
    if _TIMESTAMP in raw and _EMPTY_TIMESTAMP.search(raw):
        raw = _with_timestamps(raw, instance)
    return raw


def _with_timestamps(raw: bytes, instance: Instance) -> bytes:
    """A document whose top-level fields that hold `Timestamp(0, 0)`, but for `_id`, have the present cluster time.

    source   manual, BSON Types, Timestamps
    """
    document = _decoded(raw)
    for name, value in document.items():
        if type(value) is Timestamp and value.time == value.inc == 0 and name != "_id":
            document[name] = instance.next_timestamp()
    return encode(document)


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
        document = {"_id": new_object_id(), **document}
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
        _check_id_names(value)


def _check_id_names(value: dict[str, Any]) -> None:
    """Refuse names that begin with a dollar, at any depth, except those of a DBRef."""
    names = [name for name in value if name.startswith("$")]
    if names[:2] == ["$ref", "$id"] and next(iter(value)) == "$ref" and type(value["$ref"]) is str:
        names = [name for name in names[2:] if name != "$db" or type(value["$db"]) is not str]
    if names:
        raise errors.ID_DOLLAR_FIELD(name=names[0])
    inner = list(value.values())
    while inner:
        each = inner.pop()
        if type(each) is dict:
            _check_id_names(each)
        elif type(each) is list:
            inner += each


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
    """How many documents a read looks at in the time that the insert takes: it writes them all, and decodes none but
    for a validator."""
    documents = request.documents
    collection = instance.store.catalog.by_namespace.get(request.namespace)
    if collection is None:
        if may_be_view(instance.store.catalog, request.namespace):  # measurements are decoded
            return len(documents)
    elif collection.is_validated and request.is_validated:
        return len(documents) + sum(map(len, documents)) // _CHECKED_BYTES_PER_READ
    elif not collection.is_plain:
        return collection.reads(len(documents), sum(map(len, documents)))
    count = len(documents) // _INSERTS_PER_READ
    return count if count > LOOP_DOCUMENTS else max(count, sum(map(len, documents)) // _BYTES_PER_READ)


COMMAND = Command("insert", parse, run, raw_fields=("documents",))
