"""Partners by the indexes of their collection: by `_id`, or by an index that the planner chooses for the value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bson import Regex

from amongo.aggregate.environment import Document, Environment, Stored
from amongo.aggregate.joining.partners import Partners
from amongo.aggregate.joining.sources import Accepts
from amongo.planner import Plan, canonical_query, plan_query
from amongo.runtime.limits import JOIN_INDEX_COST, JOIN_KEPT_DOCUMENTS
from amongo.values.codec import decode
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import id_key
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.paths import FieldPath

_NOT_IN: Final = frozenset({Regex, dict})  # $in takes these for patterns and for operators


class PartnersById:
    """By `_id`: each value is looked up as it comes. What is seen is the collection as it was at first.

    accepts   what a document has to satisfy; None for nothing
    """

    def __init__(self, stored: Stored, accepts: Accepts | None) -> None:
        self._collection = stored.collection
        self._view = stored.store.view(stored.collection)
        self._accepts = accepts
        self._kept: dict[int, Document | None] = {}

    def find(self, values: Iterable[Any]) -> Iterable[Document]:
        """The documents with any of the values as their `_id`."""
        collection = self._collection
        places = set()
        for value in values:
            value = None if value is MISSING or type(value) is Undefined else value
            found = collection.find_id(id_key(value, collection.collator))
            if found is not None and found[0] < self._view.bound:
                places.add(found[0])
        documents = map(self._get, places if len(places) < 2 else sorted(places))
        return (document for document in documents if document is not None)

    def _get(self, place: int) -> Document | None:
        kept = self._kept
        if place not in kept:
            if len(kept) >= JOIN_KEPT_DOCUMENTS:
                kept.clear()
            raw = self._view.record(place)
            document = None if raw is None else decode(raw)
            kept[place] = None if document is None or (self._accepts and not self._accepts(document)) else document
        return kept[place]

    def close(self) -> None:
        """There are no files."""


class PartnersByIndex:
    """By a secondary index, as long as so few are asked for that hashing the whole collection would take longer.

    hashed   makes the partners that are asked from then on
    """

    def __init__(
        self,
        stored: Stored,
        path: FieldPath,
        collator: Collator | None,
        environment: Environment,
        accepts: Accepts | None,
        hashed: Callable[[], Partners],
    ) -> None:
        self._stored = stored
        self._path = path
        self._collator = collator
        self._interrupt = environment.interrupt
        self._accepts = accepts
        self._hash = hashed
        self._hashed: Partners | None = None
        self._left = stored.collection.count // JOIN_INDEX_COST

    def find(self, values: Iterable[Any]) -> Iterable[Document]:
        """The documents that hold any of the values."""
        if self._hashed is None:
            wanted = [None if value is MISSING or type(value) is Undefined else value for value in values]
            self._left -= len(wanted)
            if self._left >= 0 and all(value is not None for value in wanted):
                plan = index_plan(self._stored, self._path, wanted, self._collator)
                if plan.stage == "IXSCAN":
                    return self._searched(plan)
            self._hashed, values = self._hash(), wanted
        return self._hashed.find(values)

    def _searched(self, plan: Plan) -> Iterator[Document]:
        rows = plan.rows(self._stored.store, self._interrupt)
        for row in sorted(rows, key=lambda row: row.record_id):
            document = row.decoded()
            if self._accepts is None or self._accepts(document):
                yield document

    def close(self) -> None:
        """Give back files."""
        if self._hashed is not None:
            self._hashed.close()


def index_plan(stored: Stored, path: FieldPath, values: list[Any], collator: Collator | None) -> Plan:
    """How the planner would find the documents that hold any of the values."""
    if any(type(value) in _NOT_IN for value in values):
        filter: Document = {"$or": [{path.text: {"$eq": value}} for value in values]}
    else:
        filter = {path.text: {"$in": values} if len(values) > 1 else {"$eq": values[0]}}
    query = canonical_query(filter, collator=collator, id_collator=stored.collection.collator)
    return plan_query(query, stored.collection, stored.store)
