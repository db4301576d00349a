"""The array position that made a document match: what the positional operator `$` stands for."""

from __future__ import annotations

from typing import Any

from amongo.mql.matcher.tree import MatchExpression


def array_match_index(expression: MatchExpression, document: dict[str, Any]) -> int | None:
    """The position for the positional operator.

    expression   a filter that the document matches
    result       the position in the outermost array that was entered for the match; None where the document does not
                 match, or matches without looking into an array, or through `$not`, `$nor` or several branches of `$or`
    source       manual, $ (update), $ (projection)
    """
    return expression.locate(document)[1]
