"""Which part of a wildcard index serves a filter.

A wildcard index has an entry for each path to a value, so that it can serve a predicate on one path that it takes in,
and nothing else: not a filter without one, not one that asks for null or for what is missing, and not `_id` unless its
projection shows it. Source: manual, Wildcard Index Restrictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amongo.mql.matcher import MatchExpression
from amongo.mql.projections import parse_projection
from amongo.planner.value_ranges import field_range
from amongo.values.key_bytes import key_bytes
from amongo.values.order import Collator

Definition = Mapping[str, Any]

_END_BYTES: Final = 2  # of the key of a string
_BEHIND_DOT: Final = b"/"

_SERVED: Final = frozenset({"$eq", "$lt", "$lte", "$gt", "$gte", "$in", "$exists", "$regex", "$type"})


def wildcard_range(
    definition: Definition, expression: MatchExpression | None, collator: Collator | None
) -> tuple[bytes, bytes] | None:
    """(low, high) of the keys of the first path for which a wildcard index serves a filter; None if there is none.

    definition   of an index whose wildcard is its first field
    expression   the filter's tree; None for no filter
    collator     of the index
    """
    for path in _paths(expression):
        if _takes_in(definition, path):
            key = key_bytes(path)
            between = field_range(expression, path, direction=1, collator=collator, takes_one=True)
            if between is not None:
                return key + between.low, key + between.high
            low = key[:-_END_BYTES]
            return low, low + _BEHIND_DOT  # what lies below the path as well: it is matched all the same
    return None


def is_wildcard(definition: Definition) -> bool:
    """Whether an index has a wildcard in its key pattern."""
    return any(name.endswith("$**") and type(value) is not str for name, value in definition["key"].items())


def _paths(expression: MatchExpression | None) -> Iterator[str]:
    """The paths of the predicates that every match satisfies and that a wildcard index can serve."""
    if expression is None:
        return
    if expression.operator == "$and":
        for child in expression.children:
            yield from _paths(child)
    elif expression.operator == "$not" and _is_equal_null(expression.children[0]):
        yield expression.children[0].path or ""
    elif expression.path is not None and expression.operator in _SERVED and not _asks_for_nothing(expression):
        yield expression.path


def _is_equal_null(expression: MatchExpression) -> bool:
    return expression.operator == "$eq" and expression.operand is None


def _asks_for_nothing(expression: MatchExpression) -> bool:
    """Whether a predicate also finds what has no entry: null, and documents or arrays compared as a whole."""
    if expression.operator in ("$exists", "$type"):
        return False
    operands = expression.operand if expression.operator == "$in" else [expression.operand]
    return any(each is None or (type(each) in (dict, list) and bool(each)) for each in operands)


def _takes_in(definition: Definition, path: str) -> bool:
    """Whether the index has entries for a path."""
    wildcard = next(name for name in definition["key"] if name.endswith("$**"))
    if wildcard != "$**":
        return path.startswith(wildcard.removesuffix("$**"))
    projection = definition.get("wildcardProjection")
    if projection is None:
        return path.partition(".")[0] != "_id"
    if "_id" not in projection:
        projection = {**projection, "_id": 0}
    probe: Any = 1
    for name in reversed(path.split(".")):
        probe = {name: probe}
    shown = parse_projection(projection, is_stage=True).apply(probe)
    for name in path.split("."):
        if type(shown) is not dict or name not in shown:
            return False
        shown = shown[name]
    return True
