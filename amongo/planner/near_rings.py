"""The circles in which a search for what is near goes through its index: each four times as wide as the one before.

The first has a few entries. A circle is looked for as `$geoWithin` is, beside the other conditions on the fields of the
index. Source: manual, $near; 2dsphere Indexes, 2d Indexes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from amongo.engine.indexes import record_ids_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.mql.geo.caps import Cap
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.near import NearQuery
from amongo.mql.geo.planar import Circle
from amongo.mql.geo.plane_grid import plane_grid
from amongo.mql.geo.vectors import EARTH_RADIUS_METERS
from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.geospatial import GeoWithin
from amongo.planner.bounds import Bounds, PlacedPredicate, index_bounds, placed_predicates
from amongo.planner.index_facts import IndexFacts
from amongo.planner.probe import Counts
from amongo.planner.stages import IndexScanStage, Moment, moment_of
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import GEO_RING_ENTRIES

_WIDER: Final = 4.0
_LEAST_METERS: Final = 1.0
_LEAST_SHARE: Final = 1e-7  # of the width of a plane
_DIAGONAL: Final = 1.5  # no two points of a square of width 1 are so far from each other
_ROUNDING: Final = 1e-9  # of a distance, more than what rounding adds to it

Records = Iterator[tuple[int, bytes]]


class Rings:
    """The circles of one search.

    facts   the index
    near    the question
    rest    of the filter; None for nothing
    counts  counts the entries that are looked at; None to count nothing
    """

    def __init__(
        self,
        facts: IndexFacts,
        near: NearQuery,
        rest: MatchExpression | None,
        store: Store,
        collection: Collection,
        counts: Counts | None = None,
    ) -> None:
        self._facts = facts
        self._near = near
        self._placed = placed_predicates(rest)
        self._store = store
        self._collection = collection
        self._counts = counts
        if near.is_spherical:
            self._least, self._farthest = _LEAST_METERS, near.farthest
        else:
            grid = plane_grid(facts.definition)
            self._least = (grid.high - grid.low) * _LEAST_SHARE
            self._farthest = min(near.farthest, (grid.high - grid.low) * _DIAGONAL)

    def all(self, interrupt: Interrupt) -> Iterator[tuple[float, Records]]:
        """(how far, records): all records with a place not farther away, and others, perhaps again; at last infinitely
        far, with all that can be wanted. The distance is in meters, or in units of the plane."""
        last = self._stage(self._farthest)
        moment = moment_of(last, self._store, self._collection)
        if moment is None:  # the index is another one by now
            yield math.inf, iter(self._store.view(self._collection))
            return
        reach = self._first_reach(moment)
        while reach < self._farthest:
            yield reach, self._records(self._stage(reach), moment, interrupt)
            reach *= _WIDER
        yield math.inf, self._records(last, moment, interrupt)

    def _first_reach(self, moment: Moment) -> float:
        """A distance within which there are a few entries, about."""
        view = moment.entries[self._facts.name]
        if len(view) <= GEO_RING_ENTRIES:
            return self._farthest
        steps = range(max(0, math.ceil(math.log(self._farthest / self._least, _WIDER))) if self._farthest else 0)

        def has_enough(step: int) -> bool:
            return self._bounds(self._least * _WIDER**step).estimate(view) >= GEO_RING_ENTRIES

        return self._least * _WIDER ** bisect_left(steps, True, key=has_enough)

    def _records(self, stage: IndexScanStage, moment: Moment, interrupt: Interrupt) -> Records:
        counts, record = self._counts, moment.view.record
        for record_id in record_ids_of(stage.entries(moment, interrupt, counts)):
            raw = record(record_id)
            if raw is not None:
                yield record_id, raw

    def _stage(self, reach: float) -> IndexScanStage:
        return IndexScanStage(self._facts, self._bounds(reach), shape=self._facts.shape)

    def _bounds(self, reach: float) -> Bounds:
        """The bounds of the index within a distance."""
        path = self._near.path.text
        region = GeoWithin("$geoWithin", path, self._region(reach * (1 + _ROUNDING)))
        placed = [PlacedPredicate(region, path, (), region, False), *self._placed]
        for found in index_bounds(self._facts.shape, placed):
            if any(each.node is region for of_field in found.bounded for each, _ in of_field):
                return found.bounds
        raise AssertionError("a geospatial index is bounded by a region")

    def _region(self, reach: float) -> Geometry:
        point = self._near.point
        if self._near.is_spherical:
            return Geometry(cap=Cap(point.vector, reach / EARTH_RADIUS_METERS))
        return Geometry(region=Circle(point.pair, reach))
