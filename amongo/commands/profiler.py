"""The profiler: what operations have done is noted down in `system.profile` of their database.

Level 1 notes the slow ones, or those of a filter; level 2 all of them. The notes lie in a capped collection beside what
they tell of; writing one is no operation, and in no transaction. Whether a profiler is on or not, an operation that
takes longer than `slowms` makes a line in the log.

Source: manual, Database Profiler; Database Profiler Output; profile.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextvars import Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.commands.attention import PROFILER
from amongo.commands.namespaces import PROFILE
from amongo.commands.operations import Operation
from amongo.commands.profile_entries import document_entry, log_attributes, statement_entry
from amongo.engine.records import Collection, record_key
from amongo.errors import ServerError
from amongo.planner.observation import OBSERVED, SWITCH, Observation
from amongo.runtime.limits import PROFILE_BYTES, SLOW_MS
from amongo.values.codec import encode_in_order
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]

OPTIONS: Final = {"capped": True, "size": PROFILE_BYTES}
_LIVE: Final = "live"
_SLOW_NUMBER: Final = 51803  # of the server's event "Slow query"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which operations are noted down.

    condition   as it was asked for
    accepts     the same, bound
    """

    condition: Document
    accepts: Callable[[Document], bool]


@dataclass(frozen=True, slots=True)
class Level:
    """How one database is profiled.

    level    0, 1 or 2
    filter   in the place of `slowms` and `sampleRate`; None without one
    """

    level: int = 0
    filter: Filter | None = None


NO_LEVEL: Final = Level()


@dataclass(slots=True, eq=False)
class Watched:
    """An operation that is observed.

    seen         what it looks at
    cpu_ns       of this thread when it began
    token        gives back who was observed before
    statements   the entries of the statements of a batch so far
    """

    seen: Observation
    cpu_ns: int
    token: Token[Observation | None]
    statements: list[Document] = field(default_factory=list)


class Profiler:
    """The profiler of an instance.

    slow_ms       from when on an operation is slow, in any database
    sample_rate   the part of the slow operations that is noted down, 0 to 1
    is_on         for at least one database
    logs_all      every operation makes a line in the log, however quick
    """

    def __init__(self, instance: Instance, draw: Callable[[], float] = random.random) -> None:
        """draw: a random number from 0 to 1, for the sample."""
        self.slow_ms = SLOW_MS
        self.sample_rate = 1.0
        self.is_on = False
        self.logs_all = False
        self._instance = instance
        self._draw = draw
        self._levels: dict[str, Level] = {}

    # How it is set

    def level(self, database: str) -> Level:
        """How a database is profiled."""
        return self._levels.get(database, NO_LEVEL)

    def set_level(self, database: str, level: Level) -> None:
        """Profile a database so from now on; its `system.profile` is there then.

        errors   those of creating a collection
        """
        if level.level:
            self._instance.store.create(f"{database}.{PROFILE}", dict(OPTIONS))
        if level == NO_LEVEL:
            self._levels.pop(database, None)
        else:
            self._levels[database] = level
        self._switch()

    def forget(self, database: str) -> None:
        """A database was dropped."""
        if self._levels.pop(database, None) is not None:
            self._switch()

    def close(self) -> None:
        """Observe nothing any more."""
        self._levels.clear()
        self._switch()

    def _switch(self) -> None:
        self.is_on = any(each.level for each in self._levels.values())
        self._instance.attention.call(PROFILER, is_on=self.is_on)
        SWITCH.call(self, is_on=self.is_on)

    # Operations

    def begin(self, operation: Operation) -> None:
        """An operation begins: if anything is profiled, what it looks at is counted from now on."""
        if not self.is_on:
            return
        seen = Observation(operation)
        operation.watched = Watched(seen, time.thread_time_ns(), OBSERVED.set(seen))
        if operation.name == "getMore" and type(cursor_id := operation.command["getMore"]) in (int, Int64):
            cursor = self._instance.cursors.find(cursor_id)
            operation.origin = None if cursor is None else cursor.origin

    def concerns(self, micros: int) -> bool:
        """Whether there is something to say of an operation that took so long, though it was not observed."""
        return micros >= self.slow_ms * 1000 or self.logs_all

    def end(self, operation: Operation, micros: int, failure: BaseException | None) -> None:
        """An operation has ended: note it down if it is to be.

        micros    that it took
        failure   its error; None if it was answered
        """
        watched = operation.watched
        if watched is not None:
            OBSERVED.reset(watched.token)
        if failure is not None and not isinstance(failure, ServerError):
            return  # interrupted, or a getMore that still waits
        if operation.name == _LIVE or (failure is None and operation.reply is None):
            return  # one of many looks at what was committed: a note would be a commit, and lead to the next look
        try:
            self._note(operation, micros, failure)
        except Exception as error:  # the operation has been answered, whatever is wrong with the note
            self._instance.journal.note("COMMAND", "Profile entry not written", {"error": repr(error)})

    def _note(self, operation: Operation, micros: int, failure: ServerError | None) -> None:
        """Note an operation down, if it is to be."""
        database = operation.namespace.partition(".")[0]
        level = self.level(database)
        is_slow = micros >= self.slow_ms * 1000
        if level.filter is None:
            is_sampled = is_slow and (self.sample_rate >= 1 or self._draw() < self.sample_rate)
            is_logged, is_noted = is_sampled or self.logs_all, level.level == 2 or (level.level == 1 and is_sampled)
            if is_logged:
                attributes = log_attributes(self._instance, operation, micros, failure)
                self._instance.journal.note("COMMAND", "Slow query", attributes, number=_SLOW_NUMBER)
            if not is_noted:
                return
        elif not level.level:
            return
        entries = [] if operation.watched is None else operation.watched.statements
        entries.append(document_entry(self._instance, operation, micros, failure))
        if level.filter is not None and level.level == 1:
            entries = [each for each in entries if level.filter.accepts(each)]
        self._write(f"{database}.{PROFILE}", entries)

    def end_statement(self, operation: str, command: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        """A statement of a batch of updates or deletes has been run by the operation of this moment.

        operation   "update" or "remove"
        command     {q, u, …}
        counts      what it has done: {nMatched, …}
        """
        seen = OBSERVED.get()
        running = None if seen is None else seen.operation
        if isinstance(running, Operation) and running.watched is not None:
            watched = running.watched
            watched.statements.append(statement_entry(self._instance, running, operation, command, counts))
            watched.seen.keys = watched.seen.docs = 0
            watched.seen.summary = ""

    def _write(self, namespace: str, entries: list[Document]) -> None:
        """Write entries.

        errors   those of the log; CollectionDropped
        """
        instance = self._instance
        if not instance.held_writes.is_held:
            collection = instance.store.create(namespace, dict(OPTIONS))
            for entry in entries:
                _insert(instance, collection, entry)


def _insert(instance: Instance, collection: Collection, entry: Document) -> None:
    """Write an entry. Two may be the same but for the nanoseconds that they took: then these differ by one."""
    raw = encode_in_order(entry)
    while not instance.store.insert_one(collection, record_key(raw), raw):
        entry["cpuNanos"] = number(int(entry.get("cpuNanos", 0)) + 1)
        raw = encode_in_order(entry)
