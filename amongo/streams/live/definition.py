"""What a live query asks: which documents belong to its result, in which order, and how they are shown.

The order without a sort pattern is natural order, and it decides between documents that sort alike; so every document
has one place, whatever index a find would have gone by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from bson import Int64

from amongo.engine.records import Collection, id_document, record_key
from amongo.errors import live as errors
from amongo.mql.matcher import array_match_index
from amongo.mql.projections.projection import NO_METADATA
from amongo.planner import CanonicalQuery
from amongo.runtime.limits import QUICK_DOCUMENT_BYTES
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import descending
from amongo.values.order import Collator

Document = dict[str, Any]

_MIDDLE: Final = 1 << 63  # of the places that eight bytes hold
_RECENT: Final = 64
_recent: dict[int, tuple[bytes, Document]] = {}
"""Documents that were decoded last, by the identity of their bytes: many live queries look at the same change."""


class Shown(NamedTuple):
    """A document of the result; the order of these is the order of the result.

    key         its sort key; empty in natural order
    place       its place in natural order, which decides between equal keys
    record_id   its record
    raw         what is shown of it
    identity    {_id}, where what is shown may lack it; None where `raw` has it
    """

    key: bytes
    place: int | bytes
    record_id: int
    raw: bytes
    identity: bytes | None

    def order_key(self) -> bytes:
        """Bytes whose order is the order of the result: no sort key begins another."""
        place = self.place
        return self.key + (place if isinstance(place, bytes) else (place + _MIDDLE).to_bytes(8))

    def id_document(self) -> bytes:
        """The bytes of {_id}."""
        return id_document(self.raw) if self.identity is None else self.identity


class Definition:
    """What a live query asks of one collection.

    limit   documents of the result at most; 0 for all
    """

    __slots__ = ("_collator", "_id_keys", "_is_clustered", "_query", "limit")

    def __init__(self, query: CanonicalQuery, collection: Collection | None) -> None:
        """
        query        parsed with the collation of the collection
        collection   None where there is none yet
        errors       SEARCHES for a query that only an index can answer
        """
        if query.search is not None or query.near is not None:
            raise errors.LIVE_SEARCH(operator="$text" if query.search is not None else "$near")
        self._query = query
        self._is_clustered = collection is not None and collection.is_clustered
        self._collator: Collator | None = None if collection is None else collection.collator
        self._id_keys = frozenset(query.id_keys) if query.id_keys is not None else None
        self.limit = query.limit

    @property
    def query(self) -> CanonicalQuery:
        """What was asked."""
        return self._query

    def shown(self, record_id: int, raw: bytes) -> Shown | None:
        """The document as the result has it; None if it does not match.

        errors   those of the filter, the projection and the sort pattern
        """
        query = self._query
        key = b""
        if query.matches is None and query.sort_key is None and query.projection is None:
            if self._id_keys is not None and record_key(raw, self._collator) not in self._id_keys:
                return None
            return Shown(key, self._place(record_id, raw), record_id, raw, None)
        document = _decoded(raw)
        if query.matches is not None and not query.matches(document):
            return None
        if query.sort_key is not None:
            key = query.sort_key.key(document, query.collator)
        if query.projection is None:
            return Shown(key, self._place(record_id, raw), record_id, raw, None)
        return Shown(
            key, self._place(record_id, raw), record_id, self._projected(record_id, document), id_document(raw)
        )

    def _place(self, record_id: int, raw: bytes) -> int | bytes:
        if self._is_clustered:
            key = record_key(raw, self._collator)
            return descending(key) if self._query.is_reverse else key
        return -record_id if self._query.is_reverse else record_id

    def _projected(self, record_id: int, document: Document) -> bytes:
        query = self._query
        projection, metadata = query.projection, dict(NO_METADATA)
        assert projection is not None
        index = None
        if projection.is_positional and query.expression is not None:
            index = array_match_index(query.expression, document)
        if "recordId" in projection.keywords:
            metadata["recordId"] = Int64(record_id)
        if "sortKey" in projection.keywords and query.sort_key is not None:
            metadata["sortKey"] = query.sort_key.values(document, query.collator)
        return encode(projection.apply(document, index, metadata or NO_METADATA))

    def all_shown(self, records: Iterable[tuple[int, bytes]]) -> Iterable[Shown]:
        """Those of some records that match, given as (record id, document)."""
        return filter(None, (self.shown(record_id, raw) for record_id, raw in records))


def _decoded(raw: bytes) -> Document:
    """The document; callers do not change it."""
    found = _recent.get(id(raw))
    if found is not None and found[0] is raw:
        return found[1]
    document = decode(raw)
    if len(raw) <= QUICK_DOCUMENT_BYTES:
        if len(_recent) >= _RECENT:
            _recent.clear()
        _recent[id(raw)] = raw, document
    return document
