"""Reads in the past: a find as of an earlier time, and the versions of a document.

Requests of the embedded client that MongoDB has no commands for. What is read is a fork of the store from which is
taken back what has been committed since (`streams.past`, `engine.rewinding`); a find runs on it as on any store, by the
indexes of today.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.aggregate import NoColumns
from amongo.commands import find
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.live import refuse_others
from amongo.commands.replies import CursorReply
from amongo.engine.records import Collection, record_key, record_keys
from amongo.engine.records.view import record_in
from amongo.engine.rewinding import rewind
from amongo.engine.snapshots import Rows
from amongo.engine.store import Store
from amongo.errors import live as errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BLOCKING_STAGE_BYTES
from amongo.streams.past import Heads, commits_until, look_back, sequence_at
from amongo.values.codec import encode
from amongo.values.key_bytes import id_key

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class FindAsOfRequest:
    """A find on a collection as it was.

    command   the find command, of canonical values
    as_of     a cluster time: behind its commit; or a date: before the first commit after it
    """

    database: str
    command: dict[str, Any]
    as_of: Timestamp | DatetimeMS

    @property
    def namespace(self) -> str:
        """ "database.collection"."""
        return f"{self.database}.{self.command['find']}"


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """The versions of one document.

    namespace    "database.collection"
    document_id  its `_id`
    batch_size   of the first batch; None for the server's 101
    """

    namespace: str
    document_id: Any
    batch_size: int | None = None


def run_find(instance: Instance, request: FindAsOfRequest, context: Context) -> CursorReply:
    """The first batch of the documents that there were.

    errors   those of find and of `refuse_others`; AS_OF_FUTURE, AS_OF_TAILABLE, SNAPSHOT_TOO_OLD, FORMER_DOCUMENT_LOST,
             COLLECTION_LOST
    """
    asked = find.parse(request.database, request.command)
    if asked.options.tailable:
        raise errors.AS_OF_TAILABLE()
    interrupt = instance.operation_interrupt(context, asked.options.max_time_ms)
    refuse_others(instance, asked.namespace)
    inside = copy.copy(instance)
    inside.store = store_as_of(instance, asked.namespace, request.as_of, interrupt)
    inside.columnar = NoColumns(inside.store, "columns are of the present, not of the past")
    inside.ahead = None
    return find.run(inside, asked, context)


def store_as_of(instance: Instance, namespace: str, as_of: Timestamp | DatetimeMS, interrupt: Interrupt) -> Store:
    """A fork of the store in which one collection is as it was.

    errors   AS_OF_FUTURE, SNAPSHOT_TOO_OLD, FORMER_DOCUMENT_LOST, COLLECTION_LOST
    """
    store = instance.store
    with store.lock:
        checkpoint = None if store.checkpoints is None else store.checkpoints.last
        moment = store.moment()
    fork, last = store.fork(moment), moment.sequence
    then = _sequence(instance, as_of, last, interrupt)
    if then >= last:
        return fork
    collection = fork.catalog.get(namespace)
    present = None if collection is None else collection.uuid

    def filed(identity: bytes, record_id: int) -> bytes | None:
        if checkpoint is None or not store.history.oldest <= checkpoint.sequence <= then:
            return None
        layers = tuple(each for each in fork.catalog.by_uuid[identity].layers if isinstance(each, Rows))
        return record_in(layers, record_id)

    past = look_back(store.history, namespace, present, then, last, filed, interrupt)
    if past.identity is None or past.is_gone:
        fork.drop(namespace)
        if past.identity is not None:
            rewind(fork.create(namespace, past.options), past.former, interrupt)
        return fork
    found = fork.catalog.by_uuid[past.identity]
    rewind(found, past.former, interrupt)
    if found.namespace != namespace:  # it has another name by now
        fork.rename(found.namespace, namespace)
    return fork


def _sequence(instance: Instance, as_of: Timestamp | DatetimeMS, last: int, interrupt: Interrupt) -> int:
    """The sequence of the last commit that counts.

    errors   AS_OF_FUTURE, SNAPSHOT_TOO_OLD
    """
    history, now_ms = instance.store.history, instance.clock.now_ms()
    if isinstance(as_of, Timestamp):
        then = as_of.time << 32 | as_of.inc
        if then > last and as_of.time >= now_ms // 1000:
            raise errors.AS_OF_FUTURE()
    else:
        if int(as_of) >= now_ms:
            raise errors.AS_OF_FUTURE()
        then = sequence_at(history, int(as_of), last, interrupt)
    if then < history.oldest:
        raise errors.SNAPSHOT_TOO_OLD()
    return then


def run_history(instance: Instance, request: HistoryRequest, context: Context) -> CursorReply:
    """The first batch of the versions, the oldest first.

    errors   those of `refuse_others`; HISTORY_TOO_LARGE; SNAPSHOT_TOO_OLD where writers were faster than this reader
    """
    instance.counts["query"] += 1
    store, namespace = instance.store, request.namespace
    refuse_others(instance, namespace)
    collection = store.catalog.get(namespace)
    versions: list[bytes] = []
    if collection is not None:
        size = 0
        for version in _versions(
            store, collection, id_key(request.document_id, collection.collator), context.interrupt
        ):
            size += len(version)
            if size > BLOCKING_STAGE_BYTES:
                raise errors.HISTORY_TOO_LARGE(mebibytes=BLOCKING_STAGE_BYTES >> 20)
            versions.append(version)
    interrupt = Interrupt()
    cursor = Cursor(namespace, iter(versions), interrupt, knows_end=True, session_id=context.session_id)
    return instance.cursors.first_reply(cursor, request.batch_size)


def _versions(store: Store, collection: Collection, key: bytes, interrupt: Interrupt) -> Iterator[bytes]:
    """The versions of the document whose `_id` has this key, in the retained log."""
    history, heads = store.history, Heads()
    collator = collection.collator
    for commit in commits_until(history, history.last, interrupt):
        for entry in commit.entries:
            fields = heads.of(entry)
            if fields.get("ui") != collection.uuid or fields["op"] not in _OPERATIONS:
                continue
            operation, documents = fields["op"], entry.documents
            if operation == "i":
                keys = record_keys(documents, collator)
                interrupt.check()
                if key in keys:
                    yield _version("insert", commit.sequence, commit.wall_ms, documents[keys.index(key)])
            elif record_key(documents[0], collator) == key:
                is_update = operation == "u" and len(documents) > (2 if fields.get("pre") else 1)
                name = "delete" if operation == "d" else "update" if is_update else "replace"
                yield _version(name, commit.sequence, commit.wall_ms, None if operation == "d" else documents[0])


_OPERATIONS = frozenset({"i", "u", "d"})


def _version(operation: str, sequence: int, wall_ms: int, raw: bytes | None) -> bytes:
    """The bytes of {operation, clusterTime, wallTime, document}, the last left out where there is none."""
    head = encode(
        {
            "operation": operation,
            "clusterTime": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF),
            "wallTime": DatetimeMS(wall_ms),
        }
    )
    if raw is None:
        return head
    body = head[4:-1] + b"\x03document\x00" + raw + b"\x00"
    return (len(body) + 4).to_bytes(4, "little") + body


def examines(instance: Instance, request: object) -> int:
    """Always on a worker."""
    return sys.maxsize
