"""Date expressions: parts, building, text, moving, counting and cutting, all in any time zone."""

from amongo.mql.expressions.date import building, moving, parts, text, truncating

__all__ = ["FAMILIES"]

FAMILIES = (building, moving, parts, text, truncating)
"""The modules whose import fills the registry."""
