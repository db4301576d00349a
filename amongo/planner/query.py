"""The canonical query: everything that a find asks for, parsed and bound once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import Regex

from amongo.errors import query as errors
from amongo.errors import text as text_errors
from amongo.mql.matcher import MatchExpression, Text, parse_filter
from amongo.mql.matcher.geospatial import Near
from amongo.mql.projections import RECORD_ID_FIELD, Projection, parse_projection
from amongo.mql.sort_keys import SortPattern, parse_sort
from amongo.planner.bounds import IndexBounds, id_bounds
from amongo.planner.index_scan import check_bounds
from amongo.planner.metadata import check_metadata
from amongo.planner.near_scan import check_near
from amongo.planner.text_scan import check_search
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import has_strings, id_key
from amongo.values.numbers import exact_integer
from amongo.values.order import Collator, equal
from amongo.values.types import is_number

_ID_KEY_PATTERN = {"_id": 1}
_NOT_EXACT = frozenset({list, Regex, Undefined})


@dataclass(frozen=True, slots=True)
class CanonicalQuery:
    """A parsed query.

    expression   the filter's tree; None matches everything
    matches      the bound filter; None matches everything
    id_keys      keys of the only `_id`s that can match, ascending; None if the filter does not say
    id_bounds    the bounds on `_id`; None if the filter does not say
    id_direction 1 or -1 when the order is that of the `_id`s; 0 when it is another (`sort` says which)
    projection   None for whole documents
    sort         None for natural order
    collator     how `sort` compares strings; None for by their bytes
    is_reverse   natural order backwards (`$natural: -1`)
    is_natural   natural order is asked for, so that no index serves
    skip         documents left out at the start
    limit        documents at most; 0 for all
    hint         index name or key pattern
    columnar     whether it has to be run over columns, or must not be; None for as it is better
    low, high    `min` and `max`: bounds on the keys of the hinted index
    returns_key  show the index key of each document instead of it
    sort_key     the sort pattern as it was asked for, also where the order is that of the `_id`s
    search       the `$text` of the filter; None if there is none
    near         the `$near` of the filter; None without one
    filter, sort_spec, projection_spec   as the command gave them
    """

    expression: MatchExpression | None = None
    matches: Callable[[dict[str, Any]], bool] | None = None
    id_keys: tuple[bytes, ...] | None = None
    id_bounds: IndexBounds | None = None
    id_direction: int = 0
    projection: Projection | None = None
    sort: SortPattern | None = None
    collator: Collator | None = None
    is_reverse: bool = False
    is_natural: bool = False
    skip: int = 0
    limit: int = 0
    hint: Any = None
    low: dict[str, Any] | None = None
    high: dict[str, Any] | None = None
    returns_key: bool = False
    sort_key: SortPattern | None = None
    search: Text | None = None
    near: Near | None = None
    filter: Mapping[str, Any] | None = None
    sort_spec: dict[str, Any] | None = None
    projection_spec: dict[str, Any] | None = None
    columnar: bool | None = None

    def check_without_collection(self) -> None:
        """Refuse what needs an index, where there is no collection that could have one.

        errors   INDEX_REQUIRED for `$text`
        """
        if self.search is not None:
            raise text_errors.INDEX_REQUIRED()


def canonical_query(
    filter: Mapping[str, Any],
    *,
    projection: dict[str, Any] | None = None,
    sort: dict[str, Any] | None = None,
    skip: int = 0,
    limit: int = 0,
    variables: Mapping[str, Any] | None = None,
    hint: Any = None,
    low: dict[str, Any] | None = None,
    high: dict[str, Any] | None = None,
    shows_record_id: bool = False,
    returns_key: bool = False,
    collator: Collator | None = None,
    id_collator: Collator | None = None,
) -> CanonicalQuery:
    """Parse a query.

    collator      how the query compares strings; None for by their bytes
    id_collator   how the collection's index on `_id` does; where they differ, the index does not serve strings
    errors        those of the filter, the projection, the sort pattern and the bounds; HINT_NATURAL
    """
    columnar, hint = columnar_hint(hint)
    asked = projection
    if shows_record_id:
        projection = {**(projection or {}), RECORD_ID_FIELD: {"$meta": "recordId"}}
    has_id_order = collator is id_collator
    goes_by_id = has_id_order or not has_strings(filter.get("_id"))
    if projection is None and sort is None and goes_by_id and not hint and not returns_key:
        key = exact_id_key(filter, id_collator)
        if key is not None:
            return CanonicalQuery(id_keys=(key,), collator=collator, skip=skip, limit=limit)
    variables = variables or {}
    expression = None
    if filter:
        expression = parse_filter(
            dict(filter), variables=variables, collator=collator, may_search=True, allows_near=True
        )
    shape = parse_projection(projection, variables=variables, collator=collator) if projection else None
    pattern = parse_sort(sort) if sort else None
    natural_sort, natural_hint = pattern.natural if pattern is not None else 0, _natural_hint(hint)
    natural = natural_sort or natural_hint
    pattern = None if pattern is None or pattern.natural else pattern
    check_bounds(low, high)
    search = check_search(expression, has_hint=bool(hint), is_natural=bool(natural)) if expression else None
    near = None
    if expression is not None:
        near = check_near(expression, is_natural_sort=bool(natural_sort), is_natural_hint=bool(natural_hint))
    keywords = (*(shape.keywords if shape is not None else ()), *(pattern.keywords if pattern is not None else ()))
    if keywords:
        check_metadata(keywords, expression, has_sort=pattern is not None)
    sort_key, id_direction = pattern, 0
    has_id_order = has_id_order and near is None and search is None
    if pattern is not None and has_id_order and not hint and pattern.paths[0] == ("_id",):  # other fields are idle
        id_direction, pattern = pattern.directions[0], None
    elif (
        pattern is None
        and not natural
        and near is None
        and (hint == "_id_" or (type(hint) is dict and equal(hint, _ID_KEY_PATTERN)))
    ):
        id_direction = 1
    return CanonicalQuery(
        expression=expression,
        matches=expression.bind() if expression is not None else None,
        id_keys=_id_keys(filter, id_collator) if goes_by_id and not natural else None,
        id_bounds=id_bounds(expression, collator, id_collator) if not natural else None,
        id_direction=id_direction,
        projection=_key_shape(projection) if returns_key else shape,
        sort=pattern,
        collator=collator,
        is_reverse=natural < 0,
        is_natural=bool(natural),
        skip=skip,
        limit=limit,
        hint=hint,
        low=low,
        high=high,
        returns_key=returns_key,
        sort_key=sort_key,
        search=search,
        near=near,
        filter=filter,
        sort_spec=sort,
        projection_spec=asked,
        columnar=columnar,
    )


def finds_nothing(expression: MatchExpression) -> bool:
    """Whether a filter says itself that no document can match: `$alwaysFalse`, `$in: []`, an `$and` with one of these
    in it, an `$or` of nothing else. The server's plan for it is EOF."""
    operator = expression.operator
    if operator == "$in":
        return not expression.operand
    if operator == "$and":
        return any(map(finds_nothing, expression.children))
    return operator == "$alwaysFalse" or (operator == "$or" and all(map(finds_nothing, expression.children)))


def columnar_hint(hint: Any) -> tuple[bool | None, Any]:
    """(whether the columnar path is asked for, forbidden, or nothing is said; what the hint says beside that).

    hint     `{$columnar: true}` requires the path over columns, `{$columnar: false}` forbids it; amongo's own
    errors   HINT_COLUMNAR
    """
    if type(hint) is not dict or "$columnar" not in hint:
        return None, hint
    if len(hint) > 1 or type(hint["$columnar"]) is not bool:
        raise errors.HINT_COLUMNAR()
    return hint["$columnar"], None


def _natural_hint(hint: Any) -> int:
    """1 or -1 for the hint `{$natural: …}`, 0 for another or none.

    errors   HINT_NATURAL
    """
    if type(hint) is not dict or "$natural" not in hint:
        return 0
    direction = exact_integer(hint["$natural"]) if is_number(hint["$natural"]) else None
    if direction is None or abs(direction) != 1:
        raise errors.HINT_NATURAL()
    return direction


def _key_shape(projection: dict[str, Any] | None) -> Projection | None:
    """What `returnKey` takes from a projection: sort keys, nothing else."""
    wanted = {name: value for name, value in (projection or {}).items() if value == {"$meta": "sortKey"}}
    return parse_projection(wanted) if wanted else None


def is_exact_id(filter: Mapping[str, Any], has_collation: bool) -> bool:
    """Whether a filter surely finds its one document by the index on `_id`: an estimate, before anything is parsed.

    has_collation   the operation asks for one, which may not be that of the index
    """
    return _asks_one_id(filter) and not (has_collation and has_strings(filter["_id"]))


def exact_id_key(filter: Mapping[str, Any], collator: Collator | None = None) -> bytes | None:
    """The key of x in the filter `{_id: x}` when that asks for equality and nothing else; None otherwise.

    collator   that of the index on `_id`
    """
    return id_key(filter["_id"], collator) if _asks_one_id(filter) else None


def _asks_one_id(filter: Mapping[str, Any]) -> bool:
    if len(filter) != 1 or "_id" not in filter:
        return False
    value = filter["_id"]
    kind = type(value)
    return kind not in _NOT_EXACT and not (kind is dict and _is_operators(value))


def _id_keys(filter: Mapping[str, Any], collator: Collator | None) -> tuple[bytes, ...] | None:
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
    return tuple(sorted({id_key(value, collator) for value in candidates}))


def _is_operators(condition: Mapping[str, Any]) -> bool:
    return next(iter(condition), "").startswith("$")
