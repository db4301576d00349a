"""A plan: the stages by which a query's documents are found, and how many documents they look at.

The stages bear the names that the server's explain gives them. A row is a pair: the record id and the document's
bytes; with the decoded document beside it where a stage needed it.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, dropwhile, islice, starmap
from operator import itemgetter
from typing import Any, Final, NamedTuple

from bson import Int64

from amongo.engine.indexes import ID_INDEX_NAME
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.mql.matcher import array_match_index
from amongo.mql.metadata import metadata_field
from amongo.mql.projections.projection import NO_METADATA
from amongo.mql.sorting import in_order
from amongo.planner.access import IndexedAccess
from amongo.planner.choice import COST_OF_MATCH, Census, Weighed, choose, choose_hinted, with_order
from amongo.planner.covered import Kept, covered_documents, covered_fields
from amongo.planner.index_facts import planning_of
from amongo.planner.index_scan import IndexScan, find_hinted, index_scan
from amongo.planner.near_scan import NearScan, near_scan
from amongo.planner.observation import SWITCH, ObservingProbe, examined, observed
from amongo.planner.probe import Probe
from amongo.planner.query import CanonicalQuery, finds_nothing
from amongo.planner.stages import STALE, Moment
from amongo.planner.text_scan import TextScan, text_scan
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.values.codec import decode, encode
from amongo.values.missing import MISSING
from amongo.values.wanted_fields import ReadAll
from amongo.values.wording import shown

Document = dict[str, Any]

_raw_of: Callable[[tuple[int, bytes]], bytes] = itemgetter(1)

_UNDECODED: Final = 4
_BOUNDED_PART: Final = 3  # of what a range of `_id` leaves out nothing is known: a third is taken to be in it
_SEARCHED: Final = frozenset({"textScore", "geoNearDistance", "geoNearPoint"})


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


class ResumePoint:
    """How far a scan in natural order has come.

    at       record id of the last document it gave, of the one to begin behind at first; None for the beginning
    behind   what `at` was one document before
    """

    __slots__ = ("at", "behind")

    def __init__(self, after: int | None) -> None:
        self.at = self.behind = after

    def passed(self, row: Row) -> Row:
        """Note that the row is given."""
        self.behind, self.at = self.at, row.record_id
        return row


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one query on one collection.

    stage      "IDHACK", "IXSCAN", "TEXT", "GEO_NEAR_2D", "GEO_NEAR_2DSPHERE" or "COLLSCAN"
    examines   documents it looks at, at most; by an access `looks_at` knows better
    scan       what an IXSCAN scans; None for the index on `_id`
    text       what a TEXT searches
    near       what a GEO_NEAR… looks for
    access     the indexes by which an IXSCAN goes that the planner has chosen; the query then has the sort pattern that
               is left to do
    asked      the query before that, where there is an access
    others     what was weighed against this access
    """

    query: CanonicalQuery
    collection: Collection
    stage: str
    examines: int
    scan: IndexScan | None = None
    text: TextScan | None = None
    near: NearScan | None = None
    access: IndexedAccess | None = None
    asked: CanonicalQuery | None = None
    others: Sequence[Weighed] = ()

    @property
    def rejected(self) -> list[Plan]:
        """The plans that were weighed against this one, the better ones first."""
        asked = self.asked
        return [] if asked is None else [_indexed(asked, self.collection, each, ()) for each in self.others]

    def looks_at(self, store: Store, wanted: int) -> int:
        """About how many documents are looked at until so many are given; a document that is only passed on counts a
        quarter of one that is decoded.

        wanted   documents, skipped ones among them
        """
        if self.access is None:
            return self.examines
        if self.query.sort is not None or self.access.residual:
            return Census(store).of(self.access)
        if wanted // _UNDECODED <= LOOP_DOCUMENTS:
            return wanted // _UNDECODED
        return min(Census(store).of(self.access), wanted) // _UNDECODED

    def rows(self, store: Store, interrupt: Interrupt, probe: Probe | None = None) -> Iterator[Row]:
        """The matching documents in the asked order, skipped and limited, not projected.

        probe   counts what goes by, for explain
        """
        moment = self._moment(store, is_counted=probe is not None)
        if moment is STALE:
            return self.anew(store).rows(store, interrupt, probe)
        query = self.query
        if probe is None:
            rows = self._found(store, interrupt, moment)
        else:
            rows = self._probed(store, interrupt, probe, moment)
        if query.sort is not None:
            rows = _sorted(rows, self, interrupt)
        if query.skip or query.limit:
            rows = islice(rows, *_window(query))
        return rows

    def documents(self, store: Store, interrupt: Interrupt, resume_point: ResumePoint | None = None) -> Iterator[bytes]:
        """The result documents' bytes.

        resume_point   of a scan in natural order: it begins behind it, and notes there how far it has come
        """
        query = self.query
        if resume_point is not None:
            rows = map(resume_point.passed, self._rows_behind(store, interrupt, resume_point.at))
            return _projected(rows, self) if query.projection is not None else (row.raw for row in rows)
        if self.stage == "COLLSCAN" and query.matches is None and query.sort is None and query.projection is None:
            return self._unfiltered(store)
        if (kept := self.covered_fields) is not None:
            return self.covered(kept, store, interrupt, ObservingProbe() if SWITCH.is_on else None)
        if query.projection is not None or query.returns_key:
            return _projected(self.rows(store, interrupt), self)
        if self.access is not None and self.access.matches is None and query.sort is None and not SWITCH.is_on:
            moment = self._moment(store)
            if moment is None or moment is STALE:
                return self.anew(store).documents(store, interrupt)
            self._count_use()
            raws = self.access.raws(moment, interrupt)
            return islice(raws, *_window(query)) if query.skip or query.limit else raws
        return (row.raw for row in self.rows(store, interrupt))

    @property
    def covered_fields(self) -> Kept | None:
        """The fields of the index that are the whole answer; None where documents have to be read."""
        return None if self.access is None else covered_fields(self.query, self.access)

    def covered(self, kept: Kept, store: Store, interrupt: Interrupt, probe: Probe | None = None) -> Iterator[bytes]:
        """The result documents' bytes, from the entries of the index alone.

        kept    `covered_fields`
        probe   counts what goes by, for explain
        """
        moment = self._moment(store)
        if self.access is None or moment is None or moment is STALE:
            return self.anew(store).documents(store, interrupt)
        self._count_use()
        found = covered_documents(self.query, self.access, kept, moment, interrupt, probe)
        return islice(found, *_window(self.query)) if self.query.skip or self.query.limit else found

    def found(
        self, store: Store, interrupt: Interrupt, read: Callable[[bytes], Document]
    ) -> Iterator[tuple[bytes, Document]]:
        """(bytes, document) of what matches, in the order in which it is found.

        read   what decodes the fields that the filter and the caller look at
        """
        moment = self._moment(store)
        if moment is STALE:
            return ((row.raw, read(row.raw)) for row in self.anew(store).rows(store, interrupt))
        self._count_use()
        matches = self._residual()
        records = interrupt.watch(self._records(store, interrupt, moment))
        found = ((raw, read(raw)) for _, raw in records)
        return found if matches is None else (each for each in found if matches(each[1]))

    def read(self, store: Store, interrupt: Interrupt, read: ReadAll) -> Iterator[Document]:
        """The documents that match, in the order in which they are found; `read` as for `found`, for all of them."""
        moment = self._moment(store)
        if moment is STALE:
            return read(row.raw for row in self.anew(store).rows(store, interrupt))
        self._count_use()
        is_scan = moment is None and self.stage == "COLLSCAN" and self.near is None and not self.query.is_reverse
        if is_scan and not SWITCH.is_on:
            documents = read(interrupt.watch(store.view(self.collection).documents()))
        else:
            documents = read(map(_raw_of, interrupt.watch(self._records(store, interrupt, moment))))
        matches = self._residual()
        return documents if matches is None else filter(matches, documents)

    def count(self, store: Store, interrupt: Interrupt, most: int | None) -> int:
        """How many documents match; where the indexes say it alone, no document is looked at.

        most   it is counted to; None for all
        """
        moment = self._moment(store)
        if moment is STALE:
            return self.anew(store).count(store, interrupt, most)
        if self.access is not None and moment is not None and self.access.matches is None:
            self._count_use()
            counted = self.access.count(moment, interrupt, most)
            if SWITCH.is_on:
                observed().keys += counted
            return counted
        return sum(1 for _ in islice(self.rows(store, interrupt), most))

    def documents_of(self, records: Iterable[tuple[int, bytes]], interrupt: Interrupt) -> Iterator[bytes]:
        """The result documents' bytes of records that are given, in their order; none is skipped, their number not
        limited."""
        query = self.query
        if query.matches is None and query.projection is None and not query.returns_key:
            return (raw for _, raw in records)
        rows = _scanned(records, query.matches, interrupt)
        if query.projection is not None or query.returns_key:
            return _projected(rows, self)
        return (row.raw for row in rows)

    def given(self, records: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """The result documents' bytes of records that are those that match, in the asked order, skipped and limited."""
        if self.query.projection is None and not self.query.returns_key:
            return (raw for _, raw in records)
        return _projected((Row(record_id, raw, None) for record_id, raw in records), self)

    def index_key(self, document: Document) -> Document | None:
        """The key of the document in the index that is used; None without one."""
        if self.access is not None:
            return self.access.index_key(document)
        if self.scan is not None:
            return self.scan.key(document)
        return None if self.stage == "COLLSCAN" else {"_id": document["_id"]}

    def score(self, document: Document) -> float:
        """The text score of a document; 0 for one that does not match the search."""
        search = self.query.search.bound.search if self.query.search is not None else None
        return (search.score(document) if search is not None else None) or 0.0

    def with_metadata(self, document: Document, keywords: Iterable[str]) -> Document:
        """The document with what is known of it beside it, as a sort pattern looks for it."""
        found = {metadata_field(keyword): self.metadata(document, keyword) for keyword in keywords}
        return {**document, **found}

    def metadata(self, document: Document, keyword: str) -> Any:
        """What the search says of a document that it found; MISSING for what it does not say."""
        if keyword == "textScore":
            return self.score(document)
        if keyword == "indexKey":
            key = self.index_key(document)
            return MISSING if key is None else key
        measured = self.near.measure(document) if self.near is not None else None
        if measured is None or keyword not in ("geoNearDistance", "geoNearPoint"):
            return MISSING
        return measured.distance if keyword == "geoNearDistance" else measured.value

    @property
    def summary(self) -> str:
        """The plan in a few words, as the profiler and the log of slow operations show it: "IXSCAN { a: 1 }"."""
        if self.access is not None:
            names = [*dict.fromkeys(self.access.index_names)]
            return ", ".join(f"IXSCAN {shown(dict(self.collection.indexes[each]['key']))}" for each in names)
        if self.stage == "COLLSCAN":
            return self.stage
        if self.is_empty:
            return "EOF"
        if self.near is not None or self.text is not None:
            return self.stage
        if self.scan is not None:
            return f"IXSCAN {shown(dict.fromkeys(self.scan.fields, 1))}"
        if self.collection.is_clustered:
            return "CLUSTERED_IXSCAN" if self.stage == "IXSCAN" else "EXPRESS_CLUSTERED_IXSCAN { _id: 1 }"
        return f"{'EXPRESS_IXSCAN' if self.stage == 'IDHACK' else 'IXSCAN'} {{ _id: 1 }}"

    @property
    def is_empty(self) -> bool:
        """Whether the filter says itself that it finds nothing: see `finds_nothing`."""
        return self.query.id_keys == ()

    def _count_use(self) -> None:
        """Note in which way the collection is read."""
        if SWITCH.is_on:
            observed().look_by(self.summary)
        if self.access is not None:
            for each in self.access.index_names:
                if (found := self.collection.indexes.get(each)) is not None:
                    self.collection.uses.count_index(found)
            return
        name = self._index_name()
        definition = self.collection.indexes.get(name) if name is not None else None
        if definition is not None:
            self.collection.uses.count_index(definition)
        elif self.stage == "COLLSCAN":
            self.collection.uses.scans += 1

    def _index_name(self) -> str | None:
        if self.scan is not None and self.scan.index is not None:
            name: str = self.scan.index.definition["name"]
            return name
        if self.text is not None:
            return str(self.text.index.definition["name"])
        if self.near is not None:
            return self.near.facts.name
        return ID_INDEX_NAME if self.stage in ("IDHACK", "IXSCAN") and not self.is_empty else None

    def _rows_behind(self, store: Store, interrupt: Interrupt, record_id: int | None) -> Iterator[Row]:
        """The matching documents in natural order, skipped and limited, from behind a record id."""
        self._count_use()
        records = iter(store.view(self.collection))
        if record_id is not None:
            records = dropwhile(lambda record: record[0] <= record_id, records)
        return islice(_scanned(records, self.query.matches, interrupt), *_window(self.query))

    def _unfiltered(self, store: Store) -> Iterator[bytes]:
        self._count_use()
        query, view = self.query, store.view(self.collection)
        documents = (raw for _, raw in reversed(view)) if query.is_reverse else view.documents()
        if SWITCH.is_on:
            documents = examined(documents)
        if query.skip or query.limit:
            documents = islice(documents, *_window(query))
        return documents

    def _moment(self, store: Store, *, is_counted: bool = False) -> Moment | None:
        """What is read by indexes; None where the planner has chosen none, STALE where the plan does not hold now."""
        if self.access is None:
            return None
        moment = self.access.moment(store, self.collection, is_counted=is_counted)
        return STALE if moment is None else moment

    def anew(self, store: Store) -> Plan:
        """The plan of the same query as the indexes are now; its order may be by another way, so its rows count."""
        assert self.asked is not None
        return plan_query(self.asked, self.collection, store)

    def _found(self, store: Store, interrupt: Interrupt, moment: Moment | None) -> Iterator[Row]:
        """The matching documents, in the order of their `_id`s where it goes by them, else in natural order."""
        self._count_use()
        if self.stage == "IDHACK":
            rows = _fetched(self.collection, self.query)
            return examined(rows, keys=not self.collection.is_clustered) if SWITCH.is_on else rows
        return _scanned(self._records(store, interrupt, moment), self._residual(), interrupt)

    def _probed(self, store: Store, interrupt: Interrupt, probe: Probe, moment: Moment | None) -> Iterator[Row]:
        """What `_found` gives, counted."""
        records = probe.watch("examined", self._records(store, interrupt, moment, probe))
        return probe.watch("found", _scanned(records, self._residual(), interrupt))

    def _residual(self) -> Callable[[Document], bool] | None:
        """The filter for what `_records` gives; None where nothing is left to ask."""
        if self.access is not None:
            return self.access.matches
        return None if self.near is not None else self.query.matches

    def _records(
        self, store: Store, interrupt: Interrupt, moment: Moment | None, probe: Probe | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of what the stage looks at."""
        if SWITCH.is_on and probe is None:
            is_by_index = self.stage == "IXSCAN" and self.access is None and not self.collection.is_clustered
            records = self._records(store, interrupt, moment, ObservingProbe())
            return records if self.near is not None else examined(records, keys=is_by_index)
        query = self.query
        if self.access is not None and moment is not None:
            return self.access.records(moment, interrupt, probe)
        if query.id_keys is not None and self.stage == "IDHACK":
            keys = reversed(query.id_keys) if query.id_direction < 0 else iter(query.id_keys)
            return filter(None, map(self.collection.find_id, keys))
        if self.near is not None:
            return self.near.records(store, self.collection, interrupt, probe)
        if self.text is not None:
            return self.text.records(store, self.collection)
        if self.scan is not None:
            return self.scan.records(store, self.collection)
        if self.stage == "IXSCAN":
            return _in_id_order(store, self.collection, query)
        view = store.view(self.collection)
        return reversed(view) if query.is_reverse else iter(view)


def plan_query(
    query: CanonicalQuery,
    collection: Collection,
    store: Store,
    allowed: Sequence[Any] | None = None,
    *,
    weighs_all: bool = False,
) -> Plan:
    """The plan of a query: by the index of its hint, by `_id`, by the indexes that serve it best, else by a scan.

    allowed      the indexes that may be used, by name or key pattern; None for any
    weighs_all   for explain: weigh all that can serve, and keep nothing
    errors       those of `index_scan`, `text_scan` and `near_scan`
    """
    if query.near is not None and query.expression is not None:
        near = near_scan(query.near, query.expression, collection, query.hint)
        return Plan(query, collection, near.stage, collection.count, near=near)
    if query.search is not None and query.expression is not None:
        text = text_scan(query.expression, collection)
        return Plan(query, collection, "COLLSCAN" if text is None else "TEXT", collection.count, text=text)
    if query.low or query.high:
        scan = index_scan(collection, query.hint, query.low, query.high, query.collator)
        if query.sort is not None and scan.gives_backward(query.sort):
            scan = scan.backward()
        return Plan(query, collection, "IXSCAN", collection.count, scan)
    if query.expression is not None and finds_nothing(query.expression):
        return Plan(replace(query, id_keys=()), collection, "IDHACK", 0)
    if query.hint:
        hinted = _by_hint(query, collection, store)
        if hinted is not None:
            return hinted
    elif collection.secondary is not None and not query.is_natural and not _is_by_one_id(query):
        indexed = _by_index(query, collection, store, allowed, weighs_all)
        if indexed is not None:
            return indexed
    if query.id_keys is not None:
        return Plan(query, collection, "IDHACK", len(query.id_keys))
    examines = collection.count
    if query.matches is None and query.sort is None and query.limit:
        examines = min(examines, query.skip + query.limit)
    by_id = query.id_bounds is not None or query.id_direction
    return Plan(query, collection, "IXSCAN" if by_id else "COLLSCAN", examines)


def _is_by_one_id(query: CanonicalQuery) -> bool:
    return query.id_keys is not None and len(query.id_keys) < 2


def _by_index(
    query: CanonicalQuery, collection: Collection, store: Store, allowed: Sequence[Any] | None, weighs_all: bool
) -> Plan | None:
    """The best plan by secondary indexes; None where none serves, or the index on `_id` serves better."""
    planning = planning_of(collection)
    sort = query.sort_key
    if planning is None or (query.expression is None and sort is None):
        return None
    found = choose(query, sort, collection, store, planning, planning.usable(allowed), weighs_all=weighs_all)
    if not found or _is_better_by_id(query, collection, found[0].cost):
        return None
    return _indexed(query, collection, found[0], found[1:])


def _by_hint(query: CanonicalQuery, collection: Collection, store: Store) -> Plan | None:
    """The plan by the index that a hint names; None for a hint of natural order, or of the index on `_id`.

    errors   HINT_AMBIGUOUS, NO_QUERY_SOLUTIONS
    """
    definition = find_hinted(collection.indexes, query.hint)
    planning = planning_of(collection)
    if definition is None or planning is None:
        return None
    facts = next((each for each in planning.indexes if each.name == definition["name"]), None)
    if facts is None:
        return None
    found = choose_hinted(query, query.sort_key, collection, store, facts)
    return _indexed(query, collection, found[0], found[1:])


def _indexed(query: CanonicalQuery, collection: Collection, best: Weighed, others: Sequence[Weighed]) -> Plan:
    """The plan by some indexes, with what was weighed against it."""
    left = with_order(query, query.sort_key, best.access)
    return Plan(left, collection, "IXSCAN", best.documents, access=best.access.bound(), asked=query, others=others)


def _is_better_by_id(query: CanonicalQuery, collection: Collection, cost: float) -> bool:
    """Whether the index on `_id` finds what is asked for with less than the best of the others."""
    if query.id_keys is not None:
        return len(query.id_keys) * COST_OF_MATCH <= cost
    if query.id_bounds is not None and not query.id_bounds.bounds.is_everything:
        return collection.count * COST_OF_MATCH / _BOUNDED_PART <= cost
    if not query.id_direction:
        return False
    return query.expression is None or (collection.count * COST_OF_MATCH <= cost)


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
    is_backward = query.id_direction < 0
    bounds = [(b"", b"\xff")] if query.id_bounds is None else query.id_bounds.bounds.ranges(is_backward=is_backward)
    between = order.between_backward if is_backward else order.between
    for record_id in chain.from_iterable(starmap(between, bounds)):
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


def _sorted(rows: Iterator[Row], plan: Plan, interrupt: Interrupt) -> Iterator[Row]:
    query = plan.query
    pattern, collator = query.sort, query.collator
    assert pattern is not None

    def key(row: Row) -> bytes:
        document = row.decoded()
        return pattern.key(plan.with_metadata(document, pattern.keywords) if pattern.keywords else document, collator)

    if query.limit:
        return iter(heapq.nsmallest(query.skip + query.limit, rows, key=key))
    # Plain tuples of bytes and numbers, since the garbage collector need not look at these again and again.
    keyed = ((key(row), (row.record_id, row.raw)) for row in rows)
    return (Row(record_id, raw, None) for record_id, raw in in_order(keyed, interrupt))


def _window(query: CanonicalQuery) -> tuple[int, int | None]:
    """The places in a result between which skip and limit let through; both are up to an int64."""
    stop = min(query.skip + query.limit, sys.maxsize) if query.limit else None
    return min(query.skip, sys.maxsize), stop


def _projected(rows: Iterator[Row], plan: Plan) -> Iterator[bytes]:
    query = plan.query
    projection, expression = query.projection, query.expression
    index = None
    for row in rows:
        document = row.decoded()
        if projection is None:
            yield encode(plan.index_key(document) or {})
            continue
        if projection.is_positional and expression is not None:
            index = array_match_index(expression, document)
        metadata = _metadata(row, document, plan) if projection.keywords else NO_METADATA
        shown = document if not query.returns_key else plan.index_key(document) or {}
        yield encode(projection.apply(shown, index, metadata))


def _metadata(row: Row, document: Document, plan: Plan) -> dict[str, Any]:
    """What is known of a document beside it, as far as the projection asks for it; see `planner.metadata`."""
    query = plan.query
    assert query.projection is not None
    keywords = query.projection.keywords
    found: dict[str, Any] = {}
    if "recordId" in keywords:
        found["recordId"] = Int64(row.record_id)
    for keyword in keywords & _SEARCHED:
        found[keyword] = plan.metadata(document, keyword)
    if "sortKey" in keywords and query.sort_key is not None:
        known = plan.with_metadata(document, query.sort_key.keywords) if query.sort_key.keywords else document
        found["sortKey"] = query.sort_key.values(known, query.collator)
    if "indexKey" in keywords and (key := plan.index_key(document)) is not None:
        found["indexKey"] = key
    return found
