"""A plan: the stages by which a query's documents are found, and how many documents they look at.

The stages bear the names that the server's explain gives them. A row is a pair: the record id and the document's
bytes; with the decoded document beside it where a stage needed it.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.mql.sorting import in_order
from amongo.planner.query import CanonicalQuery
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode

Document = dict[str, Any]


class Row(NamedTuple):
    """A document on its way through the stages.

    document   decoded; None where no stage has needed it yet
    """

    record_id: int
    raw: bytes
    document: Document | None

    def decoded(self) -> Document:
        """The document, decoded now if it is not yet."""
        return decode(self.raw) if self.document is None else self.document


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one query on one collection.

    stage      "IDHACK", "IXSCAN" (of the index on `_id`) or "COLLSCAN"
    examines   documents it looks at, at most
    """

    query: CanonicalQuery
    collection: Collection
    stage: str
    examines: int

    def rows(self, store: Store, interrupt: Interrupt) -> Iterator[Row]:
        """The matching documents in the asked order, skipped and limited, not projected."""
        query = self.query
        rows = self._found(store, interrupt)
        if query.sort is not None:
            rows = _sorted(rows, query, interrupt)
        if query.skip or query.limit:
            rows = islice(rows, *_window(query))
        return rows

    def documents(self, store: Store, interrupt: Interrupt) -> Iterator[bytes]:
        """The result documents' bytes."""
        query = self.query
        if self.stage == "COLLSCAN" and query.matches is None and query.sort is None and query.projection is None:
            return self._unfiltered(store)
        if query.projection is not None:
            return _projected(self.rows(store, interrupt), query)
        return (row.raw for row in self.rows(store, interrupt))

    def _unfiltered(self, store: Store) -> Iterator[bytes]:
        query, view = self.query, store.view(self.collection)
        documents = (raw for _, raw in reversed(view)) if query.is_reverse else view.documents()
        if query.skip or query.limit:
            documents = islice(documents, *_window(query))
        return documents

    def _found(self, store: Store, interrupt: Interrupt) -> Iterator[Row]:
        """The matching documents, in the order of their `_id`s where it goes by them, else in natural order."""
        query = self.query
        if self.stage == "IDHACK":
            return _fetched(self.collection, query)
        if self.stage == "IXSCAN":
            return _scanned(_in_id_order(store, self.collection, query), query.matches, interrupt)
        view = store.view(self.collection)
        return _scanned(reversed(view) if query.is_reverse else iter(view), query.matches, interrupt)


def plan_query(query: CanonicalQuery, collection: Collection) -> Plan:
    """The plan of a query: by `_id` where filter or sort go by it, else by a scan of the collection."""
    if query.id_keys is not None:
        return Plan(query, collection, "IDHACK", len(query.id_keys))
    examines = collection.count
    if query.matches is None and query.sort is None and query.limit:
        examines = min(examines, query.skip + query.limit)
    by_id = query.id_bounds is not None or query.id_direction
    return Plan(query, collection, "IXSCAN" if by_id else "COLLSCAN", examines)


def _fetched(collection: Collection, query: CanonicalQuery) -> Iterator[Row]:
    assert query.id_keys is not None
    keys = reversed(query.id_keys) if query.id_direction < 0 else iter(query.id_keys)
    for record_id, raw in filter(None, map(collection.find_id, keys)):
        if query.matches is None:
            yield Row(record_id, raw, None)
        elif query.matches(document := decode(raw)):
            yield Row(record_id, raw, document)


def _in_id_order(store: Store, collection: Collection, query: CanonicalQuery) -> Iterator[tuple[int, bytes]]:
    """(record id, document bytes) of the documents within the query's bounds on `_id`, by `_id`."""
    view, order = store.ordered_view(collection)
    record_ids = order.record_ids if query.id_bounds is None else order.between(*query.id_bounds)
    for record_id in reversed(record_ids) if query.id_direction < 0 else record_ids:
        raw = view.record(record_id)
        if raw is not None:
            yield record_id, raw


def _scanned(
    records: Iterable[tuple[int, bytes]], matches: Callable[[Document], bool] | None, interrupt: Interrupt
) -> Iterator[Row]:
    for record_id, raw in interrupt.watch(records):
        if matches is None:
            yield Row(record_id, raw, None)
        elif matches(document := decode(raw)):
            yield Row(record_id, raw, document)


def _sorted(rows: Iterator[Row], query: CanonicalQuery, interrupt: Interrupt) -> Iterator[Row]:
    pattern = query.sort
    assert pattern is not None

    def key(row: Row) -> bytes:
        return pattern.key(row.decoded())

    if query.limit:
        return iter(heapq.nsmallest(query.skip + query.limit, rows, key=key))
    # Plain tuples of bytes and numbers, since the garbage collector need not look at these again and again.
    keyed = ((key(row), (row.record_id, row.raw)) for row in rows)
    return (Row(record_id, raw, None) for record_id, raw in in_order(keyed, interrupt))


def _window(query: CanonicalQuery) -> tuple[int, int | None]:
    """The places in a result between which skip and limit let through; both are up to an int64."""
    stop = min(query.skip + query.limit, sys.maxsize) if query.limit else None
    return min(query.skip, sys.maxsize), stop


def _projected(rows: Iterator[Row], query: CanonicalQuery) -> Iterator[bytes]:
    projection = query.projection
    assert projection is not None
    for row in rows:
        yield encode(projection.apply(row.decoded()))
