"""Reads at one moment: what a read with the read concern `snapshot` sees, and later ones at the same cluster time.

A find, aggregate or distinct with that level reads a fork of the store as it is when it begins, and its reply says at
which cluster time that is. The moment is kept for a while, so that others can read at the same time. A time that was
not kept is read where nothing was committed between it and one that was; else a find or distinct on a collection reads
it out of the log (`time_travel`), as far as that reaches back, and other reads are refused.

Source: manual, Read Concern "snapshot"; Read Concern atClusterTime; minSnapshotHistoryWindowInSeconds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Timestamp

from amongo.aggregate import NoColumns
from amongo.commands.aggregate import AggregateRequest
from amongo.commands.cluster_times import sequence, timestamp
from amongo.commands.concerns import ReadConcern
from amongo.commands.context import Context
from amongo.commands.distinct import DistinctRequest
from amongo.commands.find import FindRequest
from amongo.commands.replies import CursorReply
from amongo.commands.time_travel import store_as_of
from amongo.commands.views import may_be_view
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import command as command_errors
from amongo.errors import sessions as errors
from amongo.runtime.limits import SNAPSHOT_WINDOW_S, SNAPSHOTS
from amongo.runtime.workers import Completion, Lock, start_service

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Run = Callable[[Any, Any, Context], Any]

_WRITING_STAGES: Final = frozenset({"$out", "$merge"})
_NO_COLUMNS: Final = "columns are kept of the present, and not of moments that are read again"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A moment that can be read again.

    sequence   of the last commit before it
    inside     what reads run on
    due_s      when it is let go, on the monotonic clock
    """

    sequence: int
    inside: Instance
    due_s: float


class SnapshotReads:
    """The moments of an instance that can be read again."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lock = Lock()
        self._kept: dict[int, _Kept] = {}  # by cluster time; the one that was taken first comes first
        self._closing = Completion()
        self._join: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def check(self, read: ReadConcern, *, is_transaction: bool) -> None:
        """Refuse a read concern that nothing can satisfy.

        errors   CLUSTER_TIME_AHEAD; NOT_SUPPORTED_YET for a transaction at a given time
        """
        if read.after_cluster_time is not None:
            self._instance.times.check("afterClusterTime", read.after_cluster_time)
        if is_transaction and read.at_cluster_time is not None:
            raise command_errors.NOT_SUPPORTED_YET(
                what="'readConcern.atClusterTime' of a transaction", reason="a transaction begins at the present"
            )

    def run(self, request: Any, read: ReadConcern, context: Context, run: Run) -> Any:
        """Run a read at one moment; the reply says which.

        read     its read concern, of the level "snapshot"
        errors   those of the read; CLUSTER_TIME_AHEAD, SNAPSHOT_TOO_OLD; NOT_SUPPORTED_YET for stages that write
        """
        if type(request) is AggregateRequest:
            for stage in request.stages:
                for name in _WRITING_STAGES.intersection(stage):
                    raise command_errors.NOT_SUPPORTED_YET(
                        what=f"'{name}' with the read concern 'snapshot'", reason="run it in a transaction of its reads"
                    )
        asked = read.at_cluster_time
        time, inside = self._now() if asked is None else (asked, self._at(asked, request, context))
        reply = run(inside, request, context)
        if isinstance(reply, CursorReply):
            cursor = self._instance.cursors.find(reply.cursor_id) if reply.cursor_id else None
            if cursor is not None:
                cursor.read_at = time
            return reply._replace(read_at=time)
        return {**reply, "atClusterTime": time} if isinstance(reply, dict) else reply

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._closing.set_result()
            self._kept.clear()
            join, self._join = self._join, None
        if join is not None:
            join()

    def _now(self) -> tuple[Timestamp, Instance]:
        """(cluster time, what reads run on) of the present."""
        with self._lock:
            time = self._instance.times.operation()
            kept = self._kept.get(sequence(time))
            if kept is None:
                store = self._instance.store
                moment = store.moment()
                time = max(time, timestamp(moment.sequence))
                kept = self._keep(time, moment.sequence, store.fork(moment))
            return time, kept.inside

    def _at(self, time: Timestamp, request: Any, context: Context) -> Instance:
        """What a read at this cluster time runs on.

        errors   CLUSTER_TIME_AHEAD, SNAPSHOT_TOO_OLD
        """
        instance, asked = self._instance, sequence(time)
        instance.times.check("atClusterTime", time)
        with self._lock:
            self._let_go()
            kept = self._kept.get(asked)
            if kept is not None:
                return kept.inside
            if asked >= instance.store.last_sequence:
                moment = instance.store.moment()
                if asked >= moment.sequence:
                    return self._keep(time, moment.sequence, instance.store.fork(moment)).inside
            if instance.clock.now_ms() // 1000 - time.time > SNAPSHOT_WINDOW_S:
                raise errors.SNAPSHOT_TOO_OLD(requested=time)
            before = [each for each in self._kept.values() if each.sequence <= asked]
        latest = max(before, key=lambda each: each.sequence, default=None)
        if latest is not None and self._is_quiet(latest.sequence, asked):
            return latest.inside
        is_alone = isinstance(request, FindRequest | DistinctRequest)
        if not is_alone or may_be_view(instance.store.catalog, request.namespace):
            raise errors.SNAPSHOT_TOO_OLD(requested=time)
        return self._inside(store_as_of(instance, request.namespace, time, context.interrupt))

    def _is_quiet(self, last: int, until: int) -> bool:
        """Whether nothing was committed behind this commit up to a cluster time, as far as is known."""
        try:
            reader = self._instance.store.history.reader(last)
        except ServerError:
            return False
        try:
            commits = reader.next(1)
            return not commits or commits[0].sequence > until
        except ServerError:
            return False
        finally:
            reader.close()

    def _keep(self, time: Timestamp, last: int, store: Store) -> _Kept:
        due_s = self._instance.clock.monotonic() + SNAPSHOT_WINDOW_S
        kept = self._kept[sequence(time)] = _Kept(last, self._inside(store), due_s)
        self._let_go()
        if self._join is None and not self._closing.is_done:
            self._join = start_service("snapshots", self._serve).join
        return kept

    def _inside(self, store: Store) -> Instance:
        inside = copy.copy(self._instance)
        inside.store = store
        inside.columnar = NoColumns(store, _NO_COLUMNS)
        inside.ahead = None
        return inside

    def _let_go(self) -> None:
        """Let go of those whose time is over, and of the first where there are too many."""
        now_s = self._instance.clock.monotonic()
        for time, kept in list(self._kept.items()):
            if kept.due_s > now_s and len(self._kept) <= SNAPSHOTS:
                break
            del self._kept[time]

    def _serve(self) -> None:
        """Let go of moments when their time is over, until none is left."""
        while True:
            with self._lock:
                self._let_go()
                first = next(iter(self._kept.values()), None)
                if first is None or self._closing.is_done:
                    self._join = None
                    return
                left_s = first.due_s - self._instance.clock.monotonic()
            if self._closing.wait_blocking(left_s):
                return
