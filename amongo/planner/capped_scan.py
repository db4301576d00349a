"""The scan of a capped collection: a find on one reads what is there when a batch is asked for, as on the server.

It knows its place by the record id that it has seen last. If that record is gone by the time of the next batch, others
behind it may be gone too, unseen; the find then ends with an error instead of with a hole. A tailable scan does not end
with the last record: what is inserted later comes with a later batch. Source: manual, Tailable Cursors.
"""

from __future__ import annotations

from collections.abc import Iterator

from amongo.engine.store import Store
from amongo.errors import capped as errors
from amongo.planner.observation import SWITCH, examined, observed
from amongo.planner.plan import Plan
from amongo.runtime.interrupts import Interrupt


class CappedScan:
    """The result documents' bytes, in natural order. After its end, a tailable one may have more.

    plan   a COLLSCAN without a sort
    """

    def __init__(self, plan: Plan, store: Store, interrupt: Interrupt, *, is_tailable: bool) -> None:
        self._plan = plan
        self._store = store
        self._interrupt = interrupt
        self._is_tailable = is_tailable
        self._to_skip = plan.query.skip
        self._wanted = plan.query.limit or -1
        self._last_seen: int | None = None  # record id
        self._documents: Iterator[bytes] | None = None  # of the present batch
        self._is_over = False
        uses = plan.collection.uses
        uses.scans += 1
        uses.tailable_scans += is_tailable

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """errors: those of the query's expressions."""
        if self._is_over or self._wanted == 0:
            raise StopIteration
        if self._documents is None:
            self._documents = self._plan.documents_of(self._records(), self._interrupt)
        for raw in self._documents:
            if self._to_skip:
                self._to_skip -= 1
                continue
            self._wanted -= 1
            return raw
        self._documents = None
        self._is_over = not self._is_tailable
        raise StopIteration

    def resume(self) -> None:
        """Go on with the next batch.

        errors   CAPPED_POSITION_LOST
        """
        if self._is_over:
            return
        if self._last_seen is not None and self._plan.collection.record(self._last_seen) is None:
            raise errors.CAPPED_POSITION_LOST(record_id=self._last_seen)
        self._documents = None

    @property
    def remaining(self) -> int:
        """How many records the next batch looks at, at most."""
        collection = self._plan.collection
        if self._last_seen is None:
            return collection.count
        span = self._last_seen if self._plan.query.is_reverse else collection.next_record_id - self._last_seen
        return min(collection.count, span - 1)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        view, is_reverse = self._store.view(self._plan.collection), self._plan.query.is_reverse
        if self._last_seen is None:
            records = reversed(view) if is_reverse else iter(view)
        else:
            records = view.before(self._last_seen) if is_reverse else view.after(self._last_seen)
        if SWITCH.is_on:
            observed().look_by("COLLSCAN")
            records = examined(iter(records))
        for record in records:
            self._last_seen = record[0]
            yield record
