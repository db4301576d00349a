"""An instance: one open store, and everything that answers commands on it.

There are two ways in. `execute` takes a request object, so that a hot operation pays no document round trip;
`run_command` takes a command document as BSON, as it comes from `Database.command` or over the wire.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from bson import Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidBSON

from amongo.aggregate import Columnar
from amongo.commands import aggregate, find, retryable
from amongo.commands.access.access import Access
from amongo.commands.access.checking import refuse_nobody, refuse_unauthorized, run_for
from amongo.commands.attention import Attention
from amongo.commands.cluster_parameters import LIMITED_READS, read_limit_ms
from amongo.commands.cluster_times import ClusterTimes
from amongo.commands.command import Command
from amongo.commands.concerns import NO_CONCERNS, TRANSACTION_ENDS, parse_concerns
from amongo.commands.context import NO_CONTEXT, NO_SEQUENCES, Context, Sequences
from amongo.commands.cursors import Cursors
from amongo.commands.default_concerns import DefaultConcerns
from amongo.commands.expiry import Expiry
from amongo.commands.explained import QUERY_PLANNER, reply
from amongo.commands.explained_pipelines import explain_pipeline
from amongo.commands.failpoints import Failpoints
from amongo.commands.held_writes import HeldWrites
from amongo.commands.index_filters import IndexFilters
from amongo.commands.malformed import unreadable
from amongo.commands.namespaces import check_creatable, check_database, check_writable
from amongo.commands.not_yet import NOT_YET
from amongo.commands.operations import (
    Operation,
    Operations,
    command_name,
    command_namespace,
    described,
    named_session,
    without_secrets,
)
from amongo.commands.parsed_command import ParsedCommand, add_arrays, check_readable
from amongo.commands.peer import Peer
from amongo.commands.profiler import Profiler
from amongo.commands.query_settings import QuerySettings, add_settings, stored_settings
from amongo.commands.registry import COMMANDS, TEST_COMMANDS
from amongo.commands.replacing import drop_temporary
from amongo.commands.replies import Answer, BulkWriteReply, CommitReply, CursorReply, WriteReply, document_of
from amongo.commands.requests import EXAMINES, RUNS, UNLISTED
from amongo.commands.retryable import with_statements
from amongo.commands.service import Service
from amongo.commands.session_transaction import SessionTransaction
from amongo.commands.sessions import Sessions, own_session
from amongo.commands.shared_commits import SharedCommits
from amongo.commands.snapshot_reads import SnapshotReads
from amongo.commands.stable_api import check_api
from amongo.commands.standalone import refuse_replication
from amongo.commands.time_series import OpenBuckets
from amongo.commands.transaction_fields import NUMBER_FIELDS, check_allowed, numbered
from amongo.commands.transactions import Transactions
from amongo.commands.usages import Usages
from amongo.commands.user_write_block import apply_block
from amongo.commands.views import is_view, may_be_view, refuse_view
from amongo.commands.wild_patterns import searches_wildly
from amongo.commands.writing_commands import writes
from amongo.engine.files import DiskTemporaryFiles, Files, TemporaryFiles
from amongo.engine.records import Collection
from amongo.engine.settings import DEFAULT_SETTINGS, Settings
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import command as errors
from amongo.mql.index_keys import key_maker
from amongo.planner import Plan
from amongo.planner.plain_ranges import PlainRange
from amongo.runtime.clock import SYSTEM_CLOCK, Clock
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted, TimeLimitExpired
from amongo.runtime.journal import JOURNAL, keep_journal
from amongo.runtime.limits import LOOP_DOCUMENTS, SLOW_KEY_DOCUMENTS
from amongo.runtime.workers import Completion
from amongo.values.codec import decode_foreign
from amongo.values.collation import KEYS_ARE_QUICK

# Fields that say how a command is to run; most commands have none of them.
_CIRCUMSTANCES = frozenset(
    {"apiVersion", "apiStrict", "apiDeprecationErrors", "readConcern", "writeConcern", "maxTimeMS"}
)


def _is_limited(operation: Operation) -> bool:
    """Whether a time limit for reads that name none is one for this operation."""
    name, command = operation.name, operation.command
    return name in LIMITED_READS and "maxTimeMS" not in command and not writes(name, command)


class Instance:
    """One open store and what answers commands on it.

    store      the records
    cursors    the open cursors
    shared_commits   what change streams share
    clock      where the time comes from
    settings   of the store
    commands   the registry
    open_buckets   by the UUID of a time series' collection: the buckets that take further measurements
    expiry     deletes documents whose time is over
    index_filters   of the collections, by UUID
    columnar   the path over columns
    temporary  where operations put aside what does not fit in memory: in the store's directory, or where the system
               keeps temporary files
    ahead      the request of which it was asked last how much it looks at, with its plan; None if it was run since
    counts     operations since the opening: query, getmore, insert, update, delete, command
    operations   those that run now
    sessions     those that are known
    transactions   those of its sessions
    transaction    of which this is the inside; None for the instance itself
    snapshot_reads   the moments that can be read again
    times        the cluster times
    usages       how much each collection is used
    default_concerns   of operations that name none
    attention          whether operations are looked at before or after they run
    read_limit_ms      of reads that name no `maxTimeMS`; 0 for none
    refuses_scans      queries have to go by an index (`notablescan`)
    profiler           notes down what operations do
    held_writes        whether writes wait, for fsync
    journal            the log of this process
    services           servers of this instance that are open
    parameters         server parameters that were set, by name
    query_settings     of shapes of queries; None for none
    failpoints         None but where a server was started with test commands
    access             users and roles
    """

    def __init__(self, store: Store, clock: Clock, settings: Settings = DEFAULT_SETTINGS) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.cursors = Cursors(clock)
        self.shared_commits = SharedCommits()
        self.commands = COMMANDS
        self._moment_ms = -1
        self._moment = DatetimeMS(0), Timestamp(0, 1)
        self.started_ms = clock.now_ms()
        self.expiry = Expiry(self)
        self.index_filters: dict[bytes, IndexFilters] = {}
        self.columnar = Columnar(store, settings.columnar_least_count, settings.columnar_memory_bytes)
        self.temporary: TemporaryFiles = DiskTemporaryFiles(store.directory)
        self.open_buckets: dict[bytes, OpenBuckets] = {}
        self.operations = Operations(clock)
        self.sessions = Sessions(clock, self._sessions_ended)
        self.transactions = Transactions(self)
        self.transaction: SessionTransaction | None = None
        self.snapshot_reads = SnapshotReads(self)
        self.times = ClusterTimes(store, clock)
        self.usages = Usages(self._exists)
        self.default_concerns = DefaultConcerns()
        self.attention = Attention()
        self.read_limit_ms = read_limit_ms(store)
        self.refuses_scans = False
        self.profiler = Profiler(self)
        self.held_writes = HeldWrites(self.attention)
        self.journal = JOURNAL
        self.services: list[Service] = []
        self.parameters: dict[str, Any] = {}
        self.query_settings: QuerySettings | None = stored_settings(store)
        self.access = Access(store)
        self.failpoints: Failpoints | None = None
        self.ahead: tuple[object, Plan | PlainRange] | None = None
        self.counts = dict.fromkeys(("query", "getmore", "insert", "update", "delete", "command"), 0)

    @classmethod
    def open(
        cls,
        path: str | None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        files: Files | None = None,
        settings: Settings = DEFAULT_SETTINGS,
    ) -> Instance:
        """Open the store in the directory `path`; None for one in memory.

        errors   those of `Store.open`
        """
        store = Store.open(path, files=files, clock=clock, settings=settings, make_keys=key_maker)
        instance = cls(store, clock, settings)
        drop_temporary(instance)
        apply_block(instance)
        keep_journal()
        instance.expiry.look()
        return instance

    def fork(self) -> Instance:
        """An instance of its own, in memory, that begins with what this one holds, and goes its own way."""
        forked = Instance(self.store.fork(), self.clock, self.settings)
        apply_block(forked)
        forked.expiry.look()
        return forked

    def allow_test_commands(self) -> None:
        """Let failpoints be set, as a server that was started with `enableTestCommands` does."""
        if self.failpoints is None:
            self.commands = COMMANDS | TEST_COMMANDS
            self.parameters["enableTestCommands"] = True
            self.failpoints = Failpoints()

    def close(self) -> None:
        """Close cursors and store; everything acknowledged is on disk afterwards."""
        self.profiler.close()
        self.cursors.kill_all()
        self.transactions.close()
        self.snapshot_reads.close()
        self.expiry.close()
        self.columnar.close()
        self.store.close()

    # The two ways in

    def execute(self, request: Any, context: Context = NO_CONTEXT) -> Any:
        """Run a request of a hot command: find, getMore, insert, update, delete.

        errors   those of the command; MAX_TIME_EXPIRED, INTERRUPTED, INVALID_BSON, BSON_TOO_DEEP; Awaiting, which is
                 to be executed in its turn when what it awaits has happened
        """
        try:
            if context is not NO_CONTEXT or self.attention.is_on:
                return self._execute_listed(request, context)
            return RUNS[type(request)](self, request, context)
        except TimeLimitExpired:
            raise errors.MAX_TIME_EXPIRED() from None
        except OperationInterrupted as stopped:
            raise errors.INTERRUPTED(reason=str(stopped)) from None
        except (InvalidBSON, RecursionError) as error:
            raise unreadable(error) from None

    def run_command(
        self,
        database: str,
        command: bytes,
        context: Context = NO_CONTEXT,
        sequences: Sequences = NO_SEQUENCES,
    ) -> dict[str, Any]:
        """Run a command document on a database; the reply document, whose cursor batches are RawBSONDocuments.

        A write with the write concern `j: true` returns when it is safe against power loss.

        errors   COMMAND_NOT_FOUND, ADMIN_ONLY, INVALID_DATABASE_NAME, INVALID_BSON, BSON_TOO_DEEP; those of the
                 command
        """
        parsed = self.parse_command(database, command, context, sequences)
        reply, sequence = self.answer_command(parsed, parsed.context)
        if sequence:
            self.durable(sequence).wait_blocking()
        return document_of(reply)

    def parse_command(
        self,
        database: str,
        command: bytes,
        context: Context,
        sequences: Sequences = NO_SEQUENCES,
        document: dict[str, Any] | None = None,
    ) -> ParsedCommand:
        """Read and parse a command document; nothing is run yet.

        document   the same as `decode_foreign` gives it, if that has been done
        errors     those of `run_command` that need no look at the store
        """
        try:
            if document is None:
                document = decode_foreign(command)
            found = self._found(database, document)
            if context.peer is not None and context.peer.requires_auth:
                refuse_nobody(self, context.peer, found)
            if sequences or found.raw_fields or found.check_bytes is not None:
                if context.peer is not None:
                    check_readable(found, sequences)
                add_arrays(found, command, document, sequences)
            return self._parsed(found, database, document, context)
        except (InvalidBSON, RecursionError) as error:
            raise unreadable(error) from None

    def answer_command(self, parsed: ParsedCommand, context: Context) -> tuple[Answer, int]:
        """(reply, the commit that has to be safe against power loss before the reply is given, or 0).

        context   that of the parsed command, perhaps with an interrupt
        errors    those of the command; MAX_TIME_EXPIRED, INTERRUPTED, INVALID_BSON, BSON_TOO_DEEP; Awaiting
        """
        document, is_admin_only = parsed.document, parsed.command.is_admin_only
        namespace = command_namespace(parsed.database, document, is_admin_only=is_admin_only)
        if parsed.command.secrets:
            document = without_secrets(document, parsed.command.secrets)
        try:
            if context.interrupt is NEVER and type(parsed.request) in UNLISTED and not self.attention.is_on:
                return self._answer_at_once(parsed, context, namespace)
            with self._listed(namespace, document, context.interrupt, context.session_id, context.peer) as operation:
                reply, sequence = self._answer(parsed, context)
                operation.reply = reply
                return reply, sequence
        except TimeLimitExpired:
            raise errors.MAX_TIME_EXPIRED() from None
        except OperationInterrupted as stopped:
            raise errors.INTERRUPTED(reason=str(stopped)) from None
        except (InvalidBSON, RecursionError) as error:
            raise unreadable(error) from None

    def _answer_at_once(self, parsed: ParsedCommand, context: Context, namespace: str) -> tuple[Answer, int]:
        """As `_answer`, on the event loop: it is measured, and not listed."""
        monotonic = self.clock.monotonic
        began_s = monotonic()
        try:
            return self._answer(parsed, context)
        finally:
            self.usages.add(namespace, parsed.command.name, max(int((monotonic() - began_s) * 1_000_000), 1))

    def _found(self, database: str, document: dict[str, Any]) -> Command:
        """The command that a document names first.

        errors   COMMAND_NOT_FOUND, INVALID_DATABASE_NAME, ADMIN_ONLY; those of `check_allowed`
        """
        name = next(iter(document), "")
        self.counts["command"] += 1
        found = self.commands.get(name)
        if not NUMBER_FIELDS.isdisjoint(document) and (found is not None or name in NOT_YET):
            check_allowed(name if found is None else found.name, document)
        if found is None:
            raise errors.COMMAND_NOT_FOUND(name=name)
        check_database(database)
        if found.is_admin_only and database != "admin":
            raise errors.ADMIN_ONLY(name=name)
        return found

    def _parsed(self, command: Command, database: str, document: dict[str, Any], context: Context) -> ParsedCommand:
        """A command document parsed, with what it says of its session.

        errors   those of `refuse_unauthorized` for a client that has to be somebody, of `refuse_replication` for one of
                 a standalone server; of the command
        """
        peer = context.peer if context.peer is not None and context.peer.requires_auth else None
        session_id = context.session_id or named_session(document)
        if peer is not None and session_id is not None:
            session_id = own_session(session_id, peer)
        if session_id is not None:
            self.sessions.use(session_id)
            if context.session_id is None:
                context = context.in_session(session_id)
        concerns = NO_CONCERNS
        if not _CIRCUMSTANCES.isdisjoint(document):
            check_api(command.name, document)
            concerns = parse_concerns(command.name, document)
        if "$clusterTime" in document:
            self.times.note(document["$clusterTime"])
        request = command.parse(database, document)
        if peer is not None:
            refuse_unauthorized(self, peer, command, database, document)
        if context.peer is not None and context.peer.is_standalone:
            refuse_replication(command.name, document, concerns.read)
        if not NUMBER_FIELDS.isdisjoint(document):
            context = numbered(command.name, document, concerns.read, context)
            context = with_statements(command.name, context, document)
        if concerns.read is not NO_CONCERNS.read and not context.is_transaction:
            context = context._replace(read_concern=concerns.read)
        return ParsedCommand(command, database, document, request, context, concerns.write)

    def _execute_listed(self, request: Any, context: Context) -> Any:
        """Run a request that comes with circumstances: in a session, or on a worker, where others can see it."""
        if context.session_id is not None:
            self.sessions.use(context.session_id)
        if context.interrupt is NEVER and not self.attention.is_on:
            return self._run(command_name(request), request, context, RUNS[type(request)])
        command = described(request)
        with self._listed(request.namespace, command, context.interrupt, context.session_id, context.peer) as operation:
            operation.reply = reply = self._run(next(iter(command)), request, context, RUNS[type(request)])
            return reply

    def _run(self, name: str, request: Any, context: Context, run: Callable[[Any, Any, Context], Any]) -> Any:
        """Run a request where it belongs: in its transaction if it has one, at one moment if it asks for that."""
        read = context.read_concern
        if read is not None:
            self.snapshot_reads.check(read, is_transaction=context.is_transaction)
            if not context.is_transaction:
                context = context._replace(read_concern=None)
                if read.is_snapshot:
                    return self.snapshot_reads.run(request, read, context, run)
        if context.is_transaction and name not in TRANSACTION_ENDS:
            return self.transactions.run(name, request, context, run)
        if context.number is not None and not context.is_transaction:
            return retryable.run(self, name, request, context, run)
        return run(self, request, context)

    @contextmanager
    def _listed(
        self,
        namespace: str,
        command: Mapping[str, Any],
        interrupt: Interrupt,
        session_id: bytes | None,
        peer: Peer | None,
    ) -> Iterator[Operation]:
        """List, measure and observe an operation while the block runs."""
        with self.operations.running(namespace, command, interrupt, session_id, peer) as operation:
            failure: BaseException | None = None
            if self.read_limit_ms and _is_limited(operation):
                interrupt.limit(self.read_limit_ms)
            self.profiler.begin(operation)
            try:
                yield operation
            except BaseException as error:
                failure = error
                raise
            finally:
                micros = max(int((self.clock.monotonic() - operation.started_s) * 1_000_000), 1)
                self.usages.add(namespace, operation.name, micros)
                if operation.watched is not None or self.profiler.concerns(micros):
                    self.profiler.end(operation, micros, failure)

    def _sessions_ended(self, session_ids: frozenset[bytes]) -> None:
        for session_id in session_ids:
            self.transactions.forget(session_id)
        self.cursors.kill_sessions(session_ids.__contains__)

    def _exists(self, namespace: str) -> bool:
        catalog = self.store.catalog
        return catalog.get(namespace) is not None or (may_be_view(catalog, namespace) and is_view(catalog, namespace))

    def _answer(self, parsed: ParsedCommand, context: Context) -> tuple[Answer, int]:
        """As `answer_command`."""
        before = self.store.last_sequence
        command, write = parsed.command, parsed.write
        peer = context.peer
        try:
            if peer is None or not peer.requires_auth:
                answer = self._run(command.name, parsed.request, context, command.run)
            else:
                run = partial(self._run, command.name, parsed.request, context, command.run)
                answer = run_for(self, peer, parsed, run)
        except ServerError as error:
            failure = write.failure()
            if failure is not None:
                error.extra["writeConcernError"] = failure
            raise
        if not write.is_acknowledged and isinstance(answer, WriteReply | BulkWriteReply):
            answer = answer.unacknowledged()
        if write is NO_CONCERNS.write and (type(answer) is CursorReply or type(answer) is WriteReply):
            return answer, 0
        reply: dict[str, Any] = answer if isinstance(answer, dict) else answer.document()
        sequence = 0
        if write.is_durable:
            after = answer.sequence if isinstance(answer, CommitReply) else self.store.last_sequence
            if after != before or retryable.is_retried(reply):
                sequence = after
        failure = write.failure()
        if failure is not None:
            reply["writeConcernError"] = failure
        return reply, sequence

    # What the client asks before and after

    def examines(self, request: Any) -> int:
        """How many documents a request will look at, at most: small ones run on the event loop."""
        count = EXAMINES[type(request)](self, request)
        may_be_long = count > 1 or type(request) is aggregate.AggregateRequest
        if may_be_long and count <= LOOP_DOCUMENTS and not self._is_by_range(request) and searches_wildly(request):
            return sys.maxsize
        return count if KEYS_ARE_QUICK else count * self._collation_factor(request)

    def _is_by_range(self, request: Any) -> bool:
        """Whether a request was just planned as a find by a range of entries: it compares with plain values."""
        return self.ahead is not None and self.ahead[0] is request and type(self.ahead[1]) is PlainRange

    def _collation_factor(self, request: Any) -> int:
        """How many documents could be looked at in the time that one takes under the collation of its collection."""
        collection = self.store.catalog.by_namespace.get(getattr(request, "namespace", ""))
        return 1 if collection is None or collection.collator is None else SLOW_KEY_DOCUMENTS

    def is_small(self, parsed: ParsedCommand) -> bool:
        """Whether the event loop may run a command itself: it looks at few documents, and waits for nobody."""
        if parsed.command.is_quick:
            return True
        context = parsed.context
        asked = self
        if context.is_transaction:
            if self.transactions.is_running(context):
                return False
            asked = self.transactions.inside(context) or self
        elif context.number is not None and self.sessions.is_writing(context.session_id):
            return False
        if context.read_concern is not None and context.read_concern.is_snapshot and not context.is_transaction:
            return False
        request = parsed.request
        if type(request) is find.FindRequest and KEYS_ARE_QUICK and find.is_point_read(asked, request):
            return True
        try:
            is_short = type(request) in EXAMINES and asked.examines(request) <= LOOP_DOCUMENTS
            return is_short and not searches_wildly(request)  # nobody knows who sends it: one document may be too many
        except RecursionError:  # it is met again where the command runs, and is its answer
            return False

    def durable(self, sequence: int) -> Completion:
        """Done when the commit `sequence` is safe against power loss."""
        return self.store.durable(sequence)

    # What commands ask

    def explained(self, request: aggregate.AggregateRequest, interrupt: Interrupt) -> dict[str, Any]:
        """The reply of an aggregate with the option `explain`.

        errors   those of `explain_pipeline`
        """
        database, _, collection = request.namespace.partition(".")
        command = {"aggregate": collection, "pipeline": request.stages, "explain": True}
        body = add_settings(self, request, explain_pipeline(self, request, QUERY_PLANNER, interrupt))
        return reply(body, database, command)

    def moment(self) -> tuple[DatetimeMS, Timestamp]:
        """The present as a date and as a cluster time, the same objects within one millisecond."""
        now_ms = self.clock.now_ms()
        if now_ms != self._moment_ms:
            self._moment = DatetimeMS(now_ms), Timestamp(now_ms // 1000, 1)
            self._moment_ms = now_ms
        return self._moment

    def next_timestamp(self) -> Timestamp:
        """A cluster time for a field that asks for the present one: after the last commit, never the same twice."""
        return self.times.next()

    def operation_time(self) -> Timestamp:
        """What a reply gives as `operationTime`: the cluster time of the last commit."""
        return self.times.operation()

    def cluster_time(self) -> Timestamp:
        """What a reply gives in `$clusterTime`: the greatest cluster time that is known."""
        return self.times.cluster()

    def writable_collection(self, namespace: str) -> Collection:
        """The collection to write to; created if it is not there.

        errors   IS_A_VIEW, those of `check_writable` and `check_creatable`
        """
        collection = self.store.catalog.get(namespace)
        if collection is None:
            refuse_view(self.store.catalog, namespace)
            check_writable(namespace)
            check_creatable(namespace, self.store.catalog.databases())
            collection = self.store.create(namespace)
        return collection

    def operation_interrupt(self, context: Context, max_time_ms: int | None) -> Interrupt:
        """The interrupt of an operation with this time limit."""
        if max_time_ms and context.interrupt is NEVER:
            return Interrupt(max_time_ms)
        if max_time_ms:
            context.interrupt.limit(max_time_ms)
        return context.interrupt
