"""What a query knows of each document beside it: `$meta` in a projection. Source: manual, $meta."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from amongo.errors import query as errors
from amongo.mql.matcher import MatchExpression

# Keyword -> (what the error calls it, the operators that bring it).
_BROUGHT_BY: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "textScore": ("text score", frozenset({"$text"})),
    "geoNearDistance": ("$geoNear distance", frozenset({"$near", "$nearSphere", "$geoNear"})),
    "geoNearPoint": ("$geoNear point", frozenset({"$near", "$nearSphere", "$geoNear"})),
}


def check_metadata(keywords: Collection[str], expression: MatchExpression | None, *, has_sort: bool) -> None:
    """Refuse `$meta` of what the query does not find out. What an index or a search would bring is left out instead.

    errors   META_NOT_AVAILABLE, SORT_KEY_WITHOUT_SORT
    """
    if "sortKey" in keywords and not has_sort:
        raise errors.SORT_KEY_WITHOUT_SORT()
    for keyword in keywords:
        if keyword in _BROUGHT_BY:
            what, operators = _BROUGHT_BY[keyword]
            if expression is None or operators.isdisjoint(_operators(expression)):
                raise errors.META_NOT_AVAILABLE(what=what)


def _operators(expression: MatchExpression) -> Iterator[str]:
    yield expression.operator
    for child in expression.children:
        yield from _operators(child)
