"""Filters: parsed once to a tree of match expressions, bound once to a closure, run on every document."""

from amongo.mql.matcher import (
    arrays,
    bitwise,
    comparison,
    element,
    evaluation,
    geospatial,
    json_schema,
    logical,
    regular_expressions,
    scripting,
    text_search,
)
from amongo.mql.matcher.parse import parse_filter
from amongo.mql.matcher.positional import array_match_index
from amongo.mql.matcher.registry import FIELD_OPERATORS, NOT_YET, TOP_LEVEL_OPERATORS
from amongo.mql.matcher.text_search import Text, searches
from amongo.mql.matcher.tree import MatchExpression

__all__ = [
    "FIELD_OPERATORS",
    "NOT_YET",
    "TOP_LEVEL_OPERATORS",
    "MatchExpression",
    "Text",
    "array_match_index",
    "parse_filter",
    "searches",
]

FAMILIES = (
    arrays,
    bitwise,
    comparison,
    element,
    evaluation,
    geospatial,
    json_schema,
    logical,
    regular_expressions,
    scripting,
    text_search,
)
"""The modules whose import fills the registry."""
