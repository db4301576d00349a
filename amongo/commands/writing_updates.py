"""Updating documents: the match, the new document, the commit, and again if another was faster.

A new document is computed without a lock. The store takes it only where the bytes still stand from which it was
computed; where they do not, the document is looked at anew. findAndModify takes the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import ObjectId

from amongo.aggregate import Environment, parse_pipeline
from amongo.commands.clustered import check_record_key
from amongo.commands.collations import asked_collation, collator_for
from amongo.commands.hints import check_hint
from amongo.commands.insert import check_depth, check_id
from amongo.commands.planning import plan
from amongo.commands.time_series_writes import check_series_update, update_measurements, written_series
from amongo.commands.validation import check_inserted, check_updated
from amongo.commands.views import may_be_view
from amongo.commands.writing import duplicate_key
from amongo.engine.origin import upserting
from amongo.engine.records import Collection, record_key
from amongo.engine.store import Change, CollectionDropped
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.mql.expressions.scope import check_write_name
from amongo.mql.matcher import array_match_index, parse_filter
from amongo.mql.updates import PlainShape, Update, apply_plain, parse_update, upsert_document
from amongo.planner import CanonicalQuery, canonical_query
from amongo.planner.plan import Row
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES, LOOP_DOCUMENTS, UPDATE_BATCH_COUNT, WRITE_ATTEMPTS
from amongo.values.codec import decode, encode, kept_whole
from amongo.values.key_bytes import collated
from amongo.values.order import Collator

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.commands.update import UpdateStatement


class Done(NamedTuple):
    """What an update has done.

    matched    documents that matched; an upserted one counts
    modified   documents that were changed
    sequence   the last commit; 0 if nothing was written
    """

    matched: int
    modified: int
    sequence: int


NOTHING = Done(0, 0, 0)


@dataclass(frozen=True, slots=True)
class UpdateTask:
    """One statement, ready to run."""

    instance: Instance
    namespace: str
    filter: dict[str, Any]
    query: CanonicalQuery
    update: Update
    interrupt: Interrupt
    hint: Any = None
    is_validated: bool = True

    @classmethod
    def parse(
        cls,
        instance: Instance,
        namespace: str,
        statement: UpdateStatement,
        variables: dict[str, Any],
        interrupt: Interrupt,
        *,
        is_validated: bool = True,
    ) -> UpdateTask:
        """Parse a statement's filter and update.

        is_validated   documents have to pass the collection's validator
        errors   those of the filter and the update; UPDATE_CONSTANTS, MULTI_SORT, MULTI_REPLACEMENT; IS_A_VIEW, those
                 of `check_series_update`
        """
        collection = instance.store.catalog.get(namespace)
        if collection is None:
            collection = written_series(instance.store.catalog, namespace)
            if collection is not None:
                check_series_update(collection, statement)
        collator = collator_for(asked_collation(statement.collation), collection)
        update = parse_update(
            statement.update,
            array_filters=statement.array_filters,
            variables=variables,
            collator=collator,
            run_pipeline=_pipeline_runner(namespace, statement, variables, collator, interrupt),
        )
        if statement.sort is not None and statement.multi:
            raise errors.MULTI_SORT()
        if statement.multi and update.kind == "replacement":
            raise errors.MULTI_REPLACEMENT()
        query = canonical_query(
            statement.filter,
            sort=statement.sort,
            variables=variables,
            hint=statement.hint,
            limit=not statement.multi,
            collator=collator,
            id_collator=None if collection is None else collection.collator,
        )
        return cls(instance, namespace, statement.filter, query, update, interrupt, statement.hint, is_validated)

    def rows(self, collection: Collection) -> Iterator[Row]:
        """The documents that match now.

        errors   BAD_VALUE for a hint that names no index
        """
        check_hint(collection, self.hint)
        return plan(self.instance, self.query, collection).rows(self.instance.store, self.interrupt)

    def changed(self, row: Row, collection: Collection) -> Change | None:
        """The change of one document; None if the update leaves it as it is.

        errors   those of the update's operators; UPDATED_TOO_LARGE, NESTED_TOO_DEEP, VALIDATION_FAILED
        """
        document = row.decoded()
        index = None
        if self.update.uses_positional and self.query.expression is not None:
            index = array_match_index(self.query.expression, document)
        change = _change(self.instance, self.update, row.record_id, row.raw, document, index)
        if change is not None and collection.is_validated and self.is_validated:
            check_updated(self.instance, collection, document, decode(change.raw))
        return change

    def check_inserted(self, collection: Collection, document: dict[str, Any]) -> None:
        """Refuse an upserted document that fails the collection's validator.

        errors   VALIDATION_FAILED
        """
        if collection.is_validated and self.is_validated:
            check_inserted(self.instance, collection, document)

    def upserted_document(self) -> dict[str, Any]:
        """The document that an upsert inserts, `_id` first."""
        now, timestamp = self.instance.moment()
        expression = self.query.expression or parse_filter(self.filter)
        document = upsert_document(expression, self.update, now=now, clock_timestamp=timestamp)
        if "_id" not in document:
            return {"_id": ObjectId(), **document}
        check_id(document["_id"])
        return {"_id": document.pop("_id"), **document}


def update_one(task: UpdateTask) -> Done:
    """Update the first match.

    errors   those of the update; WRITE_CONFLICT when others changed the document each time
    """
    for _ in range(WRITE_ATTEMPTS):
        collection = task.instance.store.catalog.get(task.namespace)
        if collection is None:
            return NOTHING
        row = next(task.rows(collection), None)
        if row is None:
            return NOTHING
        change = task.changed(row, collection)
        if change is None:
            return Done(1, 0, 0)
        changed = task.instance.store.update(collection, (change,))
        if not changed.conflicts:
            return Done(1, 1, changed.sequence)
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


NO_MATCH = -1


def update_by_id(
    instance: Instance, namespace: str, key: bytes, shape: PlainShape, update: dict[str, Any]
) -> int | None:
    """Update the document whose `_id` has this key, at once: the journey of `update_one({"_id": x}, {"$set": …})`.

    update   as the caller wrote it; `shape` is its shape
    result   the commit's sequence; 0 if the document stays as it is, NO_MATCH if there is none; None when another
             thread holds the store's lock, or when the update fails: `UpdateRequest` then does it, or says why not
    """
    store = instance.store
    if instance.attention.is_on or not store.lock.acquire(False):
        return None
    try:
        instance.counts["update"] += 1
        collection = store.catalog.by_namespace.get(namespace)
        if collection is None:
            return None if may_be_view(store.catalog, namespace) else NO_MATCH
        if not collection.is_ordinary:
            if collection.cap is not None or collection.is_validated or collection.reads_per_write > LOOP_DOCUMENTS:
                return None
            if collection.collator is not None:
                key = collated(key, collection.collator)
        found = collection.find_id(key)
        if found is None:
            return NO_MATCH
        record_id, raw = found
        applied = apply_plain(shape, update, raw)
        if applied is None:
            return None
        changed, description = applied
        if not description:
            return 0
        if len(changed) > DOCUMENT_BYTES:
            return None
        return store.replace(collection, record_id, changed, description)
    except ServerError:
        return None
    finally:
        store.lock.release()


def _change(
    instance: Instance,
    update: Update,
    record_id: int,
    raw: bytes,
    document: dict[str, Any],
    array_index: int | None,
) -> Change | None:
    """The change that an update makes of one document; None if it leaves it as it is.

    errors   those of the update's operators; UPDATED_TOO_LARGE, NESTED_TOO_DEEP
    """
    now, timestamp = instance.moment()
    document = kept_whole(document, raw)
    after, description = update.apply(document, now=now, clock_timestamp=timestamp, array_index=array_index)
    if after is None:
        return None
    changed = encode(after)
    if len(changed) > DOCUMENT_BYTES:
        raise errors.UPDATED_TOO_LARGE(limit=DOCUMENT_BYTES)
    if description is None:
        return None if changed == raw and update.is_given_whole else Change(record_id, raw, changed, None)
    return Change(record_id, raw, changed, encode({name: part for name, part in description.items() if part}))


def update_many(task: UpdateTask) -> Done:
    """Update every match; a commit holds up to 1000 documents.

    errors   those of the update; documents before the one that failed stay updated
    """
    collection = task.instance.store.catalog.get(task.namespace)
    if collection is None:
        series = written_series(task.instance.store.catalog, task.namespace)
        if series is None:
            return NOTHING
        return Done(*update_measurements(task.instance, series, task.query.matches, task.update, task.interrupt))
    matched = modified = sequence = 0
    pending: list[Change] = []

    def commit() -> None:
        nonlocal matched, modified, sequence
        changes = list(pending)
        pending.clear()
        changed = task.instance.store.update(collection, changes, task.interrupt)
        modified += len(changes) - len(changed.conflicts)
        sequence = changed.sequence or sequence
        for position in changed.conflicts:
            again = _update_record(task, collection, changes[position].record_id)
            matched += again.matched - 1
            modified += again.modified
            sequence = again.sequence or sequence

    try:
        for row in task.rows(collection):
            change = task.changed(row, collection)
            matched += 1
            if change is not None:
                pending.append(change)
                if len(pending) >= UPDATE_BATCH_COUNT:
                    commit()
    finally:
        if pending:
            commit()
    return Done(matched, modified, sequence)


def _update_record(task: UpdateTask, collection: Collection, record_id: int) -> Done:
    """Update one record that another has changed meanwhile, if it still matches."""
    for _ in range(WRITE_ATTEMPTS):
        raw = None if collection.is_dropped else collection.record(record_id)
        if raw is None:
            return NOTHING
        document = decode(raw)
        if task.query.matches is not None and not task.query.matches(document):
            return NOTHING
        change = task.changed(Row(record_id, raw, document), collection)
        if change is None:
            return Done(1, 0, 0)
        changed = task.instance.store.update(collection, (change,))
        if not changed.conflicts:
            return Done(1, 1, changed.sequence)
    raise errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def upsert(task: UpdateTask) -> tuple[Done, dict[str, Any] | None]:
    """(what was done, the new document or None) of an upsert that has found nothing to update.

    A document with its `_id` may have come meanwhile; then the update is tried again.

    errors   those of the update; DUPLICATE_KEY
    """
    for _ in range(WRITE_ATTEMPTS):
        document = task.upserted_document()
        raw = encode(document)
        if len(raw) > DOCUMENT_BYTES:
            raise errors.UPDATED_TOO_LARGE(limit=DOCUMENT_BYTES)
        check_depth(document)
        collection = task.instance.writable_collection(task.namespace)
        check_record_key(collection, raw)
        task.check_inserted(collection, document)
        try:
            key = record_key(raw, collection.collator)
            with upserting():
                sequence = task.instance.store.insert_one(collection, key, raw)
        except CollectionDropped:
            continue
        if sequence:
            return Done(1, 0, sequence), document
        done = update_one(task)
        if done.matched:
            return done, None
        if task.query.id_keys is None:
            break
    raise duplicate_key(collection, raw)


def _pipeline_runner(
    namespace: str,
    statement: UpdateStatement,
    variables: dict[str, Any],
    collator: Collator | None,
    interrupt: Interrupt,
) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    """What runs an update pipeline on one document; None for the other kinds of update.

    errors   UPDATE_CONSTANTS for constants of another kind of update; names of theirs that no variable may have, and
             those of the pipeline's stages
    """
    stages, constants = statement.update, statement.constants
    if type(stages) is not list:
        if constants is not None:
            raise errors.UPDATE_CONSTANTS()
        return None
    if constants:
        for name in constants:
            check_write_name(name)
        variables = variables | constants
    pipeline = parse_pipeline(stages, variables=variables, collator=collator)
    environment = Environment(namespace.partition(".")[0], _no_collection, variables=variables, interrupt=interrupt)

    def run(document: dict[str, Any]) -> dict[str, Any]:
        (result,) = pipeline.run([document], environment)
        return result

    return run


def _no_collection(database: str, collection: str) -> list[dict[str, Any]]:
    raise AssertionError("no stage of an update pipeline reads a collection")
