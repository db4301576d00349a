"""Building indexes on a collection that has documents, while others go on writing to it.

The build goes through a view of the collection without the store's lock: what it finds is collected, sorted once and
put in place. What was written meanwhile shows in the next view (`records.view`, `differences`); the build goes after it
until so little is left that it can be done under the lock. Until then the indexes belong to nobody: a build that fails
or is stopped leaves no trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from amongo.engine.indexes.columns import column_of
from amongo.engine.indexes.entry import entry_of
from amongo.engine.indexes.index import Index
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import INDEX_BUILD_BATCH_COUNT
from amongo.values.codec import decode


class Records(Protocol):
    """The records of a collection at one moment."""

    def record(self, record_id: int) -> bytes | None:
        """The document with this record id."""
        ...

    def differences(self, earlier: Any) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """(record id, document then, document now) of every record that an earlier view holds otherwise."""
        ...


class Build:
    """Indexes on their way into a collection.

    indexes   the new ones
    """

    def __init__(
        self, namespace: str, indexes: Sequence[Index], *, is_lenient: bool = False, seen: Records | None = None
    ) -> None:
        """
        is_lenient   leave out the keys of a document that an index cannot take, instead of failing: at the opening of
                     a store, whose documents were taken once
        seen         what the indexes hold already; None if they are empty
        """
        self.indexes = indexes
        self._namespace = namespace
        self._is_lenient = is_lenient
        self._seen = seen
        self._suspects: list[dict[bytes, None]] = [{} for _ in indexes]

    def catch_up(self, view: Records, interrupt: Interrupt = NEVER) -> int:
        """Enter what a view holds and the last one did not, and take out what it no longer holds; how many records.

        errors   ServerError for a document that an index cannot take
        """
        count = 0
        collected: list[list[bytes]] | None = [[] for _ in self.indexes] if self._seen is None else None
        record_ids: list[int] = []
        raws: list[bytes] = []
        for record_id, old, new in interrupt.watch(view.differences(self._seen)):
            count += 1
            if old is not None:
                self._take_out(record_id, old)
            if new is not None:
                record_ids.append(record_id)
                raws.append(new)
                if len(raws) >= INDEX_BUILD_BATCH_COUNT:
                    self._enter(record_ids, raws, collected)
                    record_ids, raws = [], []
            interrupt.breathe()
        self._enter(record_ids, raws, collected)
        for index, entries in zip(self.indexes, collected or (), strict=False):
            index.entries.load(entries, interrupt)
        self._seen = view
        return count

    def check_unique(self, view: Records) -> None:
        """Refuse keys of a unique index that several documents have.

        view     the last one that was caught up with
        errors   that of the first document that comes too late
        """
        for index, suspects in zip(self.indexes, self._suspects, strict=True):
            for key in suspects:
                holders = list(index.entries.records_with(key))
                if len(holders) > 1:
                    raw = view.record(holders[-1])
                    assert raw is not None
                    raise index.maker.duplicate(self._namespace, decode(raw), key)

    def _enter(self, record_ids: list[int], raws: list[bytes], collected: list[list[bytes]] | None) -> None:
        """Enter documents, or collect their entries."""
        for number, index in enumerate(self.indexes):
            column = column_of(index, raws, is_lenient=self._is_lenient)
            keys, entries = column.keys, column.entries(record_ids)
            if index.is_unique:
                suspects = self._suspects[number]
                suspects |= dict.fromkeys(index.entries.taken(keys))
                if len(set(keys)) < len(keys):
                    suspects |= {key: None for key, count in Counter(keys).items() if count > 1}
            if collected is None:
                index.entries.extend(keys, entries)
            else:
                index.entries.remember(keys)
                collected[number] += entries

    def _take_out(self, record_id: int, raw: bytes) -> None:
        for index in self.indexes:
            try:
                keys = index.keys(raw)
            except ServerError:  # it was not taken in
                continue
            for key, types in keys.items():
                index.entries.discard(entry_of(key, record_id, types))
