"""The plan cache of a collection: what was found out about shapes of queries that several indexes can serve.

A shape is a query without its constants: operators, paths and the types of the constants. Where an index serves a shape
so that nothing can be better (its entries side by side are the result), that is kept: the next query of the shape binds
its constants to that index alone, and looks no further. Everything else is weighed anew each time by what there is now,
so that a plan never depends on the queries before it. The cache goes when an index comes or goes.
Source: manual, Query Plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bson import Regex

from amongo.mql.matcher import MatchExpression
from amongo.mql.sort_keys import SortPattern
from amongo.runtime.clock import SYSTEM_CLOCK
from amongo.runtime.limits import PLAN_CACHE_SHAPES
from amongo.values.order import Collator

if TYPE_CHECKING:
    from amongo.planner.index_facts import IndexFacts

Document = dict[str, Any]
ShapeKey = tuple[Any, ...]

_JOINS: Final = frozenset({"$and", "$or", "$nor", "$not", "$elemMatch"})


@dataclass(frozen=True, slots=True)
class CachedShape:
    """What is kept of one shape.

    best    the index that serves it so that nothing can be better; None where the constants decide
    filter, sort, projection   of the query that was met first
    collator  of that query
    works   about how many entries and documents its plan was to look at
    created_ms   when
    """

    best: IndexFacts | None
    filter: Mapping[str, Any]
    sort: Mapping[str, Any] | None
    projection: Mapping[str, Any] | None
    collator: Collator | None
    works: int
    created_ms: int = field(default_factory=SYSTEM_CLOCK.now_ms)


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
