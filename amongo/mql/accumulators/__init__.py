"""Accumulators fold the documents of a group into one value."""

from amongo.mql.accumulators import collecting, quantiles, scripting, several, single, sums
from amongo.mql.accumulators.not_yet import NOT_YET
from amongo.mql.accumulators.parse import parse_accumulation
from amongo.mql.accumulators.registry import ACCUMULATORS, DOCUMENTATION, Accumulation, Accumulator

__all__ = [
    "ACCUMULATORS",
    "DOCUMENTATION",
    "FAMILIES",
    "NOT_YET",
    "Accumulation",
    "Accumulator",
    "parse_accumulation",
]

FAMILIES = (collecting, quantiles, scripting, several, single, sums)
"""The modules whose import fills the registry."""
