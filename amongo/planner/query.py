"""The canonical query: everything that a find asks for, parsed and bound once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import Binary, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.projections import Projection, parse_projection
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import bracket_bounds, id_key

_NOT_EXACT = frozenset({list, Regex, Undefined})

# Types whose comparison is that of their key bytes within their bracket. (NaN compares with NaN alone, so not doubles.)
_ORDERED = frozenset({int, Int64, str, ObjectId, DatetimeMS, Timestamp, bytes, Binary, bool})


@dataclass(frozen=True, slots=True)
class CanonicalQuery:
    """A parsed query.

    expression   the filter's tree; None matches everything
    matches      the bound filter; None matches everything
    id_keys      keys of the only `_id`s that can match, ascending; None if the filter does not say
    id_bounds    (low, high): only `_id`s with low <= key < high can match; None if the filter does not say
    id_direction 1 or -1 when the order is that of the `_id`s; 0 when it is another (`sort` says which)
    projection   None for whole documents
    sort         None for natural order
    is_reverse   natural order backwards (`$natural: -1`)
    skip         documents left out at the start
    limit        documents at most; 0 for all
    """

    expression: MatchExpression | None = None
    matches: Callable[[dict[str, Any]], bool] | None = None
    id_keys: tuple[bytes, ...] | None = None
    id_bounds: tuple[bytes, bytes] | None = None
    id_direction: int = 0
    projection: Projection | None = None
    sort: SortPattern | None = None
    is_reverse: bool = False
    skip: int = 0
    limit: int = 0


def canonical_query(
    filter: Mapping[str, Any],
    *,
    projection: dict[str, Any] | None = None,
    sort: dict[str, Any] | None = None,
    skip: int = 0,
    limit: int = 0,
    variables: Mapping[str, Any] | None = None,
    hint: Any = None,
) -> CanonicalQuery:
    """Parse a query.

    errors   those of the filter, the projection and the sort pattern
    """
    key = exact_id_key(filter)
    if key is not None and projection is None and sort is None:
        return CanonicalQuery(id_keys=(key,), skip=skip, limit=limit)
    expression = parse_filter(dict(filter), variables=variables or {}) if filter else None
    shape = parse_projection(projection, filter=expression, variables=variables or {}) if projection else None
    natural = sort.get("$natural") if sort else None
    if natural is None and isinstance(hint, dict):
        natural = hint.get("$natural")
    pattern = parse_sort(sort) if sort and "$natural" not in sort else None
    id_direction = 0
    if sort and pattern is not None and next(iter(sort)) == "_id":  # it is unique: further fields order nothing
        id_direction, pattern = (1 if sort["_id"] > 0 else -1), None
    return CanonicalQuery(
        expression=expression,
        matches=expression.bind() if expression is not None else None,
        id_keys=_id_keys(filter) if natural is None else None,
        id_bounds=_id_bounds(filter) if natural is None else None,
        id_direction=id_direction,
        projection=shape,
        sort=pattern,
        is_reverse=natural is not None and natural < 0,
        skip=skip,
        limit=limit,
    )


def exact_id_key(filter: Mapping[str, Any]) -> bytes | None:
    """The key of x in the filter `{_id: x}` when that asks for equality and nothing else; None otherwise."""
    if len(filter) != 1 or "_id" not in filter:
        return None
    value = filter["_id"]
    kind = type(value)
    if kind in _NOT_EXACT or (kind is dict and _is_operators(value)):
        return None
    return id_key(value)


def _id_keys(filter: Mapping[str, Any]) -> tuple[bytes, ...] | None:
    """Keys of the only `_id`s that the filter's `_id` field lets through, each once, ascending."""
    condition = filter.get("_id")
    if condition is None:
        return None
    if type(condition) is dict and _is_operators(condition):
        if "$eq" in condition:
            candidates = [condition["$eq"]]
        elif type(condition.get("$in")) is list:
            candidates = condition["$in"]
        else:
            return None
    else:
        candidates = [condition]
    if any(type(value) in _NOT_EXACT for value in candidates):
        return None
    return tuple(sorted({id_key(value) for value in candidates}))


def _id_bounds(filter: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
    """(low, high) of the comparisons in the filter's `_id` field; None if there are none.

    They may let through more than the filter does, never less: a document is matched all the same.
    """
    condition = filter.get("_id")
    if type(condition) is not dict:
        return None
    bounds = None
    for name in ("$gt", "$gte", "$lt", "$lte"):
        if name in condition and type(condition[name]) in _ORDERED:
            value = condition[name]
            low, high = bracket_bounds(value)
            if name in ("$gt", "$gte"):
                low = id_key(value)
            else:
                high = id_key(value) + (b"\x00" if name == "$lte" else b"")
            bounds = (low, high) if bounds is None else (max(bounds[0], low), min(bounds[1], high))
    return bounds


def _is_operators(condition: Mapping[str, Any]) -> bool:
    return next(iter(condition), "").startswith("$")
