"""Accumulators of $group as aggregates of a statement."""

from amongo.aggregate.relational.accumulators import collecting, ends, extremes, numbers, several

__all__ = ["FAMILIES"]

FAMILIES = (collecting, ends, extremes, numbers, several)
"""The modules whose import fills the registry."""
