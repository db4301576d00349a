"""Filters that are not run as queries: of validators, of listCollections and listDatabases.

There is no index, no JavaScript and no sorting by distance in them, so that the operators which need these are
refused. Source: manual, create, "validator"; listDatabases, "filter".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from amongo.errors import command as errors
from amongo.mql.matcher import parse_filter
from amongo.mql.matcher.parse import is_operator_document

_TOP_LEVEL: Final = frozenset({"$where", "$text"})
_BY_DISTANCE: Final = frozenset({"$near", "$nearSphere", "$geoNear"})
_LOGICAL: Final = frozenset({"$and", "$or", "$nor"})
_HOLDING: Final = frozenset({"$not", "$elemMatch"})


def restricted_filter(filter: dict[str, Any] | None) -> Callable[[dict[str, Any]], bool] | None:
    """The bound filter; None for one that lets everything pass.

    errors   those of `check_restricted` and of the filter
    """
    if not filter:
        return None
    check_restricted(filter)
    return parse_filter(filter).bind()


def check_restricted(filter: Mapping[str, Any]) -> None:
    """Refuse the operators that only a query on a collection may use.

    errors   BAD_VALUE for $where and $text, FILTER_BY_DISTANCE
    """
    for name, condition in filter.items():
        if name in _TOP_LEVEL:
            raise errors.BAD_VALUE(message=f"{name} is not allowed in this context")
        if name in _LOGICAL and type(condition) is list:
            for each in condition:
                if type(each) is dict:
                    check_restricted(each)
        elif is_operator_document(condition):
            _check_operators(condition)


def _check_operators(operators: Mapping[str, Any]) -> None:
    """Refuse sorting by distance, also below operators that hold others.

    errors   FILTER_BY_DISTANCE
    """
    if not _BY_DISTANCE.isdisjoint(operators):
        raise errors.FILTER_BY_DISTANCE()
    for name in _HOLDING & operators.keys():
        inner = operators[name]
        if is_operator_document(inner):
            _check_operators(inner)
        elif name == "$elemMatch" and type(inner) is dict:
            check_restricted(inner)
