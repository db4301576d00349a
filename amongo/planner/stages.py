"""How the records of a query are found by indexes: a small tree of stages, each of which gives record ids.

The stages bear the names that the server's explain gives them: IXSCAN, OR, SORT_MERGE, AND_SORTED; what fetches the
documents and asks the rest of the filter stands above, in the plan. Every stage gives a record once.

Source: manual, Explain Results.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final, Protocol

from amongo.engine.indexes import EntriesView, record_id_of, record_ids_of
from amongo.engine.records import Collection, View
from amongo.engine.store import Store
from amongo.mql.matcher import MatchExpression
from amongo.planner.bounds import FieldBounds, IndexShape
from amongo.planner.bounds.route import Route
from amongo.planner.bounds.scan import Entries, ScanCounts
from amongo.planner.id_index import IdEntries, IdIndex
from amongo.planner.index_facts import IndexFacts, planning_of
from amongo.planner.probe import Counts, Probe
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.codec import decode
from amongo.values.missing import MISSING

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a plan reads: the records of a collection, and entries of its indexes, all of one moment.

    entries   by the names of the indexes
    """

    view: View
    entries: dict[str, EntriesView | IdEntries]


class ScannedBounds(Protocol):
    """What an index is scanned by; see `planner.bounds.Bounds`."""

    @property
    def fields(self) -> tuple[FieldBounds, ...]:
        """The intervals, field by field."""
        ...

    @property
    def route(self) -> Route:
        """The way of a scan through them."""
        ...

    @property
    def prefix(self) -> bytes:
        """What all entries in them begin with."""
        ...

    def scan(
        self,
        view: Entries,
        *,
        is_backward: bool = False,
        counts: ScanCounts | None = None,
        interrupt: Interrupt = NEVER,
    ) -> Iterator[bytes]:
        """The entries in them, in the order of the index."""
        ...

    def estimate(self, view: Entries) -> int:
        """About how many entries a scan looks at."""
        ...


_COUNTED_RANGES: Final = 64

STALE: Final = Moment(View((), 0, 0), {})
"""In the place of a moment: the plan does not hold any more."""


class Stage(Protocol):
    """What gives record ids."""

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """The scans below it."""
        ...

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids, each once."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class IndexScanStage:
    """IXSCAN: the entries of an index within bounds, in its order.

    facts         the index
    bounds        what it scans
    is_backward   from the last entry to the first
    shape         that of the index for which the bounds were made
    """

    facts: IndexFacts
    bounds: ScannedBounds
    is_backward: bool = False
    shape: IndexShape | None = None

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """Itself."""
        return (self,)

    def entries(self, moment: Moment, interrupt: Interrupt, counts: Counts | None) -> Iterator[bytes]:
        """The entries, counted."""
        view = moment.entries[self.facts.name]
        return self.bounds.scan(view, is_backward=self.is_backward, counts=counts, interrupt=interrupt)

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids of the entries, in their order."""
        counts = None if probe is None else probe.of(self)
        found: Iterator[int] = record_ids_of(self.entries(moment, interrupt, counts))
        if self.facts.is_multikey:
            found = once(found, counts)
        return found if counts is None else counted(found, counts)

    def count(self, moment: Moment) -> int | None:
        """How many entries are in the bounds, by their places; None where these do not tell."""
        route, view = self.bounds.route, moment.entries[self.facts.name]
        if route.count is None or route.count > _COUNTED_RANGES:
            return None
        total = 0
        for low, high in route.ranges():
            if not view.is_exact(low, high):
                return None
            total += view.count_between(low, high)
        return total

    def backward(self) -> IndexScanStage:
        """The same entries from the last to the first."""
        return replace(self, is_backward=not self.is_backward)

    def key_of(self, document: Document) -> Document | None:
        """The key by which the scan finds a document, by the names of its fields; None if it does not find it."""
        maker, route = self.facts.maker, self.bounds.route
        if maker.accepts is not None and not maker.accepts(document):
            return None
        found = [(maker.key(each.values), each.values) for each in maker.combinations(document)]
        inside = [each for each in found if route.holds(each[0])]
        if not inside:
            return None
        values = (max if self.is_backward else min)(inside, key=itemgetter(0))[1]
        return maker.named([None if each is MISSING else each for each in values])


@dataclass(frozen=True, slots=True, eq=False)
class BranchFetch:
    """FETCH below an OR: of the documents of a branch those that match.

    child       gives the record ids
    residual    what is asked of the documents
    matches     the same, bound
    """

    child: IndexScanStage
    residual: tuple[MatchExpression, ...]
    matches: Callable[[Document], bool]

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """The scan below it."""
        return self.child.scans

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids of the documents that match."""
        counts = None if probe is None else probe.of(self)
        found = self._matching(moment, interrupt, self.child.record_ids(moment, interrupt, probe), counts)
        return found if counts is None else counted(found, counts)

    def _matching(
        self, moment: Moment, interrupt: Interrupt, record_ids: Iterator[int], counts: Counts | None
    ) -> Iterator[int]:
        matches, record = self.matches, moment.view.record
        for record_id in interrupt.watch(record_ids):
            raw = record(record_id)
            if raw is None:
                continue
            if counts is not None:
                counts.docs += 1
            if matches(decode(raw)):
                yield record_id


Branch = IndexScanStage | BranchFetch


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """OR: what one of the branches gives, branch by branch.

    root   the `$or`
    """

    branches: tuple[Branch, ...]
    root: MatchExpression

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """The scans below it."""
        return tuple(scan for branch in self.branches for scan in branch.scans)

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids, each where it comes first."""
        counts = None if probe is None else probe.of(self)
        found = (each for branch in self.branches for each in branch.record_ids(moment, interrupt, probe))
        distinct = once(found, counts)
        return distinct if counts is None else counted(distinct, counts)


@dataclass(frozen=True, slots=True, eq=False)
class Merge:
    """SORT_MERGE: the branches, each of which has the order of the sort pattern, merged into that order."""

    branches: tuple[IndexScanStage, ...]

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """The branches."""
        return self.branches

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids in the order of the sort pattern, each where it comes first."""
        counts = None if probe is None else probe.of(self)
        streams = [_behind_prefix(branch, moment, interrupt, probe) for branch in self.branches]
        merged = heapq.merge(*streams, reverse=self.branches[0].is_backward)
        distinct = once(map(record_id_of, merged), counts)
        return distinct if counts is None else counted(distinct, counts)


def _behind_prefix(
    branch: IndexScanStage, moment: Moment, interrupt: Interrupt, probe: Probe | None
) -> Iterator[bytes]:
    """The entries of a branch without the values that all of them have in common: the rest has their order."""
    counts = None if probe is None else probe.of(branch)
    length = len(branch.bounds.prefix)
    for entry in branch.entries(moment, interrupt, counts):
        if counts is not None:
            counts.given += 1
        yield entry[length:]
    if counts is not None:
        counts.is_ended = True


@dataclass(frozen=True, slots=True, eq=False)
class Intersection:
    """AND_SORTED: the records that all branches have. Each branch has one key, so that its records ascend."""

    branches: tuple[IndexScanStage, ...]

    @property
    def scans(self) -> tuple[IndexScanStage, ...]:
        """The branches."""
        return self.branches

    def record_ids(self, moment: Moment, interrupt: Interrupt, probe: Probe | None) -> Iterator[int]:
        """The record ids, ascending."""
        first, *others = self.branches
        counts = None if probe is None else probe.of(self)
        found: Iterator[int] = first.record_ids(moment, interrupt, probe)
        for other in others:
            known = set(interrupt.watch(other.record_ids(moment, interrupt, probe)))
            found = filter(known.__contains__, found)
        return found if counts is None else counted(found, counts)


AnyStage = IndexScanStage | Union | Merge | Intersection


def once(record_ids: Iterable[int], counts: Counts | None) -> Iterator[int]:
    """The record ids, each where it comes first."""
    seen: set[int] = set()
    for record_id in record_ids:
        if counts is not None:
            counts.tested += 1
        if record_id not in seen:
            seen.add(record_id)
            yield record_id
        elif counts is not None:
            counts.dropped += 1


def counted(record_ids: Iterable[int], counts: Counts) -> Iterator[int]:
    """The record ids, counted as they go by."""
    for record_id in record_ids:
        counts.given += 1
        yield record_id
    counts.is_ended = True


def moment_of(stage: AnyStage, store: Store, collection: Collection, *, is_counted: bool = False) -> Moment | None:
    """What a stage reads, as it is now; None where an index is another one by now, so that its bounds are wrong: it
    has become multikey, or is gone.

    is_counted   keys and seeks are counted, for which an index is gone through in order
    """
    with store.lock:
        planning = planning_of(collection)
        for scan in stage.scans:
            facts = scan.facts
            is_known = planning is not None and (facts in planning.indexes or facts is planning.by_id)
            if not is_known or facts.shape is not scan.shape:
                return None
        entries = {scan.facts.name: _entries(scan, is_counted) for scan in stage.scans}
        return Moment(collection.view(), entries)


def _entries(scan: IndexScanStage, is_counted: bool) -> EntriesView | IdEntries:
    """The entries that a scan reads. Under the store's lock."""
    index = scan.facts.index
    if isinstance(index, IdIndex):
        return index.view(in_order=is_counted or not scan.bounds.fields[0].intervals.is_points)
    return index.view()
