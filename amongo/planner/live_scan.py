"""Going on with a scan as the collection is now.

A find shows each batch as of the time it is asked for, as on the server: documents that were changed since the batch
before come out changed, and those that were added come out too. The place is that of the last document that was given;
if it is gone, the scan goes on as of the batch before. Source: manual, Cursors, "Cursor Isolation".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from amongo.engine.records import record_key
from amongo.engine.store import Store
from amongo.planner.observation import SWITCH, examined, observed
from amongo.planner.plan import Plan
from amongo.runtime.interrupts import Interrupt


class LiveScan:
    """What a find by a scan in natural order, of whole documents, has still to give.

    plan   the find's
    """

    __slots__ = ("_interrupt", "_plan", "_store")

    def __init__(self, plan: Plan, store: Store, interrupt: Interrupt) -> None:
        self._plan = plan
        self._store = store
        self._interrupt = interrupt

    @staticmethod
    def suits(plan: Plan) -> bool:
        """Whether the plan is such a scan."""
        query = plan.query
        return (
            plan.stage == "COLLSCAN"
            and query.sort is None
            and query.projection is None
            and not query.returns_key
            and not plan.collection.is_clustered
        )

    def behind(self, last: bytes | None, left: int) -> Iterator[bytes] | None:
        """The documents behind the one that was given last; None if it is gone.

        last   as it was then; None before the first
        left   documents at most; negative for any number
        """
        plan, collection = self._plan, self._plan.collection
        if last is None:
            return plan.documents(self._store, self._interrupt)
        found = collection.find_id(record_key(last, collection.collator))
        if found is None:
            return None
        view, query = self._store.view(collection), plan.query
        if SWITCH.is_on:
            observed().look_by(plan.summary)
        if query.matches is None and not query.is_reverse:
            documents = view.documents_after(found[0])
            if SWITCH.is_on:
                documents = examined(iter(documents))
        else:
            records = view.before(found[0]) if query.is_reverse else view.after(found[0])
            if SWITCH.is_on:
                records = examined(iter(records))
            documents = plan.documents_of(records, self._interrupt)
        return documents if left < 0 else islice(documents, left)
