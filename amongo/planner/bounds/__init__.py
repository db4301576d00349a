"""Index bounds: which keys of an index hold all that a filter finds, and the scan that goes through them.

placed = placed_predicates(expression, collator)         # of a filter
for found in index_bounds(shape, placed):                # the ways to bound one index
    found.bounds.texts()                                 # for explain
    found.proved                                         # the conditions that need not be asked again
    scan_bounds(view, found.bounds, is_backward=False)   # record ids in the order of the index
"""

from amongo.planner.bounds.bounds import Bounds, FieldBounds
from amongo.planner.bounds.by_id import id_bounds
from amongo.planner.bounds.index_bounds import IndexBounds, index_bounds, whole_bounds
from amongo.planner.bounds.intervals import Interval, OrderedIntervals
from amongo.planner.bounds.predicates import PlacedPredicate, conditions, placed_predicates
from amongo.planner.bounds.shape import FieldShape, IndexShape, Kind, index_shape
from amongo.planner.bounds.tightness import Tightness

__all__ = [
    "Bounds",
    "FieldBounds",
    "FieldShape",
    "IndexBounds",
    "IndexShape",
    "Interval",
    "Kind",
    "OrderedIntervals",
    "PlacedPredicate",
    "Tightness",
    "conditions",
    "id_bounds",
    "index_bounds",
    "index_shape",
    "placed_predicates",
    "whole_bounds",
]
