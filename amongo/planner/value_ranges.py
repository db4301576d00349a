"""Between which keys of an index the values lie that a filter's comparisons of one field let through.

A range lets through more than the filter does, never less: documents are matched all the same. It matters for the
order of what a hinted index finds, where a document has several keys: it comes at the first that the filter lets
through. Source: manual, Multikey Index Bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from bson import Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.mql.matcher import MatchExpression
from amongo.values.key_bytes import bracket_bounds, descending, key_bytes
from amongo.values.order import Collator

_COMPARISONS: Final = frozenset({"$eq", "$gt", "$gte", "$lt", "$lte"})

# Types whose comparison is that of their key bytes within their bracket.
_ORDERED: Final = frozenset({int, Int64, float, Decimal128, str, ObjectId, DatetimeMS, Timestamp, bool})
_BEHIND: Final = b"\xff"  # comes behind whatever follows a value in a key


class Range(NamedTuple):
    """Key bytes: low <= key < high."""

    low: bytes
    high: bytes


def field_range(
    expression: MatchExpression | None, path: str, *, direction: int, collator: Collator | None, takes_one: bool
) -> Range | None:
    """The range of the comparisons of one field that every match satisfies; None if there are none.

    direction   1 or -1: of the field in the index
    collator    of the index; where the query compares strings otherwise, they give no range
    takes_one   the index is multikey: different comparisons may hold for different elements, so only one counts
    """
    found: Range | None = None
    for node in _comparisons(expression, path):
        value = node.operand
        if type(value) not in _ORDERED or value != value or (type(value) is str and _collator(node) is not collator):
            continue
        each = _range(node.operator, value, direction, collator)
        found = each if found is None else Range(max(found.low, each.low), min(found.high, each.high))
        if takes_one:
            break
    return found


def _comparisons(expression: MatchExpression | None, path: str) -> Iterator[MatchExpression]:
    if expression is None:
        return
    if expression.operator == "$and":
        for child in expression.children:
            yield from _comparisons(child, path)
    elif expression.path == path and expression.operator in _COMPARISONS:
        yield expression


def _collator(node: MatchExpression) -> Any:
    return getattr(node, "collator", None)


def _range(operator: str, value: Any, direction: int, collator: Collator | None) -> Range:
    """The range of one comparison."""
    key = key_bytes(value, collator)
    least, past = bracket_bounds(value)
    if direction < 0:
        key = descending(key)
        least, past = bytes([256 - past[0]]), bytes([256 - least[0]])
        operator = _TURNED.get(operator, operator)
    if operator == "$eq":
        return Range(key, key + _BEHIND)
    if operator in ("$gt", "$gte"):
        return Range(key + _BEHIND if operator == "$gt" else key, past)
    return Range(least, key + _BEHIND if operator == "$lte" else key)


_TURNED: Final = {"$gt": "$lt", "$gte": "$lte", "$lt": "$gt", "$lte": "$gte"}
