"""Whether a filter finds nothing but what another filter finds: when a partial index has every document of a query.

The answer is certain or it is no: a query that is not recognised is answered without the index. Source: manual, Partial
Indexes, "Query Coverage".
"""

from __future__ import annotations

from typing import Any, Final

from bson import Regex

from amongo.mql.matcher import MatchExpression
from amongo.mql.matcher.joins import Not
from amongo.mql.matcher.tree import Predicate
from amongo.values.key_bytes import has_strings, key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import is_nan
from amongo.values.order import canonical_class

_COMPARISONS: Final = frozenset({"$eq", "$gt", "$gte", "$lt", "$lte"})
_LOWER: Final = frozenset({"$gt", "$gte"})
_UPPER: Final = frozenset({"$lt", "$lte"})


def implies(expression: MatchExpression, wanted: MatchExpression) -> bool:
    """Whether every document that matches `expression` surely matches `wanted`."""
    if wanted.operator == "$and":
        return all(implies(expression, child) for child in wanted.children)
    if expression.operator == "$or":
        return all(implies(child, wanted) for child in expression.children)
    if expression.operator == "$and":
        if any(implies(child, wanted) for child in expression.children):
            return True
    elif _leaf_implies(expression, wanted):
        return True
    return wanted.operator == "$or" and any(implies(expression, child) for child in wanted.children)


def _leaf_implies(expression: MatchExpression, wanted: MatchExpression) -> bool:
    if repr(expression) == repr(wanted):  # as text, 1 and True are two things
        return True
    if wanted.operator == "$exists":
        return _needs_value(expression, wanted.path)
    if expression.path != wanted.path or wanted.path is None:
        return False
    if wanted.operator not in _COMPARISONS and wanted.operator != "$in":
        return False
    if expression.operator in ("$eq", "$in"):
        values = [expression.operand] if expression.operator == "$eq" else expression.operand
        return all(_value_implies(each, expression, wanted) for each in values)
    return _range_implies(expression, wanted)


def _needs_value(expression: MatchExpression, path: str | None) -> bool:
    """Whether a match surely has a value at the path."""
    if isinstance(expression, Not):
        inner = expression.children[0]
        has_one_name = path is not None and "." not in path
        return inner.path == path and inner.operator == "$eq" and inner.operand is None and has_one_name
    return expression.path == path and isinstance(expression, Predicate) and not expression.bind()({})


def _value_implies(value: Any, expression: MatchExpression, wanted: MatchExpression) -> bool:
    """Whether what equals this value passes the wanted test."""
    if type(value) is Regex or (has_strings(value) and _collator(expression) is not _collator(wanted)):
        return False
    if wanted.operator == "$in" and any(type(each) is Regex for each in wanted.operand):
        return False
    test = wanted.value_test()
    return test(value) and (value is not None or test(MISSING))


def _range_implies(expression: MatchExpression, wanted: MatchExpression) -> bool:
    """Whether one comparison lies within another of the same side and type."""
    sides = _LOWER if expression.operator in _LOWER else _UPPER
    if expression.operator not in sides or wanted.operator not in sides:
        return False
    inner, outer = expression.operand, wanted.operand
    if canonical_class(inner) != canonical_class(outer) or type(inner) in (dict, list, type(None)):
        return False
    if is_nan(inner) or is_nan(outer):
        return False
    collator = _collator(expression)
    if has_strings(inner) and collator is not _collator(wanted):
        return False
    one, other = key_bytes(inner, collator), key_bytes(outer, collator)
    if one == other:
        return expression.operator == wanted.operator or wanted.operator in ("$gte", "$lte")
    return one > other if sides is _LOWER else one < other


def _collator(expression: MatchExpression) -> Any:
    return getattr(expression, "collator", None)
