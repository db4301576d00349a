"""Filters inside an update: those of `$pull` and of `arrayFilters`.

They look at one element of an array. What needs the whole document or an index is refused: geospatial order,
expressions, text search, JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amongo.errors import update as errors
from amongo.mql.matcher import parse_filter
from amongo.mql.updates.registry import UpdateContext

_SORTED_BY_DISTANCE = frozenset({"$near", "$nearSphere", "$geoNear"})
_LOGICAL = frozenset({"$and", "$or", "$nor"})


def parse_inner_filter(document: dict[str, Any], context: UpdateContext) -> Callable[[dict[str, Any]], bool]:
    """The test of a filter.

    errors   NEAR_NOT_ALLOWED, EXPR_NOT_ALLOWED, SPECIAL_NOT_ALLOWED; those of the filter
    """
    _refuse_special(document)
    return parse_filter(document, variables=context.variables, collator=context.collator).bind()


def _refuse_special(document: dict[str, Any]) -> None:
    for name, operand in document.items():
        if name in _SORTED_BY_DISTANCE:
            raise errors.NEAR_NOT_ALLOWED()
        if name == "$expr":
            raise errors.EXPR_NOT_ALLOWED()
        if name in ("$text", "$where"):
            raise errors.SPECIAL_NOT_ALLOWED(name=name)
        if name in _LOGICAL and type(operand) is list:
            for inner in operand:
                if type(inner) is dict:
                    _refuse_special(inner)
        elif type(operand) is dict and (name in ("$not", "$elemMatch") or _is_operators(name, operand)):
            _refuse_special(operand)


def _is_operators(name: str, operand: dict[str, Any]) -> bool:
    return not name.startswith("$") and next(iter(operand), "").startswith("$")
