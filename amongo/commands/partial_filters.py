"""The filters of partial indexes: what a filter may ask, that an index must be able to keep up with.

Source: manual, Partial Indexes, "Create a Partial Index".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from amongo.commands.restricted_filters import check_restricted
from amongo.errors import index as errors
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.values.wording import shown

_LOGICAL: Final = frozenset({"$and", "$or"})
_ALLOWED: Final = frozenset({"$eq", "$lt", "$lte", "$gt", "$gte", "$exists", "$type", "$in", "$geoWithin"})


def check_partial_filter(filter: dict[str, Any]) -> None:
    """Refuse a filter that no partial index can have.

    errors   PARTIAL_FILTER_BANNED, CANNOT_CREATE, and those of the filter
    """
    _check_banned(filter)
    check_restricted(filter)
    _check(parse_filter(filter))


def _check_banned(filter: Mapping[str, Any]) -> None:
    for name, condition in filter.items():
        if name in ("$expr", "$jsonSchema"):
            raise errors.PARTIAL_FILTER_BANNED(name=name)
        if name in ("$and", "$or", "$nor") and type(condition) is list:
            for each in condition:
                if type(each) is dict:
                    _check_banned(each)


def _check(expression: MatchExpression) -> None:
    if expression.operator in _LOGICAL:
        for child in expression.children:
            _check(child)
    elif expression.operator not in _ALLOWED:
        operator, path = expression.operator, expression.path
        raise errors.CANNOT_CREATE(
            message=f"Expression not supported in partial index: {path or ''} {operator} {_operand(expression)}"
        )


def _operand(expression: MatchExpression) -> str:
    return "" if expression.children else shown(expression.operand)
