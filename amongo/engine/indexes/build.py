"""Building indexes on a collection that has documents, while others go on writing to it.

The build goes through a view of the collection without the store's lock. What was written meanwhile shows in the next
view: the chunks of records that are still the same objects have not changed (`records.view`). The build looks at the
others record by record, until so little is left that it can be done under the lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from amongo.engine.indexes.entries import entry_of
from amongo.engine.indexes.secondary import Index
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt
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

    def __init__(self, namespace: str, indexes: Sequence[Index], *, is_lenient: bool = False) -> None:
        """
        is_lenient   leave out the keys of a document that an index cannot take, instead of failing: at the opening of
                     a store, whose documents were taken once
        """
        self.indexes = indexes
        self._namespace = namespace
        self._is_lenient = is_lenient
        self._seen: Records | None = None
        self._suspects: list[dict[bytes, None]] = [{} for _ in indexes]

    def catch_up(self, view: Records, interrupt: Interrupt = NEVER) -> int:
        """Enter what a view holds and the last one did not, and take out what it no longer holds; how many records.

        errors   ServerError for a document that an index cannot take
        """
        count = 0
        for record_id, old, new in interrupt.watch(view.differences(self._seen)):
            count += 1
            if old is not None:
                self._change(record_id, old, enters=False)
            if new is not None:
                self._change(record_id, new, enters=True)
            interrupt.breathe()
        self._seen = view
        return count

    def check_unique(self, view: Records) -> None:
        """Refuse keys of a unique index that several documents have.

        view     the last one that was caught up with
        errors   that of the first document that comes too late
        """
        for index, suspects in zip(self.indexes, self._suspects, strict=True):
            if not index.is_unique:
                continue
            for key in suspects:
                holders = list(index.entries.records_with(key))
                if len(holders) > 1:
                    raw = view.record(holders[-1])
                    assert raw is not None
                    raise index.maker.duplicate(self._namespace, decode(raw), key)

    def _change(self, record_id: int, raw: bytes, *, enters: bool) -> None:
        document = decode(raw)
        for index, suspects in zip(self.indexes, self._suspects, strict=True):
            try:
                made = index.maker.keys(document)
            except ServerError:
                if self._is_lenient or not enters:
                    continue
                raise
            if made.is_multikey:
                index.is_multikey = True
            for key in made.keys:
                if not enters:
                    index.entries.discard(entry_of(key, record_id))
                    continue
                if index.is_unique and index.entries.record_with(key) is not None:
                    suspects[key] = None
                index.entries.add(entry_of(key, record_id))
