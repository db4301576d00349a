"""Index filters: which indexes the planner may consider for queries of one shape.

A shape is a query without its constants: operators and paths, sort, projection and collation. Filters live as long as
the instance and the collection; they outlive their indexes. Source: manual, planCacheSetFilter, Index Filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from amongo.commands.collations import parse_collation
from amongo.engine.records import Collection
from amongo.errors import command as errors
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.projections import parse_projection
from amongo.mql.sort_keys import parse_sort
from amongo.planner import CanonicalQuery
from amongo.values.codec import encode
from amongo.values.collation import collator as collator_of

# Every field of these commands beside these is ignored, as the server ignores it.
_SHAPE_FIELDS: Final = ("sort", "projection", "collation")


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """The indexes for one shape.

    shape                                its key
    query, sort, projection, collation   of the shape, with the constants that it was set with
    indexes                              names and key patterns
    """

    shape: Any
    query: dict[str, Any]
    sort: dict[str, Any]
    projection: dict[str, Any]
    collation: dict[str, Any] | None
    indexes: list[Any]

    def document(self) -> dict[str, Any]:
        """The filter as planCacheListFilters shows it."""
        shape: dict[str, Any] = {"query": self.query, "sort": self.sort, "projection": self.projection}
        if self.collation is not None:
            shape["collation"] = self.collation
        return {**shape, "indexes": self.indexes}


@dataclass(frozen=True, slots=True)
class IndexFilters:
    """The filters of one collection, by the shapes' keys."""

    by_shape: dict[Any, IndexFilter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a query, and the query it was taken from.

    key   equal for queries of one shape
    """

    key: Any
    query: dict[str, Any]
    sort: dict[str, Any]
    projection: dict[str, Any]
    collation: dict[str, Any] | None


def parse_shape(document: Mapping[str, Any]) -> Shape:
    """The shape in a command document: its query, sort, projection and collation.

    errors   BAD_VALUE for a field that is no document, those of the filter, the sort, the projection, the collation
    """
    if document.get("query") is None:
        raise errors.BAD_VALUE(message="required field query missing")
    if type(document["query"]) not in (dict, list):
        raise errors.BAD_VALUE(message="required field query must be an object")
    query = _fields(document["query"])
    parts = {}
    for name in _SHAPE_FIELDS:
        value = document.get(name)
        if value is not None and type(value) not in (dict, list):
            raise errors.BAD_VALUE(message=f"optional field {name} must be an object")
        parts[name] = _fields(value or {})
    expression = parse_filter(query, may_search=True) if query else None
    if parts["sort"]:
        parse_sort(parts["sort"])
    if parts["projection"]:
        parse_projection(parts["projection"])
    collation = parse_collation(parts["collation"]).document() if parts["collation"] else None
    key = shape_key(expression, parts["sort"], parts["projection"], collation)
    return Shape(key, query, parts["sort"], parts["projection"], collation)


def shape_key(
    expression: MatchExpression | None,
    sort: dict[str, Any],
    projection: dict[str, Any],
    collation: dict[str, Any] | None,
) -> Any:
    """What queries of one shape have in common.

    expression   the filter's tree; None for the filter that finds everything
    """
    return (
        None if expression is None else _outline(expression),
        encode(sort),
        encode(projection),
        None if collation is None else encode(collation),
    )


def filter_for(filters: IndexFilters, query: CanonicalQuery, collection: Collection) -> IndexFilter | None:
    """The filter of the shape of a query; None if none is set."""
    key = shape_key(query.expression, query.sort_spec or {}, query.projection_spec or {}, None)
    for each in filters.by_shape.values():
        strings = collection.collator if each.collation is None else collator_of(each.collation)
        if each.shape[:-1] == key[:-1] and strings is query.collator:
            return each
    return None


def refuse_shape_without_query(document: Mapping[str, Any]) -> None:
    """Refuse parts of a shape where there is no query.

    errors   BAD_VALUE
    """
    if any(document.get(name) is not None for name in _SHAPE_FIELDS):
        raise errors.BAD_VALUE(message="sort, projection, and collation must be used with query")


def _fields(value: Any) -> dict[str, Any]:
    """A document, or an array taken for one."""
    return value if type(value) is dict else {str(place): each for place, each in enumerate(value)}


def _outline(expression: MatchExpression) -> tuple[Any, ...]:
    """Operators and paths of a tree, without constants; the order of the children does not count."""
    children = tuple(sorted(map(_outline, expression.children), key=repr))
    return expression.operator, expression.path, children
