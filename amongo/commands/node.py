"""What the node tells of itself to the stages of a pipeline that ask; see `aggregate.node`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from amongo.aggregate.node import OperationsAsked, StatisticsAsked
from amongo.commands.cached_plans import shown_plans
from amongo.commands.coll_stats import shown_sizes, storage_sizes
from amongo.commands.cursors import Cursor
from amongo.commands.hello import HOST
from amongo.commands.list_collections import describe, described
from amongo.commands.namespaces import OPLOG
from amongo.commands.operations import Operation
from amongo.commands.oplog_sizes import oplog_cap, oplog_sizes
from amongo.commands.peer import Peer
from amongo.commands.sessions import client_digest, user_of
from amongo.commands.time_series import find_series, indexed_collection, is_series, shown_namespace
from amongo.commands.views import Resolved, list_views, resolve
from amongo.engine.origin import NOBODY, session_document
from amongo.engine.records import Collection
from amongo.errors import diagnosis as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import SHOWN_COMMAND_BYTES
from amongo.values.codec import encode_in_order
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.commands.session_transaction import SessionTransaction

Document = dict[str, Any]

# Commands -> what the server calls the operation.
_KINDS: Final = {"insert": "insert", "update": "update", "delete": "remove", "find": "query", "getMore": "getmore"}

_COMMAND_BYTES: Final = 1 << 20
"""A longer command is not shown as a whole: the documents of all operations have to fit into a batch."""


class LocalNode:
    """The node of an instance.

    peer   the client who asks; None in process
    """

    def __init__(self, instance: Instance, peer: Peer | None = None) -> None:
        self._instance = instance
        self._peer = peer

    # Collections

    def collection_statistics(
        self, database: str, collection: str, asked: StatisticsAsked, interrupt: Interrupt
    ) -> Document:
        """The document of $collStats.

        errors   NO_STATISTICS_OF_NOTHING, IS_A_VIEW
        """
        instance, namespace = self._instance, f"{database}.{collection}"
        shown: Document = {"ns": namespace, "host": HOST, "localTime": DatetimeMS(instance.clock.now_ms())}
        if asked.latency:
            shown["latencyStats"] = instance.usages.latencies(namespace, with_histograms=asked.histograms)
        oplog = oplog_sizes(instance, interrupt) if namespace == OPLOG else None
        if asked.scale is not None and oplog is not None:
            cap = oplog_cap(instance)
            shown["storageStats"] = shown_sizes(oplog, cap, asked.scale, numbers_only=asked.numbers_only)
        elif asked.scale is not None:
            found = self._existing(namespace, "storageStats")
            shown["storageStats"] = storage_sizes(instance, found, asked.scale, numbers_only=asked.numbers_only)
        if asked.count:
            shown["count"] = number(self._existing(namespace, "count").count if oplog is None else oplog.documents)
        if asked.executions:
            uses = self._existing(namespace, "queryExecStats").uses
            scans = {"total": Int64(uses.scans), "nonTailable": Int64(uses.scans - uses.tailable_scans)}
            shown["queryExecStats"] = {"collectionScans": scans}
        return shown

    def index_statistics(self, database: str, collection: str) -> Iterator[Document]:
        """A document for each index: its definition, and how often it was used since the store was opened."""
        found = self._read_collection(f"{database}.{collection}")
        since = DatetimeMS(self._instance.started_ms)
        if found is None:
            return
        for name, definition in dict(found.indexes).items():
            yield {
                "name": name,
                "key": definition["key"],
                "host": HOST,
                "accesses": {"ops": Int64(found.uses.of_index(definition)), "since": since},
                "spec": definition,
            }

    def cached_plans(self, database: str, collection: str) -> Iterable[Document]:
        """What is kept of the shapes of queries on a collection.

        errors   NO_PLAN_CACHE
        """
        found = self._read_collection(f"{database}.{collection}")
        if found is None:
            raise errors.NO_PLAN_CACHE(namespace=f"{database}.{collection}")
        return shown_plans(self._instance, found)

    def query_settings(self, *, shows_shape: bool) -> Iterable[Document]:
        """What is set for queries, shape by shape."""
        settings = self._instance.query_settings
        return () if settings is None else settings.documents(shows_shape=shows_shape)

    def _existing(self, namespace: str, part: str) -> Collection:
        """The collection of this name, for a part of $collStats.

        errors   NO_STATISTICS_OF_NOTHING, IS_A_VIEW
        """
        found = indexed_collection(self._instance.store.catalog, namespace)
        if found is None:
            raise errors.NO_STATISTICS_OF_NOTHING(what=part, namespace=namespace)
        return found

    def _read_collection(self, namespace: str) -> Collection | None:
        """The collection that is read under this name: that of a time series, that below a view."""
        catalog = self._instance.store.catalog
        found = catalog.get(namespace)
        if found is not None:
            return found
        resolved = resolve(catalog, namespace)
        if resolved is None:
            return None
        return catalog.get(resolved.namespace) if resolved.series is None else find_series(catalog, resolved.namespace)

    # The catalog

    def catalog(self, database: str, collection: str) -> Iterator[Document]:
        """The catalog's entry of a collection, or of every one if `collection` is empty."""
        namespace = f"{database}.{collection}"
        for name in [database] if collection else self._databases():
            for entry in self._entries(name):
                if not collection or entry["ns"] == namespace:
                    yield entry

    def cluster_catalog(self, database: str, *, shows_shards: bool) -> Iterator[Document]:
        """What there is in a database, or in all of them if asked on `admin`."""
        for name in self._databases() if database == "admin" else [database]:
            for each in described(self._instance, name):
                entry = {"ns": f"{name}.{each.pop('name')}", "db": name, **each, "sharded": False}
                yield entry | {"shards": []} if shows_shards else entry

    def _databases(self) -> list[str]:
        return sorted(self._instance.store.catalog.databases())

    def _entries(self, database: str) -> list[Document]:
        """The entries of a database, as $listCatalog shows them."""
        catalog = self._instance.store.catalog
        with self._instance.store.lock:
            entries = [_collection_entry(each) for each in catalog.collections(database)]
            for view in list_views(catalog, database):
                kind = "timeseries" if view.is_time_series else "view"
                name = view.namespace.partition(".")[2]
                definition = {key: value for key, value in view.document().items() if key != "_id"}
                entries.append({"db": database, "name": name, "type": kind, "ns": view.namespace, **definition})
        return entries

    # What runs

    def operations(self, asked: OperationsAsked) -> Iterator[Document]:
        """A document for each operation that runs, and for each cursor and each open transaction that waits, if those
        are asked for.

        The embedding client is no connection: of idle connections there is nothing to tell.
        """
        instance = self._instance
        only_own = asked.only_own and self._peer is not None and self._peer.requires_auth
        own = self._peer.user_names if only_own and self._peer is not None else frozenset()
        for operation in instance.operations.all():
            if not only_own or (operation.peer is not None and not own.isdisjoint(operation.peer.user_names)):
                yield self._operation(operation, truncates=asked.truncates)
        if asked.idle_cursors:
            for cursor_id, cursor in instance.cursors.idle():
                if not only_own or (cursor.owner is not None and cursor.owner.is_any_of(own)):
                    yield self._cursor(cursor_id, cursor)
        if asked.idle_sessions:
            lifetime_ms = instance.transactions.lifetime_s * 1000
            for transaction in instance.transactions.open():
                is_shown = not only_own or user_of(transaction.session_id) == client_digest(self._peer)
                if is_shown and not transaction.is_running:
                    yield self._inactive(transaction, lifetime_ms)

    def sessions(self, users: frozenset[bytes] | None) -> Iterator[Document]:
        """The sessions that are known: of the users of these digests; None for all. Nobody's are the client's own."""
        if users is not None and NOBODY in users:
            users = users | {client_digest(self._peer)}
        for session in self._instance.sessions.all():
            if users is None or user_of(session.session_id) in users:
                yield session.document()

    def _operation(self, operation: Operation, *, truncates: bool) -> Document:
        micros = max(int((self._instance.clock.monotonic() - operation.started_s) * 1_000_000), 0)
        shown: Document = {
            "type": "op",
            "host": HOST,
            "desc": "conn1",
            "connectionId": 1,
            "client": "127.0.0.1:0",
            "active": True,
            "currentOpTime": _wall_time(operation.started_ms + micros // 1000),
            "isFromUserConnection": True,
            "threaded": True,
            "opid": number(operation.operation_id),
            "secs_running": Int64(micros // 1_000_000),
            "microsecs_running": Int64(micros),
            "op": _KINDS.get(operation.name, "command"),
            "ns": operation.namespace,
            "redacted": False,
            "command": _shown_command(operation.command, truncates=truncates),
            "numYields": 0,
            "locks": {},
            "waitingForLock": False,
            "lockStats": {},
            "waitingForFlowControl": False,
            "flowControlStats": {},
        }
        if operation.session_id is not None:
            shown["lsid"] = _session(operation.session_id)
        if operation.peer is not None:
            shown |= _client(operation.peer)
        return shown

    def _inactive(self, transaction: SessionTransaction, lifetime_ms: int) -> Document:
        """A transaction in which nothing runs; source: manual, $currentOp, "Output Fields"."""
        open_micros = int((self._instance.clock.monotonic() - transaction.started_s) * 1_000_000)
        active_micros = int(transaction.active_s * 1_000_000)
        concern = transaction.read_concern
        return {
            "type": "idleSession",
            "host": HOST,
            "desc": "inactive transaction",
            "client": "127.0.0.1:0",
            "connectionId": 1,
            "lsid": _session(transaction.session_id),
            "transaction": {
                "parameters": {
                    "txnNumber": Int64(transaction.number),
                    "autocommit": False,
                    "readConcern": {"level": "local" if concern is None else concern.level},
                },
                "readTimestamp": transaction.read_timestamp,
                "startWallClockTime": _wall_time(transaction.started_ms),
                "timeOpenMicros": Int64(open_micros),
                "timeActiveMicros": Int64(active_micros),
                "timeInactiveMicros": Int64(max(open_micros - active_micros, 0)),
                "expiryTime": _wall_time(transaction.started_ms + lifetime_ms),
            },
            "waitingForLock": False,
            "active": False,
            "locks": {},
            "lockStats": {},
        }

    def _cursor(self, cursor_id: int, cursor: Cursor) -> Document:
        now_ms, now_s = self._instance.clock.now_ms(), self._instance.clock.monotonic()
        shown: Document = {"type": "idleCursor", "host": HOST, "ns": cursor.namespace}
        if cursor.session_id is not None:
            shown["lsid"] = _session(cursor.session_id)
        shown["cursor"] = {
            "cursorId": Int64(cursor_id),
            "lastAccessDate": DatetimeMS(now_ms - int((now_s - cursor.last_used_s) * 1000)),
            "noCursorTimeout": cursor.never_idles,
            "tailable": cursor.sleeper is not None,
            "awaitData": cursor.awaits_data,
        }
        return shown


def check_on_view(name: str, resolved: Resolved) -> None:
    """Refuse what cannot stand at the start of a pipeline on this view or time series.

    name     of the first stage
    errors   CHANGE_STREAM_ON_VIEW, ONLY_FIRST for a stage that would come behind those of the time series
    """
    if name == "$changeStream":
        raise errors.CHANGE_STREAM_ON_VIEW()
    if name == "$planCacheStats" and resolved.series is not None:
        raise pipeline_errors.ONLY_FIRST(name=name)


def _collection_entry(collection: Collection) -> Document:
    described = describe(collection)
    namespace = shown_namespace(collection) if is_series(collection) else collection.namespace
    database, _, name = namespace.partition(".")
    options = {**described["options"], "uuid": described["info"]["uuid"]}
    indexes = [{"spec": each, "ready": True} for each in collection.indexes.values()]
    return {
        "db": database,
        "name": name,
        "type": "collection",
        "ns": namespace,
        "md": {"ns": namespace, "options": options, "indexes": indexes},
    }


def _client(peer: Peer) -> Document:
    """Who asks over a socket, as $currentOp shows it; source: manual, $currentOp, "Output Fields"."""
    shown: Document = {"desc": f"conn{peer.number}", "connectionId": number(peer.number), "client": peer.address}
    if peer.app_name is not None:
        shown["appName"] = peer.app_name
    if peer.metadata is not None:
        shown["clientMetadata"] = dict(peer.metadata)
    users = [each.name.document() for each in peer.users]
    return shown | ({"effectiveUsers": users} if users else {})


def _session(session_id: bytes) -> Document:
    return session_document(session_id)


def _wall_time(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _shown_command(command: Mapping[str, Any], *, truncates: bool) -> Document:
    """The command as it can be shown; one that is long as the beginning of its text, if asked for or if need be."""
    document = dict(command)
    size = len(encode_in_order(document))
    if size <= (SHOWN_COMMAND_BYTES if truncates else _COMMAND_BYTES):
        return document
    name = next(iter(document), "")
    return {"$truncated": str({name: document.get(name)})[:SHOWN_COMMAND_BYTES]}
