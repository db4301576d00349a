"""find and count on `local.oplog.rs`: an aggregate over what `oplog_source` gives.

A tailable find gives what comes, and waits for it. Source: manual, Tailable Cursors.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amongo.aggregate import Environment, Pipeline
from amongo.commands import aggregate
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.namespaces import OPLOG
from amongo.commands.oplog_source import begin
from amongo.commands.replies import CursorReply
from amongo.commands.view_reads import count_in_view, find_in_view_request
from amongo.engine.log.history import Reader
from amongo.engine.log.recent import Commit
from amongo.engine.records.arrivals import Arrivals
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS, LOOP_SLICE_S, STREAM_LOOK_S
from amongo.runtime.waking import Sleeper
from amongo.streams.oplog import oplog_documents
from amongo.values.codec import decode, encode_in_order

if TYPE_CHECKING:
    from amongo.commands.count import CountRequest
    from amongo.commands.find import FindRequest
    from amongo.commands.instance import Instance

Document = dict[str, Any]


def find_in_oplog(instance: Instance, request: FindRequest, context: Context) -> CursorReply:
    """The first batch of a find.

    errors   those of the filter, of the projection and of an aggregate
    """
    options = request.options
    asked = request._replace(
        single_batch=False, options=replace(options, tailable=False, no_cursor_timeout=False, scan=None)
    )
    made = find_in_view_request(asked)
    if not options.tailable:
        reply = aggregate.run(instance, made, context)
        assert isinstance(reply, CursorReply)  # it is not explained
        if request.single_batch and reply.cursor_id:
            instance.cursors.kill([reply.cursor_id])
            return reply._replace(cursor_id=0)
        return reply
    interrupt = Interrupt()
    environment = aggregate.environment_of(instance, made, options.variables, None, interrupt)
    history = instance.store.history
    cursor = OplogCursor(
        history.reader(begin(instance, request.filter)),
        history.arrivals,
        made.pipeline,
        environment,
        interrupt,
        session_id=context.session_id,
        never_idles=options.no_cursor_timeout,
        awaits_data=options.awaits_data,
    )
    context.interrupt.also_stop(interrupt)
    try:
        return instance.cursors.first_reply(cursor, request.batch_size)
    except BaseException:
        cursor.close()
        raise


def count_in_oplog(instance: Instance, request: CountRequest, interrupt: Interrupt) -> int:
    """How many of its documents a count finds.

    errors   those of an aggregate
    """
    for raw in aggregate.result_documents(instance, count_in_view(request), interrupt):
        return int(decode(raw)["count"])
    return 0


class OplogCursor(Cursor):
    """A tailable cursor: it stays open, and gives what is committed."""

    __slots__ = ("_ends_s", "_environment", "_has_more", "_is_on_loop", "_pipeline", "_reader", "_waiting")

    def __init__(
        self,
        reader: Reader,
        arrivals: Arrivals,
        pipeline: Pipeline,
        environment: Environment,
        interrupt: Interrupt,
        **options: Any,
    ) -> None:
        """
        pipeline   what filter and projection are in an aggregate
        options    of `Cursor`
        """
        super().__init__(OPLOG, iter(()), interrupt, **options)
        self.sleeper = Sleeper(arrivals)
        self._reader = reader
        self._pipeline = pipeline
        self._environment = environment
        self._ends_s = sys.float_info.max  # of the look
        self._is_on_loop = False
        self._has_more = False
        self._waiting: Commit | None = None  # a long one, which is not for the loop

    @property
    def has_more(self) -> bool:
        """Whether the last look has ended before all that there is had been looked at."""
        return self._has_more

    @property
    def examines(self) -> int:
        """Nothing worth a worker while what comes next is in memory, and short."""
        return 0 if self._waiting is None and self._reader.is_near else sys.maxsize

    def begin_look(self, *, is_on_loop: bool) -> None:
        """Limit the time of the next batch, and what it may read."""
        self._is_on_loop = is_on_loop
        self._ends_s = time.monotonic() + (LOOP_SLICE_S if is_on_loop else STREAM_LOOK_S)

    def next_batch(self, count: int | None) -> tuple[list[bytes], bool]:
        """(documents of the next batch, False).

        errors   HISTORY_LOST, those of the filter and the projection
        """
        batch, is_done = super().next_batch(count)
        if is_done and not batch:
            self._documents = self._flow()
            batch, is_done = super().next_batch(count)
        return batch, False

    def close(self) -> None:
        """Read no more."""
        self._reader.close()

    def _flow(self) -> Iterator[bytes]:
        """What comes out of the commits that there are, until the time of the look is up."""
        return map(encode_in_order, self._pipeline.run(self._given(), self._environment, is_watched=True))

    def _given(self) -> Iterator[Document]:
        self._has_more = False
        while not self._is_on_loop or self._reader.is_near:
            commit, self._waiting = self._waiting, None
            if commit is None:
                commits = self._reader.next(1)
                if not commits:
                    return
                commit = commits[0]
            if self._is_on_loop and sum(len(entry.documents) for entry in commit.entries) > LOOP_DOCUMENTS:
                self._waiting = commit  # for a worker
                break
            yield from oplog_documents(commit, self.interrupt)
            if time.monotonic() >= self._ends_s:
                break
        self._has_more = True
