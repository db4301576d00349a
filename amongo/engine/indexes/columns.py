"""The keys of many documents in one index, made together: for batches of new documents, and for building."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import add
from typing import NamedTuple

from amongo.engine.indexes.entry import entry_end, entry_of
from amongo.engine.indexes.index import Index
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER, Interrupt


class Column(NamedTuple):
    """The keys of documents in one index.

    keys        of all documents, one after the other
    types       the type bits of each; None if none has any
    positions   which document has each; None if each has one
    """

    keys: list[bytes]
    types: list[bytes] | None
    positions: list[int] | None

    def entries(self, record_ids: Sequence[int]) -> list[bytes]:
        """The entries, one for each key, of documents with these record ids."""
        keys, types, positions = self
        if types is not None:
            owners = record_ids if positions is None else map(record_ids.__getitem__, positions)
            return list(map(entry_of, keys, owners, types))
        ends = list(map(entry_end, record_ids))
        return list(map(add, keys, ends if positions is None else map(ends.__getitem__, positions)))


def column_of(index: Index, raws: Sequence[bytes], interrupt: Interrupt = NEVER, *, is_lenient: bool = False) -> Column:
    """The keys of documents in an index.

    is_lenient   leave out documents that the index cannot take
    errors       ServerError for a document that the index cannot take
    """
    cut = index.maker.cut
    if cut is not None and raws:
        cuts = list(map(cut, interrupt.watch(raws)))
        if all(cuts):  # each has one key, which could be cut out
            keys, types = (list(each) for each in zip(*cuts, strict=True))
            return Column(keys, types if any(types) else None, None)
    keys, types = [], []
    positions: list[int] = []
    for position, raw in enumerate(interrupt.watch(raws)):
        try:
            made = index.keys(raw)
        except ServerError:
            if is_lenient:
                continue
            raise
        keys += made
        types += made.values()
        positions += repeat(position, len(made))
    return Column(keys, types if any(types) else None, positions)
