"""The documents that match a live query, in order, and the window of them that is shown.

All matching documents are kept, in their order, and not only those of the window: when one of the window goes, the
next comes in, and it has to be that of this very moment. What is kept is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from amongo.errors import live as errors
from amongo.mql.sorting import in_order
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LIVE_BYTES, LIVE_DOCUMENTS
from amongo.streams.live.definition import Definition, Shown

Kind = Literal["added", "changed", "moved", "removed", "dropped"]


@dataclass(slots=True)
class Difference:
    """One difference between a result before a change and after it; made one after the other, they give the result.

    kind         "added": put `document` in at `index`. "removed": take out what is at `from_index`.
                 "changed" and "moved": take out what is at `from_index`, and put `document` in at `index`; a document
                 that is moved shows as before. "dropped": there is no such collection any more
    sequence     of the commit
    id_document  bytes of {_id}; None for "dropped"
    document     bytes of the document as it is shown now
    before       bytes of the document as it was shown before
    is_last      no other difference of this commit follows
    """

    kind: Kind
    sequence: int
    id_document: bytes | None = None
    document: bytes | None = None
    before: bytes | None = None
    index: int | None = None
    from_index: int | None = None
    is_last: bool = False


class LiveResult:
    """The result of a live query.

    definition   what is asked
    """

    __slots__ = ("_by_record", "_bytes", "_limit", "_order", "definition")

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._limit = definition.limit or LIVE_DOCUMENTS + 1
        self._order: list[Shown] = []
        self._by_record: dict[int, Shown] = {}
        self._bytes = 0

    def fill(self, records: Iterable[tuple[int, bytes]], interrupt: Interrupt) -> None:
        """Begin with what the collection holds, given as (record id, document).

        errors   LIVE_TOO_LARGE; those of `Definition.shown`
        """
        keyed = ((shown.order_key(), shown) for shown in self._entered(records, interrupt))
        self._order = list(in_order(keyed, interrupt))

    def _entered(self, records: Iterable[tuple[int, bytes]], interrupt: Interrupt) -> Iterator[Shown]:
        for shown in self.definition.all_shown(interrupt.watch(records)):
            self._enter(shown)
            yield shown

    def documents(self) -> list[bytes]:
        """What is shown, in order."""
        return [shown.raw for shown in self._order[: self._limit]]

    def put(self, record_id: int, raw: bytes, sequence: int) -> list[Difference]:
        """The differences that a document makes which was inserted or changed.

        errors   LIVE_TOO_LARGE; those of `Definition.shown`
        """
        old = self._by_record.get(record_id)
        new = self.definition.shown(record_id, raw)
        if old is None:
            return [] if new is None else self._add(new, sequence)
        return self._remove(old, sequence) if new is None else self._replace(old, new, sequence)

    def remove(self, record_id: int, sequence: int) -> list[Difference]:
        """The differences that the removal of a document makes."""
        old = self._by_record.get(record_id)
        return [] if old is None else self._remove(old, sequence)

    def _add(self, new: Shown, sequence: int) -> list[Difference]:
        order, limit = self._order, self._limit
        self._enter(new)
        index = bisect_left(order, new)
        order.insert(index, new)
        if index >= limit:
            return []
        differences = []
        if len(order) > limit:  # it pushes one out
            differences.append(_removed(order[limit], limit - 1, sequence))
        differences.append(_added(new, index, sequence))
        return differences

    def _remove(self, old: Shown, sequence: int) -> list[Difference]:
        order, limit = self._order, self._limit
        index = bisect_left(order, old)
        del order[index]
        self._leave(old)
        if index >= limit:
            return []
        differences = [_removed(old, index, sequence)]
        if len(order) >= limit:  # the next one comes in
            differences.append(_added(order[limit - 1], limit - 1, sequence))
        return differences

    def _replace(self, old: Shown, new: Shown, sequence: int) -> list[Difference]:
        order, limit = self._order, self._limit
        before = bisect_left(order, old)
        del order[before]
        self._leave(old)
        self._enter(new)
        after = bisect_left(order, new)
        order.insert(after, new)
        if before < limit and after < limit:
            is_same = old.raw == new.raw
            if is_same and before == after:
                return []
            kind: Kind = "moved" if is_same else "changed"
            return [Difference(kind, sequence, new.id_document(), new.raw, old.raw, after, before)]
        if before < limit:
            differences = [_removed(old, before, sequence)]
            differences.append(_added(order[limit - 1], limit - 1, sequence))
            return differences
        if after < limit:
            return [_removed(order[limit], limit - 1, sequence), _added(new, after, sequence)]
        return []

    def _enter(self, shown: Shown) -> None:
        self._by_record[shown.record_id] = shown
        self._bytes += len(shown.raw)
        if len(self._by_record) > LIVE_DOCUMENTS or self._bytes > LIVE_BYTES:
            raise errors.LIVE_TOO_LARGE(documents=LIVE_DOCUMENTS, mebibytes=LIVE_BYTES >> 20)

    def _leave(self, shown: Shown) -> None:
        del self._by_record[shown.record_id]
        self._bytes -= len(shown.raw)


def _added(shown: Shown, index: int, sequence: int) -> Difference:
    return Difference("added", sequence, shown.id_document(), shown.raw, None, index)


def _removed(shown: Shown, index: int, sequence: int) -> Difference:
    return Difference("removed", sequence, shown.id_document(), None, shown.raw, None, index)
