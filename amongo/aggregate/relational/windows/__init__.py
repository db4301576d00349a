"""Functions of $setWindowFields as window functions of a statement."""

from amongo.aggregate.relational.windows import folds, places

__all__ = ["FAMILIES"]

FAMILIES = (folds, places)
"""The modules whose import fills the registry."""
