"""Documents that live for a time: the deletion of those whose TTL index says that their time is over.

A pass looks at every TTL index of the store; a service thread makes one a minute, from the moment at which there is
such an index. A document with several dates goes by the earliest; one without a date stays. A collection clustered by
dates has its lifetime itself. Source: manual, TTL Indexes, "Behavior"; Clustered Collections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.engine.indexes import Index, record_id_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import EXPIRY_BATCH_COUNT, EXPIRY_INTERVAL_S
from amongo.runtime.workers import Completion, Lock, start_service
from amongo.values.key_bytes import bracket_bounds, descending, key_bytes
from amongo.values.numbers import to_double

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_DATE: Final = DatetimeMS(0)


class Expiry:
    """The deletion of documents whose time is over, for one instance.

    is_enabled   whether passes are made
    interval_s   seconds from one to the next
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._interrupt = Interrupt()
        self._stopped = Completion()
        self._lock = Lock()
        self._join: Any = None
        self.is_enabled = True
        self.interval_s: float = EXPIRY_INTERVAL_S

    def look(self) -> None:
        """Begin with the passes if something has a lifetime by now and they have not begun."""
        with self._lock:
            if self._join is None and not self._stopped.is_done and self._is_needed():
                self._join = start_service("expiry", self._serve).join

    def close(self) -> None:
        """Make no further passes; waits for one that is being made."""
        with self._lock:
            self._stopped.set_result()
            join, self._join = self._join, None
        self._interrupt.stop()
        if join is not None:
            join()

    def _is_needed(self) -> bool:
        return any(_lives_for(each) for each in list(self._instance.store.catalog.by_uuid.values()))

    def _serve(self) -> None:
        while not self._stopped.wait_blocking(self.interval_s):
            try:
                if self.is_enabled:
                    self.run_pass(self._interrupt)
            except OperationInterrupted:
                return

    def run_pass(self, interrupt: Interrupt) -> int:
        """Delete what is to go now; how many documents.

        errors   what the log says
        """
        store, now_ms = self._instance.store, self._instance.clock.now_ms()
        deleted = 0
        if store.admission.refuse is not None or self._instance.held_writes.is_held:  # in a later pass
            return 0
        for collection in list(store.catalog.by_uuid.values()):
            for index, seconds in _lives_for(collection):
                deleted += _delete(store, collection, index, now_ms - seconds * 1000, interrupt)
        return deleted


def _lives_for(collection: Collection) -> list[tuple[Index | None, int]]:
    """(index, seconds) of each lifetime in a collection; None stands for the clustered index."""
    found: list[tuple[Index | None, int]] = []
    seconds = collection.options.get("expireAfterSeconds")
    if seconds is not None and collection.is_clustered and not collection.options.get("timeseries"):
        found.append((None, int(seconds)))
    if collection.secondary is not None:
        for index in collection.secondary.indexes:
            seconds = index.definition.get("expireAfterSeconds")
            if seconds is not None and all(type(each) is not str for each in index.definition["key"].values()):
                found.append((index, int(seconds)))
    return found


def _delete(store: Store, collection: Collection, index: Index | None, until_ms: int, interrupt: Interrupt) -> int:
    """Delete the documents that an index has up to a date; how many."""
    deleted = 0
    records = _expired(store, collection, index, until_ms)
    while batch := list(islice(records, EXPIRY_BATCH_COUNT)):
        interrupt.check()
        done = store.delete(collection, batch, interrupt)
        deleted += len(batch) - len(done.conflicts)  # what has changed meanwhile is looked at in the next pass
    return deleted


def _expired(store: Store, collection: Collection, index: Index | None, until_ms: int) -> Iterator[tuple[int, bytes]]:
    """(record id, document) of those that an index has up to a date."""
    low, end = bracket_bounds(_DATE)[0], key_bytes(DatetimeMS(max(until_ms, -(2**63))))
    with store.lock:
        view = collection.view()
        if index is None:
            found: Iterable[int] = collection.id_order().between(low, end + b"\x00")
        else:
            is_ascending = to_double(next(iter(index.definition["key"].values()))) > 0
            low, end = (low, end + b"\xff") if is_ascending else (descending(end), descending(low) + b"\xff")
            found = map(record_id_of, index.view().between(low, end))
    if index is not None and index.is_multikey:
        found = dict.fromkeys(found)  # a document with several dates goes by the first
    for record_id in found:
        raw = view.record(record_id)
        if raw is not None:
            yield record_id, raw
