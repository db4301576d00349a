"""The bounds of the index on `_id`, which every collection has. No `_id` is an array: all predicates on it count."""

from __future__ import annotations

from functools import lru_cache

from amongo.mql.matcher import MatchExpression
from amongo.planner.bounds.index_bounds import IndexBounds, index_bounds
from amongo.planner.bounds.predicates import conditions, placed_predicates
from amongo.planner.bounds.shape import IndexShape, index_shape
from amongo.runtime.limits import COLLATORS
from amongo.values.order import Collator

_ID: dict[str, int] = {"_id": 1}


def id_bounds(
    expression: MatchExpression | None, collator: Collator | None, id_collator: Collator | None
) -> IndexBounds | None:
    """The bounds on `_id`; None for a filter that has no predicate on it by which the index can be bounded.

    collator      of the query
    id_collator   of the index on `_id`
    """
    placed = [
        each
        for root in conditions(expression)
        if root.path is None or root.path == "_id"
        for each in placed_predicates(root, collator)
        if each.path == "_id"
    ]
    if not placed:
        return None
    (found,) = index_bounds(_shape(id_collator), placed)
    return found if found.bounds_first else None


@lru_cache(maxsize=COLLATORS)
def _shape(collator: Collator | None) -> IndexShape:
    return index_shape({"v": 2, "key": _ID, "name": "_id_"}, (1,), (collator,), is_multikey=False)
