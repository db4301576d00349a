"""The columns of a collection at one moment: kept from query to query, and brought up to date by what has changed.

A query claims its paths, takes a view and what the collection has noted since the last one (`kept`), and without the
store's lock, on its worker, brings those paths up to date (`renewal`, `patching`). What it gets are exactly the columns
of its view. They are immutable: they stay right for that view whatever others do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amongo.engine.columns.column import Columns, Path, Segment
from amongo.engine.columns.kept import ROWS_ALONE, Part, kept_of
from amongo.engine.columns.renewal import ColumnsRefused, Renewal
from amongo.engine.records import Collection, View
from amongo.engine.store import Store
from amongo.runtime.interrupts import Interrupt

__all__ = ["ColumnsRefused", "columns_of", "keeps_columns", "refusal"]


def refusal(collection: Collection) -> str | None:
    """Why no columns are kept of a collection; None if they are."""
    if collection.is_clustered:
        return "the natural order of a clustered collection is not that of its record ids"
    return None


def keeps_columns(collection: Collection) -> bool:
    """Whether columns are kept of a collection."""
    return refusal(collection) is None


def columns_of(
    store: Store, collection: Collection, paths: Sequence[Path], interrupt: Interrupt
) -> tuple[View, Columns]:
    """The columns of a collection at this moment, and the view of it at this very moment. Not under the store's lock.

    paths       those wanted; each segment has these and no others
    interrupt   ends it: what was kept stays as it was
    errors      ColumnsRefused if there are none, or no room for them; SNAPSHOT_CORRUPT, STORE_UNREADABLE
    """
    reason = refusal(collection)
    if reason is not None:
        raise ColumnsRefused(reason)
    wanted = tuple(dict.fromkeys(paths)) or (ROWS_ALONE,)
    kept = kept_of(store.columns, store.lock, collection)
    with kept.claimed(wanted, interrupt):
        moment = kept.moment(store.lock, collection, wanted)
        renewal = Renewal(moment, store.columns, interrupt)
        if not renewal.is_current:
            try:
                renewal.run()
            except BaseException:
                kept.settle(moment, renewal.begun())
                raise
            kept.settle(moment, renewal.parts)
    return moment.view, Columns(tuple(_segments(renewal.parts)), renewal.built)


def _segments(parts: Mapping[Path, Mapping[int, Part]]) -> list[Segment]:
    """The segments in which there are records, of what is there of each path."""
    first = next(iter(parts.values()))
    segments = []
    for number in sorted(first):
        ids = first[number].ids
        if len(ids):
            columns = {path: each[number].column for path, each in parts.items() if path != ROWS_ALONE}
            segments.append(Segment(ids, columns))
    return segments
