"""The plan cache of a collection: for shapes of queries, which indexes can serve them and how.

What costs time is to find out which predicate bounds which field of which index. That depends on the shape of a query
alone: on its operators and paths and on the types of its constants. So it is kept; the constants are bound anew, and
where several indexes serve a shape, their entries are counted anew: a query's plan depends on what there is now, and
never on the queries before it. The cache goes when an index comes or goes. Source: manual, Query Plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bson import Regex

from amongo.mql.matcher import MatchExpression
from amongo.mql.sort_keys import SortPattern
from amongo.runtime.limits import PLAN_CACHE_SHAPES

Document = dict[str, Any]
ShapeKey = tuple[Any, ...]

_JOINS: Final = frozenset({"$and", "$or", "$nor", "$not", "$elemMatch"})


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which terms of a filter bound which fields of an index.

    index    the number of the index
    fields   for each field of the index the numbers of its terms; fewer fields where the last have none
    """

    index: int
    fields: tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class CachedShape:
    """What is kept of one shape.

    assignments   those that can serve it, the first index first
    filter, sort, projection   of the query that was met first
    works         about how many entries and documents its plan looked at
    created_ms    when
    winner        the index of its plan
    """

    assignments: tuple[Assignment, ...]
    filter: Mapping[str, Any] | None = None
    sort: Mapping[str, Any] | None = None
    projection: Mapping[str, Any] | None = None
    works: int = 0
    created_ms: int = 0
    winner: str = ""


class PlanCache:
    """What is kept for the shapes of queries on one collection; the oldest goes when there are too many."""

    __slots__ = ("_by_shape",)

    def __init__(self) -> None:
        self._by_shape: dict[ShapeKey, CachedShape] = {}

    def find(self, key: ShapeKey) -> CachedShape | None:
        """What is kept of a shape."""
        return self._by_shape.get(key)

    def keep(self, key: ShapeKey, shape: CachedShape) -> None:
        """Keep what was found out about a shape."""
        by_shape = self._by_shape
        if len(by_shape) >= PLAN_CACHE_SHAPES:
            by_shape.pop(next(iter(by_shape), key), None)
        by_shape[key] = shape

    def shapes(self) -> list[CachedShape]:
        """All that is kept."""
        return list(self._by_shape.values())

    def forget(self, shape: CachedShape | None = None) -> None:
        """Forget one shape, or all."""
        if shape is None:
            self._by_shape = {}
        else:
            self._by_shape = {key: each for key, each in self._by_shape.items() if each is not shape}


def shape_key(expression: MatchExpression, sort: SortPattern | None, collator: object) -> ShapeKey:
    """What queries have in common that the same indexes can serve."""
    order = None if sort is None else (sort.paths, sort.directions)
    return _outline(expression), order, collator


def _outline(expression: MatchExpression) -> Any:
    operator = expression.operator
    if operator in _JOINS:
        return operator, expression.path, tuple([_outline(child) for child in expression.children])
    operand = expression.operand
    kind: Any = type(operand)
    if operator == "$in":
        kind = frozenset(map(type, operand))
    elif kind is Regex:
        kind = (str(operand.pattern)[:1], operand.flags)
    elif kind is list or kind is dict:
        kind = (kind, bool(operand))
    return operator, expression.path, kind
